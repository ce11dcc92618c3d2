"""What a commit notes of a topic that is collected, beside the records that came of it."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import pyarrow as pa

from blueattr.store.database import Store

__all__ = ["NOTED_COLLECTED", "Collected", "note_collected"]


_TIME = pa.timestamp("us")
_SCHEMAS: Final[dict[str, pa.Schema]] = {
    "noted_search": pa.schema(
        [
            ("source", pa.string()),
            ("query", pa.string()),
            ("since", _TIME),
            ("until", _TIME),
            ("outcome", pa.string()),
            ("hits", pa.int64()),
            ("matched", pa.int64()),
        ]
    ),
    "noted_count": pa.schema(
        [
            ("did", pa.string()),
            ("rkey", pa.string()),
            ("replies", pa.int64()),
            ("reposts", pa.int64()),
            ("quotes", pa.int64()),
            ("counted_at", _TIME),
        ]
    ),
    "noted_closure": pa.schema(
        [
            ("did", pa.string()),
            ("rkey", pa.string()),
            ("step", pa.string()),
            ("cursor", pa.string()),
        ]
    ),
}


NOTED_COLLECTED: Final = tuple(_SCHEMAS)
"""Tables that `note_collected` registers, for the caller of the commit to unregister."""


@dataclass(slots=True)
class Collected:
    """What to note with the next commit.

    Parameters
    ----------
    searched
        By source, query, since and until (naive UTC): outcome, hits, and how many of them matched.
    counts
        By DID and record key: replies, reposts, quotes, and when they were counted (naive UTC).
    closures
        By DID, record key and step: where to go on, or None where the step is done.
    """

    searched: dict[tuple[str, str, datetime, datetime], tuple[str, int, int]] = field(
        default_factory=dict
    )
    counts: dict[tuple[str, str], tuple[int | None, int | None, int | None, datetime]] = field(
        default_factory=dict
    )
    closures: dict[tuple[str, str, str], str | None] = field(default_factory=dict)


def note_collected(store: Store, collected: Collected) -> None:
    """Note it; within the transaction of a commit, after its records."""
    rows: dict[str, list[Any]] = {
        "noted_search": [(*key, *value) for key, value in collected.searched.items()],
        "noted_count": [(*key, *value) for key, value in collected.counts.items()],
        "noted_closure": [(*key, value) for key, value in collected.closures.items()],
    }
    for name, schema in _SCHEMAS.items():
        named = [dict(zip(schema.names, row, strict=True)) for row in rows[name]]
        store.register(name, pa.Table.from_pylist(named, schema))
    store.run("store/commit/fold/collected")
