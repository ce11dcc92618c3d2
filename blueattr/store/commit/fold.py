"""The fold: what waits for a commit becomes rows of the store, step by step.

A step is a file of statements in ``sql/store/commit/fold``, and says in its header which tables it
needs and which it makes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from blueattr.decode.record_events import RecordEvents
from blueattr.store.commit.checkpoint import SourceState
from blueattr.store.commit.collected import NOTED_COLLECTED
from blueattr.store.commit.source_names import CANDIDATES, without_forgotten
from blueattr.store.database import Store

__all__ = [
    "DIRECTORY_STEPS",
    "HASHES",
    "INPUTS",
    "REGISTERED",
    "SAID_STEPS",
    "SLACK",
    "STEPS",
    "fold",
    "fold_directory",
    "note",
]


STEPS = (
    "accounts",
    "keys",
    "versions",
    "changes",
    "relations",
    "records",
    "corrections",
    "summaries",
    "notes",
)
"""The steps of a commit of events, in order."""


HASHES = "store/forget/keyed_hash"
"""What makes the macro by which accounts that are forgotten are known; before any step."""


DIRECTORY_STEPS = ("directory", "notes")
"""Those of a commit of operations of a PLC directory."""


SAID_STEPS: Final = {"stated": ("stated", "hydration"), "counted": ("counted",)}
"""Those after the steps of events, by what a table says beside records: of accounts, of posts."""


# What a source's position, spans and rejected lines are noted from.
_NOTED: Final = {
    "noted_source": pa.schema(
        [
            ("name", pa.string()),
            ("kind", pa.string()),
            ("fingerprint", pa.string()),
            ("position", pa.int64()),
            ("complete", pa.bool_()),
            ("lines", pa.int64()),
            ("kept", pa.int64()),
            ("skipped", pa.int64()),
            ("first_event", pa.timestamp("us")),
            ("last_event", pa.timestamp("us")),
            ("synthetic", pa.bool_()),
            ("mark", pa.int64()),
            ("stalled", pa.int64()),
            ("bounded", pa.int64()),
            ("ahead", pa.int64()),
            ("drawn", pa.string()),
            ("remarks", pa.string()),
            ("counts", pa.bool_()),
            ("doubt_after", pa.int64()),
            ("doubt_from", pa.timestamp("us")),
            ("doubt_until", pa.timestamp("us")),
            ("doubted", pa.int64()),
            ("earlier_spans", pa.int64()),
        ]
    ),
    "noted_span": pa.schema(
        [
            ("source", pa.string()),
            ("number", pa.int64()),
            ("first_event", pa.timestamp("us")),
            ("last_event", pa.timestamp("us")),
            ("gap", pa.string()),
        ]
    ),
    "noted_rejected": pa.schema(
        [("source", pa.string()), ("reason", pa.string()), ("lines", pa.int64())]
    ),
    "noted_sample": pa.schema(
        [
            ("source", pa.string()),
            ("reason", pa.string()),
            ("position", pa.int64()),
            ("sample", pa.string()),
        ]
    ),
}


REGISTERED: Final = (
    *SAID_STEPS,
    "dids",
    "coded",
    "coded_again",
    CANDIDATES,
    *_NOTED,
    *NOTED_COLLECTED,
)
"""What `fold` registers. The caller unregisters it after the transaction: an error within one
leaves the connection unable to."""


INPUTS: Final = ("staged", "staged_plc", "answers", "taken_off", *REGISTERED)
"""Tables that steps need and no step makes, beside those of the schema."""


# Memory for deletes (sql/store/commit/fold/records.sql): bytes for each vector of the table that
# loses a row, and bytes for everything else that a fold takes.
_EACH_VECTOR = 18 << 10
_BESIDE_DELETES = 192 << 20
SLACK = 1000
"""Records of a summarised day that may change, beside a twentieth of them, before it is summarised
anew rather than corrected further."""


def fold(
    store: Store,
    events: RecordEvents,
    states: Sequence[SourceState],
    memory: tuple[int, int],
    said: Mapping[str, pa.Table],
) -> None:
    """Fold events into the store; the file is attached, and the transaction is the caller's.

    Parameters
    ----------
    events
        Events that a kernel parsed, beside those in the temp table ``staged``.
    states
        The sources they come from, read as far as they go.
    memory
        Bytes that the engine may use, as a rule and at most. A commit with deletes all over the
        table raises its limit from one towards the other, and leaves it there.
    said
        What tables say beside records, by the names of `SAID_STEPS`, of accounts that the events
        or rows in ``staged`` name.
    """
    low, high = events.key_range()
    usual, most = memory
    parameters = {
        "low": low,
        "high": high,
        "usual": usual,
        "most": most,
        "each": _EACH_VECTOR,
        "beside": _BESIDE_DELETES,
        "slack": SLACK,
    }
    store.run(HASHES)
    store.register("dids", events.dids())
    _register_notes(store, states)
    for step in STEPS:
        if step == "versions":
            # The events, with the numbers that the accounts have from the first step on.
            codes = store.frame("store/commit/fold/codes")
            kept_away = codes.filter(pl.col("kept_away"))["id"].to_arrow()
            tables = events.tables(codes["id"].to_numpy())
            for name, table in zip(("coded", "coded_again"), tables, strict=True):
                ours = table
                if len(kept_away):
                    ours = ours.filter(pc.invert(pc.is_in(ours["account"], value_set=kept_away)))
                store.register(name, ours)
        store.run(f"store/commit/fold/{step}", **parameters)
    for name, table in said.items():
        store.register(name, table)
        for step in SAID_STEPS[name]:
            store.run(f"store/commit/fold/{step}")


def fold_directory(store: Store, states: Sequence[SourceState]) -> None:
    """Fold operations of a PLC directory, which are in the temp table ``staged_plc``; as `fold`."""
    store.run(HASHES)
    _register_notes(store, states)
    for step in DIRECTORY_STEPS:
        store.run(f"store/commit/fold/{step}")


def note(store: Store, states: Sequence[SourceState]) -> None:
    """Note how far sources were read, whose rows are kept elsewhere; as `fold`."""
    store.run(HASHES)
    _register_notes(store, states)
    store.run("store/commit/fold/notes")


def _register_notes(store: Store, states: Sequence[SourceState]) -> None:
    names = without_forgotten(store, [state.name for state in states])
    states = [replace(state, name=name) for state, name in zip(states, names, strict=True)]
    rows = {
        "noted_source": [
            {name: getattr(state, name) for name in _NOTED["noted_source"].names}
            | {"ahead": state.ahead_before + state.ahead}
            for state in states
        ],
        "noted_span": [
            {
                "source": state.name,
                "number": number,
                "first_event": span.first_event,
                "last_event": span.last_event,
                "gap": span.gap,
            }
            for state in states
            for number, span in enumerate(state.spans)
        ],
        "noted_rejected": [
            {"source": state.name, "reason": reason, "lines": lines}
            for state in states
            for reason, lines in state.rejected.items()
        ],
        "noted_sample": [
            {"source": state.name, "reason": reason, "position": position, "sample": sample}
            for state in states
            for reason in state.rejected
            for position, sample in state.samples.get(reason, [])
        ],
    }
    for name, schema in _NOTED.items():
        frame = pl.DataFrame(
            rows[name], pl.DataFrame(pa.Table.from_batches([], schema)).schema, orient="row"
        )
        store.register(name, frame.to_arrow().cast(schema))
