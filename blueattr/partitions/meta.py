"""What is known of a folder of partitions beside its rows: sources, coverage, parts, topics."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, Self

import polars as pl

from blueattr.errors import InputError, StoreVersionError, UsageError
from blueattr.partitions.folder import META, PartitionFolder
from blueattr.store.commit.writer import Writer
from blueattr.store.database import Store
from blueattr.store.matching import Rule
from blueattr.version import __version__

__all__ = [
    "FORMAT",
    "MOST_BUCKETS",
    "NOTED",
    "KeptTopic",
    "Meta",
    "WrittenPart",
    "check_buckets",
    "days_frame",
    "digest",
    "load_notes",
    "noted",
    "read_notes",
]


FORMAT: Final = 1
"""The version of the layout."""


MOST_BUCKETS: Final = 9999
"""So that the names of buckets have four digits."""


_KEY: Final = "xxh3_64(did) % buckets"
NOTED: Final = ("source", "span", "rejected", "rejected_sample", "source_account", "kept_from")
"""The tables of a store that say how far sources were read."""


Notes = Mapping[str, Sequence[Mapping[str, Any]]]
"""Rows of the tables of a store that say how far sources were read, by the table's name."""


@dataclass(frozen=True, slots=True)
class WrittenPart:
    """Rows that came together: of a stretch of a source, or of a store.

    Parameters
    ----------
    name
        Of its files, in each bucket that has rows of it.
    files
        How many there are.
    rows
        In all of them.
    bytes
        Of all of them.
    """

    name: str
    files: int
    rows: int
    bytes: int


@dataclass(frozen=True, slots=True)
class KeptTopic:
    """A topic of which it is kept what matched, where no words are.

    Parameters
    ----------
    digest
        What its matches are marked by.
    rule
        As the store has it.
    """

    digest: str
    rule: str


def check_buckets(buckets: int) -> None:
    """Refuse a number of buckets that cannot be.

    Raises
    ------
    UsageError
        It is none from 1 to 9999.
    """
    if not 1 <= buckets <= MOST_BUCKETS:
        raise UsageError(f"--buckets {buckets} should be a number from 1 to {MOST_BUCKETS:,}")


def digest(rule: Rule) -> str:
    """Return a hash of what a topic matches."""
    return hashlib.sha256(str(rule).encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Meta:
    """The content of ``meta.json``.

    Parameters
    ----------
    buckets
        How many there are.
    has_text
        Whether words are kept; else what matched the topics.
    topics
        Where no words are kept.
    notes
        What the sources are, how far they were read, and what of them was rejected.
    parts
        Those that count. Another file in the folder is of somebody who was killed.
    """

    buckets: int
    has_text: bool = True
    topics: tuple[KeptTopic, ...] = ()
    notes: Notes = field(default_factory=dict)
    parts: tuple[WrittenPart, ...] = ()

    @property
    def rows(self) -> int:
        """Rows in all buckets."""
        return sum(part.rows for part in self.parts)

    def with_part(self, part: WrittenPart) -> Self:
        """Return the same with one more part, which replaces another of its name."""
        named = {each.name: each for each in (*self.parts, part)}
        return replace(self, parts=tuple(named.values()))

    def write(self, folder: PartitionFolder) -> None:
        """Write it: from here on the parts that it names count."""
        content = {
            "format": FORMAT,
            "blueattr": __version__,
            "buckets": self.buckets,
            "bucket": _KEY,
            "text": self.has_text,
            "topics": [asdict(topic) for topic in self.topics],
            "notes": self.notes,
            "parts": [asdict(part) for part in self.parts],
        }
        folder.write_json(META, content)

    @classmethod
    def read(cls, folder: PartitionFolder) -> Self:
        """Read it.

        Raises
        ------
        InputError
            There is none, or it is not what blueattr writes.
        StoreVersionError
            A newer version of blueattr wrote it.
        """
        if not folder.exists(META):
            raise InputError(
                f"{folder} holds no partitions: it has no {META}; make them with: blueattr export "
                "--partitioned FOLDER, or blueattr ingest FILES --events FOLDER"
            )
        found = folder.read_json(META)
        try:
            if found["format"] > FORMAT:
                raise StoreVersionError(
                    f"{folder} has partitions of format {found['format']}, written by a newer "
                    f"blueattr; this one knows formats up to {FORMAT}. Update blueattr"
                )
            _check(found)
            return cls(
                buckets=_count(found["buckets"]),
                has_text=bool(found["text"]),
                topics=tuple(KeptTopic(**topic) for topic in found["topics"]),
                notes={name: [dict(row) for row in found["notes"][name]] for name in NOTED},
                parts=tuple(WrittenPart(**part) for part in found["parts"]),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InputError(
                f"{folder}/{META} is not as blueattr writes it ({error}); export the store again"
            ) from None


def _check(found: Any) -> None:
    if found["bucket"] != _KEY or {*found["notes"]} != {*NOTED}:
        raise ValueError("other keys")


def _count(buckets: Any) -> int:
    if not isinstance(buckets, int) or not 1 <= buckets <= MOST_BUCKETS:
        raise ValueError(f"{buckets!r} buckets")
    return buckets


def read_notes(store: Store) -> Notes:
    """Return what a store knows of its sources; times are text."""
    return {name: store.frame(f"partitions/notes/{name}").to_dicts() for name in NOTED}


def load_notes(writer: Writer, notes: Notes) -> None:
    """Give a store that is new what is known of sources.

    Parameters
    ----------
    writer
        Within a transaction.
    notes
        Of `read_notes`.
    """
    for name, rows in notes.items():
        if rows:
            writer.register("given", pl.DataFrame(rows, infer_schema_length=None).to_arrow())
            try:
                writer.run(f"partitions/notes/load_{name}")
            finally:
                writer.unregister("given")


def days_frame(days: Sequence[tuple[Any, ...]]) -> pl.DataFrame:
    """Return days of records, `blueattr.partitions.tasks.Day`, as statements take them."""
    return pl.DataFrame(
        [
            (day, first.replace(tzinfo=None), last.replace(tzinfo=None), events)
            for day, first, last, _, events in days
        ],
        schema=["day", "first_event", "last_event", "events"],
        orient="row",
    )


@contextmanager
def noted(meta: Meta, days: Sequence[tuple[Any, ...]] = ()) -> Iterator[Store]:
    """Yield a store that has what is known of sources, and the days of records, alone.

    Parameters
    ----------
    meta
        Of the partitions.
    days
        Of all buckets together: `blueattr.partitions.tasks.Day`.
    """
    with TemporaryDirectory() as place, Writer(Path(place, "notes.duckdb")) as notes:
        with notes.transaction():
            load_notes(notes, meta.notes)
            if days:
                notes.register("given", days_frame(days).to_arrow())
                notes.run("partitions/notes/load_days")
        notes.unregister("given")
        with notes.reading():
            yield notes
