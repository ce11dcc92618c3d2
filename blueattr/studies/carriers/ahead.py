"""The scores of the few accounts that can be ahead of those asked about, on resampled days."""

import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from blueattr.attribution.value import weigh
from blueattr.indicators.base import Aggregator, Indicator, MomentIndicator
from blueattr.indicators.builtin import INDICATORS
from blueattr.kernels import FloatArray, IntArray
from blueattr.kernels.recounting import (
    Counts,
    SparseCounts,
    recount,
    recounted_sums,
    sparse_counts,
    weigh_rows,
)

__all__ = ["Contenders"]


_PIECE = 1 << 17  # accounts whose marks are worked out at once
_MANY = 1 << 12  # contenders from which on it is worth to look for those that never get near
_NEAR = 1 - 1e-9  # what a bound of a score must reach: far more than rounding
_HEAT, _LIN, _VAR, _GINI = (INDICATORS[name] for name in ("heat", "lin", "var", "gini"))


@dataclass(frozen=True)
class _Feature:
    """One feature of accounts, of which many did the same on the same days.

    Parameters
    ----------
    everyone
        Each thing that some account did, and how many agents did it.
    counts
        (1, u, D): what contenders did, by day.
    index
        int32 (c,): which of it each contender did.
    """

    everyone: SparseCounts
    counts: Counts
    index: npt.NDArray[np.int32]

    @classmethod
    def of(
        cls, counts: Counts, of_account: IntArray, often: FloatArray, rows: IntArray
    ) -> "_Feature | None":
        """Describe a feature of which each account, int64 (m,), did one thing of those given."""
        everyone = sparse_counts(counts, _sums(of_account, often))
        different, index = np.unique(of_account[rows], return_inverse=True)
        if everyone is None:
            return None
        return cls(everyone, counts[different][None], index.astype(np.int32))


@dataclass(frozen=True)
class Contenders:
    """Accounts that can be ahead of those asked about, with these; and the means of all.

    An account that did no more than another on any day, of nothing, has no larger score in any
    resample: a day counts for both as often, and a score grows with each feature.

    Parameters
    ----------
    features
        a, b and c.
    often
        float64 (c,): how many agents each contender stands for.
    n
        The number of agents of the panel.
    places
        For each question int64 (k,): who of the contenders was asked about.
    logs
        As `blueattr.kernels.recounting.recount` takes them.
    """

    features: tuple[_Feature, ...]
    often: FloatArray
    n: float
    places: tuple[IntArray, ...]
    logs: FloatArray | None
    _own: threading.local = field(default_factory=threading.local, repr=False)

    @classmethod
    def of(
        cls,
        counts: Counts,
        often: FloatArray,
        asked: Sequence[IntArray],
        logs: FloatArray | None,
    ) -> "Contenders | None":
        """Find them; None where counts are too large for what means are worked out by.

        Parameters
        ----------
        counts
            (3, m, D): what each account did by day.
        often
            float64 (m,): how many agents each stands for.
        asked
            For each question int64 (k,), places of accounts.
        logs
            As above.
        """
        everyone = np.unique(np.concatenate(asked))
        contends = np.zeros(often.size, np.bool_)
        contends[everyone] = True
        alike = []
        for of_feature in counts:
            one, of_account = _different(of_feature)
            different = np.ascontiguousarray(of_feature[one])
            least = of_feature[everyone].min(axis=0)
            contends |= (different > least).any(axis=1)[of_account]
            alike.append((different, of_account))
        rows = np.flatnonzero(contends)
        features = []
        while alike:
            feature = _Feature.of(*alike.pop(0), often, rows)
            if feature is None:
                return None
            features.append(feature)
        return cls(
            features=tuple(features),
            often=often[rows],
            n=float(often.sum()),
            places=tuple(np.searchsorted(rows, places) for places in asked),
            logs=logs,
        )

    @property
    def size(self) -> int:
        """How many numbers there are for one resample."""
        return sum(one.counts.shape[1] + one.index.size for one in self.features)

    @staticmethod
    def can_score(indicator: Indicator, aggregator: Aggregator) -> bool:
        """Return whether scores are known to grow with each feature, as far as it matters."""
        if indicator is _HEAT:
            return True
        return aggregator.name == "mean" and any(indicator is one for one in (_LIN, _VAR, _GINI))

    def means(self, times: IntArray) -> FloatArray:
        """Return the means of a, b and c of all agents on some resamples, float64 (R, 3)."""
        raw = self.logs is None
        sums = [recounted_sums(one.everyone, times, raw=raw) for one in self.features]
        return np.stack(sums, axis=1) / self.n

    def narrow(
        self,
        questions: Sequence[tuple[Indicator, int | None]],
        aggregator: Aggregator,
        times: IntArray,
        means: FloatArray,
    ) -> "Contenders":
        """Leave out who is behind all of those asked about on each of these resamples.

        On a day that a resample has m times, and on no other, an account cannot have more than m
        times its whole count. By that no feature, and so no score, is larger.

        Parameters
        ----------
        questions
            Indicators that can be scored, each with its steps, as `places` has them.
        aggregator
            Of the question.
        times, means
            int64 (R, D), and what `means` returned for them.
        """
        if self.often.size < _MANY:
            return self
        contends = np.zeros(self.often.size, np.bool_)
        most = times.max(axis=1)
        for (indicator, steps), places in zip(questions, self.places, strict=True):
            contends[places] = True
            weights = np.tile(np.array(aggregator.weights), (len(times), 1))
            if isinstance(indicator, MomentIndicator) and indicator is _HEAT:
                weights = np.stack([
                    weigh(indicator, mean, steps, silent=not mean.any())[0] for mean in means
                ])  # fmt: skip
            lowest = self._lowest(places, weights, times)
            # Where all weights are 0 there is no answer, and nobody is ahead.
            asks = weights.any(axis=1)
            if (lowest[asks] <= 0).any():
                return self
            for m in np.unique(most[asks]).tolist():
                here = asks & (most == m)
                parts = (weights[here] / lowest[here, None]).max(axis=0)
                contends |= self._bounds(m, parts) >= _NEAR
        return self._only(np.flatnonzero(contends))

    def _lowest(self, places: IntArray, weights: FloatArray, times: IntArray) -> FloatArray:
        """Return the lowest score of some contenders on each resample, float64 (R,)."""
        scores = np.zeros((times.shape[0], places.size))
        for one, weight in zip(self.features, weights.T, strict=True):
            counts: Counts = one.counts[:, one.index[places]].copy()
            again = np.empty((1, *scores.shape))
            recount(counts, times.astype(np.float64), self.logs, again)
            scores += weight[:, None] * again[0]
        lowest: FloatArray = scores.min(axis=1)
        return lowest

    def _bounds(self, m: int, parts: FloatArray) -> FloatArray:
        """Weigh the features that contenders have if all they did counts m times."""
        bounds = np.zeros(self.often.size)
        for one, part in zip(self.features, parts.tolist(), strict=True):
            total = m * one.counts[0].sum(axis=1, dtype=np.float64)
            scaled = total if self.logs is None else np.log1p(total)
            bounds += (part * scaled)[one.index]
        return bounds

    def _only(self, rows: IntArray) -> "Contenders":
        features = []
        for one in self.features:
            different, index = np.unique(one.index[rows], return_inverse=True)
            counts: Counts = one.counts[:, different].copy()
            features.append(_Feature(one.everyone, counts, index.astype(np.int32)))
        return replace(
            self,
            features=tuple(features),
            often=self.often[rows],
            places=tuple(np.searchsorted(rows, places) for places in self.places),
            _own=threading.local(),
        )

    def recount(self, times: IntArray, means: FloatArray | None = None) -> "Recounted":
        """Count anew on some resamples: int64 (R, D), how often each has each day.

        What it returns is overwritten when the same thread counts again. `means` are those of
        these resamples, where somebody has them.
        """
        resamples = times.shape[0]
        shapes = [(1, resamples, one.counts.shape[1]) for one in self.features]
        needed = sum(map(math.prod, shapes))
        if getattr(self._own, "memory", np.empty(0)).size < needed:
            self._own.memory = np.empty(needed)
        features, start = [], 0
        for one, shape in zip(self.features, shapes, strict=True):
            again = self._own.memory[start : start + math.prod(shape)].reshape(shape)
            start += again.size
            recount(one.counts, times.astype(np.float64), self.logs, again)
            features.append(again[0])
        if getattr(self._own, "scores", np.empty(0)).size < 3 * self.often.size:
            self._own.scores = np.empty(3 * self.often.size)
        room = self._own.scores.reshape(3, -1)
        means = self.means(times) if means is None else means
        return Recounted(means, features, [one.index for one in self.features], room)


@dataclass(frozen=True)
class Recounted:
    """Means of all agents, and features of contenders, on some resamples.

    Parameters
    ----------
    means
        float64 (R, 3).
    features
        a, b and c, each float64 (R, u), of contenders that differ in it.
    index
        Of each, int32 (c,): which one each contender has.
    room
        float64 (3, c), to be overwritten.
    """

    means: FloatArray
    features: Sequence[FloatArray]
    index: Sequence[npt.NDArray[np.int32]]
    room: FloatArray
    _last: dict[tuple[int, tuple[float, ...]], tuple[float, float]] = field(default_factory=dict)

    def scores(
        self,
        r: int,
        indicator: Indicator,
        steps: int | None,
        aggregator: Aggregator,
        places: IntArray,
    ) -> tuple[FloatArray, float] | None:
        """Return numbers in the order of the contenders' values on one resample.

        Parameters
        ----------
        r
            Which one.
        indicator, steps, aggregator
            For which `Contenders.can_score`.
        places
            Who of the contenders was asked about.

        Returns
        -------
        tuple or None
            float64 (c,), overwritten when the next are asked for, and their largest magnitude;
            None where the features of everyone have to say whether there is an answer, and who is
            ahead.
        """
        if indicator is _HEAT:
            assert isinstance(indicator, MomentIndicator)  # noqa: S101 - heat is one
            weights, total = weigh(indicator, self.means[r], steps, silent=not self.means[r].any())
            if total == 0:
                return None
            low, high = self._sum(r, weights.tolist(), self.room[1])
            return self.room[1], max(high, -low)
        s, (low, high) = self.room[0], self._aggregated(r, aggregator.weights)
        if low == high:
            return None
        if indicator is not _VAR:
            return s, max(high, -low)
        mean = float(self.means[r] @ aggregator.weights)
        if s[places].min() < mean:
            return None
        # s (s - mean) grows with s from the mean on, and below it is less than 0.
        scores = np.multiply(s, s, out=self.room[1])
        scores -= np.multiply(s, mean, out=self.room[2])
        return scores, max(float(scores.max()), -float(scores.min()))

    def _aggregated(self, r: int, weights: tuple[float, float, float]) -> tuple[float, float]:
        """Have s of a resample, which several indicators ask for, in the first room."""
        if (r, weights) not in self._last:
            self._last.clear()
            self._last[r, weights] = self._sum(r, weights, self.room[0])
        return self._last[r, weights]

    def _sum(self, r: int, weights: Sequence[float], out: FloatArray) -> tuple[float, float]:
        return weigh_rows([one[r] for one in self.features], self.index, weights, out)


def _sums(of_account: IntArray, often: FloatArray) -> FloatArray:
    sums: FloatArray = np.bincount(of_account, often).astype(np.float64)
    return sums


def _different(counts: npt.NDArray[np.floating]) -> tuple[IntArray, IntArray]:
    """Find which rows differ: of each kind the place of one, and for each row its kind."""
    marks = np.random.default_rng(0).integers(1, 2**63, (2, counts.shape[1]), np.uint64)
    weights = (marks * np.uint64(2) + np.uint64(1)).T
    keys = np.empty((2, counts.shape[0]), np.uint64)
    for start in range(0, counts.shape[0], _PIECE):
        piece = slice(start, start + _PIECE)
        keys[:, piece] = (counts[piece].astype(np.uint64) @ weights).T
    _, one, of_row = np.unique(keys[0], return_index=True, return_inverse=True)
    if not np.array_equal(keys[1], keys[1][one][of_row]):  # two rows with one key
        one = of_row = np.arange(counts.shape[0])
    return one, of_row.reshape(-1)
