"""The terminal app of a watch, by Textual; nothing else imports it."""

import os
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import ClassVar, Literal, TypeVar

from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.message import Message
from textual.screen import ModalScreen
from textual.theme import Theme
from textual.widgets import DataTable, Footer, OptionList, Static
from textual.widgets.option_list import Option

from blueattr.report.escape import safe_text
from blueattr.report.numbers import plural
from blueattr.report.parts.answer import MEASURES
from blueattr.watch.draw import TerminalLook, bands
from blueattr.watch.ending import raise_failure
from blueattr.watch.lines import (
    axis,
    joined,
    legend,
    look_of,
    minute_lines,
    sample_lines,
    title,
)
from blueattr.watch.picture import Picture, WatchChoice, Watching
from blueattr.watch.tables import EMPTY, NUMBERS, VIEWS, table_of
from blueattr.watch.words import (
    answer,
    length,
    state,
    what_is_watched,
)

__all__ = ["WatchApp", "run_app"]


T = TypeVar("T")


_WIDE = 120
_PATIENCE = 30.0
_HELP = """\
The bands show what part of the topic each tier of accounts carries, the newest moment at the \
right. Tiers are cut by followers: the top is followed most. Below them, the whole panel stands \
beside what a sample of 100 visible accounts would show.

t  another topic              1  accounts that carry most
i  another indicator          2  accounts that rose most
w  another window             3  posts that moved the shares
g  another grouping           4  the groups, or the tiers
p  all active accounts, or    5  changes, gaps and notes
   those involved alone       arrows move in the table
h  hold the picture, or       q  quit
   let it go on
"""
_PAPER = Theme(
    name="blueattr",
    primary="#5fa9e6",
    secondary="#94a3b0",
    accent="#7dbdf0",
    warning="#f5b48c",
    error="#f5b48c",
    foreground="#e7e9ec",
    background="#14171b",
    surface="#14171b",
    panel="#1c2026",
    dark=True,
)


class Arrived(Message):
    """There is a new picture."""


class Pick(ModalScreen[int | None]):
    """A list to choose from.

    Parameters
    ----------
    heading
        What is chosen.
    names
        What can be chosen.
    chosen
        The number of the one that is chosen now.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q", "leave", "back")]

    def __init__(self, heading: str, names: Sequence[str], chosen: int) -> None:
        super().__init__()
        self._heading, self._names, self._chosen = heading, names, chosen

    def compose(self) -> ComposeResult:
        """Show the list."""
        options = OptionList(*(Option(Text(safe_text(name, 60))) for name in self._names))
        options.border_title = self._heading
        options.border_subtitle = "enter: take it, escape: back"
        options.highlighted = self._chosen
        yield options

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Hand back what was chosen."""
        self.dismiss(event.option_index)

    def action_leave(self) -> None:
        """Choose nothing."""
        self.dismiss(None)


class Help(ModalScreen[None]):
    """What is seen, and the keys."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark,enter,space", "leave", "back")
    ]

    def compose(self) -> ComposeResult:
        """Show the text."""
        with VerticalScroll() as scroll:
            scroll.border_title = "what is seen, and the keys"
            scroll.border_subtitle = "escape: back"
            yield Static(_HELP, markup=False)

    def action_leave(self) -> None:
        """Go back."""
        self.dismiss(None)


class WatchApp(App[None]):
    """The app.

    Parameters
    ----------
    watching
        What is shown.
    stop
        Ends the app when it is set, as by a signal.
    """

    TITLE = "blueattr watch"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("t", "pick_topic", "topic"),
        Binding("i", "pick_indicator", "indicator"),
        Binding("w", "pick_window", "window"),
        Binding("g", "pick_grouping", "groups"),
        Binding("p", "panel", "panel", show=False),
        Binding("h,space", "hold", "hold", key_display="h"),
        Binding("question_mark", "help", "help"),
        Binding("q,ctrl+c", "quit", "quit"),
        *(Binding(str(k), f"view({k - 1})", view, show=False) for k, view in enumerate(VIEWS, 1)),
    ]
    CSS = """
    Screen { layout: vertical; }
    Static { width: 100%; height: auto; }
    #bands { height: 1fr; min-height: 3; max-height: 24; }
    #tables { height: 1fr; min-height: 4; }
    DataTable { height: 100%; width: 1fr; background: $background; scrollbar-size-vertical: 1;
                scrollbar-size-horizontal: 0; }
    DataTable:focus { background-tint: $background 0%; }
    DataTable > .datatable--header { background: $background; color: $secondary; }
    #beside { display: none; margin-left: 2; }
    .wide #beside { display: block; }
    #state { height: 1; color: $secondary; }
    Pick, Help { align: center middle; }
    OptionList { width: 64; max-width: 96%; height: auto; max-height: 80%; border: round $primary; }
    VerticalScroll { width: 108; max-width: 98%; height: auto; max-height: 96%;
                     border: round $primary; padding: 0 1; background: $panel; }
    """

    def __init__(self, watching: Watching, stop: threading.Event | None = None) -> None:
        super().__init__()
        self.failure: BaseException | None = None
        self._watching = watching
        self._stop = stop or threading.Event()
        self._newest: Picture | None = None
        self._shown: Picture | None = None
        self._asked: WatchChoice | None = None
        self._held = False
        self._over = False
        self._view = 0
        self._thread = threading.Thread(target=self._watch, daemon=True, name="pictures")
        self._columns: dict[str, tuple[str, ...]] = {}
        self._few = self.console.color_system in {None, "standard", "windows"}
        self.register_theme(_PAPER)
        # With sixteen colours, those of the terminal: others would be drawn as the nearest of them.
        self.theme = "ansi-dark" if self._few else "blueattr"

    def compose(self) -> ComposeResult:
        """Lay out the screen."""
        for name in ("title", "answer", "what", "bands", "shares", "views"):
            yield Static(id=name, markup=False)
        with Horizontal(id="tables"):
            yield DataTable(id="table", cursor_type="row")
            yield DataTable(id="beside", cursor_type="none")
        yield Static(id="state", markup=False)
        yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        """Begin to watch."""
        self.query_one("#title", Static).update("Waiting for the first picture …")
        self.query_one("#table", DataTable).focus()
        self._thread.start()
        self.set_interval(0.25, self._look_for_the_end)

    def _watch(self) -> None:
        """Take pictures as they come; runs in a thread of its own."""
        try:
            for picture in self._watching.pictures():
                self._newest = picture
                self.post_message(Arrived())
                if self._stop.is_set():
                    break
        except BaseException as error:  # noqa: BLE001 - `run_app` raises it again
            self.failure = error
            self._stop.set()
        self._over = True
        self.post_message(Arrived())

    def _look_for_the_end(self) -> None:
        if self._stop.is_set():
            self.exit()

    def on_unmount(self) -> None:
        """End the pictures."""
        self._watching.stop()

    def wait(self, seconds: float) -> None:
        """Wait for the thread that takes pictures: a program may not end within the engine."""
        self._watching.stop()
        if self._thread.ident is not None:
            self._thread.join(seconds)

    def on_arrived(self) -> None:
        """Show the newest picture, unless one is held."""
        if not self._held:
            self._shown = self._newest
        self._draw()

    def on_resize(self) -> None:
        """Draw again at another size."""
        self.screen.set_class(self.size.width >= _WIDE, "wide")
        self.call_after_refresh(self._draw)

    @property
    def _look(self) -> TerminalLook:
        look = look_of(self.console, own_background=not self._few)
        no_colour = bool(os.environ.get("NO_COLOR"))
        return replace(look, width=self.size.width, height=self.size.height,
                       colours="none" if no_colour else "few" if self._few else "many")  # fmt: skip

    def _draw(self) -> None:
        picture = self._shown
        # A picture may arrive while the app ends.
        if picture is None or not self.screen_stack:
            return
        look = self._look
        place = self.screen_stack[0]

        def put(name: str, lines: Iterable[Text | str]) -> None:
            made = Text("\n").join([Text(one) if isinstance(one, str) else one for one in lines])
            place.query_one(f"#{name}", Static).update(made)

        held = "HELD  " if self._held else "OVER  " if self._over else ""
        put("title", [title(picture, look, held)])
        put("answer", [answer(picture)])
        put("what", [Text(joined(what_is_watched(picture.choice), look), "dim")])
        drawn = place.query_one("#bands", Static)
        drawn.display = bool(picture.tiers)
        rows = max(drawn.size.height - 1, 1)
        put("bands", [*bands(picture.history, rows, look, groups=bool(picture.groups)),
                      axis(picture, look)])  # fmt: skip
        sample = sample_lines(picture, look) if picture.tiers else []
        put("shares", [*legend(picture, look), *sample, *minute_lines(picture, look)])
        put("views", [self._names_of_views()])
        notes = [f"{plural(len(picture.notes), 'note')} at 5"] if picture.notes else []
        put("state", [joined((*state(picture), *notes), look)])
        self._fill(place.query_one("#table", DataTable), VIEWS[self._view], picture)
        other = "accounts" if VIEWS[self._view] == "posts" else "posts"
        if look.width >= _WIDE:
            self._fill(place.query_one("#beside", DataTable), other, picture)

    def _names_of_views(self) -> Text:
        line = Text()
        for k, view in enumerate(VIEWS):
            line.append(f" {k + 1} {view} ", "reverse bold" if k == self._view else "dim")
        return line

    def _fill(self, table: "DataTable[Text]", view: str, picture: Picture) -> None:
        """Fill a table anew; the cursor stays where it is."""
        heads, rows = table_of(picture, view)
        if not rows:
            heads, rows = ("",), [(EMPTY[view],)]
        at, top = table.cursor_row, table.scroll_y
        if self._columns.get(table.id or "") != heads:
            self._columns[table.id or ""] = heads
            table.clear(columns=True)
            for head in heads:
                table.add_column(Text(head, justify=_side(head)), key=head)
        else:
            table.clear()
        for row in rows:
            # As texts: what a stranger wrote is never read as markup.
            table.add_row(*(Text(cell, justify=_side(head), no_wrap=True)
                            for head, cell in zip(heads, row, strict=True)))  # fmt: skip
        if table.cursor_type == "row":
            table.move_cursor(row=min(at, len(rows) - 1), animate=False, scroll=False)
        table.scroll_to(y=top, animate=False)

    def action_view(self, number: int) -> None:
        """Show another table."""
        self._view = number
        self._draw()

    def action_hold(self) -> None:
        """Hold the picture, or let it go on."""
        self._held = not self._held
        self.on_arrived()

    def action_help(self) -> None:
        """Show what is seen, and the keys."""
        self.push_screen(Help())

    def action_panel(self) -> None:
        """Watch all active accounts, or those involved alone."""
        if (choice := self._choice()) is not None:
            self._choose(replace(
                choice, panel="active" if choice.panel == "involved" else "involved"))  # fmt: skip

    def action_pick_topic(self) -> None:
        """Choose another topic."""
        topics = self._watching.choices.topics
        self._pick("topic", topics, topics, lambda choice: choice.topic,
                   lambda choice, one: replace(choice, topic=one))  # fmt: skip

    def action_pick_indicator(self) -> None:
        """Choose another indicator."""
        indicators = self._watching.choices.indicators
        self._pick("indicator", indicators, [MEASURES.get(one, one) for one in indicators],
                   lambda choice: choice.indicator,
                   lambda choice, one: replace(choice, indicator=one))  # fmt: skip

    def action_pick_window(self) -> None:
        """Choose another window."""
        windows = self._watching.choices.windows
        self._pick("window", windows, [f"the last {length(one)}" for one in windows],
                   lambda choice: choice.window,
                   lambda choice, one: replace(choice, window=one))  # fmt: skip

    def action_pick_grouping(self) -> None:
        """Choose what groups the accounts."""
        every = self._watching.choices.groupings
        self._pick("groups beside the tiers", every, [one or "none" for one in every],
                   lambda choice: choice.by,
                   lambda choice, one: replace(choice, by=one))  # fmt: skip

    def _choice(self) -> WatchChoice | None:
        """Return what was asked for last, which may not be shown yet."""
        return self._asked or (None if self._shown is None else self._shown.choice)

    def _choose(self, choice: WatchChoice) -> None:
        self._asked = choice
        self._held = False
        self._watching.choose(choice)

    def _pick(
        self,
        heading: str,
        values: Sequence[T],
        names: Sequence[str],
        now: Callable[[WatchChoice], T],
        changed: Callable[[WatchChoice, T], WatchChoice],
    ) -> None:
        choice = self._choice()
        if choice is None or not values:
            return
        current = now(choice)
        chosen = values.index(current) if current in values else 0

        def take(number: int | None) -> None:
            if number is not None and values[number] != current:
                self._choose(changed(choice, values[number]))

        self.push_screen(Pick(heading, names, chosen), take)


def _side(head: str) -> Literal["left", "right"]:
    return "right" if head in NUMBERS else "left"


def run_app(watching: Watching, stop: threading.Event | None = None) -> None:
    """Run the app until somebody quits it, or `stop` is set.

    Parameters
    ----------
    watching
        What is shown.
    stop
        Set by a signal.

    Raises
    ------
    BlueattrError
        What `watching` raised.
    """
    app = WatchApp(watching, stop)
    app.run()
    app.wait(_PATIENCE)
    raise_failure(app)
