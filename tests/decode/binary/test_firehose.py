"""Frames to lines: what is meant arrives, what is broken is counted, and nothing raises."""

import json
import random
from collections import Counter
from pathlib import Path
from typing import Any
from unittest.mock import ANY

import libipld
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blueattr.decode.binary import firehose
from blueattr.decode.binary.firehose import decode_frames
from blueattr.decode.binary.transcode import COLLECTIONS, Decoded, Notice
from blueattr.decode.shapes import shape
from blueattr.ingest import read
from support import naive_decode
from support.binary_builder import car, cbor, cid, error, frame, frame_of, iso, uvarint
from support.captured_frames import CORPUS, captured_frames, needs_corpus
from support.effort import law
from support.event_strategies import ANNOUNCEMENTS, COMMITS, LINK
from support.events_builder import (
    FOLLOW,
    LIKE,
    POST,
    PROFILE,
    REPOST,
    Event,
    account,
    at,
    commit,
    delete,
    did,
    dumps,
    follow,
    identity,
    like,
    micros,
    post,
    profile,
    repost,
    tid,
    uri,
)
from support.store_content import content

LAWS = law(150)
TIME = at(5)
HELLO = post("alice", "3jaaaaaaaaaaa", rev=1, time=TIME)
# What is handed on of an operation of it that is refused.
WHERE = {
    "repo": did("alice"), "rev": HELLO["commit"]["rev"], "action": "create", "collection": POST,
    "rkey": "3jaaaaaaaaaaa",
}  # fmt: skip
COLLECTION_NAMES = {POST, REPOST, FOLLOW, PROFILE}


def events_in(decoded: Decoded) -> list[Event]:
    """The lines, each whole and an object."""
    assert decoded.lines.endswith(b"\n") or not decoded.lines
    found = [json.loads(line) for line in decoded.lines.split(b"\n")[:-1]]
    assert len(found) == decoded.events
    return found


def only_refused(*frames: bytes) -> tuple[str, int, bytes]:
    decoded = decode_frames(frames)
    assert (decoded.lines, decoded.events, decoded.skipped) == (b"", 0, 0)
    (refused,) = decoded.refused
    return refused


def wanted(event: Event) -> bool:
    return event["kind"] != "commit" or event["commit"]["collection"] in COLLECTION_NAMES


def meaning(events: list[Event]) -> list[Any]:
    return [naive_decode.decode(dumps(event)) for event in events]


# --- what is meant arrives

_BATCHES = st.lists(st.lists(COMMITS, min_size=1, max_size=3) | ANNOUNCEMENTS, max_size=4)


def test_a_header_may_have_its_keys_in_another_order() -> None:
    usual = frame_of(1, HELLO)
    head = libipld.encode_dag_cbor({"op": 1, "t": "#commit"})
    assert usual.startswith(head)
    other = b"\xa2\x62op\x01\x61t\x67#commit" + usual[len(head) :]
    assert sorted(other) == sorted(usual)
    assert other != usual
    assert decode_frames([other]) == decode_frames([usual])
    assert decode_frames([usual]).events == 1
    for cut in range(len(head) + 1):
        only_refused(other[:cut])


@LAWS
@given(_BATCHES)
def test_frames_mean_what_their_events_mean(batches: list[Any]) -> None:
    frames, sent = [], []
    for seq, batch in enumerate(batches, 1):
        events = batch if isinstance(batch, list) else [batch]
        first = events[0]
        if first["kind"] == "commit":
            # A commit has one author, one revision and one time.
            common = {key: first[key] for key in ("did", "time_us")}
            rev = first["commit"]["rev"]
            events = [{**e, **common, "commit": {**e["commit"], "rev": rev}} for e in events]
        frames.append(frame_of(seq, *events))
        sent += events
    decoded = decode_frames(frames)
    assert decoded.refused == []
    assert decoded.notices == []
    assert decoded.skipped == sum(not wanted(e) for e in sent)
    assert meaning(events_in(decoded)) == meaning([e for e in sent if wanted(e)])
    times = [e["time_us"] for e in sent]
    assert (decoded.first_us, decoded.last_us) == (
        min(times, default=None),
        max(times, default=None),
    )
    seqs = range(1, len(frames) + 1)
    assert (decoded.first_seq, decoded.last_seq) == ((1, len(seqs)) if frames else (None, None))


@pytest.mark.slow
def test_every_kind_of_event_through_the_store(tmp_path: Path) -> None:
    events = [
        HELLO,
        post("bob", "3jaaaaaaaaaab", "re", rev=2, time=at(6), parent=uri("alice", "3jaaaaaaaaaaa"),
             tags=["a", "b"]),
        repost("carol", "3jaaaaaaaaaac", uri("alice", "3jaaaaaaaaaaa"), rev=3, time=at(7)),
        follow("carol", "3jaaaaaaaaaad", "alice", rev=4, time=at(8)),
        profile("alice", rev=5, time=at(9), bot=True),
        delete("carol", FOLLOW, "3jaaaaaaaaaad", rev=6, time=at(10)),
        like("carol", "3jaaaaaaaaaae", uri("alice", "3jaaaaaaaaaaa"), rev=7, time=at(11)),
        identity("alice", "alice.example.com", time=at(12)),
        account("dora", "deleted", time=at(13)),
    ]  # fmt: skip
    decoded = decode_frames([frame_of(i, e) for i, e in enumerate(events, 10)])
    assert (decoded.events, decoded.skipped, decoded.refused) == (8, 1, [])
    assert (decoded.first_seq, decoded.last_seq) == (10, 18)
    stores = []
    for name, data in (
        ("frames", decoded.lines),
        ("lines", "".join(dumps(e) + "\n" for e in events).encode()),
    ):
        file = tmp_path / f"{name}.jsonl"
        file.write_bytes(data)
        done = read.ingest(tmp_path / f"{name}.duckdb", [str(file)])
        assert done.sources[0].rejected == {}
        assert done.sources[0].kept == 8
        stores.append(content(tmp_path / f"{name}.duckdb"))
    assert stores[0] == stores[1]
    assert stores[0].profiles[did("alice")][2] is True
    assert stores[0].records["follow", did("carol"), "3jaaaaaaaaaad"][1] is True


def test_only_what_is_read_of_a_record_is_in_its_line() -> None:
    event = post("alice", "3jaaaaaaaaaaa", rev=1, time=TIME, unread=-(2**64) + 2**63)
    (found,) = events_in(decode_frames([frame_of(1, event)]))
    assert found["commit"]["record"] == {"text": "hello"}
    assert "createdAt" in event["commit"]["record"]


def test_links_and_bytes_are_written_as_in_lines() -> None:
    tags = [{"$bytes": "AA"}, {"$link": LINK}]
    event = post("alice", "3jaaaaaaaaaaa", rev=1, time=TIME, tags=tags)
    (found,) = events_in(decode_frames([frame_of(1, event)]))
    assert found["commit"]["record"]["tags"] == tags


def test_collections_are_those_that_the_statement_keeps() -> None:
    assert set(COLLECTIONS) == COLLECTION_NAMES


def test_a_car_is_not_opened_for_unwanted_paths(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[object] = []

    def blocks(car: object) -> dict[bytes, bytes]:
        opened.append(car)
        return {}

    monkeypatch.setattr(firehose, "_blocks", blocks)
    frames = [frame_of(1, like("alice", "a", "x", rev=1, time=TIME), blocks=b"\xff")]
    assert decode_frames(frames).skipped == 1
    assert opened == []
    assert decode_frames([*frames, frame_of(2, HELLO)]).skipped == 1
    assert len(opened) == 1


# --- the captured frames


@pytest.mark.slow
@needs_corpus
def test_captured_frames_hold_what_jetstream_sent(tmp_path: Path) -> None:
    frames = captured_frames()
    manifest = json.loads((CORPUS / "manifest.json").read_text())
    lines = (CORPUS / "expected_v1.jsonl").read_bytes()
    expected = [json.loads(line) for line in lines.splitlines()]
    decoded = decode_frames(frames)
    assert decoded.refused == []
    assert len(frames) == manifest["frames"] == 150
    assert decoded.events + decoded.skipped == manifest["v1_events"] == len(expected) == 152
    assert (decoded.first_seq, decoded.last_seq) == (manifest["seq_first"], manifest["seq_last"])
    assert decoded.notices == []

    ours = [e for e in expected if wanted(e)]
    found = events_in(decoded)
    assert len(found) == len(ours) == 44
    facts = [_facts(e) for e in found]
    assert sorted(facts, key=repr) == sorted((_facts(e) for e in ours), key=repr)
    kinds = Counter(e["kind"] for e in found)
    assert (kinds["identity"], kinds["account"]) == (manifest["identity"], manifest["account"])
    told = [
        e["commit"]["record"] for e in found if e["kind"] == "commit" and "record" in e["commit"]
    ]
    assert sum(bool(record.get("text")) for record in told) > 5
    assert sum("reply" in record for record in told) > 3
    assert all(abs(_lag(e, ours)) < 60_000_000 for e in found)

    # The same again after the store has read both.
    (tmp_path / "ours.jsonl").write_bytes(decoded.lines)
    stores = []
    for file in (tmp_path / "ours.jsonl", CORPUS / "expected_v1.jsonl"):
        db = tmp_path / f"{file.stem}.duckdb"
        done = read.ingest(db, [str(file)])
        assert done.sources[0].rejected == {}
        stores.append(_timeless(content(db)))
    assert stores[0] == stores[1]
    assert len(stores[0][1]) > 30


def _facts(event: Event) -> tuple[Any, ...]:
    """All that the decoder reads of an event but its time, at which the servers differ."""
    verdict, fields = naive_decode.decode(dumps(event))
    assert verdict == ""
    return tuple(fields[name] for name in naive_decode.FIELDS if name != "event_time")


def _lag(event: Event, others: list[Event]) -> int:
    (other,) = (o for o in others if _facts(o) == _facts(event))
    return int(event["time_us"]) - int(other["time_us"])


def _timeless(found: Any) -> list[Any]:
    records = {key: row[:2] + row[3:] for key, row in found.records.items()}
    statuses = {(s[0], *s[2:]) for s in found.statuses}
    handles = {who: row[1:] for who, row in found.handles.items()}
    profiles = {who: (row[0], row[2]) for who, row in found.profiles.items()}
    return [found.accounts, records, statuses, handles, profiles]


# --- what a server says


def test_notices_are_told_and_are_no_events() -> None:
    decoded = decode_frames([
        frame("#info", {"name": "OutdatedCursor", "message": "too old\n"}),
        frame_of(3, HELLO),
        error("ConsumerTooSlow"),
        error("FutureCursor", "x" * 5000),
        cbor({"op": -1}) + cbor({"message": {"no": "text"}}),
    ])  # fmt: skip
    assert (decoded.events, decoded.skipped, decoded.refused) == (1, 0, [])
    assert decoded.notices == [
        Notice("info", "OutdatedCursor", "too old\\n"),
        Notice("error", "ConsumerTooSlow", ""),
        Notice("error", "FutureCursor", "x" * 200),
        Notice("error", "None", "{'no': 'text'}"),
    ]
    assert (decoded.first_seq, decoded.last_seq) == (3, 3)


def test_sync_and_kinds_yet_to_come_are_skipped() -> None:
    told = {"seq": 7, "time": iso(micros(TIME)), "did": did("alice")}
    decoded = decode_frames([frame("#sync", told), frame("#later", told | {"seq": 8})])
    assert (decoded.events, decoded.skipped, decoded.refused) == (0, 2, [])
    assert (decoded.first_seq, decoded.last_seq) == (7, 8)
    assert decoded.first_us == decoded.last_us == micros(TIME)


def test_nothing() -> None:
    assert decode_frames([]) == Decoded(b"", 0, 0)


# --- what is broken

_NAN = b"\xfb\x7f\xf8" + bytes(6)
_HUGE = b"\x9b" + b"\xff" * 8
_WRONG_FRAMES = {
    "empty": b"",
    "text": b"GET / HTTP/1.1\r\n\r\n",
    "header alone": cbor({"op": 1, "t": "#commit"}),
    "three objects": frame("#sync", {"seq": 1}) + cbor({}),
    "cut": frame_of(1, HELLO)[:-1],
    "huge array": cbor({"op": 1, "t": "#commit"}) + _HUGE,
    "nested": cbor({"op": 1, "t": "#commit"}) + b"\x81" * 100_000 + b"\x01",
    "NaN": cbor({"op": 1, "t": "#commit"}) + b"\xa1\x63seq" + _NAN,
    "not UTF-8": cbor({"op": 1, "t": "#commit"}) + b"\xa1\x63seq\x61\xff",
    "indefinite": cbor({"op": 1, "t": "#commit"}) + b"\xbf\xff",
    "keys no strings": cbor({"op": 1, "t": "#commit"}) + b"\xa1\x01\x01",
    "body no map": frame("#commit", [1]),
    "header no map": cbor([1]) + cbor({}),
    "no op": cbor({"t": "#commit"}) + cbor({}),
    "op unknown": frame("#commit", {}, op=2),
    "op true": cbor({"op": "1", "t": "#commit"}) + cbor({}),
    "kind no string": cbor({"op": 1, "t": 5}) + cbor({"seq": 1}),
    "no seq": frame("#sync", {}),
    "seq a string": frame("#sync", {"seq": "1"}),
    "seq true": frame("#sync", {"seq": True}),
    "seq negative": frame("#sync", {"seq": -1}),
    "seq of 64 bits": frame("#sync", {"seq": 2**63}),
}


@pytest.mark.parametrize("broken", _WRONG_FRAMES.values(), ids=_WRONG_FRAMES)
def test_what_is_no_frame(broken: bytes) -> None:
    reason, seq, sample = only_refused(broken)
    assert (reason, seq) == ("not a firehose frame", 0)
    assert sample == broken


def test_frames_about_a_broken_one_are_read() -> None:
    decoded = decode_frames([frame_of(4, HELLO), b"\xff\x00", frame_of(5, HELLO)])
    assert decoded.events == 2
    assert [(r[0], r[1]) for r in decoded.refused] == [("not a firehose frame", 4)]


def test_a_frame_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    sent = frame_of(1, HELLO)
    monkeypatch.setattr(firehose, "FRAME_LIMIT", len(sent))
    assert decode_frames([sent]).events == 1
    assert only_refused(sent + b"\x00")[0] == "frame too long"


_RECORD = cbor(HELLO["commit"]["record"])
_LINK = b"\xd8\x2a\x58\x25\x00"
_OP = {"action": "create", "path": f"{POST}/3jaaaaaaaaaaa", "cid": cid(_RECORD)}
_MISSING: dict[str, Any] = {
    "no blocks": {"blocks": None},
    "blocks a string": {"blocks": "blocks"},
    "blocks a list": {"blocks": [1]},
    "blocks empty": {"blocks": b""},
    "no record in the CAR": {"blocks": car([b"\xa0"])},
    "record cut": {"blocks": car([_RECORD])[:-1]},
    "CAR header too long": {"blocks": uvarint(2**28) + car([_RECORD])},
    "a length that never ends": {"blocks": b"\xff" * 1000},
    "a length that ends nowhere": {"blocks": car([]) + b"\x80"},
    "cid null": {"ops": [_OP | {"cid": None}]},
    "cid a string": {"ops": [_OP | {"cid": "bafy"}]},
    "cid a list": {"ops": [_OP | {"cid": [1]}]},
    "cid other": {"ops": [_OP | {"cid": cid(b"other")}]},
}


@pytest.mark.parametrize("body", _MISSING.values(), ids=_MISSING)
def test_an_operation_without_its_record(body: dict[str, Any]) -> None:
    reason, seq, sample = only_refused(frame_of(9, HELLO, **body))
    assert (reason, seq, json.loads(sample)) == ("missing block", 9, WHERE)


_BAD_RECORDS = {
    "empty": b"",
    "cut": _RECORD[:-1],
    "two": _RECORD * 2,
    "NaN": b"\xa1\x64text" + _NAN,
    "not UTF-8": b"\xa1\x64text\x61\xff",
    "keys out of order": b"\xa2\x61b\x01\x61a\x01",
    "key twice": b"\xa2\x61a\x01\x61a\x01",
    "deep": b"\x81" * 100_000 + b"\x01",
    "broken link": b"\xa1\x64text\xd8\x2a\x41\x00",
}


@pytest.mark.parametrize("record", _BAD_RECORDS.values(), ids=_BAD_RECORDS)
def test_a_record_that_is_not_dag_cbor_spoils_no_other(record: bytes) -> None:
    ops = [
        {**_OP, "cid": cid(record), "path": f"{POST}/3jaaaaaaaaaab"},
        _OP,
        {"action": "delete", "path": f"{POST}/3jaaaaaaaaaac", "cid": None},
    ]
    decoded = decode_frames([frame_of(9, HELLO, ops=ops, blocks=car([record, _RECORD]))])
    assert decoded.refused == [("not DAG-CBOR", 9, ANY)]
    assert json.loads(decoded.refused[0][2]) == WHERE | {"rkey": "3jaaaaaaaaaab"}
    assert [e["commit"]["rkey"][-1] for e in events_in(decoded)] == ["a", "c"]


_UNWRITABLE = {
    "an integer below 64 bits": b"\xa1\x64text\x3b" + b"\xff" * 8,
    "nested": b"\xa1\x64text" + b"\x81" * 400 + b"\x01",
}


@pytest.mark.parametrize("record", _UNWRITABLE.values(), ids=_UNWRITABLE)
def test_a_record_that_json_cannot_hold(record: bytes) -> None:
    op = _OP | {"cid": cid(record)}
    reason, _, sample = only_refused(frame_of(1, HELLO, ops=[op], blocks=car([record])))
    assert (reason, json.loads(sample)) == ("bad record", WHERE)


_JUDGED_LATER: dict[str, tuple[dict[str, Any], str]] = {
    "repo no DID": ({"repo": "alice"}, "bad DID"),
    "rev of two lines": ({"rev": "3jaaaa\n{}"}, "bad rev"),
    "no key": ({"ops": [_OP | {"path": f"{POST}/"}]}, "bad record key"),
    "key of two lines": ({"ops": [_OP | {"path": f"{POST}/a\nb"}]}, "bad record key"),
    "key of two parts": ({"ops": [_OP | {"path": f"{POST}/a/b"}]}, "bad record key"),
    "action unknown": ({"ops": [_OP | {"action": "move"}]}, "unknown operation"),
    "action null": ({"ops": [_OP | {"action": None}]}, "missing field"),
    "before 2020": ({"time": "0001-01-01T00:00:00Z"}, "bad time"),
    "after 2099": ({"time": "9999-12-31T23:59:59-23:59"}, "bad time"),
}


@pytest.mark.parametrize(("body", "verdict"), _JUDGED_LATER.values(), ids=_JUDGED_LATER)
def test_what_the_statement_judges(body: dict[str, Any], verdict: str) -> None:
    decoded = decode_frames([frame_of(1, HELLO, blocks=car([_RECORD]), **body)])
    (event,) = events_in(decoded)
    assert naive_decode.decode(dumps(event))[0] == verdict


_RECORDS_OF_WRONG_TYPES = {
    "null": b"\xf6", "number": b"\x05", "list": b"\x80", "string": b"\x61a",
    "link": _LINK + cid(b""), "text a link": b"\xa1\x64text" + _LINK + cid(b""),
    "text of 64 bits": b"\xa1\x64text\x1b" + b"\xff" * 8, "text bytes": b"\xa1\x64text\x41\x00",
}  # fmt: skip


@pytest.mark.parametrize("record", _RECORDS_OF_WRONG_TYPES.values(), ids=_RECORDS_OF_WRONG_TYPES)
def test_records_of_wrong_types_are_judged_as_in_lines(record: bytes) -> None:
    op = _OP | {"cid": cid(record)}
    (event,) = events_in(decode_frames([frame_of(1, HELLO, ops=[op], blocks=car([record]))]))
    verdict = "missing field" if record == b"\xf6" else "bad record"
    assert naive_decode.decode(dumps(event))[0] == verdict


_REFUSED_BODIES: dict[str, tuple[dict[str, Any], str]] = {
    "no time": ({"time": None}, "bad time"),
    "time a number": ({"time": 5}, "bad time"),
    "time no time": ({"time": "yesterday"}, "bad time"),
    "time without zone": ({"time": "2026-05-01T00:00:00"}, "bad time"),
    "repo null": ({"repo": None}, "bad DID"),
    "repo a link": ({"repo": cid(b"")}, "bad DID"),
    "repo a list": ({"repo": [1] * 9999}, "bad DID"),
    "repo too long": ({"repo": "did:plc:" + "a" * 2041}, "bad DID"),
    "rev null": ({"rev": None}, "bad rev"),
    "rev a number": ({"rev": 5}, "bad rev"),
    "rev too long": ({"rev": "3" * 2049}, "bad rev"),
    "ops null": ({"ops": None}, "missing field"),
    "ops a map": ({"ops": {}}, "missing field"),
    "op a string": ({"ops": ["create"]}, "missing field"),
    "path null": ({"ops": [_OP | {"path": None}]}, "missing field"),
    "too big": ({"ops": [], "tooBig": True}, "commit too big"),
}


@pytest.mark.parametrize(("body", "reason"), _REFUSED_BODIES.values(), ids=_REFUSED_BODIES)
def test_bodies_that_are_no_event(body: dict[str, Any], reason: str) -> None:
    assert only_refused(frame_of(2, HELLO, **body))[:2] == (reason, 2)


def test_announcements_that_are_no_event() -> None:
    told = {"seq": 2, "did": did("alice"), "handle": "a.example.com", "active": True}
    for kind in ("#identity", "#account"):
        assert only_refused(frame(kind, told | {"time": "x"}))[0] == "bad time"
        told["time"] = iso(micros(TIME))
        assert decode_frames([frame(kind, told)]).events == 1
        nested = json.loads("[" * 400 + "]" * 400)
        assert only_refused(frame(kind, told | {"did": nested}))[0] == "bad record"
        del told["time"]


def test_a_commit_without_operations_is_nothing() -> None:
    decoded = decode_frames([frame_of(2, HELLO, ops=[])])
    assert (decoded.events, decoded.skipped, decoded.refused, decoded.last_seq) == (0, 0, [], 2)


def test_a_record_that_is_named_often_does_not_fill_the_memory() -> None:
    # One record of half a megabyte, of which no line has much, named by half a million bytes.
    for record in ({"text": "a" * 500_000}, {"text": "", "unread": "a" * 500_000}):
        block = cbor(record)
        ops = [_OP | {"cid": cid(block)}] * 5000
        sent = frame_of(1, HELLO, ops=ops, blocks=car([block]))
        assert len(sent) < firehose.FRAME_LIMIT
        decoded = decode_frames([sent])
        assert decoded.events + len(decoded.refused) == 5000
        assert {reason for reason, _, _ in decoded.refused} == {"commit too big"}
        assert 10 < decoded.events < 50
        assert len(decoded.lines) < 4 * firehose.FRAME_LIMIT


def test_an_author_that_is_named_often_does_not_fill_the_memory() -> None:
    op = {"action": "delete", "path": f"{POST}/3jaaaaaaaaaaa", "cid": None}
    author = "did:plc:" + "a" * 2000
    sent = frame_of(1, HELLO, repo=author, ops=[op] * 50_000, blocks=b"")
    assert len(sent) < firehose.FRAME_LIMIT
    decoded = decode_frames([sent])
    assert decoded.events + len(decoded.refused) == 50_000
    assert {reason for reason, _, _ in decoded.refused} == {"commit too big"}
    assert len(decoded.lines) < 5 * firehose.FRAME_LIMIT


def _mutate(rng: random.Random, data: bytes, others: list[bytes]) -> bytes:
    out = bytearray(data)
    for _ in range(rng.choice([1, 1, 2, 8])):
        at_ = rng.randrange(len(out) + 1)
        match rng.randrange(5):
            case 0:
                out[at_ : at_ + 1] = bytes([rng.randrange(256)])
            case 1:
                del out[at_ : at_ + rng.choice([1, 2, 40, 5000])]
            case 2:
                out[at_:at_] = rng.randbytes(rng.choice([1, 2, 40]))
            case 3:
                other = rng.choice(others)
                cut = rng.randrange(len(other) + 1)
                out[at_:] = other[cut:]
            case _:
                # Another major type, or another length.
                if at_ < len(out):
                    out[at_] ^= 1 << rng.randrange(8)
    return bytes(out)


@pytest.mark.slow
def test_mutated_frames_never_raise() -> None:
    sent = [
        HELLO,
        post("bob", "3jaaaaaaaaaab", "re", rev=2, time=at(6), parent=uri("alice", "3jaaaaaaaaaaa")),
        repost("carol", "3jaaaaaaaaaac", uri("alice", "3jaaaaaaaaaaa"), rev=3, time=at(7)),
        identity("alice", "alice.example.com", time=at(12)),
        account("dora", "deleted", time=at(13)),
        delete("carol", FOLLOW, "3jaaaaaaaaaad", rev=6, time=at(10)),
    ]
    frames = [frame_of(i, e) for i, e in enumerate(sent, 1)]
    if CORPUS.is_dir():
        frames += [f for f in captured_frames() if len(f) < 6000]
    rng = random.Random(20260704)  # noqa: S311 - a fixed stream of faults
    reasons: Counter[str] = Counter()
    whole = 0
    for _ in range(12_000):
        mutated = _mutate(rng, rng.choice(frames), frames)
        decoded = decode_frames([mutated])
        found = events_in(decoded)
        whole += len(found)
        for event in found:
            naive_decode.decode(dumps(event))
        for reason, seq, sample in decoded.refused:
            reasons[reason] += 1
            assert 0 <= seq < 2**63
            assert shape(sample).isprintable()
    # The faults fired, and not all of them at the first check.
    assert {"not a firehose frame", "missing block", "not DAG-CBOR", "bad time"} <= set(reasons)
    assert whole > 100


def test_a_length_of_many_bytes_takes_no_time_to_refuse() -> None:
    # As one big number this would take minutes.
    assert firehose._blocks(b"\xff" * (4 << 20)) == {}


@LAWS
@given(st.lists(st.binary(max_size=300), max_size=5), st.integers(0, 40))
def test_cars_are_cut_as_the_library_cuts_them(blocks: list[bytes], cut: int) -> None:
    blocks = [cbor({"b": block.hex()}) for block in blocks]
    data = car(blocks)
    found = firehose._blocks(data)
    _, expected = libipld.decode_car(data)
    assert {key: libipld.decode_dag_cbor(block) for key, block in found.items()} == expected
    assert set(found) == {cid(block) for block in blocks}
    # A broken one has the blocks before the break.
    part = firehose._blocks(data[: len(data) - cut])
    assert part.items() <= found.items()


def test_times_in_any_zone_and_precision() -> None:
    for text, micros_ in [
        ("2026-05-01T00:00:00Z", 0),
        ("2026-05-01T00:00:00.001Z", 1000),
        ("2026-05-01T00:00:00.000001Z", 1),
        ("2026-05-01T02:00:00+02:00", 0),
        ("2026-04-30T23:59:59.123456789Z", -876_544),
    ]:
        decoded = decode_frames([frame_of(1, HELLO, time=text)])
        assert decoded.first_us == micros(at(0)) + micros_
        assert events_in(decoded)[0]["time_us"] == decoded.first_us


def test_revisions_of_a_commit_go_to_each_of_its_operations() -> None:
    events = [commit("alice", c, "self", rev=77, time=TIME) for c in (PROFILE, LIKE, FOLLOW)]
    decoded = decode_frames([frame_of(1, *events)])
    assert [e["commit"]["rev"] for e in events_in(decoded)] == [tid(77)] * 2
    assert decoded.skipped == 1
