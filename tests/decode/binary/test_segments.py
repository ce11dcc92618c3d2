"""Archive blocks and segments: rows to lines, windows, and damage that is found where it is."""

import hashlib
import io
import json
import random
import struct
from collections import Counter
from pathlib import Path
from typing import Any

import libipld
import numpy as np
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from blueattr.decode.binary import segments
from blueattr.decode.binary.segments import decode_block, iter_blocks, read_segment
from blueattr.decode.binary.transcode import Decoded
from blueattr.decode.shapes import shape
from blueattr.errors import InputError
from blueattr.ingest import read
from support import naive_decode
from support.binary_builder import (
    Row,
    block_of,
    body_of,
    cbor,
    compress,
    link,
    row_of,
    seal,
    segment_of,
)
from support.captured_frames import CORPUS, needs_corpus
from support.effort import law
from support.event_strategies import EVENTS
from support.events_builder import (
    FOLLOW,
    POST,
    PROFILE,
    REPOST,
    Event,
    account,
    at,
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
    uri,
)
from support.store_content import content

LAWS = law(150)
KEPT = {POST, REPOST, FOLLOW, PROFILE}
HELLO = post("alice", "3jaaaaaaaaaaa", rev=1, time=at(5))
MIXED = [
    HELLO,
    post("bob", "3jaaaaaaaaaab", "re", rev=2, time=at(6), parent=uri("alice", "3jaaaaaaaaaaa")),
    repost("carol", "3jaaaaaaaaaac", uri("alice", "3jaaaaaaaaaaa"), rev=3, time=at(7)),
    follow("carol", "3jaaaaaaaaaad", "alice", rev=4, time=at(8)),
    profile("alice", rev=5, time=at(9), bot=True),
    delete("carol", FOLLOW, "3jaaaaaaaaaad", rev=6, time=at(10)),
    like("carol", "3jaaaaaaaaaae", uri("alice", "3jaaaaaaaaaaa"), rev=7, time=at(11)),
    identity("alice", "alice.example.com", time=at(12)),
    account("dora", "deleted", time=at(13)),
]


def rows_of(events: list[Event], first: int = 1) -> list[Row]:
    return [row_of(seq, event) for seq, event in enumerate(events, first)]


def events_in(decoded: Decoded) -> list[Event]:
    assert decoded.lines.endswith(b"\n") or not decoded.lines
    found = [json.loads(line) for line in decoded.lines.split(b"\n")[:-1]]
    assert len(found) == decoded.events
    return found


def meaning(events: list[Event]) -> list[Any]:
    return [naive_decode.decode(dumps(event)) for event in events]


def wanted(event: Event) -> bool:
    return event["kind"] != "commit" or event["commit"]["collection"] in KEPT


# --- what is meant arrives

_BOUNDS = st.none() | st.integers(-2, 12)


@LAWS
@given(
    st.lists(st.tuples(EVENTS, st.integers(0, 5), st.booleans()), max_size=8),
    st.integers(0, 12), _BOUNDS, _BOUNDS, _BOUNDS,
)  # fmt: skip
def test_blocks_mean_what_their_events_mean(
    drawn: list[tuple[Event, int, bool]],
    after: int,
    before: int | None,
    start: int | None,
    end: int | None,
) -> None:
    base = micros(at(0))
    sent = []
    for seq, (event, time, indexed) in enumerate(drawn, 3):
        event = {**event, "time_us": base + time}  # noqa: PLW2901 - so that windows cut
        shown = {"witnessed_at": 5, "indexed_at": base + time} if indexed else {}
        row = row_of(seq, event, **shown)
        if indexed and event["kind"] == "commit":
            event["time_from"] = "imported"
        sent.append((seq, event, row))
    decoded = decode_block(
        block_of([row for _, _, row in sent]),
        after_seq=after,
        before_seq=before,
        start_us=None if start is None else base + start,
        end_us=None if end is None else base + end,
    )
    chosen = [
        (seq, event)
        for seq, event, _ in sent
        if after < seq
        and (before is None or seq <= before)
        and (start is None or event["time_us"] >= base + start)
        and (end is None or event["time_us"] < base + end)
    ]
    kept = [event for _, event in chosen if wanted(event)]
    assert meaning(events_in(decoded)) == meaning(kept)
    assert (decoded.skipped, decoded.refused) == (len(chosen) - len(kept), [])
    seqs = [seq for seq, _ in chosen]
    times = [event["time_us"] for _, event in chosen]
    assert (decoded.first_seq, decoded.last_seq) == (
        min(seqs, default=None),
        max(seqs, default=None),
    )
    assert (decoded.first_us, decoded.last_us) == (
        min(times, default=None),
        max(times, default=None),
    )


@pytest.mark.slow
def test_every_kind_of_event_through_the_store(tmp_path: Path) -> None:
    decoded = decode_block(block_of(rows_of(MIXED, 10)))
    assert (decoded.events, decoded.skipped, decoded.refused) == (8, 1, [])
    assert (decoded.first_seq, decoded.last_seq) == (10, 18)
    stores = []
    for name, data in (
        ("block", decoded.lines),
        ("lines", "".join(dumps(e) + "\n" for e in MIXED).encode()),
    ):
        file = tmp_path / f"{name}.jsonl"
        file.write_bytes(data)
        done = read.ingest(tmp_path / f"{name}.duckdb", [str(file)])
        assert (done.sources[0].rejected, done.sources[0].kept) == ({}, 8)
        stores.append(content(tmp_path / f"{name}.duckdb"))
    assert stores[0] == stores[1]
    assert stores[0].profiles[did("alice")][2] is True


def test_unwanted_payloads_are_never_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    decoded_payloads = []
    real = libipld.decode_dag_cbor

    def spy(payload: bytes) -> Any:
        decoded_payloads.append(payload)
        return real(payload)

    monkeypatch.setattr("blueattr.decode.binary.segments.libipld.decode_dag_cbor", spy)
    rows = [row_of(1, HELLO), *(row_of(i, MIXED[6], payload=b"\xff\xff") for i in range(2, 50))]
    names = ["app.bsky.feed.pos", "app.bsky.feed.posts", "app.bsky.feed.POST", "", "p",
             "app.bsky.graph.block", "app.bsky.feed.post\0"]  # fmt: skip
    rows += [row_of(99, HELLO, collection=n.encode(), payload=b"\xff") for n in names]
    rows.append(row_of(100, MIXED[5], payload=b"\xff"))
    decoded = decode_block(block_of(rows))
    assert (decoded.events, decoded.skipped, decoded.refused) == (2, 48 + len(names), [])
    assert decoded_payloads == [rows[0].payload]


def test_kinds() -> None:
    rows = [row_of(kind + 1, HELLO, kind=kind) for kind in range(256)]
    decoded = decode_block(block_of(rows))
    # Create, update, delete, and 7: a record that came when a repository was read anew.
    found = events_in(decoded)
    operations = [e["commit"]["operation"] for e in found if e["kind"] == "commit"]
    assert operations == ["create", "update", "delete", "create"]
    assert [e["kind"] for e in found if e["kind"] != "commit"] == ["identity", "account"]
    assert "record" not in found[2]["commit"]
    assert decoded.skipped == 1  # 6, a sync
    unknown = {seq - 1 for reason, seq, _ in decoded.refused if reason == "unknown event kind"}
    assert unknown == {0, *range(8, 256)}
    assert len(decoded.refused) == len(unknown)


def test_kinds_of_unwanted_collections() -> None:
    rows = [row_of(kind, MIXED[6], kind=kind, payload=b"\xff") for kind in (1, 2, 3, 6, 7)]
    decoded = decode_block(block_of(rows))
    assert (decoded.lines, decoded.skipped, decoded.refused) == (b"", 5, [])


def test_each_bound_of_a_window() -> None:
    # Numbers 1 to 9 and times of 5 to 13 seconds; 7 is a like.
    frame = block_of(rows_of(MIXED))

    def numbers(**window: Any) -> list[int]:
        decoded = decode_block(frame, **window)
        seconds = [(e["time_us"] - micros(at(0))) // 1_000_000 - 4 for e in events_in(decoded)]
        if seconds:
            assert decoded.first_seq is not None
            assert decoded.last_seq is not None
            assert decoded.events + decoded.skipped == decoded.last_seq - decoded.first_seq + 1
        return seconds

    kept = [1, 2, 3, 4, 5, 6, 8, 9]
    for bound in range(-1, 12):
        time = micros(at(4 + bound))
        assert numbers(after_seq=max(bound, 0)) == [n for n in kept if n > bound]
        assert numbers(before_seq=bound) == [n for n in kept if n <= bound]
        assert numbers(start_us=time) == [n for n in kept if n >= bound]
        assert numbers(end_us=time) == [n for n in kept if n < bound]
    assert numbers(after_seq=2, before_seq=8, start_us=micros(at(8)), end_us=micros(at(10))) == [
        4,
        5,
    ]


def test_empty_blocks() -> None:
    # What a compaction leaves of a block whose records are all gone.
    assert decode_block(compress(bytes(4))) == Decoded(b"", 0, 0)
    assert decode_block(block_of(rows_of(MIXED)), after_seq=9) == Decoded(b"", 0, 0)


def test_the_time_of_a_row_is_what_the_stream_shows() -> None:
    shown, seen = micros(at(1)), micros(at(100))
    rows = [
        row_of(1, HELLO, witnessed_at=seen, indexed_at=shown),
        row_of(2, HELLO, witnessed_at=seen, indexed_at=0),
    ]
    found = events_in(decode_block(block_of(rows)))
    assert [(e["time_us"], e.get("time_from")) for e in found] == [
        (shown, "imported"),
        (seen, None),
    ]


def test_only_what_is_read_of_a_record_is_in_its_line() -> None:
    (found,) = events_in(decode_block(block_of([row_of(1, HELLO)])))
    assert found["commit"]["record"] == {"text": "hello"}


# --- rows that are broken

_ROWS: dict[str, tuple[dict[str, Any], str]] = {
    "no record": ({"payload": b""}, "not DAG-CBOR"),
    "cut": ({"payload": cbor({"text": "x"})[:-1]}, "not DAG-CBOR"),
    "two": ({"payload": cbor({"text": "x"}) * 2}, "not DAG-CBOR"),
    "NaN": ({"payload": b"\xa1\x64text\xfb\x7f\xf8" + bytes(6)}, "not DAG-CBOR"),
    "not UTF-8": ({"payload": b"\xa1\x64text\x61\xff"}, "not DAG-CBOR"),
    "deep": ({"payload": b"\x81" * 100_000 + b"\x01"}, "not DAG-CBOR"),
    "nested": ({"payload": b"\xa1\x64text" + b"\x81" * 400 + b"\x01"}, "bad record"),
    "integer below 64 bits": ({"payload": b"\xa1\x64text\x3b" + b"\xff" * 8}, "bad record"),
    "too long": ({"payload": cbor({"text": "x" * (2 << 20)})}, "record too long"),
    "identity no map": ({"kind": 4, "payload": b"\x05"}, "missing field"),
    "account no map": ({"kind": 5, "payload": b"\x80"}, "missing field"),
    "account cut": ({"kind": 5, "payload": b"\xa1"}, "not DAG-CBOR"),
}


@pytest.mark.parametrize(("columns", "reason"), _ROWS.values(), ids=_ROWS)
def test_a_broken_row_spoils_no_other(columns: dict[str, Any], reason: str) -> None:
    rows = [row_of(7, HELLO), row_of(8, HELLO, **columns), row_of(9, HELLO)]
    decoded = decode_block(block_of(rows))
    assert [e["commit"]["record"] for e in events_in(decoded)] == [{"text": "hello"}] * 2
    ((found, seq, sample),) = decoded.refused
    assert (found, seq) == (reason, 8)
    assert did("alice").encode() in sample
    assert '"did":"did:plc:…5"' in shape(sample)


_IDENTIFIERS: dict[str, tuple[dict[str, Any], str]] = {
    "DID not ASCII": ({"did": b"did:plc:\xff\xfe"}, "bad DID"),
    "DID of two lines": ({"did": b'did:plc:a\n{"a":1}'}, "bad DID"),
    "DID empty": ({"did": b""}, "bad DID"),
    "DID too long": ({"did": b"did:plc:" + b"a" * 65000}, "bad DID"),
    "key not ASCII": ({"rkey": "clé".encode()}, "bad record key"),
    "key a quote": ({"rkey": b'","x":"'}, "bad record key"),
    "rev not ASCII": ({"rev": b"\x80" * 13}, "bad rev"),
    "rev empty": ({"rev": b""}, "bad rev"),
    "time before 2020": ({"witnessed_at": -5}, "bad time"),
    "time after 2099": ({"indexed_at": 2**63 - 1}, "bad time"),
}


@pytest.mark.parametrize(("columns", "verdict"), _IDENTIFIERS.values(), ids=_IDENTIFIERS)
def test_what_the_statement_judges(columns: dict[str, Any], verdict: str) -> None:
    # With its neighbours, so that a wrong length would show in them.
    decoded = decode_block(block_of([row_of(1, HELLO), row_of(2, HELLO, **columns)] * 2))
    events = events_in(decoded)
    assert [naive_decode.decode(dumps(e))[0] for e in events] == ["", verdict] * 2


def test_what_the_statement_judges_is_rejected_for_it(tmp_path: Path) -> None:
    # Each in a file of its own, so that no other could take its place in the counts.
    wanted = {}
    for name, (columns, verdict) in _IDENTIFIERS.items():
        decoded = decode_block(block_of([row_of(1, HELLO), row_of(2, HELLO, **columns)] * 2))
        path = tmp_path / f"{name}.jsonl"
        path.write_bytes(decoded.lines)
        wanted[str(path)] = {verdict: 2}
    done = read.ingest(tmp_path / "db", [str(tmp_path)])
    assert {state.name: state.rejected for state in done.sources} == wanted


# --- blocks that are damaged


def damaged(body: bytes, message: str) -> None:
    with pytest.raises(InputError, match=f"damaged block: {message}"):
        decode_block(compress(body))


def test_bodies_that_do_not_add_up() -> None:
    body = body_of(rows_of(MIXED))
    damaged(b"", "no row count")
    damaged(b"\x01\x00\x00", "no row count")
    damaged(b"\x00" * 5, "columns of 4 bytes in 5")
    damaged(body + b"\x00", f"columns of {len(body)} bytes in {len(body) + 1}")
    damaged(body[:-1], f"columns of {len(body)} bytes in {len(body) - 1}")
    damaged(struct.pack("<I", 2**32 - 1) + body[4:], "4294967295 rows")
    damaged(struct.pack("<I", 2**18 + 1) + bytes(40 * 2**18), "262145 rows")
    damaged(struct.pack("<I", 10) + body[4:], "columns of")
    damaged(body_of([row_of(2**63, HELLO)]), "a sequence number of more than 63 bits")
    # The longest lengths there are, in a block of many rows: no sum of theirs wraps around.
    for column, size in ((25, 1), (26, 2), (28, 1), (29, 1), (30, 4)):
        n = 9
        start = 4 + n * column
        wide = body[:start] + b"\xff" * (n * size) + body[start + n * size :]
        damaged(wide, "columns of")


@pytest.mark.parametrize("sized", [True, False])
def test_a_bomb_is_refused_before_it_takes_memory(
    sized: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = body_of(rows_of(MIXED))
    monkeypatch.setattr(segments, "BLOCK_LIMIT", len(body))
    assert decode_block(compress(body, sized=sized)).events == 8
    damaged(body + b"\x00", f"it says that it holds {len(body) + 1} bytes")
    with pytest.raises(InputError, match=r"holds more than|says that it holds"):
        decode_block(compress(body + bytes(5 << 20), sized=sized))
    # A terabyte, as far as the frame's header goes.
    header = b"\x28\xb5\x2f\xfd\xe0" + struct.pack("<Q", 1 << 40)
    with pytest.raises(InputError, match="it says that it holds 1099511627776 bytes"):
        decode_block(header)


_NO_FRAMES = {
    "empty": b"",
    "text": b"not found",
    "magic alone": b"\x28\xb5\x2f\xfd",
    "no content": b"\x28\xb5\x2f\xfd\x20\x05",
    "two frames": block_of(rows_of(MIXED)) * 2,
    "something after it": block_of(rows_of(MIXED)) + b"x",
}


@pytest.mark.parametrize("frame", _NO_FRAMES.values(), ids=_NO_FRAMES)
def test_what_is_no_frame(frame: bytes) -> None:
    with pytest.raises(InputError, match="damaged block"):
        decode_block(frame)


def test_any_byte_that_changes_or_lacks_is_noticed() -> None:
    frame = block_of(rows_of(MIXED))
    expected = decode_block(frame)
    found = Counter[str]()
    for i in range(len(frame)):
        for mask in (0x01, 0x80, 0xFF):
            flipped = frame[:i] + bytes([frame[i] ^ mask]) + frame[i + 1 :]
            try:
                # A bit of the header that means nothing may change.
                assert decode_block(flipped) == expected
            except InputError as error:
                found[str(error).split(":")[0]] += 1
        with pytest.raises(InputError, match="damaged block"):
            decode_block(frame[:i])
    assert set(found) == {"damaged block"}
    assert found["damaged block"] > 3 * len(frame) - 10


@pytest.mark.slow
def test_mutated_bodies_raise_nothing_else() -> None:
    # As a server could send them, whose checksums are right.
    body = body_of(rows_of(MIXED))
    rng = random.Random(7)  # noqa: S311 - a fixed stream of faults
    outcomes: Counter[str] = Counter()
    for _ in range(1200):
        mutated = bytearray(body)
        for _ in range(rng.choice([1, 2, 20])):
            mutated[rng.randrange(len(mutated))] = rng.randrange(256)
        try:
            decoded = decode_block(compress(bytes(mutated), checksum=False))
        except InputError:
            outcomes["damaged"] += 1
            continue
        for event in events_in(decoded):
            naive_decode.decode(dumps(event))
        outcomes.update(reason for reason, _, _ in decoded.refused)
        outcomes["read"] += 1
        assert decoded.events + decoded.skipped + len(decoded.refused) == 9
    assert {"damaged", "read", "not DAG-CBOR", "unknown event kind"} <= set(outcomes)
    assert min(outcomes["damaged"], outcomes["read"]) > 100


# --- segments


def three_blocks() -> bytes:
    return segment_of([rows_of(MIXED, 1), rows_of(MIXED[:2], 20), rows_of(MIXED, 30)])


def all_of(data: bytes, first: int = 0) -> list[Decoded]:
    return [
        decode_block(frame, block=block)
        for block, frame in iter_blocks(io.BytesIO(data), first=first)
    ]


def test_a_segment_is_read_as_it_was_written() -> None:
    data = three_blocks()
    segment = read_segment(io.BytesIO(data))
    assert (segment.rows, segment.first_seq, segment.last_seq) == (20, 1, 38)
    assert (segment.first_us, segment.last_us) == (micros(at(5)), micros(at(13)))
    assert segment.checksum == data[4:12][::-1].hex()
    assert [(b.index, b.rows, b.first_seq, b.last_seq) for b in segment.blocks] == [
        (0, 9, 1, 9), (1, 2, 20, 21), (2, 9, 30, 38),
    ]  # fmt: skip
    parts = all_of(data)
    assert [part.events for part in parts] == [8, 2, 8]
    assert meaning(events_in(parts[0])) == meaning([e for e in MIXED if wanted(e)])
    assert all_of(data, first=2) == parts[2:]
    assert all_of(segment_of([])) == []
    assert all_of(segment_of([[], rows_of(MIXED)]))[1] == parts[0]


def test_a_file_that_is_no_sealed_segment() -> None:
    data = three_blocks()
    for wrong, message in (
        (b"", "not a Jetstream segment"),
        (data[:255], "not a Jetstream segment"),
        (b"PK" + data[2:], "not a Jetstream segment"),
        (data[:4] + bytes(252), "not a sealed segment: no checksum at byte 4"),
        (data[:12] + b"\x02" + data[13:], "a segment of version 2; this reads version 1"),
    ):
        with pytest.raises(InputError, match=message):
            read_segment(io.BytesIO(wrong))


@pytest.mark.slow
def test_any_byte_of_a_segment_that_changes_or_lacks_is_noticed() -> None:
    data = three_blocks()
    expected = all_of(data)
    where = Counter[str]()
    for i in range(len(data)):
        flipped = data[:i] + bytes([data[i] ^ 0x04]) + data[i + 1 :]
        try:
            assert all_of(flipped) == expected
        except InputError as error:
            where[str(error).split(":")[0]] += 1
        else:
            where["harmless"] += 1
        with pytest.raises(InputError):
            all_of(data[:i])
    # zstd has a few bits whose change changes nothing that comes out.
    assert where["harmless"] < 10
    assert where["damaged segment"] > 256
    assert where["damaged block"] > 1000


def test_an_index_that_lies_under_a_right_checksum() -> None:
    data = three_blocks()
    (footer,) = struct.unpack_from("<Q", data, 58)

    def refused(message: str, *changes: tuple[int, str, int]) -> None:
        wrong = bytearray(data)
        for offset, code, value in changes:
            struct.pack_into(f"<{code}", wrong, offset, value)
        (at_,) = struct.unpack_from("<Q", wrong, 58)
        with pytest.raises(InputError, match=message):
            all_of(seal(bytes(wrong), at_ if at_ <= len(wrong) else footer))

    refused("no index of 4294967295 blocks", (14, "I", 2**32 - 1))
    refused("no index of 1048576 blocks", (14, "I", 1 << 20))
    refused("blocks end at byte", (14, "I", 2))
    refused("blocks end at byte", (18, "I", 21))
    refused("footer at byte 18446744073709551615", (58, "Q", 2**64 - 1))
    refused("footer at byte 0", (58, "Q", 0))
    refused("no index of 3 blocks at byte 7", (90, "Q", 7))
    refused("block 0 at byte 0", (footer, "Q", 0))
    refused("block 1 at byte 18446744073709551615", (footer + 52, "Q", 2**64 - 1))
    refused("block 1 at byte", (footer + 8, "I", 2**32 - 1))
    refused("block 0 is not the one", (footer + 12, "I", 5))
    refused("block 0 is not the one", (footer + 16, "I", 8), (footer + 68, "I", 3))
    refused("block 0 is not the one", (footer + 20, "Q", 2))
    refused("block 0 is not the one", (footer + 28, "Q", 8))
    refused("no block 0 at byte 256", (256, "Q", 5))


def test_blocks_that_changed_places_are_noticed() -> None:
    # Each block's own checksum is right, and so is that of the header and the index.
    sizes = [len(block_of(rows_of([HELLO], seq))) for seq in range(20)]
    one, other = [seq for seq in range(20) if sizes[seq] == sizes[1]][:2]
    data = segment_of([rows_of([HELLO], one), rows_of([HELLO], other)])
    first, second = (frame for _, frame in iter_blocks(io.BytesIO(data)))
    assert len(first) == len(second)
    swapped = data.replace(first, b"?" * len(first)).replace(second, first)
    swapped = swapped.replace(b"?" * len(first), second)
    with pytest.raises(InputError, match="block 0 is not the one its index names"):
        all_of(swapped)


def test_compacted_blocks_keep_the_bounds_they_had() -> None:
    # Rows 3 to 5 of 1 to 9 are left; the index still says 1 to 9.
    data = segment_of([rows_of(MIXED)])
    block = read_segment(io.BytesIO(data)).blocks[0]
    rows = rows_of(MIXED)[2:5]
    left = segments.Block(0, 256, 1, len(body_of(rows)), 3, 1, 9, block.first_us, block.last_us)
    assert decode_block(block_of(rows), block=left).events == 3


# --- the real one


@needs_corpus
def test_the_captured_segment_holds_its_repository() -> None:
    listed = [
        line.split("\t")
        for line in (CORPUS / "car_expected_records.tsv").read_text().splitlines()
        if line and not line.startswith("#")
    ]
    expected: dict[str, str] = dict(listed)
    with (CORPUS / "golden_corpus_segment.jss").open("rb") as file:
        segment = read_segment(file)
        parts = list(iter_blocks(file))
    assert segment.rows == len(expected) == 23
    assert len(parts) == len(segment.blocks) == 3

    # Every row's payload has the CID that the repository has at the row's key.
    found = {}
    payloads = {}
    for _, frame in parts:
        body = segments._decompress(frame)
        columns = segments._Columns(body)
        every = np.arange(len(columns.seq))
        names = columns._texts(0, every)
        for name, (_, kept, _, _, rkey, _, payload) in zip(names, columns.rows(every), strict=True):
            assert kept == (name if name in KEPT else "")
            digest = b"\x01\x71\x12\x20" + hashlib.sha256(payload).digest()
            found[f"{name}/{rkey}"] = libipld.encode_cid(digest)
            assert link(found[f"{name}/{rkey}"]) == digest
            payloads[f"{name}/{rkey}"] = libipld.decode_dag_cbor(payload)
    assert found == expected

    # And the line at each kept key is of that payload.
    decoded = [decode_block(frame, block=block) for block, frame in parts]
    assert all(part.refused == [] for part in decoded)
    events = [event for part in decoded for event in events_in(part)]
    paths = {f"{e['commit']['collection']}/{e['commit']['rkey']}": e["commit"] for e in events}
    assert set(paths) == {path for path in expected if path.split("/")[0] in KEPT}
    assert len(events) == len(paths) == 13
    assert sum(part.skipped for part in decoded) == 23 - 13
    for path, told in paths.items():
        for name, value in told["record"].items():
            assert value == payloads[path][name] or name == "embed"
        assert ("text" in told["record"]) == path.startswith(POST)
    assert all(naive_decode.decode(dumps(event))[0] == "" for event in events)


def test_rows_as_the_protocols_own_package_reads_them() -> None:
    from atproto_jetstream.archive import segment as peer  # noqa: PLC0415 - it takes a second

    rows = [*rows_of(MIXED), row_of(40, HELLO, witnessed_at=1, indexed_at=7)]
    frame = block_of(rows)
    theirs = [
        (e.seq, e.kind, e.did, e.collection, e.rkey, e.rev, e.payload or b"", e.time_us)
        for e in peer.decode_block(frame)
    ]
    assert theirs == [
        (r.seq, r.kind, r.did.decode(), r.collection.decode(), r.rkey.decode(), r.rev.decode(),
         r.payload, r.indexed_at or r.witnessed_at)
        for r in rows
    ]  # fmt: skip
    data = segment_of([rows, rows])
    header = peer.read_sealed_header(data)
    segment = read_segment(io.BytesIO(data))
    assert (header.block_count, header.event_count) == (len(segment.blocks), segment.rows)
    assert header.block_index_offset == header.footer_offset


def test_frames_without_a_stated_size_end_where_they_end() -> None:
    frame = compress(body_of(rows_of(MIXED)), sized=False)
    assert zstandard.frame_content_size(frame) == -1
    expected = decode_block(block_of(rows_of(MIXED)))
    assert decode_block(frame) == expected
    for cut in range(len(frame) - 4):
        with pytest.raises(InputError):
            decode_block(frame[:cut])
