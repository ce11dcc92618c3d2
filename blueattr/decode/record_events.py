"""Record events that wait for a commit, as columns of numbers; pure.

Nearly all events are of records: posts, reposts and follows, made and deleted. One takes a few
dozen bytes here, beside its words.

Those of one kind come together: a store compresses the rows of a stretch column by column, and has
next to nothing to keep of a column that a kind does not fill.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from blueattr.decode.arrow import fixed_strings, flags, lists, numbers, offsets, strings
from blueattr.decode.named_rows import NamedRows
from blueattr.decode.parser import layout
from blueattr.decode.parser.dids import Dids
from blueattr.decode.parser.duplicates import find_duplicates
from blueattr.decode.parser.layout import ParsedLines

__all__ = ["RecordEvents"]


_BATCH = 1 << 16
# Rows that are few: they become columns together with those of the next lines, unless all are many
# bytes, which would be in memory twice.
_FEW = 1 << 12
_MANY_BYTES = 16 << 20


# In the order in which a commit has them.
_KINDS = (layout.POST, layout.REPOST, layout.FOLLOW)


_DIDS = pa.schema([("code", pa.int64()), ("did", pa.string())])
_CODED = pa.schema(
    [
        ("repeated", pa.bool_()),
        ("related", pa.bool_()),
        ("collection", pa.uint8()),
        ("account", pa.uint32()),
        ("rkey", pa.int64()),
        ("rev", pa.uint64()),
        ("removed", pa.bool_()),
        ("event_time", pa.timestamp("us")),
        ("time_from", pa.uint8()),
        ("subject", pa.uint32()),
        ("subject_rkey", pa.int64()),
        ("root", pa.uint32()),
        ("root_rkey", pa.int64()),
        ("quoted", pa.uint32()),
        ("quoted_rkey", pa.int64()),
        ("via", pa.uint32()),
        ("via_rkey", pa.int64()),
        ("text", pa.string()),
        ("tags", pa.list_(pa.string())),
        ("title", pa.string()),
        ("langs", pa.string()),
        ("domains", pa.list_(pa.string())),
        ("mentions", pa.list_(pa.uint32())),
        ("labels", pa.string()),
    ]
)


class RecordEvents:
    """Record events: all posts, then reposts, then follows, each in the order of their addition.

    Each DID has a code, from 0 without gaps, until the accounts are known.
    """

    def __init__(self) -> None:
        self._dids = Dids()
        # By kind.
        self._columns: dict[int, list[_Columns]] = {kind: [] for kind in _KINDS}
        # Few rows each, that are no columns yet.
        self._few: list[ParsedLines] = []
        self._few_rows = self._few_size = 0
        # Rows whose accounts are texts; and these, each once, when all rows are there.
        self._named: list[NamedRows] = []
        self._names: pa.Array | None = None
        self.rows = 0
        self.size = 0

    def add_named(self, rows: NamedRows) -> None:
        """Add rows of a kind whose accounts are texts. What has such rows has no parsed lines."""
        self._named.append(rows)
        self.rows += rows.rows
        self.size += rows.nbytes

    def _number_names(self) -> None:
        """Give each account of named rows one code in all of them."""
        if not self._named:
            return
        if self._batches:
            raise ValueError("named rows beside parsed lines: the same DID would have two codes")
        coded = pa.chunked_array([each.accounts for each in self._named]).combine_chunks()
        coded = coded.dictionary_encode()
        code, begin = coded.indices.to_numpy().astype(np.uint32), 0
        for each in self._named:
            mine = code[begin : begin + len(each.accounts)]
            begin += len(each.accounts)
            part = each.columns, mine[each.codes], mine[each.mentioned]
            self._columns[each.kind].append(part)
        self._names = coded.dictionary
        self._named.clear()

    def add(self, parsed: ParsedLines) -> None:
        """Add the record events of parsed lines; `parsed` is copied."""
        if not len(parsed.flags):
            return
        self.rows += len(parsed.flags)
        if len(parsed.flags) >= _FEW:
            self._join_few()
            self._make_columns(parsed)
            return
        mine = _copied(parsed)
        self._few.append(mine)
        self._few_rows += len(mine.flags)
        self._few_size += (size := _size(mine))
        self.size += size
        if self._few_rows >= _BATCH or self._few_size >= _MANY_BYTES:
            self._join_few()

    def _join_few(self) -> None:
        if self._few:
            self.size -= self._few_size
            self._make_columns(_joined(self._few))
            self._few.clear()
            self._few_rows = self._few_size = 0

    def _make_columns(self, parsed: ParsedLines) -> None:
        codes, mentioned = self._dids.intern(parsed)
        kinds = parsed.flags & layout.KIND_MASK
        for kind in _KINDS:
            rows = np.flatnonzero(kinds == kind)
            if not len(rows):
                continue
            # Mentions are of posts, as words are.
            theirs = mentioned if kind == layout.POST else mentioned[:0]
            columns = _columns(parsed, kind, rows)
            part = columns, codes[:, rows], theirs
            self._columns[kind].append(part)
            self.size += (
                part[1].nbytes + theirs.nbytes + sum(column.nbytes for column in columns.values())
            )

    @property
    def _batches(self) -> list["_Columns"]:
        return [part for kind in _KINDS for part in self._columns[kind]]

    def dids(self) -> pa.Table:
        """Return the DIDs that the events name, with their codes: ``code``, ``did``."""
        self._join_few()
        self._number_names()
        did = fixed_strings(self._dids.letters()) if self._names is None else self._names
        table = pa.table([numbers(np.arange(len(did))), did], schema=_DIDS)
        # The engine reads the batches of a table in parallel.
        return pa.Table.from_batches(table.to_batches(_BATCH), schema=_DIDS)

    def tables(self, accounts: npt.NDArray[np.uint32]) -> tuple[pa.Table, pa.Table]:
        """Return the events as tables ``coded`` and ``coded_again`` of the step ``versions``.

        Parameters
        ----------
        accounts
            uint32: the account number of each code.

        Returns
        -------
        tuple
            All events, and those whose record another event has as well: a column more says which
            of them may have the revision of another.
        """
        self._join_few()
        self._number_names()
        numbered = [accounts[codes] for _, codes, _ in self._batches]
        columns = [columns for columns, _, _ in self._batches]
        mentioned = [numbers(accounts[codes]) for _, _, codes in self._batches]
        repeated = _duplicates(
            [
                (author, np.from_dlpack(each["rkey"]), np.from_dlpack(each["collection"]))
                for each, (author, *_) in zip(columns, numbered, strict=True)
            ]
        )
        related = _related(columns, numbered)
        batches = []
        for each, (author, subject, root, other), mentions, again, relation in zip(
            columns, numbered, mentioned, repeated, related, strict=True
        ):
            late = {
                "repeated": flags(again),
                "related": relation,
                "account": numbers(author),
                "subject": numbers(subject, each["has subject"]),
                "root": numbers(root, each["has root"]),
                "quoted": numbers(other, each["has quoted"]),
                "via": numbers(other, each["has via"]),
                "mentions": lists(each["mention offsets"], mentions),
            }
            arrays = [late[name] if name in late else each[name] for name in _CODED.names]
            batches.append(pa.record_batch(arrays, schema=_CODED))
        coded = pa.Table.from_batches(batches, schema=_CODED)
        if self._names is not None:
            # A table may be in any order. What lies together in time is found together, by days.
            del batches, columns, numbered, mentioned, related, repeated
            for parts in self._columns.values():
                parts.clear()
            coded = coded.combine_chunks()
            coded = pa.Table.from_batches(_by_time(coded).to_batches(_BATCH), schema=_CODED)
        return coded, _again(coded)

    def key_range(self) -> tuple[int, int]:
        """Return the range of record keys that has 99 % of the records made.

        Deletes do not count: they name records of all times.
        """
        self._join_few()
        batches = [columns for columns, _, _ in self._batches]
        # An eighth of the rows is more than enough for an estimate.
        keys = [np.from_dlpack(b["rkey"])[::8][b["made"][::8]] for b in batches]
        if not sum(map(len, keys)):
            return 0, 0
        low, high = np.quantile(np.concatenate(keys), [0.005, 0.995], method="nearest")
        return int(low), int(high)


# Columns; codes of author, subject, root and other; codes of mentions.
_Columns = tuple[dict[str, Any], npt.NDArray[np.uint32], npt.NDArray[np.uint32]]


_Keys = tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any]]


def _duplicates(parts: Sequence[_Keys]) -> list[npt.NDArray[np.bool_]]:
    """Mark, part by part, the keys that occur more than once in all; as `find_duplicates`."""
    if not parts:
        return []
    account, key, kind = (np.concatenate(each) for each in zip(*parts, strict=True))
    ends = np.cumsum([len(part[0]) for part in parts])
    return np.split(find_duplicates(account, key, kind), ends[:-1])


def _related(
    columns: Sequence[dict[str, Any]], numbered: Sequence[npt.NDArray[np.uint32]]
) -> list[pa.Array]:
    """Say, batch by batch, whether another event may have the relation of a follow or repost.

    It is null for all other events. Of a repost the key of what is reposted stands for it, which
    hardly two accounts share.
    """
    present, keys = [], []
    for each, (author, subject, *_) in zip(columns, numbered, strict=True):
        kind = np.from_dlpack(each["collection"])
        has_relation = each["has relation"]
        rows = np.flatnonzero(has_relation)
        reposted = np.frombuffer(each["subject_rkey"].buffers()[1], np.int64)
        key = np.where(kind == layout.FOLLOW, subject, reposted)
        present.append(has_relation)
        keys.append((author[rows], key[rows], kind[rows]))
    related = []
    for has_relation, again in zip(present, _duplicates(keys), strict=True):
        marks = np.zeros(len(has_relation), np.bool_)
        marks[has_relation] = again
        related.append(flags(marks, has_relation))
    return related


def _by_time(coded: pa.Table) -> pa.Table:
    """Return events by kind and time, those without a time last, else in their order."""
    # Arrow sorts in several times as long, and moves columns in which nothing is.
    last = np.iinfo(np.int64).max
    times = coded["event_time"].cast(pa.int64()).fill_null(last).to_numpy()
    places = pa.array(np.lexsort((times, coded["collection"].to_numpy())))
    columns = [
        column if column.null_count == len(column) else column.take(places)
        for column in coded.columns
    ]
    return pa.table(columns, schema=coded.schema)


def _again(coded: pa.Table) -> pa.Table:
    """Return the events whose record another has as well, and whether perhaps with the same rev."""
    again = coded.filter(coded["repeated"])
    keys = [
        (
            np.from_dlpack(batch["account"]),
            np.from_dlpack(batch["rev"]).view(np.int64),
            np.from_dlpack(batch["collection"]),
        )
        for batch in again.to_batches()
    ]
    tied = np.concatenate([np.zeros(0, np.bool_), *_duplicates(keys)])
    return again.combine_chunks().append_column("tied", flags(tied))


def _size(parsed: ParsedLines) -> int:
    numbers = parsed.numbers.nbytes + parsed.flags.nbytes
    ends = parsed.word_ends.nbytes + parsed.tag_ends.nbytes + parsed.domain_ends.nbytes
    return numbers + ends + parsed.mentions.nbytes + sum(words.nbytes for words in parsed.words)


def _copied(parsed: ParsedLines) -> ParsedLines:
    """Copy what the columns of record events are made of."""
    return parsed._replace(
        numbers=parsed.numbers.copy(),
        flags=parsed.flags.copy(),
        words=tuple(words.copy() for words in parsed.words),
        word_ends=parsed.word_ends.copy(),
        tag_ends=parsed.tag_ends.copy(),
        domain_ends=parsed.domain_ends.copy(),
        mentions=parsed.mentions.copy(),
        time_from=None if parsed.time_from is None else parsed.time_from.copy(),
    )


def _joined(parts: list[ParsedLines]) -> ParsedLines:
    """Put parts of lines one after the other, as far as columns of record events need it."""
    if len(parts) == 1:
        return parts[0]
    words = [np.concatenate(each) for each in zip(*(part.words for part in parts), strict=True)]
    # By how much the ends in a part move: of its words and lists, and of what is in the lists.
    lengths = [
        [*part.word_ends[:, -1].tolist(), *(len(part.words[each]) for each in layout.LISTS)]
        for part in parts
    ]
    moved = (np.cumsum(lengths, axis=0) - lengths).astype(np.int32)
    rows = layout.WORDS + 1
    has_times = any(part.time_from is not None for part in parts)
    times = [
        np.zeros_like(part.flags) if part.time_from is None else part.time_from for part in parts
    ]
    return parts[0]._replace(
        numbers=np.concatenate([part.numbers for part in parts], axis=1),
        flags=np.concatenate([part.flags for part in parts]),
        words=tuple(words),
        word_ends=np.concatenate(
            [part.word_ends + by[:rows, None] for part, by in zip(parts, moved, strict=True)],
            axis=1,
        ),
        tag_ends=np.concatenate(
            [part.tag_ends + by[rows] for part, by in zip(parts, moved, strict=True)]
        ),
        domain_ends=np.concatenate(
            [part.domain_ends + by[rows + 1] for part, by in zip(parts, moved, strict=True)]
        ),
        mentions=np.concatenate([part.mentions for part in parts], axis=1),
        time_from=np.concatenate(times) if has_times else None,
    )


def _columns(parsed: ParsedLines, kind: int, rows: npt.NDArray[np.intp]) -> dict[str, Any]:
    """Copy to columns the rows of a kind, all that there are."""
    bits = parsed.flags[rows]
    has_subject = bits & layout.HAS_SUBJECT != 0
    has_root = bits & layout.HAS_ROOT != 0
    has_other = bits & layout.HAS_OTHER != 0
    has_none = np.zeros_like(has_other)
    has_quoted, has_via = (has_other, has_none) if kind == layout.POST else (has_none, has_other)
    # A follow's subject is an account, not a record.
    has_key = has_none if kind == layout.FOLLOW else has_subject
    removed = bits & layout.IS_DELETE != 0
    time_from = np.zeros_like(bits) if parsed.time_from is None else parsed.time_from[rows]
    other_rkey = parsed.numbers[layout.OTHER_RKEY][rows]
    return {
        "collection": numbers(bits & layout.KIND_MASK),
        "rkey": numbers(parsed.numbers[layout.RKEY][rows]),
        "rev": numbers(parsed.numbers[layout.REV][rows].view(np.uint64)),
        "removed": flags(removed),
        "event_time": numbers(parsed.numbers[layout.TIME][rows]).cast(pa.timestamp("us")),
        "time_from": numbers(time_from),
        "subject_rkey": numbers(parsed.numbers[layout.SUBJECT_RKEY][rows], has_key),
        "root_rkey": numbers(parsed.numbers[layout.ROOT_RKEY][rows], has_root),
        "quoted_rkey": numbers(other_rkey, has_quoted),
        "via_rkey": numbers(other_rkey, has_via),
        **(_words(parsed, bits, rows) if kind == layout.POST else _no_words(len(rows))),
        "has quoted": has_quoted,
        "has via": has_via,
        "has subject": has_subject,
        "has root": has_root,
        "has relation": has_none if kind == layout.POST else has_subject & ~removed,
        "made": ~removed,
    }


def _words(
    parsed: ParsedLines, bits: npt.NDArray[np.uint8], rows: npt.NDArray[np.intp]
) -> dict[str, Any]:
    """Copy to columns the words of all posts: nothing between them has any."""
    texts, titles, tags, domains, langs, labels = (words.copy() for words in parsed.words)
    (
        text_ends, title_ends, tag_counts, domain_counts, lang_ends, label_ends, mention_counts
    ) = parsed.word_ends[:, rows]  # fmt: skip
    return {
        "text": strings(offsets(text_ends), texts, bits & layout.HAS_TEXT != 0),
        "title": strings(offsets(title_ends), titles, bits & layout.HAS_TITLE != 0),
        "tags": lists(offsets(tag_counts), strings(offsets(parsed.tag_ends), tags)),
        "domains": lists(offsets(domain_counts), strings(offsets(parsed.domain_ends), domains)),
        "langs": _not_empty(lang_ends, langs),
        "labels": _not_empty(label_ends, labels),
        "mention offsets": offsets(mention_counts),
    }


def _no_words(rows: int) -> dict[str, Any]:
    """Return the same columns of rows that have none."""
    none = {
        name: pa.nulls(rows, _CODED.field(name).type)
        for name in ("text", "title", "tags", "domains", "langs", "labels")
    }
    return none | {"mention offsets": np.zeros(rows + 1, np.int32)}


def _not_empty(ends: npt.NDArray[np.int32], letters: npt.NDArray[np.uint8]) -> pa.Array:
    """Make an array of strings of which none is empty."""
    begins = offsets(ends)
    return strings(begins, letters, np.diff(begins) > 0)
