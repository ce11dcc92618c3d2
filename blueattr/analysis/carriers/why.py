"""Why: one account's part of an indicator, what it is made of, and how sure its rank is."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Literal

import numpy as np
import polars as pl

from blueattr.analysis.attribute import Ranking
from blueattr.analysis.by_day import days_of
from blueattr.analysis.carriers.records import count_records, listed, name_accounts, records
from blueattr.analysis.features import load_features, refuse_no_match
from blueattr.analysis.sensitivity import file_variants, store_variants
from blueattr.attribution.attribute import AttributionResult, attribute
from blueattr.attribution.groups.grouped import without_agent
from blueattr.attribution.inputs import Panel
from blueattr.attribution.question import Question
from blueattr.attribution.tiered import TieredPanel
from blueattr.did_order import find_places
from blueattr.errors import NobodyInvolvedError, UnknownAccountError, UsageError
from blueattr.indicators.find import find_indicator
from blueattr.panel.features import COUNTS
from blueattr.panel.influence import KINDS, RECEIVED
from blueattr.panel.lookup import FoundAccount, bare_name, look_up
from blueattr.panel.query import PanelQuery, StoreView
from blueattr.panel.topics import Topic
from blueattr.provenance import Provenance
from blueattr.store.database import Store
from blueattr.studies.bootstrap import check_resamples
from blueattr.studies.carriers.leaders import (
    DEFAULT_LEADERS,
    Leader,
    Leaders,
    named_agents,
    with_counts,
    with_intervals,
    with_records,
)
from blueattr.studies.carriers.posts import Rest
from blueattr.studies.carriers.ranks import DEFAULT_RESAMPLES, count_ahead
from blueattr.studies.carriers.why import (
    AccountDay,
    Alone,
    FeaturePart,
    Partner,
    Partners,
    WhyResult,
)
from blueattr.studies.sensitivity import sensitivity
from blueattr.suggest import did_you_mean

__all__ = ["Details", "details", "why_given", "why_store"]


_MOST = 100_000
_INSTANT = timedelta(microseconds=1)
_NO_RECORDS = "features from a file have no records, days and partners"
_COUNTED: dict[Literal["a", "b", "c"], str] = {"a": "written", "b": "followers", "c": "received"}


@dataclass(frozen=True, slots=True)
class Details:
    """What is said of an account: see `details`."""

    top: int = DEFAULT_LEADERS
    resamples: int = DEFAULT_RESAMPLES
    seed: int = 0
    choices: bool = False


def details(
    *,
    choices: bool = False,
    resamples: int = DEFAULT_RESAMPLES,
    seed: int = 0,
    top: int = DEFAULT_LEADERS,
) -> Details:
    """Check what is to be said of an account.

    Parameters
    ----------
    choices
        Also rank the account under each choice of `sensitivity`.
    resamples
        The number of resamples of the window's days, 100 to 1,000,000, for the interval of its
        rank.
    seed
        The seed of the resamples.
    top
        The number of its posts to show, and of the accounts that it answered and that answered it:
        0 to 100,000.

    Raises
    ------
    UsageError
        For a number out of range.
    """
    if not 0 <= top <= _MOST:
        raise UsageError(f"--top shows 0 to {_MOST:,} posts and accounts, not {top}")
    check_resamples(resamples, seed)
    return Details(top, resamples, seed, bool(choices))


def why_store(query: PanelQuery, question: Question, name: str, wanted: Details) -> WhyResult:
    """Explain the value of an account of a store's panel.

    Parameters
    ----------
    query
        The window, the panel and the topic.
    question
        What to attribute: one indicator.
    name
        The account's handle or DID.
    wanted
        What to say of it.

    Raises
    ------
    UsageError
        More than one indicator, or an empty name.
    UnknownAccountError
        The account is not on the panel; the message says why.
    NoAnswerError
        As `blueattr.attribution.attribute.attribute`; or no post matched.

    Notes
    -----
    docs/why.md.
    """
    question.check_one("why explains")
    bare_name(name)
    with Store.open(query.db, query.memory) as store:
        view = StoreView.of(store, query)
        topic = view.topic()
        found = look_up(view, name)
        # The days of everyone take much memory: they are not kept, and not what features are of.
        counts = view.totals(topic)
        refuse_no_match(view, topic, counts)
        frame = view.features(counts)
        variants = store_variants(view, topic, counts) if wanted.choices else ()
        del counts
        own_parts: list[pl.DataFrame] = []

        def parts() -> Iterator[pl.DataFrame]:
            for part in view.agent_day_parts(topic):
                own_parts.append(part.filter(pl.col("account") == found.account))
                yield part

        ranking = Ranking(wanted.resamples, wanted.seed, days_of(view, parts()), variants)
        own_days = pl.concat(own_parts, how="vertical_relaxed")
        origin = view.origin(topic)
        question = question.settled(origin.is_searched)
        panel_question = _PanelQuestion(frame, origin, question, wanted, ranking)
        made, result = panel_question.explain(found.did, found.handle or found.did, found.handle)
        # The days of everyone are large, and have said what they can.
        ranking = replace(ranking, daily=None)
        panel_question = replace(panel_question, ranking=ranking)
        from_store = _StoreDetails(view, topic, found, made, result, wanted)
        return panel_question.with_choices(from_store.complete(frame, own_days))


def why_given(
    source: object,
    question: Question,
    name: str,
    wanted: Details,
    columns: Mapping[str, str] | None = None,
) -> WhyResult:
    """Explain the value of an agent of a user's own panel, which has no records and no days.

    Parameters
    ----------
    source, columns
        See `blueattr.analysis.features.load_features`.
    question, name, wanted
        As for `why_store`.
    """
    question.check_one("why explains")
    frame, origin = load_features(source, columns)
    panel = Panel.of(frame)
    did = _agent_named(panel.dids, name)
    variants = file_variants(frame) if wanted.choices else ()
    ranking = Ranking(wanted.resamples, wanted.seed, None, variants)
    panel_question = _PanelQuestion(frame, origin, question, wanted, ranking)
    made, _ = panel_question.explain(did, did, None)
    return panel_question.with_choices(replace(made, no_record=_NO_RECORDS))


def _agent_named(dids: pl.Series, name: str) -> str:
    """Find an agent by its name as it is, or as a handle or DID is written."""
    if name in dids:
        return name
    bare = bare_name(name)
    if bare in dids:
        return bare
    alike = dids.filter(dids.str.to_lowercase() == bare.lower())
    if len(alike) == 1:
        return str(alike[0])
    # Of many names only those that could be a slip of this one are compared letter by letter.
    near = dids.filter(
        (dids.str.slice(0, 1).str.to_lowercase() == bare[0].lower())
        & ((dids.str.len_chars().cast(pl.Int64) - len(bare)).abs() <= 2)
    )
    hint = did_you_mean(bare, near.head(_MOST), f"it has {len(dids):,} agents, such as {dids[0]}")
    raise UnknownAccountError(f"the features have no agent {bare}; {hint}")


@dataclass(frozen=True)
class _PanelQuestion:
    """A question about one agent of a panel.

    Parameters
    ----------
    frame, origin
        Its features, and where they come from.
    question, wanted
        As for `why_store`.
    ranking
        What it takes to say how sure ranks are; its variants are used once, at the end.
    """

    frame: pl.DataFrame
    origin: Provenance
    question: Question
    wanted: Details
    ranking: Ranking

    def explain(
        self, did: str, name: str, handle: str | None
    ) -> tuple[WhyResult, AttributionResult]:
        """Say what features alone say of an agent; also return the attribution of the panel."""
        question = self.question
        indicator = find_indicator(question.indicators[0])
        panel = Panel.of(self.frame)
        tiered = TieredPanel.of(panel, question.cutoffs, question.choice)
        place = int(find_places(tiered.panel.dids, [did])[0])
        if place < 0:
            did_nothing = (
                "its a and c are 0"
                if self.origin.window is None
                else "it wrote nothing of the topic and received no reply, repost or quote on it"
            )
            raise NobodyInvolvedError(
                f"{name} was not involved: {did_nothing}. What it carries by popularity is its "
                "value on the active panel (--panel active)"
            )
        result = attribute(panel, indicator, **question.how, provenance=self.origin)
        row = result.agents.filter(pl.col("did") == did)
        named = with_counts([named_agents(result, row)], self.frame)
        (named_one,) = with_intervals(
            named,
            panel,
            question,
            self.ranking.daily,
            resamples=self.ranking.resamples,
            seed=self.ranking.seed,
        )
        assert named_one.intervals is not None  # noqa: S101 - one agent was asked about
        (account,) = named_one.agents
        values = result.agents["value"].to_numpy()
        made = WhyResult(
            indicator=result.indicator,
            aggregator=result.aggregator,
            method=result.method,
            steps=result.steps,
            n_agents=result.n_agents,
            n_involved=result.n_involved,
            total=result.total,
            attributed=result.attributed,
            means=result.means,
            moment=result.moment,
            cutoffs=result.cutoffs,
            panel=result.panel,
            remarks=result.remarks,
            provenance=result.provenance,
            account=replace(account, handle=handle),
            rank=1 + int(count_ahead(values, np.array([account.value]))[0]),
            is_involved=account.a > 0 or account.c > 0,
            split=result.by_feature,
            by_feature=_by_feature(account, result),
            intervals=named_one.intervals,
            without=without_agent(tiered, place, indicator, question.aggregator),
        )
        return made, result

    def with_choices(self, made: WhyResult) -> WhyResult:
        """Add the ranks under other choices, where they are asked for."""
        if not self.wanted.choices:
            return made
        varied = sensitivity(
            self.frame,
            self.question.indicators,
            variants=self.ranking.variants,
            follow={made.indicator: [made.account.did]},
            flips=False,
            **self.question.how,
        )
        (ranks,) = varied.indicators[0].choice_ranks()
        return replace(made, account=replace(made.account, choices=ranks))


def _by_feature(account: Leader, result: AttributionResult) -> tuple[FeaturePart, ...]:
    shares = {"a": account.share_a, "b": account.share_b, "c": account.share_c}
    return tuple(
        FeaturePart(
            feature,
            getattr(account, count),
            getattr(account, feature),
            value := share * result.attributed,
            _part(value, account.value),
        )
        for feature, count in _COUNTED.items()
        if (share := shares[feature]) is not None
    )


def _part(value: float | None, whole: float) -> float | None:
    return value / whole if value is not None and whole else None


# --- records, days and partners -------------------------------------------------------------------


@dataclass(frozen=True)
class _StoreDetails:
    """What only a store knows of an account: its records, days and partners.

    Parameters
    ----------
    view, topic
        The window, the panel and the topic; None for all events.
    found
        The account.
    made, result
        What features alone say, and the attribution of the panel.
    wanted
        As for `why_store`.
    """

    view: StoreView
    topic: Topic | None
    found: FoundAccount
    made: WhyResult
    result: AttributionResult
    wanted: Details

    @property
    def _units(self) -> tuple[float, float] | None:
        """What one record and one interaction received are worth; None without a split."""
        account, parts = self.made.account, {one.feature: one for one in self.made.by_feature}
        if not parts:
            return None
        own, received = account.written or 0, account.received or 0
        return (
            parts["a"].value / own if own else 0.0,
            parts["c"].value / received if received else 0.0,
        )

    def _worth(self, own: int, received: int) -> tuple[float | None, float | None]:
        """Return what so many records and interactions are worth, and its part of the value."""
        units = self._units
        if units is None:
            return None, None
        value = own * units[0] + received * units[1]
        return value, _part(value, self.made.value)

    def complete(self, frame: pl.DataFrame, own_days: pl.DataFrame) -> WhyResult:
        """Add records, days and partners."""
        # Partners are of what records are counted from.
        with_records = self._with_records(frame)
        addressed, alone, amplified = self._all_partners()
        return replace(
            with_records,
            days=self._days(own_days),
            addressed=addressed,
            alone=alone,
            amplified=amplified,
        )

    def _with_records(self, frame: pl.DataFrame) -> WhyResult:
        """Add the records with the largest values, and what the others are worth."""
        made = self.made
        if made.split.kind is None:
            self.view.count(self.topic)
            name_accounts(self.view.store, pl.Series("did", [self.found.did]))
            count_records(self.view, self.topic)
            return replace(made, no_record=made.split.why)
        every = records(self.view, self.topic, frame, self.result, [self.found.did]).records
        first = listed(every).head(self.wanted.top)
        others = every.join(first, on=["did", "uri"], how="anti")
        (named,) = with_records(Leaders(made.indicator, (made.account,)), first).agents
        rest = math.fsum(others["value"])
        return replace(
            made, account=named, rest=Rest(len(others), rest, rest / self.result.attributed)
        )

    def _days(self, own_days: pl.DataFrame) -> tuple[AccountDay, ...]:
        """Return what the account did and received on each day of the window."""
        theirs = own_days.select("day", *COUNTS)
        counts: dict[date, Sequence[int]] = {day: row for day, *row in theirs.iter_rows()}
        nothing = (0,) * len(COUNTS)
        return tuple(self._day(day, counts.get(day, nothing)) for day in self._calendar())

    def _calendar(self) -> Iterator[date]:
        window = self.view.window
        yield from pl.date_range(
            window.start.date(), (window.end - _INSTANT).date(), "1d", eager=True
        )

    def _day(self, day: date, counts: Sequence[int]) -> AccountDay:
        known = dict(zip(COUNTS, counts, strict=True))
        counted = {RECEIVED[kind]: known[RECEIVED[kind]] for kind in self.view.influence.kinds}
        made = AccountDay(
            day,
            posts=known["posts"],
            replies=known["replies"],
            reposts=known["reposts"],
            replies_received=counted.get("replies_received"),
            reposts_received=counted.get("reposts_received"),
            follows_received=known["follows_received"],
            quotes_received=counted.get("quotes_received"),
            value=None,
            part=None,
        )
        value, part = self._worth(made.written, made.received)
        return replace(made, value=value, part=part)

    def _all_partners(self) -> tuple[Partners, Alone, Partners]:
        """Return whom it addressed, what it wrote to nobody else, and who amplified it."""
        kinds = list(self.view.influence.kinds)
        found = self.view.store.frame("analysis/carriers/records/partners", influence=kinds)
        to_itself = pl.col("account").is_null() | (pl.col("account") == self.found.account)
        own = found.filter("is_own")
        alone = own.filter(to_itself).select(pl.sum_horizontal("posts", "replies", "reposts").sum())
        count = int(alone.item())
        received = found.filter(~pl.col("is_own")).with_columns(
            replies="replies_received", reposts="reposts_received", quotes="quotes_received"
        )
        return (
            self._partners(own.filter(~to_itself), is_own=True),
            Alone(count, *self._worth(count, 0)),
            self._partners(received, is_own=False),
        )

    def _partners(self, found: pl.DataFrame, *, is_own: bool) -> Partners:
        ordered = found.with_columns(count=pl.sum_horizontal(KINDS)).sort(
            "count", "did", descending=[True, False]
        )
        first = ordered.head(self.wanted.top)
        numbers = first["account"].to_list()
        handles: dict[str, str] = dict(self.view.store.rows("panel/handles", accounts=numbers))
        agents = {*self.view.built.agents.filter(pl.col("account").is_in(numbers))["account"]}

        def worth(count: int) -> tuple[float | None, float | None]:
            return self._worth(count, 0) if is_own else self._worth(0, count)

        def partner(account: int, did: str, replies: int, reposts: int, quotes: int) -> Partner:
            known = did, handles.get(did), account in agents
            return Partner(*known, replies, reposts, quotes, *worth(replies + reposts + quotes))

        replies, reposts, quotes = (int(ordered[kind].sum()) for kind in KINDS)
        return Partners(
            len(ordered),
            tuple(partner(*row) for row in first.select("account", "did", *KINDS).iter_rows()),
            replies,
            reposts,
            quotes,
            *worth(replies + reposts + quotes),
        )
