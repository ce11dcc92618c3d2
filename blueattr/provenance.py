"""Provenance: where the features of a result come from, so that a reader can compute it again."""

from dataclasses import dataclass, field
from datetime import datetime

from blueattr.version import __version__

__all__ = ["Gap", "IndicatorInfo", "PanelStep", "Provenance", "TopicInfo", "Window"]


@dataclass(frozen=True, slots=True)
class Window:
    """A half-open interval of time, ``start <= t < end``; both are aware and in UTC."""

    start: datetime
    end: datetime


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
    panel
        The panel filters, in the order in which they were applied.
    notes
        Anything else that a reader must know, one sentence each.
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
