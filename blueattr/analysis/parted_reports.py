"""Reports of partitions: of an excerpt of them, by what makes those of a store."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from blueattr.analysis.asked.naming import Naming
from blueattr.analysis.groups.grouping import ByGroup
from blueattr.analysis.sensitivity import LONGEST_SHIFT
from blueattr.analysis.topic_reports import report_topic, report_topics
from blueattr.analysis.topics import choose_topics
from blueattr.attribution.question import Question, Sampling
from blueattr.cluster.address import ClusterAddress
from blueattr.cluster.connect import connect
from blueattr.cluster.engine import InProcess, Progress
from blueattr.errors import NoAnswerError, UsageError
from blueattr.panel import topics
from blueattr.panel.groupers import OF_POSTS
from blueattr.panel.query import PanelQuery
from blueattr.panel.topics import Topic
from blueattr.partitions.driver import PartitionQuestion, run_by
from blueattr.partitions.excerpt import ExcerptQuery, make_excerpt
from blueattr.partitions.folder import PartitionFolder
from blueattr.partitions.meta import Meta
from blueattr.provenance import Window
from blueattr.store.database import Store
from blueattr.studies.topic import TopicReport

__all__ = ["report_partitions"]


def report_partitions(
    events: Path,
    query: PanelQuery,
    names: Sequence[str],
    question: Question,
    sampling: Sampling,
    *,
    beside: Path,
    naming: Naming,
    against: Window | None = None,
    by: ByGroup | None = None,
    cluster: ClusterAddress | None = None,
    progress: Progress | None = None,
    **told: Any,
) -> tuple[TopicReport, ...]:
    """Compute everything that a report of partitions shows about a topic, or several.

    Parameters
    ----------
    events
        The folder of partitions.
    query, names
        As for `blueattr.analysis.topic_reports.report_topics`; without names, about the query's own
        topic.
    question, sampling, naming, against, by, told
        As for `blueattr.analysis.topic_reports.report_topic`.
    beside
        The output. What tasks leave to one another, and the excerpt, are in a folder of this name
        with ``.work`` at its end, and go when all is done, or where there is no answer. If it is
        there already, as somebody was killed, what is in it is used.
    cluster, progress
        As for `blueattr.analysis.events_folder.features_of_partitions`.

    Raises
    ------
    InputError, OutputError
        There are no partitions, they cannot be read, or the folder cannot be written.
    UsageError, NoAnswerError
        As for `blueattr.analysis.topic_reports.report_topics`; or partitions have no words.
    ClusterError
        The cluster cannot be reached, or is lost.
    """
    folder = PartitionFolder(events)
    if not Meta.read(folder).has_text and not naming.hides:
        raise NoAnswerError(
            f"{folder} was written with --no-text, and a report shows posts by their words; ask "
            "with --top 0 or --pseudonyms for one without posts, or export the store again with "
            "texts"
        )
    query = replace(query, db=events)

    def choose(notes: Store) -> Sequence[Topic | None]:
        if names:
            return choose_topics(notes, names, query.topics_file)
        return [topics.choose(notes, query.topic, list(query.match), query.topics_file)]

    states = by is not None and bool(OF_POSTS.intersection(by.levels))
    asked = ExcerptQuery(query, choose, against, LONGEST_SHIFT, states)
    work = PartitionFolder(Path(f"{beside}.work").absolute())
    told |= {"naming": naming, "against": against, "by": by}
    goes_on = work.exists()
    try:
        with ExitStack() as opened:
            with InProcess(progress) if cluster is None else connect(cluster, progress) as engine:
                asking = PartitionQuestion(events, query, work, run_by(engine), engine.workers)
                store = opened.enter_context(make_excerpt(asking, asked))
            if names:
                made = report_topics(query, names, question, sampling, **told, store=store)
            else:
                made = (report_topic(query, question, sampling, **told, store=store),)
    except (NoAnswerError, UsageError):
        if not goes_on:  # the same question again has no answer either
            work.remove_all("")
        raise
    work.remove_all("")
    return made
