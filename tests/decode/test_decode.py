"""The decoder against its plain twin, on events of every kind and every way to spoil them."""

import copy
import json
import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from blueattr.decode import schema
from blueattr.decode.chunk import Chunk
from blueattr.decode.clock import OPEN, Horizon
from blueattr.decode.cut_lines import cut_lines
from blueattr.decode.shapes import shape
from blueattr.store.commit.checkpoint import SourceState
from blueattr.store.commit.writer import Writer
from support import naive_decode
from support.events_builder import (
    V2_TYPE,
    Event,
    as_2024,
    as_v2,
    at,
    did,
    dumps,
    identity,
    like,
    lines,
    plc,
    plc_did,
    post,
    tid,
    uri,
)
from support.places import SHARED
from support.spoiled_lines import VALID, A, B, sliced, spoiled, with_time_from

Row = dict[str, Any]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Writer]:
    with Writer(tmp_path_factory.mktemp("decode") / "store.duckdb") as writer:
        yield writer


def decode(store: Writer, data: bytes, horizon: Horizon = OPEN) -> dict[int, Row]:
    """What the statement says of each line, by its position."""
    store.register("lines", cut_lines(data).table)
    store.run(
        "store/commit/batch/decode_lines", v1=schema.V1, frame=schema.FRAME, any=schema.ANY,
        did=schema.DID, at_uri=schema.AT_URI, handle=schema.HANDLE, language=schema.LANGUAGE,
        host=schema.HOST, label=schema.LABEL,
        end=horizon.end, last_rev=horizon.last_tid,
    )  # fmt: skip
    store.unregister("lines")
    cursor = store._connection.execute("SELECT * FROM decoded ORDER BY position")
    names = [column[0] for column in cursor.description or []]
    rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    assert len({row["position"] for row in rows}) == len(rows)
    return {row["position"]: row for row in rows}


def only(store: Writer, event: Event | str) -> Row:
    line = event if isinstance(event, str) else dumps(event)
    return decode(store, line.encode() + b"\n")[0]


def fields(row: Row) -> Row:
    """What is meant of a kept row: status belongs to account events alone."""
    found = {name: row[name] for name in naive_decode.FIELDS}
    if row["kind"] != "account":
        found["active"] = found["status"] = None
    return found


@pytest.mark.slow
def test_decoder_agrees_with_its_twin(store: Writer) -> None:
    rng = random.Random(2)  # noqa: S311 - the same lines every time
    written_lines = [line for line in (spoiled(rng) for _ in range(6000)) if line.strip()]
    written_lines += with_time_from()
    data = "".join(line + "\n" for line in written_lines).encode()
    rows = decode(store, data)
    assert len(rows) == len(written_lines)
    seen: Counter[str] = Counter()
    position = 0
    for line in written_lines:
        verdict, expected = naive_decode.decode(line + "\n")
        row = rows[position]
        assert (row["verdict"], line) == (verdict, line)
        if verdict == "":
            assert (fields(row), line) == (expected, line)
        seen[verdict] += 1
        position += len(line.encode()) + 1
    reasons = {reason for reason, _ in REJECTED} | {"", "skip"}
    assert set(seen) == reasons
    assert min(seen.values()) >= 5


@pytest.mark.slow
def test_decoder_and_twin_agree_by_what_posts_are_sliced(store: Writer) -> None:
    rng = random.Random(8)  # noqa: S311 - the same lines every time
    written_lines = [sliced(rng) for _ in range(3000)]
    rows = list(decode(store, "".join(line + "\n" for line in written_lines).encode()).values())
    seen: Counter[str] = Counter()
    for line, row in zip(written_lines, rows, strict=True):
        verdict, expected = naive_decode.decode(line + "\n")
        assert (row["verdict"], fields(row), line) == (verdict, expected, line)
        seen.update(name for name, value in expected.items() if value is not None)
    assert min(seen[name] for name in SLICES) > 100


def test_a_post_of_thousands_of_everything_is_kept_with_the_first_few(store: Writer) -> None:
    many = post(
        A, tid(1), "text", rev=1, time=at(1), langs=[f"{a}{b}" for a in "abcd" for b in "abcd"],
        facets=[{"features": [{"uri": f"https://a{k}.org/"}, {"did": did(f"x{k}")}]}
                for k in range(10_000)],
        labels={"values": [{"val": f"a{k}"} for k in range(1000)]},
    )  # fmt: skip
    row = only(store, many)
    assert row["verdict"] == ""
    assert sorted(row["domains"]) == sorted(f"a{k}.org" for k in range(32))
    assert sorted(row["mention_dids"]) == sorted(did(f"x{k}") for k in range(32))
    assert row["langs"] == "aa ab ac ad ba bb bc bd"
    assert row["labels"] == " ".join(f"a{k}" for k in range(8))


SLICES = ("langs", "domains", "mention_dids", "labels", "other_did", "other_rkey")


@pytest.mark.few(2)
@pytest.mark.parametrize("event", VALID, ids=lambda event: dumps(event)[40:120])
def test_shapes_of_v2_and_of_2024_mean_the_same_as_v1(store: Writer, event: Event) -> None:
    row = only(store, event)
    assert row["verdict"] in {"", "skip"}
    assert row["event_time"] is not None
    for other in (as_v2(event), as_v2(event, framed=False), as_2024(event)):
        assert {**only(store, other), "position": 0} == {**row, "position": 0}


def edit(event: Event, *path: str, to: Any) -> Event:
    event = copy.deepcopy(event)
    inner = event
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = to
    return event


POSTED, REPLIED, REPOSTED = VALID[0], VALID[2], VALID[8]
FOLLOWED, PROFILED, ACTIVE = VALID[11], VALID[13], VALID[20]
RECORD = ("commit", "record")
REJECTED: list[tuple[str, Event | str]] = [
    ("not JSON", "{"),
    ("not JSON", "not json at all"),
    ("not JSON", dumps(POSTED) + dumps(POSTED)),
    ("not JSON", dumps(POSTED).replace("plain", "\\ud800")),
    ("not JSON", dumps(POSTED).replace("plain", "raw\x00nul")),
    ("not a Jetstream event", "{}"),
    ("not a Jetstream event", "[1,2]"),
    ("not a Jetstream event", '"text"'),
    ("not JSON", "null"),
    ("not a Jetstream event", edit(POSTED, "did", to=None)),
    ("not a Jetstream event", edit(POSTED, "kind", to="")),
    ("unknown event kind", edit(POSTED, "kind", to="handle")),
    ("bad DID", edit(POSTED, "did", to="did:plc:")),
    ("bad DID", edit(POSTED, "did", to="did:plc:x:")),
    ("bad DID", edit(POSTED, "did", to="alice.example.org")),
    ("bad DID", edit(POSTED, "did", to="did:plc:" + "x" * 2048)),
    ("bad DID", edit(FOLLOWED, *RECORD, "subject", to="did:plc:x y")),
    ("bad time", edit(POSTED, "time_us", to=None)),
    ("bad time", edit(POSTED, "time_us", to=10**30)),
    ("bad time", edit(POSTED, "time_us", to=-1)),
    ("bad time", edit(POSTED, "time_us", to=1577836799999999)),
    ("bad time", edit(POSTED, "time_us", to=4102444800000000)),
    ("bad time", edit(as_v2(POSTED), "payload", "time", to="yesterday")),
    ("bad time", edit(as_v2(POSTED), "payload", "time", to="infinity")),
    ("missing field", edit(POSTED, "commit", "collection", to=None)),
    ("missing field", edit(POSTED, "commit", "rkey", to=None)),
    ("missing field", edit(POSTED, "commit", "rev", to=None)),
    ("missing field", edit(POSTED, "commit", "operation", to=None)),
    ("missing field", edit(POSTED, "commit", "record", to=None)),
    ("missing field", edit(ACTIVE, "account", "active", to=None)),
    ("unknown operation", edit(POSTED, "commit", "operation", to="upsert")),
    ("bad record key", edit(POSTED, "commit", "rkey", to="a/b")),
    ("bad record key", edit(POSTED, "commit", "rkey", to="..")),
    ("bad record key", edit(POSTED, "commit", "rkey", to="a" * 513)),
    ("bad rev", edit(POSTED, "commit", "rev", to="3mmoojpaqkn2")),
    ("bad rev", edit(POSTED, "commit", "rev", to="zmmoojpaqkn2z")),
    ("bad record", edit(POSTED, *RECORD, "text", to=5)),
    ("bad record", edit(POSTED, *RECORD, "text", to=None)),
    ("bad record", edit(POSTED, *RECORD, to="a text")),
    ("bad record", edit(POSTED, *RECORD, "text", to="x" * 65_537)),
    ("bad record", edit(POSTED, *RECORD, "text", to="\u2603" * 21_846)),
    ("bad record", edit(POSTED, *RECORD, "tags", to=[f"{k:0600}" for k in range(110)])),
    ("bad record", edit(FOLLOWED, *RECORD, "subject", to={"did": "did:plc:x"})),
    ("bad AT-URI", edit(REPLIED, *RECORD, "reply", "parent", "uri", to="at://x/y/z")),
    ("bad AT-URI", edit(REPLIED, *RECORD, "reply", "root", to=None)),
    ("bad AT-URI", edit(REPLIED, *RECORD, "reply", to="a text")),
    ("bad AT-URI", edit(REPOSTED, *RECORD, "subject", "uri", to="https://example.org")),
    ("bad AT-URI", edit(REPOSTED, *RECORD, "subject", to=uri(B, "x"))),
]


@pytest.mark.parametrize(("reason", "event"), REJECTED)
def test_each_reason_for_rejecting(store: Writer, reason: str, event: Event | str) -> None:
    assert only(store, event)["verdict"] == reason


def test_shapes_of_the_first_rejected_lines_are_kept(store: Writer) -> None:
    bad = [dumps(edit(POSTED, "commit", "rkey", to=f"{k}/" + "é" * 500)) for k in range(9)]
    data = "\n".join(bad).encode()
    state = store.stage(Chunk(data, 0, 0, len(data)), SourceState("x", "file"))
    more = store.stage(Chunk(data, len(data), 0, 2 * len(data)), state)
    assert (state.lines, state.kept, state.rejected) == (9, 0, {"bad record key": 9})
    assert more.rejected == {"bad record key": 18}
    positions = [len("\n".join([*bad[:k], ""]).encode()) for k in range(5)]
    assert more.samples == {
        "bad record key": [(p, shape(b)) for p, b in zip(positions, bad, strict=False)]
    }
    assert len({sample for _, sample in more.samples["bad record key"]}) == 1
    assert "é" not in str(more.samples)


@pytest.mark.slow
def test_counts_add_up_whatever_the_lines(store: Writer) -> None:
    rng = random.Random(3)  # noqa: S311 - as above
    for _ in range(20):
        written_lines = [spoiled(rng) for _ in range(rng.randint(0, 60))]
        data = "\n".join(written_lines).encode() + b"\n" + rng.randbytes(rng.randint(0, 40))
        state = store.stage(Chunk(data, 0, 0, len(data)), SourceState("x", "file"))
        assert state.lines == sum(bool(line.strip()) for line in data.split(b"\n"))
        assert state.lines == state.kept + state.skipped + sum(state.rejected.values())
        assert min(state.kept, state.skipped, *state.rejected.values(), 0) >= 0
        assert all(len(v) == min(state.rejected[k], 5) for k, v in state.samples.items())


def test_lines_with_absurd_nesting_are_read_or_rejected(store: Writer) -> None:
    for depth in (1_000, 200_000):
        deep = "[" * depth + "]" * depth
        line = dumps(POSTED)[:-2] + f',"deep":{deep}' + "}}"
        assert line.count("}") == line.count("{")
        assert only(store, line)["verdict"] == ""
        assert only(store, dumps(POSTED)[:-1] + ',"commit":' + deep)["verdict"] == "not JSON"
        assert only(store, deep)["verdict"] == "not a Jetstream event"
        objects = '{"a":' * depth + "1" + "}" * depth
        replied = dumps(edit(POSTED, *RECORD, "reply", to=0))
        replied = replied.replace('"reply":0', f'"reply":{objects}')
        assert only(store, replied)["verdict"] == "bad AT-URI"


@pytest.mark.slow
def test_escaped_letters_do_not_hide_an_event(store: Writer) -> None:
    for event in (POSTED, REPOSTED, FOLLOWED, PROFILED):
        for letter in "abp.":
            line = dumps(event).replace(
                f'"{event["commit"]["collection"]}"',
                '"' + event["commit"]["collection"].replace(letter, f"\\u{ord(letter):04X}") + '"',
            )
            assert "\\u00" in line or letter not in event["commit"]["collection"]
            row = decode(store, line.encode())[0]
            assert (row["verdict"], row["kind"]) == ("", only(store, event)["kind"])


def test_shape_is_told_by_the_type_alone(store: Writer) -> None:
    bare = as_v2(POSTED, framed=False)
    reordered = {key: bare[key] for key in ("did", *(k for k in bare if k != "did"))}
    assert next(iter(reordered)) == "did"
    assert fields(only(store, reordered)) == fields(only(store, POSTED))
    quoting = edit(POSTED, *RECORD, "text", to=f'they send {{"$type":"{V2_TYPE}commit"}} now')
    for event in (quoting, dict(reversed(quoting.items()))):
        assert only(store, event)["verdict"] == ""


def test_messages_about_the_stream_do_not_date_it(store: Writer) -> None:
    data = b'{"kind":"info","time_us":0}\n' + lines(like(A, "l", uri(B, "x"), rev=1, time=at(5)))
    state = store.stage(Chunk(data, 0, 0, len(data)), SourceState("x", "file"))
    assert (state.lines, state.skipped) == (2, 2)
    assert state.first_event == state.last_event == at(5).replace(tzinfo=None)


# --- the PLC directory ---------------------------------------------------------------------------


def test_plc_operations(store: Writer) -> None:
    good = plc("carol", at(0), "Carol.example.org")
    cases: list[tuple[str, Event | str]] = [
        ("", good),
        ("", plc("dave", at(1), "dave.example.org", legacy=True)),
        ("", plc("erin", at(2))),
        ("skip", {**good, "nullified": True}),
        ("not JSON", dumps(good)[:-1]),
        ("not a PLC operation", POSTED),
        ("not a PLC operation", {**good, "operation": None}),
        ("bad DID", {**good, "did": did("short")}),
        ("bad DID", {**good, "did": "did:web:example.org"}),
        ("bad time", {**good, "createdAt": "soon"}),
        ("bad time", {**good, "createdAt": "0001-01-01T00:00:00Z"}),
    ]
    data = b"".join((c if isinstance(c, str) else dumps(c)).encode() + b"\n" for _, c in cases)
    store.run("store/commit/batch/staging")
    state = store.stage(Chunk(data, 0, 0, len(data)), SourceState("x", "plc"))
    wanted = Counter(reason for reason, _ in cases)
    assert (state.lines, state.kept, state.skipped) == (len(cases), wanted[""], wanted["skip"])
    assert state.rejected == {r: n for r, n in wanted.items() if r not in {"", "skip"}}
    staged = store._connection.execute("SELECT did, handle FROM staged_plc ORDER BY did").fetchall()
    assert staged == [
        (plc_did("carol"), "carol.example.org"),
        (plc_did("dave"), "dave.example.org"),
        (plc_did("erin"), None),
    ]


@pytest.mark.parametrize(
    ("where", "host"),
    [
        ({"services": {"atproto_pds": {"endpoint": "https://PDS.Example.org"}}}, "pds.example.org"),
        ({"services": {"atproto_pds": {"endpoint": "http://a.example:2583/x"}}}, "a.example"),
        (
            {"services": {"atproto_pds": {"endpoint": "https://pds.example.org./"}}},
            "pds.example.org",
        ),
        ({"services": {"atproto_labeler": {"endpoint": "https://l.example"}}}, None),
        ({"services": {"atproto_pds": {"endpoint": "ftp://pds.example.org"}}}, None),
        ({"services": {"atproto_pds": {"endpoint": "https://me@pds.example.org"}}}, None),
        ({"services": {"atproto_pds": {"endpoint": "https://pds .example.org"}}}, None),
        ({"services": {"atproto_pds": {"endpoint": "https://" + "a" * 254}}}, None),
        ({"services": {"atproto_pds": {"endpoint": "https://" + "a" * 253}}}, "a" * 253),
        ({"services": {"atproto_pds": {"endpoint": "https://\u212aim.example.org"}}}, None),
        ({"services": {"atproto_pds": {"endpoint": "HTTPS://Kim.example.org"}}}, "kim.example.org"),
        ({"services": {"atproto_pds": {"endpoint": 5}}}, None),
        ({"services": {"atproto_pds": "https://pds.example.org"}}, None),
        ({"services": "https://pds.example.org"}, None),
        ({"services": ["https://pds.example.org"]}, None),
        ({"services": None, "service": "https://bsky.social"}, "bsky.social"),
        ({"service": "https://bsky.social/"}, "bsky.social"),
        ({"service": {"endpoint": "https://bsky.social"}}, None),
        ({"service": 5}, None),
        ({"service": ""}, None),
        ({}, None),
    ],
)
def test_a_host_is_that_of_the_service_and_whatever_else_stands_there_rejects_no_operation(
    store: Writer, where: Any, host: str | None
) -> None:
    operation = plc("carol", at(0), "carol.example.org")
    operation["operation"] |= where
    data = dumps(operation).encode() + b"\n"
    store.run("store/commit/batch/staging")
    store.stage(Chunk(data, 0, 0, len(data)), SourceState("x", "plc"))
    found = store._connection.execute("SELECT handle, host FROM staged_plc").fetchall()
    assert found == [("carol.example.org", host)]


@pytest.mark.parametrize(
    ("aliases", "handle"),
    [
        (["at://a.example.org", "at://b.example.org"], "a.example.org"),
        (["https://example.org", "at://A.example.org"], "a.example.org"),
        (["at://nodots", "at://-a.example.org", "at://a.example.org"], "a.example.org"),
        (["at://a.example.org/", "at://b.example.org"], "b.example.org"),
        (["at://did:plc:abc", "", "at://", "at://b.example.org"], "b.example.org"),
        (["at://" + "a" * 63 + ".x" * 99 + ".org", "at://b.example.org"], "b.example.org"),
        (["at://handle.invalid", "at://b.example.org"], None),
        (["at://\u0130ce.example.org", "at://b.example.org"], "b.example.org"),
        (["at://\u212aim.example.org", "at://b.example.org"], "b.example.org"),
        (["https://example.org"], None),
        ([], None),
        (None, None),
    ],
)
def test_a_handle_is_the_first_valid_alias_wherever_it_stands(
    store: Writer, aliases: Any, handle: str | None
) -> None:
    operation = plc("carol", at(0))
    operation["operation"]["alsoKnownAs"] = aliases
    data = dumps(operation).encode() + b"\n"
    store.run("store/commit/batch/staging")
    store.stage(Chunk(data, 0, 0, len(data)), SourceState("x", "plc"))
    found = store._connection.execute("SELECT handle FROM staged_plc").fetchall()
    assert found == [(handle,)]


@pytest.mark.parametrize("odd", ["\u0130ce.example.org", "\u212aim.example.org"])
def test_a_letter_that_is_ascii_in_lower_case_alone_makes_no_handle(
    store: Writer, odd: str
) -> None:
    row = only(store, identity("a", odd, time=at(1)))
    assert (row["verdict"], row["handle"]) == ("", None)


# --- real captures -------------------------------------------------------------------------------

CAPTURES = SHARED


def test_facts_of_a_real_capture_equal_a_plain_reading(store: Writer) -> None:
    path = CAPTURES / "jetstream-corpus" / "expected_v1.jsonl"
    if not path.exists():
        pytest.skip("the real captures are not here")
    data = path.read_bytes()
    rows = decode(store, data)
    assert {row["verdict"] for row in rows.values()} <= {"", "skip"}
    position, compared = 0, 0
    for line in data.splitlines(keepends=True):
        e = json.loads(line)
        body = e.get("commit", {})
        kind = naive_decode.KINDS.get(body.get("collection", ""), e["kind"])
        row = rows.get(position)
        position += len(line)
        if kind == "commit":
            assert row is None or row["verdict"] == "skip"
            continue
        assert row is not None
        compared += 1
        assert (row["did"], row["kind"]) == (e["did"], kind)
        if e["kind"] != "commit":
            continue
        assert [row[k] for k in ("operation", "rkey", "rev")] == [
            body[k] for k in ("operation", "rkey", "rev")
        ]
        record = body.get("record", {})
        assert row["text"] == record.get("text")
        subject = record.get("subject") or record.get("reply", {}).get("parent")
        if isinstance(subject, dict):
            _, _, who, _, rkey = subject["uri"].split("/")
            assert (row["subject_did"], row["subject_rkey"]) == (who, rkey)
        else:
            assert (row["subject_did"], row["subject_rkey"]) == (subject, None)
        if "reply" in record:
            _, _, who, _, rkey = record["reply"]["root"]["uri"].split("/")
            assert (row["root_did"], row["root_rkey"]) == (who, rkey)
        else:
            assert row["root_did"] is None
    assert compared > 30
