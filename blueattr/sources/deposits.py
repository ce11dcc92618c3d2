"""Read a deposit that `blueattr deposit` wrote, to ask for its records again."""

import csv
import hashlib
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from blueattr.decode.parser.layout import TIMES_FROM
from blueattr.errors import InputError
from blueattr.provenance import Window
from blueattr.sources.collect.posts import POST, REPOST, RecordName, read_name

__all__ = ["DepositedRecord", "DepositedStudy", "read_deposit"]


_LAYOUT = 1
_SUMS = "manifest-sha256.txt"
_LARGEST = 8 << 30
# What comes of files that blueattr did not write, whatever their checksums say.
_NO_DEPOSIT = (AttributeError, LookupError, TypeError, ValueError, OverflowError, RecursionError,
               csv.Error)  # fmt: skip


@dataclass(frozen=True, slots=True)
class DepositedRecord:
    """A record of a deposit that can be asked for again.

    Parameters
    ----------
    name
        What it is.
    time
        As the deposit has it.
    time_from
        Where that is from.
    subject
        What a repost reposts.
    text_sha256
        Of a post, with the salt.
    tier
        Of its author; empty where it is on no panel.
    """

    name: RecordName
    time: datetime
    time_from: str
    subject: str | None
    text_sha256: str | None
    tier: str


@dataclass(frozen=True, slots=True)
class DepositedStudy:
    """A deposit.

    Parameters
    ----------
    folder
        Where it is.
    digest
        SHA-256 of its records.
    topic
        The name of its topic; ``all`` for all events.
    salt
        Stands before a text that is hashed.
    is_coarse
        Whether times are cut.
    spans
        The time that was seen.
    records
        Those that can be asked for.
    unaddressed
        How many have no address on the network.
    """

    folder: Path
    digest: str
    topic: str
    salt: str
    is_coarse: bool
    spans: tuple[Window, ...]
    records: tuple[DepositedRecord, ...]
    unaddressed: int


def read_deposit(folder: Path) -> DepositedStudy:
    """Read a deposit.

    Raises
    ------
    InputError
        It is none, is damaged, or has pseudonyms, so that nobody can ask for its records.
    """
    sums = dict(_sums(folder))
    raw = {name: _bytes(folder, name, sums) for name in ("study.json", "records.csv", "agents.csv")}
    try:
        study = json.loads(raw["study.json"])
        if study["blueattr_deposit"] != _LAYOUT:
            raise InputError(
                f"{folder} has layout {study['blueattr_deposit']!r} of deposits; this version "
                f"of blueattr reads {_LAYOUT}"
            )
        if study["has_pseudonyms"]:
            raise InputError(
                f"{folder} has pseudonyms in place of addresses, so that nobody can ask for its "
                "records again; who made it can deposit without --pseudonyms"
            )
        origin = study["results"][0]
        tiers = {row["agent"]: row["tier"] for row in _rows(raw["agents.csv"])}
        rows = [*_rows(raw["records.csv"])]
        records = [_record(row, tiers) for row in rows]
        named = tuple(one for one in records if one is not None)
        return DepositedStudy(
            folder,
            hashlib.sha256(raw["records.csv"]).hexdigest(),
            "all" if origin["topic"] is None else str(origin["topic"]["name"]),
            str(study["salt"]),
            study["coarse"] is not None,
            tuple(_spans(origin)),
            named,
            len(rows) - len(named),
        )
    except _NO_DEPOSIT as error:
        raise InputError(f"{folder} is no deposit that blueattr wrote: {error!r:.100}") from None


def _sums(folder: Path) -> Iterator[tuple[str, str]]:
    try:
        lines = (folder / _SUMS).read_text("utf-8", "replace").splitlines()
    except OSError as error:
        raise InputError(
            f"{folder} is no deposit: {_SUMS} cannot be read ({error.strerror})"
        ) from None
    for line in lines:
        digest, _, name = line.partition("  ")
        yield name, digest


def _bytes(folder: Path, name: str, sums: dict[str, str]) -> bytes:
    path = folder / name
    try:
        if path.stat().st_size > _LARGEST:
            raise InputError(f"{path} is too large: it may have {_LARGEST >> 30} GiB")
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from None
    if hashlib.sha256(data).hexdigest() != sums.get(name):
        raise InputError(f"{path} is not what its checksum in {_SUMS} says: get the deposit again")
    return data


def _rows(raw: bytes) -> Iterator[dict[str, str]]:
    return csv.DictReader(io.StringIO(raw.decode("utf-8"), newline=""))


def _record(row: dict[str, str], tiers: dict[str, str]) -> DepositedRecord | None:
    name = read_name(row["record"], REPOST if row["kind"] == "repost" else POST)
    if name is None:
        return None
    if row["time_from"] not in TIMES_FROM:
        raise ValueError(row["time_from"])
    return DepositedRecord(
        name,
        _time(row["time"]),
        row["time_from"],
        row["subject"] or None,
        row["text_sha256"] or None,
        tiers.get(row["agent"], ""),
    )


def _spans(origin: dict[str, Any]) -> Iterator[Window]:
    start, end = (_time(origin["window"][name]) for name in ("start", "end"))
    if origin["so_far"] is not None:
        end = min(end, _time(origin["so_far"]))
    for gap in origin["gaps"]:
        if start < _time(gap["start"]):
            yield Window(start, _time(gap["start"]))
        start = max(start, _time(gap["end"]))
    if start < end:
        yield Window(start, end)


def _time(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError(text)
    return time.astimezone(UTC)
