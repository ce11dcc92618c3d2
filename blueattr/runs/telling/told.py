"""What somebody was told, as the record of runs keeps it: once, across restarts."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import Any

from blueattr.notify.condition import Standing
from blueattr.notify.notice import Notification

__all__ = ["Told", "read_told"]


# A notice that could not be delivered is given again with later runs, so often and so long.
_ATTEMPTS = 5
_FRESH = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class _Given:
    """A notice to one destination, with what became of it."""

    notice: Notification
    to: str
    at: datetime
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
        What was told once and for all: gaps and reports.
    """

    levels: dict[str, Standing] = field(default_factory=dict)
    about: set[str] = field(default_factory=set)
    _given: dict[tuple[str, str], _Given] = field(default_factory=dict)

    def undelivered(self, now: datetime) -> list[tuple[Notification, str]]:
        """Return notices that are to be given again, with the names of their destinations.

        One of which nobody knows what became, because the run was killed, is not among them: it may
        have arrived.
        """
        return [
            (one.notice, one.to)
            for one in self._given.values()
            if one.is_open and one.failures < _ATTEMPTS and now - one.at < _FRESH
        ]


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
            moment = None if at is None else datetime.fromisoformat(at).astimezone(UTC)
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
    at = datetime.fromisoformat(entry["at"]).astimezone(UTC)
    for to in entry["to"]:
        told._given[notice.key, str(to)] = _Given(notice, str(to), at)  # noqa: SLF001 - its own


def _delivery(told: Told, entry: Mapping[str, Any]) -> None:
    place = str(entry["key"]), str(entry["to"])
    before = told._given[place]  # noqa: SLF001 - its own
    is_open = bool(entry["problem"])
    told._given[place] = _Given(  # noqa: SLF001 - its own
        before.notice, before.to, before.at, before.failures + is_open, is_open
    )


_READERS = {"levels": _levels, "notice": _notice, "delivery": _delivery}
