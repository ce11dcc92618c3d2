"""Rollups: each day summarised once, so that a window costs agent-days and not events.

The writer keeps them: `roll_up` after an ingest, and each commit corrects what it changes of a
summarised day. `blueattr.panel.counts` reads them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import polars as pl

from blueattr.kernels.tallies import RECEIVED, WRITTEN, Tally
from blueattr.store.account_numbers import known_accounts, past_account
from blueattr.store.commit.writer import Writer
from blueattr.store.engine.rows import arrays
from blueattr.store.matching import Rule, define, known_topics, match, some_pending, stretches

__all__ = ["RolledUp", "roll_up"]


_ROWS = 1 << 20  # rows that are counted at once
_GROUP = 1 << 21  # records of days that are summarised in one transaction


@dataclass(frozen=True, slots=True)
class RolledUp:
    """What `roll_up` did.

    Parameters
    ----------
    days
        That were summarised, ascending.
    topics
        How many were matched for the first time.
    days_held, topics_held
        How many there are now in all.
    """

    days: tuple[date, ...]
    topics: int
    days_held: int
    topics_held: int


def roll_up(writer: Writer, rules: Iterable[Rule] = (), today: date | None = None) -> RolledUp:
    """Summarise the days that are over and match topics on all of them.

    Days are summarised in groups, each in a transaction, of which the memory grows with its rows.
    Who is killed between two has summarised some days, and the next call goes on with the others.

    Parameters
    ----------
    writer
        Of the store; nothing waits in it for a commit.
    rules
        Topics to match from now on, beside those that are matched already.
    today
        In UTC; by the clock, unless given. A day before it is over, and so is one before the last
        that has records. Late events are corrected at commit.

    Returns
    -------
    RolledUp

    Notes
    -----
    docs/data.md, "Rollups".
    """
    now = today or datetime.now(UTC).date()
    done: list[date] = []
    waits = True
    while waits:
        try:
            with writer.transaction():
                define(writer)
                before = writer.frame("store/rollups/summarised_days")["day"].to_list()
                waiting = writer.rows("store/rollups/waiting_days", today=now)
                days = _first_group(waiting)
                waits = len(days) < len(waiting)
                _summarise(writer, days)
                numbers = _match_known(writer, days, before)
                new = [rule for rule in dict.fromkeys(rules) if rule not in numbers]
                if new and not waits:
                    _match_new(writer, new, numbers, sorted([*before, *days]))
        finally:
            # Not within a transaction, which an error would have left unable to.
            writer.unregister("tally_columns")
        done += days
    return RolledUp(tuple(done), len(new), len(before) + len(days), len(numbers) + len(new))


def _first_group(waiting: Sequence[tuple[date, int]]) -> list[date]:
    """Return the first of some days, as many as have few records together, but one at least."""
    days: list[date] = []
    records = 0
    for day, more in waiting:
        records += more
        if days and records > _GROUP:
            break
        days.append(day)
    return days


def _summarise(writer: Writer, days: Sequence[date]) -> None:
    """Summarise days, and watch the accounts that left."""
    _tally(writer, days)
    for start, end in stretches(days):
        writer.run("store/rollups/finish_days", start=start, end=end)
    writer.run("store/rollups/watch")


def _tally(writer: Writer, days: Sequence[date]) -> None:
    """Count what accounts did and received on days: what the macro `summarised` does, faster."""
    past = past_account(writer)
    for first, end in Tally.ranges(past) if days else ():
        tally = Tally(first, end)
        waiting: list[pl.DataFrame] = []
        for day, records in _by_day(writer, days):
            for account, subject, code in records:
                with known_accounts(writer):
                    tally.add(account, subject, code)
            accounts, counts = tally.take()
            columns = dict(zip((*WRITTEN, *RECEIVED), counts, strict=True))
            tallied = pl.DataFrame({"account": accounts, **columns})
            waiting.append(tallied.select(pl.lit(day).alias("day"), pl.all()))
            if sum(map(len, waiting)) >= _ROWS:
                _keep_tallied(writer, waiting)
                waiting = []
        _keep_tallied(writer, waiting)


def _keep_tallied(writer: Writer, waiting: Sequence[pl.DataFrame]) -> None:
    if waiting:
        writer.register("tally_columns", pl.concat(waiting).to_arrow())
        writer.run("store/rollups/summarise_accounts")


_Codes: TypeAlias = Sequence[npt.NDArray[Any]]


def _by_day(writer: Writer, days: Sequence[date]) -> Iterator[tuple[date, Iterator[_Codes]]]:
    """Yield each day with the columns of its records: account, subject and code.

    The table is read once for days that follow one another: where times are in no order, as those
    of imports, each reading is of all of it.
    """
    for start, end in stretches(days):
        parts = (
            arrays(batch)
            for batch in writer.batches("store/rollups/codes", _ROWS, start=start, end=end)
        )
        size = (end - start).days
        if size == 1:
            # A day alone may have more records than fit into memory.
            yield start.date(), (rest for _, *rest in parts)
            continue
        whole = [np.concatenate(column) for column in zip(*parts, strict=True)]
        if not whole:
            whole = [np.zeros(0, kind) for kind in (np.uint16, np.uint32, np.uint32, np.uint8)]
        order = np.argsort(whole[0], kind="stable")
        bounds = np.searchsorted(whole[0][order], np.arange(size + 1))
        columns = [column[order] for column in whole[1:]]
        for k in range(size):
            inside = slice(bounds[k], bounds[k + 1])
            yield (start + timedelta(days=k)).date(), iter([[column[inside] for column in columns]])


def _match_known(writer: Writer, days: Sequence[date], before: Sequence[date]) -> dict[Rule, int]:
    """Match the topics of the store on days that were just summarised; return their numbers."""
    numbers = known_topics(writer)
    late = some_pending(writer)
    if numbers and (days or late):
        topics = [(number, rule) for rule, number in numbers.items()]
        match(writer, topics, stretches(days), late=late, others=stretches(before))
        writer.run("store/rollups/keep_matches")
    writer.run("store/rollups/forget_pending")
    return numbers


def _match_new(
    writer: Writer, rules: Sequence[Rule], numbers: Mapping[Rule, int], days: Sequence[date]
) -> None:
    """Match topics that the store does not have yet on all days that are summarised."""
    topics = list(enumerate(rules, max(numbers.values(), default=0) + 1))
    for number, rule in topics:
        writer.run("store/rollups/new_topic", topic=number, rule=str(rule))
    match(writer, topics, stretches(days), late=False, others=[])
    writer.run("store/rollups/keep_matches")
