"""Lines that are like earlier ones against the parser that knows no line but its own."""

import ctypes
import json
import mmap
import random
import sys
from collections import Counter
from itertools import cycle
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from events_builder import (
    FOLLOW,
    LIKE,
    PROFILE,
    as_v2,
    at,
    commit,
    delete,
    dumps,
    follow,
    like,
    post,
    repost,
    tid,
    uri,
)
from spoiled_lines import A, B, spoiled

from blueattr.events import LINE_LIMIT
from blueattr.kernels import jetstream, stencils
from blueattr.kernels.scanning import Scanned, Scanner

EVENTS = [
    like(A, tid(1), uri(B, tid(2)), rev=3, time=at(4)),
    commit(A, LIKE, tid(1), {"createdAt": "2026-05-01T00:00:00.000Z", "subject": {
        "uri": uri(B, tid(2))}, "via": {"cid": "baf", "uri": uri(A, tid(3))}}, rev=5, time=at(6)),
    commit(A, LIKE, "none of ours", {"subject": "no key"}, rev=5, time=at(6)),
    repost(A, tid(1), uri(B, tid(2)), rev=3, time=at(4)),
    follow(A, tid(1), B, rev=3, time=at(4)),
    delete(A, FOLLOW, tid(1), rev=3, time=at(4)),
    post(A, tid(1), "first wörds\n🎉", rev=3, time=at(4), langs=["en"]),
    post(A, tid(1), "", rev=3, time=at(4), parent=uri(B, tid(2)), root=uri(A, tid(3)),
         langs=["en"]),
    post(A, tid(1), "a\tb", rev=3, time=at(4), embed={"external": {"title": "a \"link\"", "uri":
         "https://example.org", "description": "tëxt"}}),
    post(A, tid(1), "x", rev=3, time=at(4), embed={"media": {"external": {"title": "é",
         "description": "no space"}}, "record": {}}),
]  # fmt: skip
EVENTS += [
    commit(A, PROFILE, "self", {"displayName": "Älice", "description": "a b"}, rev=3, time=at(4)),
    commit(A, PROFILE, "self", {"displayName": "x"}, rev=3, time=at(4), operation="update"),
    delete(A, PROFILE, "self", rev=3, time=at(4)),
]
# A binary decoder writes no more of a record than is read.
EVENTS.append(json.loads(json.dumps(EVENTS[6])))
EVENTS[-1]["commit"]["record"] = {"text": "short"}
del EVENTS[-1]["commit"]["cid"]

ODD = b'"\\{}[],: \x00\x1f\x7f\x80\xa0\xc3\xed\xff0189azA\t\r'


def outcome(scanner: Scanner, data: npt.NDArray[np.uint8], begin: int, end: int) -> Any:
    """What became of one line, without what is arbitrary; None where it is left."""
    found = scanner.scan(data, begin, end, LINE_LIMIT)
    if len(found.left):
        assert (len(found.flag), found.skipped, found.left.tolist()) == (0, 0, [[begin, end]])
        assert found.told is None
        return None
    return found.skipped, found.span, *kept(found), *told(found)


def told(found: Scanned) -> list[Any]:
    if found.told is None:
        return []
    numbers = found.told.numbers[:, 0].tolist()
    if numbers[jetstream.BITS] & jetstream.KIND != jetstream.PROFILE:
        del numbers[jetstream.REV]
    return [numbers, found.told.words.tobytes(), found.told.ends.tolist()]


def kept(found: Scanned) -> list[Any]:
    if not len(found.flag):
        return []
    (flag,) = found.flag.tolist()
    numbers = found.numbers[:, 0].tolist()
    many = jetstream.ROOT_HIGH if flag & jetstream.SUBJECT else jetstream.SUBJECT_HIGH
    many -= flag & jetstream.KIND == jetstream.FOLLOW and flag & jetstream.SUBJECT != 0
    many = jetstream.NUMBERS if flag & jetstream.ROOT else many
    words = [part.tobytes() for part in found.words]
    return [flag, numbers[:many], words, found.word_ends.tolist(), found.tag_ends.tolist()]


def fitted(scanner: Scanner, number: int) -> int:
    """How many of so many lines that were parsed, and have no tags, were like an earlier one."""
    return number - int(scanner._stencils.state[1])


def joined(lines: list[bytes]) -> tuple[npt.NDArray[np.uint8], list[tuple[int, int]]]:
    """A buffer of lines, with room after the last, and where each is."""
    ends = np.cumsum([len(line) for line in lines]).tolist()
    data = b"".join(lines) + b"\n" * 2 * stencils.LENGTH
    return np.frombuffer(data, np.uint8), list(zip([0, *ends], ends, strict=False))


def alone(line: bytes) -> npt.NDArray[np.uint8]:
    # So near to the end of a buffer no stencil is tried.
    return np.frombuffer(line, np.uint8)


def spoilt(line: bytes, rng: random.Random) -> list[bytes]:
    """The line with every byte changed, one left out, and one added, in a few ways."""
    out = [line, line.replace(b"\n", b"\r\n"), line[:-1] + line, line.replace(b"\n", b" \n")]
    for k in range(len(line) - 1):
        head, byte, tail = line[:k], line[k], line[k + 1 :]
        others = {*rng.sample(ODD, 4), byte ^ 1 << rng.randrange(8), rng.randrange(256)} - {
            10,
            byte,
        }
        out += [head + bytes([other]) + tail for other in others]
        out += [head + tail, head + bytes([byte, byte]) + tail, head + b"\n", b" " + line]
        out.append(head + bytes([rng.choice(ODD)]) + line[k:])
        # A byte moved from one string to another leaves the length.
        away = rng.randrange(len(line) - 1)
        moved = bytearray(head + tail)
        moved.insert(away, rng.choice(b'"az2 '))
        out.append(bytes(moved))
        if byte == ord(","):
            out += [head + b',"text":"x"' + line[k:], head + b',"did":null' + line[k:]]
    return [line for line in out if line.count(b"\n") == 1 and line != b"\n"]


@pytest.mark.parametrize("event", EVENTS, ids=range(len(EVENTS)))
@pytest.mark.parametrize("shape", ["v1", "framed", "bare"])
def test_what_is_like_an_earlier_line_means_what_it_means_alone(event: Any, shape: str) -> None:
    rng = random.Random(str(event) + shape)  # noqa: S311 - the same lines every time
    event = event if shape == "v1" else as_v2(event, framed=shape == "framed")
    line = dumps(event).encode() + b"\n"
    usual, lonely, seen = Scanner(), Scanner(), Counter[str]()
    if shape != "v1":
        lines = [json.dumps(event, sort_keys=True, separators=(",", ":")).encode() + b"\n"]
        line = lines[0]
    # In between, lines that keep the stencil from being driven out.
    lines = [line for pair in zip(spoilt(line, rng), cycle([line]), strict=False) for line in pair]
    data, bounds = joined(lines)
    for written, (begin, end) in zip(lines, bounds, strict=True):
        found = outcome(usual, data, begin, end)
        assert found == outcome(lonely, alone(written), 0, len(written)), written
        seen["left" if found is None else "other" if written != line else "same"] += 1
    assert fitted(lonely, seen["same"] + seen["other"]) == 0
    assert fitted(usual, seen["same"] + seen["other"]) > seen["same"]
    assert min(seen.values()) > 50


def shuffled(event: Any, rng: random.Random) -> Any:
    """The event with its keys in another order, and another one or two."""
    if not isinstance(event, dict):
        return event
    items = [(key, shuffled(value, rng)) for key, value in event.items()]
    if rng.random() < 0.3:
        items.append(
            (rng.choice("xyz"), rng.choice(["", "a", "bb", "c c", "é", ["d"], None, True]))
        )
    # A record is read only where it is known of what.
    rng.shuffle(items)
    return dict(sorted(items, key=lambda item: (item[0] != "$type", item[0] == "record")))


def test_many_shapes_drive_each_other_out_and_mean_what_they_mean_alone() -> None:
    rng = random.Random(7)  # noqa: S311 - as above
    texts = [spoiled(rng) for _ in range(200)]
    for _ in range(400):
        event = rng.choice(EVENTS)
        event = rng.choice([event, event, as_v2(event), as_v2(event, framed=False)])
        texts.append(dumps(shuffled(event, rng)))
    lines = [text.encode() + b"\n" for text in texts if "\n" not in text]
    lonely, usual = Scanner(), Scanner()
    expected = [outcome(lonely, alone(line), 0, len(line)) for line in lines]
    number = int(lonely._stencils.state[1])
    order = [k for _ in range(10) for k in rng.sample(range(len(lines)), len(lines))]
    # Some come again at once.
    order = [k for k in order for _ in range(rng.choice([1, 1, 1, 9]))]
    data, bounds = joined([lines[k] for k in order])
    for k, (begin, end) in zip(order, bounds, strict=True):
        assert outcome(usual, data, begin, end) == expected[k], lines[k]
    parsed = int(usual._stencils.state[1])
    assert number > 300
    assert len(order) // 20 < parsed < len(order) * number // len(lines) * 4 // 5
    # More than there is room for.
    assert parsed // 8 > 2 * len(usual._stencils.bits)
    assert (usual._stencils.piece_count > 0).sum() > 30


def test_a_line_with_too_many_letters_or_strings_is_no_stencil() -> None:
    usual = Scanner()
    events = [
        commit(A, "x.y.z", tid(1), {"a": "b" * stencils.LENGTH}, rev=1, time=at(1)),
        commit(A, "x.y.z", tid(1), {"a": list("bcdef" * 20)}, rev=1, time=at(1)),
        commit(A, "x.y.z", tid(1), {"a": ["a b"] * 20}, rev=1, time=at(1)),
        commit(A, "x.y.z", tid(1), {"k" * stencils.LENGTH: ""}, rev=1, time=at(1)),
        commit(A, "x.y.z", tid(1), {"a": 17}, rev=1, time=at(1)),
        commit(A, "x" * stencils.LENGTH, tid(1), {}, rev=1, time=at(1)),
    ]
    for event in events:
        lines = [dumps(event).encode() + b"\n"] * 20
        data, bounds = joined(lines)
        assert {outcome(usual, data, *at_)[0] for at_ in bounds} == {1}
    assert fitted(usual, 20 * len(events)) == 0
    assert not usual._stencils.piece_count.any()


@pytest.mark.skipif(sys.platform != "linux", reason="memory is protected by a call to Linux")
def test_nothing_beyond_the_buffer_is_read() -> None:
    page = mmap.PAGESIZE
    memory = mmap.mmap(-1, 5 * page)
    where = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    protect = ctypes.CDLL(None, use_errno=True).mprotect
    room = np.frombuffer(memory, np.uint8)[: 4 * page]

    def at_end(data: bytes) -> npt.NDArray[np.uint8]:
        room[-len(data) :] = np.frombuffer(data, np.uint8)
        return room[-len(data) :]

    usual, lonely, seen = Scanner(), Scanner(), 0
    # Whoever reads the last page is killed.
    assert protect(ctypes.c_void_p(where + 4 * page), page, 0) == 0
    for event in EVENTS:
        line = dumps(event).encode() + b"\n"
        many = line * 20
        usual.scan(np.frombuffer(many, np.uint8), 0, len(many), LINE_LIMIT)
        # Where there are words, also so many that a stencil is tried whatever comes after them.
        for words in (b"", b"w" * stencils.LENGTH):
            longer = line.replace(b'"text":"', b'"text":"' + words)
            for behind in (*range(150), *range(150, stencils.LENGTH + 100, 7)):
                part = at_end(longer + b" " * behind + b"\n")
                before = int(usual._stencils.state[1])
                assert outcome(usual, part, 0, len(longer)) is not None
                seen += len(words) > 0 and int(usual._stencils.state[1]) == before
                cut = longer[: max(len(longer) - behind, 2)] + b"\n"
                found = outcome(usual, at_end(cut), 0, len(cut))
                assert found == outcome(lonely, alone(cut), 0, len(cut))
    assert seen > 500
    assert protect(ctypes.c_void_p(where + 4 * page), page, mmap.PROT_READ) == 0
