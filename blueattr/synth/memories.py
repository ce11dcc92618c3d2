"""Remember the past of the synthetic stream, in bounded memory."""

import math

import numpy as np
import numpy.typing as npt

from blueattr.synth.network import Bools, Floats, Ints
from blueattr.synth.text import IntArray, unit

__all__ = ["BloomFilter", "Recent", "Removable", "Reposts"]


class Recent:
    """The latest posts, which replies and reposts point to: a ring buffer."""

    def __init__(self, capacity: int) -> None:
        self.size = self.next = 0
        self.capacity = capacity
        self.post, self.root = np.zeros((2, capacity), np.int64), np.zeros((2, capacity), np.int64)
        self.weight, self.time = np.zeros(capacity, np.float32), np.zeros(capacity, np.float32)
        self.topic = np.zeros(capacity, np.int8)

    def add(self, post: Ints, root: Ints, weight: Floats, time: float, topic: IntArray) -> None:
        """Add posts, given (author, rkey_us) of each and of its thread's root."""
        count = min(post.shape[1], self.capacity)
        where = (self.next + np.arange(count)) % self.capacity
        self.post[:, where], self.root[:, where] = post[:, -count:], root[:, -count:]
        self.weight[where], self.time[where] = weight[-count:], time
        self.topic[where] = topic[-count:]
        self.next = (self.next + count) % self.capacity
        self.size = min(self.size + count, self.capacity)

    def chances(self, time: float) -> Floats:
        """Return the running sum of weights at a time in seconds; weights halve every 5 hours."""
        age = (time - self.time[: self.size].astype(np.float64)) / (5 * 3600)
        return np.cumsum((self.weight[: self.size] * np.exp2(-age)).astype(np.float32), dtype=float)


class Removable:
    """The latest records of one kind, which deletes name, each at most once: a ring buffer."""

    def __init__(self, capacity: int) -> None:
        self.size = self.next = 0
        self.record = np.zeros((2, capacity), np.int64)

    def add(self, agent: Ints, rkey: Ints) -> None:
        """Add records."""
        capacity = self.record.shape[1]
        count = min(agent.size, capacity)
        where = (self.next + np.arange(count)) % capacity
        self.record[:, where] = agent[-count:], rkey[-count:]
        self.next = (self.next + count) % capacity
        self.size = min(self.size + count, capacity)

    def take(self, rng: np.random.Generator, count: int) -> Ints:
        """Take out at most ``count`` records: agent and rkey_us, int64 (2, taken)."""
        if not self.size:
            return np.zeros((2, 0), np.int64)
        where = np.unique(rng.integers(self.size, size=count))
        where = where[self.record[0, where] >= 0]
        taken = self.record[:, where].copy()
        self.record[0, where] = -1
        return taken


class Reposts:
    """The latest reposts, by which others may have come to a post: a ring buffer."""

    def __init__(self, capacity: int) -> None:
        self.size = self.next = 0
        self.repost = np.zeros((2, capacity), np.int64)
        self.key = np.zeros(capacity, np.uint64)

    def add(self, post: Ints, repost: Ints) -> None:
        """Add reposts, given (author, rkey_us) of each and of its post."""
        capacity = self.key.size
        count = min(post.shape[1], capacity)
        where = (self.next + np.arange(count)) % capacity
        self.key[where] = _key(post[:, -count:]) if count else 0
        self.repost[:, where] = repost[:, -count:]
        self.next = (self.next + count) % capacity
        self.size = min(self.size + count, capacity)

    def earlier(self, post: Ints, place: Floats) -> tuple[Bools, Ints]:
        """Draw an earlier repost of each post: whether there is one, and (author, rkey_us)."""
        order = np.argsort(self.key[: self.size], kind="stable")
        known, wanted = self.key[order], _key(post)
        first = np.searchsorted(known, wanted)
        count = np.searchsorted(known, wanted, side="right") - first
        found = count > 0
        at = (first + (place * count).astype(np.int64))[found]
        repost = np.zeros(post.shape, np.int64)
        repost[:, found] = self.repost[:, order[at]]
        return found, repost


def _key(post: Ints) -> npt.NDArray[np.uint64]:
    # Few posts have the same key; a repost by another way than its own is no harm.
    return (unit(0, 51, post[0] * 1_000_003 + post[1]) * 2**53).astype(np.uint64)


class BloomFilter:
    """A Bloom filter with one hash: who has followed or reposted what. Few keys collide."""

    def __init__(self, expected: float, most: int) -> None:
        size = 1 << max(16, math.ceil(math.log2(max(8 * min(expected, most), 1))))
        self.bits = np.zeros(size // 8, np.uint8)
        self.mask = size - 1

    def fresh(self, *key: Ints) -> Bools:
        """Return which keys are new, and remember them."""
        where = key[0]
        for part in key[1:]:
            where = (unit(0, 50, where * 1_000_003 + part) * 2**53).astype(np.int64)
        where &= self.mask
        byte, bit = where >> 3, (1 << (where & 7)).astype(np.uint8)
        fresh = np.zeros(where.size, np.bool_)
        fresh[np.unique(where, return_index=True)[1]] = True
        fresh &= (self.bits[byte] & bit) == 0
        np.bitwise_or.at(self.bits, byte[fresh], bit[fresh])
        return fresh
