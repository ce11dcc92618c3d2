"""``gini`` in parts: each agent's s goes to a shelf, a shelf is solved, and its excess comes back.

A shelf is a range of s: see `blueattr.attribution.large.external_sort`. Of every part each shelf
has *pieces*; their offsets travel with the task that reads them.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from blueattr import kernels
from blueattr.attribution.large.external_sort import Shelves
from blueattr.attribution.value import TierSums
from blueattr.cluster.files import arriving
from blueattr.kernels import FloatArray, IntArray

__all__ = [
    "Ends", "EndsJob", "Levels", "Outgoing", "Piece", "Pieces", "Returning", "SolveJob", "Solved",
    "by_shelf", "exact_whole", "groups_in", "kind_of", "numbers_in", "shelf_ends", "shelf_solve",
]  # fmt: skip


_UNIT = 1074  # numbers count in units of 2^-1074, which makes them whole
_AT_ONCE = 1 << 20  # halves of so many digits are summed without rounding
_HALF = np.uint64(32)
_LOW = np.uint64((1 << 32) - 1)
_FRACTION = np.uint64(52)
_DIGITS = np.uint64((1 << 52) - 1)


class Piece(NamedTuple):
    """Numbers of one shelf that stand together in the file of a part."""

    path: Path
    start: int
    size: int


@dataclass(frozen=True)
class Pieces:
    """What a part has sent to shelves.

    Parameters
    ----------
    path
        Its file of numbers; beside it, that of their groups.
    counts
        int64 (shelves, groups): how many agents of each group went to each shelf.
    pieces
        Shelf, start and count of each piece, in the order of the agents.
    files
        The files, with their sizes.
    """

    path: Path
    counts: IntArray
    pieces: list[tuple[int, int, int]]
    files: tuple[tuple[Path, int], ...]


def kind_of(groups: int) -> np.dtype[Any]:
    """Return the kind of numbers that say which of so many groups an agent is in."""
    return np.dtype(np.uint8 if groups <= _OF_A_BYTE else np.uint16)


_OF_A_BYTE = 1 << 8


def groups_of(path: Path) -> Path:
    """Name the file of groups beside one of numbers."""
    return path.with_name(f"{path.name}-groups")


class Outgoing:
    """Sends the agents of a part to shelves.

    Parameters
    ----------
    target
        The file of numbers, which is there once this is closed without an error.
    splitters
        As `blueattr.attribution.large.solvers.GiniSolver.shelves` returns them.
    groups
        How many groups of agents are told apart.
    """

    def __init__(self, target: Path, splitters: FloatArray, groups: int) -> None:
        self._target, self._shelves = target, Shelves(pl.Series(splitters))
        self._counts = np.zeros((self._shelves.count, groups), np.int64)
        self._kind = kind_of(groups)
        self._pieces: list[tuple[int, int, int]] = []
        self._size = 0
        self._open = ExitStack()

    def __enter__(self) -> "Outgoing":
        paths = [self._target, groups_of(self._target)]
        self._numbers, self._groups = (
            self._open.enter_context(self._open.enter_context(arriving(path)).open("wb"))
            for path in paths
        )
        return self

    def __exit__(self, *error: object) -> None:
        self._open.__exit__(*error)  # type: ignore[arg-type]

    def add(self, s: FloatArray, groups: npt.NDArray[Any] | None) -> None:
        """Send the next agents: float64 (k,), and their groups, of `kind_of` their number."""
        order, starts = self._shelves.split(pl.Series(s))
        by_shelf = s[order]
        those = np.zeros(s.size, self._kind) if groups is None else groups[order]
        for shelf in np.flatnonzero(np.diff(starts)).tolist():
            here = slice(starts[shelf], starts[shelf + 1])
            self._counts[shelf] += np.bincount(those[here], minlength=self._counts.shape[1])
            if shelf % 2 == 0:
                by_shelf[here].tofile(self._numbers)
                those[here].astype(self._kind, copy=False).tofile(self._groups)
                count = int(starts[shelf + 1] - starts[shelf])
                self._pieces.append((shelf, self._size, count))
                self._size += count

    def sent(self) -> Pieces:
        """Return what was sent."""
        files = (
            (self._target, 8 * self._size),
            (groups_of(self._target), self._kind.itemsize * self._size),
        )
        return Pieces(self._target, self._counts, self._pieces, files)


# --- a shelf --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class EndsJob:
    """A shelf to be summed up."""

    pieces: tuple[Piece, ...]


class Ends(NamedTuple):
    """How many numbers a shelf has, the largest, and their sum in units of 2^-1074."""

    size: int
    largest: float
    whole: int


def shelf_ends(job: EndsJob) -> Ends:
    """Sum up a shelf, exactly."""
    s = numbers_in(job.pieces)
    return Ends(s.size, float(s.max()), exact_whole(s))


def exact_whole(s: FloatArray) -> int:
    """Return the exact sum of numbers ≥ 0 in units of 2^-1074.

    Examples
    --------
    >>> exact_whole(np.array([0.5, 1.5])) == 2 << 1074
    True
    """
    total = 0
    for start in range(0, s.size, _AT_ONCE):
        bits = np.ascontiguousarray(s[start : start + _AT_ONCE]).view(np.uint64)
        exponents = (bits >> _FRACTION).astype(np.int64)
        digits = (bits & _DIGITS) | ((exponents > 0).astype(np.uint64) << _FRACTION)
        highs = np.bincount(exponents, weights=(digits >> _HALF).astype(np.float64))
        lows = np.bincount(exponents, weights=(digits & _LOW).astype(np.float64))
        for exponent in np.flatnonzero(highs + lows).tolist():
            whole = (int(highs[exponent]) << 32) + int(lows[exponent])
            total += whole << max(exponent - 1, 0)
    return total


def _whole(number: float) -> int:
    numerator, denominator = number.as_integer_ratio()
    return (numerator << _UNIT) // denominator


class Levels:
    """Where the walk through all numbers stands at each shelf: the driver's part of the work.

    Parameters
    ----------
    splitters
        Of the shelves.
    counts
        int64 (shelves, groups), of all parts.
    ends
        Of the shelves between splitters, by number.
    """

    def __init__(self, splitters: FloatArray, counts: IntArray, ends: dict[int, Ends]) -> None:
        self.starts: dict[int, kernels.Ahead] = {}
        self.constants = np.zeros(len(counts))
        self._total = kernels.RunningSum()
        self._numbers = splitters.tolist()
        self._counts = counts
        ahead = kernels.Ahead()
        for shelf in np.flatnonzero(counts.sum(axis=1)).tolist():
            self.starts[shelf] = ahead
            if shelf % 2:
                count = int(counts[shelf].sum())
                ahead = ahead.to(self._numbers[shelf // 2], count)
                self.constants[shelf] = ahead.nearest()
                self._total.add_copies(float(self.constants[shelf]), count)
                continue
            end = ends[shelf]
            top = _whole(end.largest)
            further = ahead.below * (top - _whole(ahead.number)) + end.size * top - end.whole
            ahead = kernels.Ahead(end.largest, ahead.below + end.size, ahead.excess + further)

    def finish(self, solved: Sequence["Solved"], sums: TierSums | None, factor: float) -> Fraction:
        """Return the sum of all excesses, and add them to sums by tier."""
        for one in solved:
            self._total.take([one.state])
            if sums is not None and one.sums is not None:
                sums.take(one.sums)
        if sums is not None:
            for shelf in np.flatnonzero(self._counts.sum(axis=1)).tolist():
                if shelf % 2:
                    sums.add_copies(float(self.constants[shelf] * factor), self._counts[shelf])
        return self._total.value()

    def of_splitters(self, wanted: FloatArray) -> FloatArray:
        """Return the excess of those of some numbers that are splitters, and NaN of others."""
        known = {self._numbers[k // 2]: self.constants[k] for k in range(1, len(self.constants), 2)}
        return np.array([known.get(number, np.nan) for number in wanted.tolist()])


@dataclass(frozen=True)
class SolveJob:
    """A shelf to be solved.

    Parameters
    ----------
    pieces
        Its numbers.
    start
        Where the walk stands before them.
    factor
        What makes a value of an excess.
    tiers
        Their names, to sum values by tier; empty for no sums.
    wanted
        Numbers whose excess is returned.
    target
        The file for the excess of each, in the order of the pieces; None for none.
    """

    pieces: tuple[Piece, ...]
    start: kernels.Ahead
    factor: float
    tiers: tuple[str, ...]
    wanted: FloatArray
    target: Path | None


@dataclass(frozen=True)
class Solved:
    """The state of the sum of excesses, sums by tier, and the excess of wanted numbers, or NaN."""

    state: tuple[int, ...]
    sums: TierSums | None
    found: FloatArray
    files: tuple[tuple[Path, int], ...] = field(default=())


def shelf_solve(job: SolveJob) -> Solved:
    """Compute the excess of every number of a shelf over all others."""
    s = numbers_in(job.pieces)
    found = np.full(job.wanted.size, np.nan)
    near = np.flatnonzero((job.wanted >= s.min()) & (job.wanted <= s.max()))
    # Where the wanted ones are, before they are overwritten.
    places = [(k, np.flatnonzero(s == job.wanted[k])[:1]) for k in near.tolist()]
    excess, here, _ = kernels.excess_beyond(job.start, s)
    for k, place in places:
        if place.size:
            found[k] = excess[place[0]]
    sums = None
    if job.tiers:
        sums = TierSums(job.tiers)
        sums.add_grouped(excess * job.factor, groups_in(job.pieces, kind_of(sums.count)))
    files: tuple[tuple[Path, int], ...] = ()
    if job.target is not None:
        with arriving(job.target) as path:
            excess.tofile(path)
        files = ((job.target, 8 * excess.size),)
    return Solved(here.state, sums, found, files)


def numbers_in(pieces: Sequence[Piece]) -> FloatArray:
    """Return the numbers of pieces."""
    found = [np.fromfile(one.path, np.float64, one.size, offset=8 * one.start) for one in pieces]
    return np.concatenate(found)


def groups_in(pieces: Sequence[Piece], kind: np.dtype[Any]) -> npt.NDArray[Any]:
    """Return the groups of the agents of pieces."""
    return np.concatenate([
        np.fromfile(groups_of(one.path), kind, one.size, offset=kind.itemsize * one.start)
        for one in pieces
    ])  # fmt: skip


# --- back to the part -----------------------------------------------------------------------------


class Returning:
    """Reads the excess of the agents of a part, in the order in which they were sent.

    Parameters
    ----------
    splitters
        Of the shelves.
    constants
        float64 (shelves,): the excess of each splitter, at its shelf.
    places
        The file of each shelf, and where the numbers of this part begin in it.
    """

    def __init__(
        self, splitters: FloatArray, constants: FloatArray, places: dict[int, tuple[Path, int]]
    ) -> None:
        self._shelves, self._constants, self._places = (
            Shelves(pl.Series(splitters)),
            constants,
            places,
        )
        self._files: dict[int, IO[bytes]] = {}
        self._open = ExitStack()

    def excess(self, s: FloatArray) -> FloatArray:
        """Return the excess of the next agents, float64 (k,)."""
        order, starts = self._shelves.split(pl.Series(s))
        by_shelf = np.empty(s.size)
        for shelf in np.flatnonzero(np.diff(starts)).tolist():
            here = slice(starts[shelf], starts[shelf + 1])
            if shelf % 2:
                by_shelf[here] = self._constants[shelf]
            else:
                by_shelf[here] = np.fromfile(self._file(shelf), np.float64, here.stop - here.start)
        out = np.empty(s.size)
        out[order] = by_shelf
        return out

    def _file(self, shelf: int) -> IO[bytes]:
        if shelf not in self._files:
            path, start = self._places[shelf]
            file = self._open.enter_context(path.open("rb"))
            file.seek(8 * start)
            self._files[shelf] = file
        return self._files[shelf]

    def __enter__(self) -> "Returning":
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()


def by_shelf(sent: Sequence[Pieces]) -> Iterator[tuple[int, list[Piece], list[tuple[int, int]]]]:
    """Yield each shelf between splitters that has numbers: its pieces, by part and in their order.

    And for each part that has some, by its place, where its numbers begin among those of the shelf.
    """
    found: dict[int, tuple[list[Piece], list[tuple[int, int]]]] = {}
    sizes: dict[int, int] = {}
    for place, part in enumerate(sent):
        for shelf, start, count in part.pieces:
            pieces, begins = found.setdefault(shelf, ([], []))
            if not begins or begins[-1][0] != place:
                begins.append((place, sizes.get(shelf, 0)))
            pieces.append(Piece(part.path, start, count))
            sizes[shelf] = sizes.get(shelf, 0) + count
    for shelf in sorted(found):
        yield (shelf, *found[shelf])
