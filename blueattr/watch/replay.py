"""A replay: the records that a store has now, each at its time, faster than they came."""

import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from blueattr.analysis.asked.parse import INDICATOR_NAMES
from blueattr.analysis.groups.grouping import ByGroup, grouping
from blueattr.attribution.question import Question
from blueattr.errors import EmptyPanelError, UsageError
from blueattr.indicators.find import find_indicator
from blueattr.panel import topics
from blueattr.panel.query import PanelQuery, last_event
from blueattr.sources.timing import Timing
from blueattr.store.database import Store
from blueattr.store.stretches import stretches
from blueattr.watch.composing import Album
from blueattr.watch.picture import Picture, WatchChoice, WatchChoices
from blueattr.watch.reading import Reading

__all__ = ["Asked", "Replay", "speed_of"]


_MICROSECOND = timedelta(microseconds=1)
_WINDOWS = tuple(timedelta(hours=hours) for hours in (1, 6, 24, 7 * 24))
_GROUPINGS = ("", "lang", "host", "age")
_FASTEST = 1_000_000


@dataclass(frozen=True, slots=True)
class Asked:
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
    """

    query: PanelQuery
    question: Question
    window: timedelta = timedelta(hours=24)
    by: ByGroup | None = None
    top: int = 10

    @property
    def choice(self) -> WatchChoice:
        """The same as a face knows it."""
        query = self.query
        named = "match" if query.match else (query.topic or topics.ALL).strip().lower()
        return WatchChoice(
            named,
            find_indicator(self.question.indicators[0]).name,
            self.question.panel,
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

    def instead(self, choice: WatchChoice) -> "Asked":
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


def speed_of(text: str) -> float:
    """Parse how many times as fast a replay goes, such as 60x.

    Raises
    ------
    UsageError
        For any other text, and for more than a million times.
    """
    found = re.fullmatch(r"([0-9]{1,7}(?:\.[0-9]{1,3})?)x", text.strip())
    if found is None or not 0 < float(found[1]) <= _FASTEST:
        raise UsageError(f"--replay {text!r} is not a speed; write 60x, up to {_FASTEST:,}x")
    return float(found[1])


class Replay:
    """Shows a store's records again, each at its time.

    Parameters
    ----------
    asked
        What to watch.
    speed
        How many times as fast as they came.
    start
        Where to begin; by default with the first record that is not far from all others.
    timing
        The clocks, and how to wait.
    """

    def __init__(
        self,
        asked: Asked,
        speed: float,
        start: datetime | None = None,
        timing: Timing | None = None,
    ) -> None:
        asked.question.check_one("watch follows")
        self._asked = asked
        self._first = asked  # what a face chooses is instead of this
        self._speed = speed
        self._start = start
        self._timing = timing or Timing()
        self._chosen: WatchChoice | None = None
        self._lock = threading.Lock()
        self._stop = threading.Event()

    @property
    def choices(self) -> WatchChoices:
        """What may be chosen."""
        return self._first.choices

    def choose(self, choice: WatchChoice) -> None:
        """Watch something else from the next picture on."""
        with self._lock:
            self._chosen = choice

    def stop(self) -> None:
        """End `pictures` soon."""
        self._stop.set()

    def pictures(self) -> Iterator[Picture]:
        """Yield a picture each second, the last one of the store's last record.

        Raises
        ------
        EmptyPanelError
            The store has no records.
        """
        query = self._asked.query
        with Store.open(query.db, query.memory) as store:
            begin, last = _span(store, query)
            begin = begin if self._start is None else self._start
            yield from self._from(store, begin, last)

    def _from(self, store: Store, begin: datetime, last: datetime) -> Iterator[Picture]:
        clock = self._timing.monotonic
        began = clock()
        time, events, read_at = begin, 0, began
        reading, album = self._open(store, begin, last)
        while True:
            if self._take_choice():
                reading, album = self._open(store, time, last)
                events = 0
            time = min(begin + (clock() - began) * self._speed * timedelta(seconds=1), last)
            event = reading.last_event(time)
            end = time if event is None else event + _MICROSECOND
            reading.slide(max(end, begin))
            answer = reading.answer(self._asked.question)
            picture = album.picture(reading, answer, self._asked.choice)
            now = clock()
            rate = (picture.events - events) / (now - read_at) if now > read_at else 0.0
            events, read_at = picture.events, now
            yield replace(picture, mode="replay", rate=rate)
            if time >= last or self._stop.is_set():
                return
            self._wait(read_at + 1 - clock())
            if self._stop.is_set():
                return

    def _open(self, store: Store, time: datetime, last: datetime) -> tuple[Reading, Album]:
        asked = self._asked
        until = last + _MICROSECOND
        reading = Reading(store, asked.query, asked.window, min(time, until), until)
        return reading, Album(asked.question, asked.by, asked.top, self._timing.monotonic)

    def _take_choice(self) -> bool:
        with self._lock:
            choice, self._chosen = self._chosen, None
        if choice is None or choice == self._asked.choice:
            return False
        self._asked = self._first.instead(choice)
        return True

    def _wait(self, seconds: float) -> None:
        if seconds > 0:
            (self._timing.sleep or self._stop.wait)(seconds)


def _span(store: Store, query: PanelQuery) -> tuple[datetime, datetime]:
    near = [one for one in stretches(store) if not one.is_far]
    last = last_event(store)
    if not near or last is None:
        raise EmptyPanelError(f"{query.db} holds no events; see: blueattr status")
    return near[0].first_event, last
