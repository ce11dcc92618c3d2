"""Why an account has its value: its parts by feature, record, day and partner, and its rank."""

from dataclasses import dataclass
from datetime import date
from typing import Literal

from blueattr.attribution.by_feature import FeatureSplit
from blueattr.attribution.groups.games import Without
from blueattr.attribution.tiered import PanelChoice
from blueattr.attribution.value import Method, Remarks
from blueattr.display import Presented
from blueattr.indicators.base import Aggregator
from blueattr.provenance import Provenance
from blueattr.studies.carriers.leaders import Leader
from blueattr.studies.carriers.posts import Rest
from blueattr.studies.carriers.ranks import RankIntervals

__all__ = ["AccountDay", "Alone", "FeaturePart", "Partner", "Partners", "WhyResult"]


@dataclass(frozen=True, slots=True)
class FeaturePart:
    """What one feature of an account carries.

    Parameters
    ----------
    feature
        ``"a"``, ``"b"`` or ``"c"``.
    count
        What the feature counts, before it is scaled; None where the features have no counts.
    x
        The feature.
    value
        Its part of the account's value.
    part
        The same over that value; None where that is 0.
    """

    feature: Literal["a", "b", "c"]
    count: float | None
    x: float
    value: float
    part: float | None


@dataclass(frozen=True, slots=True)
class AccountDay:
    """What an account did and received on a UTC day of the window.

    Parameters
    ----------
    day
        The day.
    posts, replies, reposts, follows_received
        As of a leader, on this day.
    replies_received, reposts_received, quotes_received
        The same; None of a kind that c does not count.
    value
        Its part of the account's value by activity and influence; None where there is no split by
        feature. Not the account's value on a panel of this day alone.
    part
        The same over the account's value; None where there is no such part, or the value is 0.
    """

    day: date
    posts: int
    replies: int
    reposts: int
    replies_received: int | None
    reposts_received: int | None
    follows_received: int
    quotes_received: int | None
    value: float | None
    part: float | None

    @property
    def written(self) -> int:
        """Posts, replies and reposts together: what a counts."""
        return self.posts + self.replies + self.reposts

    @property
    def received(self) -> int:
        """Replies, reposts and quotes received, as far as they count: what c counts."""
        kinds = (self.replies_received, self.reposts_received, self.quotes_received)
        return sum(count for count in kinds if count is not None)


@dataclass(frozen=True, slots=True)
class Partner:
    """An account that another one answered, reposted and quoted, or that did so to it.

    Parameters
    ----------
    did, handle
        Who it is; the handle where it is known.
    is_agent
        Whether it is on the panel.
    replies, reposts, quotes
        How often. A post that answers one account and quotes another is a reply to the first for
        who wrote it; each of the two received it. Quotes are 0 where c does not count them.
    value
        What these are worth to the account that is explained; None where there is no split by
        feature.
    part
        The same over the account's value; None where there is no such part, or the value is 0.
    """

    did: str
    handle: str | None
    is_agent: bool
    replies: int
    reposts: int
    quotes: int
    value: float | None
    part: float | None


@dataclass(frozen=True, slots=True)
class Partners:
    """The accounts that an account answered, reposted and quoted, or that did so to it.

    Parameters
    ----------
    accounts
        How many there are.
    shown
        Those with most interactions.
    replies, reposts, quotes
        Of all of them together.
    value, part
        As of a partner, of all of them together.
    """

    accounts: int
    shown: tuple[Partner, ...]
    replies: int
    reposts: int
    quotes: int
    value: float | None
    part: float | None


@dataclass(frozen=True, slots=True)
class Alone:
    """What an account wrote that answers, reposts and quotes nobody else.

    Parameters
    ----------
    records
        How many records.
    value, part
        As of a partner, of all of them together.
    """

    records: int
    value: float | None
    part: float | None


@dataclass(frozen=True, repr=False)
class WhyResult(Presented):
    """One account's part of an indicator, with what it is made of.

    Parameters
    ----------
    indicator, aggregator, method, steps, n_agents, n_involved, total, attributed, means, moment
        As in `blueattr.attribution.attribute.AttributionResult`, of the panel.
    cutoffs, panel, remarks, provenance
        As there.
    account
        The account, with the interval of its rank, its ranks under other choices where they were
        asked for, and its records with the largest values.
    rank
        1 + the number of agents with a larger value.
    is_involved
        Whether it wrote something of the topic, or was answered, reposted or quoted on it.
    split
        Whether its value is split by feature, and how.
    by_feature
        The parts, which sum to its value; empty where there is no split.
    intervals
        How the interval of its rank was made, or why there is none.
    without
        The indicator without the account.
    rest
        Its records that are not among those of `account`; None where there is no split by record.
    no_record
        Why there is none; else empty.
    days
        Every day of the window; empty for a panel without days.
    addressed
        Whom it replied to, reposted and quoted; None for a panel without records.
    alone
        What it wrote to nobody else; None for a panel without records.
    amplified
        Who replied to it, reposted it and quoted it; None for a panel without records.
    """

    indicator: str
    aggregator: Aggregator
    method: Method
    steps: int | None
    n_agents: int
    n_involved: int
    total: float
    attributed: float
    means: tuple[float, float, float]
    moment: float
    cutoffs: tuple[float, ...]
    panel: PanelChoice
    remarks: Remarks
    provenance: Provenance
    account: Leader
    rank: int
    is_involved: bool
    split: FeatureSplit
    by_feature: tuple[FeaturePart, ...]
    intervals: RankIntervals
    without: Without
    rest: Rest | None = None
    no_record: str = ""
    days: tuple[AccountDay, ...] = ()
    addressed: Partners | None = None
    alone: Alone | None = None
    amplified: Partners | None = None

    @property
    def value(self) -> float:
        """Its Aumann-Shapley value."""
        return self.account.value
