"""Pictures: what a window answers, with what led to it and what moved it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Generic, TypeVar

import polars as pl

from blueattr.analysis.asked.naming import OPEN, Naming
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
from blueattr.watch.history import History, SharesAgo
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
from blueattr.watch.reading import WatchReading, WindowAnswer
from blueattr.watch.window_state import moment

__all__ = ["Album"]


_MINUTES_SHOWN = 60
_SIZE, _SEEDS = 100, 10
_POSTS_SHOWN, _POSTS_EACH = 8, 3

# What takes long is made anew after a minute, by the clock or by the window's time, which a replay
# passes more often; but not before this many times as long as it took.
_MINUTE, _TIMES_AS_LONG = timedelta(minutes=1), 20.0


_NOBODY = "Nobody is named, and no post is shown."
_PSEUDONYMS = "Accounts have pseudonyms, and no post is shown."

_T = TypeVar("_T")


@dataclass
class _Renewed(Generic[_T]):
    """What is made anew only now and then."""

    clock: Callable[[], float]
    value: _T
    made: tuple[float, datetime] | None = None  # when, by the clock and by the window's time
    took: float = 0.0

    def renew(self, end: datetime, make: Callable[[], _T]) -> _T:
        """Return it for a window that ends at a time, made anew if it is time."""
        began = self.clock()
        if self._is_due(began, end):
            self.value = make()
            self.made, self.took = (began, end), self.clock() - began
        return self.value

    def _is_due(self, now: float, end: datetime) -> bool:
        if self.made is None:
            return True
        passed, moved = now - self.made[0], abs(end - self.made[1])
        is_old = passed >= _MINUTE.total_seconds() or moved >= _MINUTE
        return is_old and passed >= _TIMES_AS_LONG * self.took


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
    naming
        How accounts are named.
    """

    def __init__(
        self,
        question: Question,
        by: ByGroup | None,
        top: int,
        clock: Callable[[], float],
        see: Callable[[WatchReading, WindowAnswer, Picture], tuple[str, ...]] | None = None,
        *,
        naming: Naming = OPEN,
    ) -> None:
        self._question = question
        self._by = by
        self._top = top
        self._history = History()
        self._ago = SharesAgo()
        self._was_hasty = False
        self._sample: _Renewed[BesideSample | None] = _Renewed(clock, None)
        self._posts: _Renewed[tuple[MovingPost, ...]] = _Renewed(clock, ())
        self._handles: dict[str, str | None] = {}
        self._naming = naming
        self._hides = naming.hides or not top
        self._marker = Marker(question, names=bool(top))
        self._see = see

    def read_anew(self) -> None:
        """Forget what was known of accounts: the store has changed."""
        self._handles.clear()

    def picture(
        self,
        reading: WatchReading,
        answer: WindowAnswer,
        choice: WatchChoice,
        *,
        is_hasty: bool = False,
    ) -> Picture:
        """Make the picture of what a reading answers.

        Parameters
        ----------
        reading, answer
            The store, and what its window answers.
        choice
            What is watched.
        is_hasty
            Whether to leave to the next picture what takes longer than the shares: posts, a sample,
            and who contributed to changes.
        """
        self._was_hasty = is_hasty
        result, window = answer.result, answer.window
        minutes = reading.minutes(_MINUTES_SHOWN)
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
            events=reading.events_read,
            undefined=answer.undefined,
            cutoffs=self._question.cutoffs,
            synthetic=bool(reading.synthetic),
        )  # fmt: skip
        if result is not None and answer.view is not None and answer.frame is not None:
            picture = self._with_shares(picture, reading, answer, result)
            if not is_hasty:
                picture = self._with_renewed(picture, reading, answer, result)
        tiers = tuple(tier.share for tier in picture.tiers)
        self._history.add(PastShares(picture.end, picture.total, tiers), picture.groups)
        marks = self._marker.see(reading, picture, explain=not is_hasty)
        history = self._history.beside(picture.groups)
        picture = replace(picture, history=history, marks=marks)
        if self._see is not None:
            picture = replace(picture, notes=picture.notes + self._see(reading, answer, picture))
        if not self._hides:
            return picture
        note = _PSEUDONYMS if self._top else _NOBODY
        return replace(self._naming.hide(picture), notes=(note, *picture.notes))

    def _with_shares(
        self,
        picture: Picture,
        reading: WatchReading,
        answer: WindowAnswer,
        result: AttributionResult,
    ) -> Picture:
        groups, notes = self._groups(reading, answer, result)
        self._ago.add(answer.window.end, _shares(result))
        before = self._ago.at(answer.window.end)
        return replace(
            picture,
            total=result.total,
            n_agents=result.n_agents,
            n_involved=result.n_involved,
            tiers=result.tiers,
            groups=groups,
            leaders=self._leaders(answer, result, before),
            risers=self._risers(answer, result, before),
            notes=notes,
            ranked_by=result.provenance.ranked_by,
        )

    def _with_renewed(
        self,
        picture: Picture,
        reading: WatchReading,
        answer: WindowAnswer,
        result: AttributionResult,
    ) -> Picture:
        return replace(
            picture,
            posts=self._posts.renew(picture.end, lambda: self._moving(reading, answer, result)),
            sample=self._sample.renew(picture.end, lambda: self._beside(answer, result)),
        )

    # --- the parts -------------------------------------------------------------------------------

    def _groups(
        self,
        reading: WatchReading,
        answer: WindowAnswer,
        result: AttributionResult,
    ) -> tuple[tuple[GroupShare, ...], tuple[str, ...]]:
        if self._by is None or answer.view is None:
            return (), ()
        tiered = self._tiered(answer, result)
        source = StoreGroups(answer.view, reading.topic)
        try:
            panel = PanelGroups.of(self._by, source, tiered, hides=self._hides)
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

    def _tiered(self, answer: WindowAnswer, result: AttributionResult) -> TieredPanel:
        return TieredPanel.of(answer.panel, self._question.cutoffs, result.panel)

    def _beside(self, answer: WindowAnswer, result: AttributionResult) -> BesideSample:
        full = tuple(tier.share for tier in result.tiers)
        (summary,) = sample_summaries(self._tiered(answer, result), self._question, [result])
        note = ""
        if summary is None:
            note = f"Samples of {_SIZE} are drawn of {SAMPLED_FROM} agents or more."
        elif not summary.tiers:
            note = summary.unavailable or "No sample has an answer."
        shares = () if summary is None else tuple(tier.share_mean for tier in summary.tiers)
        return BesideSample(_SIZE, _SEEDS, shares, full, answer.window.end, note)

    def _moving(
        self, reading: WatchReading, answer: WindowAnswer, result: AttributionResult
    ) -> tuple[MovingPost, ...]:
        view, frame = answer.view, answer.frame
        if self._hides or view is None or frame is None or feature_split(result).kind is None:
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

    @property
    def is_done(self) -> bool:
        """Whether another picture of the same store would say no more."""
        return self._marker.is_done and not self._was_hasty

    def remember(self, answers: Iterable[WindowAnswer]) -> None:
        """Keep the shares of moments of which there is no picture, before those that are known.

        Parameters
        ----------
        answers
            Of windows that end later and later.
        """
        history, ago = History(), SharesAgo()
        for answer in answers:
            end, result = answer.window.end, answer.result
            if result is None:
                history.add(PastShares(end, None, ()))
            else:
                tiers = tuple(tier.share for tier in result.tiers)
                history.add(PastShares(end, result.total, tiers))
                ago.add(end, _shares(result))
        self._history.put_before(history)
        self._ago.put_before(ago)


def _shares(result: AttributionResult) -> pl.DataFrame:
    return result.agents.select("did", "share")
