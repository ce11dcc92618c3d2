"""Values by feature sum to the value, and are values of the game of features where they say so."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blueattr.attribution.attribute import attribute
from blueattr.attribution.by_feature import FEATURE_VALUES, feature_split, feature_values
from blueattr.errors import ZeroTotalError
from blueattr.indicators.base import Aggregator
from support.effort import law
from support.naive import exact_shapley

FOUR = ("lin", "heat", "var", "gini")
Rows = Sequence[tuple[float, float, float]]


def frame(rows: Rows) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "did": [f"d{k:02}" for k in range(len(rows))],
            **dict(zip("abc", zip(*rows, strict=True), strict=True)),
        }
    )


def game_of_features(name: str, rows: Rows, weights: tuple[float, ...]) -> Callable[..., float]:
    """Players are features of agents: absent ones are 0; gini's μ is of the whole panel."""
    n = len(rows)
    mean = math.fsum(w * x for row in rows for w, x in zip(weights, row, strict=True)) / n

    def value(present: Sequence[bool]) -> float:
        x = [[v * here for v, here in zip(row, present[3 * i : 3 * i + 3], strict=True)]
             for i, row in enumerate(rows)]  # fmt: skip
        if name == "heat":
            return math.log1p(math.prod(math.fsum(column) / n for column in zip(*x, strict=True)))
        s = [math.fsum(w * v for w, v in zip(weights, row, strict=True)) for row in x]
        if name == "lin":
            return math.fsum(s) / n
        if name == "var":
            return math.fsum(v * v for v in s) / n - (math.fsum(s) / n) ** 2
        return math.fsum(abs(v - w) for k, v in enumerate(s) for w in s[:k]) / (n * n * mean)

    return value


count = st.integers(0, 5).map(float)


@law(60)
@given(
    st.lists(st.tuples(count, count, count), min_size=1, max_size=8),
    st.sampled_from(FOUR),
    st.sampled_from([(1 / 3, 1 / 3, 1 / 3), (0.5, 0.5, 0.0), (0.2, 0.3, 0.5)]),
    st.booleans(),
)
def test_parts_by_feature_sum_to_the_value(
    rows: Rows, name: str, weights: Any, quadrature: bool
) -> None:
    try:
        how: Any = {"method": "quadrature", "steps": 3} if quadrature else {}
        result = attribute(frame(rows), name, aggregator=Aggregator("mean", weights), **how)
    except ZeroTotalError:
        return
    parts = feature_values(result, result.agents)
    assert parts.columns == list(FEATURE_VALUES)
    for values, value, x in zip(
        parts.iter_rows(), result.agents["value"], result.agents.select("a", "b", "c").iter_rows(),
        strict=True,
    ):  # fmt: skip
        assert math.fsum(values) == pytest.approx(value, abs=1e-15)
        # What an agent has none of carries nothing.
        assert all(part == 0 for part, own in zip(values, x, strict=True) if own == 0)


@pytest.mark.parametrize("weights", [(1 / 3, 1 / 3, 1 / 3), (0.5, 0.3, 0.2)])
@pytest.mark.parametrize("name", ["lin", "var"])
def test_parts_of_lin_and_var_are_shapley_values_of_the_game_of_features(
    name: str, weights: Any
) -> None:
    rows = [(1.0, 0.0, 2.0), (3.0, 1.0, 0.5), (0.0, 2.0, 0.0)]
    result = attribute(frame(rows), name, aggregator=Aggregator("mean", weights))
    assert feature_split(result).kind == "exact"
    agents = result.agents.sort("did")
    ours = [v for row in feature_values(result, agents).iter_rows() for v in row]
    theirs = exact_shapley(game_of_features(name, rows, weights), 9)
    assert ours == pytest.approx(theirs, abs=1e-14)


def test_parts_of_heat_are_the_values_of_the_game_of_features() -> None:
    """Of the Aumann-Shapley value: each player's derivative, integrated along the diagonal."""
    rows = [(1.0, 4.0, 2.0), (3.0, 1.0, 0.5), (0.0, 2.0, 0.0)]
    result = attribute(frame(rows), "heat")
    ours = [v for row in feature_values(result, result.agents.sort("did")).iter_rows() for v in row]
    nodes, weights = np.polynomial.legendre.leggauss(64)
    flat, n = [x for row in rows for x in row], len(rows)
    theirs = []
    for player in range(9):
        slopes = []
        for t in (nodes + 1) / 2:
            means = [t * math.fsum(flat[k::3]) / n for k in range(3)]
            others = math.prod(m for k, m in enumerate(means) if k != player % 3)
            slopes.append(flat[player] / n * others / (1 + math.prod(means)))
        theirs.append(float(weights @ slopes / 2))
    assert ours == pytest.approx(theirs, rel=1e-12, abs=1e-15)


def test_gini_by_feature_is_a_convention() -> None:
    rows = [(1.0, 0.0, 2.0), (3.0, 1.0, 0.5), (0.0, 2.0, 0.0)]
    result = attribute(frame(rows), "gini")
    assert feature_split(result).kind == "convention"
    ours = [v for row in feature_values(result, result.agents.sort("did")).iter_rows() for v in row]
    theirs = exact_shapley(game_of_features("gini", rows, (1 / 3, 1 / 3, 1 / 3)), 9)
    assert ours != pytest.approx(theirs, abs=1e-3)


@pytest.mark.parametrize("indicator", ["hill", "entropy", "threshold"])
def test_other_indicators_have_no_split_and_say_so(indicator: str) -> None:
    result = attribute(frame([(1.0, 0.0, 2.0), (3.0, 1.0, 0.5)]), indicator)
    split = feature_split(result)
    assert split.kind is None
    assert split.why == f"{indicator} is no sum of parts of a, b and c"
    with pytest.raises(ValueError, match="no split by feature"):
        feature_values(result, result.agents)


@pytest.mark.parametrize("aggregator", ["log", "geometric"])
def test_other_aggregators_have_no_split_but_for_heat_which_uses_none(aggregator: Any) -> None:
    rows = [(1.0, 4.0, 2.0), (3.0, 1.0, 0.5)]
    for name in ("lin", "var", "gini"):
        split = feature_split(attribute(frame(rows), name, aggregator=Aggregator(aggregator)))
        assert split.kind is None
        assert aggregator in split.why
    assert feature_split(attribute(frame(rows), "heat", aggregator=Aggregator(aggregator))).kind
