"""Measure how often a watch is wrong about a change, and how soon it finds one.

    python bench/change_points.py                 # 50 weeks and 200 changes of each stream
    python bench/change_points.py --weeks 2 --changes 20

Weeks without a change tell how many false alarms there are; short streams that change after a day
tell how soon that is found. Streams are drawn on the inputs of the two detectors: counts of
minutes, Poisson or in clusters, and shares of a window of 24 hours, as sums of what made-up posts
carry that come and fall out. All is drawn from the seed alone.
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from blueattr.watch.change_points import CountChanges, ShareChanges

Floats = npt.NDArray[np.float64]

DAY, WEEK, HOUR = 24 * 60, 7 * 24 * 60, 60
SOON = 30
"""Minutes within which a change is to be found."""

TIERS = np.array([0.15, 0.35, 0.5])
"""Of which tier the author of a made-up post is; where the top rises, see `shares`."""


@dataclass(frozen=True)
class Stream:
    """A kind of stream.

    Parameters
    ----------
    rate
        Posts a minute, at the mean.
    dispersion
        Variance of their count over its mean.
    tail
        Sigma of the lognormal weight of a post, for shares: 0.75 for counts on the log scale, more
        where single posts carry much.
    """

    rate: float
    dispersion: float = 1.0
    tail: float = 0.75

    @property
    def name(self) -> str:
        """What it is called in the table."""
        clusters = f", in clusters of {self.dispersion:g}" if self.dispersion > 1 else ""
        return f"{self.rate:g}{clusters}{', some carry much' if self.tail > 1 else ''}"


COUNTS = (*map(Stream, (1, 4, 10, 50)), Stream(10, 3), Stream(50, 3))
SHARES = (*map(Stream, (1, 10, 100)), Stream(2, tail=1.5), Stream(10, tail=1.5))


def counts(rng: np.random.Generator, stream: Stream, minutes: int, times: float = 1.0) -> list[int]:
    """Draw the counts of minutes."""
    rate = stream.rate * times
    if stream.dispersion == 1.0:
        return [int(one) for one in rng.poisson(rate, minutes)]
    size, chance = rate / (stream.dispersion - 1), 1 / stream.dispersion
    return [int(one) for one in rng.negative_binomial(size, chance, minutes)]


def carried(rng: np.random.Generator, stream: Stream, minutes: int) -> Floats:
    """Draw what the posts of each minute carry, by tier: shape (minutes, tiers)."""
    posts = rng.poisson(stream.rate * TIERS, (minutes, TIERS.size))
    weights = rng.lognormal(0.0, stream.tail, int(posts.sum()))
    begins = np.concatenate(([0], np.cumsum(posts.ravel())))
    sums = np.concatenate(([0.0], np.cumsum(weights)))
    each: Floats = (sums[begins[1:]] - sums[begins[:-1]]).reshape(posts.shape)
    return each


def shares(rng: np.random.Generator, stream: Stream, minutes: int, over: int = 0) -> Floats:
    """Return each tier's share of a window of 24 hours, minute by minute.

    With `over`, the top tier has five points more from the last hour on: what it carries in so many
    minutes is enough for that.
    """
    each = carried(rng, stream, DAY + minutes)
    if over:
        begin = DAY + minutes - HOUR
        window = each[begin - DAY : begin].sum(axis=0)
        share = window[0] / window.sum() + 0.05
        each[begin : begin + over, 0] += (share * window.sum() - window[0]) / (1 - share) / over
    sums = np.vstack((np.zeros(TIERS.size), np.cumsum(each, axis=0)))
    windows = sums[DAY:] - sums[:-DAY]
    found: Floats = windows[1:] / windows[1:].sum(axis=1, keepdims=True)
    return found


def count_alarms(series: Sequence[int]) -> list[int]:
    """Return the minutes in which a change of a count is told."""
    detector = CountChanges()
    return [at for at, one in enumerate(series) if detector.see(at, one) is not None]


def share_alarms(series: Floats) -> list[int]:
    """Return the minutes in which a change of a tier's share is told."""
    detectors = [ShareChanges() for _ in TIERS]
    found = []
    for at, row in enumerate(series.tolist()):
        if [
            one for one, share in zip(detectors, row, strict=True)
            if one.see(at, share) is not None
        ]:  # fmt: skip
            found.append(at)
    return found


def delay(alarms: Sequence[int], changed: int) -> float:
    """Return the minutes from a change to the first alarm after it; infinite for none."""
    return min((at + 1.0 - changed for at in alarms if at >= changed), default=np.inf)


def delays_of_counts(
    rng: np.random.Generator, stream: Stream, changes: int, times: float
) -> list[float]:
    """Return how long it takes to find that posts are so many times as many."""
    found = []
    for _ in range(changes):
        series = counts(rng, stream, DAY) + counts(rng, stream, HOUR, times)
        found.append(delay(count_alarms(series), DAY))
    return found


def delays_of_shares(
    rng: np.random.Generator, stream: Stream, changes: int, over: int
) -> list[float]:
    """Return how long it takes to find five points that come in so many minutes."""
    return [
        delay(share_alarms(shares(rng, stream, 5 * HOUR, over)), 4 * HOUR) for _ in range(changes)
    ]


def row(
    what: str, stream: Stream, weeks: int, alarms: int, kinds: Sequence[tuple[str, list[float]]]
) -> Iterator[str]:
    """Write what was found of a stream, a line for each kind of change."""
    for kind, found in kinds:
        median, late = np.median(found), np.quantile(found, 0.9, method="higher")
        soon = np.mean([one <= SOON for one in found])
        yield (
            f"| {what} | {stream.name} | {alarms / weeks:.2f} | {kind} | {_minutes(median)} | "
            f"{_minutes(late)} | {100 * soon:.0f} % |"
        )


def _minutes(delay: float) -> str:
    return f"{delay:.0f} min" if np.isfinite(delay) else "not within the hour"


def measure(weeks: int, changes: int, seed: int, say: Callable[[str], None]) -> None:
    """Look at all streams, and say a line of a table for each."""
    say("| watched | posts a minute | false alarms a week | change | median | 90 % | in 30 min |")
    say("|---|---|---:|---|---:|---:|---:|")
    for place, stream in enumerate(COUNTS):
        rng = np.random.default_rng((seed, place))
        alarms = sum(len(count_alarms(counts(rng, stream, WEEK))) for _ in range(weeks))
        rise = delays_of_counts(rng, stream, changes, 1.5)
        for line in row("posts", stream, weeks, alarms, [("+50 %", rise)]):
            say(line)
    for place, stream in enumerate(SHARES):
        rng = np.random.default_rng((seed, 100 + place))
        alarms = sum(len(share_alarms(shares(rng, stream, WEEK))) for _ in range(weeks))
        kinds = [
            (f"+5 points in {over} min", delays_of_shares(rng, stream, changes, over))
            for over in (1, 20)
        ]
        for line in row("shares", stream, weeks, alarms, kinds):
            say(line)


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--weeks", type=int, default=50)
    parser.add_argument("--changes", type=int, default=200)
    parser.add_argument("--seed", type=int, default=19)
    asked = parser.parse_args()

    def say(line: str) -> None:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()

    measure(asked.weeks, asked.changes, asked.seed, say)


if __name__ == "__main__":
    main()
