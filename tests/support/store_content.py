"""The logical content of a store, by DID, and what it must be by a plain fold of the events."""

import re
from collections import defaultdict
from pathlib import Path
from typing import Any, NamedTuple

from blueattr.store.database import Store
from blueattr.store.integrity import sums
from support import naive_decode
from support.events_builder import Event, dumps


class Content(NamedTuple):
    """What a store holds, independent of how its accounts are numbered and its rows ordered."""

    accounts: set[str]
    records: dict[tuple[str, str, str], tuple[Any, ...]]
    statuses: set[tuple[Any, ...]]
    handles: dict[str, tuple[Any, ...]]
    profiles: dict[str, tuple[Any, ...]]
    plc: dict[str, tuple[Any, ...]]


_RECORDS = """
    SELECT r.collection, author.did, r.rkey, r.rev, r.removed, r.event_time, subject.did,
        r.subject_rkey, root.did, r.root_rkey, r.text, r.tags, r.title, other.did,
        CASE WHEN r.collection = 'post' THEN r.quoted_rkey ELSE r.via_rkey END, r.langs, r.domains,
        (
            SELECT list_sort(list(did))
            FROM (SELECT unnest(r.mentions) AS id)
            JOIN account USING (id)
        ),
        r.labels, r.time_from::VARCHAR, r.first_time, r.is_repeat
    FROM record AS r
    JOIN account AS author ON author.id = r.account
    LEFT JOIN account AS subject ON subject.id = r.subject
    LEFT JOIN account AS root ON root.id = r.root
    LEFT JOIN account AS other
        ON other.id = CASE WHEN r.collection = 'post' THEN r.quoted ELSE r.via END
"""
_BY_DID = "SELECT account.did, t.* EXCLUDE (account) FROM {} AS t JOIN account ON id = t.account"


def rows(store: Store, query: str) -> list[tuple[Any, ...]]:
    return [
        tuple(tuple(v) if isinstance(v, list) else v for v in row)
        for row in store._connection.execute(query).fetchall()
    ]


def _unique(found: list[tuple[Any, ...]], key: int) -> dict[Any, tuple[Any, ...]]:
    keyed = {row[0] if key == 1 else row[:key]: row[key:] for row in found}
    assert len(keyed) == len(found), "a key is in the store twice"
    return keyed


_BASE32 = "234567abcdefghijklmnopqrstuvwxyz"


def spelled(number: int) -> str:
    """Write a TID in letters."""
    return "".join(_BASE32[number >> shift & 31] for shift in range(60, -1, -5))


def content(path: Path) -> Content:
    with Store.open(path) as store:
        sums.check(store)
        accounts = rows(store, "SELECT did, id FROM account")
        assert len(_unique(accounts, 1)) == len({number for _, number in accounts})
        names = dict(rows(store, "SELECT id, rkey FROM record_key"))
        assert len(set(names.values())) == len(names)
        assert all(key < 0 for key in names)

        def key(number: int | None) -> str | None:
            return None if number is None else names[number] if number < 0 else spelled(number)

        records = [
            (
                *row[:2],
                key(row[2]),
                spelled(row[3]),
                *row[4:7],
                key(row[7]),
                row[8],
                key(row[9]),
                *row[10:14],
                key(row[14]),
                *row[15:],
            )
            for row in rows(store, _RECORDS)
        ]
        (stored,) = rows(store, "SELECT count(*) FROM record")[0]
        assert len(records) == stored
        statuses = rows(store, _BY_DID.format("account_status"))
        assert len(set(statuses)) == len(statuses)
        return Content(
            {did for did, _ in accounts},
            _unique(records, 3),
            set(statuses),
            _unique(rows(store, _BY_DID.format("handle")), 1),
            _unique(rows(store, _BY_DID.format("profile")), 1),
            _unique(rows(store, "SELECT * EXCLUDE (host, host_time) FROM plc"), 1),
        )


def sources(path: Path) -> tuple[dict[str, tuple[Any, ...]], set[Any], set[Any]]:
    """Sources by name, rejected counts and rejected samples."""
    with Store.open(path) as store:
        return (
            _unique(rows(store, "SELECT * FROM source"), 1),
            set(rows(store, "SELECT * FROM rejected")),
            set(rows(store, "SELECT * FROM rejected_sample")),
        )


def _as_time(time: Any, time_from: str) -> tuple[int, Any, int]:
    """A time such that the least is the best: a server's, imported or not, beats all others."""
    number = naive_decode.TIMES_FROM.index(time_from)
    return max(number, 1), time, number


def _is_tid(key: str | None) -> bool:
    return key is not None and re.fullmatch("[234567ab][2-7a-z]{12}", key) is not None


def _in_order(key: str | None) -> tuple[Any, ...]:
    """Keys in the order in which they are compared: TIDs as numbers, others as names, then none."""
    return (1, key) if _is_tid(key) else (0, key is None, key or "")


def _of_other(key: str | None) -> tuple[int, str]:
    """The same for what an older store did not keep: none, then names, then TIDs."""
    return (0, "") if key is None else (1 + _is_tid(key), key)


def _version(e: dict[str, Any]) -> tuple[Any, ...]:
    """The order of the versions of one record or profile, of which the greatest wins."""
    said = [e["subject_did"], e["subject_rkey"], e["root_did"], e["root_rkey"],
            e["tags"], e["title"], e["text"]]  # fmt: skip
    keys = [(value is None, value or "") for value in said]
    keys[1], keys[3] = _in_order(said[1]), _in_order(said[3])
    more = [e["other_did"] or "", _of_other(e["other_rkey"]), e["langs"] or "", e["domains"] or [],
            e["mention_dids"] or [], e["labels"] or ""]  # fmt: skip
    return e["rev"], e["operation"] == "delete", keys[:4], more[:2], keys[4:], more[2:]


def _repeats(records: dict[tuple[str, str, str], tuple[Any, ...]]) -> set[tuple[str, str, str]]:
    """The follows and reposts of which an earlier one exists."""
    relations = defaultdict(list)
    for key, (_, removed, seen, subject, post, *_) in records.items():
        if not removed and (key[0] == "follow" or (key[0] == "repost" and post is not None)):
            is_named, *rest = _in_order(key[2])
            relations[key[0], key[1], subject, post].append((seen, -is_named, rest, key))
    return {key for same in relations.values() for *_, key in sorted(same)[1:]}


def expected(events: list[Event]) -> Content:
    """Fold events one by one in plain Python; nothing here depends on their order."""
    decoded = [naive_decode.decode(dumps(event) + "\n") for event in events]
    kept = [fields for verdict, fields in decoded if verdict == ""]
    out = Content(set(), {}, set(), {}, {}, {})
    gone: dict[str, Any] = {}
    for e in kept:
        named = ("did", "subject_did", "root_did", "other_did")
        out.accounts.update(e[k] for k in named if e[k])
        out.accounts.update(e["mention_dids"] or ())
        if e["kind"] == "account":
            out.statuses.add((e["did"], e["event_time"], e["active"], e["status"]))
            if e["status"] == "deleted":
                gone[e["did"]] = max(gone.get(e["did"], e["event_time"]), e["event_time"])
        elif e["kind"] == "identity" and e["handle"]:
            latest = (e["event_time"], e["handle"])
            out.handles[e["did"]] = max(out.handles.get(e["did"], latest), latest)
    records = defaultdict(list)
    for e in kept:
        if e["rkey"]:
            records[e["kind"], e["did"], e["rkey"]].append(e)
    for key, versions in records.items():
        best = max(versions, key=_version)
        times = [
            _as_time(e["event_time"], e["time_from"] or "server")
            for e in versions
            if e["operation"] != "delete"
        ]
        if key[0] == "profile":
            created = [e["event_time"] for e in versions if e["operation"] == "create"]
            _, bot, labels = max((e["rev"], e["bot"], e["labels"] or "") for e in versions)
            first_made = min(created, default=None)
            out.profiles[key[1]] = (best["rev"], first_made, bot, labels or None)
            continue
        _, seen, number = min(times, default=(0, None, 0))
        first = min((time for _, time, _ in times), default=None)
        blank = first is not None and key[1] in gone and first <= gone[key[1]]
        names = ("text", "tags", "title", "langs", "domains", "mention_dids", "labels")
        words = [None if blank else best[k] for k in names]
        words = [tuple(each) if isinstance(each, list) else each for each in words]
        out.records[key] = (
            best["rev"], best["operation"] == "delete", seen, best["subject_did"],
            best["subject_rkey"], best["root_did"], best["root_rkey"], *words[:3],
            best["other_did"], best["other_rkey"], *words[3:],
            naive_decode.TIMES_FROM[number], None if first == seen else first,
        )  # fmt: skip
    repeats = _repeats(out.records)
    for key, record in out.records.items():
        out.records[key] = (*record, key in repeats)
    return out
