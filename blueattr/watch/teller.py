"""Tells somebody what a watch sees: in a thread of its own, so that no picture waits for it."""

import hashlib
import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from blueattr.errors import BlueattrError
from blueattr.notify.condition import Condition
from blueattr.notify.notice import Notification
from blueattr.notify.teller import Destination, Teller, deliver
from blueattr.notify.told import Told, read_told
from blueattr.notify.told_record import ToldRecord, read_lines
from blueattr.panel.measured import LEADERS, busiest_hour, made_in_week
from blueattr.provenance import Window
from blueattr.report.numbers import gap_words, iso
from blueattr.sources.timing import Timing
from blueattr.store import coverage
from blueattr.watch.picture import Mark, Picture, WatchChoice
from blueattr.watch.reading import WatchReading, WindowAnswer
from blueattr.watch.words import mark_sentence

__all__ = ["WatchTeller", "WhoIsTold"]


_EVERY = 60.0  # seconds between two looks
_GLANCE = 0.1  # seconds after which the thread sees that it is to look, or to end
_PATIENCE = 30.0  # seconds for a notice that is on its way when the watch ends
_TIMES_AS_LONG = 20.0  # of its time, the engine measures what only the store knows for a twentieth
_PAUSE = timedelta(minutes=1)  # after which a notice is sent again

# A change that the first picture shows is news for so long. Where the same changes again sooner, it
# is the same change, found anew: after a change, the detector learns for longer than that.
_NEWS, _SAME = timedelta(hours=2), timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class WhoIsTold:
    """Who is told of what, and where that is kept.

    Parameters
    ----------
    destinations
        Where notices go.
    kinds
        What they are about, beside conditions: ``gap`` and ``change-point`` are for a watch.
    conditions
        What is looked at.
    record
        The record of all watches.
    beside
        The record of runs: a gap of which a run told is not told again.
    """

    destinations: Sequence[Destination]
    kinds: Sequence[str]
    conditions: Sequence[Condition]
    record: Path
    beside: Path


@dataclass(frozen=True, slots=True)
class _Sight:
    """What was seen last."""

    start: datetime
    end: datetime
    values: tuple[tuple[Condition, float | None], ...]
    gaps: tuple[str, ...]
    marks: tuple[Mark, ...]


class WatchTeller:
    """Tells what a watch sees.

    Parameters
    ----------
    who
        Who is told of what.
    choice
        What is watched; while a face shows something else, nobody is told.
    db
        The store.
    timing
        The clocks.
    """

    def __init__(
        self, who: WhoIsTold, choice: WatchChoice, db: Path, timing: Timing | None = None
    ) -> None:
        self._who, self._db = who, db
        self.settle(choice)
        self._timing = timing or Timing()
        self._to = {one.name: one for one in who.destinations}
        self._record = ToldRecord(who.record)
        self._stop = threading.Event()
        self._sight: _Sight | None = None
        self._is_first = True  # of the pictures of one choice, whose changes are found together
        self._old: set[tuple[datetime, str]] = set()  # changes that are no news
        self._asked: dict[str, float | None] = {}  # what only the store knows
        self._ask_at = float("-inf")
        self._trouble: dict[str, str] = {}

    @property
    def has_work(self) -> bool:
        """Whether there is anything that it could tell."""
        return bool(self._conditions or {"gap", "change-point"} & set(self._who.kinds))

    @contextmanager
    def telling(self) -> Iterator[None]:
        """Look each minute at what was seen, until the end."""
        thread = threading.Thread(target=self._look_on, daemon=True, name="notices")
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            thread.join(_PATIENCE)

    # --- in the thread of the engine --------------------------------------------------------------

    def see(self, reading: WatchReading, answer: WindowAnswer, picture: Picture) -> tuple[str, ...]:
        """Take what a picture shows; return what went wrong with telling, a sentence each.

        Parameters
        ----------
        reading, answer, picture
            What there is to see.
        """
        if picture.choice != self._choice:
            self._is_first = True
            return ()
        if self._is_first:
            self._is_first = False
            self._old |= {one.key for one in picture.marks if picture.end - one.time > _NEWS}
        gaps: tuple[str, ...] = ()
        if picture.gaps and "gap" in self._who.kinds:
            # Time before the store's first event does not count as a gap.
            spans = coverage.covered(reading.store)
            gaps = tuple(
                gap_words(gap) for gap in picture.gaps if spans and gap.end > spans[0].start
            )
        self._try(partial(self._ask, reading, answer, picture))
        values = tuple((one, self._value(one, picture)) for one in self._conditions)
        marks = tuple(one for one in picture.marks if one.key not in self._old)
        self._sight = _Sight(picture.start, picture.end, values, gaps, marks)
        missing = [
            f"There is no value of {one.subject}." for one, value in values if value is None
        ]  # fmt: skip
        return (*missing, *self._trouble.copy().values())

    def _ask(self, reading: WatchReading, answer: WindowAnswer, picture: Picture) -> None:
        """Measure what only the store knows, if the last time is long enough ago."""
        measures = {one.measure for one in self._conditions}
        began = self._timing.monotonic()
        if not measures & {"participants", "new-accounts"} or began < self._ask_at:
            return
        if "participants" in measures:
            window = Window(picture.start, picture.end)
            influence = reading.query.influence
            self._asked["participants"] = busiest_hour(
                reading.store, reading.topic, influence, window
            )
        if "new-accounts" in measures:
            result = answer.result
            dids = [] if result is None else result.agents["did"].head(LEADERS).to_list()
            found = made_in_week(reading.store, dids, picture.end) if dids else None
            self._asked["new-accounts"] = found
        took = self._timing.monotonic() - began
        self._ask_at = began + _TIMES_AS_LONG * took

    def _value(self, condition: Condition, picture: Picture) -> float | None:
        """Return a measure of a picture, as a run measures it in a report; shares in percent."""
        match condition.measure:
            case "agents":
                return None if picture.total is None else picture.n_agents
            case "involved":
                return None if picture.total is None else picture.n_involved
            case "total":
                return picture.total
            case "share":
                shares = {one.tier: one.share for one in picture.tiers}
                if condition.group:
                    shares = {one.group: one.share for one in picture.groups}
                share = shares.get(condition.group or condition.tier)
                return None if share is None else 100 * share
            case measure:
                return self._asked.get(measure)

    def settle(self, choice: WatchChoice) -> None:
        """Take what is watched as it is once the store is open."""
        self._choice = choice
        self._series = _series(choice, self._db)
        self._conditions = tuple(one for one in self._who.conditions if _is_about(one, choice))

    # --- in the thread that tells -----------------------------------------------------------------

    def _look_on(self) -> None:
        due = float("-inf")
        while not self._stop.wait(_GLANCE):
            if self._sight is not None and self._timing.monotonic() >= due:
                due = self._timing.monotonic() + _EVERY
                self.look()

    def look(self) -> None:
        """Tell what is new in what was seen last, and again what could not be delivered."""
        queue: list[tuple[Notification, Sequence[str]]] = []
        self._try(partial(self._decide, queue))
        # What is noted is sent, whatever else goes wrong; meanwhile others may note theirs.
        for notice, to in queue:
            for name in to:
                if name in self._to:
                    self._try(partial(self._deliver, notice, self._to[name]))

    def _try(self, step: Callable[[], None]) -> None:
        """Do a step; what goes wrong with it is a note of the next pictures, and no more."""
        try:
            step()
        except Exception as error:  # noqa: BLE001 - a watch does not end because of it
            words = str(error) if isinstance(error, BlueattrError) else repr(error)
            self._trouble[""] = f"Nobody could be told: {words}."

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._timing.now(), UTC)

    def _decide(self, queue: list[tuple[Notification, Sequence[str]]]) -> None:
        with self._record.held():
            now = self._now()
            told = read_told(read_lines(self._record.path))
            for notice, name in told.undelivered(now, _PAUSE):
                if name in self._to:
                    self._record.note("retry", key=notice.key, to=name)
                    queue.append((notice, [name]))
            told.about |= read_told(read_lines(self._who.beside)).about
            teller = Teller(
                [*self._to], told, self._record.note, lambda *given: queue.append(given), now
            )
            self._tell(teller)
        self._trouble.pop("", None)

    def _deliver(self, notice: Notification, to: Destination) -> None:
        def note(what: str, /, **fields: Any) -> None:
            with self._record.held():
                self._record.note(what, **fields)

        problem = deliver(notice, to, note, self._now)
        if problem:
            self._trouble[to.name] = f"{problem[0].upper()}{problem[1:]}."
        else:
            self._trouble.pop(to.name, None)

    def _tell(self, teller: Teller) -> None:
        sight = self._sight
        if sight is None:
            return
        about = {
            "start": iso(sight.start), "end": iso(sight.end), "panel": self._choice.panel,
            "shows": self._choice.indicator,
        }  # fmt: skip
        if sight.gaps:
            teller.tell_gaps(sight.gaps, {"start": about["start"], "end": about["end"]})
        if "change-point" in self._who.kinds:
            for mark in reversed(sight.marks):  # the oldest first
                self._tell_mark(teller, mark, about)
        for condition, value in sight.values:
            if value is not None:
                teller.tell_condition(condition, value, about, self._series)

    def _tell_mark(self, teller: Teller, mark: Mark, about: Mapping[str, str]) -> None:
        """Tell of a change, without who contributed: a record holds no names."""
        topic = self._choice.topic
        subject = f"change-point{self._series} {mark.what} "
        if any(abs(mark.time - time) <= _SAME for time in _times(teller.told, subject)):
            return
        data = {
            **about, "topic": topic, "what": mark.what, "unit": mark.unit, "before": mark.before,
            "after": mark.after, "time": iso(mark.time),
        }  # fmt: skip
        words = mark_sentence(replace(mark, contributed=()))
        key = f"{subject}{iso(mark.time)}"
        teller.give(("change-point", f"blueattr: {topic}: a change", words, data), [key])
        teller.told.about.add(key)


def _times(told: Told, subject: str) -> list[datetime]:
    """Return when changes of a subject began, of which somebody was told."""
    times = []
    for about in told.about:
        if about.startswith(subject):
            try:
                times.append(datetime.fromisoformat(about.removeprefix(subject)).astimezone(UTC))
            except ValueError:  # not of this program
                continue
    return times


def _is_about(condition: Condition, choice: WatchChoice) -> bool:
    """Return whether a condition is about what is watched."""
    if condition.group and not choice.by:
        return False
    return condition.topic == choice.topic and condition.indicator in {"", choice.indicator}


def _series(choice: WatchChoice, db: Path) -> str:
    """Return what tells the values of this watch from those of others: 8 hex digits."""
    parts = {**asdict(choice), "window": choice.window.total_seconds(), "db": str(db.resolve())}
    digest = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
    return f"-{digest[:8]}"
