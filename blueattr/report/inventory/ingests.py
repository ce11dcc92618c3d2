"""Reports on ingests: what each source brought, and how a stream or a download ended."""

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from blueattr.ingest.result import mostly_rejected, nothing_of_it
from blueattr.report.numbers import count, lasting, megabytes, plural
from blueattr.report.tables import MOST_ROWS, Column, Report, Table
from blueattr.sources.archive.words import spell_bytes
from blueattr.store.commit.checkpoint import BY_BYTES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from blueattr.ingest.result import Followed, Ingested
    from blueattr.report.tables import Cell
    from blueattr.sources.archive.cost import ReadingStage
    from blueattr.store.commit.checkpoint import SourceState

__all__ = ["bounded_note", "cost_report", "fetch_report", "follow_report", "ingest_report"]


def bounded_note(events: int) -> tuple[str, ...]:
    """Say of how many events of relays the time was out of bounds; nothing where it was of none."""
    if not events:
        return ()
    return (f"Out of bounds was the time of {plural(events, 'event')}; it is the bound.",)


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


_STAGES = (
    "witnessed: what the archive saw happen; about as many bytes.",
    "bootstrap: what was there before that; at most as many, since its end shows when it is read.",
)


def cost_report(stages: "Sequence[ReadingStage]", db: Path, most: int) -> Report:
    """Lay out what a download from an archive would fetch.

    Parameters
    ----------
    most
        Bytes that it may fetch.
    """
    total = sum(stage.size for stage in stages)
    allowed = "more than" if total > most else "within"
    would = (
        f"It would be up to {spell_bytes(total)}, {allowed} the {spell_bytes(most)} of --max-bytes."
    )
    return Report(
        kind="ingest",
        summary=(f"Nothing was fetched. {would}",),
        tables=(
            Table(
                name="stages",
                title="Stages",
                columns=(
                    Column("stage", "stage"),
                    Column("segments", "segments", "int"),
                    Column("bytes", "bytes", "int"),
                ),
                rows=tuple((stage.name, stage.segments, stage.size) for stage in stages),
                notes=_STAGES,
            ),
        ),
        content={
            "db": str(db),
            "stages": [
                {"stage": stage.name, "segments": stage.segments, "bytes": stage.size}
                for stage in stages
            ],
            "bytes": total,
            "max_bytes": most,
        },
    )


_OUTCOMES = {
    "stopped": "it was stopped",
    "live": "it had caught up with the clock",
    "time is up": "the time was up",
    "unreachable": "no server could be reached or had caught up with the clock",
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


def ingest_report(
    results: "Sequence[Ingested]", db: Path, *, removed: bool = False, parted: bool = False
) -> Report:
    """Lay out the results of ingests into one store, source by source.

    Parameters
    ----------
    removed
        Whether the store was new, got nothing, and is gone again.
    parted
        Whether it is a folder of partitions, whose rows are counted.
    """
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
        + (
            (f"Why lines were rejected: blueattr status{' --events FOLDER' if parted else ''}",)
            if any(row[-1] for row in rows) and not removed
            else ()
        )
        + bounded_note(sum(state.bounded for result in results for state in result.sources)),
    )
    one, where = ("row", "folder") if parted else ("event", "db")
    nothing = (
        f"Nothing was kept, so there {'are no partitions' if parted else 'is no store'} at {db}."
    )
    holds = f"{db} holds {plural(after, one)}, {count(before)} before."
    return Report(
        kind="ingest",
        summary=(
            nothing if removed else holds,
            *(_in_short(rows) if len(rows) > MOST_ROWS else ()),
            *(sentence for result in results for sentence in result.passed_over),
            *_of_a_wrong_clock([state for result in results for state in result.sources]),
        ),
        tables=(replace(table, rows=tuple(sorted(table.rows, key=_is_fine))).first(MOST_ROWS),),
        data=table,
        content={
            where: str(db),
            f"{one}s_before": before,
            f"{one}s_after": after,
            "sources": [
                {
                    "source": state.name,
                    "state": row[1],
                    "lines": state.lines,
                    "kept": state.kept,
                    "skipped": state.skipped,
                    "rejected": dict(sorted(state.rejected.items())),
                    "bounded": state.bounded,
                }
                for state, row in zip(
                    (s for result in results for s in result.sources), rows, strict=True
                )
            ],
            "failures": [
                sentence
                for result in results
                for sentence in (*result.failures, *result.mostly_rejected)
            ],
            "passed_over": [sentence for result in results for sentence in result.passed_over],
        },
    )


def _of_a_wrong_clock(states: "Sequence[SourceState]") -> tuple[str, ...]:
    """Return a sentence where most of what some sources sent lay ahead of the clock."""
    ahead = [state.name for state in states if state.ahead]
    if not ahead:
        return ()
    more = f" and {plural(len(ahead) - 1, 'more source')}" if len(ahead) > 1 else ""
    sentence = (
        f"Most of what {ahead[0]}{more} sent lay ahead of this machine's clock, so that one of the "
        "two is wrong: nothing was rejected for it, and no time can be trusted."
    )
    return (sentence,)


def _is_fine(row: "Sequence[Cell]") -> bool:
    return row[1] in {"complete", "unchanged", "goes on"}


def _in_short(rows: "Sequence[Sequence[Cell]]") -> "tuple[str, str]":
    """Return what became of many sources and of all their lines."""
    states = Counter(str(row[1]) for row in rows)
    lines, *parts = (sum(int(str(row[k])) for row in rows) for k in range(2, 6))
    found = ", ".join(f"{count(n)} {state}" for state, n in states.most_common())
    kept, skipped, rejected = map(count, parts)
    return (
        f"{plural(len(rows), 'source')}: {found}.",
        f"{plural(lines, 'line')}: {kept} kept, {skipped} skipped, {rejected} rejected.",
    )


def _outcome(state: "SourceState", result: "Ingested") -> str:
    if state.name in result.unchanged:
        return "unchanged"
    if not state.complete:
        return "incomplete" if state.kind in BY_BYTES else "goes on"
    if nothing_of_it(state):
        return "all rejected"
    return "mostly rejected" if mostly_rejected(state) else "complete"
