"""Rows of events as files of partitions have them: raw, each with its account's bucket."""

from collections.abc import Iterable
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import xxhash

from blueattr.decode.arrow import fixed_strings
from blueattr.decode.named_rows import STAGED, NamedRows, is_tid, tid_numbers
from blueattr.decode.parser import layout
from blueattr.decode.parser.dids import spell

__all__ = [
    "EVENT",
    "KINDS",
    "STAGED_WITH_STATUS",
    "TIMES",
    "Buckets",
    "bucket_of",
    "buckets_of",
    "named_rows",
    "of_coded",
    "of_staged",
    "staged_of",
    "week_of",
]


Buckets = npt.NDArray[np.uint32]


KINDS: Final = ("post", "repost", "follow")
"""Kinds of records, by their numbers."""


_TEXT = pa.dictionary(pa.int32(), pa.string())
_KEYS = ("rkey", "subject_rkey", "root_rkey", "other_rkey")
_ACCOUNTS = ("did", "subject_did", "root_did", "other_did")
TIMES: Final = ("server", "imported", "key", "claimed", "collected")
"""Where times are from, by their numbers."""


_LETTERS_OF_TID = 13


EVENT: Final = pa.schema(
    [
        ("kind", _TEXT),
        ("did", _TEXT),
        ("event_time", pa.timestamp("us")),
        ("time_from", _TEXT),
        ("removed", pa.bool_()),
        ("rkey", pa.int64()),
        ("rkey_text", pa.string()),
        ("rev", pa.uint64()),
        ("subject_did", _TEXT),
        ("subject_rkey", pa.int64()),
        ("subject_rkey_text", pa.string()),
        ("root_did", _TEXT),
        ("root_rkey", pa.int64()),
        ("root_rkey_text", pa.string()),
        ("other_did", _TEXT),
        ("other_rkey", pa.int64()),
        ("other_rkey_text", pa.string()),
        ("text", pa.string()),
        ("tags", pa.list_(pa.string())),
        ("title", pa.string()),
        ("langs", pa.string()),
        ("domains", pa.list_(pa.string())),
        ("mention_dids", pa.list_(pa.string())),
        ("labels", pa.string()),
        ("operation", _TEXT),
        ("bot", pa.bool_()),
        ("handle", pa.string()),
        ("active", pa.bool_()),
        ("status", _TEXT),
    ]
)
"""The columns of a file of events: those of ``sql/store/commit/batch/staging.sql``, but that a key
or revision which is a TID is a number, any other key is in the column of the same name that ends in
``_text``, and ``operation`` is of profiles alone. Grain: one sighting."""


STAGED_WITH_STATUS: Final = STAGED.append(pa.field("active", pa.bool_())).append(
    pa.field("status", pa.string())
)
"""All columns of ``sql/store/commit/batch/staging.sql``."""


# --- buckets -------------------------------------------------------------------------------------


def bucket_of(did: str, buckets: int) -> int:
    """Return the bucket of an account: the XXH3 hash of its DID, 64 bits, modulo their number."""
    return xxhash.xxh3_64_intdigest(did.encode()) % buckets


def buckets_of(dids: Iterable[str], buckets: int) -> Buckets:
    """Return the buckets of accounts: uint32 (n,)."""
    digest = xxhash.xxh3_64_intdigest
    return np.fromiter((digest(did.encode()) % buckets for did in dids), np.uint32)


def week_of(times: pa.Array, revs: pa.Array) -> npt.NDArray[np.int64]:
    """Return the weeks that rows lie in, as days since 1970 of their Mondays: int64 (n,).

    A delete that has no time of its own lies in the week of its revision.
    """
    of_rev = (np.asarray(revs.fill_null(0)) >> np.uint64(10)).astype(np.int64)
    micros = times.cast(pa.int64()).fill_null(-1).to_numpy()
    missing = np.asarray(times.is_null())
    days = np.where(missing, of_rev, micros) // 86_400_000_000
    return (days + 3) // 7 * 7 - 3


# --- what was decoded → rows ---------------------------------------------------------------------


def of_coded(coded: pa.Table, dids: pa.Array, key_texts: pa.Array | None = None) -> pa.Table:
    """Return record events in numbers as rows of `EVENT`.

    Parameters
    ----------
    coded
        The columns of ``coded`` (`blueattr.decode.record_events`), of which the accounts are places
        in `dids`. ``via`` and ``quoted`` may be one column, ``other``.
    dids
        The accounts.
    key_texts
        What keys below 0 stand for: -1 for the first one.
    """
    coded = coded.combine_chunks()
    one = {name: _one(coded[name]) for name in coded.column_names}
    if "other" not in one:
        one["other"] = pc.coalesce(one["quoted"], one["via"])
        one["other_rkey"] = pc.coalesce(one["quoted_rkey"], one["via_rkey"])
    columns: dict[str, Any] = {
        "kind": _words(one["collection"], KINDS),
        "did": _coded(one["account"], dids),
        "event_time": one["event_time"],
        "time_from": _words(one["time_from"], TIMES),
        "removed": one["removed"],
        "rev": one["rev"],
        "subject_did": _coded(one["subject"], dids),
        "root_did": _coded(one["root"], dids),
        "other_did": _coded(one["other"], dids),
        "mention_dids": _mentions(one["mentions"], dids),
    }
    for name in _KEYS:
        columns |= _keys(name, one[name], key_texts)
    for name in ("text", "tags", "title", "langs", "domains", "labels"):
        columns[name] = one[name]
    return _table(columns, len(coded))


def of_staged(staged: pa.Table) -> pa.Table:
    """Return rows of ``sql/store/commit/batch/staging.sql`` as rows of `EVENT`."""
    one = {name: _one(staged[name]) for name in staged.column_names}
    is_record = np.asarray(pc.is_in(one["kind"], value_set=pa.array(KINDS)))
    columns: dict[str, Any] = {
        "kind": one["kind"].dictionary_encode(),
        "event_time": one["event_time"],
        "time_from": one["time_from"].fill_null("server").dictionary_encode(),
        "removed": pc.equal(one["operation"], "delete").fill_null(fill_value=False),
        "rev": pa.array(tid_numbers(one["rev"]).astype(np.uint64)),
        "operation": pc.if_else(pa.array(is_record), None, one["operation"]).dictionary_encode(),
        "status": one["status"].dictionary_encode(),
    }
    columns |= {name: one[name].dictionary_encode() for name in _ACCOUNTS}
    for name in _KEYS:
        texts = one[name]
        is_number = is_tid(texts)
        columns[name] = pa.array(tid_numbers(texts), mask=~is_number)
        columns[f"{name}_text"] = pc.if_else(pa.array(is_number), None, texts)
    for name in (
        "text", "tags", "title", "langs", "domains", "mention_dids", "labels", "bot", "handle",
        "active",
    ):  # fmt: skip
        columns[name] = one[name]
    return _table(columns, len(staged))


def _table(columns: dict[str, Any], rows: int) -> pa.Table:
    arrays = [
        columns[each.name].cast(each.type) if each.name in columns else pa.nulls(rows, each.type)
        for each in EVENT
    ]
    return pa.Table.from_arrays(arrays, schema=EVENT)


def _one(column: Any) -> Any:
    if not isinstance(column, pa.ChunkedArray):
        return column
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def _words(numbers: pa.Array, words: tuple[str, ...]) -> pa.Array:
    return pa.DictionaryArray.from_arrays(numbers.cast(pa.int32()), pa.array(words))


def _coded(places: pa.Array, dids: pa.Array) -> pa.Array:
    """Return the accounts at places, with a dictionary of those that occur."""
    coded = places.dictionary_encode()
    return pa.DictionaryArray.from_arrays(coded.indices, dids.take(coded.dictionary))


def _mentions(mentions: pa.Array, dids: pa.Array) -> pa.Array:
    named = dids.take(mentions.flatten())
    lengths = pc.list_value_length(mentions)
    ends = np.cumsum(lengths.fill_null(0).to_numpy(), dtype=np.int32)
    begins = pa.array(np.concatenate((np.zeros(1, np.int32), ends)))
    lists = pa.ListArray.from_arrays(begins, named)
    return pc.if_else(lengths.is_valid(), lists, None)


def _keys(name: str, keys: pa.Array, texts: pa.Array | None) -> dict[str, pa.Array]:
    if texts is None:
        return {name: keys}
    odd = pc.less(keys, 0).fill_null(fill_value=False)
    places = pc.if_else(odd, pc.subtract(pc.negate(keys), 1), None)
    return {name: pc.if_else(odd, None, keys), f"{name}_text": texts.take(places)}


# --- rows → what is folded -----------------------------------------------------------------------


def named_rows(rows: pa.Table) -> tuple[NamedRows, ...]:
    """Return the records of rows whose keys are all numbers, of each kind that there is."""
    found = []
    kinds = _one(rows["kind"])
    for number, word in enumerate(KINDS):
        mine = rows.filter(pc.equal(kinds, word))
        if len(mine):
            found.append(_of_kind(number, mine))
    return tuple(found)


def _of_kind(kind: int, rows: pa.Table) -> NamedRows:
    one = {name: _one(rows[name]) for name in rows.column_names}
    n = len(rows)
    dictionary, codes = _numbered([one[name] for name in _ACCOUNTS])
    mentions = one["mention_dids"]
    mentioned = mentions.flatten().dictionary_encode()
    # After those of the four columns.
    accounts = pa.concat_arrays([dictionary, mentioned.dictionary.cast(pa.string())])
    coded = accounts.dictionary_encode()
    place = coded.indices.to_numpy().astype(np.uint32)
    has_subject, has_root, has_other = (np.asarray(one[name].is_valid()) for name in _ACCOUNTS[1:])
    none = np.zeros(n, np.bool_)
    is_post, is_follow = kind == layout.POST, kind == layout.FOLLOW
    removed = np.asarray(one["removed"])
    has_key = np.asarray(one["subject_rkey"].is_valid())
    counts = pc.list_value_length(mentions).fill_null(0).to_numpy()
    times = pc.index_in(_plain(one["time_from"]), value_set=pa.array(TIMES))
    no_key = pa.nulls(n, pa.int64())
    columns = {
        "collection": pa.array(np.full(n, kind, np.uint8)),
        "rkey": one["rkey"],
        "rev": one["rev"],
        "removed": one["removed"],
        "event_time": one["event_time"],
        "time_from": times.cast(pa.uint8()),
        "subject_rkey": _filled(one["subject_rkey"]),
        "root_rkey": one["root_rkey"],
        "quoted_rkey": one["other_rkey"] if is_post else no_key,
        "via_rkey": no_key if is_post else one["other_rkey"],
        **{name: one[name] for name in ("text", "title", "tags", "domains", "langs", "labels")},
        "mention offsets": np.concatenate(([0], np.cumsum(counts))).astype(np.int32),
        "has subject": has_subject,
        "has root": has_root,
        "has quoted": has_other if is_post else none,
        "has via": none if is_post else has_other,
        "has relation": none if is_post else has_subject & ~removed & (is_follow | has_key),
        "made": ~removed,
    }
    codes = place[codes]
    late = place[len(dictionary) + mentioned.indices.to_numpy()]
    return NamedRows(kind, columns, coded.dictionary, codes, late)


def _numbered(columns: list[pa.Array]) -> tuple[pa.Array, npt.NDArray[np.uint32]]:
    """Return the texts of dictionaries one after the other, and the places of columns in them."""
    texts, codes, begin = [], [], 0
    for each in columns:
        codes.append(each.indices.fill_null(0).to_numpy().astype(np.uint32))
        if len(each.dictionary):
            codes[-1] += np.uint32(begin)
        texts.append(each.dictionary)
        begin += len(each.dictionary)
    return pa.concat_arrays(texts), np.stack(codes)


def _plain(column: pa.Array) -> pa.Array:
    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column


def _filled(keys: pa.Array) -> pa.Array:
    """Return keys whose places without one are 0, and still without one."""
    present = np.asarray(keys.is_valid())
    return pa.array(keys.fill_null(0).to_numpy(), mask=~present) if len(keys) else keys


def staged_of(rows: pa.Table) -> pa.Table:
    """Return rows of `EVENT` as rows of ``staged``."""
    one = {name: _plain(_one(rows[name])) for name in rows.column_names}
    kind = pl.Series(one["kind"])
    is_record = pa.array(kind.is_in(KINDS).to_numpy())
    is_profile = pa.array((kind == "profile").to_numpy())
    written = pc.if_else(one["removed"], "delete", "create")
    given = {
        "operation": pc.if_else(is_record, written, one["operation"]),
        "rev": pc.if_else(pc.or_(is_record, is_profile), _tids(one["rev"]), None),
    }
    for name in _KEYS:
        given[name] = pc.coalesce(one[f"{name}_text"], _tids(one[name]))
    return pa.table(
        [given.get(name, one.get(name)) for name in STAGED_WITH_STATUS.names],
        names=STAGED_WITH_STATUS.names,
    ).cast(STAGED_WITH_STATUS)


def _tids(numbers: pa.Array) -> pa.Array:
    """Write numbers as TIDs; null where there is none."""
    letters = np.empty((len(numbers), _LETTERS_OF_TID), np.uint8)
    spell(numbers.fill_null(0).to_numpy().astype(np.int64), letters)
    return fixed_strings(letters, np.asarray(numbers.is_valid()))
