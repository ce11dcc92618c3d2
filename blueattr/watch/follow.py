"""A watch of a store that is written to meanwhile: it looks at the store after each commit."""

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from blueattr.errors import StoreBusyError
from blueattr.panel.query import last_event
from blueattr.provenance import Window
from blueattr.sources.timing import Timing
from blueattr.store.database import Store
from blueattr.store.integrity.seal import headers
from blueattr.watch.asked import Watch, WatchAsked
from blueattr.watch.picture import FeedState, Mode, Picture
from blueattr.watch.reading import StoreReading, WatchReading, WindowAnswer, WindowReading

__all__ = ["Follow"]


_MICROSECOND = timedelta(microseconds=1)
_BEHIND = timedelta(hours=6)

# Of its time, a watch reads a store for a quarter at most: commits wait for it.
_PAUSE = 3.0

# Seconds that the shares of the hours before may take, when a watch begins; and how many there are.
_BACK_SECONDS, _BACK_MOST = 2.0, 24

# With more events than this, the first picture waits neither for them nor for whatever else takes
# longer than the shares.
_FEW = 1 << 19


@dataclass
class _Feed:
    """What came since the watch began."""

    kept: int
    rejected: int
    looks: int = 0
    seconds: float = 0.0


class Follow(Watch):
    """Shows a store as each commit leaves it.

    Parameters
    ----------
    asked
        What to watch.
    mode
        Whether this program writes the store, too (in another process), or follows another.
    check
        Called about each second: it raises where what writes the store has ended.
    timing
        The clocks, and how to wait.
    """

    def __init__(
        self,
        asked: WatchAsked,
        mode: Mode = "follows",
        check: Callable[[], None] | None = None,
        timing: Timing | None = None,
    ) -> None:
        super().__init__(asked, timing)
        self._mode = mode
        self._check = check or (lambda: None)
        self._begin_anew()
        self._feed: _Feed | None = None
        self._events: tuple[int, float] | None = None  # kept at the last look, and when it was

    def _begin_anew(self) -> None:
        """Forget what was shown."""
        self._album = self.album()
        # Whether the hours before are yet to be shown; groups take longer than a moment.
        self._lacks_hours = self.asked.by is None

    def pictures(self) -> Iterator[Picture]:
        """Yield a picture each second, from the first event on, until it is to stop.

        Raises
        ------
        StoreError
            The store cannot be read.
        """
        clock = self.timing.monotonic
        seen, picture = b"", None
        due = float("-inf")
        while not self.stopped:
            began = clock()
            self._check()
            if self.take_choice():
                self._begin_anew()
                seen, due = b"", float("-inf")
            there = _headers(self.asked.query.db)
            has_more = self._lacks_hours or not self._album.is_done
            is_new = there != seen or (has_more and picture is not None)
            if there and is_new and began >= due:
                with suppress(StoreBusyError):  # a commit takes long: the next look will see it
                    seen, picture = self._look() or (there, picture)
                due = clock() + _PAUSE * (clock() - began)
            if picture is not None:
                yield replace(picture, lag=self._lag(picture.end))
            self.wait(began + 1 - clock())

    def _look(self) -> tuple[bytes, Picture] | None:
        """Read the store as it is now; None if it has no events."""
        query, began = self.asked.query, self.timing.monotonic()
        with Store.open(query.db, query.memory) as store:
            last = last_event(store)
            if last is None:
                return None
            end = last + _MICROSECOND
            ((kept, rejected),) = store.rows("watch/feed")
            if self._events is not None and kept < self._events[0]:  # another store has its place
                self._begin_anew()
                self._feed = self._events = None
            if self.asked.question.panel is None:
                self.settle(store, end)
                self._album = self.album()
            is_hasty = not self._album.has_history and self._is_large(store, end)
            reading = self._read(store, end, is_hasty=is_hasty)
            answer = reading.answer(self.asked.question)
            picture = self._album.picture(reading, answer, self.asked.choice, is_hasty=is_hasty)
            return store.first_bytes, self._with_feed(store, picture, began, kept, rejected)

    def _read(self, store: Store, end: datetime, *, is_hasty: bool) -> WatchReading:
        """Read the window that ends at a time; once with the shares of the hours before."""
        asked, album = self.asked, self._album
        album.read_anew()
        if is_hasty or not self._lacks_hours:
            return StoreReading(store, asked.query, Window(end - asked.window, end))
        self._lacks_hours = False
        reading = WindowReading(store, asked.query, asked.window, end - _BEHIND, end)
        album.remember(self._hours_before(reading, end))
        reading.slide(end)
        return reading

    def _is_large(self, store: Store, end: datetime) -> bool:
        """Return whether the window and the hours before it have many events."""
        first = (end - self.asked.window - _BEHIND).date()
        ((records,),) = store.rows("watch/records_since", day=first)
        return bool(records > _FEW)

    def _hours_before(self, reading: WindowReading, end: datetime) -> Iterator[WindowAnswer]:
        """Yield what windows of the hours before answer, as many as there is time for."""
        clock, question = self.timing.monotonic, self.asked.question
        began = clock()
        reading.slide(end - _BEHIND)
        yield reading.answer(question)
        each = max(clock() - began, 1e-6)
        steps = min(int(_BACK_SECONDS / each), _BACK_MOST)
        for k in range(1, steps):
            reading.slide(end - _BEHIND * (1 - k / steps))
            yield reading.answer(question)

    def _with_feed(
        self, store: Store, picture: Picture, began: float, kept: int, rejected: int
    ) -> Picture:
        now = self.timing.monotonic()
        if self._feed is None:
            self._feed = _Feed(kept, rejected)
        self._feed.looks += 1
        self._feed.seconds += now - began
        before, self._events = self._events, (kept, now)
        rate = 0.0
        if before is not None and now > before[1]:
            rate = (kept - before[0]) / (now - before[1])
        there = store.path.stat()
        feed = FeedState(
            kept - self._feed.kept,
            rejected - self._feed.rejected,
            self._feed.looks,
            self._feed.seconds,
            there.st_size,
            datetime.fromtimestamp(there.st_mtime, UTC),
        )
        return replace(
            picture, mode=self._mode, rate=rate, feed=feed, events=kept - self._feed.kept
        )

    def _lag(self, end: datetime) -> float:
        now = datetime.fromtimestamp(self.timing.now(), UTC)
        return max((now - end).total_seconds(), 0.0)


def _headers(path: Path) -> bytes:
    """Return the first bytes of a store, which change with each commit; empty if there is none.

    The store is not open: whoever closes a file that the engine has open ends its lock on it.
    """
    try:
        file = os.open(path, os.O_RDONLY)
    except OSError:
        return b""
    try:
        return headers(file)
    finally:
        os.close(file)
