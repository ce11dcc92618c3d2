"""Topics by name: the topics of a grid or report, and how many take part in each."""

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from blueattr.analysis.asked.parse import EVERY_TOPIC
from blueattr.errors import UsageError
from blueattr.panel import influence, topics
from blueattr.panel.counts import WindowCounts
from blueattr.panel.influence import Influence
from blueattr.panel.query import PanelQuery, store_origin
from blueattr.panel.topics import Topic, TopicDays
from blueattr.provenance import Provenance, Window
from blueattr.store.database import Store

__all__ = [
    "check_topics",
    "choose_topics",
    "count_events",
    "expand_names",
    "named_topic",
    "names_to_check",
    "to_check",
    "topic_days",
]


def expand_names(names: Sequence[str], topics_file: Path | None) -> tuple[str, ...]:
    """Return the names of topics, with all known topics in place of `EVERY_TOPIC`.

    Parameters
    ----------
    names
        The topics, or `blueattr.analysis.asked.parse.EVERY_TOPIC` alone.
    topics_file
        A user's file of topics.

    Raises
    ------
    UsageError
        A topic is named twice, or none is.
    """
    names = tuple(name.lower() for name in names)
    expanded = tuple(topics.load(topics_file)) if names == (EVERY_TOPIC,) else names
    if not expanded or len(set(expanded)) < len(expanded):
        raise UsageError(
            f"name each topic once, and at least one; not {', '.join(expanded) or 'none'}"
        )
    return expanded


def choose_topics(
    store: Store, names: Sequence[str], topics_file: Path | None
) -> list[Topic | None]:
    """Return topics by name, as `blueattr.panel.topics.choose` does; see `expand_names`."""
    return [
        topics.choose(store, name, None, topics_file) for name in expand_names(names, topics_file)
    ]


def check_topics(query: PanelQuery, names: Sequence[str]) -> list[TopicDays]:
    """Count the participants and events of each topic by day.

    Parameters
    ----------
    query
        The window, and the expressions or the file of topics.
    names
        The topics, several perhaps in one text with commas; all known topics if empty, or
        ``all-topics``.

    Raises
    ------
    UsageError
        The topic is ``all``, or one is named twice.
    UnknownTopicError
        There is no such topic.
    """
    chosen_names = names_to_check(query, names)
    with Store.open(query.db, query.memory) as store:
        window = query.window(store)
        settled = influence.settle(store, query.influence, window)
        origin = store_origin(query.db, store, window)
        counts = []
        for name in chosen_names:
            topic = named_topic(topics.choose(store, name, list(query.match), query.topics_file))
            count_events(store, topic, window, quotes=settled.quotes)
            found = store.frame("analysis/topic_days")
            counts.append(topic_days(topic, window, found, settled, origin))
    return counts


def names_to_check(query: PanelQuery, names: Sequence[str]) -> Sequence[str | None]:
    """Return the names of topics that `check_topics` is asked for; None for expressions."""
    named = [part.strip() for name in names for part in name.split(",")] or [EVERY_TOPIC]
    return [None] if query.match else expand_names(named, query.topics_file)


def to_check(names: str | Sequence[str], query: PanelQuery) -> tuple[str, ...]:
    """Return the names of topics that a program asks to check, each once.

    Raises
    ------
    UsageError
        There are expressions, too.
    """
    named = (names,) if isinstance(names, str) else tuple(dict.fromkeys(names))
    if named and query.match:
        raise UsageError("check topics by name or by match, not both")
    return named


def named_topic(topic: Topic | None) -> Topic:
    """Refuse to check what is no topic."""
    if topic is None:
        raise UsageError("name topics to check; 'all' stands for a run without one")
    return topic


def topic_days(
    topic: Topic, window: Window, found: pl.DataFrame, settled: Influence, origin: Provenance
) -> TopicDays:
    """Judge a topic by its days with events: rows of ``sql/analysis/topic_days.sql``."""
    calendar = pl.DataFrame({"day": _days(window)}, schema={"day": pl.Date})
    days = calendar.join(found, on="day", how="left", maintain_order="left").fill_null(0)
    over = int((days["participants"] >= topics.CRITERION_PARTICIPANTS).sum())
    return TopicDays(topic, window, days, over, settled, origin)


def count_events(store: Store, topic: Topic, window: Window, *, quotes: bool = True) -> None:
    """Fill the temp table `window_event` with the events of a topic in a window.

    Parameters
    ----------
    quotes
        Whether to look at what posts quote.
    """
    WindowCounts.of(store, window).count(topic.rule, quotes=quotes)


def _days(window: Window) -> list[date]:
    last = (window.end - timedelta(microseconds=1)).date()
    first = window.start.date()
    return [first + timedelta(days=k) for k in range((last - first).days + 1)]
