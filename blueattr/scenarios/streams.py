"""Random numbers of scripted runs: a stream for each purpose, uniform draws only."""

from collections.abc import Sequence

import numpy as np

from blueattr.kernels import FloatArray

__all__ = ["ECONOMY", "MARKET", "OPINION", "NumberStream"]


ECONOMY, MARKET, OPINION = 1, 2, 3
"""Spawn keys: each purpose has a stream of its own. 4 and 5 are permutations and coalitions."""


class NumberStream:
    """Uniform and normal numbers from a seed and a spawn key.

    Normal numbers are made of uniform ones (Box & Muller 1958), so that the stream depends on
    nothing but the generator's uniform numbers.

    Parameters
    ----------
    seed
        At least 0.
    key
        The purpose.
    """

    def __init__(self, seed: int, key: int) -> None:
        self._generator = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(key,)))

    def uniform(self, shape: int | Sequence[int]) -> FloatArray:
        """Draw numbers from [0, 1)."""
        return self._generator.random(shape)

    def normal(self, shape: int | Sequence[int]) -> FloatArray:
        """Draw standard normal numbers."""
        shape = (shape,) if isinstance(shape, int) else tuple(shape)
        first, second = self._generator.random((2, *shape))
        normal: FloatArray = np.sqrt(-2 * np.log(1 - first)) * np.cos(2 * np.pi * second)
        return normal
