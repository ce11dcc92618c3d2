"""JSON in other forms than lines: each value becomes a line, wherever the pieces read end."""

import json
import re
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from blueattr.decode.documents import Separator
from support.effort import law
from support.events_builder import mixed

leaves = st.none() | st.booleans() | st.integers() | st.text(max_size=5)
nested = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)
objects = st.dictionaries(
    st.text(max_size=3) | st.sampled_from(["{", '"', "\\", "[,]"]), nested, max_size=3
)


def separated(data: bytes, step: int = 1 << 20) -> bytes:
    separator = Separator()
    pieces = [separator.separate(data[k : k + step]) for k in range(0, len(data), step)]
    return b"".join(pieces) + separator.finish()


def values(data: bytes, step: int = 1 << 20) -> list[Any]:
    return [json.loads(line) for line in separated(data, step).split(b"\n") if line.strip()]


@st.composite
def documents(draw: st.DrawFn) -> tuple[list[Any], bytes]:
    found = draw(st.lists(objects, max_size=4))
    style: dict[str, Any] = draw(
        st.sampled_from(
            [{}, {"indent": 2}, {"indent": "\t"}, {"separators": (",", ":")}, {"indent": 0}]
        )
    )
    ascii_only = draw(st.booleans())
    texts = [json.dumps(value, ensure_ascii=ascii_only, **style) for value in found]
    between = draw(
        st.sampled_from(["", " ", "\n", "\r", "\r\n", ",", " ,\n ", "\x1e", "\n\x1e", "]["])
    )
    text = between.join(texts)
    if draw(st.booleans()) and between != "][":
        text = json.dumps(found, ensure_ascii=ascii_only, **style)
    else:
        before, after = draw(
            st.sampled_from([("", ""), ("[", "]"), ("\ufeff[\n", "\n]\n"), ("\x1e", "\n")])
        )
        text = before + text + after
    return found, text.encode(errors="surrogatepass")


@law()
@given(documents(), st.integers(1, 9))
def test_each_value_is_a_line_wherever_pieces_end(
    document: tuple[list[Any], bytes], step: int
) -> None:
    found, data = document
    assert values(data) == found
    assert separated(data, step) == separated(data)
    # Places of values are those of the file, but for those that nothing sets apart.
    if b"}{" not in data:
        assert len(separated(data)) == len(data)


@pytest.mark.slow
@law()
@given(st.lists(objects.filter(bool), min_size=1, max_size=3), st.data())
def test_an_object_that_is_cut_takes_at_most_the_next_along(
    found: list[Any], data: st.DataObject
) -> None:
    whole = [{"did": "x", "value": value} for value in found]
    cut = json.dumps(data.draw(st.sampled_from(whole)), ensure_ascii=False).encode()
    cut = cut[: data.draw(st.integers(1, len(cut) - 1))]
    # Within an array the objects after it could be its elements.
    open_arrays = re.sub(rb'"(?:[^"\\]|\\.)*("|$)', b"", cut)
    assume(open_arrays.count(b"[") == open_arrays.count(b"]"))
    rest = ",\n".join(json.dumps(value) for value in whole)
    end = data.draw(st.sampled_from(["]", ",\n" + rest + "]"]))
    text = b"[" + cut + b"\n" + rest.encode() + end.encode()
    sound = []
    for line in separated(text).split(b"\n"):
        try:
            sound.append(json.loads(line))
        except ValueError:
            continue
    read = [value for value in sound if isinstance(value, dict) and value.get("did") == "x"]
    expected = len(whole) * (1 + (end != "]"))
    assert len(read) >= expected - 2


@pytest.mark.parametrize("style", [{}, {"separators": (",", ":")}, {"indent": 1}])
def test_an_object_that_lacks_a_quotation_mark_takes_no_other_along(style: dict[str, Any]) -> None:
    """Whichever mark it is, the others are read, and what is broken off is one line."""
    events = mixed(7)
    texts = [json.dumps(event, **style) for event in events]
    between = ("," if "separators" in style else ", ") + "\n" * ("indent" in style)
    tried = 0
    for k, text in enumerate(texts):
        others = [event for event in events if event is not events[k]]
        for mark in re.finditer(r'(?<!\\)"', text):
            broken = text[: mark.start()] + text[mark.end() :]
            array = f"[{between.join([*texts[:k], broken, *texts[k + 1 :]])}]".encode()
            read, rejected = [], 0
            for line in filter(None, map(bytes.strip, separated(array).split(b"\n"))):
                try:
                    read.append(json.loads(line))
                except ValueError:
                    rejected += 1
            assert read == others
            # Of an object on several lines the one that is broken, and what follows in it.
            assert rejected in ({1, 2} if "indent" in style else {1})
            tried += 1
    assert tried > 100


@law()
@given(st.lists(objects.filter(bool), min_size=2, max_size=4), st.data(), st.integers(1, 9))
def test_what_lacks_a_quotation_mark_takes_at_most_the_next_along(
    found: list[Any], data: st.DataObject, step: int
) -> None:
    whole = [json.dumps({"did": "x", "value": value}, ensure_ascii=False) for value in found]
    k = data.draw(st.integers(0, len(whole) - 1))
    mark = data.draw(st.sampled_from([m.start() for m in re.finditer(r'(?<!\\)"', whole[k])]))
    broken = whole[k][:mark] + whole[k][mark + 1 :]
    array = f"[{', '.join([*whole[:k], broken, *whole[k + 1 :]])}]".encode(errors="surrogatepass")
    text = separated(array, step)
    assert text == separated(array)
    lines = {line.strip() for line in text.split(b"\n")}
    others = [one.encode(errors="surrogatepass") for one in [*whole[:k], *whole[k + 1 :]]]
    assert sum(one not in lines for one in others) <= 1


@pytest.mark.parametrize("opening", [b'{"a":', b"[", b'{"a":[', b"{"])
def test_nothing_is_too_deep(opening: bytes) -> None:
    deep = opening * 100_000
    assert len(separated(deep)) >= len(deep)
    # What follows is read where what went before is sound so far as it goes.
    if opening == b"[":
        assert values(deep + b'{"x":1}') == [{"x": 1}]


@law()
@given(st.binary(max_size=200), st.integers(1, 7))
def test_any_bytes_pass(data: bytes, step: int) -> None:
    out = separated(data, step)
    assert out == separated(data)
    assert len(data) <= len(out) <= 2 * len(data)
