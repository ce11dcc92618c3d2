"""Cutting bytes into lines, against splitting them the plain way."""

import json
import re
from codecs import BOM_UTF8

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blueattr.decode import cut_lines, schema
from support.effort import law

pieces = st.sampled_from(
    [
        b"\n",
        b"\r\n",
        BOM_UTF8,
        b"{}",
        b" ",
        b"\t",
        b'{"a":1}',
        b"\xff",
        "ü🎉".encode(),
        b"\x00",
        b"x" * 12,
    ]
)


def _plain(data: bytes, position: int) -> tuple[list[tuple[int, str]], list[tuple[str, int]]]:
    kept, refused = [], []
    if position == 0 and data.startswith(BOM_UTF8):
        position, data = 3, data[3:]
        marked = True
    else:
        marked = False
    for k, line in enumerate(re.findall(rb"[^\n]*\n|[^\n]+\Z", data)):
        if line.startswith(BOM_UTF8) and not (k == 0 and marked):
            line = b"   " + line.removeprefix(BOM_UTF8)  # noqa: PLW2901 - as blanks are
        if line.strip():
            if len(line) > cut_lines.LINE_LIMIT:
                refused.append(("line too long", position))
            else:
                try:
                    kept.append((position, line.decode()))
                except UnicodeDecodeError:
                    refused.append(("not UTF-8", position))
        position += len(line)
    return kept, refused


@law(200)
@given(st.lists(pieces, max_size=30), st.sampled_from([0, 1, 10**10]), st.booleans())
def _check_cut(parts: list[bytes], position: int, marked: bool) -> None:
    data = (BOM_UTF8 if marked else b"") + b"".join(parts)
    kept, refused = _plain(data, position)
    batch = cut_lines.cut_lines(data, position)
    assert (
        list(zip(*(batch.table[c].to_pylist() for c in ("position", "line")), strict=True)) == kept
    )
    assert batch.lines == len(kept) + len(refused)
    assert sorted((r, p) for r, p, _ in batch.refused) == sorted(refused)
    assert all(len(sample) <= 4 * 200 for *_, sample in batch.refused)


def test_cut_agrees_with_plain_splitting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cut_lines, "LINE_LIMIT", 20)
    _check_cut()


def test_lines_come_in_batches_that_can_be_read_in_parallel() -> None:
    assert cut_lines.cut_lines(b"{}\n" * 30_000).table["line"].num_chunks > 1


@law(100)
@given(st.lists(pieces, max_size=30), st.lists(st.integers(0, 40), max_size=6))
def test_some_stretches_of_lines_are_the_lines_in_them(parts: list[bytes], cuts: list[int]) -> None:
    found = re.findall(rb"[^\n]*\n|[^\n]+\Z", b"".join(parts))
    data = b"".join(found)
    bounds = sorted({min(cut, len(found)) for cut in cuts})
    starts = [sum(map(len, found[:k])) for k in range(len(found) + 1)]
    stretches = [(starts[a], starts[b]) for a, b in zip(bounds[::2], bounds[1::2], strict=False)]
    batch = cut_lines.cut_lines(data, 5, np.array(stretches, np.int64).reshape(-1, 2))
    whole = cut_lines.cut_lines(data, 5)
    inside = [
        any(a <= p - 5 < b for a, b in stretches) for p in whole.table["position"].to_pylist()
    ]
    assert batch.table.equals(whole.table.filter(pa.array(inside, pa.bool_())))
    assert batch.refused == [
        r for r in whole.refused if any(a <= r[1] - 5 < b for a, b in stretches)
    ]


def test_refused_lines_are_handed_on_whole() -> None:
    bad = b"\xff\xfe" * 300 + b"\n"
    batch = cut_lines.cut_lines(b"ok\n" + bad + b"ok\n", position=7)
    assert batch.refused == [("not UTF-8", 10, bad)]
    assert batch.table["position"].to_pylist() == [7, 611]


def test_a_line_of_exactly_the_limit_is_read() -> None:
    line = b'"' + b"x" * (cut_lines.LINE_LIMIT - 3) + b'"\n'
    assert len(line) == cut_lines.LINE_LIMIT
    assert (cut_lines.cut_lines(line).lines, cut_lines.cut_lines(line).refused) == (1, [])
    assert [r[0] for r in cut_lines.cut_lines(b" " + line).refused] == ["line too long"]


@pytest.mark.parametrize(
    "data", [b"", b"\n", b"\r\n\r\n", b" \t \n", b"\xef\xbb\xbf", b"\xef\xbb\xbf\n"]
)
def test_nothing_but_blank_lines(data: bytes) -> None:
    assert (cut_lines.cut_lines(data).lines, len(cut_lines.cut_lines(data).table)) == (0, 0)


def test_a_byte_order_mark_is_not_part_of_the_first_line() -> None:
    table = cut_lines.cut_lines(b'\xef\xbb\xbf{"a": 1}\n{}\n').table
    assert table["line"].to_pylist() == ['{"a": 1}\n', "{}\n"]
    assert table["position"].to_pylist() == [3, 12]


def test_what_the_decoder_is_told_is_json() -> None:
    for shape in (schema.V1, schema.FRAME, schema.ANY, schema.PLC):
        assert isinstance(json.loads(shape), dict)
    assert re.fullmatch(schema.DID, "did:web:example.org")
    assert re.match(schema.AT_URI, "at://did:plc:x/app.bsky.feed.post/3k")
