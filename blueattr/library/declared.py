"""The options of the library that no other module declares, and all of them as groups."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import polars as pl

from blueattr.analysis.asked import parse
from blueattr.analysis.asked.clusters import cluster_of, workers_of
from blueattr.analysis.asked.naming import Naming
from blueattr.analysis.asked.windows import period, two_windows
from blueattr.analysis.carriers.posts import check_posts
from blueattr.analysis.carriers.why import details
from blueattr.analysis.features import load_features
from blueattr.analysis.groups.grouping import ByGroup, asked_by, groups_of_report
from blueattr.analysis.groups.sources import DAY
from blueattr.analysis.own_samples import chance, half_width
from blueattr.attribution.large.streaming import is_large
from blueattr.attribution.sampling import check_protocol
from blueattr.errors import UsageError
from blueattr.library.options import LibraryQuestion, Options
from blueattr.panel.query import PanelQuery
from blueattr.panel.topics import ALL
from blueattr.provenance import Provenance, Window
from blueattr.studies.bootstrap import check_resamples
from blueattr.studies.carriers.leaders import DEFAULT_LEADERS, check_intervals, check_top
from blueattr.studies.carriers.ranks import DEFAULT_RESAMPLES
from blueattr.user_path import user_path

if TYPE_CHECKING:
    from blueattr.report.pages.gallery import Form

__all__ = [
    "ALSO",
    "ASKED",
    "BEFORE_AFTER",
    "BUDGET",
    "CHANCE",
    "CHANGED",
    "CLUSTERED",
    "COMPARED",
    "CONVERGENCE",
    "DESIGNED",
    "DRAWS",
    "EARLIER",
    "EVENTS",
    "EVERYTHING",
    "EXPLAINED",
    "GROUPED",
    "GROUPED_CHANGE",
    "LEADERS",
    "NAMING",
    "ONE_INDICATOR",
    "OWN_PANEL",
    "PANEL",
    "POSTS_SHOWN",
    "QUERY",
    "REPORTED",
    "RESAMPLING",
    "ROWS_CHECKED",
    "SAMPLED",
    "SAMPLES",
    "SAMPLES_SHOWN",
    "SIZE",
    "SPLIT",
    "STEPS",
    "TARGET",
    "TOPICS",
    "TWO_WINDOWS",
    "VALIDATED",
    "WORKERS",
    "Also",
    "LeaderOptions",
    "OwnPanel",
    "Target",
    "TopicQuery",
    "also",
    "earlier",
    "grouped",
    "grouped_change",
    "leaders",
    "naming",
    "own_panel",
    "quadrature",
    "resampling",
    "sample_size",
    "samples_shown",
    "target",
]


@dataclass(frozen=True)
class OwnPanel:
    """A panel of the user's own, not yet read.

    Parameters
    ----------
    source, columns
        See `own_panel`.
    """

    source: Any
    columns: Mapping[str, str]

    def load(self, texts: Collection[str] = ()) -> tuple[pl.DataFrame, Provenance]:
        """Read it: see `blueattr.analysis.features.load_features`."""
        return load_features(self.source, self.columns, texts)

    @property
    def large_file(self) -> Path | None:
        """The file, if it should be read in chunks."""
        if not isinstance(self.source, str | Path):
            return None
        path = user_path(self.source)
        return path if is_large(path) else None


def own_panel(features: object, *, columns: Mapping[str, str] | str | None = None) -> OwnPanel:
    """Name a panel of the user's own.

    Parameters
    ----------
    features
        The panel, one row per agent, used as it is: a Polars, pandas or Arrow table, a dict of
        columns, or the path of a Parquet, CSV, TSV, JSON, JSON lines or Arrow file, or of a folder
        of Parquet files, or a pattern of such, ``"panel/*.parquet"``. Its columns:
        ``did`` or ``agent`` (text or whole numbers, each agent once); ``a`` activity, ``b``
        popularity and ``c`` influence (numbers, 0 or more); optionally ``followers``, which sets
        tiers and visibility samples (without it, b does), and ``activity``, which sets activity
        samples (without it, a does). Other columns are left out.
    columns
        Your name of each column that has another name: ``{"did": "user", "a": "posts"}``.
    """
    if isinstance(columns, str):
        return OwnPanel(features, parse.columns(columns))
    # A pandas frame may have numbers for names.
    return OwnPanel(features, {part: str(name) for part, name in dict(columns or {}).items()})


def resampling(*, resamples: int = 1000, seed: int = 0) -> tuple[int, int]:
    """Check how often to resample.

    Parameters
    ----------
    resamples
        The number of resamples of the agents, 100 to 1,000,000.
    seed
        The seed of the resamples.
    """
    check_resamples(resamples, seed)
    return resamples, seed


def designed(*, within: str | float = "2pp", protocol: str = "visibility") -> tuple[float, str]:
    """Check how sure samples are to be.

    Parameters
    ----------
    within
        The largest half-width of a tier's 95 % interval: ``"2pp"`` (percentage points) or 0.02.
    protocol
        How the samples are to be drawn: ``"visibility"``, ``"random"``, or ``"active"`` if everyone
        was.
    """
    return half_width(within), check_protocol(protocol)


def sample_size(*, size: int | None = None) -> tuple[int, ...] | None:
    """Check the size of samples.

    Parameters
    ----------
    size
        The size of the samples whose flip is reported; 100 by default, or half a smaller panel.
    """
    return parse.sampling(sizes=size).sizes


def quadrature(
    *, steps: str | int | Sequence[int] = (5, 10, 20, 30, 50, 100, 300)
) -> tuple[int, ...]:
    """Check the numbers of steps.

    Parameters
    ----------
    steps
        Numbers of quadrature steps K.
    """
    return parse.numbers(steps, "--steps", int)


@dataclass(frozen=True)
class Target:
    """Where a report goes: see `target`."""

    path: Path
    form: "Form"
    width: float | None = None


def target(
    path: str | Path = "report",
    *,
    format: Literal[  # noqa: A002 - as --format
        "html", "png", "svg", "pdf", "json", "csv", "parquet", "md", "tex", "datasette"
    ] = "html",
    width: str | None = None,
) -> Target:
    """Check where a report goes, and as what.

    Parameters
    ----------
    path
        A folder, made if there is none, or a ``.html`` file.
    format
        One page (``"html"``), one file a figure (``"png"``, ``"svg"``, ``"pdf"``), or the data
        behind each figure (``"json"``, ``"csv"``, ``"parquet"``) or its table (``"md"``,
        ``"tex"``); or all accounts and days in one SQLite file that Datasette opens
        (``"datasette"``).
    width
        The width of each figure in print, such as ``"85mm"`` or ``"3.35in"``; 70 to 500 mm.
    """
    from blueattr.report.figures.charts.printing import width_mm
    from blueattr.report.pages.gallery import Form, check_target

    parse.one_of(format, "--format", get_args(Form))
    out, printed = user_path(path), None if width is None else width_mm(width)
    check_target(out, format, printed)
    return Target(out, format, printed)


@dataclass(frozen=True)
class LeaderOptions:
    """How many agents to name, and how; see `leaders`."""

    top: int
    pseudonyms: bool

    def naming(self, beside: Path | None = None) -> Naming:
        """Return how to name accounts in output; see `blueattr.analysis.asked.naming.Naming.of`."""
        return Naming.of(top=self.top, pseudonyms=self.pseudonyms, beside=beside)


def leaders(*, top: int = DEFAULT_LEADERS, pseudonyms: bool = False) -> LeaderOptions:
    """Check the number of agents to name, and how.

    Parameters
    ----------
    top
        The number of agents to name, those with the largest values; 0 to 1,000. With 0, frames of
        all agents number them.
    pseudonyms
        Name accounts by keyed hashes, without handles and links. The key is that of the environment
        variable ``BLUEATTR_PSEUDONYM_KEY``, or else of the file ``pseudonyms.key`` beside the
        output (in the current folder where there is none), made if need be.
    """
    return LeaderOptions(check_top(top), bool(pseudonyms))


def posts_shown(*, top: int = DEFAULT_LEADERS) -> int:
    """Check the number of posts to show.

    Parameters
    ----------
    top
        The number of posts to show, those with the largest values; 0 to 100,000.
    """
    return check_posts(top)


def naming(*, pseudonyms: bool = False) -> LeaderOptions:
    """Check how to name agents.

    Parameters
    ----------
    pseudonyms
        Name accounts by keyed hashes, without handles and links. The key is that of the environment
        variable ``BLUEATTR_PSEUDONYM_KEY``, or else of the file ``pseudonyms.key`` in the current
        folder, made if need be.
    """
    return leaders(pseudonyms=pseudonyms)


@dataclass(frozen=True)
class Also:
    """What an attribution says beside tiers and leaders.

    Parameters
    ----------
    by
        Groups, ``"day"``, or None.
    resampling
        Number of resamples and seed of intervals; None where there are none.
    """

    by: ByGroup | Literal["day"] | None
    resampling: tuple[int, int] | None

    @property
    def groups(self) -> ByGroup | None:
        """The groups, if there are some."""
        return None if self.by == DAY else self.by

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of features that name groups."""
        return () if self.groups is None else self.groups.columns


def also(
    *,
    by: str | Sequence[str] | None = None,
    many_groups: Literal["join", "sample"] = "join",
    intervals: bool = False,
    resamples: int = DEFAULT_RESAMPLES,
    seed: int = 0,
) -> Also:
    """Check what an attribution says beside tiers and leaders.

    Parameters
    ----------
    by
        ``"day"``: also attribute each UTC day of the window, with the panel and tiers of the whole
        window. Else what to group agents by, to attribute each group: ``"lang"`` (of most posts),
        ``"domain"`` of the handle, ``"domain:links"`` (of most links), ``"label"`` (of the
        profile), ``"host"`` (by the PLC directory), ``"age"`` (the year of the account's creation),
        ``"community"`` (of who interacts with whom; needs networkit), ``"tier"``; the path of
        a file with columns ``did`` (or ``agent``) and ``group``; a column of features of your own,
        by its name or as ``"column:NAME"``. Two of these, as ``"domain,tier"`` or in a list, are
        two levels.
    many_groups
        What becomes of more than 16 groups: ``"join"`` joins small ones, ``"sample"`` draws orders
        in which groups enter, and has standard errors.
    intervals
        Also say how sure tier shares are, from resamples of the agents, and the rank of each agent
        named, from resamples of the window's days and under other choices: 95 % intervals.
    resamples
        With `intervals`: the number of resamples, 100 to 1,000,000.
    seed
        The seed of the resamples, of orders of groups and of communities.
    """
    made = asked_by(by, many_groups, seed)
    draws = isinstance(made, ByGroup) and made.draws
    return Also(made, check_intervals(resamples, seed, intervals=intervals, draws=draws))


def grouped(
    *,
    by: str | Sequence[str] | None = None,
    many_groups: Literal["join", "sample"] = "join",
) -> ByGroup | None:
    """Check which groups a report shows.

    Parameters
    ----------
    by
        Groups of agents to show: ``"lang"``, ``"domain"``, ``"domain:links"``, ``"label"``,
        ``"host"``, ``"age"``, ``"community"``, ``"tier"``, a file, a column, or two of these; as
        `blueattr.attribute` takes them.
    many_groups
        What becomes of more than 16 groups: ``"join"`` or ``"sample"``.
    """
    return groups_of_report(by, many_groups)


def grouped_change(*, by: str | None = None) -> ByGroup | None:
    """Check by which groups a change is summed up.

    Parameters
    ----------
    by
        Also sum up by groups of agents: ``"lang"``, ``"domain"`` of the handle,
        ``"domain:links"``, ``"label"``, ``"host"``, ``"age"`` (the year of the account's creation),
        ``"community"`` (of who interacts with whom in both windows), or the path of a file
        with columns ``did`` and ``group``. An agent of both windows has the group that it has in
        the one after.
    """
    return groups_of_report(by)


def samples_shown(*, no_samples: bool = False) -> bool:
    """Check whether the shapes of rejected lines are left out.

    Parameters
    ----------
    no_samples
        Leave out the shapes of rejected lines.
    """
    return bool(no_samples)


def rows_checked(*, check: bool = False) -> bool:
    """Check whether all rows are to be read.

    Parameters
    ----------
    check
        Read everything and compare it with the sums of what was written.
    """
    return bool(check)


def earlier(*, against: str | date | Sequence[date] | None = None) -> Window | None:
    """Parse an earlier window.

    Parameters
    ----------
    against
        Earlier days, as many as the window has, since which to show what carried the change, the
        last one included: ``"2026-04-09..2026-04-15"``, or two dates.
    """
    return None if against is None else period(against, "--against")


@dataclass(frozen=True)
class TopicQuery:
    """A query about one topic, or several.

    Parameters
    ----------
    query
        The panel and the window, and the topic if it is one.
    names
        The topics if they are several, else empty.
    """

    query: PanelQuery
    names: tuple[str, ...]


# --- the groups -----------------------------------------------------------------------------------


def _about_one(query: PanelQuery, options: Mapping[str, Any]) -> PanelQuery:
    topic = options.get("topic")
    if not (topic is None or isinstance(topic, str)):
        raise UsageError(f"topic names one topic here, not {topic!r}")
    return query


def _about_everything(query: PanelQuery, options: Mapping[str, Any]) -> PanelQuery:
    """Take all events where nothing is named."""
    asked = _about_one(query, options)
    return replace(asked, topic=ALL) if asked.topic is None and not asked.match else asked


def _about_topics(query: PanelQuery, options: Mapping[str, Any]) -> TopicQuery:
    return TopicQuery(query, parse.several_topics(options["topic"], options["match"]))


_STORE = ("db", "memory")
_WHO = ("bots", "keep_bots", "max_rate", "popularity", "missing_followers")
QUERY = Options(parse.query, without=_STORE, then=_about_one)
EVERYTHING = Options(parse.query, without=_STORE, then=_about_everything)
TOPICS = Options(parse.query, without=_STORE, then=_about_topics)
PANEL = Options(parse.query, without=(*_STORE, "scale"), then=_about_everything)
EVENTS = Options(parse.query, without=(*_STORE, "topic", "scale", *_WHO))
TWO_WINDOWS = Options(
    parse.query, without=(*_STORE, "start", "end", "window", "complete"), then=_about_one
)
BEFORE_AFTER = Options(two_windows)
EARLIER = Options(earlier)
ASKED = Options(parse.question, then=LibraryQuestion.of)
SPLIT = Options(parse.question, without=("method", "steps", "tiers"))
CLUSTERED = Options(cluster_of)
WORKERS = Options(workers_of)
ONE_INDICATOR = Options(parse.question)
EXPLAINED = Options(details)
CHANGED = Options(parse.question, without=("method", "steps"), then=LibraryQuestion.of)
REPORTED = Options(parse.question, defaults={"indicator": "all"})
VALIDATED = Options(parse.question, without=("tiers",), then=LibraryQuestion.of)
CONVERGENCE = Options(parse.question, without=("method", "steps", "tiers"), then=LibraryQuestion.of)
SAMPLED = Options(parse.question, without=("panel",), then=LibraryQuestion.of)
CHANCE = Options(chance)
DESIGNED = Options(designed)
COMPARED = Options(parse.sampling)
SAMPLES = Options(parse.sampling, without=("correct",))
DRAWS = Options(parse.sampling, without=("sizes", "correct"))
BUDGET = Options(parse.budget)
OWN_PANEL = Options(own_panel)
RESAMPLING = Options(resampling)
SIZE = Options(sample_size)
STEPS = Options(quadrature)
TARGET = Options(target)
LEADERS = Options(leaders)
POSTS_SHOWN = Options(posts_shown)
NAMING = Options(naming)
SAMPLES_SHOWN = Options(samples_shown)
ROWS_CHECKED = Options(rows_checked)
ALSO = Options(also)
GROUPED = Options(grouped)
GROUPED_CHANGE = Options(grouped_change)
