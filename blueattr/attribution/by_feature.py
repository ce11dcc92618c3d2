"""Splits the values of agents by feature: into activity, popularity and influence."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from blueattr.attribution.attribute import AttributionResult

__all__ = ["FEATURE_VALUES", "FeatureSplit", "feature_split", "feature_values"]


FEATURE_VALUES = ("value_a", "value_b", "value_c")


@dataclass(frozen=True, slots=True)
class FeatureSplit:
    """Whether values can be split by feature.

    Parameters
    ----------
    kind
        ``"exact"``: the parts are the values of the game whose players are the features of the
        agents. ``"convention"``: the parts sum to the value, but are not those values. None: there
        is no split.
    why
        Why there is none, else empty.
    """

    kind: Literal["exact", "convention"] | None
    why: str = ""


_EXACT = ("lin", "heat", "var")
_CONVENTION = ("gini",)


def feature_split(result: "AttributionResult") -> FeatureSplit:
    """Say whether an attribution can be split by feature.

    Parameters
    ----------
    result
        Of any indicator.

    Notes
    -----
    docs/methods.md, "By feature".
    """
    name = result.indicator
    if result.remarks.info is not None or name not in {*_EXACT, *_CONVENTION}:
        return FeatureSplit(None, f"{name} is no sum of parts of a, b and c")
    if name != "heat" and result.aggregator.name != "mean":
        return FeatureSplit(
            None,
            f"with the aggregator {result.aggregator.name}, s is no sum of parts of a, b and c",
        )
    return FeatureSplit("exact" if name in _EXACT else "convention")


def feature_values(result: "AttributionResult", agents: pl.DataFrame) -> pl.DataFrame:
    """Split the values of agents by feature.

    Parameters
    ----------
    result
        The attribution, for which `feature_split` has a kind.
    agents
        Some of its agents, with ``a``, ``b``, ``c`` and ``value``.

    Returns
    -------
    polars.DataFrame
        `FEATURE_VALUES` (float64), in the order of `agents`. They sum to ``value``.

    Raises
    ------
    ValueError
        When there is no split.

    Notes
    -----
    ``heat``: φ_i^k = ⅓ Σφ x_ik / X_k, with X_k the sum over all agents. The others:
    φ_i^k = φ_i w_k x_ik / s_i, and 0 where s_i is 0. docs/methods.md, "By feature".
    """
    if feature_split(result).kind is None:
        raise ValueError(f"{result.indicator} has no split by feature")
    features = [agents[name].to_numpy() for name in "abc"]
    if result.indicator == "heat":
        third = result.attributed / 3 / result.n_agents
        parts = [x * (third / mean) for x, mean in zip(features, result.means, strict=True)]
    else:
        weighted = [x * w for x, w in zip(features, result.aggregator.weights, strict=True)]
        s = weighted[0] + weighted[1] + weighted[2]
        scale = np.divide(agents["value"].to_numpy(), s, out=np.zeros_like(s), where=s > 0)
        parts = [x * scale for x in weighted]
    return pl.DataFrame(dict(zip(FEATURE_VALUES, parts, strict=True)))
