"""The terminal app, driven by Textual's pilot."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import DataTable, Static

from blueattr.errors import StoreError
from blueattr.watch.app import Help, Pick, WatchApp, run_app
from blueattr.watch.picture import Picture
from blueattr.watch.tables import VIEWS
from support.watch_pictures import CHOICE, NASTY, Scripted, assert_lets_go, empty, hostile, picture

Drive = Callable[[Pilot[None], WatchApp], Awaitable[None]]


def drive(
    watching: Scripted, what: Drive, size: tuple[int, int] = (80, 24), failure: bool = False
) -> WatchApp:
    async def run() -> WatchApp:
        app = WatchApp(watching)
        async with app.run_test(size=size) as pilot:
            await until(pilot, lambda: app._shown is not None or app.failure is not None)
            await what(pilot, app)
        assert (app.failure is not None) == failure
        return app

    return asyncio.run(run())


async def until(pilot: Pilot[None], so: Callable[[], bool]) -> None:
    for _ in range(200):
        if so():
            await pilot.pause()
            return
        await pilot.pause(0.01)
    raise AssertionError("it did not come to that")


def text(app: WatchApp, name: str) -> str:
    return str(app.screen_stack[0].query_one(f"#{name}", Static).render())


def cells(app: WatchApp, name: str = "table") -> list[list[str]]:
    table: DataTable[object] = app.screen_stack[0].query_one(f"#{name}", DataTable)
    return [[str(cell) for cell in table.get_row_at(k)] for k in range(table.row_count)]


@pytest.mark.few(1)
@pytest.mark.parametrize("colours", ["standard", "truecolor"])
def test_at_80_by_24_everything_is_seen_in_few_and_in_many_colours(
    colours: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("textual.constants.COLOR_SYSTEM", colours)
    monkeypatch.setenv("TERM", "xterm")

    async def look(pilot: Pilot[None], app: WatchApp) -> None:
        assert app._few == (colours == "standard")
        await until(pilot, lambda: "indicator" in app.export_screenshot())  # the footer comes last
        svg = app.export_screenshot().replace("&#160;", " ")
        for part in ("Who carries Mythos?", "carry 11 % of it", "top 1 %", "everybody at 11:59",
                     "100 visible accounts", "posts/min", "mossy-harbour.test", "1.41 %",
                     "612 events/s", "no gaps", "quit"):  # fmt: skip
            assert part in svg, part
        table = app.query_one("#table", DataTable)
        assert table.size.height >= 5
        assert app.query_one("#bands", Static).size.height >= 4

    drive(Scripted([picture()]), look)


@pytest.mark.slow
@pytest.mark.parametrize(("size", "made"), [
    ((60, 24), picture()), ((160, 45), hostile()), ((60, 10), hostile()), ((80, 24), empty()),
])  # fmt: skip
def test_no_terminal_is_too_small_and_no_picture_too_empty(
    size: tuple[int, int], made: Picture
) -> None:
    async def look(pilot: Pilot[None], app: WatchApp) -> None:
        for key in "12345":
            await pilot.press(key)
            assert cells(app)
        await pilot.resize_terminal(100, 30)
        await pilot.pause()
        assert "Who carries" in text(app, "title")

    drive(Scripted([made]), look, size)


@pytest.mark.slow
def test_each_table_has_what_the_picture_has_and_the_cursor_stays() -> None:
    async def look(pilot: Pilot[None], app: WatchApp) -> None:
        made = app._shown
        assert made is not None
        for number, rows in enumerate((made.leaders, made.risers, made.posts, made.groups), 1):
            await pilot.press(str(number))
            assert len(cells(app)) == len(rows) > 0
        await pilot.press("5")
        assert "posts a minute rose from 21 to 35.4" in cells(app)[0][0]
        assert cells(app)[-1] == ["Note: No follower counts for 12 accounts."]
        await pilot.press("1", "down", "down", "down")
        app.on_arrived()
        assert app.query_one("#table", DataTable).cursor_row == 3
        assert len(VIEWS) == 5

    drive(Scripted([picture(1, replace(CHOICE, by="lang"))]), look)


@pytest.mark.slow
def test_keys_choose_topic_indicator_window_grouping_and_panel() -> None:
    watching = Scripted([picture()])

    async def look(pilot: Pilot[None], app: WatchApp) -> None:
        for key in "tiwg":
            await pilot.press(key)
            assert isinstance(app.screen, Pick)
            await pilot.press("down" if key != "w" else "up", "enter")
        await pilot.press("p")
        await until(pilot, lambda: app._shown is not None and app._shown.choice == wanted)
        assert "cascade · involved accounts · 6 h · by lang" in text(app, "what")

    wanted = replace(CHOICE, topic="election", indicator="cascade", panel="involved",
                     window=timedelta(hours=6), by="lang")  # fmt: skip
    drive(watching, look)
    assert watching.asked[-1] == wanted
    assert len(watching.asked) == 5
    assert watching.stopped.is_set()


@pytest.mark.slow
def test_leaving_a_list_chooses_nothing() -> None:
    watching = Scripted([picture()])

    async def look(pilot: Pilot[None], app: WatchApp) -> None:
        await pilot.press("t", "down", "escape", "i", "enter", "question_mark")
        assert isinstance(app.screen, Help)
        await pilot.press("escape")
        assert len(app.screen_stack) == 1

    drive(watching, look)
    assert watching.asked == []


def test_a_picture_that_is_held_stands_still_until_it_is_let_go() -> None:
    more = threading.Event()

    class Fed(Scripted):
        def pictures(self) -> Iterator[Picture]:
            yield picture(0)
            more.wait(20)
            yield picture(9)
            self.stopped.wait(20)

    async def look(pilot: Pilot[None], app: WatchApp) -> None:
        app.action_hold()
        held = app._shown
        more.set()
        await until(pilot, lambda: app._newest is not held)
        assert text(app, "title").startswith("HELD  Who carries Mythos?")
        assert "12:00:00" in text(app, "title")
        app.action_hold()
        assert text(app, "title").startswith("Who carries")
        assert "12:45:00" in text(app, "title")

    drive(Fed(), look)


def test_what_a_stranger_wrote_is_neither_markup_nor_control() -> None:
    async def look(pilot: Pilot[None], app: WatchApp) -> None:
        await pilot.pause()
        assert "[red]y[/red]" in app.export_screenshot()
        app.action_view(2)
        shown = "\n".join(cell for row in cells(app) for cell in row)
        assert "[red]x[/red]" in shown
        assert "\x1b" not in shown
        assert "\u202e" not in shown
        assert "\x1b" not in text(app, "title") + text(app, "shares")
        assert "\u202e" not in app.export_screenshot()
        app.action_pick_topic()
        await pilot.pause()
        assert isinstance(app.screen, Pick)
        assert "\u202e" not in app.export_screenshot()

    made = hostile()
    first = replace(made.leaders[0], handle="[red]y[/red]")
    watching = Scripted([replace(made, leaders=(first, *made.leaders[1:]))])
    watching.choices = replace(watching.choices, topics=("mythos", NASTY, "[red]x[/red]"))
    drive(watching, look)


def test_when_the_events_end_the_last_picture_stays_and_says_so() -> None:
    async def look(pilot: Pilot[None], app: WatchApp) -> None:
        await until(pilot, lambda: text(app, "title").startswith("OVER  Who carries"))

    drive(Scripted([picture()], hold=False), look)


def test_what_the_watching_raises_ends_the_app_and_is_kept() -> None:
    class Broken(Scripted):
        def pictures(self) -> Iterator[Picture]:
            yield picture()
            raise StoreError("the store is gone")

    async def look(pilot: Pilot[None], app: WatchApp) -> None:
        await until(pilot, lambda: app.failure is not None)

    app = drive(Broken(), look, failure=True)
    assert str(app.failure) == "the store is gone"


@pytest.mark.slow
def test_a_signal_ends_the_app_and_the_watching() -> None:
    watching = Scripted([picture()])

    async def look(pilot: Pilot[None], app: WatchApp) -> None:
        app._stop.set()
        await until(pilot, lambda: app._exit)

    drive(watching, look)
    assert watching.stopped.is_set()


@pytest.mark.slow
def test_the_app_waits_for_the_engine_before_the_program_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A thread that is in compiled code when the interpreter ends takes the program down."""
    ended: list[bool] = []

    class Slow(Scripted):
        def pictures(self) -> Iterator[Picture]:
            yield picture()
            self.stopped.wait(20)
            time.sleep(0.3)
            ended.append(True)

    class Quick(WatchApp):
        def run(self, *_: object, **__: object) -> None:
            self._thread.start()

    monkeypatch.setattr("blueattr.watch.app.WatchApp", Quick)
    run_app(Slow())
    assert ended == [True]


def test_what_the_engine_has_open_is_let_go_with_its_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Headless(WatchApp):
        def run(self, *_: Any, **__: Any) -> None:
            super().run(headless=True)

    monkeypatch.setattr("blueattr.watch.app.WatchApp", Headless)
    assert_lets_go(run_app)
