"""Events between a decoder and the store, as columns of numbers; pure.

Most lines are parsed to columns by a compiled kernel. What waits of them for the next commit is a
few dozen bytes an event, beside its words. What they tell of accounts, a few in a hundred, waits as
the rows that ``sql/store/batch/decode_lines.sql`` would have given.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from blueattr.decode.parser import line
from blueattr.decode.parser.dids import Dids, spell, spell_dids
from blueattr.decode.parser.doubles import find_doubles
from blueattr.decode.parser.scanner import Scanned, Told
from blueattr.decode.schema import HANDLE

__all__ = ["TOLD", "Waiting", "told_rows"]


_BATCH = 1 << 16


_DIDS = pa.schema([("code", pa.int64()), ("did", pa.string())])
_CODED = pa.schema(
    [
        ("repeated", pa.bool_()),
        ("collection", pa.uint8()),
        ("account", pa.uint32()),
        ("rkey", pa.int64()),
        ("rev", pa.uint64()),
        ("removed", pa.bool_()),
        ("event_time", pa.timestamp("us")),
        ("subject", pa.uint32()),
        ("subject_rkey", pa.int64()),
        ("root", pa.uint32()),
        ("root_rkey", pa.int64()),
        ("text", pa.string()),
        ("tags", pa.list_(pa.string())),
        ("title", pa.string()),
    ]
)


TOLD = pa.schema(
    [
        ("did", pa.string()),
        ("kind", pa.string()),
        ("event_time", pa.timestamp("us")),
        ("operation", pa.string()),
        ("rkey", pa.string()),
        ("rev", pa.string()),
        ("bot", pa.bool_()),
        ("handle", pa.string()),
        ("active", pa.bool_()),
        ("status", pa.string()),
    ]
)
"""The columns of ``sql/store/batch/staging.sql`` that an event of an account fills."""


_TOLD_KINDS = pa.array(["identity", "account", "profile"])
_OPERATIONS = pa.array(["create", "update", "delete"])
_LONGEST_HANDLE = 253


class Waiting:
    """Kept events that wait for a commit."""

    def __init__(self) -> None:
        self._dids = Dids()
        self._batches: list[tuple[dict[str, Any], npt.NDArray[np.uint32]]] = []
        self.rows = 0
        self.size = 0

    def add(self, scanned: Scanned) -> None:
        """Let the kept lines of a stretch wait; nothing of what is given is held on to."""
        if not len(scanned.flag):
            return
        codes = self._dids.intern(scanned)
        columns = _columns(scanned)
        self._batches.append((columns, codes))
        self.rows += len(scanned.flag)
        self.size += codes.nbytes + sum(column.nbytes for column in columns.values())

    def dids(self) -> pa.Table:
        """List the DIDs that the events name: ``code``, from 0 without gaps, and ``did``."""
        did = _of_length(self._dids.letters(), None)
        table = pa.table([pa.array(np.arange(len(did))), did], schema=_DIDS)
        # The engine reads the batches of a table in parallel.
        return pa.Table.from_batches(table.to_batches(_BATCH), schema=_DIDS)

    def table(self, accounts: npt.NDArray[np.uint32]) -> pa.Table:
        """Give the events as what ``sql/append/13_versions.sql`` reads.

        Parameters
        ----------
        accounts
            uint32, the number of the account of each code.
        """
        found = [accounts[codes] for _, codes in self._batches]
        repeated = self._repeated([who[0] for who in found])
        batches = []
        for (columns, _), who, doubles in zip(self._batches, found, repeated, strict=True):
            given = {
                "repeated": pa.array(doubles),
                "account": pa.array(who[0]),
                "subject": pa.array(who[1], mask=columns["no subject"]),
                "root": pa.array(who[2], mask=columns["no root"]),
            }
            arrays = [given[name] if name in given else columns[name] for name in _CODED.names]
            batches.append(pa.record_batch(arrays, schema=_CODED))
        return pa.Table.from_batches(batches, schema=_CODED)

    def _repeated(self, accounts: list[npt.NDArray[np.uint32]]) -> list[npt.NDArray[np.bool_]]:
        if not accounts:
            return []
        rkeys, kinds = (
            [columns[name].to_numpy() for columns, _ in self._batches]
            for name in ("rkey", "collection")
        )
        doubles = find_doubles(
            np.concatenate(accounts), np.concatenate(rkeys), np.concatenate(kinds)
        )
        return np.split(doubles, np.cumsum([rkey.size for rkey in rkeys])[:-1])

    def range(self) -> tuple[int, int]:
        """Between which keys nearly all lie, but those of deletes, which are of all times."""
        batches = [columns for columns, _ in self._batches]
        # An eighth of the batches' rows is more than enough to tell.
        keys = [b["rkey"].to_numpy()[::8][~b["removed"].to_numpy(False)[::8]] for b in batches]
        if not sum(map(len, keys)):
            return 0, 0
        low, high = np.quantile(np.concatenate(keys), [0.005, 0.995], method="nearest")
        return int(low), int(high)


def told_rows(told: Told) -> pa.Table:
    """Give what lines tell of accounts as rows of `TOLD`, of which nothing is held on to."""
    numbers = told.numbers
    bits = numbers[line.BITS]
    kind = bits & line.KIND
    profile, active = kind == line.PROFILE, bits & line.ACTIVE != 0
    did = spell_dids(numbers[line.AUTHOR_HIGH], numbers[line.AUTHOR_LOW])
    rev = np.empty((bits.size, 13), np.uint8)
    spell(numbers[line.REV], rev)
    operation = np.where(bits & line.REMOVED, 2, bits & line.UPDATED != 0)
    said = _strings(_from_zero(told.ends), told.words.copy(), None)
    handle = pc.ascii_lower(said)
    valid = pc.and_(
        pc.match_substring_regex(handle, f"^({HANDLE})$"),
        pc.less_equal(pc.binary_length(handle), _LONGEST_HANDLE),
    )
    valid = pc.and_(valid, pc.not_equal(handle, "handle.invalid"))
    status = pc.if_else(pc.equal(said, ""), "unknown", said)
    columns = {
        "did": _of_length(did, None),
        "kind": _TOLD_KINDS.take(pa.array(kind)),
        "event_time": pa.array(numbers[line.TIME].copy()).cast(pa.timestamp("us")),
        "operation": _OPERATIONS.take(pa.array(operation, mask=~profile)),
        "rkey": pc.if_else(pa.array(profile), "self", None),
        "rev": _of_length(rev, profile),
        # A profile with labels is none of these lines.
        "bot": pa.array(np.zeros(bits.size, np.bool_)),
        "handle": pc.if_else(pc.and_(pa.array(kind == line.IDENTITY), valid), handle, None),
        "active": pa.array(active, mask=kind != line.ACCOUNT),
        "status": pc.if_else(
            pa.array(kind == line.ACCOUNT), pc.if_else(pa.array(active), "", status), None
        ),
    }
    return pa.table(columns, schema=TOLD)


def _of_length(letters: npt.NDArray[np.uint8], present: npt.NDArray[np.bool_] | None) -> pa.Array:
    count, size = letters.shape
    offsets = np.arange(0, size * count + 1, size, dtype=np.int32)
    return _strings(offsets, letters.reshape(-1), present)


def _columns(scanned: Scanned) -> dict[str, Any]:
    numbers, flag = scanned.numbers, scanned.flag
    no_subject = flag & line.SUBJECT == 0
    no_root = flag & line.ROOT == 0
    # A follow's subject is an account, not a record.
    no_key = no_subject | (flag & line.KIND == line.FOLLOW)
    texts, titles, tags = scanned.words
    return {
        "collection": pa.array(flag & line.KIND),
        "rkey": pa.array(numbers[line.RKEY].copy()),
        "rev": pa.array(numbers[line.REV].astype(np.uint64)),
        "removed": pa.array(flag & line.REMOVED != 0),
        "event_time": pa.array(numbers[line.TIME].copy()).cast(pa.timestamp("us")),
        # A mask does not make Arrow copy: the next lines would write over the keys of these.
        "subject_rkey": pa.array(numbers[line.SUBJECT_RKEY].copy(), mask=no_key),
        "root_rkey": pa.array(numbers[line.ROOT_RKEY].copy(), mask=no_root),
        "text": _strings(_from_zero(scanned.word_ends[0]), texts.copy(), flag & line.TEXT != 0),
        "title": _strings(_from_zero(scanned.word_ends[1]), titles.copy(), flag & line.TITLE != 0),
        "tags": _lists(
            _from_zero(scanned.word_ends[2]),
            _strings(_from_zero(scanned.tag_ends), tags.copy(), None),
        ),
        "no subject": no_subject,
        "no root": no_root,
    }


def _from_zero(ends: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    return np.concatenate((np.zeros(1, np.int32), ends))


def _strings(
    offsets: npt.NDArray[np.int32],
    letters: npt.NDArray[np.uint8],
    present: npt.NDArray[np.bool_] | None,
) -> pa.Array:
    valid = None if present is None else _bitmap(present)
    buffers = [valid, pa.py_buffer(offsets), pa.py_buffer(letters)]
    return pa.Array.from_buffers(pa.string(), len(offsets) - 1, buffers)


def _lists(offsets: npt.NDArray[np.int32], values: pa.Array) -> pa.Array:
    valid = _bitmap(np.diff(offsets) > 0)
    kind = pa.list_(pa.string())
    return pa.Array.from_buffers(
        kind, len(offsets) - 1, [valid, pa.py_buffer(offsets)], children=[values]
    )


def _bitmap(present: npt.NDArray[np.bool_]) -> pa.Buffer:
    return pa.py_buffer(np.packbits(present, bitorder="little"))
