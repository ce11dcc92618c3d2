"""Rows that an importer gave, as events for a store; pure."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from blueattr.decode.named_rows import (
    STAGED,
    NamedRows,
    is_tid,
    key_times,
    staged_rows,
    tid_numbers,
    tids,
)
from blueattr.decode.parser import layout
from blueattr.sources.tables.repeats import RepeatCounter, hashes_of, own_keys

__all__ = ["FIRST", "Events", "account_events", "record_events"]


FIRST = datetime(2022, 11, 1)  # noqa: DTZ001 - as stores have times
"""No record is from before: until then the network had no users."""


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_KEY_TIME = 2
# Verdicts, of the statements and by what is only seen here.
_WORDS = ("", "skip", "known", "missing time", "bad time")
_KEPT, _SKIP, _KNOWN, _MISSING_TIME, _BAD_TIME = range(5)
_REFERENCES = ("subject", "root", "quoted")
# Columns of rows that no event has.
_USED = frozenset(
    [
        "verdict",
        "record_key",
        "row_text",
        "subject_key",
        "root_key",
        "quoted_key",
        "has_counts",
        "replies",
        "reposts",
        "quotes",
        "counted_at",
        "unknown",
        "sample",
    ]
)
_Refused = tuple[tuple[str, int, bytes], ...]


class Events(NamedTuple):
    """What a batch of rows comes to.

    Parameters
    ----------
    named
        Records whose keys are TIDs, or are made, of each kind that there is.
    span
        The first and the last time of all records.
    staged
        Records with other keys, and accounts: rows of `STAGED`.
    stated
        What is said of accounts.
    skipped
        Rows of kinds that are not kept.
    refused
        Reason, row and what shows why, of rows that are rejected.
    unknown
        Replies, and quotes, of which nothing tells whose post they answer or quote.
    acts
        Replies, reposts and quotes.
    counted
        How many interactions with posts are counted.
    """

    named: tuple[NamedRows, ...]
    span: tuple[datetime, datetime] | None
    staged: pa.Table | None
    stated: pa.Table | None = None
    skipped: int = 0
    refused: _Refused = ()
    unknown: tuple[int, int] = (0, 0)
    acts: tuple[int, int, int] = (0, 0, 0)
    counted: pa.Table | None = None


@dataclass(frozen=True, slots=True)
class _Keys:
    """Keys as numbers, and which rows have one, and which have one that is no number."""

    numbers: npt.NDArray[np.int64]
    present: npt.NDArray[np.bool_]
    odd: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, texts: pa.Array, made: pa.Array) -> "_Keys":
        n = len(texts)
        if texts.null_count == n and made.null_count == n:
            nowhere = np.zeros(n, np.bool_)
            return cls(np.zeros(n, np.int64), nowhere, nowhere)
        own = np.asarray(made.is_valid())
        text, valid = np.asarray(texts.is_valid()), is_tid(texts)
        numbers = np.where(own, made.fill_null(0).to_numpy(), tid_numbers(texts))
        return cls(numbers, own | valid, text & ~valid)


def record_events(
    batch: pa.RecordBatch, row: int, repeats: RepeatCounter, end: datetime, begin: int = 0
) -> Events:
    """Make events of rows of ``sql/sources/tables/rows.sql``.

    Parameters
    ----------
    batch
        The rows.
    row
        The number of the first one in its table.
    repeats
        Counts equal rows.
    end
        Times from here on lie ahead of the clock; naive UTC.
    begin
        How many of the rows are known already: they count as repeats, and are left out.
    """
    hashed = np.asarray(batch["row_text"].is_valid())
    hashes = hashes_of(batch["row_text"].drop_null())
    made = batch["record_key"].fill_null(0).to_numpy(zero_copy_only=False)
    made = np.where(hashed, 0, made)
    made[hashed] = own_keys(hashes, repeats.number(hashes))
    has_made = hashed | np.asarray(batch["record_key"].is_valid())
    keys = _Keys.of(batch["rkey"], pa.array(made, pa.int64(), mask=~has_made))
    times, problems = _times(batch, keys, end)
    verdicts, words = _verdicts(batch)
    verdicts = np.where(verdicts == _KEPT, problems, verdicts)
    verdicts[:begin] = _KNOWN
    counted = _counted(batch, keys, verdicts)
    rows = {name: batch[name] for name in batch.schema.names}
    rows["event_time"] = pa.array(times, pa.timestamp("us"), mask=times < 0)
    rows["rkey"] = pa.array(keys.numbers, pa.int64())
    rows["rev"] = pa.array(tid_numbers(batch["rev"]).astype(np.uint64))
    odd = keys.odd
    texts: dict[str, pa.Array] = {}
    for name in _REFERENCES:
        text, own = batch[f"{name}_rkey"], batch[f"{name}_key"]
        found = _Keys.of(text, own)
        rows[f"{name}_rkey"] = pa.array(found.numbers, pa.int64(), mask=~found.present)
        odd = odd | found.odd
        texts[f"{name}_rkey"] = text
    good = verdicts == _KEPT
    # Of each kind of record there is a copy: without what is used already.
    table = pa.table({name: rows[name] for name in rows if name not in _USED})
    # As a rule there are no others.
    is_usual = good & ~odd
    usual = table if is_usual.all() else table.filter(pa.array(is_usual))
    unusual = table.filter(pa.array(good & odd)) if (good & odd).any() else table.slice(0, 0)
    for name, text in {"rkey": batch["rkey"], **texts}.items():
        column = table.column_names.index(name)
        spelled = _spelled(text.filter(pa.array(good & odd)), unusual[name].combine_chunks())
        unusual = unusual.set_column(column, name, spelled)
    kept = times[good & (times >= 0)]
    unknown = batch["unknown"].to_numpy()[good]
    answers, quotes = (
        np.asarray(batch[name].is_valid())[good] for name in ("subject_did", "quoted_did")
    )
    kinds = batch["collection"].to_numpy()[good]
    return Events(
        _by_kind(usual),
        (_moment(kept.min()), _moment(kept.max())) if len(kept) else None,
        staged_rows(unusual) if len(unusual) else None,
        skipped=int((verdicts == _SKIP).sum()),
        refused=_refused(batch, verdicts, words, row),
        unknown=(int((unknown & 1 > 0).sum()), int((unknown & 2 > 0).sum())),
        acts=(
            int((answers & (kinds == layout.POST)).sum()),
            int((kinds == layout.REPOST).sum()),
            int(quotes.sum()),
        ),
        counted=counted,
    )


def account_events(batch: pa.RecordBatch, row: int, begin: int = 0) -> Events:
    """Make events of rows of ``sql/sources/tables/accounts.sql``; as `record_events`."""
    verdicts, words = _verdicts(batch)
    verdicts[:begin] = _KNOWN
    good = pa.Table.from_batches([batch]).filter(pa.array(verdicts == _KEPT))
    n = len(good)
    given: dict[str, Any] = {
        "kind": pa.array(["identity"] * n, pa.string()),
        "did": good["did"],
        "event_time": good["asked_at"],
        "handle": good["handle"],
    }
    columns = [given.get(each.name, pa.nulls(n, each.type)) for each in STAGED]
    stated = pa.table(
        {
            "did": good["did"],
            "asked_at": good["asked_at"],
            "followers": good["followers"],
            "created_at": good["created_at"],
        }
    )
    # A handle is an event; it is no answer of how many followers there are.
    known = pc.or_(pc.is_valid(stated["followers"]), pc.is_valid(stated["created_at"]))
    stated = stated.filter(known)
    return Events(
        (),
        None,
        pa.table(columns, schema=STAGED) if n else None,
        stated if len(stated) else None,
        refused=_refused(batch, verdicts, words, row),
    )


def _verdicts(batch: pa.RecordBatch) -> tuple[npt.NDArray[np.int64], list[str]]:
    """Return the verdicts as numbers, and the words for these."""
    coded = batch["verdict"].dictionary_encode()
    words = list(dict.fromkeys([*_WORDS, *coded.dictionary.to_pylist()]))
    numbers = np.array([words.index(word) for word in coded.dictionary.to_pylist()], np.int64)
    return numbers[coded.indices.to_numpy()], words


def _counted(batch: pa.RecordBatch, keys: _Keys, verdicts: npt.NDArray[Any]) -> pa.Table | None:
    """Return what the rows that are kept count, by the authors and keys of their posts."""
    places = np.flatnonzero(np.asarray(batch["has_counts"]) & (verdicts == _KEPT))
    if not len(places):
        return None
    rows = batch.take(pa.array(places))
    made = pa.array(keys.numbers[places], mask=keys.odd[places])
    columns = {name: rows[name] for name in ("did", "replies", "reposts", "quotes", "counted_at")}
    return pa.table(columns | {"rkey": _spelled(rows["rkey"], made)})


def _by_kind(rows: pa.Table) -> tuple[NamedRows, ...]:
    kinds = rows["collection"].to_numpy()
    return tuple(
        NamedRows.of(kind, rows.filter(pa.array(kinds == kind)))
        for kind in (layout.POST, layout.REPOST, layout.FOLLOW)
        if (kinds == kind).any()
    )


def _times(
    batch: pa.RecordBatch, keys: _Keys, end: datetime
) -> tuple[npt.NDArray[np.int64], npt.NDArray[Any]]:
    """Return times, below 0 where there is none, and what is wrong with them."""
    given = batch["event_time"].cast(pa.timestamp("us")).cast(pa.int64())
    known = np.asarray(given.is_valid())
    text = np.asarray(batch["rkey"].is_valid())
    from_key = ~known & text & keys.present
    times = np.where(known, given.fill_null(0).to_numpy(), -1)
    times = np.where(from_key, key_times(keys.numbers), times)
    removed = np.asarray(batch["removed"])
    first, last = (_microseconds(each) for each in (FIRST, end))
    outside = (times < first) | (times >= last)
    problems = np.where(~removed & (times < 0), _MISSING_TIME, _KEPT)
    problems[(times >= 0) & outside & ~removed] = _BAD_TIME
    times[outside] = -1
    return times, problems


def _microseconds(moment: datetime) -> int:
    return int((moment.replace(tzinfo=UTC) - _EPOCH).total_seconds()) * 1_000_000


def _moment(microseconds: np.int64) -> datetime:
    return datetime.fromtimestamp(int(microseconds) // 1_000_000, UTC).replace(
        tzinfo=None, microsecond=int(microseconds) % 1_000_000
    )


def _spelled(texts: pa.Array, numbers: pa.Array) -> pa.Array:
    """Return keys as text: as they stand, or the TIDs of those that are made."""
    made = pc.and_(texts.is_null(), numbers.is_valid())
    spelled = tids(numbers.fill_null(0).to_numpy())
    return pc.if_else(made, spelled, texts)


def _refused(
    batch: pa.RecordBatch, verdicts: npt.NDArray[np.int64], words: list[str], row: int
) -> _Refused:
    places = np.flatnonzero((verdicts != _KEPT) & (verdicts != _SKIP) & (verdicts != _KNOWN))
    if not len(places):
        return ()
    samples = batch["sample"].take(pa.array(places)).to_pylist()
    return tuple(
        (words[verdicts[place]], row + int(place), str(sample or "").encode())
        for place, sample in zip(places, samples, strict=True)
    )
