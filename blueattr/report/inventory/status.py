"""Report on what a store holds: events by day, sources, coverage and gaps."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from blueattr.provenance import Provenance
from blueattr.report.formats.json import table_json
from blueattr.report.inventory.ingests import bounded_note
from blueattr.report.numbers import count, iso, lasting, megabytes, plural
from blueattr.report.provenance import (
    GAP,
    WINDOW,
    gap_facts,
    stretch,
    synthetic_banner,
    time_warnings,
    times_json,
)
from blueattr.report.tables import MOST_ROWS, Column, Fact, Report, Table
from blueattr.store.commit.checkpoint import BY_BYTES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from blueattr.analysis.upkeep.status import Status
    from blueattr.report.tables import Cell

__all__ = ["status_report"]


# Kinds of source that have an end; a stream has none.
_WITH_AN_END = (*BY_BYTES, "archive", "synth", "collect")
# Tables that have as many rows as there are sources, or more.
_PER_SOURCE = ("sources", "rejected_samples")
_COUNTS = (
    Column("lines", "lines", "int"),
    Column("kept", "kept", "int"),
    Column("skipped", "skipped", "int"),
    Column("rejected", "rejected", "int"),
    Column("first_event", "first event", "time"),
    Column("last_event", "last event", "time"),
)


def status_report(status: "Status", now: datetime | None = None) -> Report:
    """Lay out what is in a store.

    Parameters
    ----------
    now
        The time from which the lag of streams is counted; by default the current time.
    """
    now = now or datetime.now(UTC)
    source_rows = status.rows["sources"].named()
    with_an_end = [row for row in source_rows if row["kind"] in _WITH_AN_END]
    stream_rows = [row for row in source_rows if row["kind"] not in _WITH_AN_END]
    rejected_rows = status.rows["rejected"].named()
    days, rejected = _days_table(status), _rejected_table(rejected_rows)
    samples = _samples_table(rejected_rows)
    tables = (
        days,
        _streams_table(stream_rows, now),
        _sources_table(with_an_end),
        rejected,
        samples,
    )
    banner = synthetic_banner(
        Provenance(str(status.path), synthetic=status.synthetic, all_synthetic=status.all_synthetic)
    )
    known_after = status.posts_known_after
    return Report(
        kind="status",
        tables=tuple(
            table.first(MOST_ROWS) if table.name in _PER_SOURCE else table
            for table in tables
            if table.rows
        ),
        warnings=(
            *((banner,) if banner else ()),
            *time_warnings(status.time_from),
            *status.far,
            *_of_a_wrong_clock(source_rows),
        ),
        facts=_facts(status),
        data=days,
        content={
            **_place(status),
            "posts_known_after": None if known_after is None else iso(known_after),
            **status.totals,
            "coverage": [WINDOW.json(window) for window in status.coverage],
            "gaps": [GAP.json(gap) for gap in status.gaps],
            **times_json(status.time_from),
            **{table.name: table_json(table) for table in (days, rejected, samples)},
            "sources": table_json(_with_marks(_sources_table(source_rows), source_rows)),
            "streams": _streams_json(stream_rows, now),
        },
    )


def _place(status: "Status") -> "dict[str, Any]":
    if status.buckets is None:
        db = str(status.path)
        return {"db": db, "bytes": status.size, "rows_checked": status.rows_checked}
    return {
        "folder": str(status.path),
        "bytes": status.size,
        "buckets": status.buckets,
        "sightings": status.sightings,
    }


def _facts(status: "Status") -> tuple[Fact, ...]:
    """Return the figures of the whole store."""
    totals = status.totals
    facts = [
        Fact(*_what(status)),
        Fact("events", f"{count(totals['events'])}; {count(totals['removed'])} more were deleted"),
        Fact("accounts", f"{count(totals['accounts'])} named in events"),
        Fact(
            "of them",
            f"{plural(totals['handles'], 'handle')}, {plural(totals['profiles'], 'profile')}, "
            f"{plural(totals['status_changes'], 'change')} of status",
        ),
        Fact("PLC directory", f"{count(totals['directory'])} accounts imported"),
        Fact("covers", "; ".join(map(stretch, status.coverage)) or "nothing"),
        *gap_facts(status.gaps),
    ]
    if status.posts_known_after is not None:
        after = f"{status.posts_known_after:%Y-%m-%d %H:%M:%S}"
        facts.append(
            Fact("of posts", f"languages, quotes, links and labels known after {after} UTC")
        )
    if status.rows_checked is not None:
        facts.append(Fact("checked", f"{plural(status.rows_checked, 'row')}, as written"))
    return tuple(facts)


def _what(status: "Status") -> tuple[str, str]:
    if status.buckets is None or status.sightings is None:
        return "store", f"{status.path} ({megabytes(status.size)})"
    rows, buckets = plural(status.sightings, "row"), plural(status.buckets, "bucket")
    return "partitions", f"{status.path} ({megabytes(status.size)}; {rows} in {buckets})"


def _days_table(status: "Status") -> Table:
    return Table(
        name="days",
        title="Events by day (UTC)",
        columns=(
            Column("day", "day", "date"),
            *(Column(k, k, "int") for k in ("posts", "replies", "reposts", "follows", "accounts")),
        ),
        rows=tuple(status.rows["days"]),
    )


def _streams_table(rows: "Sequence[Mapping[str, Any]]", now: datetime) -> Table:
    return Table(
        name="streams",
        title="Streams",
        columns=(
            Column("source", "source"),
            Column("kind", "kind"),
            Column("position", "cursor", "int"),
            Column("behind", "behind now", "figure"),
            *_COUNTS,
        ),
        rows=tuple(
            (row["name"], row["kind"], row["position"], _behind(row, now)[1], *_counts(row))
            for row in rows
        ),
        notes=bounded_note(sum(row["bounded"] for row in rows)),
    )


def _streams_json(rows: "Sequence[Mapping[str, Any]]", now: datetime) -> "list[dict[str, Any]]":
    return [
        {
            "source": row["name"],
            "kind": row["kind"],
            "cursor": row["position"],
            "behind_seconds": _behind(row, now)[0],
            "bounded": row["bounded"],
        }
        for row in rows
    ]


def _rejected_table(rows: "Sequence[Mapping[str, Any]]") -> Table:
    # The statement repeats a reason's count beside each of its samples.
    lines = {row["reason"]: row["lines"] for row in rows}
    return Table(
        name="rejected",
        title="Rejected lines",
        columns=(Column("reason", "reason"), Column("lines", "lines", "int")),
        rows=tuple(lines.items()),
    )


def _samples_table(rows: "Sequence[Mapping[str, Any]]") -> Table:
    return Table(
        name="rejected_samples",
        title="The first few rejected lines of each reason and source",
        columns=(
            Column("reason", "reason"),
            Column("source", "source"),
            Column("position", "at", "int"),
            Column("sample", "shape"),
        ),
        rows=tuple((row["reason"], row["source"], row["position"], row["sample"]) for row in rows),
    )


def _with_marks(sources: Table, rows: "Sequence[Mapping[str, Any]]") -> Table:
    """Return the table of sources with what its JSON says besides."""
    return replace(
        sources,
        columns=(
            *sources.columns,
            Column("synthetic", "synthetic", "bool"),
            Column("ahead", "ahead", "int"),
        ),
        rows=tuple(
            (*cells, row["synthetic"], row["ahead"])
            for cells, row in zip(sources.rows, rows, strict=True)
        ),
    )


def _counts(row: "Mapping[str, Any]") -> "tuple[Cell, ...]":
    return (
        row["lines"], row["kept"], row["skipped"], row["rejected"],
        _aware(row["first_event"]), _aware(row["last_event"]),
    )  # fmt: skip


def _of_a_wrong_clock(rows: "Sequence[Mapping[str, Any]]") -> tuple[str, ...]:
    """Return a sentence on events whose times are not trusted because of the clock."""
    ahead = {row["name"]: row["ahead"] for row in rows if row["ahead"]}
    if not ahead:
        return ()
    more = f" and {plural(len(ahead) - 1, 'more source')}" if len(ahead) > 1 else ""
    sentence = (
        f"{plural(sum(ahead.values()), 'event')} of {next(iter(ahead))}{more} lay ahead of this "
        "machine's clock when read, so that one of the two was wrong: these times cannot be "
        "trusted."
    )
    return (sentence,)


_READ_UP_TO = (
    "read up to: a byte of a file, a row of a table, a record of a collection, or a sequence "
    "number of an archive or of synth."
)
_PIPES = (
    "-: is a pipe, with a hash of its first line; of several that begin alike, the counts are "
    "those of the one read last."
)


def _sources_table(rows: "Sequence[Mapping[str, Any]]") -> Table:
    return Table(
        name="sources",
        title="Sources",
        columns=(
            Column("source", "source"),
            Column("kind", "kind"),
            Column("complete", "complete", "bool"),
            Column("position", "read up to", "int"),
            *_COUNTS,
        ),
        rows=tuple(
            (row["name"], row["kind"], row["complete"], row["position"], *_counts(row))
            for row in rows
        ),
        notes=(
            _READ_UP_TO,
            *([_PIPES] if any(row["kind"] == "stdin" for row in rows) else []),
        ),
    )


def _behind(row: "Mapping[str, Any]", now: datetime) -> tuple[float | None, str]:
    """Return the age of a stream's newest event, in seconds and in words."""
    last = _aware(row["last_event"])
    seconds = None if last is None else max((now - last).total_seconds(), 0.0)
    return seconds, lasting(seconds)


def _aware(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.replace(tzinfo=UTC)
