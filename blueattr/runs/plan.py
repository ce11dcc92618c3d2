"""The plan of a run: its sources, its questions, and where reports go."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from blueattr.attribution.question import Question, Sampling
from blueattr.panel.query import PanelQuery
from blueattr.runs.telling.settings import Telling
from blueattr.sources.timing import Timing
from blueattr.studies.carriers.leaders import DEFAULT_LEADERS

if TYPE_CHECKING:
    from collections.abc import Callable

    from blueattr.analysis.groups.grouping import ByGroup
    from blueattr.ingest.follow import Fill
    from blueattr.sources.archive.source import ArchiveSource
    from blueattr.sources.live.stream import Stream

__all__ = ["Archive", "Files", "Following", "Form", "Plan"]


Form: TypeAlias = Literal[
    "html", "json", "csv", "parquet", "md", "tex", "png", "svg", "pdf", "datasette"
]


@dataclass(frozen=True, slots=True)
class Files:
    """Files, of which a run reads what is new.

    Parameters
    ----------
    arguments, kind
        See `blueattr.sources.files.find`.
    """

    arguments: tuple[str, ...]
    kind: str = "file"

    def __str__(self) -> str:
        """Return the files' names."""
        return ", ".join(self.arguments)


@dataclass(frozen=True, slots=True)
class Following:
    """A stream, which a run follows until it has caught up with the present.

    Parameters
    ----------
    streams, limit, start, fill
        See `blueattr.ingest.follow.follow`.
    timing
        For tests.
    """

    streams: "tuple[Stream, ...]"
    limit: timedelta
    start: datetime | None = None
    fill: "Fill | None" = None
    timing: Timing | None = None

    def __str__(self) -> str:
        """Return the name of the preferred server."""
        return self.streams[0].name


@dataclass(frozen=True, slots=True)
class Archive:
    """A window of an archive, which a run fetches.

    Parameters
    ----------
    make
        Makes the source; a source is used once.
    name
        The name in the log.
    """

    make: "Callable[[], ArchiveSource]"
    name: str

    def __str__(self) -> str:
        """Return the archive's name."""
        return self.name


@dataclass(frozen=True)
class Plan:
    """What a scheduled run does.

    Parameters
    ----------
    query
        Store, window and panel; its topic is ignored.
    sources
        What to ingest, in this order.
    topics
        Names, or `blueattr.analysis.asked.parse.EVERY_TOPIC` alone.
    question, sampling, top
        See `blueattr.analysis.topic_reports.report_topics`.
    reports
        The folder of reports, created if it does not exist.
    forms
        ``html``: one page; ``datasette``: one SQLite file; the others: a file for each figure.
    width
        Of figures as pictures in millimetres; None for what each needs.
    keep
        Number of reports to keep; None for all.
    config
        The settings file, for the record.
    pseudonyms
        Whether accounts are named by keyed hashes; the key is beside `reports`.
    change
        Whether to say what carried the change since the last report.
    by
        Groups of agents that reports show; None for none.
    telling
        Who is told of the run.
    """

    query: PanelQuery
    sources: tuple[Files | Following | Archive, ...]
    topics: tuple[str, ...]
    question: Question
    sampling: Sampling
    reports: Path
    top: int = DEFAULT_LEADERS
    forms: tuple[Form, ...] = ("html", "json")
    width: float | None = None
    keep: int | None = None
    config: Path | None = None
    pseudonyms: bool = False
    change: bool = True
    by: "ByGroup | None" = None
    telling: Telling = field(default_factory=Telling)
