"""Reports on ingests: what each source brought, and how a stream or a download ended."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from blueattr.report.numbers import count, lasting, megabytes, plural
from blueattr.report.tables import Column, Report, Table
from blueattr.store.checkpoint import BY_BYTES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from blueattr.ingest.result import Followed, Ingested
    from blueattr.store.checkpoint import SourceState

__all__ = ["fetch_report", "follow_report", "ingest_report"]


def fetch_report(result: "Ingested", db: Path, spent: int, remarks: "Sequence[str]") -> Report:
    """Lay out the result of downloading a window of an archive.

    Parameters
    ----------
    spent
        Downloaded bytes, as the archive meters them.
    remarks
        Parts of the window that the archive does not hold.
    """
    report = ingest_report([result], db)
    sentence = f"Downloaded {megabytes(spent)}."
    return replace(
        report,
        summary=(*report.summary, sentence, *(f"{remark}." for remark in remarks)),
        content={**(report.content or {}), "bytes_spent": spent, "remarks": list(remarks)},
    )


_OUTCOMES = {
    "stopped": "it was stopped",
    "live": "it had caught up with the clock",
    "time is up": "the time was up",
    "unreachable": "no server could be reached",
}


def follow_report(result: "Followed", db: Path) -> Report:
    """Lay out the result of following a stream."""
    report = ingest_report([result.ingested], db)
    lag = None if result.lag is None else result.lag.total_seconds()
    behind = "" if lag is None else f"; the newest event is {lasting(lag)} old"
    sentence = (
        f"Followed until {_OUTCOMES[result.outcome]}{behind}; "
        f"{plural(result.reconnects, 'reconnect')}."
    )
    gaps = tuple(f"Gap: {gap}." for gap in result.gaps)
    if result.gap_count > len(gaps):
        gaps = (f"{plural(result.gap_count, 'gap')}, of which the last {len(gaps)}:", *gaps)
    return replace(
        report,
        summary=(*report.summary, sentence, *gaps),
        content={
            **(report.content or {}),
            "outcome": result.outcome,
            "lag_seconds": lag,
            "reconnects": result.reconnects,
            "gap_count": result.gap_count,
            "gaps": list(result.gaps),
            "trouble": result.trouble,
        },
    )


def ingest_report(results: "Sequence[Ingested]", db: Path) -> Report:
    """Lay out the results of ingests into one store, source by source."""
    rows = [
        (
            state.name,
            _outcome(state, result),
            state.lines,
            state.kept,
            state.skipped,
            sum(state.rejected.values()),
        )
        for result in results
        for state in result.sources
    ]
    before, after = results[0].events_before, results[-1].events_after
    table = Table(
        name="sources",
        title="Sources",
        columns=(
            Column("source", "source"),
            Column("state", "state"),
            Column("lines", "lines", "int"),
            Column("kept", "kept", "int"),
            Column("skipped", "skipped", "int"),
            Column("rejected", "rejected", "int"),
        ),
        rows=tuple(rows),
        notes=("Skipped lines are of kinds that are not kept, such as likes.",)
        + (("Why lines were rejected: blueattr status",) if any(row[-1] for row in rows) else ()),
    )
    return Report(
        kind="ingest",
        summary=(f"{db} holds {plural(after, 'event')}, {count(before)} before.",),
        tables=(table,),
        content={
            "db": str(db),
            "events_before": before,
            "events_after": after,
            "sources": [
                {
                    "source": state.name,
                    "state": row[1],
                    "lines": state.lines,
                    "kept": state.kept,
                    "skipped": state.skipped,
                    "rejected": dict(sorted(state.rejected.items())),
                }
                for state, row in zip(
                    (s for result in results for s in result.sources), rows, strict=True
                )
            ],
            "failures": [failure for result in results for failure in result.failures],
        },
    )


def _outcome(state: "SourceState", result: "Ingested") -> str:
    if state.name in result.unchanged:
        return "unchanged"
    if not state.complete:
        return "incomplete" if state.kind in BY_BYTES else "goes on"
    return "all rejected" if 0 < state.lines == sum(state.rejected.values()) else "complete"
