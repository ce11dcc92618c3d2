"""Rows of separated values: no quotation mark takes rows that follow, and none is lost unsaid."""

import csv
import io
from collections.abc import Iterator, Sequence
from unittest.mock import patch

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from blueattr.errors import InputError
from blueattr.sources.tables import rows
from blueattr.sources.tables.rows import NOT_CLOSED, TOO_LONG, whole_rows
from support.effort import law

Found = tuple[bytes, list[tuple[str, int]]]


def cut(pieces: Sequence[bytes], width: int = 3, limit: int = 1000, delimiter: str = ",") -> Found:
    refused: list[tuple[str, int]] = []
    given_back = whole_rows(
        iter(pieces), delimiter, width, limit, lambda *reason: refused.append(reason)
    )
    return b"".join(given_back), refused


@pytest.mark.parametrize(
    ("text", "left", "lines"),
    [
        # Closed by the mark that opens a value further down.
        (b'1,"a\n2,b,c\n3,"d",e\n', b'2,b,c\n3,"d",e\n', [1]),
        (b'h,i,j\n1,x,"a\n2,b,c\n3,d,"e"\n', b'h,i,j\n2,b,c\n3,d,"e"\n', [2]),
        # Never closed; also with a mark that is doubled.
        (b'1,"a,x\n2,b,c\n3,d,e', b"2,b,c\n3,d,e", [1]),
        (b'1,"a"",x\n2,b,c\n', b"2,b,c\n", [1]),
        # Closed at the end of another value: with too few values or too many.
        (b'1,"a\n2,b",c\n3,d,e\n', b'1,"a\n2,b",c\n3,d,e\n', []),
        (b'1,x,"a\n2,b",c\n3,d,e\n', b'2,b",c\n3,d,e\n', [1]),
        (b'1,"a\n2,b"\n3,d,e\n', b'2,b"\n3,d,e\n', [1]),
        # Three, one after the other.
        (b'1,"a,x\n2,"b,y\n3,"c,z\n4,d,e\n', b"4,d,e\n", [1, 2, 3]),
        # Of one line nothing is taken along, so that it is left as it is.
        (b'1,5" pipe,x\n2,"a "b" c",d\n3,"e"f,g\n', b'1,5" pipe,x\n2,"a "b" c",d\n3,"e"f,g\n', []),
        # What is right, on several lines, with marks that are doubled, with blanks.
        (b'1,"a\n\n""b""\n",c\r\n"2","b","c"\r', b'1,"a\n\n""b""\n",c\r\n"2","b","c"\r', []),
        (b'1,"a\nb" ,c\n2,"",""\n', b'1,"a\nb" ,c\n2,"",""\n', []),
        (b'\xef\xbb\xbf"h","i","j"\n1,"a,x\n2,b,c\n', b'"h","i","j"\n2,b,c\n', [2]),
        (b'1,x,"a\r\n2,b,c\r\n3,d,"e"\r\n', b'2,b,c\r\n3,d,"e"\r\n', [1]),
        (b'0,0,0\r1,x,"a\r2,b,c\r3,d,"e"\r', b'0,0,0\r2,b,c\r3,d,"e"\r', [2]),
    ],
)
def test_a_mark_that_is_not_closed_takes_no_line_but_its_own(
    text: bytes, left: bytes, lines: list[int]
) -> None:
    assert cut([text]) == (left, [(NOT_CLOSED, line) for line in lines])


ALPHABET = st.text(alphabet='a,"\n\r ', max_size=60).map(str.encode)


@law(300)
@given(ALPHABET, st.lists(st.integers(1, 9)), st.integers(1, 20))
@example(b'"\n""\r\n,"', [1, 1, 1, 1, 1, 1, 1], 1)
def test_nothing_depends_on_where_pieces_end_or_on_how_many_are_looked_at(
    text: bytes, sizes: list[int], block: int
) -> None:
    whole = cut([text], 2)
    pieces, at = [], 0
    for size in sizes:
        pieces.append(text[at : at + size])
        at += size
    with patch.object(rows, "_BLOCK", block):
        assert cut([*pieces, text[at:]], 2) == whole
    # One by one, as rows are that are odd.
    with patch.object(rows._Cutter, "_sound", lambda *_: (0, True)):
        assert cut([text], 2) == whole


@law(200)
@given(ALPHABET, st.integers(1, 12), st.integers(1, 12))
def test_each_line_is_there_or_named(text: bytes, limit: int, block: int) -> None:
    with patch.object(rows, "_BLOCK", block):
        left, refused = cut([text[k : k + 5] for k in range(0, len(text), 5)], 2, limit)
    text = text.removeprefix(b"\xef\xbb\xbf")
    lines = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    numbers = {line for _, line in refused}
    assert len(numbers) == len([line for _, line in refused])
    kept = [line for k, line in enumerate(lines, 1) if k not in numbers]
    got = left.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    # A line that is left out goes with its end.
    assert [line for line in got if line] == [line for line in kept if line]


@law(100)
@given(
    st.lists(st.lists(st.text(alphabet='a,"\n ', max_size=9), min_size=3, max_size=3), max_size=9),
    st.sampled_from(["\n", "\r\n"]),
)
def test_a_table_that_is_right_stays_as_it_is(table: list[list[str]], end: str) -> None:
    written = io.StringIO(newline="")
    csv.writer(written, lineterminator=end).writerows(table)
    text = written.getvalue().encode()
    assert cut([text]) == (text, [])


def test_a_row_that_is_too_long_is_passed_over_and_the_next_is_read() -> None:
    long = b"x" * 50
    for middle in (long + b",a,b", b'1,"' + long + b'",c'):
        for size in (7, 20, 1000):
            text = b"h,i,j\n" + middle + b"\n2,b,c\n" + middle
            pieces = [text[k : k + size] for k in range(0, len(text), size)]
            with patch.object(rows, "_BLOCK", 5):
                assert cut(pieces, limit=40) == (
                    b"h,i,j\n2,b,c\n", [(TOO_LONG, 2), (TOO_LONG, 4)]
                )  # fmt: skip


def test_what_goes_on_for_ever_is_not_held() -> None:
    endless = [b'1,"' + b"x\n" * 50] + [b"y,z,w\n" * 20] * 40

    with (
        patch.object(rows, "_BLOCK", 10),
        patch.object(rows._Cutter, "cut", autospec=True, side_effect=rows._Cutter.cut) as cuts,
    ):
        left, refused = cut(endless, limit=300)
        held = [len(call.args[1]) for call in cuts.call_args_list]
    assert left.endswith(b"y,z,w\n" * 800)
    assert refused == [(NOT_CLOSED, 1)]
    assert max(held) < 1000


def test_of_bytes_that_end_in_a_failure_whole_rows_are_there() -> None:
    def fails() -> Iterator[bytes]:
        yield b'1,a,b\n2,"c\n'
        raise InputError("damaged")

    refused: list[tuple[str, int]] = []
    found = whole_rows(fails(), ",", 3, 99, lambda *each: refused.append(each))
    assert next(found) == b"1,a,b\n"
    with pytest.raises(InputError, match="damaged"):
        next(found)
    assert refused == []
