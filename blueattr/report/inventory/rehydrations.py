"""Reports on a deposit whose records were asked for again: what is left, by kind, day and tier."""

from collections import Counter
from typing import TYPE_CHECKING

from blueattr.report.inventory.collections import not_finished
from blueattr.report.numbers import count, plural
from blueattr.report.tables import MOST_ROWS, Column, Fact, Json, Report, Table
from blueattr.sources.collect.posts import POST

if TYPE_CHECKING:
    from collections.abc import Callable

    from blueattr.ingest.rehydrate import Rehydrated
    from blueattr.sources.deposits import DepositedRecord

__all__ = ["rehydrate_report"]


_FATES = ("found", "changed", "deleted", "unknown")
_NO_TIER = "not on the panel"
_COLUMNS = (
    Column("records", "records", "int"),
    Column("found", "as they were", "int"),
    Column("changed", "changed", "int"),
    Column("deleted", "deleted", "int"),
    Column("unknown", "nobody says", "int"),
    Column("left", "not asked", "int"),
)


def rehydrate_report(done: "Rehydrated") -> Report:
    """Lay out what became of the records of a deposit."""
    kinds = _by(done, lambda one: "posts" if one.name.collection == POST else "reposts")
    days = _by(done, lambda one: f"{one.time:%Y-%m-%d}")
    tiers = _by(done, lambda one: one.tier or _NO_TIER)
    tables = [
        _table("kinds", "kind", "What is left", kinds),
        _table("tiers", "tier", "By tier of the author", tiers),
        _table("days", "day", "By day", days),
    ]
    return Report(
        kind="rehydrate",
        summary=tuple(_summary(done)),
        tables=tuple(table.first(MOST_ROWS) for table in tables),
        facts=(
            Fact("deposit", str(done.study.folder)),
            Fact("store", str(done.db)),
            Fact("requests", f"{count(done.requests)} of {count(done.most)} permitted"),
        ),
        warnings=tuple(_warnings(done)),
        content={
            "db": str(done.db),
            "folder": str(done.study.folder),
            "topic": done.study.topic,
            "requests": done.requests,
            "max_requests": done.most,
            "unaddressed": done.study.unaddressed,
            **_json(sum((Counter(kinds[name]) for name in kinds), Counter())),
            "kinds": [{"kind": name, **_json(found)} for name, found in kinds.items()],
            "tiers": [{"tier": name, **_json(found)} for name, found in tiers.items()],
            "days": [{"day": name, **_json(found)} for name, found in days.items()],
            "reasons": dict(sorted(done.reasons.items())),
            "events_before": done.ingested.events_before,
            "events_after": done.ingested.events_after,
            "is_limited": done.is_limited,
            "failure": done.failure or None,
        },
    )


def _by(done: "Rehydrated", of: "Callable[[DepositedRecord], str]") -> dict[str, Counter[str]]:
    found: dict[str, Counter[str]] = {}
    for one in done.study.records:
        fate = done.fates.get(one.name, "left")
        found.setdefault(of(one), Counter())[fate] += 1
    return dict(sorted(found.items()))


def _json(found: Counter[str]) -> dict[str, Json]:
    counts: dict[str, Json] = {fate: found[fate] for fate in (*_FATES, "left")}
    return {"records": found.total(), **counts}


def _table(name: str, of: str, title: str, rows: dict[str, Counter[str]]) -> Table:
    return Table(
        name=name,
        title=title,
        columns=(Column(of, of), *_COLUMNS),
        rows=tuple(
            (key, found.total(), *(found[fate] for fate in (*_FATES, "left")))
            for key, found in rows.items()
        ),
    )


def _summary(done: "Rehydrated") -> list[str]:
    counts = Counter(done.fates.values())
    asked, there = len(done.fates), counts["found"] + counts["changed"]
    records, before = plural(len(done.study.records), "record"), done.ingested.events_before
    fates = f"{count(counts['changed'])} of them changed; {count(counts['deleted'])} are deleted"
    asked_for = f"{count(there)} of the {count(asked)} asked for are there, {fates}"
    events = plural(done.ingested.events_after, "event")
    said = [
        f"{records} of {done.study.folder}: {asked_for}.",
        f"{done.db} holds {events}, {count(before)} before.",
    ]
    if done.is_whole:
        said.append(
            "What the deletions did to the answer: ask both the deposit's agents.csv (--features) "
            "and this store (--panel involved)."
        )
    return said


def _warnings(done: "Rehydrated") -> list[str]:
    said = not_finished(done)
    if done.study.unaddressed:
        said.append(
            f"{plural(done.study.unaddressed, 'record')} of an import have no address on the "
            "network, and cannot be asked for."
        )
    for why, records in done.reasons.most_common(3):
        said.append(f"Of {plural(records, 'record')} nobody says what became of it: {why}.")
    return said
