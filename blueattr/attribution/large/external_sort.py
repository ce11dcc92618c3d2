"""Sort rows that do not fit into memory: split them among files that do, and sort each file.

*Splitters* are quantiles of a sample of the keys. Keys between two splitters go to one *shelf*, and
keys equal to a splitter to a shelf of its own, which needs no sorting: a key so frequent that its
rows would not fit into memory is frequent in the sample too, and becomes a splitter.
"""

import tempfile
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import IO, Any

import numpy as np
import polars as pl
import pyarrow as pa

from blueattr import kernels
from blueattr.kernels import FloatArray, IntArray

__all__ = ["SHELF", "ExcessOnDisk", "KeySample", "SortOnDisk"]


SHELF = 1 << 21
"""Target number of rows of a shelf."""


_SAMPLED = 1 << 16


class KeySample:
    """A systematic sample of keys: every k-th one, by the number of its row.

    Which rows are in it depends on nothing but their numbers. So samples of parts that know where
    they begin are joined to that of the whole, however it is parted and in whatever order.

    Parameters
    ----------
    n
        Number of keys of the whole.
    first
        Number of the row with which the part begins, from 0.
    """

    def __init__(self, n: int, first: int = 0) -> None:
        self._n = n
        self._step = max(1, n // _SAMPLED)
        self._next = -first % self._step
        self._keys: list[pl.Series] = []

    def add(self, keys: pl.Series) -> None:
        """Sample the next keys of the part."""
        every = keys.gather_every(self._step, self._next)
        # A copy: a gathered text column would keep the buffer of all texts in memory.
        self._keys.append(pl.Series(every.to_list(), dtype=every.dtype))
        self._next = (self._next - keys.len()) % self._step

    @property
    def keys(self) -> pl.Series:
        """The keys that are in the sample so far."""
        return pl.concat(self._keys)

    def take(self, keys: pl.Series) -> None:
        """Add the keys of another part's sample."""
        self._keys.append(keys)

    def splitters(self) -> pl.Series:
        """Return distinct ascending keys with about `SHELF` rows between neighbours."""
        keys = self.keys.sort()
        shelves = -(-self._n // SHELF)
        at = [k * keys.len() // shelves for k in range(1, shelves)]
        return keys.gather(at).unique().sort()


class _Shelves:
    """Assign keys to shelves: odd shelves hold one splitter each, even ones the keys between."""

    def __init__(self, splitters: pl.Series) -> None:
        self._splitters = splitters
        self.count = 2 * splitters.len() + 1

    def split(self, keys: pl.Series) -> tuple[IntArray, IntArray]:
        """Return the order that puts rows shelf by shelf, and where each shelf then starts."""
        if self.count == 1:
            return np.arange(keys.len()), np.array([0, keys.len()])
        if keys.dtype.is_float():
            splitters, values = self._splitters.to_numpy(), keys.to_numpy()
            left = np.searchsorted(splitters, values, "left")
            shelf = 2 * left + (splitters[np.minimum(left, splitters.size - 1)] == values)
        else:
            both = (self._splitters.search_sorted(keys, side) for side in ("left", "right"))
            shelf = sum(side.to_numpy().astype(np.int64) for side in both)
        small = shelf.astype(np.uint16)  # numpy sorts 16-bit keys by radix
        starts = np.concatenate(([0], np.cumsum(np.bincount(small, minlength=self.count))))
        return np.argsort(small, kind="stable"), starts


class SortOnDisk:
    """Sorts a frame by one column, in files; rows with equal keys keep their order.

    Parameters
    ----------
    folder
        Parent of the folder for the files.
    key
        The column.
    splitters
        As `KeySample` gives them.
    """

    def __init__(self, folder: Path, key: str, splitters: pl.Series) -> None:
        self._folder = Path(tempfile.mkdtemp(dir=folder))
        self._key, self._shelves = key, _Shelves(splitters)
        self._writers: dict[int, Any] = {}

    def add(self, frame: pl.DataFrame) -> None:
        """Add rows."""
        order, starts = self._shelves.split(frame[self._key])
        table = frame[order].to_arrow(compat_level=pl.CompatLevel.oldest())
        for shelf in np.flatnonzero(np.diff(starts)).tolist():
            if shelf not in self._writers:
                self._writers[shelf] = pa.ipc.new_stream(self._path(shelf), table.schema)
            self._writers[shelf].write_table(
                table.slice(starts[shelf], starts[shelf + 1] - starts[shelf])
            )

    def frames(self) -> Iterator[pl.DataFrame]:
        """Yield the rows in order, and delete the files."""
        for shelf in sorted(self._writers):
            self._writers.pop(shelf).close()
            with pa.OSFile(str(self._path(shelf))) as file, pa.ipc.open_stream(file) as reader:
                if shelf % 2:
                    yield from (_frame(batch) for batch in reader)
                else:
                    yield _frame(reader.read_all()).sort(self._key, maintain_order=True)
            self._path(shelf).unlink()

    def _path(self, shelf: int) -> Path:
        return self._folder / f"{shelf}.arrows"


def _frame(table: Any) -> pl.DataFrame:
    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)  # noqa: S101 - for the type checker: a table is one
    return frame


class ExcessOnDisk:
    """Computes Σ_j max(s_i - s_j, 0) for each i, for numbers that do not fit into memory.

    Pass all numbers to `add`, in pieces, and call `finish`. Then pass them to `excess` in the same
    order; call `rewind` before doing that again.

    Parameters
    ----------
    folder
        Folder for temporary files, which have no names and vanish when closed.
    splitters
        As `KeySample` gives them.

    Notes
    -----
    Each result is the exact sum, rounded once, whatever the splitters: docs/methods.md, "gini".
    """

    def __init__(self, folder: Path, splitters: pl.Series) -> None:
        self._folder, self._shelves = folder, _Shelves(splitters)
        self._splitters = splitters.to_list()
        self._counts = [0] * self._shelves.count
        self._constant = [0.0] * self._shelves.count
        self._files: dict[int, IO[bytes]] = {}

    def add(self, s: FloatArray) -> None:
        """Add numbers, float64, ≥ 0 and finite."""
        order, starts = self._shelves.split(pl.Series(s))
        by_shelf = s[order]
        for shelf in np.flatnonzero(np.diff(starts)).tolist():
            piece = by_shelf[starts[shelf] : starts[shelf + 1]]
            self._counts[shelf] += piece.size
            if shelf % 2 == 0:
                if shelf not in self._files:
                    self._files[shelf] = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115 - see __exit__
                piece.tofile(self._files[shelf])

    def finish(self) -> Fraction:
        """Compute the excess of all numbers, and return its sum."""
        ahead, total = kernels.Ahead(), kernels.RunningSum()
        for shelf, count in enumerate(self._counts):
            if not count:
                continue
            if shelf % 2:
                ahead = ahead.to(self._splitters[shelf // 2], count)
                self._constant[shelf] = ahead.nearest()
                total.add_copies(self._constant[shelf], count)
            else:
                file = self._files[shelf]
                file.seek(0)
                excess, here, ahead = kernels.excess_beyond(ahead, np.fromfile(file, np.float64))
                total.take([here.state])
                file.seek(0)
                excess.tofile(file)
        self.rewind()
        return total.value()

    def rewind(self) -> None:
        """Go back to the first numbers."""
        for file in self._files.values():
            file.seek(0)

    def excess(self, s: FloatArray) -> FloatArray:
        """Return the excess of the next numbers, float64 (n,)."""
        order, starts = self._shelves.split(pl.Series(s))
        by_shelf = np.empty(s.size)
        for shelf in np.flatnonzero(np.diff(starts)).tolist():
            piece = slice(starts[shelf], starts[shelf + 1])
            by_shelf[piece] = (
                self._constant[shelf]
                if shelf % 2
                else np.fromfile(self._files[shelf], np.float64, piece.stop - piece.start)
            )
        out = np.empty(s.size)
        out[order] = by_shelf
        return out

    def __enter__(self) -> "ExcessOnDisk":
        return self

    def __exit__(self, *_: object) -> None:
        for file in self._files.values():
            file.close()
