"""Tables of records in every form that an import reads, and what a store must hold of them."""

import csv
import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from support.events_builder import FOLLOW, POST, REPOST, Event, quoted_in
from support.store_content import spelled

Row = dict[str, Any]

NO_REV = "2" * 13
"""The revision of what was imported: the lowest."""

FORMS = ("csv", "semicolons", "csv.gz", "jsonl", "json", "parquet", "tar", "csv.tar")


def rows_of(events: Sequence[Event]) -> list[Row]:
    """The records that events make, as a table would have them, with the network's own keys."""
    found = []
    for event in events:
        commit = event.get("commit", {})
        record = commit.get("record")
        collection = commit.get("collection")
        if record is None or collection not in {POST, REPOST, FOLLOW} or " " in commit["rkey"]:
            continue
        reply = record.get("reply", {})
        subject = record.get("subject")
        found.append(
            {
                "uri": f"at://{event['did']}/{collection}/{commit['rkey']}",
                "created_at": event["time_us"],
                "text": record.get("text"),
                "reply_to": reply.get("parent", {}).get("uri"),
                "reply_root": reply.get("root", {}).get("uri"),
                "subject": subject["uri"] if isinstance(subject, dict) else subject,
                "quoted": quoted_in(record),
                "langs": " ".join(record.get("langs", ())) or None,
            }
        )
    return found


def events_of(events: Sequence[Event]) -> list[Event]:
    """The same as events that an import of them amounts to."""
    found = []
    for event in events:
        commit = event.get("commit", {})
        if "record" in commit and commit["collection"] in {POST, REPOST, FOLLOW}:
            lowest = {**commit, "rev": NO_REV}
            found.append({**event, "commit": lowest, "time_from": "claimed"})
    return found


def write(path: Path, rows: Sequence[Row], form: str) -> Path:
    """Write a table in one of `FORMS`."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    if form == "parquet":
        columns = {name: [row.get(name) for row in rows] for name in names}
        pq.write_table(pa.table(columns), path)
    elif form.endswith("tar"):
        half = len(rows) // 2
        inner = "csv" if form == "csv.tar" else "jsonl"
        with tarfile.open(path, "w") as archive:
            for name, part in (("a", rows[:half]), ("b", rows[half:])):
                data = _text(part, names, inner).encode()
                member = tarfile.TarInfo(f"data/{name}.{inner}")
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data))
    elif form == "csv.gz":
        path.write_bytes(gzip.compress(_text(rows, names, "csv").encode()))
    else:
        path.write_text(_text(rows, names, form), encoding="utf-8")
    return path


def _text(rows: Sequence[Row], names: Sequence[str], form: str) -> str:
    if form == "json":
        return json.dumps(rows, indent=1)
    if form == "jsonl":
        return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";" if form == "semicolons" else ",")
    writer.writerow(names)
    writer.writerows([[row.get(name) for name in names] for row in rows])
    return out.getvalue()


def own_key(prefix: str, identifier: str) -> str:
    """The key of a record that has an identifier of its own, in plain Python."""
    return _made(int.from_bytes(hashlib.md5((prefix + identifier).encode()).digest()[8:], "little"))  # noqa: S324 - no secret


def _made(number: int) -> str:
    return spelled(number >> 2 & (1 << 62) - 1 | 1 << 62)


def by_key(found: Mapping[tuple[str, str, str], tuple[Any, ...]]) -> list[Row]:
    """The records of a store (`support.store_content.content`) with names, without what is None."""
    names = (
        "rev", "removed", "time", "subject", "subject_rkey", "root", "root_rkey", "text", "tags",
        "title", "quoted", "quoted_rkey", "langs", "domains", "mentions", "labels", "time_from",
        "first_time", "repeats",
    )  # fmt: skip
    out = []
    for (kind, actor, rkey), values in sorted(found.items()):
        row = {"kind": kind, "actor": actor, "rkey": rkey}
        row |= {k: v for k, v in zip(names, values, strict=True) if v is not None}
        out.append(row)
    return out
