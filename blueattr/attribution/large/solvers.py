"""How each indicator is attributed in passes over chunks of agents."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import polars as pl

from blueattr import kernels
from blueattr.attribution.large.chunks import ChunkedPanel
from blueattr.attribution.large.external_sort import Excess, ExcessOnDisk, KeySample
from blueattr.attribution.value import TierSums, weigh
from blueattr.errors import FeatureError, UsageError
from blueattr.indicators.base import Aggregator, FeatureArrays, Indicator, MomentIndicator
from blueattr.indicators.builtin import INDICATORS
from blueattr.kernels import FloatArray

__all__ = ["GiniSolver", "HasMeans", "Solver", "solver_of", "too_large"]


_Bools = npt.NDArray[np.bool_]
_Bytes = npt.NDArray[np.uint8]


class HasMeans(Protocol):
    """A panel, as far as a solver needs it."""

    n: int
    means: tuple[float, float, float]


class Solver:
    """An indicator, attributed in passes: this one needs nothing but the means of the features.

    Parameters
    ----------
    aggregator
        Makes s of the features.
    n
        The number of agents in the files, of whom those asked about may be some.
    """

    total: float = 0.0
    """v(N), after the last pass."""

    means: FloatArray | None = None
    """m, float64 (p,), where they were used."""

    passes = 0
    """How many passes of `look`, each with an `end`, come before `values`; the first of them is
    shown agents in any order."""

    def __init__(self, aggregator: Aggregator, n: int) -> None:
        self.aggregator, self.n = aggregator, n

    def look(self, x: FeatureArrays) -> None:
        """Look at the next chunk of a pass."""

    def attach(self, indicator: Indicator) -> None:
        """Give back the indicator to one that was sent without it."""

    def take(self, other: "Solver") -> None:
        """Add what another one has seen of other agents in the same pass."""

    def end(self, panel: HasMeans) -> None:
        """End a pass, or begin where there is none, with the panel of those asked about."""
        self.n = panel.n

    def values(self, x: FeatureArrays) -> FloatArray:
        """Return φ of a chunk, float64 (k,)."""
        raise NotImplementedError


class _Sum(Solver):
    """Needs the sum of s."""

    passes = 1

    def __init__(self, aggregator: Aggregator, n: int) -> None:
        super().__init__(aggregator, n)
        self.sum = kernels.RunningSum()

    def look(self, x: FeatureArrays) -> None:
        self.sum.add(self.aggregator.apply(x)[0])

    def take(self, other: Solver) -> None:
        assert isinstance(other, _Sum)  # noqa: S101 - for the type checker
        self.sum.take([other.sum.state])


class _LinSolver(_Sum):
    """The closed form of lin."""

    def end(self, panel: HasMeans) -> None:
        super().end(panel)
        self.total = float(self.sum.value() / panel.n)

    def values(self, x: FeatureArrays) -> FloatArray:
        return self.aggregator.apply(x, self.n)[0]


class _HeatSolver(Solver):
    """The closed form of heat."""

    _factors: tuple[float, float, float] | None = None

    def end(self, panel: HasMeans) -> None:
        super().end(panel)
        moment = math.prod(panel.means)
        if moment:
            self.total = math.log1p(moment)
            third = self.total / 3 / panel.n
            a, b, c = (third / mean for mean in panel.means)
            self._factors = (a, b, c)

    def values(self, x: FeatureArrays) -> FloatArray:
        if self._factors is None:
            return np.zeros(x.a.size)
        return kernels.combine(*x, self._factors)


class _VarSolver(_Sum):
    """The closed form of var, which needs the mean before the squares."""

    passes = 2

    def __init__(self, aggregator: Aggregator, n: int) -> None:
        super().__init__(aggregator, n)
        self._squares: kernels.RunningSum | None = None

    def look(self, x: FeatureArrays) -> None:
        if self._squares is None:
            super().look(x)
        else:
            self._values(x, self._squares)

    def end(self, panel: HasMeans) -> None:
        super().end(panel)
        if self._squares is None:
            self._mean, self._squares = self.sum.value() / panel.n, kernels.RunningSum()
        else:
            self.total = float(self._squares.value() / panel.n)

    def take(self, other: Solver) -> None:
        assert isinstance(other, _VarSolver)  # noqa: S101 - for the type checker
        theirs = other._squares  # noqa: SLF001 - another of the same class
        if self._squares is None or theirs is None:
            super().take(other)
        else:
            self._squares.take([theirs.state])

    def values(self, x: FeatureArrays) -> FloatArray:
        return self._values(x, None)

    def _values(self, x: FeatureArrays, squares: kernels.RunningSum | None) -> FloatArray:
        s, _ = self.aggregator.apply(x)
        return kernels.spread_about_mean(s, self._mean, self.n, squares)[0]


class _MomentSolver(Solver):
    """A quadrature, or weights, of the means of statistics."""

    passes = 1

    def __init__(
        self, indicator: MomentIndicator, aggregator: Aggregator, n: int, steps: int | None
    ) -> None:
        super().__init__(aggregator, n)
        self._indicator, self._steps, self._silent = indicator, steps, True
        self._sums = [kernels.RunningSum() for _ in indicator.statistics]

    def look(self, x: FeatureArrays) -> None:
        for g, total in zip(self._indicator.measure(x, self.aggregator), self._sums, strict=True):
            total.add(g)
            self._silent = self._silent and not g.any()

    def take(self, other: Solver) -> None:
        assert isinstance(other, _MomentSolver)  # noqa: S101 - for the type checker
        for mine, theirs in zip(self._sums, other._sums, strict=True):  # noqa: SLF001 - another of the same class
            mine.take([theirs.state])
        self._silent = self._silent and other._silent  # noqa: SLF001 - another of the same class

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the indicator, whose functions are a user's perhaps: see `attach`."""
        return {**self.__dict__, "_indicator": None}

    def attach(self, indicator: Indicator) -> None:
        assert isinstance(indicator, MomentIndicator)  # noqa: S101 - for the type checker
        self._indicator = indicator

    def end(self, panel: HasMeans) -> None:
        super().end(panel)
        self.means = np.array([float(total.value() / panel.n) for total in self._sums])
        self._weights, self.total = weigh(
            self._indicator, self.means, self._steps, silent=self._silent
        )

    def values(self, x: FeatureArrays) -> FloatArray:
        out, statistics = np.zeros(x.a.size), self._indicator.measure(x, self.aggregator)
        for g, weight in zip(statistics, self._weights.tolist(), strict=True):
            kernels.add_scaled(g, weight / self.n, out)
        return out


class GiniSolver(_Sum):
    """Needs every agent's excess over all others, on disk.

    After its pass, a second one over the agents in order is `place`; `finish` then knows the
    total, and `values` are those of the chunks in the same order.
    """

    def __init__(self, aggregator: Aggregator, n: int, first: int = 0) -> None:
        super().__init__(aggregator, n)
        self._sample = KeySample(n, first)
        self._shelves: ExcessOnDisk | None = None
        self._factor = 0.0

    def look(self, x: FeatureArrays) -> None:
        """Sum up s, and sample it."""
        s, _ = self.aggregator.apply(x)
        self.sum.add(s)
        self._sample.add(pl.Series(s))

    def take(self, other: Solver) -> None:
        """Add what another one has seen of other agents."""
        assert isinstance(other, GiniSolver)  # noqa: S101 - for the type checker
        super().take(other)
        self._sample.take(other._sample)  # noqa: SLF001 - another of the same class

    def shelves(self) -> FloatArray:
        """Return numbers that part all s into shelves: see `KeySample.splitters`."""
        return self._sample.splitters().to_numpy()

    @property
    def is_open(self) -> bool:
        """Whether agents can be placed: once it was opened, unless every s is 0."""
        return self._shelves is not None

    def open(self, panel: ChunkedPanel, groups: int, *, keep: bool) -> None:
        """Prepare to place agents of so many groups, and perhaps to keep the values of each."""
        total = self.sum.value()
        if total:
            self._scale = 1 / (panel.n * total)
            self._factor = float(self._scale)
            self._shelves = panel.open.enter_context(
                ExcessOnDisk(panel.folder, self._sample.splitters(), keep=keep, groups=groups)
            )

    def place(self, x: FeatureArrays, groups: _Bytes | None = None) -> FloatArray:
        """Place the next agents, each in a group, and return their s, float64 (k,)."""
        s, _ = self.aggregator.apply(x)
        if self._shelves is not None:
            self._shelves.add(s, groups)
        return s

    def finish(self, sums: TierSums | None, wanted: FloatArray) -> FloatArray:
        """Compute the values of all; sum them by group, and return those of some s."""
        if self._shelves is None:
            return np.zeros(wanted.size)
        factor = self._factor

        def receive(part: Excess) -> None:
            if sums is None:
                return
            if part.counts is None:
                sums.add_grouped(part.excess * factor, part.groups)
            else:
                sums.add_copies(float(part.excess[0] * factor), part.counts)

        total, found = self._shelves.finish(receive, wanted)
        self.total = float(total * self._scale)
        return found * factor

    def splitters(self) -> FloatArray:
        """Return quantiles of the values, ascending."""
        return np.zeros(0) if self._shelves is None else self._shelves.splitters() * self._factor

    def rewind(self) -> None:
        """Go back to the first agents."""
        if self._shelves is not None:
            self._shelves.rewind()

    def values(self, x: FeatureArrays) -> FloatArray:
        """Return φ of the next chunk, float64 (k,)."""
        if self._shelves is None:
            return np.zeros(x.a.size)
        return self._shelves.excess(self.aggregator.apply(x)[0]) * self._factor


_CLOSED: dict[str, Callable[[Aggregator, int], Solver]] = {
    "lin": _LinSolver, "heat": _HeatSolver, "var": _VarSolver,
}  # fmt: skip


def solver_of(
    indicator: Indicator, aggregator: Aggregator, n: int, steps: int | None, first: int = 0
) -> Solver:
    """Return how an indicator is attributed.

    Parameters
    ----------
    indicator, aggregator, steps
        As for `blueattr.attribution.value.solve`.
    n
        The number of agents in the files.
    first
        Number of the first agent of those that it looks at, where these are a part of all.

    Raises
    ------
    UsageError
        It needs all agents at once.
    """
    if isinstance(indicator, MomentIndicator) and (
        steps is not None or indicator.closed_form is None
    ):
        return _MomentSolver(indicator, aggregator, n, steps)
    if INDICATORS.get(indicator.name) is not indicator:
        raise UsageError(
            f"the closed form of the indicator {indicator.name!r} needs all agents at once, and "
            "this file is read in chunks; choose 'quadrature'"
        )
    if indicator.name == "gini":
        return GiniSolver(aggregator, n, first)
    return _CLOSED[indicator.name](aggregator, n)


@contextmanager
def too_large(indicator: Indicator) -> Iterator[None]:
    """Say of which indicator it is that features are too large to be summed."""
    try:
        yield
    except OverflowError as error:
        raise FeatureError(
            f"the features are too large for the indicator {indicator.name!r}: {error}"
        ) from error
