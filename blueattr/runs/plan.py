"""What a scheduled run does: its sources, its questions, and where reports go."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from blueattr.attribution.question import Question, Sampling
from blueattr.panel.query import PanelQuery
from blueattr.sources.timing import Timing
from blueattr.studies.topic import DEFAULT_LEADERS

if TYPE_CHECKING:
    from collections.abc import Callable

    from blueattr.ingest.follow import Fill
    from blueattr.sources.archive.source import ArchiveSource
    from blueattr.sources.live.stream import Stream

__all__ = ["Archive", "Files", "Following", "Form", "Plan"]


Form: TypeAlias = Literal["html", "json", "csv", "parquet", "png", "svg"]


@dataclass(frozen=True, slots=True)
class Files:
    """Files to read: what is new in them.

    Parameters
    ----------
    arguments, kind
        As for `blueattr.sources.files.find`.
    """

    arguments: tuple[str, ...]
    kind: str = "file"

    def __str__(self) -> str:
        """Name them."""
        return ", ".join(self.arguments)


@dataclass(frozen=True, slots=True)
class Following:
    """A stream to follow until it has caught up with the clock.

    Parameters
    ----------
    streams, limit, start, fill
        As for `blueattr.ingest.follow.follow`.
    timing
        For tests.
    """

    streams: "tuple[Stream, ...]"
    limit: timedelta
    start: datetime | None = None
    fill: "Fill | None" = None
    timing: Timing | None = None

    def __str__(self) -> str:
        """Name the preferred server."""
        return self.streams[0].name


@dataclass(frozen=True, slots=True)
class Archive:
    """A window of an archive.

    Parameters
    ----------
    make
        Makes the source, to be used once.
    name
        For the log.
    """

    make: "Callable[[], ArchiveSource]"
    name: str

    def __str__(self) -> str:
        """Name it."""
        return self.name


@dataclass(frozen=True)
class Plan:
    """What a scheduled run does.

    Parameters
    ----------
    query
        Store, window and panel; its topic is not used.
    sources
        What is ingested, in this order.
    topics
        Names, or `blueattr.analysis.topic_reports.EVERY_TOPIC` alone.
    question, sampling, top
        As for `blueattr.analysis.topic_reports.report_topics`.
    reports
        The folder of reports, made if it is not there.
    forms
        ``html``: one page; the others: a file for each figure.
    keep
        How many reports stay; None for all.
    config
        The file of settings, for the record.
    """

    query: PanelQuery
    sources: tuple[Files | Following | Archive, ...]
    topics: tuple[str, ...]
    question: Question
    sampling: Sampling
    reports: Path
    top: int = DEFAULT_LEADERS
    forms: tuple[Form, ...] = ("html", "json")
    keep: int | None = None
    config: Path | None = None
