"""Everything: the sums of posts, hours and days of all events, where statements would take long."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

from blueattr.kernels import IntArray
from blueattr.kernels.record_sums import SCALE, PostRows, RecordSums
from blueattr.panel.influence import KINDS
from blueattr.panel.query import StoreView
from blueattr.store.account_numbers import known_accounts, past_account
from blueattr.store.engine.rows import arrays
from blueattr.store.store_file import damaged
from blueattr.studies.carriers.records import received_count, written_count

__all__ = ["SCALE", "AllSums", "is_large", "sum_everything"]


_ROWS = 1 << 20
_LARGE = 1 << 22  # records and what they receive: below, statements are as fast
_NO_KEY = -(1 << 63)
_HOUR = timedelta(hours=1)
_MORE = "it has other records than its summaries say"


@dataclass(frozen=True, slots=True)
class AllSums:
    """What all records of the agents are worth.

    Parameters
    ----------
    records, worth
        How many records there are, and what they are worth together, in `SCALE` parts of the total.
    hours
        Of each hour with something its start (UTC), its events, and what it is worth.
    agents
        What was given.
    order
        Those of them with a record that has a key, by descending value of the best one; of equal
        ones in order of DID.
    """

    records: int
    worth: int
    hours: tuple[tuple[datetime, int, int], ...]
    agents: pl.DataFrame
    order: IntArray

    def first(self, top: int) -> pl.DataFrame:
        """Return agents among whose records are those `top` with the largest values.

        An agent's best record is among the first `top` only if fewer than `top` agents have a
        better one, or as good a one and a lower DID.
        """
        return self.agents[self.order[:top]]


def is_large(frame: pl.DataFrame) -> bool:
    """Return whether the records of all events are so many that statements would take long.

    Parameters
    ----------
    frame
        The panel's features, with counts.
    """
    counts = frame.select(written_count().sum() + received_count().sum())
    return int(counts.item()) > _LARGE


def sum_everything(view: StoreView, worth: pl.DataFrame, total: float, begins: datetime) -> AllSums:
    """Sum up the values of the records of all events, and of hours.

    Parameters
    ----------
    view
        The window and the panel.
    worth
        Agents with ``account``, ``written`` and ``received`` (how often), ``unit_a`` and
        ``unit_c``, ascending by DID.
    total
        The sum of all agents' values.
    begins
        The start of the window's first hour, UTC.
    """
    store = view.store
    place = np.full(past_account(store), -1, np.int32)
    place[worth["account"].to_numpy()] = np.arange(worth.height, dtype=np.int32)
    window = view.window
    span = {name: time.astimezone(UTC).replace(tzinfo=None)
            for name, time in (("start", window.start), ("end", window.end))}  # fmt: skip
    sums = RecordSums(
        place=place,
        gone=store.frame("panel/inactive_accounts")["account"].to_numpy(),
        unit_a=worth["unit_a"].to_numpy(),
        unit_c=worth["unit_c"].to_numpy(),
        written=worth["written"].cast(pl.Int64).to_numpy(),
        received=worth["received"].cast(pl.Int64).to_numpy(),
        counts=np.array([kind in view.influence.kinds for kind in KINDS]),
        total=total,
        begin=int(begins.timestamp()) * 1_000_000,
        n_hours=-((begins - window.end) // _HOUR),
        no_key=_NO_KEY,
    )
    with known_accounts(store):
        for batch in store.batches(
            "analysis/carriers/posts/all_rows", _ROWS, no_key=_NO_KEY, **span
        ):
            if not sums.add(PostRows(*arrays(batch))):
                raise damaged(store.path, _MORE)
        if not sums.is_whole:
            raise damaged(store.path, _MORE)
        sums.sort()
        for batch in store.batches("analysis/carriers/posts/all_posts", _ROWS, **span):
            sums.mark(*arrays(batch))
    records, whole, best = sums.summed()
    order = np.argsort(-best, kind="stable")
    return AllSums(
        records,
        whole,
        tuple((begins + hour * _HOUR, events, value) for hour, events, value in sums.hours),
        worth,
        order[best[order] > -np.inf],
    )
