"""Reports on what is in a store: ingests, status, topics and the panel."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from blueattr.report.figures import count, iso, lasting, megabytes, plural
from blueattr.report.jsonform import table_json
from blueattr.report.origin import gap_warnings, origin_facts, origin_json, panel_table
from blueattr.report.tables import Column, Fact, Report, Table
from blueattr.sources import BY_BYTES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from blueattr.following import Followed
    from blueattr.provenance import Provenance, Window
    from blueattr.report.tables import Cell
    from blueattr.sources import Ingested, SourceState
    from blueattr.store import Status
    from blueattr.topics import Topic, TopicDays

__all__ = [
    "fetch_report",
    "follow_report",
    "ingest_report",
    "panel_report",
    "status_report",
    "topic_days_report",
    "topics_report",
]


def fetch_report(done: "Ingested", db: Path, spent: int, remarks: "Sequence[str]") -> Report:
    """Lay out what fetching a window of an archive did.

    Parameters
    ----------
    spent
        Bytes that were downloaded, as an archive meters them.
    remarks
        What of the window the archive does not hold.
    """
    report = ingest_report([done], db)
    said = f"Downloaded {megabytes(spent)}."
    return replace(
        report,
        summary=(*report.summary, said, *(f"{remark}." for remark in remarks)),
        content={**(report.content or {}), "bytes_spent": spent, "remarks": list(remarks)},
    )


_OUTCOMES = {
    "stopped": "it was stopped",
    "live": "it had caught up with the clock",
    "time is up": "the time was up",
    "unreachable": "no server could be reached",
}


def follow_report(done: "Followed", db: Path) -> Report:
    """Lay out what following a stream did."""
    report = ingest_report([done.ingested], db)
    lag = None if done.lag is None else done.lag.total_seconds()
    behind = "" if lag is None else f"; the newest event is {lasting(lag)} old"
    said = (
        f"Followed until {_OUTCOMES[done.outcome]}{behind}; {plural(done.reconnects, 'reconnect')}."
    )
    gaps = tuple(f"Gap: {gap}." for gap in done.gaps)
    return replace(
        report,
        summary=(*report.summary, said, *gaps),
        content={
            **(report.content or {}),
            "outcome": done.outcome,
            "lag_seconds": lag,
            "reconnects": done.reconnects,
            "gaps": list(done.gaps),
            "trouble": done.trouble,
        },
    )


def ingest_report(results: "Sequence[Ingested]", db: Path) -> Report:
    """Lay out what ingests into one store did, source by source."""
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


def status_report(status: "Status", now: datetime | None = None) -> Report:
    """Lay out what is in a store.

    Parameters
    ----------
    now
        Behind which streams are; by default the time it is.
    """
    now = now or datetime.now(UTC)
    totals = status.totals
    days = Table(
        name="days",
        title="Events by day (UTC)",
        columns=(
            Column("day", "day", "date"),
            *(Column(k, k, "int") for k in ("posts", "replies", "reposts", "follows", "accounts")),
        ),
        rows=tuple(status.days.iter_rows()),
    )
    known = list(status.sources.iter_rows(named=True))
    sources = _sources_table(known)
    read = _sources_table([row for row in known if row["kind"] in _WITH_AN_END])
    followed = [row for row in known if row["kind"] not in _WITH_AN_END]
    streams = Table(
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
            for row in followed
        ),
    )
    # The statement repeats a reason's count beside each of its samples.
    reasons = dict(status.rejected.select("reason", "lines").iter_rows())
    rejected = Table(
        name="rejected",
        title="Rejected lines",
        columns=(Column("reason", "reason"), Column("lines", "lines", "int")),
        rows=tuple(reasons.items()),
    )
    samples = Table(
        name="rejected_samples",
        title="The first few rejected lines of each reason and source",
        columns=(
            Column("reason", "reason"),
            Column("source", "source"),
            Column("position", "at", "int"),
            Column("sample", "begins"),
        ),
        rows=tuple(status.rejected.drop("lines").iter_rows()),
    )
    facts = (
        Fact("store", f"{status.path} ({megabytes(status.size)})"),
        Fact("events", f"{count(totals['events'])}, {count(totals['removed'])} more removed again"),
        Fact("accounts", f"{count(totals['accounts'])} named in events"),
        Fact(
            "of them",
            f"{plural(totals['handles'], 'handle')}, {plural(totals['profiles'], 'profile')}, "
            f"{plural(totals['status_changes'], 'change')} of status",
        ),
        Fact("PLC directory", f"{count(totals['directory'])} accounts imported"),
        Fact("covers", "; ".join(map(_span, status.coverage)) or "nothing"),
        *(
            Fact("gap", f"{iso(gap.start)} to {iso(gap.end)}: {gap.reason}")
            for gap in status.gaps[:_GAPS_SHOWN]
        ),
        *_more_gaps(len(status.gaps) - _GAPS_SHOWN),
    )
    shown = (days, streams, read, rejected, samples)
    return Report(
        kind="status",
        tables=tuple(table for table in shown if table.rows),
        facts=facts,
        data=days,
        content={
            "db": str(status.path),
            "bytes": status.size,
            **totals,
            "coverage": [{"start": iso(w.start), "end": iso(w.end)} for w in status.coverage],
            "gaps": [
                {"start": iso(g.start), "end": iso(g.end), "reason": g.reason} for g in status.gaps
            ],
            **{table.name: table_json(table) for table in (days, sources, rejected, samples)},
            "streams": [
                {
                    "source": row["name"],
                    "kind": row["kind"],
                    "cursor": row["position"],
                    "behind_seconds": _behind(row, now)[0],
                }
                for row in followed
            ],
        },
    )


# What can be read to its end; a stream goes on.
_WITH_AN_END = (*BY_BYTES, "archive", "synth")
_COUNTS = (
    Column("lines", "lines", "int"),
    Column("kept", "kept", "int"),
    Column("skipped", "skipped", "int"),
    Column("rejected", "rejected", "int"),
    Column("first_event", "first event", "time"),
    Column("last_event", "last event", "time"),
)


def _counts(row: "Mapping[str, Any]") -> "tuple[Cell, ...]":
    return (
        row["lines"], row["kept"], row["skipped"], row["rejected"],
        _aware(row["first_event"]), _aware(row["last_event"]),
    )  # fmt: skip


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
            "Files are read up to a byte, archives and synth up to an event of their numbering.",
        ),
    )


def _behind(row: "Mapping[str, Any]", now: datetime) -> tuple[float | None, str]:
    """Say how far behind now the newest event of a stream is, in seconds and in words."""
    last = _aware(row["last_event"])
    seconds = None if last is None else max((now - last).total_seconds(), 0.0)
    return seconds, lasting(seconds)


_GAPS_SHOWN = 20


def _more_gaps(more: int) -> tuple[Fact, ...]:
    return (Fact("gap", f"and {more:,} more, all of them in the JSON form"),) if more > 0 else ()


def _aware(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.replace(tzinfo=UTC)


def _span(window: "Window") -> str:
    return f"{iso(window.start)} to {iso(window.end)}"


def topics_report(topics: "Sequence[Topic]") -> Report:
    """Lay out topics and what they match."""
    return Report(
        kind="topics",
        tables=(
            Table(
                name="topics",
                title="Topics",
                columns=(
                    Column("topic", "topic"),
                    Column("title", "title"),
                    Column("category", "category"),
                    Column("origin", "defined by"),
                ),
                rows=tuple((t.name, t.title, t.category, t.origin) for t in topics),
                notes=("The published keyword lists are not known; what ships is our own.",),
            ),
        ),
        facts=tuple(Fact(topic.name, ", ".join(_matches(topic))) for topic in topics),
        data=Table(
            name="matches",
            title="",
            columns=tuple(
                Column(name, name)
                for name in ("topic", "title", "category", "kind", "matches", "origin")
            ),
            rows=tuple(
                (topic.name, topic.title, topic.category, kind, match, topic.origin)
                for topic in topics
                for kind, matches in _kinds(topic)
                for match in matches
            ),
        ),
        content={
            "topics": [
                {
                    "topic": topic.name,
                    "title": topic.title,
                    "category": topic.category,
                    "origin": topic.origin,
                    **{f"{kind}s": list(matches) for kind, matches in _kinds(topic)},
                }
                for topic in topics
            ]
        },
    )


def _kinds(topic: "Topic") -> tuple[tuple[str, tuple[str, ...]], ...]:
    return (
        ("keyword", topic.keywords),
        ("hashtag", topic.hashtags),
        ("pattern", topic.patterns),
    )


def _matches(topic: "Topic") -> list[str]:
    return [
        *topic.keywords,
        *(f"#{tag}" for tag in topic.hashtags),
        *(f"/{pattern}/" for pattern in topic.patterns),
    ]


def topic_days_report(found: "Sequence[TopicDays]") -> Report:
    """Lay out participants and events of topics by day, and whether the criterion holds."""
    days = Table(
        name="days",
        bars="participants",
        title="Participants and events by day (UTC)",
        columns=(
            Column("topic", "topic"),
            Column("day", "day", "date"),
            Column("participants", "participants", "int"),
            Column("events", "events", "int"),
        ),
        rows=tuple((one.topic.name, *row) for one in found for row in one.days.iter_rows()),
    )
    verdicts = Table(
        name="topics",
        title="Criterion: at least 1,000 participants on each of at least 10 days",
        columns=(
            Column("topic", "topic"),
            Column("days_over", "days with 1,000 or more", "int"),
            Column("days", "days of the window", "int"),
            Column("events", "events", "int"),
            Column("holds", "holds", "bool"),
        ),
        rows=tuple(
            (one.topic.name, one.days_over, len(one.days), int(one.days["events"].sum()), one.holds)
            for one in found
        ),
    )
    window = found[0].window
    return Report(
        kind="topic_days",
        tables=(days, verdicts),
        facts=(Fact("window", _span(window)),),
        content={
            "window": {"start": iso(window.start), "end": iso(window.end)},
            "topics": table_json(verdicts),
            "days": table_json(days),
        },
    )


# A panel is there before there is a topic, and before anything is counted.
_NOT_OF_A_PANEL = ("topic", "feature scale", "popularity")


def panel_report(origin: "Provenance") -> Report:
    """Lay out what each panel filter did."""
    table = panel_table(origin.panel)
    last = origin.panel[-1]
    return Report(
        kind="panel",
        summary=(
            f"{plural(last.after, 'agent')} of {count(origin.panel[0].before)} active accounts.",
        ),
        tables=(table,),
        facts=tuple(fact for fact in origin_facts(origin) if fact.label not in _NOT_OF_A_PANEL),
        warnings=gap_warnings(origin.gaps),
        content=origin_json(origin),
    )
