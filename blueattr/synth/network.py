"""Draw the accounts of the synthetic network and its rhythm, fitted to published counts.

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

__all__ = [
    "Calendar",
    "SynthSpec",
    "SyntheticAccounts",
    "find",
    "generator",
    "in_time",
    "pick",
    "sorted_by",
]

Ints: TypeAlias = npt.NDArray[np.int64]
Floats: TypeAlias = npt.NDArray[np.float64]
Bools: TypeAlias = npt.NDArray[np.bool_]
_Floats32: TypeAlias = npt.NDArray[np.float32]

# The kinds for which each account has its own rate, in the order of the tables below.
LIKE, REPOST, FOLLOW, POST, REPLY, BLOCK = range(6)

# Shares of all events.
RATED = (0.664, 0.1055, 0.0675, 0.0635, 0.0532, 0.0068)
_EVENTS_PER_DAY = 78.0 / 8
"""Mean per account and day: 240.6 million events by 3.09 million accounts in 8 days."""

# For each kind: the fraction of accounts that do it at all, the spread of log rates, and the
# correlation of the rate with an account's overall activity. Fitted, together with the one certain
# event of each account, to the published numbers of accounts by kind and to the published quantiles
# of events per account and of posts per poster.
_DOES = (0.82, 0.47, 0.67, 0.55, 0.40, 0.14)
_SPREAD = (2.2, 2.1, 1.8, 1.8, 1.8, 1.2)
_SHARED = (0.8, 0.75, 0.5, 0.75, 0.75, 0.5)
_AUTHORS = 0.74
"""Fraction of accounts that post, reply, repost or follow; the others only like."""

# Follower quantiles of all accounts; above the last one, a power law with tail exponent 2.25.
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
    """The parameters of a synthetic network.

    The same spec gives the same bytes with the same version of numpy, in practice on any processor:
    results of functions that processors round differently, such as exp, are rounded to half the
    digits before anything is drawn from them.

    Parameters
    ----------
    agents
        Number of accounts that post, reply, repost or follow in the window, each at least once;
        1 to 30 million. Accounts that only like come on top, 26 for every 74.
    days
        Length of the window in days.
    seed
        Seed of all random draws.
    start
        Midnight in UTC at which the window starts. The default is the first day of the fortnight
        for which the topics' daily heat is defined; it repeats every fortnight.
    like_fraction
        Fraction of likes (and of their deletes) to generate, 0 to 1. The pipeline skips likes;
        fewer make a smaller file, and change the shares of events by kind, nothing else.
    topic_share
        Fraction of top-level posts on one of the five topics on an average day, 0 to 1.
    activity
        Events per account and day, as a fraction of the network's, above 0 to 1; less makes a
        smaller file of as many accounts and days. The one certain record of each account and the
        identity, profile and account events stay.

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
        # The longest window then ends before 2100, after which event times are rejected.
        if not midnight or not 2020 <= self.start.year < 2089:
            raise UsageError(f"synth starts at a midnight in UTC, 2020 to 2088, not {self.start}")
        for name in ("like_fraction", "topic_share", "activity"):
            if not 0 <= getattr(self, name) <= 1 or (name == "activity" and not self.activity):
                raise UsageError(f"{name} is a fraction, 0 to 1, not {getattr(self, name)}")


def generator(spec: SynthSpec, *stream: int) -> np.random.Generator:
    """Return the random generator of one purpose, independent of all other draws."""
    return np.random.Generator(np.random.PCG64DXSM([spec.seed, *stream]))


class SyntheticAccounts:
    """All accounts: rates, followers, times of joining and leaving, in arrays of length n."""

    def __init__(self, spec: SynthSpec) -> None:
        self.n = n = max(spec.agents, round(spec.agents / _AUTHORS))
        self.names = names = Names(spec.seed)
        self.authors = spec.agents
        self.full_events_per_day = n * _EVENTS_PER_DAY
        self.events_per_day = self.full_events_per_day * spec.activity
        rng = generator(spec, 0)
        everyone = np.arange(n)
        activity = np.minimum(rng.standard_normal(n), 3.4)
        self._set_rates(spec, rng, everyone, activity)
        self._draw_certain_kinds(rng, everyone)

        # More active accounts are active on more days.
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

    def _draw_certain_kinds(self, rng: np.random.Generator, everyone: Ints) -> None:
        # The kind of each account's one certain event: one that it does, or any kind if it does
        # none. The event is subtracted from the account's expected number.
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
        # Followers correlate with activity.
        order = np.argsort(0.5 * activity + math.sqrt(0.75) * rng.standard_normal(self.n))
        rank = np.empty(self.n)
        rank[order] = (np.arange(self.n) + 0.5) / self.n
        # Between the quantiles a power law too: linear in logarithms.
        fame = np.exp(np.interp(np.log1p(-rank), np.log1p(-_RANKS[::-1]), np.log(_FOLLOWERS[::-1])))
        far = rank > _RANKS[-1]
        fame[far] = _FOLLOWERS[-1] * ((1 - _RANKS[-1]) / (1 - rank[far])) ** (1 / 1.25)
        fame[new] *= 0.1
        self.fame = fame.astype(np.float32)
        self.fame_sum = np.cumsum(self.fame, dtype=np.float64)

    def alive(self, agent: Ints, time: Floats) -> Bools:
        """Return who exists at a time in seconds; numbers from n on always exist."""
        known = agent < self.n
        number = np.where(known, agent, 0)
        return ~known | ((self.birth[number] + 30 < time) & (time < self.death[number]))

    def famous(self, rng: np.random.Generator, size: int) -> Ints:
        """Draw accounts in proportion to their followers."""
        return pick(self.fame_sum, rng, size)


def sorted_by(time: npt.NDArray[np.int32], who: Ints) -> Ints:
    """Return the accounts ``who`` in the order of ``time``, which has a time for every account."""
    return who[np.argsort(time[who], kind="stable")]


def pick(total: Floats, rng: np.random.Generator, size: int) -> Ints:
    """Draw positions in proportion to their weights, given as a running sum."""
    return find(total, rng.random(size))


def find(total: Floats, place: Floats) -> Ints:
    """Return the positions of places between 0 and 1 in a running sum of weights."""
    # In sorted order, neighbours are in the same part of memory: less than half the time.
    order = np.argsort(place)
    position = np.empty(place.size, np.int64)
    position[order] = np.searchsorted(total, place[order] * total[-1], side="right")
    # The product can round up to the total, which is past the last position.
    return np.minimum(position, total.size - 1)


def in_time(time: Floats) -> Ints:
    """Return the stable order by time."""
    order = np.argsort(time)
    # Several times as fast as a stable sort, and the same if there are no ties.
    if np.any(np.diff(time[order]) == 0):
        order = np.argsort(time, kind="stable")
    return order


class Calendar:
    """The intensity of each hour of the window, its slices, and the heat of each topic by day."""

    def __init__(self, spec: SynthSpec, events_per_day: float) -> None:
        rng = generator(spec, 2)
        days = np.arange(spec.days)
        weekday = (spec.start.weekday() + days) % 7
        # Rounded to float32 like the rates of accounts.
        noise = np.exp(0.09 * rng.standard_normal(spec.days)).astype(np.float32)
        self.day_weight = _WEEKDAYS[weekday] * noise
        hours = (self.day_weight[:, None] * _HOURS).ravel()
        self.passed = np.concatenate(([0.0], np.cumsum(hours)))
        # In days: an account's expected number of events is its daily rate times this.
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
        """Convert intensity-weighted days to seconds from the start."""
        return np.interp(passed, self.passed, self.clock)

    def at(self, seconds: Floats) -> Floats:
        """Convert seconds from the start to intensity-weighted days."""
        return np.interp(seconds, self.clock, self.passed)
