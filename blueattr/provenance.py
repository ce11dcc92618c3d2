"""What a reader needs to redo a run: where the features came from, stated beside every result."""

from dataclasses import dataclass, field
from datetime import datetime

from blueattr.version import __version__

__all__ = ["Gap", "IndicatorInfo", "PanelStep", "Provenance", "TopicInfo", "Window"]


@dataclass(frozen=True, slots=True)
class Window:
    """A half-open stretch of time, ``start <= t < end``, both aware and in UTC."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch of the window that no ingested source covers."""

    start: datetime
    end: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class PanelStep:
    """What one panel filter did: agents before, removed, after."""

    filter: str
    before: int
    removed: int
    after: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class TopicInfo:
    """The topic as it was matched, complete enough to match it again."""

    name: str
    title: str
    category: str
    keywords: tuple[str, ...] = ()
    hashtags: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class IndicatorInfo:
    """Where an indicator that is not one of the four comes from, enough to run it again.

    Parameters
    ----------
    formula
        In the words of whoever wrote it; may be empty.
    statistics
        The names of its statistics.
    gradient
        ``"given"``, or how it was computed: ``"complex step"`` or ``"central differences"``.
    weights
        Whether its integrals along the diagonal were given in closed form.
    origin
        The module or file that defines it, as it was named.
    object_name
        What it is called in there; empty where the module itself is the indicator.
    file
        The file's absolute path; None where there is none.
    sha256
        Of the file's bytes, in hexadecimal; None where there is no file.
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
class Provenance:
    """Where a panel's features came from.

    Parameters
    ----------
    source
        The store or the features file, as the user named it.
    feature_scale
        ``"log1p"``, ``"raw"``, or ``"as given"`` for features from a user's own file.
    popularity
        In words: what b counts on this panel.
    topic
        None for a panel that has none (a features file).
    window
        None for a panel that has none (a features file).
    gaps
        Stretches of the window that were not seen, ascending.
    panel
        The panel filters in the order they were applied.
    notes
        Anything else a reader must know, one sentence each.
    version
        The version of blueattr that computed the result.
    """

    source: str
    feature_scale: str = "as given"
    popularity: str = "as given"
    topic: TopicInfo | None = None
    window: Window | None = None
    gaps: tuple[Gap, ...] = ()
    panel: tuple[PanelStep, ...] = ()
    notes: tuple[str, ...] = ()
    version: str = field(default=__version__)
