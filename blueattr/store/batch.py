"""A batch: decoded events of sources that wait for the next commit."""

from collections.abc import Callable
from dataclasses import replace
from functools import cached_property

import pyarrow as pa

from blueattr.decode import schema
from blueattr.decode.account_events import account_rows
from blueattr.decode.chunk import Chunk
from blueattr.decode.cut_lines import cut_lines
from blueattr.decode.parser.parse import Parser
from blueattr.decode.record_events import RecordEvents
from blueattr.store.checkpoint import BY_BYTES, SourceState, Span
from blueattr.store.database import Store

__all__ = ["Batch"]


# Bytes of unusual lines that may wait for one statement.
_MOST_UNUSUAL = 8 << 20


class Batch:
    """Decodes lines, and keeps their rows until they are taken for a commit.

    Parameters
    ----------
    store
        Decodes unusual lines, into its temp tables ``staged`` and ``staged_plc``.
    use_store
        Called before the store is used, to wait for a commit that uses it.
    """

    def __init__(self, store: Store, use_store: Callable[[], None]) -> None:
        self._store = store
        self._use_store = use_store
        self._unusual: list[pa.Table] = []
        self._begin()

    def _begin(self) -> None:
        self._record_events = RecordEvents()
        self._account_events: list[pa.Table] = []
        self._unusual_rows = self._unusual_bytes = 0

    @cached_property
    def _parser(self) -> Parser:
        """Built by the first lines, so that a store opened for anything else builds none."""
        return Parser()

    @property
    def size(self) -> tuple[int, int]:
        """Rows that wait, at most, and about as many bytes as they take."""
        rows = self._record_events.rows + self._unusual_rows + sum(map(len, self._account_events))
        size = self._record_events.size + self._unusual_bytes
        return rows, size + sum(table.nbytes for table in self._account_events)

    @property
    def is_settled(self) -> bool:
        """Whether no unusual line waits to be decoded."""
        return not self._unusual

    def stage(self, chunk: Chunk, state: SourceState, *, later: bool) -> SourceState:
        """Decode lines and keep their rows; see `Writer.stage`."""
        by_bytes = state.kind in BY_BYTES
        later = later and by_bytes
        if chunk.gap is not None or not later:
            state = self.settle(state)
        new = state.copy()
        new.position = chunk.resume
        new.lines += chunk.skipped + len(chunk.refused)
        if chunk.gap is not None:
            new.spans.append(Span(gap=chunk.gap))
        unparsed = chunk.unparsed
        if state.kind != "plc":
            parts = list(chunk.parsed)
            if unparsed is None:
                lines, unparsed = self._parser.parse(chunk.data, chunk.position)
                parts = [*lines, *parts]
            for part in parts:
                self._record_events.add(part)
                new.lines += len(part.flags) + part.skipped
                new.kept += len(part.flags)
                new.skipped += part.skipped
                if part.span is not None:
                    new.cover(*part.span)
            account_events = [
                account_rows(part.account_events)
                for part in parts
                if part.account_events is not None
            ]
            if chunk.account_events is not None:
                account_events.append(chunk.account_events)
            self._account_events += account_events
            new.lines += sum(map(len, account_events))
            new.kept += sum(map(len, account_events))
        cut = cut_lines(chunk.data, chunk.position, unparsed)
        new.lines += cut.lines
        for reason, position, sample in [*chunk.refused, *cut.refused]:
            new.reject(reason, 1, [(position if by_bytes else chunk.position, sample)])
        self._unusual.append(cut.table)
        self._unusual_rows += len(cut.table)
        self._unusual_bytes += cut.table.nbytes
        if later and sum(table.nbytes for table in self._unusual) < _MOST_UNUSUAL:
            return new
        return self.settle(new, None if by_bytes else chunk.position)

    def settle(self, state: SourceState, position: int | None = None) -> SourceState:
        """Decode the unusual lines that wait; see `Writer.settle`."""
        lines = pa.concat_tables(self._unusual) if self._unusual else None
        self._unusual.clear()
        if lines is not None and len(lines):
            self._use_store()
            self._decode(lines, state.kind)
            state = state.copy()
            for row in self._store.frame("store/batch/count").iter_rows(named=True):
                if row["verdict"] == "":
                    state.kept += row["lines"]
                elif row["verdict"] != "skip":
                    samples = [
                        (s["position"] if position is None else position, s["sample"])
                        for s in row["samples"]
                    ]
                    state.reject(row["verdict"], row["lines"], samples)
                if row["verdict"] in ("", "skip") and row["first_event"] is not None:
                    state.cover(row["first_event"], row["last_event"])
        skipped = state.lines - state.kept - sum(state.rejected.values())
        return replace(state, skipped=skipped)

    def _decode(self, lines: pa.Table, kind: str) -> None:
        self._store.register("lines", lines)
        try:
            if kind == "plc":
                self._store.run("store/batch/decode_plc", plc=schema.PLC, handle=schema.HANDLE)
            else:
                self._store.run(
                    "store/batch/decode_lines",
                    v1=schema.V1,
                    frame=schema.FRAME,
                    any=schema.ANY,
                    did=schema.DID,
                    at_uri=schema.AT_URI,
                    handle=schema.HANDLE,
                )
        finally:
            self._store.unregister("lines")

    def take(self) -> tuple[pa.Table | None, RecordEvents]:
        """Hand over what waits, but for the rows of unusual lines, which the store has.

        Returns
        -------
        tuple
            Account events, rows of `blueattr.decode.account_events.SCHEMA`, and record events.
        """
        tables, record_events = self._account_events, self._record_events
        self._begin()
        return pa.concat_tables(tables).combine_chunks() if tables else None, record_events
