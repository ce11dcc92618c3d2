"""How sure the rank of an account is: ranks on resampled days, and under other choices."""

import math
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from blueattr.attribution.inputs import Panel
from blueattr.attribution.value import weigh
from blueattr.did_order import find_places
from blueattr.indicators.base import Aggregator, FeatureArrays, Indicator, MomentIndicator
from blueattr.kernels import FloatArray, IntArray
from blueattr.kernels.games import in_order
from blueattr.kernels.recounting import count_above, dense_counts, recount
from blueattr.studies.bootstrap import LEVEL, check_resamples
from blueattr.studies.carriers.ahead import Contenders
from blueattr.studies.rescaling import TIE

__all__ = [
    "DEFAULT_RESAMPLES",
    "FEWEST_DAYS",
    "ChoiceRank",
    "DailyCounts",
    "RankIntervals",
    "count_ahead",
    "rank_intervals",
]


FEWEST_DAYS = 7
"""With fewer days there is no interval: resamples of them would be much alike."""

DEFAULT_RESAMPLES = 1_000

_AT_ONCE = 1 << 21  # accounts times resamples: 48 MB for each thread
_FEWEST_AT_ONCE, _MOST_AT_ONCE = 8, 64  # resamples: several at once cost little more than one
_PIECE = 1 << 20  # agent-days whose marks are worked out at once
_LOGS = 1 << 16  # logarithms of counts below this are looked up


@dataclass(frozen=True, slots=True)
class DailyCounts:
    """What the agents of a panel did and received on each day of the window.

    Parameters
    ----------
    days
        The days that can be drawn, ascending.
    dids
        Of accounts, among which are the agents of the panel.
    counts
        ``agent`` (its place in `dids`), ``day`` (date), and the raw counts ``a``, ``b`` and ``c``
        (integers); one row for each account and day with anything to count.
    scale
        Of the features: ``"log1p"`` or ``"raw"``.
    b_by_day
        Whether b counts what happened on days; else it is as in the features, on whatever days.
    """

    days: tuple[date, ...]
    dids: pl.Series
    counts: pl.DataFrame
    scale: Literal["log1p", "raw"] = "log1p"
    b_by_day: bool = True

    def placed(
        self, dids: pl.Series
    ) -> tuple[
        npt.NDArray[np.integer], npt.NDArray[np.uint32], list[npt.NDArray[np.signedinteger]]
    ]:
        """Find the counts of the agents of a panel on days that can be drawn.

        Parameters
        ----------
        dids
            str (n,), of the panel.

        Returns
        -------
        tuple
            The place of each row's agent on the panel, integers (m,), and that of its day among the
            days, uint32 (m,); and the counts a, b and c, each (m,), of a type that holds them.
        """
        agent = self.counts["agent"].to_numpy()
        if not self.dids.equals(dids):
            agent = find_places(dids, self.dids)[agent]
        known = pl.Series(self.days, dtype=pl.Date).to_physical().to_numpy()
        drawn = self.counts["day"].cast(pl.Date).to_physical().to_numpy()
        day = np.searchsorted(known, drawn).astype(np.uint32)  # of half the bytes
        day[day == known.size] = 0
        kept = (agent >= 0) & (known[day] == drawn)
        counts = [self.counts[name].to_numpy() for name in "abc"]
        if not kept.all():  # most often all are
            agent, day, counts = agent[kept], day[kept], [count[kept] for count in counts]
        return agent, day, counts


@dataclass(frozen=True, slots=True)
class RankIntervals:
    """How the intervals of ranks were made, and the intervals.

    Parameters
    ----------
    days
        How many days each resample draws, with replacement, from as many.
    resamples, seed, level
        Number of resamples, base seed, and level of the intervals.
    undefined_resamples
        Those on which the indicator is 0, so that nobody has a rank; left out.
    why
        Why there are no intervals; else empty.
    ranks
        The interval of each agent that was asked for, lowest and highest rank; empty if there are
        none.
    """

    days: int
    resamples: int
    seed: int
    level: float = LEVEL
    undefined_resamples: int = 0
    why: str = ""
    ranks: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class ChoiceRank:
    """The rank of an agent under another choice.

    Parameters
    ----------
    choice, setting
        As in `blueattr.studies.sensitivity.SensitivityRow`.
    rank
        1 + the number of agents with a larger value; None where it is not in that panel.
    """

    choice: str
    setting: str
    rank: int | None


def count_ahead(
    values: FloatArray,
    own: FloatArray,
    times: npt.NDArray[np.float64] | None = None,
    largest: float | None = None,
) -> IntArray:
    """Count the agents with a larger value.

    Parameters
    ----------
    values
        float64 (n,), of all agents.
    own
        float64 (k,), of those asked about.
    times
        float64 (n,): how many agents have each value; by default one.
    largest
        The largest magnitude of a value, where somebody has it.

    Returns
    -------
    ndarray
        int64 (k,). Values that differ by no more than 1e-12 of the largest are equal.
    """
    if not own.size:
        return np.zeros(0, np.int64)
    if largest is None:
        largest = max(float(values.max()), -float(values.min()))
    order = np.argsort(own, kind="stable")
    counts = count_above(values, own[order] + TIE * largest, times)
    ahead = np.empty(own.size, np.int64)
    ahead[order] = np.rint(np.cumsum(counts[::-1])[::-1][1:]).astype(np.int64)
    return ahead


def rank_intervals(
    panel: Panel,
    asked: Sequence[tuple[Indicator, int | None, Sequence[str]]],
    daily: DailyCounts | None,
    aggregator: Aggregator,
    *,
    resamples: int = DEFAULT_RESAMPLES,
    seed: int = 0,
) -> tuple[RankIntervals, ...]:
    """Compute 95 % intervals of the ranks of agents by resampling the days of the window.

    A resample draws as many days as there are, with replacement, the same for all agents. What
    agents did on a day counts as often as the day was drawn. Counts are scaled and ranked anew: 1 +
    the number of agents with a larger value. Who is in the panel stays.

    Parameters
    ----------
    panel
        The agents.
    asked
        Indicators, each with the K of its quadrature (None for a closed form) and the DIDs of the
        agents whose ranks are asked for.
    daily
        None where there are no days.
    aggregator
        Of the question.
    resamples
        R, from 100 to 1,000,000.
    seed
        At least 0.

    Returns
    -------
    tuple of RankIntervals
        One per indicator, the same for every number of threads. With fewer than 7 days they have no
        intervals, and say so.

    Raises
    ------
    UsageError
        For another number of resamples, or a negative seed.

    Notes
    -----
    docs/methods.md, "The rank of an account". Of accounts with the same counts on the same days
    only one is followed, as all have the same value in every resample. Who did no more than any
    agent asked about on any day is never ahead: where that is known to hold, of the others only
    means are worked out. The cost is O(R m) for m agent-days of those followed.
    """
    check_resamples(resamples, seed)
    days = 0 if daily is None else len(daily.days)
    why = ""
    if daily is None:
        why = "there are no days to resample"
    elif days < FEWEST_DAYS:
        why = f"only {days} days of the window were seen, and an interval needs {FEWEST_DAYS}"
        why = why.replace("1 days of the window were", "1 day of the window was")
    if daily is None or why:
        return tuple(RankIntervals(days, resamples, seed, why=why) for _ in asked)
    rng = np.random.default_rng(np.random.SeedSequence(seed))
    times = rng.multinomial(days, np.full(days, 1 / days), size=resamples).astype(np.int64)
    followed = _Followed.of(panel, daily)
    del daily  # it is large, and has said what it can
    wanted = [
        (indicator, steps, followed.of_agent[find_places(panel.dids, dids)])
        for indicator, steps, dids in asked
    ]
    contenders, means = followed.contenders(wanted, aggregator), None
    if contenders is not None:
        at_once = range(0, resamples, _MOST_AT_ONCE)
        parts = [times[start : start + _MOST_AT_ONCE] for start in at_once]
        means = np.concatenate([*in_order(contenders.means, parts)])
        scored = [one[:2] for one in wanted if _is_scored(*one, aggregator)]
        contenders = contenders.narrow(scored, aggregator, times, means)
    counted = followed.often.size if contenders is None else contenders.size // 3
    size = min(max(_FEWEST_AT_ONCE, _AT_ONCE // max(counted, 1)), _MOST_AT_ONCE)

    def rank(piece: tuple[IntArray, FloatArray | None]) -> list[IntArray]:
        return followed.rank(piece[0], wanted, aggregator, contenders, piece[1])

    pieces = [
        (times[start : start + size], None if means is None else means[start : start + size])
        for start in range(0, resamples, size)
    ]
    done = [*in_order(rank, pieces)]
    return tuple(
        _interval(np.concatenate(parts), days, resamples, seed) for parts in zip(*done, strict=True)
    )


def _interval(ranks: IntArray, days: int, resamples: int, seed: int) -> RankIntervals:
    """Take percentiles of ranks, int64 (R, k), whose undefined resamples have 0 in the last."""
    ranks, defined = ranks[:, :-1], ranks[:, -1] > 0
    undefined = resamples - int(np.count_nonzero(defined))
    if undefined == resamples:
        why = "the indicator is 0 on every resample of the days"
        return RankIntervals(days, resamples, seed, undefined_resamples=undefined, why=why)
    tail = (1 - LEVEL) / 2
    # A rank is a whole number: one that occurred, and none between two of them.
    low, high = np.quantile(ranks[defined], [tail, 1 - tail], axis=0, method="inverted_cdf")
    return RankIntervals(
        days,
        resamples,
        seed,
        undefined_resamples=undefined,
        ranks=tuple(zip(low.astype(int).tolist(), high.astype(int).tolist(), strict=True)),
    )


_Wanted = tuple[Indicator, int | None, IntArray]


def _is_scored(
    indicator: Indicator, _: int | None, places: IntArray, aggregator: Aggregator
) -> bool:
    """Return whether contenders answer a question."""
    return places.size > 0 and Contenders.can_score(indicator, aggregator)


@dataclass(frozen=True)
class _Followed:
    """The accounts that are followed through the resamples, with their counts by day.

    Parameters
    ----------
    of_agent
        int64 (n,): for each agent of the panel, who of those followed has the same counts.
    often
        float64 (m,): how many agents each of those followed stands for.
    counts
        As `blueattr.kernels.recounting.recount` takes them.
    b
        float64 (m,): their b, where it does not depend on days; else None.
    scale
        Of the features.
    """

    of_agent: IntArray
    often: FloatArray
    counts: npt.NDArray[np.float32] | FloatArray
    b: FloatArray | None
    scale: str
    _own: threading.local = field(default_factory=threading.local, repr=False)

    @classmethod
    def of(cls, panel: Panel, daily: DailyCounts) -> "_Followed":
        """Find accounts with the same counts on the same days."""
        n = len(panel.dids)
        agent, day, counts = daily.placed(panel.dids)
        b = None
        if not daily.b_by_day:
            b = panel.features.b
            counts[1] = np.zeros_like(counts[1])
        marks = np.random.default_rng(0).integers(1, 2**63, (2, 3, len(daily.days)), np.uint64)
        keys = np.zeros((2, n), np.uint64)
        marks = marks * np.uint64(2) + np.uint64(1)
        pieces = [slice(start, start + _PIECE) for start in range(0, agent.size, _PIECE)]
        for k in range(2):
            for piece in pieces:
                on, sums = day[piece], np.zeros(day[piece].size, np.uint64)
                for count, by_day in zip(counts, marks[k], strict=True):
                    sums += count[piece].astype(np.uint64) * by_day[on]
                np.add.at(keys[k], agent[piece], sums)
            if b is not None:
                keys[k] += np.ascontiguousarray(b).view(np.uint64) * marks[k, 0, 0]
        _, one, of_agent = np.unique(keys[0], return_index=True, return_inverse=True)
        if not np.array_equal(keys[1], keys[1][one][of_agent]):  # two accounts with one key
            one = of_agent = np.arange(n)
        place = np.full(n, -1)
        place[one] = np.arange(one.size)
        most = max(int(count.max(initial=0)) for count in counts)
        dense = dense_counts((len(counts), one.size, len(daily.days)), most)
        for piece in pieces:
            to, on = place[agent[piece]], day[piece]
            is_one = to >= 0
            for of_feature, count in zip(dense, counts, strict=True):
                of_feature[to[is_one], on[is_one]] = count[piece][is_one]
        return cls(
            of_agent=of_agent.astype(np.int64),
            often=np.bincount(of_agent).astype(np.float64),
            counts=dense,
            b=None if b is None else b[one],
            scale=daily.scale,
        )

    @cached_property
    def _logs(self) -> FloatArray | None:
        return None if self.scale == "raw" else np.log1p(np.arange(_LOGS, dtype=np.float64))

    def features(self, times: IntArray) -> FeatureArrays:
        """Count anew, and scale: for each resample after the other, float64 (R m,).

        What it returns is overwritten when the same thread counts again.
        """
        # A thread writes to the same memory each time: the system clears new memory, which takes
        # about as long as the counting.
        shape = (3, times.shape[0], self.often.size)
        if getattr(self._own, "memory", np.empty(0)).size < math.prod(shape):
            self._own.memory = np.empty(math.prod(shape))
        again = self._own.memory[: math.prod(shape)].reshape(shape)
        recount(self.counts, times.astype(np.float64), self._logs, again)
        a, b, c = (feature.ravel() for feature in again)
        if self.b is not None:
            b = np.tile(self.b, times.shape[0])
        return FeatureArrays(a, b, c)

    def contenders(self, wanted: Sequence[_Wanted], aggregator: Aggregator) -> Contenders | None:
        """Find who can be ahead of those asked about; None where it is no help to know that."""
        asked = [one[-1] for one in wanted if _is_scored(*one, aggregator)]
        if not asked or self.b is not None:
            return None
        return Contenders.of(self.counts, self.often, asked, self._logs)

    def rank(
        self,
        times: IntArray,
        wanted: Sequence[_Wanted],
        aggregator: Aggregator,
        contenders: Contenders | None = None,
        means: FloatArray | None = None,
    ) -> list[IntArray]:
        """Rank agents on some resamples, whose `means` of all agents somebody may have.

        Returns
        -------
        list of ndarray
            For each indicator int64 (R, k + 1): ranks, and at last 1 if the resample has an answer.
        """
        resamples = range(times.shape[0])
        answers = [
            np.zeros((times.shape[0], places.size + 1), np.int64) for *_, places in wanted
        ]  # fmt: skip
        left = [[*resamples] for _ in wanted]
        if contenders is not None:
            scored = [k for k, one in enumerate(wanted) if _is_scored(*one, aggregator)]
            for k in scored:
                left[k] = []
            again = contenders.recount(times, means)
            # What indicators share of a resample is worked out once.
            for r in resamples:
                for k, among in zip(scored, contenders.places, strict=True):
                    found = again.scores(r, *wanted[k][:2], aggregator, among)
                    if found is None:
                        left[k].append(r)
                        continue
                    scores, largest = found
                    ahead = count_ahead(scores, scores[among], contenders.often, largest)
                    answers[k][r, :-1], answers[k][r, -1] = 1 + ahead, 1
        for (indicator, steps, places), out, rest in zip(wanted, answers, left, strict=True):
            if rest:
                features = self.features(times[rest])
                every = self._scores(indicator, steps, features, aggregator)
                for r, values in zip(rest, every, strict=True):
                    if values is not None:
                        out[r, :-1] = 1 + count_ahead(values, values[places], self.often)
                        out[r, -1] = 1
        return answers

    def _scores(
        self,
        indicator: Indicator,
        steps: int | None,
        features: FeatureArrays,
        aggregator: Aggregator,
    ) -> Iterable[FloatArray | None]:
        """Yield for each resample numbers in the order of the values; None where all are 0."""
        m, n = self.often.size, float(self.often.sum())
        if not isinstance(indicator, MomentIndicator):
            # Who is ahead of more by more has the larger sum of its leads: the order is that of s.
            s, _ = aggregator.apply(features)
            for own in s.reshape(-1, m):
                yield own if own.min() < own.max() else None
            return
        statistics = [g.reshape(-1, m) for g in indicator.measure(features, aggregator)]
        means = np.stack([np.einsum("rm,m->r", g, self.often) / n for g in statistics], axis=1)
        for r, mean in enumerate(means):
            weights, total = weigh(indicator, mean, steps, silent=not mean.any())
            if total == 0:
                yield None
                continue
            scores = np.zeros(m)
            for g, weight in zip(statistics, weights.tolist(), strict=True):
                scores += weight * g[r]
            yield scores if scores.any() else None
