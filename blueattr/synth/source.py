"""Serve the generator's events as a source, like files and streams."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import repeat
from typing import ClassVar

import numpy as np
import polars as pl

from blueattr.decode.chunk import Chunk
from blueattr.sources.parallel import run_ahead
from blueattr.synth.columns import announcements, records
from blueattr.synth.network import SynthSpec
from blueattr.synth.stream import SyntheticStream
from blueattr.synth.text import Names
from blueattr.version import __version__

__all__ = ["SynthSource"]

_ROWS = 100_000
# Chunks drawn ahead while the store commits.
_AHEAD = 12


@dataclass(frozen=True)
class SynthSource:
    """Synthetic events, as columns, without writing lines.

    Likes, which no store keeps, are counted but not drawn. All other events are those that
    `blueattr.synth.write_lines` writes.

    Parameters
    ----------
    spec
        What to generate.
    """

    spec: SynthSpec
    kind: ClassVar[str] = "synth"
    complete: ClassVar[bool] = True

    @property
    def name(self) -> str:
        """``synth:`` and the parameters that determine the events."""
        spec = self.spec
        parts = [
            f"agents={spec.agents}",
            f"days={spec.days}",
            f"seed={spec.seed}",
            f"from={spec.start:%Y-%m-%d}",
        ]
        for name in ("like_fraction", "topic_share", "activity"):
            value = getattr(spec, name)
            if value != SynthSpec.__dataclass_fields__[name].default:
                parts.append(f"{name}={value!r}")
        return "synth:" + ",".join(parts)

    @property
    def fingerprint(self) -> str:
        """Versions of blueattr and numpy: other versions may draw other events."""
        return f"blueattr {__version__}, numpy {np.__version__}"

    @property
    def size(self) -> int | None:
        """Length of the window in seconds."""
        return self.spec.days * 86400

    def chunks(self, position: int = 0) -> Iterator[Chunk]:
        """Yield events as columns; see :class:`blueattr.sources.source.Source`.

        Parameters
        ----------
        position
            Number of events to leave out: ``resume`` of an earlier chunk. They are drawn
            nevertheless, since later events name them.
        """
        chunks = self._chunks(position)
        jobs = repeat(lambda: next(chunks, None))
        # A thread draws while the caller commits; numpy and DuckDB release the interpreter lock.
        for chunk in run_ahead(jobs, 1, ahead=_AHEAD):
            if chunk is None:
                return
            yield chunk

    def _chunks(self, position: int) -> Iterator[Chunk]:
        stream, names = SyntheticStream(self.spec, likes=False), Names(self.spec.seed)
        batches: list[pl.DataFrame] = []
        begin, first_us = position, 0

        def chunk() -> Chunk:
            frame, end = pl.concat(batches), stream.seq - 1
            batches.clear()
            return Chunk(
                data=b"",
                position=begin,
                read=int(stream.seconds),
                resume=end,
                parsed=(records(frame, names, (first_us, stream.last_us), end - begin),),
                account_events=announcements(frame, names),
            )

        for batch in stream.batches():
            if stream.seq - 1 <= position:
                continue
            if not batches:
                first_us = stream.first_us
            batches.append(batch)
            if sum(b.height for b in batches) >= _ROWS:
                yield chunk()
                begin = stream.seq - 1
        if batches:
            yield chunk()
