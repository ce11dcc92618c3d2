"""An archive that began one day: what it fetched then, and what it saw afterwards."""

import json
import random
from datetime import datetime
from typing import Any

from blueattr.decode.binary.segments import decode_block
from support.archive_server import ArchiveServer, Sealed
from support.binary_builder import Row, block_of, row_of
from support.events_builder import POST, Event, at, did, follow, like, micros, post, profile, repost
from support.store_content import spelled

BEGAN = 31.0
"""Days after `events_builder.BASE` when the archive began."""

ACCOUNTS = "abcdef"


def key_at(time: datetime, clock: int) -> str:
    """The record key, a TID, that a client makes at a time."""
    return spelled(micros(time) << 10 | clock & 1023)


def rows() -> tuple[list[Row], list[Row]]:
    """What was fetched, account by account, and what was seen, as the server writes it."""
    rng = random.Random(3)  # noqa: S311 - the same rows every time
    fetched, seen = [], []
    for k in range(96):
        who, other = ACCOUNTS[k // 16], rng.choice(ACCOUNTS)
        made, came = at(days=rng.uniform(-60, BEGAN)), at(k, days=BEGAN)
        rkey = key_at(made, k)
        event = rng.choice(
            [
                post(who, rkey, f"text {k}", rev=500 + k, time=came),
                repost(who, rkey, f"at://{did(other)}/{POST}/{rkey}", rev=500 + k, time=came),
                follow(who, rkey, other, rev=500 + k, time=came),
                like(who, rkey, f"at://{did(other)}/{POST}/{rkey}", rev=500 + k, time=came),
            ]
        )
        if k % 11 == 5:
            event = post(who, f"no-tid-{k}", "when?", rev=500 + k, time=came)
        if k % 16 == 0:
            event = profile(who, rev=500 + k, time=came)
        imported = micros(at(days=rng.uniform(-60, BEGAN))) if k % 7 == 3 else 0
        fetched.append(row_of(k + 1, event, indexed_at=imported))
    for k in range(48):
        time = at(1000 + k, days=BEGAN)
        who = rng.choice(ACCOUNTS)
        event = post(who, key_at(time, k), f"new {k}", rev=900 + k, time=time)
        # A repository that was read anew, and a record whose author dated it back.
        change: dict[str, Any] = {}
        if k % 8 == 3:
            old = key_at(at(days=rng.uniform(-60, 20)), k)
            event = post(who, old, f"again {k}", rev=900 + k, time=time)
            change = {"kind": 7}
        seen.append(row_of(97 + k, event, **change))
    return fetched, seen


def as_event(row: Row, began: int) -> Event:
    """The event that a row means, told from the columns one by one."""
    (event,) = [e for e in _EVENTS if e["seq"] == row.seq]
    event = {name: value for name, value in event.items() if name != "seq"}
    key = row.rkey.decode()
    is_tid = len(key) == 13 and key[0] == "3"
    made = sum("234567abcdefghijklmnopqrstuvwxyz".index(c) << 5 * (12 - i)
               for i, c in enumerate(key)) >> 10 if is_tid else None  # fmt: skip
    if row.indexed_at:
        return event | {"time_us": row.indexed_at, "time_from": "imported"}
    if made is not None and (made < began or row.kind == 7):
        return event | {"time_us": made, "time_from": "key"}
    return event


def _events() -> list[Event]:
    out = []
    for row in (row for part in rows() for row in part):
        plain = row._replace(indexed_at=0)
        lines = decode_block(block_of([plain])).lines
        if lines:
            out.append(json.loads(lines) | {"seq": row.seq})
    return out


_EVENTS = _events()


def fill_past(server: ArchiveServer, blocks: int = 3, per_block: int = 8) -> None:
    """Seal what was fetched, then what was seen, in segments of so many blocks."""
    for part in rows():
        size = blocks * per_block
        for begin in range(0, len(part), size):
            some = part[begin : begin + size]
            cut = [some[k : k + per_block] for k in range(0, len(some), per_block)]
            server.segments.append(Sealed(len(server.segments), cut))


def past_events(accounts: str = ACCOUNTS) -> list[Event]:
    """All events of the archive that are kept, with the times that they really have."""
    fetched, seen = rows()
    began = fetched[0].witnessed_at
    known = {event["seq"] for event in _EVENTS}
    return [
        as_event(row, began)
        for row in (*fetched, *seen)
        if row.seq in known and row.did.decode() in {did(who) for who in accounts}
    ]
