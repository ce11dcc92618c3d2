"""A report as text: Rich tables for a terminal of any width, plain lines where output is piped."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from io import StringIO
from textwrap import wrap
from typing import Any, TextIO

from rich import box
from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.table import Table as RichTable
from rich.text import Text

from blueattr.report.escape import safe_text
from blueattr.report.numbers import UNDEFINED, count, iso, number, percent
from blueattr.report.tables import Cell, Column, Fact, Kind, Report, Table

__all__ = ["PIPED", "Terminal", "text_bytes", "text_of"]


_PIPED_WIDTH = 10_000
_BAR_CELLS = 10
_FEWEST_CELLS = 5
# When a table must be narrowed to fit, only words longer than this are broken.
_WIDEST_WORD = 24


# A fact may be a list, such as what a topic matches, which stands nowhere else in the text.
_LONGEST_FACT = 1_500


_ASCII_BOX = box.Box(str(box.SIMPLE_HEAD).replace("─", "-"), ascii=True)


# Symbols in the reports' own text, for terminals that show only ASCII.
_ASCII_SPELLINGS = {
    "±": "+/-",
    "λ": "lambda",
    "τ": "tau",
    "≥": ">=",
    "∞": "inf",
    "–": "-",  # noqa: RUF001 - the dash is what is replaced
    "×": "x",  # noqa: RUF001 - the sign is what is replaced
    "·": "*",
    "Σ": "sum",
}


# A table's cells are checked against their kinds when it is made.
_WRITERS: dict[Kind, Callable[[Any], str]] = {
    "text": str,
    "figure": str,
    "int": count,
    "float": number,
    "share": percent,
    "bool": lambda cell: "yes" if cell else "no",
    "date": iso,
    "time": iso,
}


@dataclass(frozen=True, slots=True)
class Terminal:
    """What text is written for; the text depends on the report and on this alone.

    Parameters
    ----------
    width
        In character cells.
    colour
        Whether escape sequences for bold and dim may be written.
    unicode
        Whether anything outside ASCII may be written.
    """

    width: int = _PIPED_WIDTH
    colour: bool = False
    unicode: bool = True

    @classmethod
    def of(cls, stream: TextIO, environ: Mapping[str, str] | None = None) -> "Terminal":
        """Return the terminal that a stream writes to.

        Parameters
        ----------
        stream
            Where the text will go. A stream that is no terminal gets wide lines without colour.
        environ
            Defaults to the process's environment: ``NO_COLOR`` (if not empty), ``TERM=dumb`` and
            ``COLUMNS`` are honoured.
        """
        environ = os.environ if environ is None else environ
        encoding = (getattr(stream, "encoding", None) or "ascii").lower().replace("-", "")
        piped = cls(unicode=encoding.startswith("utf"))
        if not stream.isatty():
            return piped
        columns = environ.get("COLUMNS", "")
        try:
            width = (
                int(columns) if columns.isdecimal() else os.get_terminal_size(stream.fileno())[0]
            )
        except OSError:
            width = 0
        colour = not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"
        return replace(piped, width=width if width > 0 else 80, colour=colour)


PIPED = Terminal()
"""A file or a pipe that takes UTF-8."""


def text_bytes(report: Report, terminal: Terminal = PIPED) -> bytes:
    """Encode `text_of` a report as UTF-8, which is plain ASCII where the terminal wants that."""
    return text_of(report, terminal).encode()


def text_of(report: Report, terminal: Terminal = PIPED) -> str:
    """Lay out a report for people.

    Parameters
    ----------
    report
        Any.
    terminal
        What it is written to. No number is ever cut short: a table whose figures need more
        width than there is gets it, and words wrap.

    Returns
    -------
    str
        Lines that end in a newline and contain no control characters but that, and the
        sequences for bold and dim where the terminal has colour.
    """
    blocks: list[list[RenderableType]] = []
    if report.summary:
        blocks.append([_paragraph(line, terminal) for line in report.summary])
    if report.warnings:
        blocks.append([_paragraph("! " + line, terminal, "bold") for line in report.warnings])
    blocks.extend(list(_table(table, terminal)) for table in report.tables)
    if report.facts:
        blocks.append([_facts(report.facts, terminal)])
    return "\n".join(_print(block, terminal) for block in blocks)


def _print(block: Iterable[RenderableType], terminal: Terminal) -> str:
    """Print by a Rich console that does not depend on the process's environment."""
    out = StringIO()
    for item in block:
        console = Console(
            file=out,
            width=max(terminal.width, _needed(item)),
            force_terminal=terminal.colour,
            color_system="standard" if terminal.colour else None,
            no_color=not terminal.colour,
            legacy_windows=False,
            force_jupyter=False,
            markup=False,
            emoji=False,
            highlight=False,
            _environ={},
        )
        console.print(item)
    return "".join(line.rstrip() + "\n" for line in out.getvalue().splitlines())


def _needed(item: RenderableType) -> int:
    """Return the least width at which no figure of a table is cut."""
    if not isinstance(item, RichTable):
        return 0
    widths = []
    for column in item.columns:
        cells = [cell.plain for cell in (column.header, *column.cells) if isinstance(cell, Text)]
        if column.no_wrap:
            widths.append(max(map(cell_len, cells)))
        else:
            words = (cell_len(word) for cell in cells for word in cell.split())
            widths.append(min(max(words, default=0), _WIDEST_WORD))
    return sum(widths) + 2 * len(widths)


def _text(text: str, terminal: Terminal, style: str = "") -> Text:
    return Text(_safe(text, terminal), style=style, overflow="fold")


def _paragraph(text: str, terminal: Terminal, style: str = "") -> Text:
    """Wrap a sentence, but never between a number and its per cent sign."""
    joined = _safe(text, terminal).replace(" %", "\0%")  # safe text has no control characters
    lines = wrap(joined, terminal.width, break_long_words=False, break_on_hyphens=False)
    return Text("\n".join(lines).replace("\0", " "), style=style, overflow="fold")


def _safe(text: str, terminal: Terminal, limit: int = 400) -> str:
    if not terminal.unicode:
        for symbol, spelling in _ASCII_SPELLINGS.items():
            text = text.replace(symbol, spelling)
    return safe_text(text, limit, ascii_only=not terminal.unicode)


def _table(table: Table, terminal: Terminal) -> Iterable[RenderableType]:
    if table.title:
        yield _text(table.title, terminal, "bold")
    if table.rows:
        yield _grid(table, terminal)
    else:
        yield _text("  (nothing)", terminal)
    for note in table.notes:
        yield _paragraph(note, terminal, "dim")


def _grid(table: Table, terminal: Terminal) -> RichTable:
    plain = _rows(table, terminal, 0)
    # Bars are drawn where there is room for them beside the numbers.
    cells = min(_BAR_CELLS, terminal.width - _needed(plain) - 2)
    least = max(_FEWEST_CELLS, len(table.lengths_heading))
    return plain if cells < least else _rows(table, terminal, cells)


def _rows(table: Table, terminal: Terminal, bar_cells: int) -> RichTable:
    grid = RichTable(
        box=box.SIMPLE_HEAD if terminal.unicode else _ASCII_BOX,
        show_edge=False,
        pad_edge=False,
        padding=(0, 1, 0, 0),
        header_style="bold" if terminal.colour else "",
    )
    # Leave out a column of text that is empty in every row.
    visible = [
        position
        for position, column in enumerate(table.columns)
        if column.kind != "text" or any(row[position] not in {None, ""} for row in table.rows)
    ]
    for position in visible:
        _add_column(grid, table.columns[position], terminal)
    bars = _bars(table, terminal, bar_cells)
    if bars:
        grid.add_column(_text(table.lengths_heading, terminal), no_wrap=True)
    for number_of_row, row in enumerate(table.rows):
        cells = [
            _cell(row[position], table.columns[position].kind, terminal) for position in visible
        ]
        if bars:
            cells.append(Text(bars[number_of_row]))
        grid.add_row(*cells)
    return grid


def _add_column(grid: RichTable, column: Column, terminal: Terminal) -> None:
    words = column.kind == "text"
    grid.add_column(
        _text(column.heading, terminal),
        justify="left" if words else "right",
        no_wrap=not words,
        overflow="fold",
    )


def _cell(cell: Cell, kind: Kind, terminal: Terminal) -> Text:
    return _text(cell_text(cell, kind), terminal)


def cell_text(cell: Cell, kind: Kind) -> str:
    """Write one cell for people."""
    return UNDEFINED if cell is None else _WRITERS[kind](cell)


def _bars(table: Table, terminal: Terminal, cells: int) -> list[str]:
    """Draw one column of numbers; a negative one has a hollow bar."""
    if not cells or not terminal.unicode:
        return []
    cells_of_bars: Sequence[Cell] = table.lengths
    least = 1.0
    if not cells_of_bars:
        if table.bars is None:
            return []
        position = [column.name for column in table.columns].index(table.bars)
        cells_of_bars = [row[position] for row in table.rows]
        least = 1.0 if table.columns[position].kind == "share" else 0.0
    lengths = [cell if isinstance(cell, float | int) else 0.0 for cell in cells_of_bars]
    longest = max(least, *(abs(length) for length in lengths))
    return [_bar(length * cells / longest) if longest else "" for length in lengths]


def _bar(cells: float) -> str:
    whole, eighths = divmod(round(8 * abs(cells)), 8)
    if cells < 0:
        return "░" * (whole + (eighths >= 4))
    return "█" * whole + (" ▏▎▍▌▋▊▉"[eighths] if eighths else "")


def _facts(facts: Iterable[Fact], terminal: Terminal) -> RichTable:
    grid = RichTable.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True, style="dim" if terminal.colour else "")
    grid.add_column(overflow="fold")
    for fact in facts:
        text = Text(_safe(fact.text, terminal, _LONGEST_FACT), overflow="fold")
        grid.add_row(_text(fact.label, terminal), text)
    return grid
