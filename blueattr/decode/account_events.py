"""Identity, account and profile events as rows for the staging table; pure.

A few events in a hundred are of accounts. They wait for a commit as the rows that
``sql/store/commit/batch/decode_lines.sql`` would have made.
"""

import numpy as np
import polars as pl
import pyarrow as pa

from blueattr.decode.arrow import fixed_strings, offsets, strings
from blueattr.decode.parser import layout
from blueattr.decode.parser.dids import spell, spell_dids
from blueattr.decode.parser.layout import AccountEvents
from blueattr.decode.schema import HANDLE

__all__ = ["SCHEMA", "AccountRows", "account_rows"]


SCHEMA = pa.schema(
    [
        ("did", pa.string()),
        ("kind", pa.string()),
        ("event_time", pa.timestamp("us")),
        ("operation", pa.string()),
        ("rkey", pa.string()),
        ("rev", pa.string()),
        ("bot", pa.bool_()),
        ("labels", pa.string()),
        ("handle", pa.string()),
        ("active", pa.bool_()),
        ("status", pa.string()),
    ]
)
"""The columns of ``sql/store/commit/batch/staging.sql`` that an account event fills."""


_KINDS = pl.Series(["identity", "account", "profile"])
_OPERATIONS = pl.Series(["create", "update", "delete"])
_LONGEST_HANDLE = 253
# Events that become rows together: a few take as long as some thousands.
_TOGETHER = 1 << 14


class AccountRows:
    """Account events in the order in which they were added, which become rows many at a time."""

    def __init__(self) -> None:
        self._tables: list[pa.Table] = []
        # Events that are no rows yet, and how many.
        self._events: list[AccountEvents] = []
        self._waiting = 0
        self.rows = 0
        self.size = 0

    def add(self, events: AccountEvents) -> None:
        """Add account events, which are copied."""
        mine = AccountEvents(events.numbers.copy(), events.words.copy(), events.ends.copy())
        self._events.append(mine)
        self._waiting += len(mine.ends)
        self.rows += len(mine.ends)
        self.size += sum(part.nbytes for part in mine)
        if self._waiting >= _TOGETHER:
            self._make_rows()

    def add_rows(self, rows: pa.Table) -> None:
        """Add rows of `SCHEMA`."""
        self._make_rows()
        self._tables.append(rows)
        self.rows += len(rows)
        self.size += rows.nbytes

    def table(self) -> pa.Table | None:
        """Return the rows, of `SCHEMA`, in one piece; None if there are none."""
        self._make_rows()
        return pa.concat_tables(self._tables).combine_chunks() if self._tables else None

    def _make_rows(self) -> None:
        if not self._events:
            return
        rows = account_rows(_joined(self._events))
        self.size += rows.nbytes - sum(part.nbytes for each in self._events for part in each)
        self._events.clear()
        self._waiting = 0
        self._tables.append(rows)


def _joined(events: list[AccountEvents]) -> AccountEvents:
    before = np.cumsum([0, *(len(each.words) for each in events[:-1])])
    return AccountEvents(
        np.concatenate([each.numbers for each in events], axis=1),
        np.concatenate([each.words for each in events]),
        np.concatenate(
            [each.ends + np.int32(start) for each, start in zip(events, before, strict=True)]
        ),
    )


def account_rows(events: AccountEvents) -> pa.Table:
    """Return account events as rows of `SCHEMA`, which share no memory with `events`."""
    numbers = events.numbers
    bits = numbers[layout.ACCOUNT_BITS]
    kind = bits & layout.KIND_MASK
    did = spell_dids(numbers[layout.AUTHOR_HIGH], numbers[layout.AUTHOR_LOW])
    rev = np.empty((bits.size, 13), np.uint8)
    spell(numbers[layout.REV], rev)
    operation = np.where(bits & layout.IS_DELETE, 2, bits & layout.IS_UPDATE != 0)
    frame = pl.DataFrame(
        {
            "did": pl.Series(fixed_strings(did)),
            "kind": _KINDS.gather(kind),
            "event_time": numbers[layout.TIME].copy(),
            "operation": _OPERATIONS.gather(operation),
            "rev": pl.Series(fixed_strings(rev)),
            "text": pl.Series(strings(offsets(events.ends), events.words.copy())),
            "is_active": bits & layout.IS_ACTIVE != 0,
        }
    )
    is_identity, is_account, is_profile = (
        pl.lit(pl.Series(kind == each))
        for each in (layout.IDENTITY, layout.ACCOUNT, layout.PROFILE)
    )
    text, is_active, handle = pl.col("text"), pl.col("is_active"), pl.col("text").str.to_lowercase()
    is_handle = (
        text.str.contains(f"^(?:{HANDLE})$")
        & (handle.str.len_bytes() <= _LONGEST_HANDLE)
        & (handle != "handle.invalid")
    )
    status = pl.when(is_active).then(pl.lit("")).when(text == "").then(pl.lit("unknown"))
    columns = frame.select(
        "did",
        "kind",
        pl.col("event_time").cast(pl.Datetime("us")),
        operation=pl.when(is_profile).then("operation"),
        rkey=pl.when(is_profile).then(pl.lit("self")),
        rev=pl.when(is_profile).then("rev"),
        # The parser refuses a profile with labels.
        bot=pl.lit(value=False),
        labels=pl.lit(None, pl.String),
        handle=pl.when(is_identity & is_handle).then(handle),
        active=pl.when(is_account).then(is_active),
        status=pl.when(is_account).then(status.otherwise(text)),
    )
    return columns.to_arrow().cast(SCHEMA)
