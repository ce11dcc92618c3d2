"""Rollups: each day summarised once, so that a window costs agent-days and not events.

The writer keeps them: `roll_up` after an ingest, and each commit corrects what it changes of a
summarised day. `blueattr.panel.counts` reads them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

import polars as pl

from blueattr.kernels.tallies import RECEIVED, WRITTEN, Tally
from blueattr.store.account_numbers import known_accounts, past_account
from blueattr.store.commit.writer import Writer
from blueattr.store.engine.rows import arrays
from blueattr.store.matching import Rule, define, known_topics, match, some_pending, stretches

__all__ = ["RolledUp", "roll_up"]


_ROWS = 1 << 20  # rows that are counted at once


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
    """Summarise the days that are over and match topics on all of them, in one transaction.

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
    try:
        with writer.transaction():
            define(writer)
            before = writer.frame("store/rollups/summarised_days")["day"].to_list()
            days = writer.frame("store/rollups/waiting_days", today=now)["day"].to_list()
            _summarise(writer, days)
            for day in days:
                writer.run("store/rollups/finish_day", day=day)
            writer.run("store/rollups/watch")
            numbers = known_topics(writer)
            late = some_pending(writer)
            if numbers and (days or late):
                topics = [(number, rule) for rule, number in numbers.items()]
                match(writer, topics, stretches(days), late=late, others=stretches(before))
                writer.run("store/rollups/keep_matches")
            writer.run("store/rollups/forget_pending")
            new = [rule for rule in dict.fromkeys(rules) if rule not in numbers]
            first = max(numbers.values(), default=0) + 1
            topics = list(enumerate(new, first))
            for number, rule in topics:
                writer.run("store/rollups/new_topic", topic=number, rule=str(rule))
            if topics:
                match(writer, topics, stretches(sorted([*before, *days])), late=False, others=[])
                writer.run("store/rollups/keep_matches")
    finally:
        # Not within a transaction, which an error would have left unable to.
        writer.unregister("tally_columns")
    return RolledUp(tuple(days), len(new), len(before) + len(days), len(numbers) + len(new))


def _summarise(writer: Writer, days: Sequence[date]) -> None:
    """Count what accounts did and received on days: what the macro `summarised` does, faster."""
    past = past_account(writer)
    for first, end in Tally.ranges(past) if days else ():
        tally = Tally(first, end)
        for day in days:
            for batch in writer.batches("store/rollups/codes", _ROWS, day=day):
                with known_accounts(writer):
                    tally.add(*arrays(batch))
            accounts, counts = tally.take()
            columns = dict(zip((*WRITTEN, *RECEIVED), counts, strict=True))
            tallied = pl.DataFrame({"account": accounts, **columns})
            writer.register("tally_columns", tallied.to_arrow())
            writer.run("store/rollups/summarise_accounts", day=day)
