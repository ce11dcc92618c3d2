"""Rows of tables, whose accounts are texts, as the columns of record events; pure."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from blueattr.decode.arrow import flags, numbers
from blueattr.decode.parser import layout

__all__ = ["STAGED", "NamedRows", "is_tid", "key_times", "staged_rows", "tid_numbers", "tids"]


_LETTERS = b"234567abcdefghijklmnopqrstuvwxyz"
_DIGITS = 13
_FIRST = 8  # first letters of a TID, which has 64 bits in 13 letters of five
_VALUES = np.full(256, 255, np.uint8)
_VALUES[np.frombuffer(_LETTERS, np.uint8)] = np.arange(32)
_KINDS = np.array(["post", "repost", "follow"])
_TIMES = np.array(["server", "imported", "key", "claimed", "collected"])


STAGED = pa.schema(
    [
        ("kind", pa.string()),
        ("did", pa.string()),
        ("event_time", pa.timestamp("us")),
        ("time_from", pa.string()),
        ("operation", pa.string()),
        ("rkey", pa.string()),
        ("rev", pa.string()),
        ("subject_did", pa.string()),
        ("subject_rkey", pa.string()),
        ("root_did", pa.string()),
        ("root_rkey", pa.string()),
        ("other_did", pa.string()),
        ("other_rkey", pa.string()),
        ("text", pa.string()),
        ("tags", pa.list_(pa.string())),
        ("title", pa.string()),
        ("langs", pa.string()),
        ("domains", pa.list_(pa.string())),
        ("mention_dids", pa.list_(pa.string())),
        ("labels", pa.string()),
        ("bot", pa.bool_()),
        ("handle", pa.string()),
    ]
)
"""Rows for ``sql/store/commit/batch/staging.sql``: of records with odd keys, and of accounts."""


class NamedRows(NamedTuple):
    """Record events of a kind whose accounts are texts.

    Parameters
    ----------
    kind
        Of `blueattr.decode.parser.layout`.
    columns
        As `blueattr.decode.record_events` has them.
    accounts
        The texts, each once.
    codes
        uint32 (4, n): the places in `accounts` of author, subject, root and other; 0 where there is
        none.
    mentioned
        uint32: the places of those that are mentioned.
    """

    kind: int
    columns: dict[str, Any]
    accounts: pa.Array
    codes: npt.NDArray[np.uint32]
    mentioned: npt.NDArray[np.uint32]

    @classmethod
    def of(cls, kind: int, rows: pa.Table) -> "NamedRows":
        """Make columns of rows of records of a kind.

        Parameters
        ----------
        kind
            Of `blueattr.decode.parser.layout`.
        rows
            The columns ``collection``, ``did``, ``rkey`` (int64), ``rev`` (uint64), ``removed``,
            ``event_time``, ``time_from`` (uint8), ``subject_did``, ``subject_rkey`` (int64),
            ``root_did``, ``root_rkey``, ``quoted_did``, ``quoted_rkey``, ``text``, ``tags``,
            ``title``, ``langs``, ``domains``, ``mention_dids``, ``labels``; each in one chunk.
        """
        each = {name: _in_one(rows[name]) for name in rows.column_names}
        mentions = each["mention_dids"]
        named = [each["did"], each["subject_did"], each["root_did"], each["quoted_did"]]
        texts = pa.chunked_array([*named, mentions.flatten()], pa.string()).combine_chunks()
        coded = texts.dictionary_encode()
        codes = coded.indices.fill_null(0).to_numpy().astype(np.uint32)
        n = len(rows)
        has_subject, has_root, has_quoted = (np.asarray(name.is_valid()) for name in named[1:])
        removed = np.asarray(each["removed"])
        has_key = np.asarray(each["subject_rkey"].is_valid())
        counts = pc.list_value_length(mentions).fill_null(0).to_numpy()
        columns = {
            "collection": each["collection"],
            "rkey": each["rkey"],
            "rev": each["rev"],
            "removed": flags(removed),
            "event_time": each["event_time"],
            "time_from": each["time_from"],
            "subject_rkey": numbers(_array(each["subject_rkey"].fill_null(0)), has_key),
            "root_rkey": each["root_rkey"],
            "quoted_rkey": each["quoted_rkey"],
            "via_rkey": pa.nulls(n, pa.int64()),
            **{
                name: each[name] for name in ("text", "title", "tags", "domains", "langs", "labels")
            },
            "mention offsets": np.concatenate(([0], np.cumsum(counts))).astype(np.int32),
            "has subject": has_subject,
            "has root": has_root,
            "has quoted": has_quoted,
            "has via": np.zeros(n, np.bool_),
            "has relation": (kind != layout.POST)
            & ~removed
            & (has_subject if kind == layout.FOLLOW else has_subject & has_key),
            "made": ~removed,
        }
        return cls(kind, columns, coded.dictionary, codes[: 4 * n].reshape(4, n), codes[4 * n :])

    @property
    def rows(self) -> int:
        """How many there are."""
        return int(self.codes.shape[1])

    @property
    def nbytes(self) -> int:
        """About how many bytes they take."""
        sizes = sum(int(column.nbytes) for column in self.columns.values())
        return sizes + int(self.accounts.nbytes) + self.codes.nbytes + self.mentioned.nbytes


def _in_one(column: pa.ChunkedArray) -> pa.Array:
    """Return a column as one array; what is one already is not copied."""
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def _array(column: pa.Array) -> npt.NDArray[Any]:
    values: npt.NDArray[Any] = column.to_numpy()
    return values


# --- keys ----------------------------------------------------------------------------------------


def is_tid(keys: pa.Array) -> npt.NDArray[np.bool_]:
    """Return which keys are TIDs that a number stands for; those that are null are none."""
    return _split(keys)[1]


def tid_numbers(keys: pa.Array) -> npt.NDArray[np.int64]:
    """Return keys that are TIDs as numbers; 0 for all others."""
    return _split(keys)[0]


def _split(keys: pa.Array) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    valid = np.asarray(pc.fill_null(pc.equal(pc.binary_length(keys), _DIGITS), fill_value=False))
    found = np.zeros(len(keys), np.int64)
    are = np.zeros(len(keys), np.bool_)
    if not valid.any():
        return found, are
    some = keys.filter(pa.array(valid))
    letters = np.frombuffer(some.buffers()[2], np.uint8)
    begin = int(np.frombuffer(some.buffers()[1], np.int32)[some.offset])
    digits = _VALUES[letters[begin : begin + len(some) * _DIGITS].reshape(-1, _DIGITS)]
    good = (digits < 32).all(axis=1) & (digits[:, 0] < _FIRST)
    number = np.zeros(len(some), np.int64)
    for k in range(_DIGITS):
        number = (number << 5) | digits[:, k]
    found[valid], are[valid] = np.where(good, number, 0), good
    return found, are


def tids(numbers: npt.NDArray[Any]) -> pa.Array:
    """Write numbers as the TIDs that they stand for."""
    out = np.empty((len(numbers), _DIGITS), np.uint8)
    letters = np.frombuffer(_LETTERS, np.uint8)
    left = numbers.astype(np.uint64)
    for k in range(_DIGITS - 1, -1, -1):
        out[:, k] = letters[(left & np.uint64(31)).astype(np.intp)]
        left >>= np.uint64(5)
    return pa.array([row.tobytes().decode() for row in out], pa.string())


def key_times(keys: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the microseconds since 1970 that keys which are TIDs stand for."""
    return keys >> 10


# --- rows for staging ----------------------------------------------------------------------------


def staged_rows(rows: pa.Table) -> pa.Table:
    """Return rows of records as those of `STAGED`.

    Parameters
    ----------
    rows
        As for `NamedRows.of`, with keys as text.
    """
    removed = np.asarray(rows["removed"].combine_chunks())
    given = {
        "kind": pa.array(_KINDS[_array(rows["collection"].combine_chunks())]),
        "time_from": pa.array(_TIMES[_array(rows["time_from"].combine_chunks())]),
        "operation": pa.array(np.where(removed, "delete", "create")),
        "rev": tids(_array(rows["rev"].combine_chunks())),
        "other_did": rows["quoted_did"],
        "other_rkey": rows["quoted_rkey"],
        "bot": pa.nulls(len(rows), pa.bool_()),
        "handle": pa.nulls(len(rows), pa.string()),
    }
    return pa.table(
        [
            given.get(name, rows[name] if name in rows.column_names else None)
            for name in STAGED.names
        ],
        names=STAGED.names,
    ).cast(STAGED)
