"""Counts: what accounts did and received in a window, from summaries and records alike.

Summaries serve the days that they hold; the rest comes from the records by the same statements, so
that summaries change the time an answer takes and nothing else.
"""

import functools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, timedelta
from typing import Protocol

import numpy as np
import polars as pl
import pyarrow as pa

from blueattr.errors import StoreError
from blueattr.kernels.tallies import (
    RECEIVED,
    WRITTEN,
    AccountNumbers,
    Sums,
    Tally,
    add_up,
    narrow,
)
from blueattr.panel.counted import counted_posts, find_counted_posts, is_counted, with_counts
from blueattr.provenance import CountedPosts, Window
from blueattr.store.account_numbers import known_accounts, past_account
from blueattr.store.database import Store
from blueattr.store.engine.rows import arrays
from blueattr.store.matching import (
    Rule,
    Stretch,
    define,
    known_topics,
    match,
    some_pending,
    stretches,
)

__all__ = ["Counted", "WindowCounts", "WindowLayout", "match_in"]


_ROWS = 1 << 20  # rows that are counted at once
_CELLS = 1 << 22  # agent-days that are summed up at once: 235 MB
_SUMS = 1 << 23  # accounts that are summed up at once: 400 MB
_COUNTS = (*WRITTEN[1:], *RECEIVED)  # in the order of the statements
_INSTANT = timedelta(microseconds=1)
_FOLLOWS = "follows_received"  # which are global: of a topic there are none


@dataclass(frozen=True, slots=True, eq=False)
class WindowLayout:
    """A window, as far as every question about it needs to know.

    Parameters
    ----------
    first, last
        The days that summaries serve; none where they cross.
    past
        Above the numbers of all accounts.
    active
        Who made a record, uint32, ascending; of those who are gone, too.
    inactive
        Who is deleted, taken down or suspended at the window's end, uint32.
    followed, follows
        Who was followed, uint32, ascending, and by how many, int64; of those who are not gone.
    """

    first: date
    last: date
    past: int
    active: AccountNumbers
    inactive: AccountNumbers
    followed: AccountNumbers
    follows: Sums


class Counted(Protocol):
    """What the filters of a panel ask about a window that was counted."""

    def lay_out(self) -> WindowLayout:
        """Return who was active, who is gone and who was followed."""

    def busy_days(self, records: int) -> pl.DataFrame:
        """Return on how many UTC days accounts made more than so many records."""


class WindowCounts:
    """What accounts did and received in one window of an open store.

    Its statements speak through temp tables of the store, of which there is one set: they belong to
    the object that was asked last, and another makes its own anew when it is asked.

    Parameters
    ----------
    store
        Open for reading: it does not change meanwhile.
    window
        The window.
    elsewhere
        Of a store that is one bucket of partitions: the posts of the others that match the topic
        which is counted, ``did``, ``rkey`` and ``rkey_text``.
    """

    def __init__(self, store: Store, window: Window, elsewhere: pa.Table | None = None) -> None:
        self.window = window
        self._elsewhere = elsewhere
        self._store = store
        self._layout: WindowLayout | None = None
        self._counted: tuple[Rule, bool] | None = None

    @classmethod
    def of(cls, store: Store, window: Window) -> "WindowCounts":
        """Return the owner of the store's temp tables if its window is this one, else a new one."""
        owner = store.tables_of
        if isinstance(owner, cls) and owner.window == window:
            return owner
        return cls(store, window)

    def _take_tables(self) -> None:
        if self._store.tables_of is not self:
            self._store.tables_of = None  # of nobody, until they are made
            self._layout = self._counted = None
            self._store.run("panel/inactive", end=self.window.end)
            self._store.tables_of = self

    def lay_out(self) -> WindowLayout:
        """Return what every question about the window needs; worked out once.

        The temp tables ``inactive``, ``fresh_day`` and ``void_gift`` are of the window then.
        """
        self._take_tables()
        if self._layout is None:
            with known_accounts(self._store):
                self._layout = _lay_out(self._store, _naive(self.window))
        return self._layout

    def busy_days(self, records: int) -> pl.DataFrame:
        """Count the UTC days of the window on which accounts made more than so many records.

        Returns
        -------
        pl.DataFrame
            ``account`` and ``busy_days``, in no order; those without any are not in it.
        """
        layout = self.lay_out()
        return self._store.frame(
            "panel/busy_days", rate=records, first=layout.first, last=layout.last
        )

    def count(self, rule: Rule, *, quotes: bool = True) -> None:
        """Make the temp table of the events that belong to a topic, ``window_event``.

        Those that match by their own words are in the temp table ``matching_post``, and all that
        may belong to it, with their keys, in ``candidate``.

        Parameters
        ----------
        rule
            The topic.
        quotes
            Whether to look at what posts quote; else it is as if none quoted another.
        """
        self._take_tables()
        if self._counted != (rule, quotes):
            self._counted = None  # until it is done
            _count(self._store, rule, _naive(self.window), self._elsewhere, quotes=quotes)
            self._counted = rule, quotes

    def agent_days(self, rule: Rule | None, *, quotes: bool = True) -> pl.DataFrame:
        """Count what each account did and received on each day.

        Parameters
        ----------
        rule
            The topic; None for all events. Follows are global.
        quotes
            Of a topic: see `count`.

        Returns
        -------
        pl.DataFrame
            ``account``, ``day`` and `blueattr.panel.features.COUNTS` (int32 where that holds them,
            else int64), by account and day. Accounts that are gone at the window's end are not in
            it.
        """
        parts = [*self._agent_day_parts(rule, quotes=quotes)]
        counts = pl.concat(parts, how="vertical_relaxed")
        return self._of_counts(rule, counts, quotes=quotes)

    def agent_day_parts(self, rule: Rule | None, *, quotes: bool = True) -> Iterator[pl.DataFrame]:
        """Yield the rows of `agent_days` in parts, for they need much memory together."""
        if self.is_counted:
            yield self.agent_days(rule, quotes=quotes)
        else:
            yield from self._agent_day_parts(rule, quotes=quotes)

    def _agent_day_parts(self, rule: Rule | None, *, quotes: bool) -> Iterator[pl.DataFrame]:
        layout = self.lay_out()
        statement = "panel/agent_days_all"
        if rule is not None:
            self.count(rule, quotes=quotes)
            statement = "panel/agent_days"
        days = _days(self.window)
        with known_accounts(self._store):
            # Summaries have accounts in order: of those of a range the engine reads little else.
            width = max(1, _CELLS // len(days))
            # Written to again for each range: the system takes long to clear new memory.
            sums = np.zeros((len(_COUNTS), min(width, layout.past) * len(days)), np.int64)
            for ends in Tally.ranges(layout.past, width):
                part = _by_day(self._store, layout, statement, days, ends, sums)
                yield self._counted_right(part)

    @functools.cached_property
    def is_counted(self) -> bool:
        """Whether what accounts received is of counts: see `blueattr.panel.counted`."""
        return is_counted(self._store)

    def counted_posts(self, rule: Rule | None, *, quotes: bool = True) -> CountedPosts | None:
        """Say of how many posts of a topic, or of all, there are counts; None if c is of events."""
        if not self.is_counted:
            return None
        self._find_counted(rule, quotes=quotes)
        return counted_posts(self._store)

    def _find_counted(self, rule: Rule | None, *, quotes: bool) -> None:
        self._take_tables()
        if rule is not None:
            self.count(rule, quotes=quotes)
        find_counted_posts(self._store, *_naive(self.window), of_topic=rule is not None)

    def _of_counts(self, rule: Rule | None, counts: pl.DataFrame, *, quotes: bool) -> pl.DataFrame:
        """Put counts in the place of what accounts received, where c is made of them."""
        if not self.is_counted:
            return counts
        self._find_counted(rule, quotes=quotes)
        return with_counts(self._store, counts)

    def _counted_right(self, counts: pl.DataFrame) -> pl.DataFrame:
        """Refuse counts under 0, which only rows that no commit wrote can add up to."""
        if any((counts[name] < 0).any() for name in _COUNTS):
            raise StoreError(
                f"{self._store.path} is damaged: what accounts did adds up to less than nothing. "
                "Put a backup in its place, or ingest the sources into a new store"
            )
        return counts

    def account_hours(self, rule: Rule | None, *, quotes: bool = True) -> pl.DataFrame:
        """Count the posts, replies and reposts that each account wrote in each hour.

        Parameters
        ----------
        rule
            The topic; None for all events.
        quotes
            Of a topic: see `count`.

        Returns
        -------
        pl.DataFrame
            ``account``, ``hour`` (UTC, without a zone) and ``records``, in no order. Accounts that
            are gone at the window's end are not in it.
        """
        if rule is not None:
            self.count(rule, quotes=quotes)
            return self._store.frame("panel/account_hours")
        self._take_tables()
        start, end = _naive(self.window)
        return self._store.frame("panel/account_hours_all", start=start, end=end)

    def totals(self, rule: Rule | None, *, quotes: bool = True) -> pl.DataFrame:
        """Count what each account did and received: `agent_days` summed over the days.

        Returns
        -------
        pl.DataFrame
            ``account``, ascending, and `blueattr.panel.features.COUNTS` (int32 where that holds
            them, else int64).
        """
        layout = self.lay_out()
        if rule is not None:
            self.count(rule, quotes=quotes)
        with known_accounts(self._store):
            if rule is not None:
                parts = [_of_topic(self._store, layout)]
            else:
                ranges = Tally.ranges(layout.past, _SUMS)
                parts = [_of_all(self._store, layout, *ends) for ends in ranges]
        whole = pl.concat(parts, how="vertical_relaxed")
        return self._of_counts(rule, self._counted_right(whole), quotes=quotes)


def _lay_out(store: Store, whole: Stretch) -> WindowLayout:
    define(store)
    days = store.frame("panel/served_days", start=whole[0], end=whole[1])["day"].to_list()
    first, last = (days[0], days[-1]) if days else (date.max, date.min)
    store.run("panel/lay_out", first=first, last=last)
    for start, end in _without(whole, stretches(days)):
        store.run("panel/fresh", start=start, end=end)
        store.run("panel/void_gifts", start=start, end=end)
    store.run("panel/giver_unwatched")
    for start, end in stretches(days):
        store.run("panel/void_gifts", start=start, end=end)
    past = past_account(store)
    sums = np.zeros((2, past), np.int64)
    _add_up(store.batches("panel/tally", _ROWS, first=first, last=last), 0, sums)
    records, follows = sums
    inactive = store.frame("panel/inactive_accounts")["account"].to_numpy()
    follows[inactive] = 0
    active, followed = (np.flatnonzero(some).astype(np.uint32) for some in (records > 0, follows))
    return WindowLayout(first, last, past, active, inactive, followed, follows[followed])


def _add_up(batches: Iterable[pa.RecordBatch], low: int, sums: Sums) -> None:
    for batch in batches:
        account, *columns = arrays(batch)
        add_up(account, columns, low, sums)


def match_in(store: Store, rule: Rule, whole: Stretch, *, is_part: bool = False) -> int:
    """Find what may belong to a topic in a stretch of time.

    What the store has not noted of it is in the temp table ``topic_match`` then.

    Parameters
    ----------
    store
        Open for reading.
    rule
        The topic.
    whole
        The stretch.
    is_part
        As for `blueattr.store.matching.match`.

    Returns
    -------
    int
        The topic's number in ``topic_event``; 0 where the store has none.
    """
    number = known_topics(store).get(rule, 0)
    summarised = stretches(store.frame("store/rollups/summarised_days")["day"]) if number else []
    rest = _without(whole, summarised)
    match(
        store,
        [(number, rule)],
        rest,
        late=bool(number) and some_pending(store),
        others=_without(whole, rest),
        is_part=is_part,
    )
    return number


def _count(
    store: Store, rule: Rule, whole: Stretch, elsewhere: pa.Table | None, *, quotes: bool
) -> None:
    if elsewhere is not None:
        store.register("elsewhere", elsewhere)
        try:
            store.run("panel/match_elsewhere")
        finally:
            store.unregister("elsewhere")
    number = match_in(store, rule, whole, is_part=elsewhere is not None)
    # The store has each record of a topic once: grouping is for when there are others beside them.
    matches = store.frame("panel/match_count")["records"][0]
    candidate = "panel/candidate" if matches else "panel/candidate_known"
    store.run(candidate, topic=number, start=whole[0], end=whole[1], quotes=quotes)
    store.run("panel/matching_posts")
    if elsewhere is not None:
        store.run("panel/matching_elsewhere")
    store.run("panel/window_events")


def _of_all(store: Store, layout: WindowLayout, low: int, past: int) -> pl.DataFrame:
    """Count all events of the accounts with numbers from `low` to below `past`."""
    sums = np.zeros((len(_COUNTS), past - low), np.int64)
    parameters = {"first": layout.first, "last": layout.last, "low": low, "past": past}
    _add_up(store.batches("panel/sums_all", _ROWS, **parameters), low, sums)
    some = functools.reduce(np.logical_or, sums)
    some[_within(layout.inactive, low, past) - low] = False
    places = np.flatnonzero(some)
    counts = {name: narrow(row[places]) for name, row in zip(_COUNTS, sums, strict=True)}
    return pl.DataFrame({"account": (places + low).astype(np.uint32), **counts})


def _by_day(  # noqa: PLR0917 - a step of one method
    store: Store,
    layout: WindowLayout,
    statement: str,
    days: pl.Series,
    ends: tuple[int, int],
    sums: Sums,
) -> pl.DataFrame:
    """Count what the accounts with numbers from the first to below the second did on each day.

    What is in `sums` is overwritten.
    """
    low, past = ends
    sums = sums[:, : (past - low) * len(days)]
    sums[:] = 0
    parameters = {
        "first": layout.first, "last": layout.last, "begin": days[0], "final": days[-1],
        "low": low, "past": past,
    }  # fmt: skip
    for batch in store.batches(statement, _ROWS, **parameters):
        account, day, *columns = arrays(batch)
        add_up((account - np.uint32(low)) * np.uint32(len(days)) + day, columns, 0, sums)
    some = functools.reduce(np.logical_or, sums)
    some.reshape(-1, len(days))[_within(layout.inactive, low, past) - np.uint32(low)] = False
    places = np.flatnonzero(some)
    counts = {name: narrow(row[places]) for name, row in zip(_COUNTS, sums, strict=True)}
    account, day = np.divmod(places, len(days))
    account = (account + low).astype(np.uint32)
    return pl.DataFrame({"account": account, "day": days.gather(day), **counts})


def _days(window: Window) -> pl.Series:
    """Return the UTC days that a window has a part of, ascending."""
    start, end = _naive(window)
    return pl.date_range(start.date(), (end - _INSTANT).date(), "1d", eager=True).alias("day")


def _of_topic(store: Store, layout: WindowLayout) -> pl.DataFrame:
    """Count a topic's events, and all follows."""
    part = np.zeros(layout.past, np.bool_)
    for batch in store.batches("panel/sums", _ROWS):
        account, subject, _ = arrays(batch)
        part[account] = True
        part[subject] = True
    # Those who take part are few: numbered among themselves, their counts lie close together.
    who = np.flatnonzero(part)
    place = np.zeros(layout.past, np.uint32)
    place[who] = np.arange(who.size, dtype=np.uint32)
    tally = Tally(0, who.size)
    for batch in store.batches("panel/sums", _ROWS):
        account, subject, code = arrays(batch)
        tally.add(place[account], place[subject], code)
    counted, counts = tally.take()
    is_in_panel = np.zeros(layout.past, np.bool_)
    is_in_panel[who] = is_in_panel[layout.followed] = True
    is_in_panel[layout.inactive] = False
    account = np.flatnonzero(is_in_panel).astype(np.uint32)
    place[account] = np.arange(account.size, dtype=np.uint32)
    in_panel = is_in_panel[who[counted]]
    to = place[who[counted][in_panel]]
    sums = np.zeros((len(_COUNTS), account.size), np.int64)
    for name, numbers in zip((*WRITTEN, *RECEIVED), counts, strict=True):
        if name in _COUNTS and name != _FOLLOWS:
            sums[_COUNTS.index(name), to] = numbers[in_panel]
    sums[_COUNTS.index(_FOLLOWS), place[layout.followed]] = layout.follows
    counted_for = {name: narrow(row) for name, row in zip(_COUNTS, sums, strict=True)}
    return pl.DataFrame({"account": account, **counted_for})


def _within(accounts: AccountNumbers, low: int, past: int) -> AccountNumbers:
    return accounts[(accounts >= low) & (accounts < past)]


def _naive(window: Window) -> Stretch:
    start, end = (t.astimezone(UTC).replace(tzinfo=None) for t in (window.start, window.end))
    return start, end


def _without(whole: Stretch, parts: Iterable[Stretch]) -> list[Stretch]:
    """Cut parts, which ascend, out of a stretch."""
    rest = []
    start, end = whole
    for first, past in parts:
        if first > start:
            rest.append((start, min(first, end)))
        start = max(start, past)
        if start >= end:
            break
    if start < end:
        rest.append((start, end))
    return [stretch for stretch in rest if stretch[0] < stretch[1]]
