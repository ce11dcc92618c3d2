"""Reports: everything that a page shows about topics of a store, or about a user's own panel."""

import logging
import platform
import shlex
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path

import polars as pl

from blueattr.analysis.asked.naming import OPEN, Naming
from blueattr.analysis.asked.windows import spell_period
from blueattr.analysis.by_day import day_arrays, days_of
from blueattr.analysis.carriers.hours import hours_of
from blueattr.analysis.carriers.posts import posts_of
from blueattr.analysis.carriers.records import listed, records
from blueattr.analysis.change import change_since
from blueattr.analysis.features import load_features, refuse_no_match
from blueattr.analysis.groups.grouping import ByGroup, PanelGroups
from blueattr.analysis.groups.sources import FileGroups, GroupSource, StoreGroups
from blueattr.analysis.sensitivity import file_variants, store_variants
from blueattr.analysis.topics import choose_topics
from blueattr.attribution.attribute import AttributionResult, attribute
from blueattr.attribution.change.result import ChangeResult
from blueattr.attribution.days import DayShares, attribute_days
from blueattr.attribution.inputs import Panel
from blueattr.attribution.question import Question, Sampling
from blueattr.attribution.tiered import TieredPanel
from blueattr.errors import NoAnswerError
from blueattr.indicators.base import Indicator
from blueattr.indicators.find import find_indicator
from blueattr.panel import topics
from blueattr.panel.query import PanelQuery, StoreView
from blueattr.panel.topics import Topic
from blueattr.provenance import Provenance, Window
from blueattr.store.database import Store
from blueattr.store.excerpt import Excerpt
from blueattr.studies.carriers.leaders import DEFAULT_LEADERS
from blueattr.studies.carriers.posts import PostsResult
from blueattr.studies.carriers.ranks import DailyCounts
from blueattr.studies.topic import TopicReport, topic_report
from blueattr.version import __version__

__all__ = ["report_features", "report_topic", "report_topics", "versions"]


_LOG = logging.getLogger(__name__)
_HEAT = "heat"
_RECORDS = 3  # of each account named
_POSTS = 10
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
    naming: Naming = OPEN,
    accounts: bool = False,
    against: Window | None = None,
    by: ByGroup | None = None,
    store: Store | None = None,
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
    naming
        How to name accounts.
    accounts
        Whether to keep all accounts of the panel.
    against
        An earlier window, as long, since which to say what carried the change; of whole days.
    by
        Groups of agents to show; None for none.
    store
        The query's store, where it is open for reading.

    Raises
    ------
    BlueattrError
        See `blueattr.analysis.features.make_features` and `blueattr.studies.topic.topic_report`.
    """
    with _reading(query, store) as store:  # noqa: PLR1704 - the same, or the one that it stands for
        topic = topics.choose(store, query.topic, list(query.match), query.topics_file)
        view = StoreView.of(store, query)
        counts = view.totals(topic)
        refuse_no_match(view, topic, counts)
        options = _ReportOptions(top, naming, accounts, against, by)
        return _report(view, topic, question, sampling, options, counts=counts)


def report_topics(
    query: PanelQuery,
    names: Sequence[str],
    question: Question,
    sampling: Sampling,
    *,
    top: int = DEFAULT_LEADERS,
    naming: Naming = OPEN,
    accounts: bool = False,
    against: Window | None = None,
    by: ByGroup | None = None,
    store: Store | None = None,
) -> tuple[TopicReport, ...]:
    """Compute the same for several topics of one store, with one window and one panel.

    Parameters
    ----------
    query
        The panel and the window; its topic is ignored.
    names
        The topics, or `blueattr.analysis.asked.parse.EVERY_TOPIC` alone.
    question, sampling, top, naming, accounts, against, by, store
        See `report_topic`.

    Raises
    ------
    UsageError
        A topic is named twice, or none is.
    UnknownTopicError
        There is no such topic.
    """
    with _reading(query, store) as store:  # noqa: PLR1704 - as above
        chosen = choose_topics(store, names, query.topics_file)
        view = StoreView.of(store, query)
        options = _ReportOptions(top, naming, accounts, against, by)
        return tuple(_report(view, topic, question, sampling, options) for topic in chosen)


def _reading(query: PanelQuery, store: Store | None) -> AbstractContextManager[Store]:
    """Open the store of a query, unless somebody has."""
    return Store.open(query.db, query.memory) if store is None else nullcontext(store)


def report_features(
    source: object,
    question: Question,
    sampling: Sampling,
    *,
    top: int = DEFAULT_LEADERS,
    columns: Mapping[str, str] | None = None,
    naming: Naming = OPEN,
    accounts: bool = False,
    by: ByGroup | None = None,
) -> TopicReport:
    """Compute the same for a user's own panel, which has no days, handles or gaps.

    Parameters
    ----------
    source, columns
        See `blueattr.analysis.features.load_features`. No command repeats a report on a frame.
    question, sampling, top, naming, accounts, by
        See `report_topic`.
    """
    frame, origin = load_features(source, columns, () if by is None else by.columns)
    panel = ["--features", str(source)]
    if columns:
        panel += ["--columns", ",".join(f"{part}={name}" for part, name in columns.items())]
    is_file = isinstance(source, str | Path)
    made = topic_report(
        frame,
        question,
        sampling,
        provenance=origin,
        top=top,
        variants=file_variants(frame),
        command=_command([*panel, *_of_groups(by)], question, sampling, top, naming)
        if is_file
        else "",
        versions=versions(),
        accounts=accounts,
    )
    options = _ReportOptions(top, naming, accounts, None, by)
    return naming.hide(_with_groups(made, frame, question, options, FileGroups(frame)))


@dataclass(frozen=True, slots=True)
class _ReportOptions:
    """What a report tells beside the answer: see `report_topic`."""

    top: int
    naming: Naming
    accounts: bool
    against: Window | None
    by: ByGroup | None = None


def _report(
    view: StoreView,
    topic: Topic | None,
    question: Question,
    sampling: Sampling,
    options: _ReportOptions,
    *,
    counts: pl.DataFrame | None = None,
) -> TopicReport:
    top, naming, accounts = options.top, options.naming, options.accounts
    counts = view.totals(topic) if counts is None else counts
    frame = view.features(counts)
    panel = Panel.of(frame)  # checked once for all that follows
    origin = view.origin(topic)
    question = question.settled(origin.is_searched)
    # Whoever asks for it has it alone: it is large, and much comes after it.
    daily = [days_of(view, view.agent_day_parts(topic))]
    by_day = _heat_by_day(
        view, frame, panel, daily[0], topic=topic, question=question, origin=origin
    )

    def lead(result: AttributionResult, dids: Sequence[str]) -> pl.DataFrame:
        return records(view, topic, frame, result, dids, most=_RECORDS).records

    def posts(result: AttributionResult) -> pl.DataFrame:
        return listed(records(view, topic, frame, result).records)

    # Of all events there are as many as the store has.
    kept = accounts and topic is not None and not naming.hides and not view.is_counted
    made = topic_report(
        frame,
        question,
        sampling,
        panel=panel,
        provenance=origin,
        top=top,
        handles=None if naming.hides else view.handles,
        days=by_day,
        daily=daily.pop,
        records=None if naming.hides or view.is_counted else lead,
        posts=posts if kept else None,
        variants=store_variants(view, topic, counts),
        command=_command(
            [
                *_store_options(view, topic, options.against),
                *_of_groups(options.by),
            ],
            question,
            sampling,
            top,
            naming,
        ),
        versions=versions(),
        no_answer=view.no_match(topic, counts),
        accounts=accounts,
    )
    if made.headline is not None and topic is not None and not naming.hides:
        name = made.headline.indicator
        made = replace(made, carried=_carried(view, topic, frame, panel, _of_one(question, name)))
    if options.against is not None and made.headline is not None:
        made = replace(
            made, change=_change(view, topic, made.headline.indicator, question, options)
        )
    return naming.hide(_with_groups(made, frame, question, options, StoreGroups(view, topic)))


def _with_groups(
    report: TopicReport,
    frame: pl.DataFrame,
    question: Question,
    options: _ReportOptions,
    source: GroupSource,
) -> TopicReport:
    """Add the groups that were asked for."""
    if options.by is None or report.headline is None:
        return report
    name = report.headline.indicator
    chosen = next(one for one in question.indicators if find_indicator(one).name == name)
    asked = replace(question, indicators=(chosen,))
    tiered = TieredPanel.of(frame, question.cutoffs, question.choice)
    groups = PanelGroups.of(options.by, source, tiered, hides=options.naming.hides)
    assert groups is not None  # noqa: S101 - they were asked for
    whole = attribute(frame, chosen, **question.how, provenance=report.provenance)
    (found,) = groups.with_shares([whole], tiered, asked)
    return replace(report, groups=replace(found, agents=found.agents.head(0)))


def _carried(
    view: StoreView, topic: Topic, frame: pl.DataFrame, panel: Panel, question: Question
) -> PostsResult | None:
    """Say which posts carried the headline's indicator; None if that cannot be split by feature."""
    try:
        return posts_of(view, topic, frame, question, top=_POSTS, panel=panel)
    except NoAnswerError:
        return None


def _of_one(question: Question, name: str) -> Question:
    """Return the question about one of its indicators."""
    chosen = next(one for one in question.indicators if find_indicator(one).name == name)
    return replace(question, indicators=(chosen,))


def _change(
    view: StoreView,
    topic: Topic | None,
    indicator: str,
    question: Question,
    options: _ReportOptions,
) -> ChangeResult | None:
    """Say what carried the change since an earlier window; None where there is no answer."""
    assert options.against is not None  # noqa: S101 - the caller has checked it
    query = view.query
    if not query.match:
        query = replace(query, topic=topics.ALL if topic is None else topic.name)
    try:
        return change_since(
            view.store,
            query,
            (options.against, view.window),
            _of_one(question, indicator),
            top=options.top,
            directory=view.built.directory,
        )[0]
    except NoAnswerError as error:
        _LOG.warning("no change since %s: %s", spell_period(options.against), error)
        return None


def _heat_by_day(
    view: StoreView,
    frame: pl.DataFrame,
    panel: Panel,
    daily: DailyCounts,
    *,
    topic: Topic | None,
    question: Question,
    origin: Provenance,
) -> DayShares | None:
    """Attribute heat on each day, whatever the indicators; None if it is 0 in the window."""
    heat = find_indicator(_HEAT)
    try:
        tiered = TieredPanel.of(panel, question.cutoffs, question.choice)
        whole = attribute(
            panel, heat, cutoffs=question.cutoffs, panel=question.choice, provenance=origin
        )
    except NoAnswerError:
        return None
    days = day_arrays(view, daily, frame, involved=question.choice == "involved")
    by_day = attribute_days([(heat, whole)], days, tiered)[0]
    # A report has no use for all agents a second time.
    whole = replace(whole, agents=whole.agents.head(0))
    return replace(by_day, whole=whole, hours=hours_of(view, topic))


# --- the command that makes the report again ------------------------------------------------------


def _command(
    panel: list[str], question: Question, sampling: Sampling, top: int, naming: Naming
) -> str:
    """Return the command that makes the same report, with every choice as an option."""
    method = "closed" if question.method == "closed form" else question.method
    arguments = [
        *("blueattr", "report", *panel),
        *("--indicator", ",".join(_indicator_name(one) for one in question.indicators)),
        *("--protocol", ",".join(sampling.protocols)),
        *(() if sampling.sizes is None else ("--sizes", ",".join(map(str, sampling.sizes)))),
        *("--seeds", str(sampling.seeds), "--seed", str(sampling.seed)),
        *("--panel", question.choice),
        *("--tiers", ",".join(f"{cutoff:.12g}" for cutoff in question.cutoffs)),
        *("--method", method),
        *(() if question.steps is None else ("--steps", str(question.steps))),
        *("--aggregator", question.aggregator.name),
        *("--weights", ",".join(map(repr, question.aggregator.weights))),
        *("--top", str(top)),
        *(("--pseudonyms",) if naming.key is not None else ()),
    ]
    return shlex.join(arguments)


def _of_groups(by: ByGroup | None) -> list[str]:
    if by is None:
        return []
    many = [] if by.many == "join" else ["--many-groups", by.many]
    return ["--by", ",".join(by.levels), *many]


def _indicator_name(indicator: str | Indicator) -> str:
    chosen = find_indicator(indicator)
    info = chosen.info
    if info is None or info.origin == "blueattr":
        return chosen.name
    return f"{info.origin}:{info.object_name}" if info.object_name else info.origin


def _store_options(view: StoreView, topic: Topic | None, against: Window | None) -> list[str]:
    """Return the options about a store, with fixed bounds of the window, because a store grows."""
    query, window, influence = view.query, view.window, view.influence
    if query.match and topic is not None:
        about = [part for pattern in query.match for part in ("--match", pattern)]
    else:
        about = ["--topic", "all" if topic is None else topic.name]
    files = (("--topics", query.topics_file), ("--bots", query.bots_file))
    return [
        *about,
        *("--from", window.start.isoformat(), "--to", window.end.isoformat()),
        *(() if against is None else ("--against", spell_period(against))),
        *("--events" if isinstance(view.store, Excerpt) else "--db", str(query.db)),
        *("--scale", query.scale, "--popularity", query.popularity),
        *(
            ("--missing-followers", query.missing_followers)
            if query.popularity == "followers"
            else ()
        ),
        # Where nobody chose it and the store decides, the report says why.
        *(() if influence.note else ("--influence", ",".join(influence.kinds))),
        *(part for option, path in files if path is not None for part in (option, str(path))),
        *(("--keep-bots",) if query.keep_bots else ()),
        *(
            ("--max-rate", f"{query.rate.records}/{query.rate.days}")
            if query.rate is not None
            else ()
        ),
    ]
