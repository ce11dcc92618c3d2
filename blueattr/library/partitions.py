"""Partitions that a program asks: what `blueattr.open_partitions` returns."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from blueattr.analysis.asked import parse
from blueattr.analysis.events_folder import features_of_partitions
from blueattr.analysis.groups.grouping import ByGroup
from blueattr.analysis.parted_reports import report_partitions
from blueattr.analysis.parted_topics import check_topics_of_partitions
from blueattr.analysis.results import TopicCounts
from blueattr.analysis.topics import to_check
from blueattr.analysis.upkeep.parted_status import status_of_partitions
from blueattr.analysis.upkeep.status import Status
from blueattr.attribution.question import Question, Sampling
from blueattr.cluster.address import ClusterAddress
from blueattr.library.declared import (
    EARLIER,
    EVENTS,
    EVERYTHING,
    GROUPED,
    LEADERS,
    REPORTED,
    SAMPLES,
    SAMPLES_SHOWN,
    TARGET,
    TOPICS,
    WORKERS,
    LeaderOptions,
    Target,
    TopicQuery,
)
from blueattr.library.options import takes, words_of_a_program
from blueattr.panel.query import PanelQuery
from blueattr.partitions.driver import PanelParts
from blueattr.partitions.folder import PartitionFolder
from blueattr.partitions.meta import Meta
from blueattr.provenance import Window
from blueattr.user_path import user_path

__all__ = ["Partitions", "open_partitions"]


class Partitions:
    """Events parted by account; `blueattr.open_partitions` makes it.

    Parameters
    ----------
    path
        The folder.
    memory
        Bytes the process may use.
    """

    def __init__(self, path: Path, memory: int) -> None:
        self.path = path
        self.memory = memory

    def __repr__(self) -> str:
        """Return what opens the partitions."""
        return f"blueattr.open_partitions({str(self.path)!r})"

    @property
    def meta(self) -> Meta:
        """What the folder has in it, as buckets, sources and parts."""
        return Meta.read(PartitionFolder(self.path))

    @takes(no_samples=SAMPLES_SHOWN)
    def status(self, *, no_samples: bool) -> Status:
        """Show what the partitions hold, as ``blueattr status --events``.

        Returns
        -------
        Status
            As of `blueattr.Store.status`.

        Raises
        ------
        InputError
            The partitions cannot be read.
        """
        return status_of_partitions(self.path, self.memory, samples=not no_samples)

    @takes("names", query=EVENTS)
    def topics(self, names: str | Sequence[str] = (), *, query: PanelQuery) -> TopicCounts:
        """Count participants of topics by day, as ``blueattr topics check --events``.

        Parameters
        ----------
        names
            A topic, or several; all known topics by default.

        Returns
        -------
        TopicCounts
            As of `blueattr.Store.topics`.

        Raises
        ------
        UsageError, NoAnswerError
            An option makes no sense, or there is no such topic.
        InputError
            The partitions cannot be read.
        """
        asked = replace(query, db=self.path, memory=self.memory)
        return TopicCounts(
            tuple(check_topics_of_partitions(self.path, asked, to_check(names, query)))
        )

    @takes("path", "topic", query=EVERYTHING, cluster=WORKERS)
    def features(
        self, path: str | Path, *, query: PanelQuery, cluster: ClusterAddress | None
    ) -> PanelParts:
        """Make the features of each agent in parts, as ``blueattr features --events``.

        Parameters
        ----------
        path
            A folder that is not there, for a Parquet file of each bucket.

        Returns
        -------
        PanelParts
            Its ``path`` is what `blueattr.attribute` and others take; ``agents`` counts the agents,
            ``steps`` says what each filter removed.

        Raises
        ------
        UsageError, NoAnswerError
            An option makes no sense, nobody is in the panel, or there is no such topic.
        InputError, OutputError
            The partitions cannot be read, or the parts cannot be written.
        ClusterError
            The cluster cannot be reached, or is lost.

        Notes
        -----
        docs/partitions.md.
        """
        asked = replace(query, db=self.path, memory=self.memory)
        return features_of_partitions(self.path, asked, user_path(path), cluster)

    @takes(
        "path",
        "topic",
        target=TARGET,
        about=TOPICS,
        question=REPORTED,
        sampling=SAMPLES,
        named=LEADERS,
        against=EARLIER,
        groups=GROUPED,
        cluster=WORKERS,
    )
    def report(
        self,
        *,
        target: Target,
        about: TopicQuery,
        question: Question,
        sampling: Sampling,
        named: LeaderOptions,
        against: Window | None,
        groups: ByGroup | None,
        cluster: ClusterAddress | None,
    ) -> tuple[Path, ...]:
        """Write a report with figures, tables and methods, as ``blueattr report --events``.

        Returns
        -------
        tuple of Path
            The files that were written: those of the store of the same events, but for its name.

        Raises
        ------
        UsageError, NoAnswerError
            An option makes no sense, or there is no answer.
        InputError, OutputError
            The partitions cannot be read, or a file cannot be written.
        ClusterError
            The cluster cannot be reached, or is lost.

        Notes
        -----
        docs/partitions.md.
        """
        from blueattr.report.pages.gallery import write_report

        reports = report_partitions(
            self.path,
            replace(about.query, db=self.path, memory=self.memory),
            about.names,
            question,
            sampling,
            beside=target.path,
            naming=named.naming(target.path),
            against=against,
            by=None if groups is None else replace(groups, seed=sampling.seed),
            cluster=cluster,
            top=named.top,
            accounts=target.form == "datasette",
        )
        return write_report(reports, target.path, target.form, target.width)


def open_partitions(path: str | Path, *, memory: str | int = "4GB") -> Partitions:
    """Open partitions to ask for features and reports.

    Parameters
    ----------
    path
        The folder that ``blueattr export --partitioned`` or ``blueattr ingest --events`` writes.
    memory
        Memory limit of the whole process, such as ``"4GB"``.

    Returns
    -------
    Partitions

    Raises
    ------
    InputError
        There are none.
    """
    with words_of_a_program():
        opened = Partitions(user_path(path), parse.memory_limit(memory))
        Meta.read(PartitionFolder(opened.path))
    return opened
