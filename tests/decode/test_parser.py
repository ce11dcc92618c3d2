"""The compiled parser against the plain twin of the statement that says what lines mean."""

import ctypes
import json
import mmap
import random
import re
import sys
from collections import Counter
from typing import Any

import numpy as np
import pytest

from blueattr.decode import parse
from blueattr.decode.account_events import SCHEMA, account_rows
from blueattr.decode.cut_lines import LINE_LIMIT
from blueattr.decode.parse import Parser
from blueattr.decode.parser import dids
from blueattr.decode.parser.dids import Dids
from blueattr.decode.parser.layout import (
    AUTHOR_HIGH,
    AUTHOR_LOW,
    NUMBERS,
    TIMES_FROM,
    ParsedLines,
)
from blueattr.decode.parser.scanner import _SHORTEST, Scanner
from blueattr.decode.record_events import RecordEvents
from support import naive_decode
from support.events_builder import (
    LIKE,
    POST,
    PROFILE,
    account,
    as_v2,
    at,
    commit,
    delete,
    did,
    dumps,
    follow,
    identity,
    lines,
    post,
    profile,
    repost,
    tid,
    uri,
)
from support.spoiled_lines import VALID, A, B, sliced, spoiled, with_time_from
from support.store_content import spelled

Row = dict[str, Any]
KINDS = ["post", "repost", "follow"]
ACCOUNT_KINDS = {"profile", "identity", "account"}


def verdicts(data: bytes, parser: Parser | None = None) -> list[Row | str]:
    """What became of each line: its fields, "skip", or "refused"."""
    parts, left = (parser or Parser()).parse(data)
    record_events = RecordEvents()
    for part in parts:
        record_events.add(part)
    names = record_events.dids()["did"].to_pylist()
    assert len(set(names)) == len(names)
    kept = record_events.tables(np.arange(len(names), dtype=np.uint32))[0].to_pylist()
    # Those of each kind come together.
    rows = {
        kind: iter([row for row in kept if row["collection"] == number])
        for number, kind in enumerate(KINDS)
    }
    events = [part.account_events for part in parts if part.account_events]
    accounts = iter([row for found in events for row in account_rows(found).to_pylist()])
    assert record_events.rows == sum(len(part.flags) for part in parts)
    unparsed = {p for a, b in left.tolist() for p in range(a, b)}
    out: list[Row | str] = []
    position = 0
    for line in re.findall(rb"[^\n]*\n|[^\n]+\Z", data):
        # Whether it was skipped or kept, its twin tells; a wrong guess shifts all that follows.
        if position in unparsed:
            out.append("refused")
        else:
            verdict, fields = naive_decode.decode(line.decode())
            if verdict == "skip":
                out.append("skip")
            elif fields.get("kind") in ACCOUNT_KINDS:
                out.append(next(accounts))
            else:
                out.append(_row(next(rows[fields["kind"]]), names))
        position += len(line)
    assert not [row for left in (*rows.values(), accounts) for row in left]
    assert out.count("skip") == sum(part.skipped for part in parts)
    return out


def _row(row: Row, names: list[str]) -> Row:
    def who(code: int | None) -> str | None:
        return None if code is None else names[code]

    def key(number: int | None) -> str | None:
        return None if number is None else spelled(number)

    return {
        "event_time": row["event_time"], "time_from": TIMES_FROM[row["time_from"]],
        "kind": KINDS[row["collection"]],
        "did": who(row["account"]), "removed": row["removed"],
        "rkey": key(row["rkey"]), "rev": key(row["rev"]),
        "subject_did": who(row["subject"]), "subject_rkey": key(row["subject_rkey"]),
        "root_did": who(row["root"]), "root_rkey": key(row["root_rkey"]), "text": row["text"],
        "tags": sorted(set(row["tags"]), key=str.encode) if row["tags"] else None,
        "title": row["title"],
        "other_did": who(row["quoted"] if row["via"] is None else row["via"]),
        "other_rkey": key(row["quoted_rkey"] if row["via"] is None else row["via_rkey"]),
        "langs": row["langs"], "labels": row["labels"],
        "domains": row["domains"],
        "mention_dids": row["mentions"] and [names[code] for code in row["mentions"]],
    }  # fmt: skip


def expected(line: str) -> Row | str:
    verdict, fields = naive_decode.decode(line)
    if verdict:
        return verdict
    if fields["kind"] in ACCOUNT_KINDS:
        return {name: fields[name] for name in SCHEMA.names}
    fields["removed"] = fields["operation"] == "delete"
    fields["time_from"] = fields["time_from"] or "server"
    return {name: fields[name] for name in (
        "event_time", "time_from", "kind", "did", "removed", "rkey", "rev", "subject_did",
        "subject_rkey", "root_did", "root_rkey", "text", "tags", "title", "other_did", "other_rkey",
        "langs", "labels", "domains", "mention_dids",
    )}  # fmt: skip


def check(written: list[str], parser: Parser | None = None) -> Counter[str]:
    """Compare each line that was parsed with the twin; say how many were."""
    found = verdicts("".join(line + "\n" for line in written).encode(), parser)
    assert len(found) == len(written)
    seen: Counter[str] = Counter()
    for line, row in zip(written, found, strict=True):
        if row != "refused":
            assert (row, line) == (expected(line + "\n"), line)
        seen[row if isinstance(row, str) else _kind(row)] += 1
    return seen


def _kind(row: Row) -> str:
    gone = row["removed"] if "removed" in row else row["operation"] == "delete"
    return f"{row['kind']} removed" if gone else str(row["kind"])


def test_parser_and_twin_agree_where_times_are_from() -> None:
    written = list(with_time_from())
    found = verdicts("".join(line + "\n" for line in written).encode())
    seen = {row["time_from"] for row in found if not isinstance(row, str) and "time_from" in row}
    assert seen == set(TIMES_FROM)
    assert check(written)["refused"] > 100


@pytest.mark.slow
def test_parser_agrees_with_the_twin_on_spoiled_lines() -> None:
    rng = random.Random(5)  # noqa: S311 - the same lines every time
    seen = check([line for line in (spoiled(rng) for _ in range(10_000)) if "\n" not in line])
    assert min(seen[kind + gone] for kind in [*KINDS, "profile"] for gone in ("", " removed")) > 20
    assert min(seen["skip"], seen["refused"], seen["identity"], seen["account"]) > 100


@pytest.mark.slow
def test_parser_and_twin_agree_by_what_posts_are_sliced() -> None:
    rng = random.Random(9)  # noqa: S311 - as above
    written = [sliced(rng) for _ in range(9000)]
    found = verdicts("".join(line + "\n" for line in written).encode())
    seen = Counter(
        name for row in found if not isinstance(row, str) for name, value in row.items() if value
    )
    sliced_by = ("langs", "domains", "mention_dids", "labels", "other_did", "other_rkey")
    assert min(seen[name] for name in sliced_by) > 50
    assert check(written)["refused"] > 100


def test_hosts_and_mentions_are_sorted_and_each_once() -> None:
    links = [
        "https://b.org",
        "http://www.a.org/x",
        "https://B.org/y",
        "https://c.org:80",
        "https://1.1",
    ]
    features = [
        *({"uri": link} for link in links),
        {"did": did(B)},
        {"did": did(A)},
        {"did": did(B)},
    ]
    event = post(A, tid(1), "text", rev=1, time=at(1), facets=[{"features": features}], embed={
        "external": {"uri": "https://a.org/", "title": "t"}})  # fmt: skip
    for row in both(event):
        assert isinstance(row, dict)
        assert row["domains"] == ["a.org", "b.org", "c.org"]
        assert row["mention_dids"] == sorted([did(A), did(B)])


def with_more(event: Any) -> Any:
    """What servers write of such an event beside what is read."""
    event[event["kind"]] |= {"seq": 5_000_000_017, "time": "2026-05-01T00:00:18.501Z"}
    return event


USUAL = [
    *VALID,
    with_more(identity(A, "bob.example.org", time=at(18))),
    with_more(account(A, time=at(20))),
    with_more(account(A, "suspended", time=at(20))),
    commit(A, PROFILE, "self", {"displayName": "é", "description": "a \"b\"\n", "avatar": {
        "ref": {"$link": "baf"}, "mimeType": "image/jpeg", "size": 17}}, rev=22, time=at(22)),
    commit(A, LIKE, "not a TID", {"subject": 5}, rev=20, time=at(20)),
    post(A, tid(9), "é\u2028\x7f" * 9, rev=21, time=at(21), embed={
        "external": {"title": "first"}, "media": {"external": {"title": "second"}}}),
    post(A, tid(9), "", rev=21, time=at(21), facets=[
        {"features": [{"tag": "x"}, {"uri": "y"}, {"tag": "a"}], "index": {"tag": [1, {}, []]}},
        {"features": []}, {"features": [{"tag": "ü"}]}, {}], tags=[]),
]  # fmt: skip


def test_a_byte_changed_anywhere_is_seen() -> None:
    rng = random.Random(6)  # noqa: S311 - as above
    parser, seen = Parser(), Counter[str]()
    shapes = [
        dumps(shape(e)) for e in USUAL for shape in (dict, as_v2, lambda e: as_v2(e, framed=False))
    ]
    odd = b'{}[]",:\\/ \t\r\x00\x01\x1f\x7f\x80\xbf\xc0\xc3\xe2\xed\xf0\xf4\xff019-+.eEtfnuLd'
    for _ in range(40):
        spoilt = []
        for line in shapes:
            raw = bytearray(line.encode())
            for _ in range(rng.choice([1, 1, 2])):
                k = rng.randrange(len(raw))
                match rng.randrange(4):
                    case 0:
                        raw[k] = rng.choice(odd)
                    case 1:
                        raw.insert(k, rng.choice(odd))
                    case 2:
                        del raw[k]
                    case _:
                        raw[k] = rng.randrange(256) if raw[k] != 10 else 11
            spoilt.append(bytes(raw).replace(b"\n", b"?"))
        data = b"".join(line + b"\n" for line in spoilt)
        _, left = parser.parse(data)
        unparsed = {p for a, b in left.tolist() for p in range(a, b)}
        position, text = 0, []
        for changed in spoilt:
            if position not in unparsed:
                text.append(changed.decode())
            position += len(changed) + 1
        seen += check(text, parser)
    assert seen["refused"] == 0
    assert min(seen[kind] for kind in ACCOUNT_KINDS) > 30
    assert seen.total() - sum(seen[kind] for kind in ACCOUNT_KINDS) > 300


@pytest.mark.parametrize("event", USUAL, ids=lambda event: dumps(event)[80:160])
@pytest.mark.parametrize("shape", ["v1", "framed", "bare"])
def test_what_servers_write_is_parsed_and_no_part_of_it(event: Any, shape: str) -> None:
    event = event if shape == "v1" else as_v2(event, framed=shape == "framed")
    # As servers of v2 write them: keys in order.
    line = dumps(event if shape == "v1" else json.loads(json.dumps(event, sort_keys=True)))
    odd = any(word in line for word in ("feed.generator/", '"other"'))
    unusual = odd or (PROFILE in line and '"labels"' in line)
    assert (verdicts(line.encode() + b"\n") == ["refused"]) == unusual
    assert (
        verdicts(line.encode() + b"\r\n" + line.encode() + b"\n")[0]
        == verdicts(line.encode() + b"\n")[0]
    )
    scanner = Scanner()
    for k in range(1, len(line.encode())):
        # Of memory beyond the buffer nothing is read: it ends right after the part.
        part = np.frombuffer(line.encode()[:k] + b"\n", np.uint8).copy()
        scanned = scanner.scan(part, 0, len(part), LINE_LIMIT)
        assert (len(scanned.flags), scanned.skipped, scanned.account_events) == (0, 0, None)
        assert scanned.unparsed.tolist() == [[0, len(part)]]


@pytest.mark.skipif(sys.platform != "linux", reason="memory is protected by a call to Linux")
def test_nothing_beyond_the_buffer_is_read() -> None:
    page = mmap.PAGESIZE
    memory = mmap.mmap(-1, 2 * page)
    address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    protect = ctypes.CDLL(None, use_errno=True).mprotect
    room = np.frombuffer(memory, np.uint8)[:page]
    scanner, parsed, left = Scanner(), 0, 0
    # Whoever reads the last page is killed.
    assert protect(ctypes.c_void_p(address + page), page, 0) == 0
    for event in USUAL:
        line = dumps(event).encode()
        for size in range(1, len(line) + 1):
            written = line[:size] + b"\n"
            room[-len(written) :] = np.frombuffer(written, np.uint8)
            found = scanner.scan(room, page - len(written), page, LINE_LIMIT)
            parsed += len(found.unparsed) == 0
            left += len(found.unparsed)
    assert protect(ctypes.c_void_p(address + page), page, mmap.PROT_READ) == 0
    assert parsed > 20
    assert left > 5000


@pytest.mark.slow
def test_keys_are_told_by_every_letter() -> None:
    keys, seen = set[str](), Counter[str]()
    for event in USUAL:
        for shape in (event, as_v2(event), as_v2(event, framed=False)):
            line = dumps(shape)
            found = set(re.findall(r'"([^"]*)":', line))
            keys |= found
            written = []
            for key in found:
                others = {key[:k] + "z" + key[k + 1 :] for k in range(len(key))}
                others |= {key[:-1], key + "z", key[:8] + key, key.upper()}
                written += [line.replace(f'"{key}":', f'"{other}":') for other in others]
            seen += check(written)
    assert {"operation", "collection", "time_us", "external", "features"} < keys
    assert {"identity", "handle", "account", "active", "status", "labels"} < keys
    assert min(seen[kind] for kind in (*KINDS, *ACCOUNT_KINDS, "skip", "refused")) > 20


def test_escapes_mean_what_json_says() -> None:
    texts = [
        '\\"\\\\\\/\\b\\f\\n\\r\\t',
        "\\u00e9\\u0026\\u20ac\\ud83c\\udf89x",
        "\\uD83C\\uDF89",
        "\\u0001",
    ]
    for text in texts:
        line = dumps(USUAL[0]).replace("plain text", text)
        (row,) = verdicts(line.encode() + b"\n")
        assert row != "refused"
        assert row == expected(line)
    for text in (
        "\\u0000",
        "\\ud83c",
        "\\udf89",
        "\\ud83cx",
        "\\ud83c\\u0041",
        "\\u12",
        "\\x",
        "\\",
    ):
        assert verdicts(dumps(USUAL[0]).replace("plain text", text).encode() + b"\n") == ["refused"]


def both(event: Any) -> list[Row | str]:
    """What became of it in v1 and v2; where it was parsed, its twin agrees."""
    shapes = (event, as_v2(event), as_v2(event, framed=False))
    check(list(map(dumps, shapes)))
    return verdicts(lines(*shapes))


LABEL = "a" * 63


@pytest.mark.parametrize(
    ("handle", "kept"),
    [
        ("Alice.Example.ORG", "alice.example.org"),
        ("x1-2.b", "x1-2.b"),
        (f"{LABEL}.{LABEL}.{LABEL}.{'a' * 61}", f"{LABEL}.{LABEL}.{LABEL}.{'a' * 61}"),
        (f"{LABEL}.{LABEL}.{LABEL}.{'a' * 62}", None),
        (f"{LABEL}.{LABEL}a.{LABEL}", None),
        ("Handle.Invalid", None),
        ("handle.invalid.org", "handle.invalid.org"),
        *((odd, None) for odd in ("", "a", "a.", ".a", "a..b", "-a.b", "a-.b", "a.1", "a b.c")),
        (None, None),
    ],
)  # fmt: skip
def test_handles(handle: str | None, kept: str | None) -> None:
    event = identity(A, "", time=at(1))
    event["identity"]["handle"] = handle
    for row in (*both(event), *(both(identity(A, None, time=at(1))) if handle is None else ())):
        assert isinstance(row, dict)
        assert (row["handle"], row["status"], row["active"]) == (kept, None, None)


def test_handles_and_statuses_with_other_letters_are_left() -> None:
    # The Kelvin sign is a k in lower case.
    for odd in ("\u212a.example.org", "é.example.org"):
        assert both(identity(A, odd, time=at(1))) == ["refused"] * 3
        assert both(account(A, odd, time=at(1))) == ["refused"] * 3
    escaped = dumps(identity(A, "alice.org", time=at(1))).replace("alice", "\\u0061lice")
    assert verdicts(escaped.encode() + b"\n") == ["refused"]


@pytest.mark.parametrize("status", ["takendown", "", None, "a new one"])
@pytest.mark.parametrize("active", [True, False])
@pytest.mark.parametrize("named", [True, False])
def test_statuses(status: str | None, active: bool, named: bool) -> None:
    event = account(A, time=at(1))
    event["account"] = {"active": active, **({"status": status} if named else {})}
    for row in both(event):
        assert isinstance(row, dict)
        known = (named and status) or "unknown"
        assert (row["active"], row["status"]) == (active, "" if active else known)
    wrong: list[Any] = [None, 1, 0, "true", [], {}]
    for odd in wrong:
        event["account"]["active"] = odd
        assert both(event) == ["refused"] * 3


def test_profiles() -> None:
    for operation in ("create", "update"):
        for row in both(profile(A, rev=1, time=at(1), operation=operation)):
            assert isinstance(row, dict)
            assert (row["operation"], row["rkey"], row["bot"]) == (operation, "self", False)
    unlabelled = profile(A, rev=1, time=at(1))
    for labels in ({}, None, "bot", {"values": [{"val": "x"}]}):
        unlabelled["commit"]["record"]["labels"] = labels
        assert both(unlabelled) == ["refused"] * 3
    deeper = profile(A, rev=1, time=at(1))
    deeper["commit"]["record"]["pinned"] = {"labels": {"values": [{"val": "bot"}]}}
    assert "refused" not in both(deeper)
    for odd in (
        commit(A, PROFILE, "selF", rev=1, time=at(1)),
        commit(A, PROFILE, tid(1), rev=1, time=at(1)),
        profile(A, rev=1, time=at(1), operation="creates"),
    ):
        assert both(odd) == ["refused"] * 3


def test_an_event_is_of_one_kind() -> None:
    # What it tells stands in the object of its own name.
    wrong = identity(A, "a.b", time=at(1))
    wrong["kind"] = "account"
    commits = post(A, tid(1), "x", rev=1, time=at(1))
    for odd in (wrong, commits | {"kind": "identity", "identity": {}}, commits | {"kind": "sync"}):
        assert both(odd) == ["refused"] * 3
    # Nor is a handle the status of an account, or the other way round.
    status, named = account(A, time=at(1)), identity(A, None, time=at(1))
    status["account"]["active"] = False
    assert both(status | {"identity": {"handle": "a.b"}}) == ["refused"] * 3
    assert both(named | {"account": {"status": "a.b"}}) == ["refused"] * 3
    assert "refused" not in both(status) + both(named)


def test_there_is_room_for_the_shortest_lines() -> None:
    event = identity(A, None, time=at(1)) | {"identity": {}}
    line = lines(event)
    assert len(line) >= _SHORTEST
    scanned = Scanner().scan(np.frombuffer(line * 1000, np.uint8), 0, len(line) * 1000, LINE_LIMIT)
    assert scanned.account_events is not None
    table = account_rows(scanned.account_events)
    assert table.to_pylist() == [expected(dumps(event))] * 1000


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_there_is_room_for_unusual_lines_with_blank_ones_between(end: bytes) -> None:
    # More of them than lines that could be parsed have room.
    data = (b"x" + 2 * end) * 5000 + lines(USUAL[0]) + (b"x" + 3 * end) * 5000
    scanner = Scanner()
    found = scanner.scan(np.frombuffer(data, np.uint8), 0, len(data), LINE_LIMIT)
    assert len(found.flags) == 1
    assert len(found.unparsed) == 2 <= len(scanner._output.unparsed) < 5000
    assert b"".join(data[a:b] for a, b in found.unparsed.tolist()).split() == [b"x"] * 10_000


def test_times_of_v2() -> None:
    good = ["2020-01-01T00:00:00Z", "2096-02-29T23:59:59.999999Z", "2026-12-31T01:02:03.5Z"]
    good += [f"2027-{month:02}-{day:02}T00:00:00.12Z" for month in range(1, 13) for day in (1, 28)]
    bad = ["2019-12-31T23:59:59Z", "2100-01-01T00:00:00Z", "2026-02-29T00:00:00Z"]
    bad += ["2026-04-31T00:00:00Z", "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z"]
    bad += ["2026-01-00T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T00:00:00.Z"]
    bad += ["2026-01-01T00:00:00+00:00", "2026-01-01 00:00:00Z", "2026-01-01T00:00:00.1234567Z"]
    for time in good + bad:
        event = as_v2(USUAL[0])
        event["payload"]["time"] = time
        (row,) = verdicts(dumps(event).encode() + b"\n")
        assert row == (expected(dumps(event)) if time in good else "refused"), time


def test_other_lines_are_left_where_they_are() -> None:
    good, bad = dumps(USUAL[0]).encode(), b'{"kind":"identity"}'
    data = b"\n".join([bad, good, b"", b" ", good, bad, bad, good, b"\r", good, bad])
    parts, left = Parser().parse(data)
    assert sum(len(part.flags) for part in parts) == 4
    rest = b"".join(data[a:b] for a, b in left.tolist())
    assert rest.split() == [bad] * 4
    assert sorted(p for a, b in left.tolist() for p in range(a, b)) == sorted(
        {p for a, b in left.tolist() for p in range(a, b)}
    )
    parts, left = Parser().parse(b"\xef\xbb\xbf" + good + b"\n")
    assert (len(parts[0].flags), left.tolist()) == (1, [])
    assert Parser().parse(b"\xef\xbb\xbf" + good + b"\n", 7)[1].tolist() == [[0, len(good) + 4]]
    for nothing in (b"", b"\n", b"\r\n\n"):
        parts, left = Parser().parse(nothing)
        assert (sum(len(part.flags) for part in parts), left.tolist()) == (0, [])


def test_long_lines_and_many_tags_are_left(monkeypatch: pytest.MonkeyPatch) -> None:
    line = dumps(USUAL[0]).encode() + b"\n"
    scanner, data = Scanner(), np.frombuffer(line, np.uint8)
    assert len(scanner.scan(data, 0, len(line), len(line)).flags) == 1
    assert len(scanner.scan(data, 0, len(line), len(line) - 1).flags) == 0
    for count in (500, 600):
        tagged = post(A, tid(3), "", rev=1, time=at(1), tags=[f"t{k}" for k in range(count)])
        (row,) = verdicts(lines(tagged))
        assert row == (expected(dumps(tagged)) if count == 500 else "refused")


def test_several_cores_parse_what_one_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parse, "_SPREAD_FROM", 0)
    data = lines(*USUAL * 3)
    parsers = [Parser() for _ in range(3)]
    for number, parser in enumerate(parsers, 1):
        parser._scanners = [Scanner() for _ in range(number)]
        assert len(parser.parse(data)[0]) == number
    one, two, three = (verdicts(data, parser) for parser in parsers)
    assert one == two == three
    # There may be fewer lines than cores.
    assert verdicts(lines(USUAL[0]), parsers[2]) == one[:1]


@pytest.mark.slow
def test_dids_are_numbered_once() -> None:
    rng = random.Random(1)  # noqa: S311 - as above
    names = ["".join(rng.choices("abcdefghijklmnopqrstuvwxyz234567", k=24)) for _ in range(9000)]
    events = [
        follow(rng.choice(names), tid(k), rng.choice(names), rev=k, time=at(k))
        for k in range(20_000)
    ]
    found = Scanner(), Dids()
    codes = []
    for k in range(0, len(events), 3000):
        data = np.frombuffer(lines(*events[k : k + 3000]), np.uint8)
        codes.append(found[1].intern(found[0].scan(data, 0, len(data), LINE_LIMIT))[0][:2])
    spelt = [bytes(letters).decode() for letters in found[1].letters()]
    assert len(spelt) == found[1].count == len(set(spelt)) > 8000
    named = [(spelt[a], spelt[b]) for a, b in np.concatenate(codes, axis=1).T]
    assert named == [(e["did"], e["commit"]["record"]["subject"]) for e in events]


def test_dids_of_one_hash_are_told_apart_wherever_in_the_table() -> None:
    rng = np.random.default_rng(2)
    low = rng.integers(0, 1 << 60, 300_000)
    seed = np.uint64(5)
    # As the kernel mixes them; that some are equal is checked below.
    tags = [dids._tag(0, k, seed) for k in low[:20].tolist()]
    mixed = np.full(len(low), seed) * np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ mixed >> np.uint64(32) ^ low.astype(np.uint64)) * np.uint64(0xD6E8FEB86659FD93)
    mixed = (mixed ^ mixed >> np.uint64(32)) * np.uint64(0x9E3779B97F4A7C15) >> np.uint64(32)
    assert mixed[:20].tolist() == tags
    _, group, count = np.unique(mixed, return_inverse=True, return_counts=True)
    # The first account, and one that is nothing but zeros where nobody is known yet.
    alike = np.concatenate(([0], low[count[group] > 1]))
    # Those that belong in the last slots of a table, and go round its end.
    last = low[np.argsort(mixed)[-200:]]
    assert min(len(alike), len(set(alike.tolist()))) > 4
    assert (mixed.max() >> np.uint64(20)) == (1 << 12) - 1
    numbered, codes = Dids(), dict[int, int]()
    numbered._seed = seed
    for part in (alike, last, low[:4000], last, alike, low[:4000]):
        for named in np.array_split(part, 8):
            numbers = np.zeros((NUMBERS, len(named)), np.int64)
            numbers[AUTHOR_LOW] = named
            flags = np.zeros(len(named), np.uint8)
            none = np.empty(0, np.int32)
            mentions = numbers[AUTHOR_HIGH : AUTHOR_LOW + 1]
            parsed = ParsedLines(numbers, flags, (), none, none, none, mentions, numbers, 0, None)
            (authors, *_), mentioned = numbered.intern(parsed)
            for who, code in zip(named.tolist(), authors.tolist(), strict=True):
                assert codes.setdefault(who, code) == code
            assert mentioned.tolist() == authors.tolist()
    assert sorted(codes.values()) == list(range(numbered.count)) == list(range(len(codes)))


def test_a_delete_and_a_link_to_no_post() -> None:
    gone = delete(A, POST, tid(4), rev=9, time=at(9))
    (row,) = verdicts(lines(gone))
    assert isinstance(row, dict)
    assert (row["removed"], row["text"], row["subject_did"]) == (True, None, None)
    other = repost(A, tid(5), uri(B, tid(1), "app.bsky.feed.generator"), rev=1, time=at(1))
    assert verdicts(lines(other)) == ["refused"]
    assert verdicts(lines(repost(A, tid(5), uri(B, "no TID"), rev=1, time=at(1)))) == ["refused"]
    assert did(A) == row["did"]


def test_what_waits_stays_as_it_was_parsed_whatever_is_parsed_next() -> None:
    parser, record_events = Parser(), RecordEvents()
    tables = []

    def wait_for(number: int) -> None:
        parent, root = (uri(A, tid(number)), uri(B, tid(number + 1)))
        reply = post(
            A, tid(number + 2), f"{number}", rev=1, time=at(number), parent=parent, root=root
        )
        other = repost(B, tid(number + 3), uri(A, tid(number + 4)), rev=2, time=at(number))
        named = identity(A, f"x{number}.org", time=at(number))
        parts, left = parser.parse(lines(reply, named, other))
        assert not len(left)
        for part in parts:
            record_events.add(part)
            assert part.account_events is not None
            tables.append(account_rows(part.account_events))

    def rows() -> list[Row]:
        accounts = np.arange(record_events.dids().num_rows, dtype=np.uint32)
        found: list[Row] = record_events.tables(accounts)[0].to_pylist()
        return found

    wait_for(100)
    before = rows()
    wait_for(200)
    assert len(before) == 2
    assert [row for row in rows() if row in before] == before
    assert len(rows()) == 4
    assert [table["handle"].to_pylist() for table in tables] == [["x100.org"], ["x200.org"]]
    assert [table["event_time"].to_pylist() for table in tables] == [
        [at(number).replace(tzinfo=None)] for number in (100, 200)
    ]
