"""Fetch a window of an archive, and no part of it that the store has already."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from blueattr.errors import UsageError
from blueattr.ingest.read import Progress, ingest_sources
from blueattr.ingest.result import Ingested
from blueattr.provenance import Window
from blueattr.sources.archive.accounts import DidSet
from blueattr.sources.archive.cost import ReadingStage, too_dear
from blueattr.sources.archive.parts import Part, remaining
from blueattr.sources.archive.source import ArchiveSource
from blueattr.store.commit.writer import Writer
from blueattr.store.database import DEFAULT_MEMORY, Store
from blueattr.store.matching import Rule

__all__ = ["FetchResult", "cost", "fetch"]


_NAME = re.compile(r"archive:\S+ (\S+)\.\.(\S+)(?: of \d+ accounts? \([0-9a-f]{16}\))?")


@dataclass(frozen=True, slots=True)
class FetchResult:
    """What fetching a window did.

    Parameters
    ----------
    ingested
        What it did with the parts of the window that the store lacked.
    spent
        Bytes of segments and blocks that came.
    remarks
        What the archive does not hold.
    """

    ingested: Ingested
    spent: int
    remarks: tuple[str, ...]


def cost(db: Path, source: ArchiveSource) -> list[ReadingStage]:
    """Return what fetching a window would cost, stage by stage; nothing is fetched or written."""
    _, left = _parts(db, source)
    stages: dict[str, ReadingStage] = {}
    for part in left:
        for stage in part.stages():
            known = stages.get(stage.name, ReadingStage(stage.name, 0, 0))
            stages[stage.name] = ReadingStage(
                stage.name, known.segments + stage.segments, known.size + stage.size
            )
    return list(stages.values())


def fetch(
    db: Path,
    source: ArchiveSource,
    *,
    rules: Sequence[Rule] = (),
    memory: int = DEFAULT_MEMORY,
    progress: Progress | None = None,
) -> FetchResult:
    """Fetch a window of an archive into a store.

    Parameters
    ----------
    db, rules, memory, progress
        As for `blueattr.ingest.read.ingest_sources`.
    source
        The window.

    Raises
    ------
    UsageError
        It would be more bytes than the source's `most`; nothing was fetched or written.
    SourceError
        The archive cannot be asked what it holds.
    """
    read, left = _parts(db, source)
    if source.most is not None:
        size = sum(stage.size for part in left for stage in part.stages())
        if size > source.most:
            raise UsageError(too_dear(source.host, size, source.most))
    for part in left:
        if part.accounts is not None:
            _note_accounts(db, part, memory)
    done = ingest_sources(db, [*read, *left], rules=rules, memory=memory, progress=progress)
    remarks = dict.fromkeys(remark for part in left for remark in part.remarks)
    return FetchResult(done, sum(part.spent for part in left), tuple(remarks))


def _parts(db: Path, source: ArchiveSource) -> tuple[list[ArchiveSource], list[ArchiveSource]]:
    """Return the readings that a store has of a window, and those that are left."""
    read: list[ArchiveSource] = []
    known: list[Part] = []
    for name, row, dids in _readings(db, source.host):
        match = _NAME.fullmatch(name)
        window = None if match is None else _window(match[1], match[2])
        if window is None or (" of " in name and not dids):
            continue
        accounts = DidSet(tuple(sorted(dids))) if dids else None
        earlier = source.part(window, accounts)
        covered = earlier.covered_by(row["fingerprint"])
        if earlier.name != name or covered is None:
            continue
        known.append(
            Part(covered, frozenset(dids) if dids else None, row["position"], row["complete"])
        )
        if row["complete"] and _overlap(covered, source.window):
            read.append(earlier)
    asked = Part(
        source.window, None if source.accounts is None else frozenset(source.accounts.dids)
    )
    # What is complete leaves nothing; then what got furthest leaves least.
    known.sort(key=lambda part: (not part.complete, -part.after))
    left = [
        source.part(
            part.window,
            None if part.accounts is None else DidSet(tuple(sorted(part.accounts))),
            part.after,
        )
        for part in remaining(asked, known)
    ]
    return read, left


def _readings(db: Path, host: str) -> list[tuple[str, dict[str, Any], set[str]]]:
    """Return what a store has read of an archive: names, states and accounts."""
    if not db.exists():
        return []
    with Store.open(db) as store:
        states = [
            row
            for row in store.frame("store/commit/source_states", names=None).to_dicts()
            if row["kind"] == "archive" and row["name"].startswith(f"archive:{host} ")
        ]
        names = [row["name"] for row in states]
        accounts: dict[str, set[str]] = {name: set() for name in names}
        for name, did in store.frame("store/source_accounts", names=names).iter_rows():
            accounts[name].add(did)
    return [(row["name"], row, accounts[row["name"]]) for row in states]


def _note_accounts(db: Path, source: ArchiveSource, memory: int) -> None:
    """Write down which accounts a reading is limited to, before it begins."""
    assert source.accounts is not None  # noqa: S101 - the caller's
    frame = pl.DataFrame({"did": source.accounts.dids}, schema={"did": pl.String})
    with Writer(db, memory) as writer:
        writer.register("limited", frame)
        try:
            with writer.transaction():
                writer.run("store/note_accounts", name=source.name)
        finally:
            writer.unregister("limited")


def _window(start: str, end: str) -> Window | None:
    try:
        ends = [datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (start, end)]
    except ValueError:
        return None
    return Window(*ends) if ends[0] < ends[1] else None


def _overlap(one: Window, other: Window) -> bool:
    return one.start < other.end and other.start < one.end
