"""Reports: everything that a page shows about topics of a store, or about a user's own panel."""

import platform
import shlex
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

import polars as pl

from blueattr.analysis.attribute import day_features
from blueattr.analysis.features import load_features
from blueattr.analysis.topics import choose_topics
from blueattr.attribution.attribute import attribute
from blueattr.attribution.days import DayShares, attribute_days
from blueattr.attribution.question import Question, Sampling
from blueattr.errors import ZeroTotalError
from blueattr.indicators.base import Indicator
from blueattr.indicators.find import find_indicator
from blueattr.panel import topics
from blueattr.panel.query import PanelQuery, StoreView
from blueattr.panel.topics import Topic
from blueattr.provenance import Provenance, Window
from blueattr.store.database import Store
from blueattr.studies.topic import DEFAULT_LEADERS, TopicReport, topic_report
from blueattr.version import __version__

__all__ = ["report_features", "report_topic", "report_topics", "versions"]


_HEAT = "heat"
_SOFTWARE = ("duckdb", "numba", "numpy", "polars", "pyarrow", "vl-convert-python")


def versions() -> tuple[tuple[str, str], ...]:
    """Return the names and versions of the software that a number or a figure can depend on."""
    return (
        ("blueattr", __version__),
        ("Python", platform.python_version()),
        *((name, version(name)) for name in _SOFTWARE),
    )


def report_topic(
    query: PanelQuery,
    question: Question,
    sampling: Sampling,
    *,
    top: int = DEFAULT_LEADERS,
) -> TopicReport:
    """Compute everything that a report shows about one topic.

    Parameters
    ----------
    query
        The panel, the window and the topic.
    question, sampling
        What to attribute, and which samples to draw.
    top
        How many of the agents with the largest attribution to name.

    Raises
    ------
    BlueattrError
        See `blueattr.analysis.features.make_features` and `blueattr.studies.topic.topic_report`.
    """
    with Store.open(query.db, query.memory) as store:
        topic = topics.choose(store, query.topic, list(query.match), query.topics_file)
        return _report(StoreView.of(store, query), topic, question, sampling, top)


def report_topics(
    query: PanelQuery,
    names: Sequence[str],
    question: Question,
    sampling: Sampling,
    *,
    top: int = DEFAULT_LEADERS,
) -> tuple[TopicReport, ...]:
    """Compute the same for several topics of one store, with one window and one panel.

    Parameters
    ----------
    query
        The panel and the window; its topic is ignored.
    names
        The topics, or `blueattr.analysis.parse.EVERY_TOPIC` alone.
    question, sampling, top
        See `report_topic`.

    Raises
    ------
    UsageError
        A topic is named twice, or none is.
    UnknownTopicError
        There is no such topic.
    """
    with Store.open(query.db, query.memory) as store:
        chosen = choose_topics(store, names, query.topics_file)
        view = StoreView.of(store, query)
        return tuple(_report(view, topic, question, sampling, top) for topic in chosen)


def report_features(
    path: Path, question: Question, sampling: Sampling, *, top: int = DEFAULT_LEADERS
) -> TopicReport:
    """Compute the same for a user's own panel, which has no days, handles or gaps."""
    frame, origin = load_features(path)
    return topic_report(
        frame,
        question,
        sampling,
        provenance=origin,
        top=top,
        command=_command(["--features", str(path)], question, sampling, top),
        versions=versions(),
    )


def _report(
    view: StoreView, topic: Topic | None, question: Question, sampling: Sampling, top: int
) -> TopicReport:
    agent_days = view.agent_days(topic)
    frame = view.features(agent_days)
    origin = view.origin(topic)

    def handles(dids: Sequence[str]) -> Mapping[str, str]:
        return dict(view.store.frame("analysis/handles", dids=list(dids)).iter_rows())

    return topic_report(
        frame,
        question,
        sampling,
        provenance=origin,
        top=top,
        handles=handles,
        days=_heat_by_day(view, frame, agent_days, question, origin),
        command=_command(_store_options(view.query, topic, view.window), question, sampling, top),
        versions=versions(),
    )


def _heat_by_day(
    view: StoreView,
    frame: pl.DataFrame,
    agent_days: pl.DataFrame,
    question: Question,
    origin: Provenance,
) -> DayShares | None:
    """Attribute heat on each day, whatever the indicators; None if it is 0 in the window."""
    heat = find_indicator(_HEAT)
    try:
        whole = attribute(frame, heat, cutoffs=question.cutoffs, provenance=origin)
    except ZeroTotalError:
        return None
    return attribute_days([(heat, whole)], day_features(view, agent_days))[0]


# --- the command that makes the report again ------------------------------------------------------


def _command(panel: list[str], question: Question, sampling: Sampling, top: int) -> str:
    """Return the command that makes the same report, with every choice as an option."""
    method = "closed" if question.method == "closed form" else question.method
    arguments = [
        *("blueattr", "report", *panel),
        *("--indicator", ",".join(_indicator_name(one) for one in question.indicators)),
        *("--protocol", ",".join(sampling.protocols)),
        *("--sizes", ",".join(map(str, sampling.sizes))),
        *("--seeds", str(sampling.seeds), "--seed", str(sampling.seed)),
        *("--tiers", ",".join(f"{cutoff:.12g}" for cutoff in question.cutoffs)),
        *("--method", method),
        *(() if question.steps is None else ("--steps", str(question.steps))),
        *("--aggregator", question.aggregator.name),
        *("--weights", ",".join(map(repr, question.aggregator.weights))),
        *("--top", str(top)),
    ]
    return shlex.join(arguments)


def _indicator_name(indicator: str | Indicator) -> str:
    chosen = find_indicator(indicator)
    info = chosen.info
    if info is None or info.origin == "blueattr":
        return chosen.name
    return f"{info.origin}:{info.object_name}" if info.object_name else info.origin


def _store_options(query: PanelQuery, topic: Topic | None, window: Window) -> list[str]:
    """Return the options about a store, with fixed bounds of the window, because a store grows."""
    if query.match and topic is not None:
        about = [part for pattern in query.match for part in ("--match", pattern)]
    else:
        about = ["--topic", "all" if topic is None else topic.name]
    files = (("--topics", query.topics_file), ("--bots", query.bots_file))
    return [
        *about,
        *("--from", window.start.isoformat(), "--to", window.end.isoformat()),
        *("--db", str(query.db), "--scale", query.scale, "--popularity", query.popularity),
        *(
            ("--missing-followers", query.missing_followers)
            if query.popularity == "followers"
            else ()
        ),
        *(part for option, path in files if path is not None for part in (option, str(path))),
        *(("--keep-bots",) if query.keep_bots else ()),
        *(
            ("--max-rate", f"{query.rate.records}/{query.rate.days}")
            if query.rate is not None
            else ()
        ),
    ]
