"""A batch: decoded events of sources that wait for the next commit."""

from collections import Counter
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa

from blueattr.decode import schema
from blueattr.decode.account_events import AccountRows
from blueattr.decode.arrow import numbers
from blueattr.decode.chunk import Chunk
from blueattr.decode.clock import AHEAD, OPEN, Evidence, Horizon, Now
from blueattr.decode.cut_lines import cut_lines
from blueattr.decode.parse import Parser
from blueattr.decode.parser.layout import ParsedLines
from blueattr.decode.record_events import RecordEvents
from blueattr.kernels.compiled import IntArray
from blueattr.store.commit.checkpoint import BY_BYTES, STREAMS, SourceState, Span
from blueattr.store.database import Store

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["Batch"]


# Bytes of unusual lines that may wait for one statement. Operations of a directory, all of which
# are, have little in them: a part of what a statement costs is the same for few and many.
_MOST_UNUSUAL = 8 << 20
_MOST_OPERATIONS = 32 << 20
# So many lines of a file must be ahead of the clock before it is the clock that is wrong. Fewer are
# judged alike whether they have a file of their own or not, and a file can be read again.
_ENOUGH = 10
# Verdicts of lines that are not rejected.
_FINE = ("", "skip")


class _Unusual(NamedTuple):
    """Unusual lines of a chunk.

    Parameters
    ----------
    source
        The name of their source.
    lines
        As `blueattr.decode.cut_lines` cuts them.
    trusted
        Whether they are held against the clock.
    """

    source: str
    lines: pa.Table
    trusted: bool

    def at(self, positions: list[int]) -> list[tuple[int, str]]:
        """Return the lines at positions, with these."""
        rows = np.searchsorted(self.lines["position"].to_numpy(), positions)
        return list(zip(positions, self.lines["line"].take(rows).to_pylist(), strict=True))


class Batch:
    """Decodes lines, and keeps their rows until they are taken for a commit.

    Parameters
    ----------
    store
        Decodes unusual lines, into its temp tables ``staged`` and ``staged_plc``.
    use_store
        Called before the store is used, to wait for a commit that uses it.
    now
        The clock that times are held against.
    """

    def __init__(self, store: Store, use_store: Callable[[], None], now: Now) -> None:
        self._store = store
        self._use_store = use_store
        self._now = now
        # By the clock when the last chunk was staged.
        self._horizon = OPEN
        # By source, of those that this writer reads.
        self._evidence: dict[str, Evidence] = {}
        # Unusual lines, and by their sources what became of them, and how many of them are kept
        # although they lie ahead of the clock.
        self._unusual: list[_Unusual] = []
        self._verdicts: dict[str, list[dict[str, Any]]] = {}
        self._kept_ahead: Counter[str] = Counter()
        # By source, of the chunks whose unusual lines wait: lines that the parser found ahead of
        # the clock, and lines that are not.
        self._parsed_ahead: Counter[str] = Counter()
        self._parsed_timely: Counter[str] = Counter()
        # Of the chunks whose unusual lines decide whether the clock is wrong: lines not ahead.
        self._undecided: Counter[str] = Counter()
        # Whether the last chunk of a stream had nothing new, and of its lines that were rejected as
        # ahead of the clock: how many, their earliest and latest time, and the last one's position.
        self._is_again = False
        self._refused_ahead: list[tuple[int, datetime, datetime, int]] = []
        self._begin()

    def _begin(self) -> None:
        self._record_events = RecordEvents()
        self._account_rows = AccountRows()
        self._said: dict[str, list[pa.Table]] = {}
        self._unusual_rows = self._unusual_bytes = 0

    @cached_property
    def _parser(self) -> Parser:
        """Built by the first lines, so that a store opened for anything else builds none."""
        return Parser()

    @property
    def size(self) -> tuple[int, int]:
        """Rows that wait, at most, and about as many bytes as they take."""
        rows = self._record_events.rows + self._unusual_rows + self._account_rows.rows
        return rows, self._record_events.size + self._unusual_bytes + self._account_rows.size

    @property
    def is_settled(self) -> bool:
        """Whether no unusual line waits to be decoded, nor what became of one to be counted."""
        return not self._unusual and not self._verdicts

    def stage(self, chunk: Chunk, state: SourceState, *, later: bool) -> SourceState:
        """Decode lines and keep their rows; see `Writer.stage`."""
        by_bytes = state.kind in BY_BYTES
        later = later and by_bytes
        if chunk.gap is not None or not later:
            state = self.settle(state)
        parts, unparsed, trusted = self._parse(chunk, state)
        before = state
        new = state.copy()
        new.ahead += self._kept_ahead.pop(state.name, 0)
        self._heal(new)
        new.position = chunk.resume
        new.mark = chunk.mark
        new.bounded += chunk.bounded
        new.lines += chunk.skipped + len(chunk.refused)
        if chunk.gap is not None:
            new.spans.append(Span(gap=chunk.gap))
        if state.kind != "plc":
            for part in parts:
                self._record_events.add(part)
                new.lines += len(part.flags) + part.skipped
                new.kept += len(part.flags)
                new.skipped += part.skipped
                new.synthetic |= part.synthetic
                if part.span is not None and not chunk.is_timeless:
                    new.cover(*part.span, chunk.reached)
            known = self._account_rows.rows
            for part in parts:
                if part.account_events is not None:
                    self._account_rows.add(part.account_events)
            if chunk.account_events is not None:
                self._account_rows.add_rows(chunk.account_events)
            self._take_rows(chunk, new)
            new.lines += self._account_rows.rows - known
            new.kept += self._account_rows.rows - known
        cut = cut_lines(chunk.data, chunk.position, unparsed)
        new.lines += cut.lines
        for reason, position, sample in [*chunk.refused, *cut.refused]:
            new.reject(reason, 1, [(position if by_bytes else chunk.position, sample)])
        if len(cut.table):
            self._unusual.append(_Unusual(state.name, cut.table, trusted))
            self._unusual_rows += len(cut.table)
            self._unusual_bytes += cut.table.nbytes
        most = _MOST_OPERATIONS if state.kind == "plc" else _MOST_UNUSUAL
        if later and sum(part.lines.nbytes for part in self._unusual) < most:
            return new
        new = self.settle(new, None if by_bytes else chunk)
        if state.kind in STREAMS and not chunk.again:
            self._doubt(chunk, before, new)
        return new

    def _doubt(self, chunk: Chunk, before: SourceState, after: SourceState) -> None:
        """Note what new events of a stream say of the clock, while that may be right or wrong."""
        if after.ahead > before.ahead:
            # It is decided: the clock is wrong.
            return
        timely = after.kept + after.skipped - before.kept - before.skipped
        if not self._refused_ahead:
            after.trust(timely, self._horizon.end + AHEAD)
            return
        lines, firsts, lasts, places = zip(*self._refused_ahead, strict=True)
        # What comes before them in the chunk says nothing of them.
        is_last = chunk.data.find(b"\n", max(places) - chunk.position) >= len(chunk.data) - 1
        net = sum(lines) - (0 if is_last else timely)
        after.doubt(chunk.position, (min(firsts), max(lasts)), net)

    def _take_rows(self, chunk: Chunk, new: SourceState) -> None:
        """Keep what is of a table, and count it."""
        for name, said in (("stated", chunk.stated), ("counted", chunk.counted)):
            if said is not None:
                self._said.setdefault(name, []).append(said)
        if chunk.counted is not None:
            new.counts = True
        named, span = chunk.named
        for rows in named:
            self._record_events.add_named(rows)
            new.lines += rows.rows
            new.kept += rows.rows
        if span is not None:
            new.cover(*span)

    def settle(self, state: SourceState, chunk: Chunk | None = None) -> SourceState:
        """Decode the unusual lines that wait, of a stream those of a chunk; see `Writer.settle`."""
        if self._unusual:
            self._decode_unusual(state.kind)
        state = state.copy()
        state.ahead += self._kept_ahead.pop(state.name, 0)
        self._heal(state)
        for row in self._verdicts.pop(state.name, ()):
            if row["verdict"] == "":
                state.kept += row["lines"]
            elif row["verdict"] != "skip":
                samples = [
                    (place if chunk is None else chunk.position, line)
                    for place, line in row["samples"]
                ]
                state.reject(row["verdict"], row["lines"], samples)
            if row["verdict"] in _FINE and row["first_event"] is not None:
                if chunk is None or not chunk.is_timeless:
                    reached = None if chunk is None else chunk.reached
                    state.cover(row["first_event"], row["last_event"], reached)
                state.synthetic |= row["synthetic"]
        state.begin_span()
        state.skipped = state.lines - state.kept - sum(state.rejected.values())
        return state

    def horizon(self) -> Horizon:
        """Read the clock."""
        return Horizon.of(self._now())

    def _parse(
        self, chunk: Chunk, state: SourceState
    ) -> tuple[list[ParsedLines], IntArray | None, bool]:
        """Parse a chunk, unless it is parsed, and judge by it whether the clock can be trusted.

        Returns
        -------
        tuple
            The lines that are parsed; stretches of those that are not; and whether they are held
            against the clock.
        """
        horizon, name = self.horizon(), state.name
        self._horizon, self._is_again = horizon, chunk.again
        self._refused_ahead.clear()
        is_beyond = state.last_event is not None and state.last_event >= horizon.end
        if name not in self._evidence:
            known = Evidence.most(state.kept + state.skipped) - state.doubted
            needed = _ENOUGH if state.kind in BY_BYTES and not is_beyond else 1
            self._evidence[name] = Evidence(-known if is_beyond else known, needed)
        if is_beyond or chunk.is_clock_wrong:
            self._evidence[name].doubt()
            self._parsed_timely.pop(name, None)
        if state.kind == "plc":
            return [], chunk.unparsed, True
        if chunk.unparsed is None:
            lines, unparsed = self._parser.parse(chunk.data, chunk.position, horizon)
            never_lines = list(chunk.parsed)
        else:
            lines, unparsed, never_lines = list(chunk.parsed), chunk.unparsed, []
        ahead, timely = sum(part.ahead for part in lines), sum(map(_count, lines))
        is_known_wrong = horizon.is_wrong or chunk.is_clock_wrong
        is_wrong = ahead > 0 and (
            is_known_wrong or self._evidence[name].against_clock(ahead, timely)
        )
        if is_wrong and not is_known_wrong:
            unusual = sum(chunk.data.count(b"\n", *bounds) for bounds in unparsed.tolist()) - ahead
            if not self._evidence[name].against_clock(ahead, timely + unusual):
                self._undecided[name] += timely
                return [*lines, *never_lines], unparsed, True
        if not chunk.again:
            self._evidence[name].add(ahead, timely)
        if is_wrong and state.doubt_after is not None:
            self._evidence[name].decide()
        if is_wrong:
            self._kept_ahead[name] += ahead
            lines, unparsed = self._parser.parse(chunk.data, chunk.position)
        else:
            self._parsed_ahead[name] += ahead
            self._parsed_timely[name] += timely
        return [*lines, *never_lines], unparsed, not is_wrong

    def _heal(self, state: SourceState) -> None:
        """Forget times of a source that lie ahead of a clock that its events speak for."""
        evidence = self._evidence.get(state.name)
        if evidence is not None and evidence.speaks_for_clock:
            state.forget_from(self._horizon.end)

    def _decode_unusual(self, kind: str) -> None:
        """Decode the unusual lines of all sources at once, and keep the verdicts of each."""
        self._use_store()
        # Of a long line the engine takes up to twenty times as much.
        with self._store.ample_memory():
            self._decode_and_stage(kind)
        self._unusual.clear()
        self._parsed_ahead.clear()
        self._parsed_timely.clear()

    def _decode_and_stage(self, kind: str) -> None:
        held = [part for part in self._unusual if part.trusted]
        free = [part for part in self._unusual if not part.trusted]
        found = self._decode(held, kind, self._horizon)
        wrong = self._against_clock(found)
        if wrong:
            free += [part for part in held if part.source in wrong]
            held = [part for part in held if part.source not in wrong]
            found = self._decode(held, kind, self._horizon)
        if held:
            self._stage(found, kind)
            self._refused_ahead = [
                (row["ahead"], row["ahead_from"], row["ahead_until"], row["ahead_at"])
                for row in found
                if row["ahead"]
            ]
        if free:
            self._stage(self._decode(free, kind, OPEN), kind)

    def _against_clock(self, found: list[dict[str, Any]]) -> set[str]:
        """Return the sources most of whose lines are ahead of the clock."""
        ahead, timely = Counter[str](), Counter[str]()
        for row in found:
            ahead[row["source"]] += row["ahead"]
            timely[row["source"]] += row["lines"] if row["verdict"] in _FINE else 0
        wrong = set()
        for name, evidence in ((name, self._evidence[name]) for name in ahead):
            # Those that the parser found are in the evidence.
            others = max(ahead[name] - self._parsed_ahead[name], 0)
            in_time = timely[name] + self._undecided.pop(name, 0)
            fine = in_time + self._parsed_timely[name]
            if others and (self._horizon.is_wrong or evidence.against_clock(others, fine)):
                wrong.add(name)
                self._kept_ahead[name] += ahead[name]
            if not self._is_again:
                evidence.add(others, in_time)
        return wrong

    def _stage(self, found: list[dict[str, Any]], kind: str) -> None:
        """Let the rows of the lines just decoded wait for a commit; keep their verdicts."""
        self._store.run(f"store/commit/batch/stage_{'plc' if kind == 'plc' else 'lines'}")
        for row in found:
            self._verdicts.setdefault(row["source"], []).append(row)

    def _decode(self, parts: list[_Unusual], kind: str, horizon: Horizon) -> list[dict[str, Any]]:
        """Decode unusual lines; return how many of each source have which verdict."""
        if not parts:
            return []
        tables = [_placed(number, part.lines) for number, part in enumerate(parts)]
        self._store.register("lines", pa.concat_tables(tables))
        try:
            if kind == "plc":
                self._store.run(
                    "store/commit/batch/decode_plc",
                    plc=schema.PLC,
                    handle=schema.HANDLE,
                    host=schema.SERVER,
                    end=horizon.end,
                )
            else:
                self._store.run(
                    "store/commit/batch/decode_lines",
                    v1=schema.V1,
                    frame=schema.FRAME,
                    any=schema.ANY,
                    did=schema.DID,
                    at_uri=schema.AT_URI,
                    handle=schema.HANDLE,
                    language=schema.LANGUAGE,
                    host=schema.HOST,
                    label=schema.LABEL,
                    end=horizon.end,
                    last_rev=horizon.last_tid,
                )
        finally:
            self._store.unregister("lines")
        rows = self._store.frame("store/commit/batch/count").to_dicts()
        for row in rows:
            part = parts[row["part"]]
            row["source"] = part.source
            row["samples"] = [] if row["verdict"] in _FINE else part.at(row["positions"])
        return rows

    def take(self) -> tuple[pa.Table | None, RecordEvents, dict[str, pa.Table]]:
        """Hand over what waits, but for the rows of unusual lines, which the store has.

        Returns
        -------
        tuple
            Account events, rows of `blueattr.decode.account_events.SCHEMA`; record events; and what
            tables say beside records, as in a chunk: of accounts (``stated``), and what they count
            of posts (``counted``).
        """
        account_rows, record_events = self._account_rows, self._record_events
        said = {
            name: pa.concat_tables(parts).combine_chunks() for name, parts in self._said.items()
        }
        self._begin()
        return account_rows.table(), record_events, said


def _placed(part: int, lines: pa.Table) -> pa.Table:
    """Say of each line in which part it is, beside its position in its source."""
    positions = lines["position"].combine_chunks()
    parts = numbers(np.full(len(positions), part))
    places = pa.StructArray.from_arrays([parts, positions], ["part", "position"])
    return lines.set_column(0, "position", places)


def _count(part: ParsedLines) -> int:
    events = part.account_events
    return len(part.flags) + part.skipped + (0 if events is None else len(events.ends))
