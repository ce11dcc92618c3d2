"""The clock at a reading: how far ahead of it a server's time or a revision may lie."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from blueattr.decode.parser.identifiers import END_US, LETTERS

__all__ = ["AHEAD", "OPEN", "Evidence", "Horizon", "Now", "bounded_tid", "first_tid"]


Now = Callable[[], float]
"""Tells the time in seconds since 1970, as `time.time` does."""


AHEAD = timedelta(minutes=5)
"""How far ahead of the clock a server time or a revision may lie. Relays take no more, either."""


# A TID is a time in microseconds and ten more bits (atproto.com/specs/tid).
_REST_OF_A_TID = 10
_LETTERS_OF_A_TID = 13
_LAST_REV = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Horizon:
    """From where on times and revisions are refused, because they lie ahead of the clock.

    Parameters
    ----------
    end_us
        Microseconds since 1970: server times from here on are refused.
    last_rev
        The greatest revision that is not refused, as a number.
    """

    end_us: int
    last_rev: int

    @classmethod
    def of(cls, now: float) -> "Horizon":
        """Return the horizon at a time in seconds since 1970."""
        last_us = max(round(now * 1e6), 0) + _AHEAD_US
        if last_us >= END_US:
            return OPEN
        rev = last_us << _REST_OF_A_TID | (1 << _REST_OF_A_TID) - 1
        return cls(last_us + 1, min(rev, _LAST_REV))

    @property
    def end(self) -> datetime:
        """The end of the times that are taken, naive UTC."""
        return datetime(1970, 1, 1) + timedelta(microseconds=self.end_us)  # noqa: DTZ001 - as stored

    @property
    def is_wrong(self) -> bool:
        """Whether the clock is surely wrong: it shows a time before this program was written."""
        return self.end_us <= _RIGHT_US + _AHEAD_US

    @property
    def last_tid(self) -> str:
        """The greatest revision that is not refused, in letters; they sort as the numbers do."""
        if self.last_rev == _LAST_REV:
            return "j" + "z" * (_LETTERS_OF_A_TID - 1)
        return _letters(self.last_rev)


def first_tid(time: datetime) -> str:
    """Return the least revision of a time, in letters; they sort as the times do."""
    time_us = (time - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    return _letters(time_us << _REST_OF_A_TID)


def bounded_tid(tid: str, time_us: int, nth: int) -> str:
    """Return a revision, or one of a time, in microseconds since 1970, if it is of later.

    Parameters
    ----------
    nth
        Counts those of that time: a later one is greater.
    """
    last = _letters(time_us << _REST_OF_A_TID | nth & (1 << _REST_OF_A_TID) - 1)
    return min(tid, last) if len(tid) == len(last) else tid


def _letters(number: int) -> str:
    places = range(_LETTERS_OF_A_TID - 1, -1, -1)
    return "".join(chr(LETTERS[number >> 5 * place & 31]) for place in places)


_AHEAD_US = AHEAD // timedelta(microseconds=1)
# 2026-01-01: earlier than any machine runs this, whose clock is right.
_RIGHT_US = 1_767_225_600_000_000
OPEN = Horizon(int(END_US), _LAST_REV)
"""Of no clock, or of one that is not trusted: refuses only what no server writes."""


class Evidence:
    """What a source says of the clock: whether most of what it sends lies ahead of it.

    Then it is the clock that is wrong, and nothing is refused for it.

    Parameters
    ----------
    timely
        Events that were not ahead of the clock, when the source was read before; negative where
        they were.
    needed
        So many events ahead of the clock, at least, say that it is wrong.
    """

    # Few enough that a clock that is set back loses little of a stream that sends an event at a
    # time, and enough that a few events in a row that lie ahead are not taken for a wrong clock.
    _MOST = 100

    def __init__(self, timely: int = 0, needed: int = 1) -> None:
        self._timely = self.most(timely)
        self._needed = needed

    @classmethod
    def most(cls, timely: int) -> int:
        """Return how many of so many events before count."""
        return max(-cls._MOST, min(timely, cls._MOST))

    def against_clock(self, ahead: int, timely: int) -> bool:
        """Return whether most events lie ahead: of these, and of as many before as count."""
        are_enough = ahead - min(self._timely, 0) >= self._needed
        return are_enough and self._timely + timely < ahead

    @property
    def speaks_for_clock(self) -> bool:
        """Whether most of what counts was not ahead of the clock."""
        return self._timely > 0

    def decide(self) -> None:
        """Take the clock for wrong: so many were ahead that a few which are not say nothing."""
        self._timely = -self._MOST

    def doubt(self) -> None:
        """Forget what spoke for the clock: it lies behind an event that was not ahead of it."""
        self._timely = min(self._timely, 0)
        self._needed = 1

    def add(self, ahead: int, timely: int) -> None:
        """Take note of events."""
        self._timely = self.most(self._timely + timely - ahead)
