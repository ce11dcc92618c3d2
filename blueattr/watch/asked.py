"""What a watch was asked for, and what a face asks of it meanwhile."""

import threading
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from blueattr.analysis.asked.naming import OPEN, Naming
from blueattr.analysis.asked.parse import INDICATOR_NAMES
from blueattr.analysis.groups.grouping import ByGroup, grouping
from blueattr.analysis.groups.sources import check_levels
from blueattr.attribution.question import Question
from blueattr.errors import UsageError
from blueattr.indicators.find import find_indicator
from blueattr.panel import topics
from blueattr.panel.drawn import is_searched
from blueattr.panel.query import PanelQuery
from blueattr.provenance import Window
from blueattr.sources.timing import Timing
from blueattr.store.database import Store
from blueattr.watch.composing import Album
from blueattr.watch.picture import WatchChoice, WatchChoices
from blueattr.watch.teller import WatchTeller

__all__ = ["Watch", "WatchAsked"]


_WINDOWS = tuple(timedelta(hours=hours) for hours in (1, 6, 24, 7 * 24))
_LONGEST = timedelta(weeks=520)
_GROUPINGS = ("", "lang", "host", "age")


@dataclass(frozen=True, slots=True)
class WatchAsked:
    """What a watch was asked for.

    Parameters
    ----------
    query
        The store, the panel and the topic; its window is not used.
    question
        What to attribute: one indicator.
    window
        How long the window is.
    by
        What groups the agents; None for tiers alone.
    top
        How many accounts to name; 0 names nobody.
    naming
        How.
    teller
        Who tells somebody what is seen; None for nobody.

    Raises
    ------
    UsageError
        No topic is named, or several indicators are; the window is longer than ten years; a store
        has no such groups.
    InputError
        The groups are in a file that cannot be read.
    UnknownTopicError
        There is no such topic.
    """

    query: PanelQuery
    question: Question
    window: timedelta = timedelta(hours=24)
    by: ByGroup | None = None
    top: int = 10
    naming: Naming = OPEN
    teller: WatchTeller | None = None

    def __post_init__(self) -> None:
        """Check what can be checked before a store is there."""
        self.question.check_one("watch follows")
        if self.window > _LONGEST:
            weeks = _LONGEST // timedelta(weeks=1)
            raise UsageError(f"--window is at most {weeks}w here; attribute takes longer ones")
        if self.by is not None:
            check_levels(self.by.levels)
        topics.named(self.query.topic, list(self.query.match), self.query.topics_file)

    @property
    def choice(self) -> WatchChoice:
        """The same as a face knows it."""
        query = self.query
        named = "match" if query.match else (query.topic or topics.ALL).strip().lower()
        return WatchChoice(
            named,
            find_indicator(self.question.indicators[0]).name,
            self.question.choice,
            self.window,
            "" if self.by is None else ",".join(self.by.levels),
        )

    @property
    def choices(self) -> WatchChoices:
        """What a face may choose instead, with what was asked for."""
        mine = self.choice
        known = (*topics.load(self.query.topics_file), topics.ALL)
        return WatchChoices(
            tuple(dict.fromkeys((mine.topic, *known))),
            tuple(dict.fromkeys((mine.indicator, *INDICATOR_NAMES))),
            tuple(sorted({mine.window, *_WINDOWS})),
            tuple(dict.fromkeys((*_GROUPINGS, mine.by))),
        )

    def instead(self, choice: WatchChoice) -> "WatchAsked":
        """Return what is asked for where a face has chosen something else."""
        mine, query, question = self.choice, self.query, self.question
        if choice.topic != mine.topic:
            query = replace(query, topic=choice.topic, match=())
        if choice.indicator != mine.indicator:
            question = replace(question, indicators=(choice.indicator,))
        by = self.by
        if choice.by != mine.by:
            by = grouping(choice.by) if choice.by else None
        return replace(
            self, query=query, question=replace(question, panel=choice.panel),
            window=choice.window, by=by,
        )  # fmt: skip


class Watch:
    """What is watched, and whether to go on: asked by faces, from any thread.

    Parameters
    ----------
    asked
        What to watch.
    timing
        The clocks, and how to wait.
    """

    def __init__(self, asked: WatchAsked, timing: Timing | None = None) -> None:
        self.asked = asked
        self.timing = timing or Timing()
        self._first = asked  # what a face chooses is instead of this
        self._chosen: WatchChoice | None = None
        self._lock = threading.Lock()
        self._stop = threading.Event()

    @property
    def choices(self) -> WatchChoices:
        """What may be chosen."""
        return self._first.choices

    def settle(self, store: Store, end: datetime) -> None:
        """Settle the panel by how the records of a window were drawn, where nobody chose it.

        Parameters
        ----------
        store
            Open for reading.
        end
            Of the window.
        """
        asked = self._first
        if asked.question.panel is None:
            searched = is_searched(store, Window(end - asked.window, end))
            self._first = replace(asked, question=asked.question.settled(searched))
            self.asked = self._first
            if asked.teller is not None:
                asked.teller.settle(self.asked.choice)

    def choose(self, choice: WatchChoice) -> None:
        """Watch something else from the next picture on."""
        with self._lock:
            self._chosen = choice

    def stop(self) -> None:
        """End the pictures soon."""
        self._stop.set()

    @property
    def stopped(self) -> bool:
        """Whether they are to end."""
        return self._stop.is_set()

    def take_choice(self) -> bool:
        """Ask for what was chosen meanwhile; return whether that is something else."""
        with self._lock:
            choice, self._chosen = self._chosen, None
        if choice is None or choice == self.asked.choice:
            return False
        self.asked = self._first.instead(choice)
        return True

    def album(self) -> Album:
        """Return an empty album of what is asked for."""
        asked = self.asked
        see = None if asked.teller is None else asked.teller.see
        return Album(
            asked.question, asked.by, asked.top, self.timing.monotonic, see, naming=asked.naming
        )

    def wait(self, seconds: float) -> None:
        """Wait, but no longer than until it is to stop."""
        if seconds > 0:
            (self.timing.sleep or self._stop.wait)(seconds)
