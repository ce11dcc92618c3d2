"""What a window is counted from: records, events of a topic, and who went when, as arrays."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt
import polars as pl

from blueattr.errors import StoreError
from blueattr.kernels.tallies import AccountNumbers, Codes
from blueattr.panel.counts import match_in
from blueattr.store.database import Store
from blueattr.store.engine.rows import arrays
from blueattr.store.matching import Rule
from blueattr.store.store_file import damaged

__all__ = [
    "Statuses",
    "Times",
    "TopicEvents",
    "WindowRecords",
    "read_records",
    "read_statuses",
    "read_topic",
]


Times = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Places = npt.NDArray[np.int64]


_ROWS = 1 << 20
_NO_KEY = np.iinfo(np.int64).min  # as in sql/watch/topic_events.sql


@dataclass(frozen=True, slots=True, eq=False)
class WindowRecords:
    """The records of a stretch of time, ascending by it.

    Parameters
    ----------
    time
        int64 (n,), microseconds since 1970.
    account, subject, code
        As for `blueattr.kernels.tallies.Tally.add`.
    """

    time: Times
    account: AccountNumbers
    subject: AccountNumbers
    code: Codes

    def part(self, first: int, past: int) -> "WindowRecords":
        """Return those from one place to before another, which share memory with all."""
        return WindowRecords(
            self.time[first:past],
            self.account[first:past],
            self.subject[first:past],
            self.code[first:past],
        )


@dataclass(frozen=True, slots=True, eq=False)
class Statuses:
    """When accounts went and came back, in the order in which it counts.

    Parameters
    ----------
    time, account, gone
        int64, uint32 and bool (n,).
    """

    time: Times
    account: AccountNumbers
    gone: Flags


@dataclass(frozen=True, slots=True, eq=False)
class TopicEvents:
    """What may belong to a topic, ascending by time, and what of it hangs on what.

    Parameters
    ----------
    time
        int64 (n,), microseconds since 1970.
    account, subject, quoted, kind, own, hung, hanging
        As for `blueattr.kernels.sliding.set_present`.
    rkey
        The number of each one's key, int64 (n,).
    """

    time: Times
    account: AccountNumbers
    subject: AccountNumbers
    quoted: AccountNumbers
    kind: Codes
    own: Flags
    hung: Places
    hanging: Places
    rkey: Places


def read_records(store: Store, start: datetime, end: datetime, past: int) -> WindowRecords:
    """Read the records of a stretch of time.

    Parameters
    ----------
    start, end
        Naive UTC, half-open.
    past
        Above the numbers of all accounts.

    Raises
    ------
    StoreError
        A record is of an account that the store does not have.
    """
    batches = list(store.batches("watch/rows", _ROWS, start=start, end=end))
    columns = [np.concatenate(parts) for parts in zip(*map(arrays, batches), strict=True)]
    if not columns:
        columns = [np.empty(0, kind) for kind in (np.int64, np.uint32, np.uint32, np.uint8)]
    time, account, subject, code = columns
    if time.size and max(account.max(), subject.max()) >= past:
        raise _unknown(store)
    if (time[1:] < time[:-1]).any():
        order = np.argsort(time, kind="stable")
        time, account, subject, code = (column[order] for column in columns)
    return WindowRecords(time, account, subject, code)


def read_statuses(store: Store, past: int) -> Statuses:
    """Read when accounts went and came back.

    Parameters
    ----------
    past
        As for `read_records`.

    Raises
    ------
    StoreError
        As `read_records`.
    """
    found = store.frame("watch/statuses")
    account = found["account"].to_numpy()
    if account.size and account.max() >= past:
        raise _unknown(store)
    return Statuses(found["time"].to_numpy(), account, found["gone"].to_numpy().astype(np.bool_))


def read_topic(
    store: Store, rule: Rule, start: datetime, end: datetime, past: int, *, quotes: bool
) -> TopicEvents:
    """Find what may belong to a topic in any window of a stretch of time.

    Parameters
    ----------
    rule
        The topic.
    start, end, past
        As for `read_records`.
    quotes
        Whether to look at what posts quote; else it is as if none quoted another.

    Raises
    ------
    StoreError
        As `read_records`.
    """
    number = match_in(store, rule, (start, end))
    found = store.frame("watch/topic_events", topic=number, start=start, end=end)
    if not quotes:
        found = found.with_columns(quoted=pl.col("account"), quoted_rkey=pl.lit(_NO_KEY, pl.Int64))
    who = ("account", "subject", "quoted")
    if found.height and max(found[name].max() for name in who) >= past:  # type: ignore[type-var,operator]
        raise _unknown(store)
    hung, hanging = _hang(found)
    return TopicEvents(
        found["time"].to_numpy(),
        found["account"].to_numpy(),
        found["subject"].to_numpy(),
        found["quoted"].to_numpy(),
        found["kind"].to_numpy(),
        found["own"].to_numpy().astype(np.bool_),
        hung,
        hanging,
        found["rkey"].to_numpy(),
    )


def _hang(found: pl.DataFrame) -> tuple[Places, Places]:
    """Return what hangs on each event that matches: where its places begin, and the places."""
    placed = found.with_row_index("place")
    matches = placed.filter(pl.col("own") == 1).select("account", "rkey", target="place")
    pairs = pl.concat(
        placed.join(
            matches, left_on=[to, f"{to}_rkey"], right_on=["account", "rkey"], how="inner"
        ).select("target", "place")
        for to in ("subject", "root", "quoted")
    ).sort("target", "place")
    counts = np.bincount(pairs["target"].to_numpy(), minlength=found.height)
    hung = np.zeros(found.height + 1, np.int64)
    np.cumsum(counts, out=hung[1:])
    return hung, pairs["place"].to_numpy().astype(np.int64)


def _unknown(store: Store) -> StoreError:
    return damaged(store.path, "it has rows of accounts that it does not have")
