"""What one moment of a watched topic shows: what the engine hands to each face."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, Protocol

from blueattr.attribution.tiered import PanelChoice
from blueattr.attribution.value import TierShare
from blueattr.provenance import Gap

__all__ = [
    "BesideSample",
    "Contribution",
    "FeedState",
    "GroupShare",
    "Mark",
    "Mode",
    "MovingPost",
    "PastShares",
    "Picture",
    "RisingAccount",
    "Series",
    "WatchChoice",
    "WatchChoices",
    "Watching",
]


Mode = Literal["writes", "follows", "replay"]
"""Whether this process writes the store, follows one that another writes, or replays one."""


@dataclass(frozen=True, slots=True)
class WatchChoice:
    """What is watched; a face may ask for another.

    Parameters
    ----------
    topic
        The topic's name, or ``all``.
    indicator
        The indicator's name.
    panel
        Who is an agent.
    window
        How long the window is, which ends with the last event.
    by
        What groups the agents beside their tiers, such as ``lang``; empty for tiers alone.
    """

    topic: str
    indicator: str
    panel: PanelChoice
    window: timedelta
    by: str = ""


@dataclass(frozen=True, slots=True)
class WatchChoices:
    """What a face may offer: the values that `WatchChoice` can take, in order."""

    topics: tuple[str, ...]
    indicators: tuple[str, ...]
    windows: tuple[timedelta, ...]
    groupings: tuple[str, ...] = ("",)


@dataclass(frozen=True, slots=True)
class GroupShare:
    """What a group of agents carries at this moment.

    Parameters
    ----------
    group
        Its name.
    agents
        How many agents are in it.
    value, share, agents_involved, share_involved
        As in `blueattr.attribution.value.TierShare`.
    """

    group: str
    agents: int
    value: float
    share: float
    agents_involved: int
    share_involved: float


@dataclass(frozen=True, slots=True)
class PastShares:
    """The shares of an earlier moment: one column of the moving bands.

    Parameters
    ----------
    end
        The end of its window.
    total
        The value of the whole panel; None where there was none.
    tiers, groups
        Shares in the order of `Picture.tiers` and of `Picture.groups`; empty without a total.
    """

    end: datetime
    total: float | None
    tiers: tuple[float, ...]
    groups: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Series:
    """Counts of consecutive minutes.

    Parameters
    ----------
    start
        The beginning of the first minute.
    participants
        Accounts that took part in each minute.
    posts
        Posts and replies about the topic in each minute.
    """

    start: datetime
    participants: tuple[int, ...]
    posts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class RisingAccount:
    """An account that carries much, or that rose.

    Parameters
    ----------
    did, handle
        Who it is; the handle is None where it is not known.
    value, share
        What it carries.
    before
        Its share some time ago; None where it was not in the panel then.
    """

    did: str
    handle: str | None
    value: float
    share: float
    before: float | None = None


@dataclass(frozen=True, slots=True)
class MovingPost:
    """A post that moved its author's share.

    Parameters
    ----------
    did, handle
        Its author.
    uri
        Its AT URI.
    time
        When it was written.
    text
        What it says; a stranger's text. None where the store holds no text.
    share
        What the post carries of the whole.
    """

    did: str
    handle: str | None
    uri: str
    time: datetime
    text: str | None
    share: float


@dataclass(frozen=True, slots=True)
class BesideSample:
    """What a small sample would show, beside the whole at the same moment.

    Parameters
    ----------
    size
        How many accounts each sample has.
    seeds
        How many samples were drawn.
    tiers
        The mean share of each tier, in the order of `full`.
    full
        The shares of the whole panel at `time`.
    time
        The end of the window of both.
    note
        Why there is none, else empty.
    """

    size: int
    seeds: int
    tiers: tuple[float, ...]
    full: tuple[float, ...]
    time: datetime
    note: str = ""


@dataclass(frozen=True, slots=True)
class Contribution:
    """How much an account contributed to a change."""

    did: str
    handle: str | None
    by: float


@dataclass(frozen=True, slots=True)
class Mark:
    """A change point.

    Parameters
    ----------
    time
        When it changed.
    what
        What changed, such as ``posts a minute`` or ``share of tail``.
    before, after
        Its level before and after.
    unit
        ``share`` for parts of 1, else ``count``.
    contributed
        Who contributed most.
    """

    time: datetime
    what: str
    before: float
    after: float
    unit: Literal["share", "count"] = "count"
    contributed: tuple[Contribution, ...] = ()

    @property
    def key(self) -> tuple[datetime, str]:
        """What tells it from others: who contributed may be found out later."""
        return self.time, self.what


@dataclass(frozen=True, slots=True)
class FeedState:
    """How the reading of events goes, since the start.

    Parameters
    ----------
    kept, rejected
        Events that were kept, and lines that were rejected.
    looks
        How often the store was read.
    look_seconds
        How long that took altogether.
    store_bytes
        The size of the store's file.
    committed_at
        When the store was last committed to; None where that is not known.
    """

    kept: int = 0
    rejected: int = 0
    looks: int = 0
    look_seconds: float = 0.0
    store_bytes: int = 0
    committed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Picture:
    """What one moment shows.

    Parameters
    ----------
    choice
        What is watched.
    title
        The topic's title, for people.
    start, end
        The window: `end` is one microsecond after the last event.
    total
        The value of the whole panel; None where it has none, and `undefined` says why.
    n_agents, n_involved
        As in `blueattr.attribution.attribute.AttributionResult`.
    tiers
        As `blueattr attribute` has them; empty without a total.
    groups
        By `WatchChoice.by`; empty where nothing is grouped.
    history
        Earlier moments, the oldest first.
    series
        Participants and posts a minute.
    leaders
        The accounts that carry most.
    risers
        Those whose share grew most.
    posts
        The posts that moved their shares.
    sample
        What a sample would show; None until it is drawn first.
    rate
        Events read a second.
    lag
        Seconds between the last event and now; None in a replay.
    gaps
        Parts of the window that no source covers.
    mode
        How events come.
    marks
        Change points, the newest first.
    notes
        What a reader must know, a sentence each.
    events
        Events read since the start.
    undefined
        Why there is no total, else empty.
    cutoffs
        Cumulative percentages at which the tiers are cut.
    ranked_by
        As in `blueattr.provenance.Provenance`.
    synthetic
        Whether the events are made up.
    feed
        How the reading goes; None in a replay.
    """

    choice: WatchChoice
    title: str
    start: datetime
    end: datetime
    total: float | None
    n_agents: int
    n_involved: int
    tiers: tuple[TierShare, ...]
    groups: tuple[GroupShare, ...] = ()
    history: tuple[PastShares, ...] = ()
    series: Series | None = None
    leaders: tuple[RisingAccount, ...] = ()
    risers: tuple[RisingAccount, ...] = ()
    posts: tuple[MovingPost, ...] = ()
    sample: BesideSample | None = None
    rate: float = 0.0
    lag: float | None = None
    gaps: tuple[Gap, ...] = ()
    mode: Mode = "replay"
    marks: tuple[Mark, ...] = ()
    notes: tuple[str, ...] = field(default=())
    events: int = 0
    undefined: str = ""
    cutoffs: tuple[float, ...] = (1.0, 10.0)
    ranked_by: str = "followers"
    synthetic: bool = False
    feed: FeedState | None = None


class Watching(Protocol):
    """What a face asks: pictures as they come, and another choice."""

    @property
    def choices(self) -> WatchChoices:
        """What may be chosen."""

    def pictures(self) -> Iterator[Picture]:
        """Yield a picture each second; end where the events end, or after `stop`."""

    def choose(self, choice: WatchChoice) -> None:
        """Watch something else from the next picture on; may be called from another thread."""

    def stop(self) -> None:
        """End `pictures` soon; may be called from another thread."""
