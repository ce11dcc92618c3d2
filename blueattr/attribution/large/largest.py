"""The agents with the largest values of a stream of chunks."""

import numpy as np
import numpy.typing as npt
import polars as pl

from blueattr.indicators.base import FeatureArrays
from blueattr.kernels import FloatArray, IntArray

__all__ = ["Largest"]


_SLACK = 1 - 2.0**-48
"""A smaller part of a key cannot have as large a value, however both are rounded."""

_OF_ONE_KEY = pl.int_range(pl.len()).over("key")
"""The number of a row among those with its key, from 0."""


class Largest:
    """Keeps the agents with the largest keys; of equal ones the first.

    Parameters
    ----------
    top
        How many.
    nearly
        Whether keys are ≥ 0 and only rise with the values, of which two may be rounded to one
        number: then agents with keys next to the smallest are kept, too.
    """

    def __init__(self, top: int, *, nearly: bool) -> None:
        self._top, self._nearly = top, nearly
        self._kept = pl.DataFrame(
            schema={"row": pl.Int64, "tier": pl.UInt8, **dict.fromkeys([*"abc", "key"], pl.Float64)}
        )
        self._bound = -np.inf

    def add(
        self, keys: FloatArray, rows: IntArray, x: FeatureArrays, tiers: npt.NDArray[np.uint8]
    ) -> None:
        """Add a chunk: keys, numbers of agents, features and tiers, (k,) each."""
        if not self._top:
            return
        # Of equal keys the later ones are none of the largest, once there are enough.
        here = np.flatnonzero(keys >= self._bound if self._nearly else keys > self._bound)
        if not here.size:
            return
        a, b, c = x.take(here)
        columns = {"row": rows[here], "tier": tiers[here], "a": a, "b": b, "c": c}
        frame = pl.DataFrame({**columns, "key": keys[here] + 0.0})  # -0.0 is no other number
        if self._nearly:
            frame = frame.filter(_OF_ONE_KEY.lt(self._top))
        ordered = pl.concat([self._kept, frame]).sort("key", "row", descending=[True, False])
        if ordered.height > self._top:
            self._bound = ordered["key"][self._top - 1] * (_SLACK if self._nearly else 1.0)
        if self._nearly:
            self._kept = ordered.filter(pl.col("key") >= self._bound, _OF_ONE_KEY.lt(self._top))
        else:
            self._kept = ordered.head(self._top)

    @property
    def kept(self) -> pl.DataFrame:
        """Those kept so far: ``row``, ``tier``, ``a``, ``b``, ``c``, ``key``."""
        return self._kept

    def keys(self) -> FloatArray:
        """Return the different keys that were kept."""
        return self._kept["key"].unique().sort().to_numpy()

    def agents(
        self, keys: FloatArray | None = None, values: FloatArray | None = None
    ) -> pl.DataFrame:
        """Return the agents by descending value: ``row``, ``tier``, ``a``, ``b``, ``c``, ``value``.

        Parameters
        ----------
        keys, values
            The value of each key, where these differ.
        """
        kept = self._kept
        value = kept["key"]
        if keys is not None and values is not None and keys.size:
            value = pl.Series(values[np.searchsorted(keys, kept["key"].to_numpy())])
        named = kept.drop("key").with_columns(value.alias("value"))
        return named.sort("value", "row", descending=[True, False]).head(self._top)
