"""What carried it and when: the values of records, hours and days, which add up to the total."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from blueattr.attribution.tiered import PanelChoice
from blueattr.display import Presented
from blueattr.indicators.base import Aggregator
from blueattr.provenance import Provenance
from blueattr.studies.carriers.records import RecordValue
from blueattr.studies.shape import Cascades, Peak

__all__ = ["DayPart", "HourPart", "Post", "PostsResult", "Rest"]


@dataclass(frozen=True, slots=True)
class Post:
    """A record with its author.

    Parameters
    ----------
    did, handle
        Who wrote it; the handle where it is known.
    record
        Its counts and values.
    """

    did: str
    handle: str | None
    record: RecordValue


@dataclass(frozen=True, slots=True)
class Rest:
    """The records that are not shown.

    Parameters
    ----------
    records
        How many there are.
    value, share
        What they are worth together, and over the sum of all agents' values.
    """

    records: int
    value: float
    share: float


@dataclass(frozen=True, slots=True)
class HourPart:
    """What one hour carries.

    Parameters
    ----------
    hour
        Its start, UTC.
    events
        Posts, replies and reposts of the panel's agents in it.
    value, share
        What these are worth by activity, and what was received in it by influence; and the same
        over the sum of all agents' values.
    """

    hour: datetime
    events: int
    value: float
    share: float


@dataclass(frozen=True, slots=True)
class DayPart:
    """What one UTC day carries: the sums of its hours."""

    day: date
    events: int
    value: float
    share: float


@dataclass(frozen=True, repr=False)
class PostsResult(Presented):
    """An attribution, split among records and hours.

    Parameters
    ----------
    indicator, aggregator, n_agents, n_involved, panel, provenance
        As in `blueattr.attribution.attribute.AttributionResult`.
    total
        The sum of all agents' values: those of the records, hours or days, and `popularity`.
    split
        ``exact`` or ``convention``: see `blueattr.attribution.by_feature.FeatureSplit`.
    posts
        Those with the largest values.
    rest
        All others.
    popularity
        The part of the total that popularity carries, which is of no record and no hour.
    hours, days
        All of the window in which there is something, in order.
    peak
        Of the hours of the window, the first of which is `begins`; None without a record.
    begins
        The start of the window's first hour, UTC.
    cascades
        What records of the panel's agents answer and repost; None if nothing, or of all events.
    largest
        The root of the largest cascade; None without one, and if it was deleted.
    """

    indicator: str
    total: float
    split: str
    posts: tuple[Post, ...]
    rest: Rest
    popularity: float
    hours: tuple[HourPart, ...]
    days: tuple[DayPart, ...]
    peak: Peak | None
    begins: datetime
    cascades: Cascades | None
    largest: Post | None
    n_agents: int
    n_involved: int
    panel: PanelChoice
    aggregator: Aggregator
    provenance: Provenance

    @property
    def peak_hour(self) -> datetime | None:
        """The start of the hour with most events, UTC."""
        return None if self.peak is None else self.begins + timedelta(hours=self.peak.place)
