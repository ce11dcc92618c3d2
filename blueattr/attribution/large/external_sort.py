"""Sort rows that do not fit into memory: split them among files that do, and sort each file.

*Splitters* are quantiles of a sample of the keys. Keys between two splitters go to one *shelf*, and
keys equal to a splitter to a shelf of its own, which needs no sorting: a key so frequent that its
rows would not fit into memory is frequent in the sample too, and becomes a splitter.
"""

import tempfile
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from blueattr import kernels
from blueattr.kernels import FloatArray, IntArray

__all__ = ["SHELF", "Excess", "ExcessOnDisk", "KeySample", "Shelves", "SortOnDisk"]


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

    def take(self, other: "KeySample") -> None:
        """Add the keys of another part's sample, which may have none."""
        self._keys += other._keys  # noqa: SLF001 - another of the same class

    def splitters(self) -> pl.Series:
        """Return distinct ascending keys with about `SHELF` rows between neighbours."""
        keys = self.keys.sort()
        shelves = -(-self._n // SHELF)
        at = [k * keys.len() // shelves for k in range(1, shelves)]
        return keys.gather(at).unique().sort()


class Shelves:
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
        self._key, self._shelves = key, Shelves(splitters)
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


class Excess(NamedTuple):
    """Some numbers, each with Σ_j max(s_i - s_j, 0).

    Parameters
    ----------
    excess
        float64 (k,).
    groups
        uint8 (k,), as they were given.
    counts
        Of each group: how often the first excess occurs, in place of `groups`, where all are equal.
    """

    excess: FloatArray
    groups: npt.NDArray[np.uint8]
    counts: IntArray | None = None


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
    keep
        Whether `excess` will be called.
    groups
        The number of groups of agents that are told apart.

    Notes
    -----
    Each result is the exact sum, rounded once, whatever the splitters: docs/methods.md, "gini".
    """

    def __init__(
        self, folder: Path, splitters: pl.Series, *, keep: bool = True, groups: int = 1
    ) -> None:
        self._folder, self._shelves, self._keep = folder, Shelves(splitters), keep
        self._splitters = splitters.to_list()
        self._counts = np.zeros((self._shelves.count, groups), np.int64)
        self._constant = [0.0] * self._shelves.count
        self._files: dict[int, IO[bytes]] = {}
        self._groups: dict[int, IO[bytes]] = {}

    def add(self, s: FloatArray, groups: npt.NDArray[np.uint8] | None = None) -> None:
        """Add numbers, float64 (k,), ≥ 0 and finite, and the group of each, uint8 (k,)."""
        order, starts = self._shelves.split(pl.Series(s))
        by_shelf = s[order]
        groups_by_shelf = np.zeros(s.size, np.uint8) if groups is None else groups[order]
        for shelf in np.flatnonzero(np.diff(starts)).tolist():
            here = slice(starts[shelf], starts[shelf + 1])
            those = groups_by_shelf[here]
            self._counts[shelf] += np.bincount(those, minlength=self._counts.shape[1])
            if shelf % 2 == 0:
                if shelf not in self._files:
                    self._files[shelf] = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115 - see __exit__
                    self._groups[shelf] = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115 - see __exit__
                by_shelf[here].tofile(self._files[shelf])
                if groups is not None:
                    those.tofile(self._groups[shelf])

    def finish(
        self,
        receive: Callable[[Excess], None] = lambda _: None,
        wanted: FloatArray | None = None,
    ) -> tuple[Fraction, FloatArray]:
        """Compute the excess of all numbers.

        Parameters
        ----------
        receive
            Is given every number's excess, in ascending parts.
        wanted
            Numbers among those added whose excess is returned, float64 (k,).

        Returns
        -------
        Fraction
            The sum of all.
        ndarray
            float64 (k,), of the wanted ones.
        """
        ahead, total = kernels.Ahead(), kernels.RunningSum()
        wanted = np.zeros(0) if wanted is None else wanted
        found = np.zeros(wanted.size)
        for shelf, counts in enumerate(self._counts):
            count = int(counts.sum())
            if not count:
                continue
            if shelf % 2:
                number = self._splitters[shelf // 2]
                ahead = ahead.to(number, count)
                self._constant[shelf] = constant = ahead.nearest()
                total.add_copies(constant, count)
                found[wanted == number] = constant
                receive(Excess(np.array([constant]), _NO_GROUPS, counts))
            else:
                ahead = self._solve(shelf, ahead, total, receive, (wanted, found))
        self.rewind()
        return total.value(), found

    def _solve(
        self,
        shelf: int,
        ahead: kernels.Ahead,
        total: kernels.RunningSum,
        receive: Callable[[Excess], None],
        asked: tuple[FloatArray, FloatArray],
    ) -> kernels.Ahead:
        file, (wanted, found) = self._files[shelf], asked
        file.seek(0)
        s = np.fromfile(file, np.float64)
        # Where the wanted ones are, before they are overwritten.
        near = np.flatnonzero((wanted >= s.min()) & (wanted <= s.max()))
        places = [(k, np.flatnonzero(s == wanted[k])[:1]) for k in near.tolist()]
        excess, here, ahead = kernels.excess_beyond(ahead, s)
        total.take([here.state])
        for k, place in places:
            if place.size:
                found[k] = excess[place[0]]
        if self._keep:
            file.seek(0)
            excess.tofile(file)
        else:
            self._files.pop(shelf).close()
        with self._groups.pop(shelf) as kept:
            kept.seek(0)
            receive(Excess(excess, np.fromfile(kept, np.uint8)))
        return ahead

    def splitters(self) -> FloatArray:
        """Return the excess of the splitters, ascending, once all are computed: float64 (k,)."""
        return np.array(self._constant[1::2])

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
        for file in (*self._files.values(), *self._groups.values()):
            file.close()


_NO_GROUPS = np.zeros(0, np.uint8)
