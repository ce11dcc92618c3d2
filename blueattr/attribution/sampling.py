"""Draws small samples of a panel, by protocol and seed."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from blueattr import kernels
from blueattr.attribution.inputs import Panel
from blueattr.errors import SampleSizeError, UsageError
from blueattr.kernels import FloatArray, IndexArray, IntArray
from blueattr.suggest import did_you_mean

__all__ = [
    "DEFAULT_SIZES",
    "PROTOCOLS",
    "Protocol",
    "Sampler",
    "check_protocol",
    "check_seed",
    "fit_sizes",
    "smallest",
]


Protocol = Literal["visibility", "top", "active", "random"]
PROTOCOLS: tuple[Protocol, ...] = get_args(Protocol)


DEFAULT_SIZES = (100, 1000)


_STRETCH = 1 << 16
"""Agents whose keys are drawn at a time: what is worked on stays in the cache."""


def fit_sizes(
    n: int, sizes: Sequence[int] | None, default: Sequence[int] = DEFAULT_SIZES
) -> tuple[tuple[int, ...], str]:
    """Choose the sizes of samples of a panel.

    Parameters
    ----------
    n
        The number of agents, at least 1.
    sizes
        Those asked for, which stay as they are; None for the default ones that are smaller than
        the panel, or for half the panel if none is.
    default
        Ascending.

    Returns
    -------
    tuple of int
    str
        A sentence on what was left out of the default; empty if nothing was.

    Examples
    --------
    >>> fit_sizes(300, None)
    ((100,), 'Samples of 1,000 are left out: the panel has 300 agents.')
    >>> fit_sizes(20, None)[0], fit_sizes(20, (30,))[0]
    ((10,), (30,))
    """
    if sizes is not None:
        return tuple(sizes), ""
    fitting = tuple(size for size in default if size < n)
    if len(fitting) == len(default):
        return fitting, ""
    agents = f"{n:,} agent" + ("" if n == 1 else "s")
    missing = " and ".join(f"{size:,}" for size in default[len(fitting) :])
    if fitting:
        return fitting, f"Samples of {missing} are left out: the panel has {agents}."
    half = max(1, n // 2)
    return (half,), f"The panel has {agents}, so samples are of {half:,} instead of {missing}."


def check_protocol(name: str) -> Protocol:
    """Check a protocol's name.

    Raises
    ------
    UsageError
        For another name; the message has the nearest valid one.
    """
    for protocol in PROTOCOLS:
        if name == protocol:
            return protocol
    hint = did_you_mean(str(name), PROTOCOLS, f"there are {', '.join(PROTOCOLS)}", quoted=True)
    raise UsageError(f"no protocol is called {name!r}; {hint}")


def check_seed(seed: int) -> None:
    """Check a seed.

    Raises
    ------
    UsageError
        When it is negative.
    """
    if seed < 0:
        raise UsageError(f"a seed is a whole number from 0 on, not {seed}")


@dataclass(frozen=True)
class Sampler:
    """Draws samples from one panel, whose agents are in order of DID.

    Parameters
    ----------
    followers
        float64 (n,), raw counts.
    activity
        float64 (n,), raw counts where they are known, else the feature a.
    order
        uint32 (n,), the agents from the most followed down, as `blueattr.attribution.tiers.rank`
        gives it.

    Notes
    -----
    Successive sampling without replacement: each draw takes one of the remaining agents with
    probability proportional to its weight w_i. Equivalently, the N smallest of E_i / w_i with
    independent standard exponential E_i. Efraimidis & Spirakis (2006), "Weighted random sampling
    with a reservoir", Inf. Process. Lett. 97(5), use e^(-E) instead. docs/methods.md, "Samples".
    """

    followers: FloatArray
    activity: FloatArray
    order: IndexArray

    @classmethod
    def of(cls, panel: Panel) -> "Sampler":
        """Draw from the agents of a panel."""
        return cls(panel.followers, panel.activity, panel.order)

    def available(self, protocol: Protocol) -> int:
        """Count the agents that the protocol can draw."""
        return int(np.count_nonzero(self.activity)) if protocol == "active" else self.order.size

    def check_size(self, protocol: Protocol, size: int) -> None:
        """Check that a sample of this size exists.

        Raises
        ------
        UsageError
            When the size is less than 1.
        SampleSizeError
            When there are too few agents.
        """
        if size < 1:
            raise UsageError(f"a sample has at least one agent, not {size}")
        if size > self.order.size:
            raise SampleSizeError(
                f"a sample of {size} agents is larger than the panel of {self.order.size}; "
                "choose a smaller size"
            )
        if size > (available := self.available(protocol)):
            raise SampleSizeError(
                f"the protocol 'active' cannot draw {size} agents: only {available} of the panel's "
                f"{self.order.size} were active at all; choose a smaller size"
            )

    def draw(self, protocol: Protocol, size: int, *, seed: int = 0, repeat: int = 0) -> IndexArray:
        """Draw a sample.

        The first N agents of a larger sample are the sample of size N: samples of one seed nest.
        Parameters and errors are those of `draw_keys`.

        Returns
        -------
        ndarray
            uint32 (N,), the positions of the agents in the order they are drawn.
        """
        return self.draw_keys(protocol, size, seed=seed, repeat=repeat)[0][:size]

    def draw_keys(
        self, protocol: Protocol, size: int, *, seed: int = 0, repeat: int = 0
    ) -> tuple[IndexArray, FloatArray]:
        """Draw a sample and the agent that would be drawn next, with their keys.

        Parameters
        ----------
        protocol
            ``visibility`` (weight: followers + 1), ``active`` (weight: activity), ``random``
            (equal weights), or ``top`` (the most followed, in order; draws nothing at random).
        size
            N.
        seed
            The base seed, at least 0.
        repeat
            Which of the samples of this seed, from 0. Every repeat and every protocol has its own
            random stream.

        Returns
        -------
        ndarray
            uint32 (N + 1,), the positions of the agents in the order they are drawn; (N,) if
            nobody is left.
        ndarray
            float64 of that size, their keys E_i / w_i, ascending; infinite for who cannot be drawn,
            0 for ``top``. The key after those of a sample is its threshold τ, by which
            `inclusion` says how likely each agent was to be drawn.

        Raises
        ------
        UsageError
            When the size is less than 1 or the seed is negative.
        SampleSizeError
            When there are too few agents.
        """
        self.check_size(protocol, size)
        check_seed(min(seed, repeat))
        wanted = min(size + 1, self.order.size)
        if protocol == "top":
            return self.order[:wanted], np.zeros(wanted)
        stream = np.random.SeedSequence(seed, spawn_key=(PROTOCOLS.index(protocol), repeat))
        places, keys = self._candidates(protocol, wanted, np.random.default_rng(stream))
        drawn = smallest(keys, wanted)
        return places[drawn], keys[drawn]

    def draw_sets(
        self, protocol: Protocol, sizes: Sequence[int], *, seed: int = 0, repeat: int = 0
    ) -> dict[int, IndexArray]:
        """Draw samples whose agents are wanted in no order, which takes less than to sort them.

        Parameters
        ----------
        protocol, seed, repeat
            As for `draw_keys`, as are errors.
        sizes
            Each N.

        Returns
        -------
        dict
            By size uint32 (N,): the agents that `draw` gives, but for ``top`` in order of position.
        """
        for size in sizes:
            self.check_size(protocol, size)
        check_seed(min(seed, repeat))
        if protocol == "top":
            return {size: self.order[:size] for size in sizes}
        stream = np.random.SeedSequence(seed, spawn_key=(PROTOCOLS.index(protocol), repeat))
        places, keys = self._candidates(protocol, max(sizes), np.random.default_rng(stream))
        in_place = np.partition(keys, sorted({size - 1 for size in sizes}))
        return {size: places[_up_to(keys, in_place[size - 1], size)] for size in sizes}

    def _candidates(
        self, protocol: Protocol, wanted: int, numbers: np.random.Generator
    ) -> tuple[IndexArray, FloatArray]:
        """Return agents among whom are those with the smallest keys, in order, and their keys.

        Keys are drawn for a stretch of agents at a time. The smallest of the first bound them all.
        """
        n, bound = self.order.size, np.inf
        places, near = [], []
        for start in range(0, n, _STRETCH):
            keys = numbers.standard_exponential(min(_STRETCH, n - start))
            if protocol != "random":
                # An agent that was never active has no finite key and is never among the smallest.
                weights = self.draw_weights(protocol, slice(start, start + keys.size))
                keys = np.divide(keys, weights, out=np.full_like(keys, np.inf), where=weights > 0)
            if start == 0 and wanted < keys.size:
                bound = np.partition(keys, wanted - 1)[wanted - 1]
            those = np.flatnonzero(keys <= bound)
            places.append((those + start).astype(np.uint32))
            near.append(keys[those])
        return np.concatenate(places), np.concatenate(near)

    def inclusion(self, protocol: Protocol, drawn: IndexArray, threshold: float) -> FloatArray:
        """Return how likely each agent of a sample was to be drawn.

        Parameters
        ----------
        protocol
            ``visibility``, ``active`` or ``random``.
        drawn
            uint32 (N,), the sample.
        threshold
            τ, the key of the agent that would have been drawn next; infinite if nobody was left.

        Returns
        -------
        ndarray
            float64 (N,), π_i = 1 - e^(-w_i τ); N/n for ``random``; 1 if nobody was left.

        Raises
        ------
        UsageError
            For ``top``, which draws nothing at random.

        Notes
        -----
        Given the smallest N keys of all other agents, agent i is in the sample if and only if its
        own key is below the largest of them, which is τ. So sums weighted by 1/π_i are unbiased:
        the rank conditioning of Cohen & Kaplan (2007), "Summarizing data using bottom-k sketches",
        PODC. docs/methods.md, "Samples put right".
        """
        if protocol == "top":
            raise UsageError("the protocol 'top' draws nothing at random: no agent has a chance")
        if math.isinf(threshold):
            return np.ones(drawn.size)
        if protocol == "random":
            return np.full(drawn.size, drawn.size / self.order.size)
        chances: FloatArray = -np.expm1(-self.draw_weights(protocol)[drawn] * threshold)
        return chances

    def draw_weights(self, protocol: Protocol, among: slice = slice(None)) -> FloatArray:
        """Return the weights w_i by which a protocol draws; for ``top`` 0.

        Parameters
        ----------
        protocol
            Any.
        among
            The positions of the agents whose weights are wanted, float64; by default of all.
        """
        followers = self.followers[among]
        match protocol:
            case "visibility":
                return followers + 1
            case "active":
                return self.activity[among]
            case "random":
                return np.ones_like(followers)
            case "top":
                return np.zeros_like(followers)


def _up_to(keys: FloatArray, bound: float, size: int) -> IntArray:
    """Return the positions of the keys up to the one after which there are so many, ascending."""
    chosen: IntArray = np.flatnonzero(keys <= bound)
    if chosen.size > size:  # of equal ones the first
        chosen = np.sort(chosen[np.argsort(keys[chosen], kind="stable")[:size]])
    return chosen


def smallest(keys: FloatArray, size: int) -> IndexArray:
    """Return the positions of the smallest keys, ascending; ties in order of position.

    Parameters
    ----------
    keys
        float64 (n,), free of NaN.
    size
        How many, at most n.

    Returns
    -------
    ndarray
        uint32 (size,).
    """
    if size == keys.size:
        return kernels.argsort(keys)
    bound = np.partition(keys, size - 1)[size - 1]
    candidates = np.flatnonzero(keys <= bound).astype(np.uint32)
    chosen: IndexArray = candidates[kernels.argsort(keys[candidates])][:size]
    return chosen
