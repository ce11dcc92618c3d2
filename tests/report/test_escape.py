"""Hostile text is harmless where it is read, and whole where it is data."""

import json
import re
import sys
import unicodedata

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from blueattr.report.escape import _INVISIBLE, FORMULA, HIDDEN, guard_cell, safe_json, safe_text
from support.effort import law
from support.hostile_text import HOSTILE, harmless

LAW = law(300)


texts = st.text(st.characters(), max_size=60) | st.sampled_from(HOSTILE)  # surrogates included


@LAW
@given(texts)
def test_a_terminal_gets_one_line_without_controls(text: str) -> None:
    shown = safe_text(text, limit=None)
    assert all(harmless(c) for c in shown)
    assert len(shown.splitlines()) <= 1
    shown.encode()


def test_no_character_escapes_the_escape() -> None:
    hostile = [c for c in map(chr, range(sys.maxunicode + 1)) if not harmless(c)]
    assert len(hostile) > 2_000
    assert all(safe_text(c).isascii() and safe_text(c).startswith("\\") for c in hostile)


@LAW
@given(texts)
def test_an_ascii_terminal_gets_ascii(text: str) -> None:
    assert safe_text(text, ascii_only=True).isascii()


@LAW
@given(st.text(st.characters(categories=["L", "N", "P", "Sm", "Zs"]), max_size=50))
def test_ordinary_text_is_left_alone(text: str) -> None:
    assert safe_text(text) == text


def test_escapes_are_spelled_out() -> None:
    assert safe_text("\x1b[31m\u202e\n\ud800") == r"\x1b[31m\u202e\n\ud800"


def test_long_text_says_how_much_is_missing() -> None:
    shown = safe_text("x" * 100_000)
    assert shown == "x" * 400 + " [99,600 more characters]"


@LAW
@given(texts)
def test_a_cell_is_no_formula(text: str) -> None:
    cell = guard_cell(text)
    # What a spreadsheet sees first, after whatever it strips.
    first = re.sub(rf"^[\s{_INVISIBLE}]+", "", cell)[:1]
    assert unicodedata.normalize("NFKC", first) not in {"=", "+", "-", "@"}
    assert not re.search(HIDDEN, cell)
    cell.encode()


@LAW
@given(texts)
def test_a_cell_keeps_its_text(text: str) -> None:
    cell = guard_cell(text)
    if not re.search(rf"{FORMULA}|{HIDDEN}|[\ud800-\udfff]", text):
        assert cell == text
    assert len(cell) >= len(text)


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@x", "\tx", "\rx", " =1", "\u200b=1", "＝1"])  # noqa: RUF001 - fullwidth on purpose
def test_formulas_are_guarded(text: str) -> None:
    assert guard_cell(text).startswith("'")


@pytest.mark.parametrize("text", ["did:plc:abc", "a-b", "1=1", "x@y", ""])
def test_others_are_not(text: str) -> None:
    assert guard_cell(text) == text


@LAW
@given(st.lists(texts))
@example(["\x7f", "\u0085", "\u2028", "\U000e0041", "\\", '"', "\\ud800", "\ud800"])
def test_json_parses_to_the_same_value(values: list[str]) -> None:
    encoded = safe_json(json.dumps(values, ensure_ascii=False, indent=2))
    assert not re.search(HIDDEN, encoded.replace("\n", ""))
    spelled = [re.sub(r"[\ud800-\udfff]", lambda m: f"\\u{ord(m[0]):04x}", v) for v in values]
    assert json.loads(encoded.encode()) == spelled


@LAW
@given(st.lists(st.text(max_size=20) | st.sampled_from([h for h in HOSTILE if "\ud800" not in h])))
def test_both_regular_expression_engines_agree(values: list[str]) -> None:
    column = pl.Series("text", values, pl.String)
    for pattern in (FORMULA, HIDDEN):
        expected = [bool(re.search(pattern, value)) for value in values]
        assert column.str.contains(pattern).to_list() == expected
