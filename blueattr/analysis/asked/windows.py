"""Two windows to compare: what a user writes, and what it means for a store."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

from blueattr.analysis.asked.parse import moment
from blueattr.errors import UsageError
from blueattr.provenance import Window

if TYPE_CHECKING:
    from blueattr.panel.query import PanelQuery
    from blueattr.store.database import Store

__all__ = ["ComparedWindows", "period", "refuse_lengths", "spell_period", "two_windows"]


_DAY = timedelta(days=1)
_NAMED = {"yesterday": 1, "last-week": 7}
_EXAMPLE = "2026-04-09..2026-04-15"
_PERIOD = re.compile(r"(\d{4}-\d{2}-\d{2})(?:\.\.(\d{4}-\d{2}-\d{2}))?")


@dataclass(frozen=True, slots=True)
class ComparedWindows:
    """Which two windows to compare.

    Parameters
    ----------
    before, after
        The windows, where both are named.
    since
        When the window after starts, where it goes on to the last event and the one before is as
        long.
    days
        How many whole days each has, where both are counted back from the last whole day.
    """

    before: Window | None = None
    after: Window | None = None
    since: datetime | None = None
    days: int | None = None

    def settle(self, store: "Store", query: "PanelQuery") -> tuple[Window, Window]:
        """Return the two windows.

        Parameters
        ----------
        store, query
            Where events end: see `blueattr.panel.query.PanelQuery`.

        Raises
        ------
        UsageError
            The window after would start after the last event.
        EmptyPanelError
            The store has no events.
        """
        if self.before is not None and self.after is not None:
            return self.before, self.after
        unbounded = replace(query, start=None, end=None, complete=False)
        if self.days is not None:
            length = self.days * _DAY
            after = replace(unbounded, length=length, whole_days=True, complete=True).window(store)
            return Window(after.start - length, after.start), after
        assert self.since is not None  # noqa: S101 - one of the three ways is chosen
        end = replace(unbounded, length=_DAY, whole_days=False).window(store).end
        length = end - self.since
        if length <= timedelta():
            raise UsageError(
                f"--since {self.since:%Y-%m-%d %H:%M} is after the last event in {query.db}, of "
                f"{end:%Y-%m-%d %H:%M}"
            )
        return Window(self.since - length, self.since), Window(self.since, end)


def two_windows(
    *,
    before: str | date | Sequence[date] | None = None,
    after: str | date | Sequence[date] | None = None,
    since: str | date | None = None,
) -> ComparedWindows:
    """Parse which two windows to compare.

    Parameters
    ----------
    before
        The days before, in UTC, the last one included: ``"2026-04-09..2026-04-15"``, or two dates;
        one date is one day.
    after
        The days after, as many.
    since
        In place of both: a date or time from which the window after goes on to the last event in
        the store, with as long a window before it; or ``"yesterday"``, the last whole day in the
        store against the one before, or ``"last-week"``, the last seven against the seven before.

    Raises
    ------
    UsageError
        For a text that makes no sense, and windows that are not equally long.
    """
    if since is not None:
        if before is not None or after is not None:
            raise UsageError("--since says both windows; leave out --before and --after")
        if isinstance(since, str) and since in _NAMED:
            return ComparedWindows(days=_NAMED[since])
        try:
            return ComparedWindows(since=moment(since, "--since"))
        except UsageError as error:
            raise UsageError(f"{error}; yesterday and last-week do, too") from None
    if before is None or after is None:
        missing = "--before and --after" if before is after else (
            "--after" if after is None else "--before"
        )  # fmt: skip
        raise UsageError(
            f"{missing} must say what to compare, such as {_EXAMPLE}; or write --since with a "
            "date, yesterday or last-week"
        )
    old, new = period(before, "--before"), period(after, "--after")
    refuse_lengths(old, new)
    return ComparedWindows(old, new)


def refuse_lengths(before: Window, after: Window) -> None:
    """Refuse windows that are not equally long.

    Raises
    ------
    UsageError
        They are not.
    """
    old, new = (window.end - window.start for window in (before, after))
    if old != new:
        raise UsageError(
            f"the two windows differ in length, {_length(old)} before and {_length(new)} after: "
            "more happens in a longer one"
        )


def period(days: str | date | Sequence[date], option: str) -> Window:
    """Parse whole UTC days, the last one included.

    Parameters
    ----------
    days
        A text such as ``"2026-04-09..2026-04-15"``, or two dates; one date is one day.
    option
        For messages.

    Raises
    ------
    UsageError
        For anything else.
    """
    if isinstance(days, date):
        days = (days, days)
    if not isinstance(days, str):
        days = "..".join(str(day) for day in days)
    found = _PERIOD.fullmatch(days)
    if found is None:
        raise UsageError(
            f"{option} {days!r} names no days; write {_EXAMPLE}, whose last day is included"
        )
    first, last = (moment(day, option) for day in (found[1], found[2] or found[1]))
    assert first is not None  # noqa: S101 - a text is parsed or refused
    assert last is not None  # noqa: S101 - a text is parsed or refused
    if last < first:
        raise UsageError(f"{option} {days!r} ends before it starts")
    return Window(first, datetime.combine(last.date(), time(), UTC) + _DAY)


def spell_period(window: Window) -> str:
    """Write a window of whole UTC days as `period` reads it."""
    return f"{window.start:%Y-%m-%d}..{window.end - _DAY:%Y-%m-%d}"


def _length(span: timedelta) -> str:
    days = span / _DAY
    return f"{days:g} day" + ("" if days == 1 else "s")
