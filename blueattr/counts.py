"""Counts: what accounts did and received in a window, from summaries and records alike.

Summaries serve the days that they hold; the rest comes from the records by the same statements, so
that summaries change the time an answer takes and nothing else.
"""

import functools
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date
from weakref import WeakKeyDictionary

import numpy as np
import polars as pl
import pyarrow as pa

from blueattr.kernels.tallies import RECEIVED, WRITTEN, AccountNumbers, Sums, Tally, add_up
from blueattr.matching import (
    Rule,
    Stretch,
    define,
    known_topics,
    match,
    some_pending,
    stretches,
)
from blueattr.provenance import Window
from blueattr.store import Store

__all__ = ["LaidOut", "agent_days", "count", "lay_out", "totals"]

_ROWS = 1 << 20  # rows that are counted at once
_SUMS = 1 << 23  # accounts that are summed up at once: 400 MB
_COUNTS = (*WRITTEN[1:], *RECEIVED)  # in the order of the statements


@dataclass(frozen=True, slots=True, eq=False)
class LaidOut:
    """A window, as far as every question about it needs to know.

    Parameters
    ----------
    first, last
        The days that summaries serve; none where they cross.
    past
        Above the numbers of all accounts.
    active
        Who made a record, uint32, ascending; of those who are gone, too.
    gone
        Who is deleted, taken down or suspended at the window's end, uint32.
    followed, follows
        Who was followed, uint32, ascending, and by how many, int64; of those who are not gone.
    """

    first: date
    last: date
    past: int
    active: AccountNumbers
    gone: AccountNumbers
    followed: AccountNumbers
    follows: Sums


_laid_out: WeakKeyDictionary[Store, tuple[Window, LaidOut]] = WeakKeyDictionary()


def lay_out(store: Store, window: Window) -> LaidOut:
    """Make what accounts did in a window ready to be asked for.

    Parameters
    ----------
    store
        Leaves the temp tables ``inactive``, ``fresh_day`` and ``gone_day`` behind for the
        statements that follow.
    window
        What was laid out last is kept: a store does not change while it is read.
    """
    store.run("read/inactive", end=window.end)
    known = _laid_out.pop(store, None)
    laid = known[1] if known and known[0] == window else _lay_out(store, _naive(window))
    _laid_out[store] = window, laid
    return laid


def _lay_out(store: Store, whole: Stretch) -> LaidOut:
    define(store)
    days = store.frame("read/served_days", start=whole[0], end=whole[1])["day"].to_list()
    first, last = (days[0], days[-1]) if days else (date.max, date.min)
    store.run("read/fresh_none")
    store.run("read/gone", first=first, last=last)
    store.run("read/giver_inactive")
    for start, end in _without(whole, stretches(days)):
        store.run("read/fresh", start=start, end=end)
        store.run("read/gone_fresh", start=start, end=end)
    store.run("read/giver_unwatched")
    for start, end in stretches(days):
        store.run("read/gone_fresh", start=start, end=end)
    past = store.frame("rollup/past_account")["past"][0]
    sums = np.zeros((2, past), np.int64)
    _add_up(store.batches("read/tally", _ROWS, first=first, last=last), 0, sums)
    records, follows = sums
    gone = store.frame("read/gone_accounts")["account"].to_numpy()
    follows[gone] = 0
    active, followed = (np.flatnonzero(some).astype(np.uint32) for some in (records > 0, follows))
    return LaidOut(first, last, past, active, gone, followed, follows[followed])


def _add_up(batches: Iterable[pa.RecordBatch], low: int, sums: Sums) -> None:
    for batch in batches:
        account, *columns = (column.to_numpy() for column in batch.columns)
        add_up(account, columns, low, sums)


def count(store: Store, rule: Rule, window: Window) -> None:
    """Leave the posts, replies and reposts that belong to a topic in the temp table `counted`.

    What matches by its own words is in the temp table `matched`.
    """
    store.run("read/inactive", end=window.end)
    whole = _naive(window)
    number = known_topics(store).get(rule, 0)
    known = stretches(store.frame("rollup/summarised_days")["day"]) if number else []
    rest = _without(whole, known)
    match(
        store,
        [(number, rule)],
        rest,
        late=bool(number) and some_pending(store),
        others=_without(whole, rest),
    )
    # What is kept of a topic is there once, and need not be put together with what was found.
    found = store.frame("read/found_count")["records"][0]
    candidate = "read/candidate" if found else "read/candidate_known"
    store.run(candidate, topic=number, start=whole[0], end=whole[1])
    store.run("read/matched")
    store.run("read/counted_topic")


def agent_days(store: Store, rule: Rule | None, window: Window) -> pl.DataFrame:
    """Count what each account did and received on each day.

    Parameters
    ----------
    rule
        The topic; None for all events. Follows are global.

    Returns
    -------
    pl.DataFrame
        ``account``, ``day`` and `blueattr.features.COUNTS`, in no order. Accounts that are gone at
        the window's end are not in it.
    """
    laid = lay_out(store, window)
    statement = "read/agent_days_all"
    if rule is not None:
        count(store, rule, window)
        statement = "read/agent_days"
    return store.frame(statement, first=laid.first, last=laid.last)


def totals(store: Store, rule: Rule | None, window: Window) -> pl.DataFrame:
    """Count what each account did and received in the window: `agent_days` summed over its days.

    Returns
    -------
    pl.DataFrame
        ``account``, ascending, and `blueattr.features.COUNTS`.
    """
    laid = lay_out(store, window)
    if rule is not None:
        count(store, rule, window)
        return _of_topic(store, laid)
    return pl.concat([_of_all(store, laid, *ends) for ends in Tally.ranges(laid.past, _SUMS)])


def _of_all(store: Store, laid: LaidOut, low: int, past: int) -> pl.DataFrame:
    """Count everything that accounts with numbers in a range did and received."""
    sums = np.zeros((len(_COUNTS), past - low), np.int64)
    parameters = {"first": laid.first, "last": laid.last, "low": low, "past": past}
    _add_up(store.batches("read/sums_all", _ROWS, **parameters), low, sums)
    some = functools.reduce(np.logical_or, sums)
    some[_within(laid.gone, low, past) - low] = False
    places = np.flatnonzero(some)
    counts = {name: row[places] for name, row in zip(_COUNTS, sums, strict=True)}
    return pl.DataFrame({"account": (places + low).astype(np.uint32), **counts})


def _of_topic(store: Store, laid: LaidOut) -> pl.DataFrame:
    """Count a topic's events, and all follows."""
    part = np.zeros(laid.past, np.bool_)
    for batch in store.batches("read/sums", _ROWS):
        for column in ("account", "subject"):
            part[batch[column].to_numpy()] = True
    # Those who take part are few: numbered among themselves, their counts lie close together.
    who = np.flatnonzero(part)
    place = np.zeros(laid.past, np.uint32)
    place[who] = np.arange(who.size, dtype=np.uint32)
    tally = Tally(0, who.size)
    for batch in store.batches("read/sums", _ROWS):
        account, subject, code = (column.to_numpy() for column in batch.columns)
        tally.add(place[account], place[subject], code)
    counted, counts = tally.take()
    there = np.zeros(laid.past, np.bool_)
    there[who] = there[laid.followed] = True
    there[laid.gone] = False
    account = np.flatnonzero(there).astype(np.uint32)
    place[account] = np.arange(account.size, dtype=np.uint32)
    kept = there[who[counted]]
    to = place[who[counted][kept]]
    sums = np.zeros((len(_COUNTS), account.size), np.int64)
    for name, numbers in zip((*WRITTEN, *RECEIVED), counts, strict=True):
        if name in _COUNTS[:-1]:
            sums[_COUNTS.index(name), to] = numbers[kept]
    sums[-1, place[laid.followed]] = laid.follows
    return pl.DataFrame({"account": account, **dict(zip(_COUNTS, sums, strict=True))})


def _within(accounts: AccountNumbers, low: int, past: int) -> AccountNumbers:
    return accounts[(accounts >= low) & (accounts < past)]


def _naive(window: Window) -> Stretch:
    start, end = (t.astimezone(UTC).replace(tzinfo=None) for t in (window.start, window.end))
    return start, end


def _without(whole: Stretch, parts: Iterable[Stretch]) -> list[Stretch]:
    """Cut parts, which ascend, out of a stretch."""
    left = []
    start, end = whole
    for first, past in parts:
        if first > start:
            left.append((start, min(first, end)))
        start = max(start, past)
        if start >= end:
            break
    if start < end:
        left.append((start, end))
    return [stretch for stretch in left if stretch[0] < stretch[1]]
