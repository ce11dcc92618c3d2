"""At any width no line is too wide, no word is broken, and what is left out is named."""

import re
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from blueattr.report import Column, Fact, Report, Table, safe_text
from blueattr.report.formats.layout import TextColumn, fitting, widths, wrap
from blueattr.report.formats.text import Terminal, cell_text, text_of
from blueattr.report.tables import Cell, Kind
from support.effort import costly_law, law
from support.golden_cases import REPORTS

NO_ROOM = "No room for: "
LETTERS = st.sampled_from("abmxyz019-_.:/#éß日本🦋·±")
WORDS = st.text(LETTERS, min_size=1, max_size=12) | st.text(LETTERS, min_size=30, max_size=90)
# Longer text is cut short in its cell.
TEXTS = st.lists(WORDS | st.just("45 %"), max_size=12).map(" ".join).filter(lambda s: len(s) < 400)
KINDS: st.SearchStrategy[Kind] = st.sampled_from(["text", "text", "figure", "int", "share"])


def cells_of(kind: Kind) -> st.SearchStrategy[Cell]:
    values: dict[Kind, st.SearchStrategy[Cell]] = {
        "text": TEXTS,
        "figure": st.sampled_from(["44.9 ± 4.3 %", "+33.4 ± 4.3", "10 of 10"]),
        "int": st.integers(0, 10**9),
        "share": st.floats(-1, 1),
    }
    return st.none() | values[kind]


@st.composite
def tables(draw: st.DrawFn) -> Table:
    kinds = draw(st.lists(KINDS, min_size=1, max_size=8))
    columns = tuple(
        Column(f"c{k}", f"h{k}h {draw(TEXTS)}".strip(), kind, draw(st.integers(0, 3)))
        for k, kind in enumerate(kinds)
    )
    rows = draw(st.lists(st.tuples(*map(cells_of, kinds)), max_size=4))
    lengths = tuple(draw(st.floats(0, 1)) for _ in rows) if draw(st.booleans()) else ()
    return Table("t", draw(TEXTS), columns, tuple(rows), tuple(draw(st.lists(TEXTS, max_size=2))),
                 lengths=lengths, lengths_heading="rest")  # fmt: skip


REPORTS_OF_ANY_TEXT = st.builds(
    Report,
    kind=st.just("any"),
    tables=st.tuples(tables()),
    summary=st.lists(TEXTS, max_size=3).map(tuple),
    warnings=st.lists(TEXTS, max_size=1).map(tuple),
    notes=st.lists(TEXTS, max_size=2).map(tuple),
    facts=st.lists(st.builds(Fact, WORDS, TEXTS), max_size=4).map(tuple),
    more=st.just("More: --verbose"),
)


def plain(report: Report, width: int) -> list[str]:
    shown = text_of(report, Terminal(width=width, colour=True, verbose=True))
    return re.sub(r"\x1b\[\d+m", "", shown).splitlines()


def words(text: str) -> list[str]:
    return [word.replace("\0", " ") for word in text.replace(" %", "\0%").split(" ") if word]


def texts_of(report: Report, left_out: str) -> Iterator[str]:
    yield from (*report.summary, *report.warnings, *report.notes)
    for fact in report.facts:
        yield from (fact.label, fact.text)
    for table in (*report.tables, *report.lists, *report.details):
        yield table.title
        headings = {column.heading for column in table.columns}
        for note in table.notes:
            # One on columns that are left out goes with them.
            about = {*note.partition(":")[0].split(", ")}
            if not about <= headings or not all(one in left_out for one in about):
                yield note
        for k, column in enumerate(table.columns):
            mark = re.match(r"h\dh", column.heading)
            if column.heading and (mark[0] if mark else column.heading) in left_out:
                continue
            if k and column.kind == "text" and all(row[k] in {None, ""} for row in table.rows):
                continue
            if table.rows:
                yield column.heading
            for row in table.rows:
                yield cell_text(row[k], column.kind)


def check(report: Report, width: int) -> None:
    """Hold a report to the law at a width."""
    lines = plain(report, width)
    assert max(map(cell_len, lines), default=0) <= width
    assert all(line == line.rstrip() for line in lines)
    left_out = re.sub(r" +", " ", " ".join(lines)).partition(NO_ROOM)[2]
    shown = {word for line in lines for word in words(line)}
    for source in texts_of(report, left_out):
        for word in words(safe_text(source)):
            assert word in shown or cell_len(word) > width, (word, width)


@costly_law(200)
@given(REPORTS_OF_ANY_TEXT, st.integers(40, 200))
def test_a_line_is_wider_than_the_terminal_or_a_word_is_broken(report: Report, width: int) -> None:
    check(report, width)


@pytest.mark.parametrize("width", [40, 47, 60, 80, 100, 200])
def test_a_line_of_a_real_report_is_too_wide_or_a_word_of_it_is_broken(width: int) -> None:
    assert len(REPORTS) > 15
    for report in REPORTS.values():
        check(report, width)


@law(200)
@given(TEXTS, st.integers(1, 100))
def test_wrapping_loses_or_moves_a_word(text: str, width: int) -> None:
    lines = wrap(text, width)
    assert lines
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert all(cell_len(line) <= max(width, 2) for line in lines)  # a character may take two cells


def test_columns_are_left_out_in_another_order_than_that_of_their_priority() -> None:
    columns = [
        TextColumn("name", ("x" * 10,), words=True, priority=3),
        TextColumn("a", ("1" * 10,), words=False, priority=2),
        TextColumn("b", ("2" * 10,), words=False, priority=0),
        TextColumn("c", ("3" * 10,), words=False, priority=1),
        TextColumn("d", ("4" * 10,), words=False, priority=1),
    ]
    kept = {width: fitting(columns, width) for width in (58, 57, 45, 33, 22, 21)}
    assert kept == {
        58: [0, 1, 2, 3, 4],
        57: [0, 2, 3, 4],
        45: [0, 2, 3],
        33: [0, 2],
        22: [0, 2],
        21: None,
    }


def test_a_column_is_left_out_although_words_can_wrap() -> None:
    columns = [
        TextColumn("note", ("a sentence that goes on for some time",), words=True),
        TextColumn("n", ("12,345",), words=False),
        TextColumn("of what there is", ("1",), words=False),
    ]
    assert fitting(columns, 32) == [0, 1, 2]
    assert widths(columns, 32) == [15, 6, 7]


def test_a_table_that_is_too_wide_is_not_given_as_records() -> None:
    did = "did:web:" + "x" * 30
    columns = (Column("did", "account"), Column("n", "n", "int", 0))
    table = Table("t", "Accounts", columns, ((did, 1), (did, 2)))
    shown = text_of(Report("any", (table,)), Terminal(width=40))
    assert shown == f"Accounts\naccount\n{did}\nn        1\n\naccount\n{did}\nn        2\n"


def test_bars_are_drawn_where_a_column_had_no_room() -> None:
    columns = (
        Column("a", "account"),
        Column("n", "a number", "int"),
        Column("m", "12345678901234", "int"),
    )
    table = Table("t", "", columns, (("x" * 20, 1, 2),), stacks=((0.5, 0.5),))
    assert "█" in text_of(Report("any", (table,)), Terminal(width=60))
    narrow = text_of(Report("any", (table,)), Terminal(width=40))
    assert "No room for: 12345678901234." in narrow
    assert "█" not in narrow


def test_a_note_on_several_columns_stays_as_long_as_one_of_them_does() -> None:
    columns = (
        Column("a", "account"),
        Column("k", "k", "int"),
        Column("n", "written", "int"),
        Column("m", "received", "int"),
    )
    note = "written, received: so far."
    table = Table("t", "", columns, (("x" * 20, 1, 2, 3),), (note,))
    for width, headings, shown in ((60, 4, True), (34, 3, True), (28, 2, False)):
        header, *lines = text_of(Report("any", (table,)), Terminal(width=width)).splitlines()
        assert (len(header.split()), note in lines) == (headings, shown)


def test_a_narrow_terminal_shows_what_posts_carry_before_what_they_received() -> None:
    report = REPORTS["posts"]
    headings = {}
    for width in (120, 80, 60):
        (header,) = (
            line
            for line in text_of(report, Terminal(width=width)).splitlines()
            if line.startswith("account")
        )
        headings[width] = header.split()
    assert {"replies", "share", "text"} <= {*headings[120]}
    assert {"share", "text"} <= {*headings[80]}
    assert {"share", "text"} <= {*headings[60]}
    assert "replies" not in headings[60]


def test_a_whole_did_and_a_word_without_end_leave_room_for_what_a_post_says() -> None:
    did, link = "did:plc:" + "x" * 24, "https://" + "long" * 12
    columns = (
        Column("did", "account"),
        Column("kind", "kind"),
        Column("share", "share", "share", 0),
        Column("text", "text", priority=0, breaks=True),
    )
    table = Table("t", "", columns, ((did, "post", 0.1, f"see {link}"),))
    shown = text_of(Report("any", (table,)), Terminal(width=60))
    assert shown.splitlines()[0].split() == ["account", "share", "text"]
    assert link in "".join(shown.split())
