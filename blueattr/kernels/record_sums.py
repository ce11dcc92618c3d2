# mypy: allow-untyped-defs, allow-untyped-calls
# (numba infers the types of what it compiles; what is public here is typed.)
# ruff: noqa: PLR0917 (kernels take their arguments by position)
"""What each record of many received, and what all are worth: keys of each account, sorted.

Sums are of whole numbers of 2^-80ths, in three parts of 32 bits: their order does not matter.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from blueattr.kernels import compiled
from blueattr.kernels.compiled import FloatArray, IntArray

__all__ = ["SCALE", "PostRows", "RecordSums", "Summed"]


SCALE = 1 << 80
"""What values are whole numbers of, as parts of the total: see `RecordSums`."""

_SCALE = float(SCALE)
_HALF = 2.0**32
_HOUR = 3_600_000_000  # microseconds
_QUOTE = 2
_FEW = 24  # keys that are sorted by insertion


class PostRows(NamedTuple):
    """Posts and reposts, and quotes beside their posts.

    Parameters
    ----------
    time
        int64, microseconds since 1970.
    account, subject
        uint32: who wrote it and to whom; the author where it is to nobody.
    key
        int64: the key of what is answered, reposted or quoted.
    kind
        uint8: 0 for a post or reply, 1 for a repost, 2 for a quote.
    """

    time: IntArray
    account: npt.NDArray[np.uint32]
    subject: npt.NDArray[np.uint32]
    key: IntArray
    kind: npt.NDArray[np.uint8]


class Summed(NamedTuple):
    """What all records are worth together.

    Parameters
    ----------
    records
        How many there are: of those that count, and those that received something.
    worth
        Their values together, in `SCALE` parts of the total.
    best
        float64 (n,): the largest value of a record of each agent that has a key; -inf without one.
    """

    records: int
    worth: int
    best: FloatArray


@compiled.jit()
def _cut(value, part):
    """Write a whole number, as a float64, in three parts of 32 bits; the last has the sign."""
    rounded = np.rint(value)
    high = np.floor(rounded / _HALF)
    part[0] = np.int64(rounded - high * _HALF)
    higher = np.floor(high / _HALF)
    part[1] = np.int64(high - higher * _HALF)
    part[2] = np.int64(higher)


@compiled.jit()
def _cut_all(values, total, parts):
    for i in range(values.size):
        _cut(values[i] / total * _SCALE, parts[i])


@compiled.jit()
def _written(time, account, kind, unit_of, begin, parts, hits, hours):
    """Count records by hour, and add up what they are worth to who wrote them."""
    for i in range(account.size):
        unit = unit_of[account[i]]
        if unit < 0 or kind[i] == _QUOTE:
            continue
        hour = (time[i] - begin) // _HOUR
        hits[hour] += 1
        for k in range(3):
            hours[hour, k] += parts[unit, k]


@compiled.jit()
def _received(
    time, account, subject, key, kind, place, is_gone, counts, begin, parts, hits, hours, room, keys
):
    """Put keys of what others answered, reposted or quoted into the order of accounts.

    Return whether there are as many of each as there is room for.
    """
    for i in range(account.size):
        agent = place[subject[i]]
        if agent < 0 or subject[i] == account[i] or not counts[kind[i]]:
            continue
        if is_gone.size and is_gone[account[i]]:
            continue
        hour = (time[i] - begin) // _HOUR
        hits[hour] += 1
        unit = room[agent, 2]
        for k in range(3):
            hours[hour, k] += parts[unit, k]
        free = room[agent, 0]
        if free == room[agent, 1]:
            return False
        keys[free] = key[i]
        room[agent, 0] = free + 1
    return True


@compiled.jit()
def _sort(keys, start, stop, first, last):
    """Sort the keys of each of some accounts; return how many different ones they have."""
    different = 0
    for agent in range(first, last):
        low, past = start[agent], stop[agent]
        if past - low > _FEW:
            keys[low:past].sort()
        else:
            for i in range(low + 1, past):
                key, j = keys[i], i - 1
                while j >= low and keys[j] > key:
                    keys[j + 1] = keys[j]
                    j -= 1
                keys[j + 1] = key
        for i in range(low, past):
            if i == low or keys[i] != keys[i - 1]:
                different += 1
    return different


@compiled.jit()
def _number(keys, start, stop, times, first_of):
    """Leave each key once, at the beginning of `keys`, and count how often it was there."""
    met = 0
    for agent in range(start.size):
        first_of[agent] = met
        for i in range(start[agent], stop[agent]):
            if met > first_of[agent] and keys[met - 1] == keys[i]:
                times[met - 1] += 1
            else:
                keys[met] = keys[i]
                times[met] = 1
                met += 1
    first_of[start.size] = met


@compiled.jit()
def _mark(account, key, spans, keys, is_written):
    """Mark the keys that are those of posts that count."""
    for i in range(account.size):
        low, past = np.int64(spans[account[i], 0]), np.int64(spans[account[i], 1])
        end = past
        while low < past:
            middle = (low + past) // 2
            if keys[middle] < key[i]:
                low = middle + 1
            else:
                past = middle
        if low < end and keys[low] == key[i]:
            is_written[low] = True


@compiled.jit()
def _sum_up(keys, times, is_written, first_of, written, unit_a, unit_c, total, no_key, sums, best):
    """Add up the values of all records; return how many records there are."""
    part = np.zeros(3, np.int64)
    records = 0
    for agent in range(written.size):
        alone = written[agent]
        records += alone
        for i in range(first_of[agent], first_of[agent + 1]):
            own = 0.0
            if is_written[i]:
                own = unit_a[agent]
                alone -= 1
            else:
                records += 1
            value = own + times[i] * unit_c[agent]
            _cut(value / total * _SCALE, part)
            sums += part
            if keys[i] != no_key:
                best[agent] = max(best[agent], value)
        if alone:
            _cut(unit_a[agent] / total * _SCALE, part)
            sums += alone * part
            best[agent] = max(best[agent], unit_a[agent])
    return records


def _whole(parts: IntArray) -> int:
    low, middle, high = (int(part) for part in parts)
    return low + (middle << 32) + (high << 64)


@dataclass
class RecordSums:
    """Sums of the values of all records of agents, and of hours.

    Rows are added first, then the keys of the posts that count.

    Parameters
    ----------
    place
        int32, by the number of an account: which agent it is; -1 for none.
    gone
        Numbers of accounts that are gone, so that what they wrote counts for nobody.
    unit_a, unit_c
        float64 (n,): what one record, and what was received once, is worth to each agent.
    written, received
        int64 (n,): how many records each agent wrote, and how often it receives something.
    counts
        bool (3,): whether answers, reposts and quotes count as received.
    total
        What values are parts of.
    begin
        Microseconds since 1970 of the first hour's start.
    n_hours
        How many hours there are.
    no_key
        The key of what has none.
    """

    place: npt.NDArray[np.int32]
    gone: npt.NDArray[np.uint32]
    unit_a: FloatArray
    unit_c: FloatArray
    written: IntArray
    received: IntArray
    counts: npt.NDArray[np.bool_]
    total: float
    begin: int
    n_hours: int
    no_key: int

    def __post_init__(self) -> None:
        """Make room for what is added."""
        n = self.unit_a.size
        self._is_gone = np.zeros(self.place.size if self.gone.size else 0, np.bool_)
        if self.gone.size:
            self._is_gone[self.gone] = True
        # Of many agents a record is worth the same: what is looked up for each row lies close.
        self._parts_a, unit_a = self._units(self.unit_a)
        self._parts_c, unit_c = self._units(self.unit_c)
        self._unit_of = np.full(self.place.size, -1, np.int32)
        is_agent = self.place >= 0
        self._unit_of[is_agent] = unit_a[self.place[is_agent]]
        self._hits = np.zeros((2, self.n_hours), np.int64)
        self._hours = np.zeros((2, self.n_hours, 3), np.int64)
        past = np.cumsum(self.received)
        self._start = past - self.received
        self._room = np.column_stack([self._start, past, unit_c])
        self._keys = np.empty(int(past[-1]) if n else 0, np.int64)

    def _units(self, values: FloatArray) -> tuple[IntArray, IntArray]:
        """Return the different ones in parts, int64 (u, 3), and which each agent's is."""
        different, which = np.unique(values, return_inverse=True)
        parts = np.zeros((different.size, 3), np.int64)
        _cut_all(different, self.total, parts)
        return parts, which.reshape(-1)

    def add(self, rows: PostRows) -> bool:
        """Add records, and return whether nobody received more than there is room for.

        Raises
        ------
        IndexError
            An account is beyond those that have a place.
        """
        self._check(rows.account, rows.subject)

        def written() -> None:
            _written(
                rows.time, rows.account, rows.kind, self._unit_of, self.begin, self._parts_a,
                self._hits[0], self._hours[0],
            )  # fmt: skip

        def received() -> bool:
            return bool(
                _received(
                    *rows, self.place, self._is_gone, self.counts, self.begin, self._parts_c,
                    self._hits[1], self._hours[1], self._room, self._keys,
                )
            )  # fmt: skip

        return compiled.each(lambda work: work(), [(written,), (received,)])[1] is not False

    @property
    def is_whole(self) -> bool:
        """Whether as many records were added as the agents wrote."""
        return int(self._hits[0].sum()) == int(self.written.sum())

    def _check(self, *accounts: npt.NDArray[np.uint32]) -> None:
        if any(some.size and some.max() >= self.place.size for some in accounts):
            raise IndexError("an account is beyond those that have a place")

    @property
    def hours(self) -> list[tuple[int, int, int]]:
        """Of each hour with something its place, its records, and its worth in `SCALE` parts."""
        worth = self._hours.sum(axis=0)
        return [
            (hour, int(self._hits[0, hour]), _whole(worth[hour]))
            for hour in np.flatnonzero(self._hits.any(axis=0)).tolist()
        ]

    def sort(self) -> None:
        """Put in order what was added; nothing is added any more."""
        n, stop = self.unit_a.size, np.ascontiguousarray(self._room[:, 0])
        stretches = compiled.stretches(n)
        different = compiled.each(
            lambda first, last: _sort(self._keys, self._start, stop, first, last), stretches
        )
        self._times = np.zeros(sum(different), np.int64)
        self._first_of = np.zeros(n + 1, np.int64)
        _number(self._keys, self._start, stop, self._times, self._first_of)
        self._is_written = np.zeros(self._times.size, np.bool_)
        # By account, for posts that are many: where the keys of each begin and end, in few bytes.
        self._spans = np.zeros((self.place.size, 2), np.uint32)
        is_agent = self.place >= 0
        agents = self.place[is_agent]
        self._spans[is_agent, 0] = self._first_of[agents]
        self._spans[is_agent, 1] = self._first_of[agents + 1]

    def mark(self, account: npt.NDArray[np.uint32], key: IntArray) -> None:
        """Mark posts that count among what received something; IndexError as for `add`."""
        self._check(account)

        def work(start: int, stop: int) -> None:
            _mark(account[start:stop], key[start:stop], self._spans, self._keys, self._is_written)

        compiled.spread(account.size, work)

    def summed(self) -> Summed:
        """Sum up the values of all records."""
        sums = np.zeros(3, np.int64)
        best = np.full(self.unit_a.size, -np.inf)
        records = _sum_up(
            self._keys, self._times, self._is_written, self._first_of, self.written,
            self.unit_a, self.unit_c, self.total, self.no_key, sums, best,
        )  # fmt: skip
        return Summed(int(records), _whole(sums), best)
