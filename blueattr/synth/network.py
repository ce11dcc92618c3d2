"""Who is on the synthetic network and how time passes there, fitted to published counts.

docs/data.md, "Synthetic events", has the figures and their sources.
"""

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import NormalDist
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from blueattr.errors import UsageError
from blueattr.synth.text import HEAT, Names

__all__ = ["Accounts", "Calendar", "SynthSpec", "find", "generator", "in_time", "pick", "sorted_by"]


Ints: TypeAlias = npt.NDArray[np.int64]
Floats: TypeAlias = npt.NDArray[np.float64]
Bools: TypeAlias = npt.NDArray[np.bool_]
_Floats32: TypeAlias = npt.NDArray[np.float32]


# The kinds that come at an account's own rates; the order is that of the tables below.
LIKE, REPOST, FOLLOW, POST, REPLY, BLOCK = range(6)


# Shares of all events. `writing` by an account's own rates; the rest uniformly or by rule.
RATED = (0.664, 0.1055, 0.0675, 0.0635, 0.0532, 0.0068)
_EVENTS_PER_DAY = 78.0 / 8
"""Mean per account and day: 240.6 million events by 3.09 million accounts in 8 days."""


# Fitted, together with the one event that everyone has, to the published counts per account: how
# many do each kind at all, quantiles of events per account and of posts per poster.
_DOES = (0.82, 0.47, 0.67, 0.55, 0.40, 0.14)
_SPREAD = (2.2, 2.1, 1.8, 1.8, 1.8, 1.2)
_SHARED = (0.8, 0.75, 0.5, 0.75, 0.75, 0.5)
_AUTHORS = 0.74
"""Part of all accounts that post, reply, repost or follow; the others only like."""


# Followers by rank, of all accounts; above the last quantile a power law of tail exponent 2.25.
_RANKS = np.array([0.0, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.995, 0.999, 0.9999])
_FOLLOWERS = np.array([0.2, 0.4, 1.0, 6.0, 34.0, 85.0, 400.0, 701.0, 2238.0, 11241.0])


# Peak 14 to 22 UTC, trough 06 to 10.
_HOURS = np.array(
    [
        *(1.00, 0.96, 0.90, 0.83, 0.76, 0.70, 0.66, 0.64, 0.65, 0.69, 0.77, 0.88),
        *(1.00, 1.10, 1.18, 1.22, 1.24, 1.25, 1.26, 1.27, 1.26, 1.22, 1.15, 1.07),
    ]
)
_WEEKDAYS = np.array([1.01, 1.03, 1.05, 1.02, 1.0, 0.96, 0.92])


_NEVER = np.iinfo(np.int32).max
_SLICE_EVENTS = 250_000
_MOST_AGENTS = 30_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CALENDAR = datetime(2026, 4, 9, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class SynthSpec:
    """What to generate; the same spec gives the same bytes with the same version of numpy.

    A processor makes no difference in practice: what is computed by functions that processors
    round differently is itself rounded to half the digits before anything is drawn from it.

    Parameters
    ----------
    agents
        Accounts that post, reply, repost or follow inside the window, each at least once; 1 to 30
        million. Accounts that only like come on top, 26 for every 74.
    days
        Length of the window.
    seed
        Everything random follows from it.
    start
        Midnight in UTC at which the window starts. The default is the first day of the topics'
        fortnight; other days follow its calendar, repeated every fortnight.
    like_fraction
        Part of the likes (and their removals) to write, 0 to 1. The pipeline skips likes; leaving
        some out makes a smaller file and falsifies the shares of events by kind, nothing else.
    topic_share
        Part of top-level posts that are on one of the five topics, 0 to 1, on an average day.
    activity
        Part of the network's events per account and day to aim at, over 0 to 1: less makes a
        smaller file of as many accounts and days. Everyone's one certain record, and what is told
        of accounts (identity, profile, status), stays.

    Raises
    ------
    UsageError
        A value outside its range.
    """

    agents: int = 2000
    days: int = 14
    seed: int = 0
    start: datetime = _CALENDAR
    like_fraction: float = 1.0
    topic_share: float = 0.06
    activity: float = 1.0

    def __post_init__(self) -> None:
        if not 1 <= self.agents <= _MOST_AGENTS:
            raise UsageError(f"synth makes 1 to {_MOST_AGENTS:,} agents, not {self.agents:,}")
        if not 1 <= self.days <= 3660:
            raise UsageError(f"synth makes 1 to 3660 days, not {self.days}")
        if not 0 <= self.seed < 2**63:
            raise UsageError(f"a seed is a whole number from 0 to 2^63 - 1, not {self.seed}")
        midnight = self.start.utcoffset() == timedelta(0) and not (self.start - EPOCH) % (
            timedelta(days=1)
        )
        # Ten years later it is still before 2100, after which no event's time is believed.
        if not midnight or not 2020 <= self.start.year < 2089:
            raise UsageError(f"synth starts at a midnight in UTC, 2020 to 2088, not {self.start}")
        for name in ("like_fraction", "topic_share", "activity"):
            if not 0 <= getattr(self, name) <= 1 or (name == "activity" and not self.activity):
                raise UsageError(f"{name} is a part, 0 to 1, not {getattr(self, name)}")


def generator(spec: SynthSpec, *stream: int) -> np.random.Generator:
    """Give the random numbers of one purpose: the same ones whatever else was drawn before."""
    return np.random.Generator(np.random.PCG64DXSM([spec.seed, *stream]))


class Accounts:
    """Everyone on the network: rates, followers, when they join and leave. Arrays of length n."""

    def __init__(self, spec: SynthSpec) -> None:
        self.n = n = max(spec.agents, round(spec.agents / _AUTHORS))
        self.names = names = Names(spec.seed)
        self.authors = spec.agents
        self.told_per_day = n * _EVENTS_PER_DAY
        self.events_per_day = self.told_per_day * spec.activity
        rng = generator(spec, 0)
        everyone = np.arange(n)
        activity = np.minimum(rng.standard_normal(n), 3.4)
        self._set_rates(spec, rng, everyone, activity)
        self._make_sure(rng, everyone)

        # Who does more does it on more days.
        week = np.maximum(np.sum(self.rates, axis=0, dtype=np.float64) * (8 / spec.days), 0.05)
        presence = np.clip(1 / (1 + np.exp(1.9 - 0.92 * np.log(week))), 0.06, 1)
        self.presence: _Floats32 = presence.astype(np.float32)
        self.rates[LIKE] *= np.float32(spec.like_fraction)

        new = names.new(everyone)
        self._set_fame(rng, activity, new)

        # Seconds from the start.
        end = spec.days * 86400
        self.birth = np.where(new, 60 + rng.random(n) * (end - 7200), -_NEVER).astype(np.int32)
        leaves = ~new & (rng.random(n) < 1 - math.exp(-0.0006 * spec.days))
        self.death = np.where(leaves, 7200 + rng.random(n) * (end - 7260), _NEVER).astype(np.int32)
        self.born = sorted_by(self.birth, np.flatnonzero(new))
        self.dead = sorted_by(self.death, np.flatnonzero(leaves))

    def _set_rates(
        self, spec: SynthSpec, rng: np.random.Generator, everyone: Ints, activity: Floats
    ) -> None:
        # Like, repost, follow, post, reply, block: expected records in the window.
        lurks, bot = everyone >= spec.agents, self.names.bot(everyone)
        self.rates: list[_Floats32] = []
        for kind, (share, does) in enumerate(zip(RATED, _DOES, strict=True)):
            shared = _SHARED[kind]
            own = np.minimum(rng.standard_normal(self.n), 3.4)
            rate = np.exp(_SPREAD[kind] * (shared * activity + math.sqrt(1 - shared**2) * own))
            willing = 0.5 * activity + math.sqrt(0.75) * rng.standard_normal(self.n)
            acts = willing > NormalDist().inv_cdf(1 - does)
            if kind == LIKE:
                rate[lurks] *= math.exp(-1.5)
                acts |= lurks
            else:
                acts &= ~lurks
            if kind in (POST, REPLY):
                acts |= bot & ~lurks
                rate[bot] *= 5
            rate *= acts
            total = share * self.events_per_day * spec.days
            # Rounded to float32 so that the last bit of exp(), which differs between processors,
            # cannot change what is drawn.
            self.rates.append((rate * (total / max(rate.sum(), 1e-9))).astype(np.float32))

    def _make_sure(self, rng: np.random.Generator, everyone: Ints) -> None:
        # Everyone's one certain event is of a kind they do, for the idle of any; it is taken off
        # what they are expected to do.
        kinds = (REPOST, FOLLOW, POST, REPLY)
        place = rng.random(self.n) * sum(self.rates[kind] for kind in kinds)
        self.sure_kind = np.full(self.n, LIKE, np.int8)
        below = np.zeros(self.n)
        for kind in kinds:
            self.sure_kind[(place >= below) & (self.rates[kind] > 0)] = kind
            below += self.rates[kind]
        idle = (everyone < self.authors) & (below == 0)
        self.sure_kind[idle] = rng.choice(kinds, int(idle.sum()), p=[0.25, 0.45, 0.2, 0.1])
        for kind, rate in enumerate(self.rates):
            np.maximum(rate - (self.sure_kind == kind), 0, out=rate)

    def _set_fame(self, rng: np.random.Generator, activity: Floats, new: Bools) -> None:
        # Followers go with activity, but are not the same.
        order = np.argsort(0.5 * activity + math.sqrt(0.75) * rng.standard_normal(self.n))
        rank = np.empty(self.n)
        rank[order] = (np.arange(self.n) + 0.5) / self.n
        # Between the quantiles a power law, too: straight where both axes are logarithmic.
        fame = np.exp(np.interp(np.log1p(-rank), np.log1p(-_RANKS[::-1]), np.log(_FOLLOWERS[::-1])))
        far = rank > _RANKS[-1]
        fame[far] = _FOLLOWERS[-1] * ((1 - _RANKS[-1]) / (1 - rank[far])) ** (1 / 1.25)
        fame[new] *= 0.1
        self.fame = fame.astype(np.float32)
        self.fame_sum = np.cumsum(self.fame, dtype=np.float64)

    def alive(self, agent: Ints, time: Floats) -> Bools:
        """Tell who exists at a time, in seconds; accounts outside the window's always do."""
        known = agent < self.n
        number = np.where(known, agent, 0)
        return ~known | ((self.birth[number] + 30 < time) & (time < self.death[number]))

    def famous(self, rng: np.random.Generator, size: int) -> Ints:
        """Draw accounts in proportion to their followers."""
        return pick(self.fame_sum, rng, size)


def sorted_by(time: npt.NDArray[np.int32], who: Ints) -> Ints:
    """Sort accounts by their times, which are those of all accounts."""
    return who[np.argsort(time[who], kind="stable")]


def pick(total: Floats, rng: np.random.Generator, size: int) -> Ints:
    """Draw positions in proportion to their weights, given the running sum of these."""
    return find(total, rng.random(size))


def find(total: Floats, place: Floats) -> Ints:
    """Look up places between 0 and 1 in a running sum of weights."""
    # Neighbours are found in the same part of memory: sorted, in less than half the time.
    order = np.argsort(place)
    found = np.empty(place.size, np.int64)
    found[order] = np.searchsorted(total, place[order] * total[-1], side="right")
    # The product can round up to the last sum, which is nobody's.
    return np.minimum(found, total.size - 1)


def in_time(time: Floats) -> Ints:
    """Sort by time; what happens at the same time stays in its order."""
    order = np.argsort(time)
    # That is several times as fast as a stable sort, from which only ties tell it apart.
    if np.any(np.diff(time[order]) == 0):
        order = np.argsort(time, kind="stable")
    return order


class Calendar:
    """How time passes: intensity per hour, and the slices of the window."""

    def __init__(self, spec: SynthSpec, events_per_day: float) -> None:
        rng = generator(spec, 2)
        days = np.arange(spec.days)
        weekday = (spec.start.weekday() + days) % 7
        # Rounded for the same reason as the rates of accounts.
        noise = np.exp(0.09 * rng.standard_normal(spec.days)).astype(np.float32)
        self.day_weight = _WEEKDAYS[weekday] * noise
        hours = (self.day_weight[:, None] * _HOURS).ravel()
        self.passed = np.concatenate(([0.0], np.cumsum(hours)))
        # In days: an account's daily rate times the passed time is what it does.
        self.passed *= spec.days / self.passed[-1]
        self.clock = np.arange(hours.size + 1) * 3600.0
        per_hour = events_per_day / 24 * 1.5
        parts = next(
            (m for m in (1, 2, 3, 4, 6, 10, 15, 20, 30) if per_hour / m <= _SLICE_EVENTS), 60
        )
        self.edges = np.arange(hours.size * parts + 1) * (3600 // parts)
        self.per_day = 24 * parts
        offset = (spec.start - _CALENDAR).days
        heat = np.array(HEAT).T
        self.heat = (heat / heat.mean(axis=0))[(offset + days) % len(heat)]

    def seconds(self, passed: Floats) -> Floats:
        """Map passed time back to seconds of the clock."""
        return np.interp(passed, self.passed, self.clock)

    def at(self, seconds: Floats) -> Floats:
        """Map seconds of the clock to passed time."""
        return np.interp(seconds, self.clock, self.passed)
