"""What somebody was told, as a record keeps it: once, across restarts."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import Any

from blueattr.notify.condition import Standing
from blueattr.notify.notice import Notification

__all__ = ["Told", "read_told"]


# A notice that could not be delivered is given again later, so often and so long; each time the
# pause before it is so many times as long.
_ATTEMPTS = 5
_FRESH = timedelta(days=1)
_LONGER = 5
# How a gap is written: its ends, and why.
_GAP = re.compile(r"(\S+) to (\S+): ")


@dataclass(frozen=True, slots=True)
class _Given:
    """A notice to one destination, with what became of it."""

    notice: Notification
    to: str
    at: datetime
    tried_at: datetime
    failures: int = 0
    is_open: bool = False


@dataclass(slots=True)
class Told:
    """What was told.

    Parameters
    ----------
    levels
        Where each condition stood, by its key.
    about
        What was told once and for all: gaps, reports and change points.
    """

    levels: dict[str, Standing] = field(default_factory=dict)
    about: set[str] = field(default_factory=set)
    _given: dict[tuple[str, str], _Given] = field(default_factory=dict)

    def undelivered(
        self, now: datetime, pause: timedelta = timedelta(0)
    ) -> list[tuple[Notification, str]]:
        """Return notices that are to be given again, with the names of their destinations.

        One of which nobody knows what became, because the program was killed, is not among them: it
        may have arrived.

        Parameters
        ----------
        now
            The time, with a zone.
        pause
            The shortest time after the first try; it is five times as long after each later one.
        """
        return [
            (one.notice, one.to)
            for one in self._given.values()
            if one.is_open
            and one.failures < _ATTEMPTS
            and now - one.at < _FRESH
            # A time ahead of the clock is that of a clock that was wrong.
            and not timedelta(0) <= now - one.tried_at < pause * _LONGER ** (one.failures - 1)
        ]

    def new_gaps(self, gaps: Sequence[str]) -> list[str]:
        """Return the gaps of which no part was told.

        A window that slides cuts a gap off at its ends, so that the same gap has other ends later.

        Parameters
        ----------
        gaps
            As they are told: ``START to END: why``.
        """
        told = [about.removeprefix("gap ") for about in self.about if about.startswith("gap ")]
        ends = [one for one in map(_ends, told) if one is not None]

        def is_told(gap: str) -> bool:
            mine = _ends(gap)
            if mine is None:
                return gap in told
            return any(mine[0] < end and start < mine[1] for start, end in ends)

        return [gap for gap in gaps if not is_told(gap)]


def _ends(gap: str) -> tuple[datetime, datetime] | None:
    found = _GAP.match(gap)
    try:
        return None if found is None else (_moment(found[1]), _moment(found[2]))
    except ValueError:
        return None


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def read_told(entries: Iterable[Mapping[str, Any]]) -> Told:
    """Read what was told.

    Parameters
    ----------
    entries
        Lines of a record; those that are not of its form are passed over.
    """
    told = Told()
    for entry in entries:
        try:
            _READERS[entry["what"]](told, entry)
        except (KeyError, TypeError, ValueError, AttributeError):
            continue
    return told


def _levels(told: Told, entry: Mapping[str, Any]) -> None:
    for condition, noted in entry["levels"].items():
        at, value = noted["told_at"], float(noted["value"])
        if isfinite(value):
            moment = None if at is None else _moment(at)
            told.levels[str(condition)] = Standing(bool(noted["is_met"]), value, moment)


def _notice(told: Told, entry: Mapping[str, Any]) -> None:
    _levels(told, entry)
    told.about.update(map(str, entry["about"]))
    given = entry["notice"]
    notice = Notification(
        key=str(given["key"]),
        kind=str(given["kind"]),
        title=str(given["title"]),
        text=str(given["text"]),
        data=given["data"],
    )
    at = _moment(entry["at"])
    for to in entry["to"]:
        told._given[notice.key, str(to)] = _Given(notice, str(to), at, at)  # noqa: SLF001 - its own


def _retry(told: Told, entry: Mapping[str, Any]) -> None:
    """Take a notice for one that may have arrived, until it is known what became of it."""
    place = str(entry["key"]), str(entry["to"])
    before = told._given[place]  # noqa: SLF001 - its own
    told._given[place] = replace(before, is_open=False)  # noqa: SLF001 - its own


def _delivery(told: Told, entry: Mapping[str, Any]) -> None:
    place = str(entry["key"]), str(entry["to"])
    before = told._given[place]  # noqa: SLF001 - its own
    failed = bool(entry["problem"])
    at = _moment(entry["at"]) if "at" in entry else before.tried_at  # older records have no time
    told._given[place] = replace(  # noqa: SLF001 - its own
        before, failures=before.failures + failed, is_open=failed, tried_at=at
    )


_READERS = {"levels": _levels, "notice": _notice, "retry": _retry, "delivery": _delivery}
