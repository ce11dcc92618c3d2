"""Pictures: what a window answers, with what led to it and what moved it."""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Generic, TypeVar

import polars as pl

from blueattr.analysis.attribute import SAMPLED_FROM, sample_summaries
from blueattr.analysis.carriers.records import records
from blueattr.analysis.groups.grouping import ByGroup, PanelGroups
from blueattr.analysis.groups.sources import StoreGroups
from blueattr.attribution.attribute import AttributionResult
from blueattr.attribution.by_feature import feature_split
from blueattr.attribution.question import Question
from blueattr.attribution.tiered import TieredPanel
from blueattr.errors import NoAnswerError
from blueattr.store import coverage
from blueattr.watch.history import History
from blueattr.watch.marking import Marker
from blueattr.watch.picture import (
    BesideSample,
    GroupShare,
    MovingPost,
    PastShares,
    Picture,
    RisingAccount,
    Series,
    WatchChoice,
)
from blueattr.watch.reading import WindowAnswer, WindowReading
from blueattr.watch.window_state import moment

__all__ = ["Album"]


_HOUR = timedelta(hours=1)
_MINUTES_SHOWN = 60
_SIZE, _SEEDS = 100, 10
_POSTS_SHOWN, _POSTS_EACH = 8, 3

# What takes long is made anew after a minute, or after this many times as long as it took.
_MINUTE, _TIMES_AS_LONG = 60.0, 20.0


_T = TypeVar("_T")


@dataclass
class _Renewed(Generic[_T]):
    """What is made anew only now and then."""

    clock: Callable[[], float]
    value: _T
    due: float = float("-inf")

    def renew(self, make: Callable[[], _T]) -> _T:
        """Return it, made anew if it is time."""
        began = self.clock()
        if began >= self.due:
            self.value = make()
            self.due = began + max(_MINUTE, _TIMES_AS_LONG * (self.clock() - began))
        return self.value


class Album:
    """Makes pictures of a reading, each with the ones before behind it.

    Parameters
    ----------
    question
        What is attributed: one indicator.
    by
        What groups the agents; None for tiers alone.
    top
        How many accounts to name; 0 names nobody, nor posts.
    clock
        Seconds since any moment.
    see
        Looks at each picture for what somebody is told; it returns what a reader must know of that.
    """

    def __init__(
        self,
        question: Question,
        by: ByGroup | None,
        top: int,
        clock: Callable[[], float],
        see: Callable[[WindowReading, WindowAnswer, Picture], tuple[str, ...]] | None = None,
    ) -> None:
        self._question = question
        self._by = by
        self._top = top
        self._history = History()
        # Shares of all agents: those that risers are told by, and those that will be.
        self._before: deque[tuple[datetime, pl.DataFrame]] = deque()
        self._sample: _Renewed[BesideSample | None] = _Renewed(clock, None)
        self._posts: _Renewed[tuple[MovingPost, ...]] = _Renewed(clock, ())
        self._handles: dict[str, str | None] = {}
        self._marker = Marker(question, names=bool(top))
        self._see = see

    def read_anew(self) -> None:
        """Forget what was known of accounts: the store has changed."""
        self._handles.clear()

    def picture(self, reading: WindowReading, answer: WindowAnswer, choice: WatchChoice) -> Picture:
        """Make the picture of what a reading answers.

        Parameters
        ----------
        reading, answer
            The store, and what its window answers.
        choice
            What is watched.
        """
        result, window = answer.result, answer.window
        minutes = reading.state.minutes(_MINUTES_SHOWN)
        picture = Picture(
            choice=choice,
            title=reading.topic.title if reading.topic else "All events",
            start=window.start,
            end=window.end,
            total=None,
            n_agents=0,
            n_involved=0,
            tiers=(),
            series=Series(
                moment(minutes.start), tuple(minutes.participants.tolist()),
                tuple(minutes.posts.tolist()),
            ),
            gaps=coverage.gaps(reading.store, window),
            events=reading.state.events_read,
            undefined=answer.undefined,
            cutoffs=self._question.cutoffs,
            synthetic=bool(reading.synthetic),
        )  # fmt: skip
        if result is not None and answer.view is not None and answer.frame is not None:
            picture = self._with_shares(picture, reading, answer, result)
        tiers = tuple(tier.share for tier in picture.tiers)
        self._history.add(PastShares(picture.end, picture.total, tiers), picture.groups)
        marks = self._marker.see(reading, picture)
        history = self._history.beside(picture.groups)
        picture = replace(picture, history=history, marks=marks)
        if self._see is None:
            return picture
        return replace(picture, notes=picture.notes + self._see(reading, answer, picture))

    def _with_shares(
        self,
        picture: Picture,
        reading: WindowReading,
        answer: WindowAnswer,
        result: AttributionResult,
    ) -> Picture:
        tiered = TieredPanel.of(answer.panel, self._question.cutoffs, result.panel)
        groups, notes = self._groups(reading, answer, result, tiered)
        before = self._shares_before(result, answer.window.end)
        return replace(
            picture,
            total=result.total,
            n_agents=result.n_agents,
            n_involved=result.n_involved,
            tiers=result.tiers,
            groups=groups,
            leaders=self._leaders(answer, result, before),
            risers=self._risers(answer, result, before),
            posts=self._posts.renew(lambda: self._moving(reading, answer, result)),
            sample=self._sample.renew(lambda: self._beside(answer, result, tiered)),
            notes=notes,
            ranked_by=result.provenance.ranked_by,
        )

    # --- the parts -------------------------------------------------------------------------------

    def _groups(
        self,
        reading: WindowReading,
        answer: WindowAnswer,
        result: AttributionResult,
        tiered: TieredPanel,
    ) -> tuple[tuple[GroupShare, ...], tuple[str, ...]]:
        if self._by is None or answer.view is None:
            return (), ()
        source = StoreGroups(answer.view, reading.topic)
        try:
            panel = PanelGroups.of(self._by, source, tiered, hides=not self._top)
            if panel is None:
                return (), ()
            (grouped,) = panel.with_shares([result], tiered, self._question)
        except NoAnswerError as error:
            return (), (f"There are no groups: {error}",)
        shares = (
            GroupShare(
                one.group, one.agents, one.value, one.share, one.agents_involved,
                one.share_involved,
            )
            for one in grouped.groups.groups
        )  # fmt: skip
        return self._history.in_order(shares), grouped.groups.notes

    def _named(self, answer: WindowAnswer, dids: list[str]) -> Mapping[str, str | None]:
        unknown = [did for did in dids if did not in self._handles]
        if unknown and answer.view is not None:
            found = answer.view.handles(unknown)
            self._handles.update({did: found.get(did) for did in unknown})
        return self._handles

    def _accounts(
        self, answer: WindowAnswer, rows: pl.DataFrame, before: pl.DataFrame | None
    ) -> tuple[RisingAccount, ...]:
        handles = self._named(answer, rows["did"].to_list())
        earlier = {} if before is None else dict(before.iter_rows())
        return tuple(
            RisingAccount(did, handles.get(did), value, share, earlier.get(did))
            for did, value, share in rows.select("did", "value", "share").iter_rows()
        )

    def _leaders(
        self, answer: WindowAnswer, result: AttributionResult, before: pl.DataFrame | None
    ) -> tuple[RisingAccount, ...]:
        first = result.agents.head(self._top)
        known = None if before is None else before.join(first, on="did", how="semi")
        return self._accounts(answer, first, known)

    def _risers(
        self, answer: WindowAnswer, result: AttributionResult, before: pl.DataFrame | None
    ) -> tuple[RisingAccount, ...]:
        if before is None or not self._top:
            return ()
        rose = result.agents.join(
            before.rename({"share": "before"}), on="did", how="left", maintain_order="left"
        ).with_columns(rise=pl.col("share") - pl.col("before").fill_null(0.0))
        most = (
            rose.filter(pl.col("rise") > 0)
            .sort("rise", "did", descending=[True, False])
            .head(self._top)
        )
        return self._accounts(answer, most, most.select("did", share="before").drop_nulls())

    def _shares_before(self, result: AttributionResult, end: datetime) -> pl.DataFrame | None:
        """Return the shares of all agents an hour ago, or up to two; None before that."""
        if not self._before or end - self._before[-1][0] >= _HOUR / 2:
            self._before.append((end, result.agents.select("did", "share")))
        while len(self._before) > 1 and end - self._before[1][0] >= _HOUR:
            self._before.popleft()
        time, shares = self._before[0]
        return shares if end - time >= _HOUR else None

    def _beside(
        self, answer: WindowAnswer, result: AttributionResult, tiered: TieredPanel
    ) -> BesideSample:
        full = tuple(tier.share for tier in result.tiers)
        (summary,) = sample_summaries(tiered, self._question, [result])
        note = ""
        if summary is None:
            note = f"Samples of {_SIZE} are drawn of {SAMPLED_FROM} agents or more."
        elif not summary.tiers:
            note = summary.unavailable or "No sample has an answer."
        shares = () if summary is None else tuple(tier.share_mean for tier in summary.tiers)
        return BesideSample(_SIZE, _SEEDS, shares, full, answer.window.end, note)

    def _moving(
        self, reading: WindowReading, answer: WindowAnswer, result: AttributionResult
    ) -> tuple[MovingPost, ...]:
        view, frame = answer.view, answer.frame
        if not self._top or view is None or frame is None or feature_split(result).kind is None:
            return ()
        dids = result.agents["did"].head(self._top).to_list()
        try:
            found = records(view, reading.topic, frame, result, dids, most=_POSTS_EACH).records
        except NoAnswerError:  # of a store whose tables count interactions, and not by whom
            return ()
        shown = found.filter(
            pl.col("time").is_not_null() & pl.col("kind").is_in(["post", "reply"])
        ).sort("share", "uri", descending=[True, False])
        handles = self._named(answer, dids)
        return tuple(
            MovingPost(did, handles.get(did), uri, time, text, share)
            for did, uri, time, text, share in shown.head(_POSTS_SHOWN)
            .select("did", "uri", "time", "text", "share")
            .iter_rows()
        )

    @property
    def has_history(self) -> bool:
        """Whether an earlier moment is known."""
        return bool(self._history)

    def remember(self, answer: WindowAnswer) -> None:
        """Keep the shares of a moment of which there is no picture."""
        result = answer.result
        if result is None:
            self._history.add(PastShares(answer.window.end, None, ()))
        else:
            tiers = tuple(tier.share for tier in result.tiers)
            self._history.add(PastShares(answer.window.end, result.total, tiers))
            self._shares_before(result, answer.window.end)
