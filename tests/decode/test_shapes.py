"""Shapes of rejected lines: they show what is wrong with a line, and hold nobody's words."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blueattr.decode import shapes
from blueattr.decode.shapes import SHAPE_LIMIT, Beginning, shape, written
from support.effort import law
from support.events_builder import Event, at, delete, dumps, follow, identity, post, uri
from support.spoiled_lines import VALID

LAWS = law(200)
SPOKEN = post("alice", "3jaaaaaaaaaaa", "words of Alice", rev=1, time=at(1))


def _plain(event: Event) -> str:
    return json.dumps(event, separators=(",", ":"))


SHAPES = {
    "whole": (
        _plain({"did": "did:plc:abc", "kind": "commit", "commit": {"operation": "create"}}),
        '{"did":"did:plc:…3","kind":"commit","commit":{"operation":"create"}}',
    ),
    "unknown names and values": (
        '{"kind":"like","mine":"words","commit":{"operation":"steal"}}',
        '{"kind":"…4","…4":"…5","commit":{"operation":"…5"}}',
    ),
    "times": (
        '{"time_us":4081795200000000,"time":"2099-05-07T00:00:00Z","rev":"3jzfcijpj2z2a"}',
        '{"time_us":…16 of 2099,"time":"…20 of 2099","rev":"…13 of 2023"}',
    ),
    "AT-URI": (
        f'{{"uri":"{uri("ann", "3kabc", "app.bsky.feed.post")}"}}',
        '{"uri":"at://did:plc:…3/app.bsky.feed.post/…5"}',
    ),
    "AT-URI of another collection": (
        '{"uri":"at://ann.example.org/com.example.diary/self"}',
        '{"uri":"at://…15/…17/…4"}',
    ),
    "cut in a name": ('{"did":"did:plc:abc","time_us', '{"did":"did:plc:…3","…7" without its end'),
    "cut in a value": ('{"text":"some words', '{"text":"…10" without its end'),
    "broken": ("{oops 5}", "{ and 7 bytes, no JSON: letters, digits, spaces, signs"),
    "no JSON": ("some words\n", "10 bytes, no JSON: letters, spaces"),
    "a text": ('"some words"', "12 bytes, no JSON: letters, spaces, signs"),
    "NUL": ("{\x00}", "{ and 2 bytes, no JSON: signs, control characters"),
    "not UTF-8": (b'{"text":"\xff words"}', '{"text":"…7, not UTF-8"}'),
    "raw": (b"\xff\xfe\x00", "3 bytes, no JSON: control characters, bytes that are not UTF-8"),
    "beyond ASCII": ("日本", "6 bytes, no JSON: characters beyond ASCII"),
    "codes": ('{"op":-1,"kind":7,"active":1}', '{"op":-1,"kind":7,"active":1}'),
    "numbers": ('{"seq":12345,"text":7,"kind":[104,105]}', '{"seq":…5,"text":…1,"kind":[…3,…3]}'),
    "literals": ('[true,false,null,""]', '[true,false,null,""]'),
    "begins": (Beginning(b'{"text":"some words'), '{"text":"…10"…'),
    "begins as no JSON": (Beginning(b"words"), "many bytes, no JSON: letters"),
    "nothing": (b"", ""),
}  # fmt: skip


@pytest.mark.parametrize(("line", "expected"), SHAPES.values(), ids=SHAPES)
def test_a_shape_shows_how_a_line_is_built(line: bytes | str, expected: str) -> None:
    assert shape(line) == expected


@pytest.mark.parametrize("event", [*VALID, SPOKEN], ids=range(len(VALID) + 1))
def test_a_line_as_servers_write_it_keeps_its_names_and_marks(event: Event | str) -> None:
    line = event if isinstance(event, str) else dumps(event)
    told = shape(line)
    names = re.findall(r'"([$\w]+)":', re.sub(r"\\.", "", line))
    known = [name for name in names if name in shapes._KEYS]
    assert len(known) >= 3
    assert re.findall(r'"([$\w]+)":', told) == known[: len(re.findall(r'"([$\w]+)":', told))]


WORDS = st.text("qxzjQXZJéß日", min_size=4, max_size=12)
PLACES = [
    '{{"did":"{}"}}', '{{"{}":1}}', "{}", "{{{}", '{{"text":"{}', '{{"did":"did:plc:{}"}}',
    '{{"uri":"at://did:web:{}/{}/{}"}}', '{{"kind":"{}"}}', '{{"$type":["{}",{{"{}":"{}"}}]}}',
    '{{"rev":"{}","time":"{}","time_us":"{}"}}', 'true {} "', '[true{}]', '{{"d\\u0069d":"\\n{}"}}',
    '{{"text":1.5e{}}}', '"{}"', "[1,{}", '{{"createdAt":"2026-05-01T{}"}}',
    '{{"collection":"app.bsky.feed.post{}"}}', '{{"text" "{}" : "{}"}}', '{{"kind":commit{}}}',
]  # fmt: skip


@LAWS
@given(WORDS, st.sampled_from(PLACES), st.integers(0, 30), st.booleans())
def test_no_word_comes_into_a_shape_wherever_it_stands(
    word: str, place: str, cut: int, is_beginning: bool
) -> None:
    line = place.format(*[word] * 3).encode()
    line = line[: max(len(line) - cut, 1)]
    told = shape(Beginning(line) if is_beginning else line)
    for start in range(len(word) - 3):
        assert word[start : start + 4] not in told


NUMBERS = st.integers(10**3, 10**20)


@LAWS
@given(NUMBERS, st.sampled_from(PLACES))
def test_no_number_comes_into_a_shape(number: int, place: str) -> None:
    told = shape(place.format(*[number] * 3))
    # Lengths have two digits at most, and a year only where a time is.
    assert [found for found in re.findall(r"[0-9]{3,}", told) if f"of {found}" not in told] == []
    assert str(number) not in told


@LAWS
@given(st.one_of(st.binary(max_size=300), st.text(max_size=300).map(lambda t: t.encode())))
def test_anything_has_a_shape_that_can_be_shown(line: bytes) -> None:
    for told in (shape(line), shape(b"{" + line), shape(b'{"text":"' + line)):
        assert told.isprintable()
        told.encode()
    assert bool(shape(line)) == bool(line.decode(errors="surrogateescape").strip())


@pytest.mark.parametrize(
    "line",
    ["[" * 3_000_000, '{"a":1,' * 500_000, '{"text":"' + '\\"' * 1_000_000, "x" * 3_000_000,
     '["' + "x" * 3_000_000 + '"]', "[1" + "2" * 3_000_000],
    ids=["nested", "names", "escapes", "letters", "a text", "a number"],
)  # fmt: skip
def test_a_shape_of_a_long_line_is_short(line: str) -> None:
    assert 0 < len(shape(line)) < SHAPE_LIMIT + 50


def test_what_never_was_a_line_is_written_for_its_shape() -> None:
    assert shape(written({"repo": "did:plc:abc", "ops": [None, {"path": 5}]})) == (
        '{"repo":"did:plc:…3","ops":[null,{"path":…1}]}'
    )
    assert shape(written({"repo": b"\x00", 5: 1})) == '{"repo":"","…1":…1}'
    assert written({"text": 1 << 70}) == b""


def test_events_of_all_kinds_are_told_apart_by_their_shapes() -> None:
    events = [
        post("a", "3jaaaaaaaaaaa", "words", rev=1, time=at(1)),
        follow("a", "3jaaaaaaaaaaa", "b", rev=2, time=at(2)),
        delete("a", "app.bsky.feed.post", "3jaaaaaaaaaaa", rev=3, time=at(3)),
        identity("a", "a.example", time=at(4)),
    ]
    told = [shape(dumps(event)) for event in events]
    assert len(set(told)) == len(told)
    assert all('"did":"did:plc:…1"' in one for one in told)
