"""Moving bands and sparklines in character cells."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby, pairwise
from typing import Literal

from rich.text import Text

from blueattr.watch.picture import PastShares

__all__ = [
    "Colours",
    "TerminalLook",
    "bands",
    "bar",
    "columns",
    "glyph",
    "legend_style",
    "sparkline",
]


Colours = Literal["none", "few", "many"]
"""How many colours a terminal has."""


@dataclass(frozen=True, slots=True)
class TerminalLook:
    """What a terminal can show.

    Parameters
    ----------
    width, height
        In character cells.
    colours
        ``few`` for the sixteen that every terminal has.
    unicode
        Whether anything outside ASCII may be shown.
    own_background
        Whether what is drawn chooses its background, which is dark then.
    """

    width: int = 80
    height: int = 24
    colours: Colours = "many"
    unicode: bool = True
    own_background: bool = False


# The blues of the figures, which are told apart by lightness; the second row is between black and
# white, for terminals whose background is not known.
_DARK = ("#eef5fb", "#5f9fc8", "#2b5674")
_EITHER = ("#1f5a8c", "#5f9fc8", "#a9cfe8")
_FEW_DARK = ("bright_white", "cyan", "blue")
_FEW_EITHER = ("blue", "cyan", "white")
# Groups have colours of their own, whose neighbours differ in lightness.
_MANY_GROUPS = ("#e0a458", "#7d9c6a", "#e6bcd8", "#a8633e", "#b9d1a7", "#8d5f86", "#f3dcae",
                "#6f7780")  # fmt: skip
_FEW_GROUPS = ("yellow", "green", "bright_magenta", "red", "bright_green", "magenta",
               "bright_yellow", "bright_black")  # fmt: skip
_GLYPHS = ("█", "▓", "▒", "░")
_ASCII_GLYPHS = ("#", "+", "-", ".")
_LOWER = " ▁▂▃▄▅▆▇█"
_ASCII_LEVELS = " .:-=+*#@"


def glyph(part: int, parts: int, look: TerminalLook) -> str:
    """Return the character that stands for a part of a band where there is no colour."""
    marks = _GLYPHS if look.unicode else _ASCII_GLYPHS
    return marks[3] if (part, parts) == (2, 3) else marks[part % len(marks)]


def _colour(part: int, look: TerminalLook, *, groups: bool) -> str:
    few = look.colours == "few"
    every: tuple[str, ...]
    if groups:
        every = _FEW_GROUPS if few else _MANY_GROUPS
    elif look.own_background:
        every = _FEW_DARK if few else _DARK
    else:
        every = _FEW_EITHER if few else _EITHER
    return every[part % len(every)]


def legend_style(part: int, look: TerminalLook, *, groups: bool = False) -> str:
    """Return the style of a part's mark in a legend."""
    return "" if look.colours == "none" else _colour(part, look, groups=groups)


def _whole(shares: Sequence[float]) -> tuple[float, ...] | None:
    """Return shares as parts of a whole; a negative one is drawn as none."""
    parts = [max(share, 0.0) for share in shares]
    total = sum(parts)
    return tuple(part / total for part in parts) if total > 0 else None


def columns(
    history: Sequence[PastShares], width: int, *, groups: bool = False
) -> list[tuple[float, ...] | None]:
    """Return what each column of the bands shows, from the oldest moment to the newest.

    Parameters
    ----------
    history
        Moments, the oldest first.
    width
        How many columns there are; each shows the last moment of its part of the time.
    groups
        Whether groups are shown and not tiers.

    Returns
    -------
    list
        Parts of 1 by column; None where there was no total, or nothing yet.
    """
    if not history or width < 1:
        return [None] * max(width, 0)
    first, last = history[0].end, history[-1].end
    span = (last - first) / width
    found: list[tuple[float, ...] | None] = []
    k = 0
    for column in range(width):
        until = last if column == width - 1 else first + span * (column + 1)
        while k + 1 < len(history) and history[k + 1].end <= until:
            k += 1
        shares = history[k].groups if groups else history[k].tiers
        found.append(_whole(shares))
    return found


def bands(
    history: Sequence[PastShares], rows: int, look: TerminalLook, *, groups: bool = False
) -> list[Text]:
    """Draw shares over time as bands that lie on each other, the first on top.

    Parameters
    ----------
    history
        Moments, the oldest first.
    rows
        How many lines to draw.
    look
        The terminal; its width is the number of columns.
    groups
        Whether groups are drawn and not tiers.

    Returns
    -------
    list of Text
        `rows` lines of `look.width` cells.
    """
    shown = columns(history, look.width, groups=groups)
    lines = []
    for row in range(rows):
        line = Text(no_wrap=True, end="")
        cells = (_cell(parts, row, rows, look, groups=groups) for parts in shown)
        for style, alike in groupby(cells, key=lambda cell: cell[1]):
            line.append("".join(mark for mark, _ in alike), style)
        lines.append(line)
    return lines


def bar(shares: Sequence[float], cells: int, look: TerminalLook) -> Text:
    """Draw shares beside each other as parts of a bar of so many cells."""
    parts = _whole(shares)
    line = Text()
    if parts is None:
        return Text(" " * cells)
    edges = [0, *(round(cells * end) for end in accumulate(parts))]
    for k, (start, end) in enumerate(pairwise(edges)):
        mark = "█" if look.unicode and look.colours != "none" else glyph(k, len(parts), look)
        line.append(mark * (end - start), legend_style(k, look) or None)
    return line


def _cell(
    parts: tuple[float, ...] | None, row: int, rows: int, look: TerminalLook, *, groups: bool
) -> tuple[str, str | None]:
    """Return the character of one cell, whose lower part may belong to another band."""
    if parts is None:
        return " ", None
    ends = list(accumulate(parts))
    top, bottom = row / rows, (row + 1) / rows
    if look.colours == "none" or not look.unicode:
        part = _at(ends, (top + bottom) / 2)
        style = None if look.colours == "none" else _colour(part, look, groups=groups)
        return glyph(part, len(parts), look), style
    upper, lower = _at(ends, top + 1 / (16 * rows)), _at(ends, bottom - 1 / (16 * rows))
    if upper == lower:
        return "█", _colour(upper, look, groups=groups)
    eighths = min(max(round(8 * (bottom - ends[lower - 1]) * rows), 0), 8)
    fore, back = _colour(lower, look, groups=groups), _colour(upper, look, groups=groups)
    if eighths in {0, 8}:
        return "█", fore if eighths == 8 else back
    return _LOWER[eighths], f"{fore} on {back}"


def _at(ends: Sequence[float], place: float) -> int:
    return next((k for k, end in enumerate(ends) if place < end), len(ends) - 1)


def sparkline(values: Sequence[float], width: int, look: TerminalLook) -> str:
    """Draw values as a line of bars; more values than cells are averaged.

    >>> sparkline([0, 1, 2, 4], 4, TerminalLook())
    ' ▂▄█'
    """
    if not values or width < 1:
        return ""
    cells = min(width, len(values))
    edges = [k * len(values) // cells for k in range(cells + 1)]
    means = [sum(values[a:b]) / (b - a) for a, b in pairwise(edges)]
    highest = max(means)
    levels = _LOWER if look.unicode else _ASCII_LEVELS
    if highest <= 0:
        return levels[0] * cells
    steps = len(levels) - 1
    return "".join(levels[max(1, round(steps * mean / highest)) if mean > 0 else 0]
                   for mean in means)  # fmt: skip
