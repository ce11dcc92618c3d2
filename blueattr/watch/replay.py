"""A replay: the records that a store has now, each at its time, faster than they came."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from blueattr.errors import EmptyPanelError, UsageError
from blueattr.panel.query import PanelQuery, last_event
from blueattr.sources.timing import Timing
from blueattr.store.database import Store
from blueattr.store.stretches import stretches
from blueattr.watch.asked import Watch, WatchAsked
from blueattr.watch.composing import Album
from blueattr.watch.picture import Picture
from blueattr.watch.reading import WindowReading

__all__ = ["Replay", "speed_of"]


_MICROSECOND = timedelta(microseconds=1)
_FASTEST = 1_000_000


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


class Replay(Watch):
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
        asked: WatchAsked,
        speed: float,
        start: datetime | None = None,
        timing: Timing | None = None,
    ) -> None:
        super().__init__(asked, timing)
        self._speed = speed
        self._start = start

    def pictures(self) -> Iterator[Picture]:
        """Yield a picture each second, the last one of the store's last record.

        Raises
        ------
        EmptyPanelError
            The store has no records.
        """
        query = self.asked.query
        with Store.open(query.db, query.memory) as store:
            begin, last = _span(store, query)
            begin = begin if self._start is None else self._start
            self.settle(store, last)
            yield from self._from(store, begin, last)

    def _from(self, store: Store, begin: datetime, last: datetime) -> Iterator[Picture]:
        clock = self.timing.monotonic
        began = clock()
        time, events, read_at = begin, 0, began
        reading, album = self._open(store, begin, last)
        while True:
            if self.take_choice():
                reading, album = self._open(store, time, last)
                events = 0
            time = min(begin + (clock() - began) * self._speed * timedelta(seconds=1), last)
            event = reading.last_event(time)
            end = time if event is None else event + _MICROSECOND
            reading.slide(max(end, begin))
            answer = reading.answer(self.asked.question)
            picture = album.picture(reading, answer, self.asked.choice)
            now = clock()
            rate = (picture.events - events) / (now - read_at) if now > read_at else 0.0
            events, read_at = picture.events, now
            yield replace(picture, mode="replay", rate=rate)
            if (time >= last and album.is_done) or self.stopped:
                return
            self.wait(read_at + 1 - clock())
            if self.stopped:
                return

    def _open(self, store: Store, time: datetime, last: datetime) -> tuple[WindowReading, Album]:
        asked = self.asked
        until = last + _MICROSECOND
        reading = WindowReading(store, asked.query, asked.window, min(time, until), until)
        return reading, self.album()


def _span(store: Store, query: PanelQuery) -> tuple[datetime, datetime]:
    near = [one for one in stretches(store) if not one.is_far]
    last = last_event(store)
    if not near or last is None:
        raise EmptyPanelError(f"{query.db} holds no events; see: blueattr status")
    return near[0].first_event, last
