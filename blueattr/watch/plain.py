"""One screen of text, drawn again with each picture; without a terminal, a line a minute."""

import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC
from itertools import zip_longest
from typing import TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from blueattr.report.escape import safe_text
from blueattr.report.formats.layout import wrap
from blueattr.report.numbers import count, lasting, number, percent
from blueattr.watch.draw import Colours, Look, bands, glyph, legend_style, sparkline
from blueattr.watch.picture import Picture, RisingAccount
from blueattr.watch.words import (
    account,
    answer,
    clock,
    day_and_clock,
    length,
    mark_sentence,
    names_of_tiers,
    question,
    sample_words,
    share_words,
    state,
    what_is_watched,
)

__all__ = ["log_line", "look_of", "screen", "show"]


_BESIDE = 76
_TALL = 28
_FEWEST_BANDS, _MOST_BANDS = 3, 12
_MOST_ROWS = 10
_LONGEST_TEXT = 200
_MINUTE = 60.0


def look_of(console: Console, *, own_background: bool = False) -> Look:
    """Return what a console can show."""
    few: dict[str | None, Colours] = {None: "none", "standard": "few", "windows": "few"}
    colours = "none" if console.no_color else few.get(console.color_system, "many")
    unicode = console.encoding.lower().startswith("utf")
    return Look(console.width, console.height, colours, unicode, own_background)


def screen(picture: Picture, look: Look) -> list[Text]:
    """Lay out a picture as lines that fit the terminal.

    Parameters
    ----------
    picture
        What to show.
    look
        The terminal.

    Returns
    -------
    list of Text
        At most `look.height` lines of at most `look.width` cells each. What has no room is left
        out from the bottom of each list; the last line says how events come.
    """
    wide = look.width >= _BESIDE
    when = day_and_clock(picture.end) if wide else f"{clock(picture.end, seconds=True)} UTC"
    head = [
        _ends(question(picture), when, look, "bold"),
        *(Text(line) for line in wrap(answer(picture), look.width)[:2]),
        Text(_joined(what_is_watched(picture.choice), look), "dim"),
    ]
    shares = [*_legend(picture, look), *(_sample(picture, look) if picture.tiers else ())]
    minute = _minute(picture, look)
    tall = look.height >= _TALL
    news = [Text(mark_sentence(mark), "bold") for mark in picture.marks[: 3 if tall else 1]]
    news += [Text(safe_text(note, _LONGEST_TEXT), "dim") for note in picture.notes[: 3 * tall]]
    last = Text(_joined(state(picture), look), "reverse" if look.colours != "none" else "")
    fixed = len(head) + len(shares) + len(minute) + len(news) + 1
    room = max(look.height - fixed - (1 if picture.tiers else 0), 0)
    drawn: list[Text] = []
    if picture.tiers and room >= _FEWEST_BANDS:
        rows = min(max(room // 3, _FEWEST_BANDS), _MOST_BANDS)
        drawn = [*bands(picture.history, rows, look, groups=bool(picture.groups)),
                 _axis(picture, look)]  # fmt: skip
        room -= rows
    lists = _lists(picture, look, room)
    whole = [*head, *drawn, *shares, *minute, *lists, *news]
    return [_fitted(line, look) for line in (*whole[: max(look.height - 1, 0)], last)]


def _fitted(line: Text, look: Look) -> Text:
    if not look.unicode:
        line = Text(safe_text(line.plain, None, ascii_only=True), line.style)
    line.no_wrap = True
    line.truncate(look.width, overflow="ellipsis" if look.unicode else "crop")
    return line


def _joined(parts: Iterable[str], look: Look) -> str:
    return (" · " if look.unicode else " - ").join(parts)


def _ends(left: str, right: str, look: Look, style: str) -> Text:
    one, other = Text(left, style), Text(right, "dim")
    room = max(look.width - other.cell_len - 1, 0)
    one.truncate(room, pad=True, overflow="ellipsis" if look.unicode else "crop")
    return Text.assemble(one, " ", other)


def _axis(picture: Picture, look: Look) -> Text:
    if not picture.history:
        return Text("The last hours come here as they pass.", "dim")
    first, last = picture.history[0].end, picture.history[-1].end
    rule = "─" if look.unicode else "-"
    hours = lasting((last - first).total_seconds())
    what = f" share of each {'group' if picture.groups else 'tier'} in {hours} "
    return Text(f"{clock(first)} {what.center(max(look.width - 12, 0), rule)} {clock(last)}", "dim")


def _legend(picture: Picture, look: Look) -> list[Text]:
    names = names_of_tiers(picture)
    parts = [(name, tier.share) for name, tier in zip(names, picture.tiers, strict=True)]
    made = [_marks(parts, look, marked=not picture.groups)] if parts else []
    if picture.groups:
        shown = [(safe_text(one.group, 16), one.share) for one in picture.groups]
        made.append(_marks(shown, look, marked=True))
    return made


def _marks(parts: list[tuple[str, float]], look: Look, *, marked: bool) -> Text:
    line = Text()
    for k, (name, share) in enumerate(parts):
        if k:
            line.append("  ")
        if marked:
            line.append(glyph(k if look.colours == "none" else 0, len(parts), look),
                        legend_style(k, len(parts), look))  # fmt: skip
            line.append(" ")
        line.append(f"{name} ")
        line.append(percent(share), "bold")
    return line


def _sample(picture: Picture, look: Look) -> list[Text]:
    return [Text(line) for line in wrap(sample_words(picture), look.width)[:2]]


def _minute(picture: Picture, look: Look) -> list[Text]:
    series = picture.series
    if series is None or not series.posts:
        return []
    made = []
    for name, values in (("participants/min", series.participants), ("posts/min", series.posts)):
        value = count(values[-1])
        room = look.width - 18 - len(value) - 1
        made.append(Text(f"{name:<17} {sparkline(values, room, look)} {value}"))
    return made


def _lists(picture: Picture, look: Look, room: int) -> list[Text]:
    """Lay out accounts and posts in so many lines."""
    if room < 3:
        return []
    posts = picture.posts[: max(min(room // 3, _MOST_ROWS), 1)] if room >= 6 else ()
    rows = min(room - (len(posts) + 1 if posts else 0) - 1, _MOST_ROWS)
    leaders = _table("carry most", picture.leaders[:rows])
    made = leaders
    if look.width >= _BESIDE and picture.risers:
        half = (look.width - 2) // 2
        risers = _table("rose most", picture.risers[:rows])
        made = []
        for left, right in zip_longest(leaders, risers, fillvalue=Text()):
            one = left.copy()
            one.truncate(half, pad=True, overflow="ellipsis" if look.unicode else "crop")
            made.append(Text.assemble(one, "  ", right))
    if posts:
        made.append(Text(f"{'share':>7}  time   posts that moved it", "bold dim"))
        made += [_post(picture, k) for k in range(len(posts))]
    return made


def _table(heading: str, accounts: tuple[RisingAccount, ...]) -> list[Text]:
    if not accounts:
        return []
    made = [Text(f"{'share':>7}  {'before':>7}  {heading}", "bold dim")]
    for one in accounts:
        before = "new" if one.before is None else share_words(one.before)
        made.append(
            Text(f"{share_words(one.share):>7}  {before:>7}  {account(one.did, one.handle)}")
        )
    return made


def _post(picture: Picture, k: int) -> Text:
    post = picture.posts[k]
    # A stranger's words stand last: text from right to left then turns nothing else round.
    said = "(no text)" if post.text is None else safe_text(post.text, _LONGEST_TEXT)
    who = account(post.did, post.handle)
    return Text(f"{share_words(post.share):>7}  {clock(post.time)}  {who}: {said}")


def log_line(picture: Picture) -> str:
    """Write a picture as one line, for a log.

    Returns
    -------
    str
        Time, what is watched, total, share of each tier, the last whole minute, how events come.
    """
    choice = picture.choice
    end = picture.end.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    parts = [end, safe_text(choice.topic, 60), *what_is_watched(choice)[:1], length(choice.window)]
    if picture.total is None:
        parts.append(f"no total ({safe_text(picture.undefined, _LONGEST_TEXT)})")
    else:
        parts.append(f"total {number(picture.total)}")
        parts += [f"{safe_text(tier.tier, 20)} {percent(tier.share)}" for tier in picture.tiers]
    if picture.series is not None and picture.series.posts:
        parts.append(f"{count(picture.series.participants[-1])} participants/min")
        parts.append(f"{count(picture.series.posts[-1])} posts/min")
    return "  ".join((*parts, *state(picture)[1:]))


def show(
    pictures: Iterable[Picture],
    stream: TextIO,
    *,
    every: float = _MINUTE,
    now: Callable[[], float] = time.monotonic,
) -> None:
    """Show pictures until there are no more.

    Parameters
    ----------
    pictures
        As they come.
    stream
        A terminal gets a screen that is drawn again with each; anything else a line now and then,
        one for each new change point, and one for the last picture.
    every
        Seconds between lines.
    now
        A clock in seconds.
    """
    console = Console(file=stream, highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        for line in _log(pictures, every, now):
            stream.write(f"{line}\n")
            stream.flush()
        return
    last: Group | None = None
    with Live(console=console, screen=True, auto_refresh=False) as live:
        for picture in pictures:
            last = Group(*screen(picture, look_of(console)))
            live.update(last, refresh=True)
    if last is not None:
        console.print(last)


def _log(pictures: Iterable[Picture], every: float, now: Callable[[], float]) -> Iterator[str]:
    written: float | None = None
    waiting: Picture | None = None
    told: set[tuple[object, str]] = set()
    for picture in pictures:
        for mark in reversed(picture.marks):
            if (mark.time, mark.what) not in told:
                told.add((mark.time, mark.what))
                yield f"change: {mark_sentence(mark)}"
        if written is None or now() - written >= every:
            written, waiting = now(), None
            yield log_line(picture)
        else:
            waiting = picture
    if waiting is not None:
        yield log_line(waiting)
