"""Reports on a collected topic: what was found, how complete it is, or what it would take."""

from typing import TYPE_CHECKING

from blueattr.report.numbers import count, plural
from blueattr.report.tables import MOST_ROWS, Column, Fact, Json, Report, Table

if TYPE_CHECKING:
    from blueattr.ingest.collect_plan import DryRun
    from blueattr.ingest.collection import Collection
    from blueattr.ingest.rehydrate import Rehydrated
    from blueattr.store.collected import Completeness, Found

__all__ = [
    "collect_plan_report",
    "collect_report",
    "completeness_json",
    "completeness_words",
    "not_finished",
]


_KINDS = ("replies", "reposts", "quotes")
_LATER = (
    "What was deleted since is missing, and nobody can count it. Followers (blueattr hydrate) are "
    "those of now, not of then."
)


def collect_report(done: "Collection") -> Report:
    """Lay out the result of a collection."""
    queries = Table(
        name="queries",
        title="Queries",
        columns=(
            Column("query", "query"),
            Column("hits", "hits", "int"),
            Column("matched", "of the topic", "int"),
            Column("slices", "slices", "int"),
            Column("cut", "seconds cut", "int"),
        ),
        rows=tuple((q.query, q.hits, q.matched, q.slices, q.cut) for q in done.queries),
    )
    faults = Table(
        name="faults",
        title="What was wrong or missing in answers",
        columns=(Column("reason", "reason"), Column("times", "times", "int")),
        rows=tuple(sorted(done.faults.items())),
    )
    tables = [queries, *_tables(done.completeness), *([faults] if done.faults else [])]
    return Report(
        kind="collect",
        summary=tuple(_summary(done)),
        tables=tuple(table.first(MOST_ROWS) for table in tables),
        facts=(
            Fact("store", str(done.db)),
            Fact("source", done.source),
            Fact("requests", f"{count(done.requests)} of {count(done.most)} permitted"),
        ),
        warnings=tuple(_warnings(done)),
        content=_content(done),
    )


def completeness_words(known: "Completeness") -> str:
    """Say which part of the interactions that the network counts is there; empty where none is."""
    kinds = _by_kind(known)
    found = sum(one.found for one in kinds.values())
    counted = sum(one.counted for one in kinds.values())
    if not counted:
        return ""
    parts = ", ".join(
        f"{kind} {_percent(kinds[kind])}"
        for kind in _KINDS
        if kind in kinds and kinds[kind].counted
    )
    return (
        f"{_percent_of(found, counted)} of the interactions that the network counts were found "
        f"({parts})."
    )


def completeness_json(known: "Completeness") -> dict[str, Json]:
    """Return found, counted and surplus by kind, and by day."""
    kinds = _by_kind(known)
    whole: dict[str, Json] = {kind: _json(kinds.get(kind)) for kind in _KINDS}
    whole["days"] = [
        {"day": str(day), **{kind: _json(found.get(kind)) for kind in _KINDS}}
        for day, found in sorted(known.items())
    ]
    return whole


def collect_plan_report(planned: "DryRun") -> Report:
    """Lay out what a collection would take."""
    table = Table(
        name="queries",
        title="First pages",
        columns=(
            Column("query", "query"),
            Column("hits", "hits", "int"),
            Column("matched", "of the topic", "int"),
            Column("interactions", "their interactions", "int"),
            Column("total", "hits in all (estimate)", "int"),
            Column("requests", "requests (about)", "int"),
        ),
        rows=tuple(
            (q.query, q.hits, q.matched, q.interactions, q.total, q.requests)
            for q in planned.queries
        ),
        notes=("Services round and cut what they estimate.",),
    )
    expected, most = planned.expected, planned.means.most
    runs = f", so {plural(-(-expected // most), 'run')}" if expected > most else ""
    limit = f"a run sends {count(most)} at most{runs}"
    return Report(
        kind="collect",
        summary=(f"Nothing was kept. It would take about {plural(expected, 'request')}; {limit}.",),
        tables=(table,) if planned.queries else (),
        content={
            "db": str(planned.db),
            "topic": planned.wanted.topic,
            "dry_run": True,
            "requests": planned.requests,
            "expected_requests": expected,
            "max_requests": most,
            "queries": [
                {
                    "query": q.query,
                    "hits": q.hits,
                    "matched": q.matched,
                    "interactions": q.interactions,
                    "estimated_hits": q.total,
                    "requests": q.requests,
                }
                for q in planned.queries
            ],
        },
    )


def _summary(done: "Collection") -> "list[str]":
    before, after = done.ingested.events_before, done.ingested.events_after
    closed = f"of {count(done.closed)} of them all interactions were asked for"
    said = [
        f"{plural(done.posts, 'post')} of {done.topic}; {closed}.",
        f"{done.db} holds {plural(after, 'event')}, {count(before)} before.",
    ]
    words = completeness_words(done.completeness)
    return [*said, *([words] if words else []), _LATER]


def not_finished(done: "Collection | Rehydrated") -> "list[str]":
    """Say why a run that asks services did not ask for all; nothing where it did."""
    said = []
    if done.failure:
        said.append(f"Not finished: {done.failure}.")
    if done.is_limited:
        said.append(
            f"Not finished: {plural(done.requests, 'request')} were sent, which is all of "
            "--max-requests. The same command goes on."
        )
    return said


def _warnings(done: "Collection") -> "list[str]":
    said = not_finished(done)
    cut = sum(query.cut for query in done.queries)
    if cut:
        said.append(f"{plural(cut, 'second')} had more posts than can be asked for.")
    if done.untimed:
        said.append(
            f"Of {plural(done.untimed, 'repost')} the AppView says who, but not when: each counts "
            "at the time of its post, also where it is deleted later. A backlink index knows when: "
            "--links URL."
        )
    return said


def _tables(known: "Completeness") -> "list[Table]":
    if not known:
        return []
    columns = (
        Column("kind", ""),
        Column("found", "found", "int"),
        Column("counted", "counted", "int"),
        Column("share", "share"),
        Column("surplus", "beyond the count", "int"),
    )
    kinds = _by_kind(known)
    rows = [(kind, *_row(kinds[kind])) for kind in _KINDS if kind in kinds]
    whole = Table(
        name="completeness",
        title="How complete: what was found of what the network counts",
        columns=columns,
        rows=tuple(rows),
    )
    days = Table(
        name="completeness by day",
        title="How complete, by the day of the post",
        columns=(Column("day", "day"), *columns),
        rows=tuple(
            (str(day), kind, *_row(found[kind]))
            for day, found in sorted(known.items())
            for kind in _KINDS
            if kind in found
        ),
    )
    return [whole, days]


def _row(one: "Found") -> tuple[int, int, str, int]:
    return one.found, one.counted, _percent(one), one.surplus


def _by_kind(known: "Completeness") -> "dict[str, Found]":
    kinds: dict[str, Found] = {}
    for found in known.values():
        for kind, one in found.items():
            kinds[kind] = kinds[kind] + one if kind in kinds else one
    return kinds


def _percent(one: "Found") -> str:
    return _percent_of(one.found, one.counted)


def _percent_of(found: int, counted: int) -> str:
    """Write a share in whole percent; nothing is all, and all is not nearly all."""
    if not counted:
        return "-"
    percent = 100 * found // counted
    return f"{percent} %"


def _json(one: "Found | None") -> dict[str, Json]:
    if one is None:
        return {"found": 0, "counted": 0, "surplus": 0}
    return {"found": one.found, "counted": one.counted, "surplus": one.surplus}


def _content(done: "Collection") -> dict[str, Json]:
    return {
        "db": str(done.db),
        "topic": done.topic,
        "source": done.source,
        "dry_run": False,
        "requests": done.requests,
        "max_requests": done.most,
        "posts": done.posts,
        "closed": done.closed,
        "outside": done.outside,
        "untimed": done.untimed,
        "queries": [
            {"query": q.query, "hits": q.hits, "matched": q.matched, "slices": q.slices,
             "cut": q.cut}
            for q in done.queries
        ],
        "completeness": completeness_json(done.completeness),
        "events_before": done.ingested.events_before,
        "events_after": done.ingested.events_after,
        "faults": dict(sorted(done.faults.items())),
        "is_limited": done.is_limited,
        "failure": done.failure or None,
    }  # fmt: skip
