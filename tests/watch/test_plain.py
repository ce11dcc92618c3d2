"""The plain face: it fits, it shows what the picture has, and a stranger's text does nothing."""

import io
import unicodedata
from dataclasses import replace

import pytest
from rich.cells import cell_len

from blueattr.watch.draw import TerminalLook, bands, columns, sparkline
from blueattr.watch.picture import PastShares, Picture
from blueattr.watch.plain import log_line, screen, show
from support.watch_pictures import BEGUN, CHOICE, NASTY, empty, hostile, picture

MADE = {"full": picture(3), "groups": picture(3, replace(CHOICE, by="lang")),
        "hostile": hostile(), "empty": empty()}  # fmt: skip


@pytest.mark.parametrize("name", MADE)
@pytest.mark.parametrize("size", [(80, 24), (60, 24), (60, 10), (120, 50), (20, 5)])
@pytest.mark.parametrize("plain", [TerminalLook(), TerminalLook(colours="none", unicode=False)])
def test_no_line_is_wider_and_no_screen_higher_than_the_terminal(
    name: str, size: tuple[int, int], plain: TerminalLook
) -> None:
    look = replace(plain, width=size[0], height=size[1])
    shown = screen(MADE[name], look)
    assert 1 < len(shown) <= look.height
    assert max(cell_len(line.plain) for line in shown) <= look.width
    if not look.unicode:
        assert all(line.plain.isascii() for line in shown)


@pytest.mark.parametrize("width", [60, 80])
def test_a_screen_has_the_answer_the_sample_the_accounts_the_posts_and_the_state(
    width: int,
) -> None:
    text = "\n".join(line.plain for line in screen(picture(), TerminalLook(width=width)))
    flat = " ".join(text.split())
    for part in ("Who carries Mythos?", "carry 11 % of it", "would show 45 %",
                 "45.0 / 42.0 / 13.0 %", "everybody at 11:59", "top 1 % 11.0 %",
                 "posts/min", "mossy-harbour.test", "1.41 %", "What is said in",
                 "posts a minute rose from 21 to 35.4", "612 events/s", "1.4 s behind",
                 "no gaps", "follows the store"):  # fmt: skip
        assert part in flat, part


def _harmless(text: str) -> bool:
    return not any(unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"}
                   for c in text if c != "\n")  # fmt: skip


@pytest.mark.parametrize("width", [60, 80, 200])
def test_a_strangers_text_moves_no_cursor_and_turns_no_line_round(width: int) -> None:
    made = hostile()
    assert not _harmless(NASTY)
    text = "\n".join(line.plain for line in screen(made, TerminalLook(width=width, height=60)))
    assert r"\x1b" in text
    assert _harmless(text)
    assert _harmless(log_line(replace(made, total=None, undefined=NASTY)))
    # Nothing of it is taken for a style either.
    styles = {
        str(span.style) for line in screen(made, TerminalLook(width=width)) for span in line.spans
    }
    assert "red" not in styles


def test_without_a_terminal_there_is_a_line_a_minute_one_for_each_change_and_the_last() -> None:
    stream = io.StringIO()
    clock = iter(range(0, 10_000, 25))
    fixed = [replace(picture(k), marks=picture(0).marks) for k in range(8)]
    show(fixed, stream, now=lambda: next(clock))
    written = stream.getvalue().splitlines()
    changes = [line for line in written if line.startswith("change: ")]
    assert len(changes) == 2
    others = [line for line in written if line not in changes]
    assert others[0] == log_line(fixed[0])
    assert others[-1] == log_line(fixed[-1])
    assert 1 < len(others) < len(fixed)
    assert "\x1b" not in stream.getvalue()
    assert others[0].startswith("2026-04-09T12:00:00Z  mythos  heat  24 h  total 40  top 11.0 %")


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def test_a_terminal_is_drawn_anew_on_its_other_screen_and_keeps_the_last_picture(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("LINES", "24")
    stream = Terminal()
    show([picture(0), picture(40)], stream)
    text = stream.getvalue()
    other, back = text.index("\x1b[?1049h"), text.rindex("\x1b[?1049l")
    assert other < text.index("12:00:00 UTC") < back < text.rindex("15:20:00 UTC")
    assert "Who carries Mythos?" in text[back:]


def _moments(shares: list[tuple[float, ...]]) -> list[PastShares]:
    return [PastShares(BEGUN.replace(minute=k), 1.0 if s else None, s)
            for k, s in enumerate(shares)]  # fmt: skip


def test_bands_are_as_high_as_the_shares_to_an_eighth_of_a_line() -> None:
    drawn = bands(_moments([(0.25, 0.25, 0.5)] * 2), 4, TerminalLook(width=2, colours="few"))
    assert [line.plain for line in drawn] == ["██"] * 4
    assert [str(line.spans[0].style) for line in drawn] == ["blue", "cyan", "white", "white"]
    (first, *_) = bands(_moments([(0.125, 0.875)] * 2), 4, TerminalLook(width=2, colours="few"))
    assert first.plain == "▄▄"
    assert str(first.spans[0].style) == "cyan on blue"
    no_colour = bands(_moments([(0.25, 0.25, 0.5)] * 2), 4, TerminalLook(width=2, colours="none"))
    assert [line.plain for line in no_colour] == ["██", "▓▓", "░░", "░░"]


def test_a_column_shows_the_last_moment_of_its_time_and_nothing_where_there_was_no_total() -> None:
    made = _moments([(1.0, 0.0), (), (0.0, 1.0), (-1.0, 0.5)])
    assert columns(made, 4)[-1] == (0.0, 1.0)
    assert (1.0, 0.0) in columns(made, 8)
    assert None in columns(made, 8)
    assert columns((), 3) == [None] * 3


def test_a_sparkline_has_its_highest_bar_where_the_values_are_highest() -> None:
    line = sparkline([1] * 50 + [9] * 10 + [0] * 40, 10, TerminalLook())
    assert len(line) == 10
    assert line[5] == "█"
    assert line[-1] == " "
    assert sparkline([], 10, TerminalLook()) == ""
    assert sparkline([0, 0], 10, TerminalLook()) == "  "
    assert sparkline([1, 2], 10, TerminalLook(unicode=False)).isascii()


def test_what_has_no_answer_says_why_in_a_screen_and_in_a_line() -> None:
    made: Picture = empty()
    assert "nobody wrote about Mythos" in " ".join(
        line.plain for line in screen(made, TerminalLook())
    )
    assert "no total (nobody wrote about Mythos in this window)" in log_line(made)
