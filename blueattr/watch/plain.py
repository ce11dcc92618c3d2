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
from blueattr.report.numbers import count, number, percent
from blueattr.watch.draw import TerminalLook, bands
from blueattr.watch.lines import (
    axis,
    joined,
    legend,
    look_of,
    minute_lines,
    sample_lines,
    title,
)
from blueattr.watch.picture import MovingPost, Picture, RisingAccount
from blueattr.watch.tables import by_share
from blueattr.watch.words import (
    account,
    answer,
    length,
    mark_sentence,
    said,
    share_words,
    state,
    time_in,
    what_is_watched,
    whole_minute,
)

__all__ = ["log_line", "screen", "show"]


_BESIDE = 76
_TALL = 28
_FEWEST_BANDS, _MOST_BANDS = 3, 12
_MOST_ROWS = 10
_LONGEST_TEXT = 200
_MINUTE = 60.0


def screen(picture: Picture, look: TerminalLook) -> list[Text]:
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
    head = [
        title(picture, look),
        *(Text(line) for line in wrap(answer(picture), look.width)[:2]),
        Text(joined(what_is_watched(picture.choice), look), "dim"),
    ]
    shares = [*legend(picture, look), *(sample_lines(picture, look) if picture.tiers else ())]
    minute = minute_lines(picture, look)
    tall = look.height >= _TALL
    news = [
        Text(mark_sentence(mark, picture), "bold") for mark in picture.marks[: 3 if tall else 1]
    ]
    news += [Text(safe_text(note, _LONGEST_TEXT), "dim") for note in picture.notes[: 3 * tall]]
    last = Text(joined(state(picture), look), "reverse" if look.colours != "none" else "")
    fixed = len(head) + len(shares) + len(minute) + len(news) + 1
    room = max(look.height - fixed - (1 if picture.tiers else 0), 0)
    drawn: list[Text] = []
    if picture.tiers and room >= _FEWEST_BANDS:
        rows = min(max(room // 3, _FEWEST_BANDS), _MOST_BANDS)
        drawn = [*bands(picture.history, rows, look, groups=bool(picture.groups)),
                 axis(picture, look)]  # fmt: skip
        room -= rows
    lists = _lists(picture, look, room)
    whole = [*head, *drawn, *shares, *minute, *lists, *news]
    return [_fitted(line, look) for line in (*whole[: max(look.height - 1, 0)], last)]


def _fitted(line: Text, look: TerminalLook) -> Text:
    if not look.unicode:
        line = Text(safe_text(line.plain, None, ascii_only=True), line.style)
    line.no_wrap = True
    line.truncate(look.width, overflow="ellipsis" if look.unicode else "crop")
    return line


def _lists(picture: Picture, look: TerminalLook, room: int) -> list[Text]:
    """Lay out accounts and posts in so many lines."""
    if room < 3:
        return []
    posts = by_share(picture)[: max(min(room // 3, _MOST_ROWS), 1)] if room >= 6 else ()
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
        times = [time_in(post.time, picture.end, picture.choice.window) for post in posts]
        wide = max(map(len, times))
        made.append(Text(f"{'share':>7}  {'time':<{wide}}  posts that moved it", "bold dim"))
        made += [_post(post, f"{at:>{wide}}") for post, at in zip(posts, times, strict=True)]
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


def _post(post: MovingPost, at: str) -> Text:
    # A stranger's words stand last: text from right to left then turns nothing else round.
    who = account(post.did, post.handle)
    words = said(post.text, _LONGEST_TEXT)
    return Text(f"{share_words(post.share):>7}  {at}  {who}: {words}")


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
        parts.append(f"{count(whole_minute(picture.series.participants))} participants/min")
        parts.append(f"{count(whole_minute(picture.series.posts))} posts/min")
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
                yield f"change: {mark_sentence(mark, picture)}"
        if written is None or now() - written >= every:
            written, waiting = now(), None
            yield log_line(picture)
        else:
            waiting = picture
    if waiting is not None:
        yield log_line(waiting)
