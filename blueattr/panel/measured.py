"""What conditions of notices ask of a store, beside what reports and pictures say."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import numpy as np
import polars as pl

from blueattr.panel.accounts import Directory
from blueattr.panel.counts import WindowCounts
from blueattr.panel.influence import Kind, settle
from blueattr.panel.topics import Topic
from blueattr.provenance import Window
from blueattr.store.database import Store

__all__ = ["LEADERS", "busiest_hour", "made_in_week"]


LEADERS = 10
"""Of how many accounts that carry most it is asked how many are new."""


_DAY, _WEEK = timedelta(days=1), timedelta(days=7)


def busiest_hour(
    store: Store, topic: Topic | None, influence: Sequence[Kind] | None, window: Window
) -> int:
    """Count the accounts that wrote about a topic in the busiest hour of a window's last day.

    Parameters
    ----------
    store
        Open.
    topic
        The topic; None for all events.
    influence
        What c counts; None for all that the store knows of.
    window
        The window.
    """
    day = Window(max(window.start, window.end - _DAY), window.end)
    rule = None if topic is None else topic.rule
    quotes = settle(store, influence, window).quotes
    hours = WindowCounts.of(store, day).account_hours(rule, quotes=quotes)
    counts = hours.group_by("hour").agg(pl.col("account").n_unique())["account"].to_list()
    return max(counts, default=0)


def made_in_week(store: Store, dids: Iterable[str], end: datetime) -> int:
    """Count those of some accounts that were made in the seven days before a moment.

    Parameters
    ----------
    store
        Open.
    dids
        The accounts.
    end
        The moment.
    """
    directory = Directory(store)
    numbers = [
        account
        for did in dids
        for account, _ in store.rows("panel/named_accounts", name=did, lower=did.lower())
    ]
    accounts = np.array(sorted(set(numbers)), np.uint32)
    week = Window(end - _WEEK, end)
    return int(directory.creation(week, accounts).inside().sum())
