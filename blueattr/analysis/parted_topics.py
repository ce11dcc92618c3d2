"""Topics of partitions: how many take part in each, by day."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl

from blueattr.analysis.topics import named_topic, names_to_check, topic_days
from blueattr.analysis.upkeep.parted_status import times_in_order
from blueattr.cluster.engine import InProcess, Progress
from blueattr.panel.counts import WindowCounts
from blueattr.panel.origin import origin_by_notes
from blueattr.panel.query import PanelQuery
from blueattr.panel.times import count_records, other_times, shares_of_times
from blueattr.panel.topics import TopicDays
from blueattr.partitions import tasks
from blueattr.partitions.driver import PartitionQuestion, newest, run_by
from blueattr.partitions.folder import PartitionFolder
from blueattr.partitions.meta import noted
from blueattr.partitions.tasks import Bucket, BucketQuestion
from blueattr.store.database import Store

__all__ = ["check_topics_of_partitions"]


@dataclass(frozen=True, slots=True)
class _BucketDays:
    """What the accounts of a bucket did about a topic, and when.

    Parameters
    ----------
    days
        Each with its participants and events.
    times, records
        All records of the window, by where their times are from; and how many they are.
    """

    days: list[tuple[Any, ...]]
    times: dict[str, int]
    records: int


def check_topics_of_partitions(
    events: Path, query: PanelQuery, names: Sequence[str], progress: Progress | None = None
) -> list[TopicDays]:
    """Count the participants and events of each topic by day; every bucket is folded for that.

    Parameters
    ----------
    events
        The folder of partitions.
    query, names
        As for `blueattr.analysis.topics.check_topics`.
    progress
        Is told how far the stages are.

    Raises
    ------
    InputError
        There are no partitions, or they cannot be read.
    UsageError, NoAnswerError
        As for `blueattr.analysis.topics.check_topics`; or the partitions have no words, and do not
        keep what matched the topic.
    """
    chosen = names_to_check(query, names)
    counts, origin = [], None
    with TemporaryDirectory(prefix="blueattr-") as place:
        for name in chosen:
            asking = PartitionQuestion(
                events,
                replace(query, topic=name),
                PartitionFolder(place),
                run_by(InProcess(progress)),
            )
            days = asking.fold()
            topic = named_topic(asking.settle(days))
            found = asking.run(taking_part, [(bucket, asking.asked) for bucket in asking.buckets])
            window = asking.asked.window
            if origin is None:
                times: Counter[str] = Counter()
                for one in found:
                    times.update(one.times)
                shares = shares_of_times(times_in_order(times), sum(one.records for one in found))
                with noted(asking.meta, days) as notes:
                    origin = origin_by_notes(events, notes, window, newest(days), shares)
            counts.append(topic_days(topic, window, _summed(found), asking.influence, origin))
    return counts


def taking_part(bucket: Bucket, asked: BucketQuestion) -> _BucketDays:
    """Count by day who takes part in a topic, of the accounts of a bucket: a task."""
    if asked.rule is None:
        raise ValueError("all events are no topic")
    with Store.open(bucket.db, bucket.memory) as store:
        others = tasks.elsewhere(PartitionFolder(bucket.work), asked, bucket)
        WindowCounts(store, asked.window, others).count(asked.rule, quotes=asked.quotes)
        return _BucketDays(
            store.frame("analysis/topic_days").rows(),
            other_times(store, asked.window),
            count_records(store, asked.window),
        )


def _summed(found: Sequence[_BucketDays]) -> pl.DataFrame:
    rows = [row for one in found for row in one.days]
    schema = {"day": pl.Date, "participants": pl.Int64, "events": pl.Int64}
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    return frame.group_by("day").agg(pl.col("participants", "events").sum()).sort("day")
