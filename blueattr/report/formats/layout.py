"""Words, cells and columns on lines of a given width: where to wrap, and what there is room for."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len

__all__ = ["GAP", "TextColumn", "fitting", "lay_out", "longest_word", "total", "widths", "wrap"]


GAP = "  "
"""Between two columns."""


# A column of words is not made narrower than this while another column can be left out.
_READABLE = 16
# A number stays beside its unit.
_GLUED = " %"
_GLUE = "\0%"  # safe text has no control characters


def _words(text: str) -> list[str]:
    glued = text.replace(_GLUED, _GLUE)
    return [word.replace(_GLUE, _GLUED) for word in glued.split(" ") if word]


def longest_word(text: str) -> int:
    """Return the width of the longest word in cells; a per cent sign belongs to its number."""
    return max(map(cell_len, _words(text)), default=0)


def wrap(text: str, width: int) -> list[str]:
    """Break text into lines at spaces.

    Parameters
    ----------
    text
        On one line, without control characters.
    width
        In cells, at least 1. A word is broken only if it is wider.

    Returns
    -------
    list[str]
        At least one line.
    """
    if cell_len(text) <= width:
        return [text.rstrip()]
    lines: list[str] = []
    line = ""
    for word in _words(text):
        longer = f"{line} {word}" if line else word
        if cell_len(longer) <= width:
            line = longer
            continue
        if line:
            lines.append(line)
        *whole, line = _broken(word, width)
        lines += whole
    return [*lines, line]


def _broken(word: str, width: int) -> list[str]:
    """Break a word that no line can hold into parts that lines can."""
    parts: list[str] = []
    part = ""
    for character in word:
        if part and cell_len(part + character) > width:
            parts.append(part)
            part = ""
        part += character
    return [*parts, part]


def _pad(text: str, width: int, *, right: bool = False) -> str:
    """Fill text with spaces to a width in cells; `right` aligns it to the right."""
    fill = " " * (width - cell_len(text))
    return fill + text if right else text + fill


@dataclass(frozen=True, slots=True)
class TextColumn:
    """A column laid out as text.

    Parameters
    ----------
    heading, cells
        What stands in it.
    words
        Whether it holds words, which wrap and stand left; a figure does neither.
    priority, breaks
        As of `blueattr.report.tables.Column`.
    """

    heading: str
    cells: tuple[str, ...]
    words: bool
    priority: int = 1
    breaks: bool = False

    @property
    def natural(self) -> int:
        """The width at which nothing wraps."""
        return max(cell_len(self.heading), *map(cell_len, self.cells))

    @property
    def least(self) -> int:
        """The width below which a word or a figure would be broken that must not be."""
        cell_width = longest_word if self.words else cell_len
        longest = max(map(cell_width, self.cells), default=0)
        if self.breaks:
            longest = min(longest, _READABLE)
        return max(longest_word(self.heading), longest)

    @property
    def readable(self) -> int:
        """The width below which other columns are left out instead."""
        return max(self.least, min(self.natural, _READABLE)) if self.words else self.least


def total(columns: Sequence[int]) -> int:
    """Return the width of a line of columns."""
    return sum(columns) + len(GAP) * (len(columns) - 1)


def fitting(columns: Sequence[TextColumn], width: int, fewest: int = 2) -> list[int] | None:
    """Choose the columns that there is room for.

    Parameters
    ----------
    columns
        The first is what the rows are about; it is never left out.
    width
        In cells.
    fewest
        How many columns a table must keep to be one.

    Returns
    -------
    list[int] or None
        Their positions; None if even the fewest are too wide.
    """
    kept = list(range(len(columns)))
    while total([columns[k].readable for k in kept]) > width:
        others = [k for k in kept[1:] if columns[k].priority > 0]
        if not others or len(kept) <= fewest:
            break
        kept.remove(max(others, key=lambda k: (columns[k].priority, k)))
    return kept if total([columns[k].least for k in kept]) <= width else None


def widths(columns: Sequence[TextColumn], width: int) -> list[int]:
    """Return the widths of columns that fit: none below its least, none beyond its natural one."""
    wanted = [column.natural for column in columns]
    chosen = [column.least for column in columns]
    left = width - total(chosen)
    while left > 0:
        narrow = [k for k in range(len(columns)) if chosen[k] < wanted[k]]
        if not narrow:
            break
        # The column that would take most lines gets the next cell.
        most = max(narrow, key=lambda k: (wanted[k] / chosen[k], -k))
        chosen[most] += 1
        left -= 1
    return chosen


def lay_out(
    cells: Sequence[str],
    columns: Sequence[TextColumn],
    chosen: Sequence[int],
    *,
    bottom: bool = False,
) -> list[str]:
    """Return the lines of one row, or of the headings.

    Parameters
    ----------
    cells
        One a column.
    columns, chosen
        The columns, and their widths.
    bottom
        Whether short cells stand on the last line, as headings do, rather than on the first.
    """
    wrapped = [wrap(cell, width) for cell, width in zip(cells, chosen, strict=True)]
    height = max(map(len, wrapped))
    if bottom:
        wrapped = [[""] * (height - len(lines)) + lines for lines in wrapped]
    return [
        GAP.join(
            _pad(lines[k] if k < len(lines) else "", width, right=not column.words)
            for lines, column, width in zip(wrapped, columns, chosen, strict=True)
        ).rstrip()
        for k in range(height)
    ]
