"""The lines that screen and app share: title, legend, axis, the sample, the last minutes."""

from collections.abc import Iterable

from rich.console import Console
from rich.text import Text

from blueattr.report.formats.layout import wrap
from blueattr.report.numbers import count, lasting, percent
from blueattr.watch.draw import Colours, TerminalLook, bar, glyph, legend_style, sparkline
from blueattr.watch.picture import Picture
from blueattr.watch.words import (
    brief,
    clock,
    day_and_clock,
    names_of_tiers,
    question,
    sample_words,
    time_in,
    whole_minute,
)

__all__ = ["axis", "joined", "legend", "look_of", "minute_lines", "sample_lines", "title"]


_DATED = 76
_LABEL = 21
_LONGEST_GROUP = 16
_SHORTEST_BAR, _LONGEST_BAR = 8, 60


def look_of(console: Console, *, own_background: bool = False) -> TerminalLook:
    """Return what a console can show."""
    few: dict[str | None, Colours] = {None: "none", "standard": "few", "windows": "few"}
    colours = "none" if console.no_color else few.get(console.color_system, "many")
    unicode = console.encoding.lower().startswith("utf")
    return TerminalLook(console.width, console.height, colours, unicode, own_background)


def joined(parts: Iterable[str], look: TerminalLook) -> str:
    """Write parts one after the other, with dots between."""
    return (" · " if look.unicode else " - ").join(parts)


def title(picture: Picture, look: TerminalLook, before: str = "") -> Text:
    """Return the question at the left end of a line, and the time at its right end."""
    wide = look.width >= _DATED
    when = day_and_clock(picture.end) if wide else f"{clock(picture.end, seconds=True)} UTC"
    one, other = Text(before + question(picture), "bold"), Text(when, "dim")
    room = max(look.width - other.cell_len - 1, 0)
    one.truncate(room, pad=True, overflow="ellipsis" if look.unicode else "crop")
    return Text.assemble(one, " ", other)


def axis(picture: Picture, look: TerminalLook) -> Text:
    """Return the line below the bands: when they begin and end, and what they show."""
    if not picture.history:
        return Text("The last hours come here as they pass.", "dim")
    first, last = picture.history[0].end, picture.history[-1].end
    rule = "─" if look.unicode else "-"
    hours = lasting((last - first).total_seconds())
    what = f" share of each {'group' if picture.groups else 'tier'} in {hours} "
    begin, end = (time_in(one, last, last - first) for one in (first, last))
    room = max(look.width - len(begin) - len(end) - 2, 0)
    return Text(f"{begin} {what.center(room, rule)} {end}", "dim")


def legend(picture: Picture, look: TerminalLook) -> list[Text]:
    """Return the share of each tier, and of each group, marked as the bands are."""
    names = names_of_tiers(picture)
    parts = [(name, tier.share) for name, tier in zip(names, picture.tiers, strict=True)]
    made = [_marks(parts, look)] if parts else []
    if picture.groups:
        shown = [(brief(one.group, _LONGEST_GROUP), one.share) for one in picture.groups]
        made.append(_marks(shown, look, groups=True))
    return made


def _marks(parts: list[tuple[str, float]], look: TerminalLook, *, groups: bool = False) -> Text:
    line = Text(no_wrap=True)
    plain = look.colours == "none" or not look.unicode
    for k, (name, share) in enumerate(parts):
        mark = glyph(k, len(parts), look) if plain else "█"
        line.append("  " if k else "").append(mark, legend_style(k, look, groups=groups))
        line.append(f" {name} ").append(percent(share), "bold")
    line.truncate(look.width, overflow="ellipsis" if look.unicode else "crop")
    return line


def sample_lines(picture: Picture, look: TerminalLook) -> list[Text]:
    """Return the whole panel and what a sample would show, as bars below each other.

    Both are of the moment when the samples were drawn, which is said.
    """
    sample = picture.sample
    if sample is None or not sample.tiers:
        return [Text(line) for line in wrap(sample_words(picture), look.width)[:2]]
    made = []
    rows = ((f"everybody at {clock(sample.time)}", sample.full),
            (f"{sample.size:,} visible accounts", sample.tiers))  # fmt: skip
    for label, shares in rows:
        said = " / ".join(percent(share, unit=False) for share in shares) + " %"
        line = Text(f"{label:<{_LABEL}}")
        cells = min(look.width - _LABEL - len(said) - 1, _LONGEST_BAR)
        if cells >= _SHORTEST_BAR:
            line.append_text(bar(shares, cells, look))
            line.append(" ")
        made.append(line.append(said))
    return made


def minute_lines(picture: Picture, look: TerminalLook) -> list[Text]:
    """Return participants and posts a minute as sparklines with the latest number."""
    series = picture.series
    if series is None or not series.posts:
        return []
    made = []
    for name, values in (("participants/min", series.participants), ("posts/min", series.posts)):
        value = count(whole_minute(values))
        room = max(look.width - 18 - len(value) - 1, 0)
        made.append(Text(f"{name:<17} {sparkline(values, room, look):<{room}} {value}"))
    return made
