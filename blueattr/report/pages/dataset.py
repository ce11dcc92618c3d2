"""Everything behind a report as tables to search: accounts, posts, days, tiers, their origin."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from blueattr.atomic import write
from blueattr.report.drawn import drawn_warnings
from blueattr.report.fields import Field, Fields
from blueattr.report.figures.days import HOUR, NOTE, UNSEEN, day_note, unseen_seconds
from blueattr.report.figures.exhibit import topic_title
from blueattr.report.formats.database import (
    DataColumn,
    DataTable,
    column_of,
    database_bytes,
    metadata_bytes,
)
from blueattr.report.numbers import iso, plural
from blueattr.report.parts.answer import tier_names
from blueattr.report.parts.records import RECORD
from blueattr.report.parts.resampled import INTERVAL
from blueattr.report.parts.shared_fields import INDICATOR, INVOLVED, LEADER, TIER, TOTALS
from blueattr.report.provenance import (
    gap_warnings,
    influence_warnings,
    synthetic_banner,
    time_warnings,
)
from blueattr.report.results.days import DAY
from blueattr.studies.carriers.accounts import SHARE, VALUE
from blueattr.studies.carriers.leaders import COUNTS, profile_link
from blueattr.studies.carriers.records import RecordValue

if TYPE_CHECKING:
    import polars as pl

    from blueattr.provenance import Provenance
    from blueattr.report.tables import Cell
    from blueattr.studies.topic import TopicReport

__all__ = ["METADATA", "data_tables", "write_dataset"]


METADATA = "-metadata.json"
"""What ends the name of the file that describes an SQLite file."""


_TOPIC = DataColumn("topic", "text", "The name of the topic; all where it is every event.")
_TIER_NAME = DataColumn("tier_name", "text", "The tier by the part of the panel that it makes up.")
_INVOLVED = DataColumn("involved", "bool", "Whether it wrote of the topic, or was answered, "
                       "reposted or quoted: a > 0 or c > 0.")  # fmt: skip
_OF_LEADER: dict[str, Field[Any]] = {one.name: one for one in LEADER}
_KEPT = ("did", "handle", "tier", "involved", *COUNTS, "a", "b", "c")
_WORDS = {
    "did": "The account: its DID, or what a report that names nobody has instead.",
    "handle": "Its handle, where that is known.",
    "link": "The address of its profile.",
    "a": "Activity: log(1 + posts, replies and reposts), or the count where features are raw.",
    "b": "Popularity: log(1 + follows received, or followers), or the count.",
    "c": "Influence: log(1 + replies, reposts and quotes received), or the count.",
}


def write_dataset(reports: "Sequence[TopicReport]", folder: Path, name: str) -> tuple[Path, Path]:
    """Write an SQLite file and its description.

    Parameters
    ----------
    reports
        With `accounts`; of one panel and window.
    folder, name
        Where, and the names of the files without their endings.

    Returns
    -------
    tuple of Path
        ``<name>.sqlite`` and ``<name>-metadata.json``, each whole.

    Raises
    ------
    OutputError
        A file cannot be written.
    """
    tables = data_tables(reports)
    origin = reports[0].provenance
    title = topic_title(origin) if len(reports) == 1 else plural(len(reports), "topic")
    banner = synthetic_banner(origin)
    described = f"Who carried it? Written by blueattr {origin.version}. {banner}".strip()
    paths = folder / f"{name}.sqlite", folder / f"{name}{METADATA}"
    write(paths[0], database_bytes(tables))
    write(paths[1], metadata_bytes(name, title, described, origin.source, tables))
    return paths


def data_tables(reports: "Sequence[TopicReport]") -> tuple[DataTable, ...]:
    """Lay out reports as tables; every one begins with the topic.

    Parameters
    ----------
    reports
        With `accounts`, as far as there is an answer.
    """
    dated = any(report.days is not None for report in reports)
    hourly = any(report.days is not None and report.days.hours for report in reports)
    return (
        _accounts(reports),
        *((_days(reports), _day_tiers(reports)) if dated else ()),
        *((_hours(reports),) if hourly else ()),
        *((_posts(reports),) if any(report.posts is not None for report in reports) else ()),
        _tiers(reports),
        _about(reports),
    )


def _name(report: "TopicReport") -> str:
    topic = report.provenance.topic
    return "all" if topic is None else topic.name


# --- accounts ------------------------------------------------------------------------------------


def _accounts(reports: "Sequence[TopicReport]") -> DataTable:
    frames = [report.accounts for report in reports]
    indicators = [one.indicator for one in reports[0].comparison.indicators]
    present = {name for frame in frames if frame is not None for name in frame.columns}
    kept = [name for name in _KEPT if name in present or name in {"did", "tier", "involved"}]
    linked = "handle" in present and not reports[0].provenance.synthetic
    shares = [column for indicator in indicators for column in _value_columns(indicator)]
    first = _headline(reports) + SHARE
    names = [*kept, *(column.name for column in shares)]

    def rows() -> "Iterator[Sequence[Cell]]":
        for report, frame in zip(reports, frames, strict=True):
            if frame is None:
                continue
            for cells in _rows_of(frame, names):
                link = (profile_link(str(cells[0])),) if linked else ()
                yield (_name(report), *cells, *link)

    return DataTable(
        name="accounts",
        description="One row for each account of the panel.",
        columns=(
            _TOPIC,
            *(_account_column(name) for name in kept),
            *shares,
            *((_account_column("link"),) if linked else ()),
        ),
        rows=rows(),
        key=("topic", "did"),
        searched=tuple(name for name in ("handle", "did") if name in kept),
        sorted_by=first,
        indexed=tuple(column.name for column in shares if column.kind == "share"),
        facets=("topic", "tier") if len(reports) > 1 else ("tier",),
    )


def _value_columns(indicator: str) -> tuple[DataColumn, ...]:
    return (
        DataColumn(indicator + SHARE, "share", f"Its share of {indicator} among all accounts."),
        DataColumn(indicator + VALUE, "float", f"Its Aumann-Shapley value of {indicator}."),
    )


def _headline(reports: "Sequence[TopicReport]") -> str:
    known = [report.headline.indicator for report in reports if report.headline is not None]
    return (*known, reports[0].comparison.indicators[0].indicator)[0]


def _account_column(name: str) -> DataColumn:
    if name == "involved":
        return _INVOLVED
    return column_of(_OF_LEADER[name], description=_WORDS.get(name, ""))


def _rows_of(frame: "pl.DataFrame", names: Sequence[str]) -> "Iterator[tuple[Cell, ...]]":
    """Yield the cells of some columns; None in those that a frame does not have."""
    places = [frame.columns.index(name) if name in frame.columns else None for name in names]
    for row in frame.iter_rows():
        yield tuple(None if place is None else row[place] for place in places)


# --- posts ---------------------------------------------------------------------------------------

_AUTHOR = "The account that wrote it."


def _posts(reports: "Sequence[TopicReport]") -> DataTable:
    indicator = _headline(reports)
    words = {
        "share": f"Its part of {indicator} among all accounts: own and received together.",
        "did": _AUTHOR,
        "handle": _AUTHOR,
    }
    fields = (_OF_LEADER["did"], _OF_LEADER["handle"], *RECORD)

    def rows() -> "Iterator[Sequence[Cell]]":
        for report in reports:
            if report.posts is None:
                continue
            handles = _handles(report.accounts)
            for did, record in RecordValue.each(report.posts):
                yield _name(report), did, handles.get(did), *RECORD.cells(record)

    return DataTable(
        name="posts",
        description="One row for each post, reply and repost of an account, and for older ones "
        f"that were answered, reposted or quoted in the window, with its part of {indicator}.",
        columns=(
            _TOPIC,
            *(column_of(one, description=words.get(one.name, "")) for one in fields),
        ),
        rows=rows(),
        key=("topic", "uri"),
        searched=("text", "title", "handle"),
        sorted_by="share",
        indexed=("did", "share"),
        facets=("kind", "state"),
    )


def _handles(accounts: "pl.DataFrame | None") -> "dict[str, str]":
    if accounts is None or "handle" not in accounts.columns:
        return {}
    return dict(accounts.select("did", "handle").drop_nulls().iter_rows())


# --- days ----------------------------------------------------------------------------------------


def _days(reports: "Sequence[TopicReport]") -> DataTable:
    def rows() -> "Iterator[Sequence[Cell]]":
        for report in reports:
            origin = report.provenance
            for day in report.days.days if report.days is not None else ():
                yield (
                    _name(report),
                    *DAY.cells(day),
                    day.total,
                    unseen_seconds(day, origin),
                    day_note(day, origin) or None,
                )

    return DataTable(
        name="days",
        description="One row for each day of the window: what was written, by how many accounts.",
        columns=(
            _TOPIC,
            *map(column_of, DAY),
            column_of(TOTALS["total"], description="heat of that day, a window of its own."),
            *map(column_of, UNSEEN),
            *map(column_of, NOTE),
        ),
        rows=rows(),
        key=("topic", "day"),
    )


def _day_tiers(reports: "Sequence[TopicReport]") -> DataTable:
    def rows() -> "Iterator[Sequence[Cell]]":
        for report in reports:
            if report.days is None:
                continue
            names = tier_names(report.days.whole.cutoffs)
            for day in report.days.days:
                for part, tier in zip(day.tiers, names, strict=False):
                    yield _name(report), day.day, part.tier, tier, part.share, part.value

    return DataTable(
        name="day_tiers",
        description="One row for each day and tier: who carried heat on that day by itself.",
        columns=(
            _TOPIC,
            column_of(DAY["day"]),
            column_of(TIER["tier"]),
            _TIER_NAME,
            column_of(TIER["share"], description="The tier's share of heat on that day."),
            column_of(TIER["value"], description="The tier's value of heat on that day."),
        ),
        rows=rows(),
        key=("topic", "day", "tier"),
        facets=("tier",),
    )


def _hours(reports: "Sequence[TopicReport]") -> DataTable:
    return DataTable(
        name="hours",
        description="One row for each hour of the window: what was written, by how many accounts.",
        columns=(_TOPIC, *map(column_of, HOUR)),
        rows=(
            (_name(report), *HOUR.cells(hour))
            for report in reports
            for hour in (report.days.hours if report.days is not None else ())
        ),
        key=("topic", "start"),
    )


# --- tiers ---------------------------------------------------------------------------------------


def _tiers(reports: "Sequence[TopicReport]") -> DataTable:
    return DataTable(
        name="tiers",
        description="One row for each indicator and tier: what it carries of the whole window.",
        columns=(
            _TOPIC,
            column_of(INDICATOR["indicator"]),
            column_of(TIER["tier"]),
            _TIER_NAME,
            column_of(TIER["agents"]),
            column_of(TIER["share"], description="The tier's share of the indicator."),
            column_of(INTERVAL["low"]),
            column_of(INTERVAL["high"]),
            column_of(TIER["value"]),
            *map(column_of, INVOLVED),
        ),
        rows=(row for report in reports for row in _tier_rows(report)),
        key=("topic", "indicator", "tier"),
        facets=("indicator",),
    )


def _tier_rows(report: "TopicReport") -> "Iterator[Sequence[Cell]]":
    resampled = () if report.bootstrap is None else report.bootstrap.indicators
    intervals = {
        (one.indicator, part.tier): (part.low, part.high) for one in resampled for part in one.tiers
    }
    names = tier_names(report.comparison.cutoffs)
    for one in report.comparison.indicators:
        for part, name in zip(one.full.tiers, names, strict=False):
            yield (
                _name(report),
                one.indicator,
                part.tier,
                name,
                part.agents,
                part.share,
                *intervals.get((one.indicator, part.tier), (None, None)),
                part.value,
                *INVOLVED.cells(part),
            )


# --- where it comes from -------------------------------------------------------------------------

_FACTS: "tuple[tuple[str, Callable[[Provenance], object]], ...]" = (
    ("title", topic_title),
    ("source", lambda origin: origin.source),
    ("window_start", lambda origin: origin.window and iso(origin.window.start)),
    ("window_end", lambda origin: origin.window and iso(origin.window.end)),
    ("feature_scale", lambda origin: origin.feature_scale),
    ("popularity", lambda origin: origin.popularity),
    ("influence", lambda origin: ", ".join(origin.influence)),
    ("blueattr", lambda origin: origin.version),
    ("method_version", lambda origin: origin.method_version),
    ("synthetic", synthetic_banner),
    ("gaps", lambda origin: " ".join(gap_warnings(origin.gaps))),
    (
        "notes",
        lambda origin: " ".join(
            (
                *origin.notes,
                *time_warnings(origin.time_from),
                *drawn_warnings(origin),
                *influence_warnings(origin),
                *origin.ranking,
            )
        ),
    ),
)
_ABOUT: Fields[Any] = Fields(
    Field("name", "What is stated."),
    Field("value", "The statement."),
)


def _about(reports: "Sequence[TopicReport]") -> DataTable:
    def rows() -> "Iterator[Sequence[Cell]]":
        for report in reports:
            facts = {
                **{name: get(report.provenance) for name, get in _FACTS},
                "n_agents": report.comparison.n_agents,
                "n_involved": report.comparison.n_involved,
                "panel": report.comparison.panel,
                "command": report.command,
            }
            for name, value in facts.items():
                if value not in {None, ""}:
                    yield _name(report), name, str(value)

    return DataTable(
        name="about",
        description="Where the numbers come from: source, window, panel, version and command.",
        columns=(_TOPIC, *map(column_of, _ABOUT)),
        rows=rows(),
        key=("topic", "name"),
    )
