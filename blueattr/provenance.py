"""Provenance: where the features of a result come from, so that a reader can compute it again."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta

from blueattr.version import METHOD_VERSION, __version__

__all__ = [
    "NO_FOLLOWERS",
    "CountedPosts",
    "FoundShare",
    "Gap",
    "IndicatorInfo",
    "PanelStep",
    "Provenance",
    "TimeShare",
    "TopicInfo",
    "Window",
    "spell_window",
]


NO_FOLLOWERS = "No follower counts: b is 0 for everyone, and tiers are by activity."
"""What is said of records without any follow and any follower count."""


@dataclass(frozen=True, slots=True)
class Window:
    """A half-open interval of time, ``start <= t < end``; both are aware and in UTC."""

    start: datetime
    end: datetime


def spell_window(window: Window) -> str:
    """Write a window for people: whole UTC days by their dates, others by their ends.

    >>> spell_window(Window(datetime(2026, 4, 9, tzinfo=UTC), datetime(2026, 4, 23, tzinfo=UTC)))
    '9 to 22 April 2026 (UTC)'
    """
    start, end = window.start.astimezone(UTC), window.end.astimezone(UTC)
    if start.time() != time() or end.time() != time():
        return f"{_moment(start)} to {_moment(end)} (UTC)"
    last = end - timedelta(days=1)
    closing = f"{last.day} {last:%B} {last.year}"
    if start == last:
        return f"{closing} (UTC)"
    if start.year != last.year:
        return f"{start.day} {start:%B} {start.year} to {closing} (UTC)"
    if start.month != last.month:
        return f"{start.day} {start:%B} to {closing} (UTC)"
    return f"{start.day} to {closing} (UTC)"


def _moment(moment: datetime) -> str:
    """Write a time to the minute, or to the second where it has seconds or parts of one."""
    spec = "seconds" if moment.second or moment.microsecond else "minutes"
    clock = moment.time().isoformat(timespec=spec)
    return f"{moment.day} {moment:%B} {moment.year} {clock}"


@dataclass(frozen=True, slots=True)
class Gap:
    """A part of the window that no ingested source covers."""

    start: datetime
    end: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class PanelStep:
    """The effect of one panel filter: agents before, removed, after."""

    filter: str
    before: int
    removed: int
    after: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class TopicInfo:
    """A topic as it was matched, complete, so that it can be matched again."""

    name: str
    title: str
    category: str
    keywords: tuple[str, ...] = ()
    hashtags: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class IndicatorInfo:
    """Where an indicator other than the four comes from, so that it can be run again.

    Parameters
    ----------
    formula
        The formula in its author's words; may be empty.
    statistics
        The names of its statistics.
    gradient
        ``"given"``, or how it was computed: ``"complex step"`` or ``"central differences"``.
    weights
        Whether its integrals along the diagonal have a closed form.
    origin
        The module or file that defines it, as the user named it.
    object_name
        Its name in there; empty if the module itself is the indicator.
    file
        The absolute path of the file; None if there is none.
    sha256
        The hash of the file's bytes, in hexadecimal; None if there is no file.
    """

    formula: str
    statistics: tuple[str, ...]
    gradient: str
    weights: bool = False
    origin: str = ""
    object_name: str = ""
    file: str | None = None
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class TimeShare:
    """How many records of a window have times of one kind.

    Parameters
    ----------
    kind
        ``"server"``, ``"imported"``, ``"key"``, ``"claimed"`` or ``"collected"``.
    records
        Posts, replies, reposts and follows.
    share
        Of all records of the window.
    """

    kind: str
    records: int
    share: float


@dataclass(frozen=True, slots=True)
class FoundShare:
    """How many interactions of one kind with collected posts were found.

    Parameters
    ----------
    kind
        ``"replies"``, ``"reposts"`` or ``"quotes"``.
    found
        How many of those that the network counts are there.
    counted
        How many it counts.
    """

    kind: str
    found: int
    counted: int


@dataclass(frozen=True, slots=True)
class CountedPosts:
    """Posts of which an imported table counts the interactions, in place of these themselves.

    Parameters
    ----------
    posts
        Posts and replies that c is about.
    counted
        How many of them have counts.
    kinds
        What is counted, of ``"replies"``, ``"reposts"`` and ``"quotes"``.
    first, last
        When it was counted; None where no post has counts.
    """

    posts: int
    counted: int
    kinds: tuple[str, ...]
    first: datetime | None
    last: datetime | None


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where the features of a panel come from.

    Parameters
    ----------
    source
        The store or the features file, as the user named it.
    feature_scale
        ``"log1p"``, ``"raw"``, or ``"as given"`` for features from a user's own file.
    popularity
        What b counts on this panel, in words.
    topic
        None for a features file.
    window
        None for a features file.
    gaps
        Parts of the window that no source covers, ascending.
    so_far
        The last event, where it is on the window's last day and that day goes on after it; what
        lies after it is no gap.
    panel
        The panel filters, in the order in which they were applied.
    notes
        Anything else that a reader must know, one sentence each.
    version
        The version of blueattr that computed the result.
    method_version
        `blueattr.version.METHOD_VERSION` of it.
    ranked_by
        What ranks the agents: ``"followers"``; ``"b"`` in a panel of the user's own that has no
        such column; ``"a"`` where these are equal for all.
    synthetic
        The names of the synthetic sources that the data come from; empty if there are none.
    all_synthetic
        Whether all data are synthetic.
    time_from
        Where the times of the window's records are from; empty if all are the server's own.
    ranking
        In what way followers do not rank the agents, one sentence each; empty if they do.
    influence
        What c counts, of ``"replies"``, ``"reposts"`` and ``"quotes"``; empty for a features file.
    influence_note
        Why that is less than by default, where nobody chose it; else empty.
    drawn
        How imported records were chosen: ``"network"``, ``"users"``, ``"keywords"``, ``"unknown"``;
        empty where nothing was imported.
    is_searched
        Whether all records of the window were chosen by a search for words.
    import_remarks
        What the formats of imported tables say that a reader must know, one sentence each.
    completeness
        Of the window's collected posts, how many interactions of each kind were found; empty where
        nothing was collected.
    counted
        The posts whose counts c is made of; None where it is made of events.
    """

    source: str
    feature_scale: str = "as given"
    popularity: str = "as given"
    topic: TopicInfo | None = None
    window: Window | None = None
    gaps: tuple[Gap, ...] = ()
    so_far: datetime | None = None
    panel: tuple[PanelStep, ...] = ()
    notes: tuple[str, ...] = ()
    version: str = field(default=__version__)
    method_version: int = METHOD_VERSION
    ranked_by: str = "followers"
    synthetic: tuple[str, ...] = ()
    all_synthetic: bool = False
    time_from: tuple[TimeShare, ...] = ()
    ranking: tuple[str, ...] = ()
    influence: tuple[str, ...] = ()
    influence_note: str = ""
    drawn: tuple[str, ...] = ()
    is_searched: bool = False
    import_remarks: tuple[str, ...] = ()
    completeness: tuple[FoundShare, ...] = ()
    counted: CountedPosts | None = None
