"""The agents with the largest attribution, and the counts behind their features."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import polars as pl

from blueattr.attribution.attribute import AttributionResult
from blueattr.attribution.by_feature import feature_split, feature_values
from blueattr.attribution.question import Question
from blueattr.attribution.tiered import TieredPanel
from blueattr.attribution.value import check_method
from blueattr.errors import UsageError
from blueattr.indicators.find import find_indicator
from blueattr.studies.bootstrap import check_resamples
from blueattr.studies.carriers.ranks import (
    DEFAULT_RESAMPLES,
    ChoiceRank,
    DailyCounts,
    RankIntervals,
    rank_intervals,
)
from blueattr.studies.carriers.records import RecordValue

__all__ = [
    "DEFAULT_LEADERS",
    "Handles",
    "Leader",
    "Leaders",
    "check_intervals",
    "check_top",
    "leaders",
    "named_agents",
    "profile_link",
    "with_choices",
    "with_counts",
    "with_handles",
    "with_intervals",
    "with_records",
]


DEFAULT_LEADERS = 10
_MOST_LEADERS = 1_000
PROFILE = "https://bsky.app/profile/"
"""What stands before a DID in the address of its profile."""
# The syntax of a DID; nothing in it needs escaping in an address.
DID_PATTERN = r"did:[a-z]{1,16}:[a-zA-Z0-9._:%-]{0,255}[a-zA-Z0-9._-]"
"""The syntax of a DID, in Python's and Rust's dialect."""
_DID = re.compile(DID_PATTERN, re.ASCII)
COUNTS = (
    "posts",
    "replies",
    "reposts",
    "replies_received",
    "reposts_received",
    "quotes_received",
    "follows_received",
    "followers",
)
"""Counts of a leader: of the topic and the window, but for follows and followers."""


Handles = Callable[[Sequence[str]], Mapping[str, str]]
"""Returns the known handles of some DIDs."""


@dataclass(frozen=True, slots=True)
class Leader:
    """One of the agents with the largest attribution.

    Parameters
    ----------
    did, tier, a, b, c, value, share
        As in the frame of `blueattr.attribution.attribute.AttributionResult`.
    handle
        None if it is unknown.
    posts, replies, reposts
        What it wrote of the topic in the window; None where the features have no counts.
    replies_received, reposts_received, quotes_received
        What its records received from others; None of a kind that c does not count.
    follows_received
        Follows received in the window, of any topic.
    followers
        What ranks the agents: see ``popularity`` in the provenance.
    share_a, share_b, share_c
        Its share by feature, which sum to it; None where there is no split.
    rank_low, rank_high
        The interval of its rank; None where there is none.
    choices
        Its rank under each choice of a sensitivity analysis, the default first; empty where there
        was none.
    synthetic
        Whether it may be made up, so that there is no profile to link to.
    records
        Those of its records that carry most of its value, a
        `blueattr.studies.carriers.records.RecordValue` each, where they were asked for.
    """

    did: str
    handle: str | None
    tier: str
    a: float
    b: float
    c: float
    value: float
    share: float
    posts: int | None = None
    replies: int | None = None
    reposts: int | None = None
    replies_received: int | None = None
    reposts_received: int | None = None
    quotes_received: int | None = None
    follows_received: int | None = None
    followers: float | None = None
    share_a: float | None = None
    share_b: float | None = None
    share_c: float | None = None
    rank_low: int | None = None
    rank_high: int | None = None
    choices: tuple[ChoiceRank, ...] = ()
    synthetic: bool = False
    records: tuple[RecordValue, ...] = ()

    @property
    def rank_best(self) -> int | None:
        """Its best rank under any choice."""
        return min(self._ranks, default=None)

    @property
    def rank_worst(self) -> int | None:
        """Its worst rank under any choice whose panel it is in."""
        return max(self._ranks, default=None)

    @property
    def _ranks(self) -> list[int]:
        return [one.rank for one in self.choices if one.rank is not None]

    @property
    def link(self) -> str | None:
        """The address of the profile; None for what is no DID, or may be made up."""
        return None if self.synthetic else profile_link(self.did)

    @property
    def written(self) -> int | None:
        """Posts, replies and reposts together: what a counts."""
        return _sum(self.posts, self.replies, self.reposts)

    @property
    def received(self) -> int | None:
        """Replies, reposts and quotes received, as far as they count: what c counts."""
        kinds = (self.replies_received, self.reposts_received, self.quotes_received)
        known = [count for count in kinds if count is not None]
        return sum(known) if known else None


def _sum(*counts: int | None) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None


@dataclass(frozen=True, slots=True)
class Leaders:
    """The agents with the largest attribution of one indicator, from the first.

    Parameters
    ----------
    indicator
        Its name.
    agents
        From the largest value down.
    intervals
        How the intervals of their ranks were made; None where they were not asked for.
    """

    indicator: str
    agents: tuple[Leader, ...]
    intervals: RankIntervals | None = None


def profile_link(did: str) -> str | None:
    """Return the address of a profile; None for what is no DID."""
    return PROFILE + did if _DID.fullmatch(did) else None


def check_top(top: int) -> int:
    """Check how many agents to name.

    Raises
    ------
    UsageError
        For fewer than none or more than 1,000.
    """
    if not 0 <= top <= _MOST_LEADERS:
        raise UsageError(f"--top names 0 to {_MOST_LEADERS:,} agents, not {top}")
    return top


def check_intervals(
    resamples: int = DEFAULT_RESAMPLES,
    seed: int = 0,
    *,
    intervals: bool = True,
    draws: bool = False,
) -> tuple[int, int] | None:
    """Check how often to resample for the intervals of ranks.

    Parameters
    ----------
    resamples, seed
        See `blueattr.studies.carriers.ranks.rank_intervals`.
    intervals
        Whether they are asked for.
    draws
        Whether something else is drawn by the seed.

    Returns
    -------
    tuple or None
        Number of resamples and seed; None where intervals are not asked for.

    Raises
    ------
    UsageError
        For a number out of range, and for one that would change nothing.
    """
    if not intervals:
        if resamples != DEFAULT_RESAMPLES or (seed != 0 and not draws):
            raise UsageError("--resamples and --seed are about --intervals; add that")
        return None
    check_resamples(resamples, seed)
    return resamples, seed


def leaders(result: AttributionResult, count: int = DEFAULT_LEADERS) -> Leaders:
    """Return the agents with the largest values, without handles and counts.

    Parameters
    ----------
    result
        An attribution.
    count
        How many agents.
    """
    return named_agents(result, result.agents.head(count))


def named_agents(result: AttributionResult, agents: pl.DataFrame) -> Leaders:
    """Return some agents of an attribution, without handles and counts.

    Parameters
    ----------
    result
        The attribution.
    agents
        Rows of its ``agents``.
    """
    first = agents.select("did", "tier", "a", "b", "c", "value", "share")
    named = [
        Leader(handle=None, synthetic=bool(result.provenance.synthetic), **row)
        for row in first.iter_rows(named=True)
    ]
    if feature_split(result).kind is not None:
        parts = feature_values(result, first) / result.attributed
        named = [
            replace(agent, share_a=a, share_b=b, share_c=c)
            for agent, (a, b, c) in zip(named, parts.iter_rows(), strict=True)
        ]
    return Leaders(result.indicator, tuple(named))


def with_counts(several: Sequence[Leaders], frame: pl.DataFrame) -> tuple[Leaders, ...]:
    """Return the same agents with the counts that a frame of features has of them.

    Parameters
    ----------
    several
        For each indicator the agents with the largest values.
    frame
        Features with ``did`` (or ``agent``) and any of `COUNTS`.
    """
    key = "did" if "did" in frame.columns else "agent"
    columns = [name for name in COUNTS if name in frame.columns and frame[name].dtype.is_numeric()]
    if key not in frame.columns or not columns:
        return tuple(several)
    dids = {agent.did for one in several for agent in one.agents}
    rows = frame.select(pl.col(key).cast(pl.String), *columns)
    theirs = rows.filter(pl.col(key).is_in(list(dids)))
    counts = {did: dict(zip(columns, rest, strict=True)) for did, *rest in theirs.iter_rows()}
    return _each(several, lambda agent: replace(agent, **counts.get(agent.did, {})))


def with_handles(several: Sequence[Leaders], handles: Handles) -> tuple[Leaders, ...]:
    """Return the same agents with the handles that are known.

    Parameters
    ----------
    several
        For each indicator the agents with the largest values.
    handles
        Asked once, about all of them.
    """
    dids = sorted({agent.did for one in several for agent in one.agents})
    known = handles(dids) if dids else {}
    return _each(several, lambda agent: replace(agent, handle=known.get(agent.did)))


def with_intervals(
    several: Sequence[Leaders],
    frame: object,
    question: Question,
    daily: DailyCounts | None,
    *,
    resamples: int = DEFAULT_RESAMPLES,
    seed: int = 0,
) -> tuple[Leaders, ...]:
    """Return the same agents with the intervals of their ranks.

    Parameters
    ----------
    several
        For some indicators of the question the agents with the largest values.
    frame, question
        The features, and the question that they are the answer to.
    daily, resamples, seed
        See `blueattr.studies.carriers.ranks.rank_intervals`.
    """
    if not any(one.agents for one in several):
        return tuple(several)
    indicators = {i.name: i for i in map(find_indicator, question.indicators)}
    asked = []
    for one in several:
        indicator = indicators[one.indicator]
        _, steps = check_method(indicator, question.method, question.steps)
        asked.append((indicator, steps, [agent.did for agent in one.agents]))
    panel = TieredPanel.of(frame, question.cutoffs, question.choice).panel
    # Whoever has no use for what is large must not hold it while others need room.
    given = [daily]
    del daily
    intervals = rank_intervals(
        panel, asked, given.pop(), question.aggregator, resamples=resamples, seed=seed
    )
    return tuple(
        replace(
            one,
            intervals=made,
            agents=tuple(
                replace(agent, rank_low=low, rank_high=high)
                for agent, (low, high) in zip(one.agents, made.ranks, strict=True)
            )
            if made.ranks
            else one.agents,
        )
        for one, made in zip(several, intervals, strict=True)
    )


def with_choices(
    several: Sequence[Leaders], choices: Mapping[str, Sequence[Sequence[ChoiceRank]]]
) -> tuple[Leaders, ...]:
    """Return the same agents with their ranks under other choices.

    Parameters
    ----------
    several
        For each indicator the agents with the largest values.
    choices
        By indicator, for each of its agents the rank under each choice.
    """
    return tuple(
        replace(
            one,
            agents=tuple(
                replace(agent, choices=tuple(ranks))
                for agent, ranks in zip(one.agents, choices[one.indicator], strict=True)
            ),
        )
        if one.indicator in choices
        else one
        for one in several
    )


def with_records(leaders: Leaders, records: pl.DataFrame) -> Leaders:
    """Return the same agents with their records.

    Parameters
    ----------
    leaders
        Of one indicator.
    records
        ``did`` and the columns of `blueattr.studies.carriers.records.RecordValue`, by descending
        value.
    """
    theirs: dict[str, list[RecordValue]] = {}
    for did, record in RecordValue.each(records):
        theirs.setdefault(did, []).append(record)
    named = (replace(one, records=tuple(theirs.get(one.did, ()))) for one in leaders.agents)
    return replace(leaders, agents=tuple(named))


def _each(several: Sequence[Leaders], change: Callable[[Leader], Leader]) -> tuple[Leaders, ...]:
    return tuple(replace(one, agents=tuple(map(change, one.agents))) for one in several)
