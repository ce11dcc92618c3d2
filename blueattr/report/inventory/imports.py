"""Reports on imported tables: what would be kept, what was, what is missing; known formats."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Any

from blueattr.report.inventory.ingests import ingest_report
from blueattr.report.numbers import count, plural
from blueattr.report.tables import Column, Report, Table
from blueattr.sources.tables.formats import DRAWN, formats

if TYPE_CHECKING:
    from blueattr.ingest.tables import Imported, ImportPlan

__all__ = ["dry_run_report", "formats_report", "import_report", "known_columns"]


_OWN = ("table", "table-accounts", "table-threads")
_KINDS = ("post", "repost", "follow")
_TIMES = ("server", "imported", "key", "claimed", "collected")
_TEXT = 40


def known_columns(plan: "ImportPlan") -> tuple[str, ...]:
    """Say which columns play which part, and what is missing; before anything is read."""
    named = [f"{column} is {part}" for part, column in plan.columns.items()]
    known = (f"columns: {', '.join(named)}",) if named else ()
    return (*known, *plan.remarks)


def import_report(result: "Imported", db: Path, *, removed: bool = False) -> Report:
    """Lay out what an import did.

    Parameters
    ----------
    removed
        Whether the store was new, got nothing, and is gone again.
    """
    done = result.ingested
    report = ingest_report([done], db, removed=removed)
    new = done.events_after - done.events_before
    kept = sum(state.kept for state in done.sources if state.name not in done.unchanged)
    known = max(kept - new, 0)
    sentences = [*report.summary]
    if known and not removed:
        sentences.append(
            f"{plural(known, 'row')} of those kept were of records that were there already, or of "
            "accounts."
        )
    answered, quoted = result.unknown
    if answered:
        sentences.append(
            f"{_replies(answered)} of which nothing tells whose post they answer count as posts."
        )
    if quoted:
        sentences.append(
            f"{plural(quoted, 'quote')} of which nothing tells whose post count as none."
        )
    return replace(
        report,
        kind="import",
        summary=(
            *sentences,
            *result.marked,
            *_as_sentences(result.differences),
            *result.plan.remarks,
        ),
        content={
            **(report.content or {}),
            **_plan_content(result.plan),
            "known_before": known,
            "differences": list(result.differences),
            "not_utf_8": list(result.marked),
        },
    )


def _as_sentences(found: Sequence[str]) -> tuple[str, ...]:
    return tuple(f"{each}." for each in found)


def _replies(n: int) -> str:
    return f"{n:,} {'reply' if n == 1 else 'replies'}"


def dry_run_report(
    plan: "ImportPlan", tables: "Sequence[tuple[str, list[dict[str, Any]]]]"
) -> Report:
    """Lay out what an import would do: five rows of each table, and what is missing."""
    rows = [(name, *_row(row)) for name, found in tables for row in found]
    table = Table(
        name="rows",
        title="Rows as they would be kept",
        columns=(
            Column("table", "table"),
            Column("verdict", "verdict"),
            Column("record_kind", "kind"),
            Column("actor", "actor"),
            Column("time", "time", "time"),
            Column("time_from", "from"),
            Column("subject", "answers, reposts or follows"),
            Column("quoted", "quotes"),
            Column("text", "text"),
        ),
        rows=tuple(rows),
        notes=("An empty verdict says that the row would be kept; any other, why not.",),
    )
    named = tuple(f"{column} is {part}." for part, column in plan.columns.items())
    marked = dict.fromkeys(said for source in plan.sources for said in source.marked)
    return Report(
        kind="import",
        summary=("Nothing was kept.", *named, *marked, *plan.remarks),
        tables=(table,),
        content={
            **_plan_content(plan),
            "rows": [
                dict(zip([c.name for c in table.columns], map(_plain, r), strict=True))
                for r in rows
            ],
        },
    )


def _plan_content(plan: "ImportPlan") -> dict[str, Any]:
    return {
        "format": plan.format.name,
        "drawn": plan.format.drawn,
        "columns": dict(plan.columns),
        "recognised": dict(plan.recognised),
        "remarks": list(plan.remarks),
    }


def _plain(cell: Any) -> Any:
    return cell.isoformat() if hasattr(cell, "isoformat") else cell


def _row(row: dict[str, Any]) -> Iterator[Any]:
    is_record = "collection" in row
    time = row.get("event_time") if is_record else row.get("asked_at")
    text = row.get("text") if is_record else f"{count(row['followers'] or 0)} followers"
    kind = "account"
    if is_record:
        kind = _KINDS[row["collection"]]
        if kind == "post" and row["subject_did"] is not None:
            kind = "reply"
    yield row["verdict"]
    yield kind
    yield row["did"]
    yield None if time is None else time.replace(tzinfo=UTC)
    yield _TIMES[row["time_from"]] if is_record else None
    yield row.get("subject_did")
    yield row.get("quoted_did")
    yield None if text is None else text[:_TEXT]


def formats_report() -> Report:
    """List the formats that are shipped, with their tables and made-up rows of each."""
    known = [each for each in formats() if each.name not in _OWN]
    rows = [
        (each.name, layout.name, ", ".join(layout.columns), DRAWN[each.drawn])
        for each in known
        for layout in each.layouts
    ]
    table = Table(
        name="formats",
        title="Formats",
        columns=(
            Column("format", "format"),
            Column("table", "table"),
            Column("columns", "columns"),
            Column("drawn", "records of"),
        ),
        rows=tuple(rows),
    )
    examples = Table(
        name="examples",
        title="Examples",
        columns=(
            Column("format", "format"),
            Column("table", "table"),
            Column("example", "a made-up row"),
        ),
        rows=tuple(
            (each.name, layout.name, row)
            for each in known
            for layout in each.layouts
            for row in layout.example
        ),
        notes=("As JSON, whatever the form of the file; of files without a header, a line.",),
    )
    return Report(
        kind="import",
        summary=tuple(f"{each.name}: {each.title}" for each in known),
        tables=(table, examples),
        content={
            "formats": [
                {
                    "format": each.name,
                    "title": each.title,
                    "drawn": each.drawn,
                    "tables": [
                        {
                            "table": layout.name,
                            "columns": list(layout.columns),
                            "example": list(layout.example),
                        }
                        for layout in each.layouts
                    ],
                }
                for each in known
            ]
        },
    )
