"""A report as text, for a terminal of any width; long lines where output is piped."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TextIO

from rich.cells import cell_len

from blueattr.report.escape import safe_text
from blueattr.report.formats.layout import (
    GAP,
    TextColumn,
    fitting,
    lay_out,
    longest_word,
    total,
    widths,
    wrap,
)
from blueattr.report.numbers import UNDEFINED, count, iso, number, percent
from blueattr.report.tables import Block, Cell, Fact, Facts, Kind, Report, Table

__all__ = ["PIPED", "Terminal", "cell_text", "text_bytes", "text_of"]


_PIPED_WIDTH = 10_000
_BAR_CELLS = 10
_STACK_CELLS = 20
_FEWEST_CELLS = 5
_SHADES = 3
_BOLD, _DIM, _PLAIN = "\x1b[1m", "\x1b[2m", "\x1b[0m"


# A fact may be a list, such as what a topic matches, which stands nowhere else in the text.
_LONGEST_FACT = 1_500


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
    "\u2212": "-",
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
    verbose
        Whether the details of a report are shown, too.
    """

    width: int = _PIPED_WIDTH
    colour: bool = False
    unicode: bool = True
    verbose: bool = False

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


PIPED = Terminal(verbose=True)
"""A file that takes UTF-8: with every detail."""


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
        What it is written to. No line is wider, and no figure is ever cut: columns for which there
        is no room are left out, and named. A word is broken only if it is wider than the terminal.

    Returns
    -------
    str
        Lines that end in a newline and contain no control characters but that, and the
        sequences for bold and dim where the terminal has colour.
    """
    blocks = (_block(block, terminal) for block in report.blocks(verbose=terminal.verbose))
    return "\n".join("".join(line + "\n" for line in lines) for lines in blocks)


def _block(block: Block, terminal: Terminal) -> list[str]:
    if isinstance(block, Table):
        return _table(block, terminal)
    if isinstance(block, Facts):
        return _facts(block.facts, terminal)
    if block.kind == "warning":
        return _paragraphs(("! " + text for text in block.texts), terminal, _BOLD)
    return _paragraphs(block.texts, terminal, _DIM if block.kind == "more" else "")


def _paragraphs(texts: Iterable[str], terminal: Terminal, style: str = "") -> list[str]:
    return [
        _styled(line, style, terminal)
        for text in texts
        for line in wrap(_safe(text, terminal), terminal.width)
    ]


def _styled(text: str, style: str, terminal: Terminal) -> str:
    return f"{style}{text}{_PLAIN}" if style and text and terminal.colour else text


def _safe(text: str, terminal: Terminal, limit: int = 400) -> str:
    if not terminal.unicode:
        for symbol, spelling in _ASCII_SPELLINGS.items():
            text = text.replace(symbol, spelling)
    return safe_text(text, limit, ascii_only=not terminal.unicode)


def _table(table: Table, terminal: Terminal) -> list[str]:
    title = _paragraphs((table.title,), terminal, _BOLD) if table.title else []
    notes = table.notes
    if table.rows:
        columns = _columns(table.shown, terminal)
        kept = fitting(columns, terminal.width)
        if kept is None:
            body = _records(columns, terminal)
        else:
            left_out = [column.heading for k, column in enumerate(columns) if k not in kept]
            # A note on columns begins with their headings.
            notes = tuple(
                note for note in notes if not {*note.partition(":")[0].split(", ")} <= {*left_out}
            )
            body = _grid(table, [columns[k] for k in kept], left_out, terminal)
    else:
        body = ["  (nothing)"]
    return [*title, *body, *_paragraphs(notes, terminal, _DIM)]


def _columns(table: Table, terminal: Terminal) -> list[TextColumn]:
    return [
        TextColumn(
            _safe(column.heading, terminal),
            tuple(_safe(cell_text(row[k], column.kind), terminal) for row in table.rows),
            column.kind == "text",
            column.priority if column.heading else 0,  # without one it cannot be named as left out
            column.breaks,
        )
        for k, column in enumerate(table.columns)
    ]


def _grid(
    table: Table, shown: list[TextColumn], left_out: Sequence[str], terminal: Terminal
) -> list[str]:
    """Lay out the columns that fit, with bars where there is room beside all of them."""
    if not left_out:
        room = terminal.width - total([column.natural for column in shown]) - len(GAP)
        bars = _bars(table, terminal, min(room, _STACK_CELLS if table.stacks else _BAR_CELLS))
        if any(bars):
            heading = _safe(table.lengths_heading, terminal)
            shown.append(TextColumn(heading, tuple(bars), words=True))
    chosen = widths(shown, terminal.width)
    headings = lay_out([column.heading for column in shown], shown, chosen, bottom=True)
    rule = ("─" if terminal.unicode else "-") * total(chosen)
    lines = [*(_styled(line, _BOLD, terminal) for line in headings), rule]
    for row in zip(*(column.cells for column in shown), strict=True):
        lines += lay_out(row, shown, chosen)
    if left_out:
        no_room = f"No room for: {', '.join(left_out)}."
        lines += [_styled(line, _DIM, terminal) for line in wrap(no_room, terminal.width)]
    return lines


def _records(columns: Sequence[TextColumn], terminal: Terminal) -> list[str]:
    """Lay out each row as labelled lines, where a table is too wide for a terminal."""
    lines: list[str] = []
    headings = [column.heading for column in columns]
    for row in zip(*(column.cells for column in columns), strict=True):
        if lines:
            lines.append("")
        lines += _labelled(list(zip(headings, row, strict=True)), terminal)
    return lines


def cell_text(cell: Cell, kind: Kind) -> str:
    """Write one cell for people."""
    return UNDEFINED if cell is None else _WRITERS[kind](cell)


def _bars(table: Table, terminal: Terminal, cells: int) -> list[str]:
    """Draw one column of numbers; a negative one has a hollow bar."""
    if cells < max(_FEWEST_CELLS, cell_len(table.lengths_heading)) or not terminal.unicode:
        return []
    if table.stacks:
        return [_stack(parts, cells) for parts in table.stacks]
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


def _stack(parts: Sequence[float], cells: int) -> str:
    """Draw parts of a whole beside each other, in shades that go from dark to light."""
    if min(parts, default=-1) < 0:
        return ""  # no parts, or both signs: no parts of a whole
    shades = ["█", "▓", "▒", "░"] if len(parts) > _SHADES else ["█", "▓", "░"]
    ends = [round(cells * sum(parts[: k + 1])) for k in range(len(parts))]
    starts = [0, *ends[:-1]]
    return "".join(
        shades[min(k, len(shades) - 1)] * (end - start)
        for k, (start, end) in enumerate(zip(starts, ends, strict=True))
    )


def _bar(cells: float) -> str:
    whole, eighths = divmod(round(8 * abs(cells)), 8)
    if cells < 0:
        return "░" * (whole + (eighths >= 4))
    return "█" * whole + (" ▏▎▍▌▋▊▉"[eighths] if eighths else "")


def _facts(facts: Iterable[Fact], terminal: Terminal) -> list[str]:
    return _labelled(
        [(_safe(f.label, terminal), _safe(f.text, terminal, _LONGEST_FACT)) for f in facts],
        terminal,
    )


def _labelled(pairs: Sequence[tuple[str, str]], terminal: Terminal) -> list[str]:
    """Put texts beside their labels, or below them where a word would have no room."""
    label_width = max(cell_len(label) for label, _ in pairs)
    indent = label_width + len(GAP)
    lines: list[str] = []
    for label, text in pairs:
        room = terminal.width - indent
        if room >= max(longest_word(text), 1):
            first, *others = wrap(text, room)
            fill = " " * (indent - cell_len(label))
            lines.append((_styled(label, _DIM, terminal) + fill + first).rstrip())
            lines += [" " * indent + line for line in others]
        else:
            lines += [_styled(line, _DIM, terminal) for line in wrap(label, terminal.width) if line]
            lines += wrap(text, terminal.width)
    return lines
