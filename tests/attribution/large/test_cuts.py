"""Ranks found by counts of digits: exact, however the agents are parted and counts added up."""

import pickle
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from blueattr.attribution.large import cuts
from support.effort import law

followers = st.sampled_from([0.0, 1.0, 2.0, 3.0, 1e9]) | st.floats(0, 1e12)
active = st.sampled_from([0.0, 0.5]) | st.floats(0, 3)


def tree(parts: list[list[cuts.DigitCounts]], data: st.DataObject) -> list[cuts.DigitCounts]:
    """Add up the counts of parts two by two, in an order and a tree that are drawn."""
    while len(parts) > 1:
        one = parts.pop(data.draw(st.integers(0, len(parts) - 1)))
        other = parts.pop(data.draw(st.integers(0, len(parts) - 1)))
        for mine, theirs in zip(one, other, strict=True):
            mine.take(pickle.loads(pickle.dumps(theirs)))  # noqa: S301 - made here
        parts.append(one)
    return parts[0]


@law(60, suppress=[HealthCheck.function_scoped_fixture])
@given(
    agents=st.lists(st.tuples(followers, active), min_size=1, max_size=40),
    splits=st.lists(st.integers(0, 40), max_size=4),
    kept=st.sampled_from([0, 3, 1 << 20]),
    data=st.data(),
)
def test_ranks_are_those_of_a_sort_whatever_the_parts_and_the_tree(
    agents: list[tuple[float, float]], splits: list[int], kept: int, data: st.DataObject,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(cuts, "KEPT", kept)
    n = len(agents)
    f, a = np.array(agents).T.copy()
    wanted = data.draw(st.lists(st.integers(0, n - 1), min_size=1, max_size=3))
    edges = list(pairwise(sorted({0, n, *(min(cut, n) for cut in splits)})))
    ranks, passes = cuts.Ranks(wanted), 0
    while ranks.open:
        counted = []
        for start, stop in edges:
            digits = ranks.digits()
            ranks.add(digits, f[start:stop], a[start:stop])
            counted.append(digits)
        ranks.go_on(tree(counted, data))
        passes += 1
    assert passes <= 8
    ordered = sorted(agents, reverse=True)
    assert len(ranks.cuts) == len(wanted)
    for rank, cut in zip(wanted, ranks.cuts, strict=True):
        level, activity = ordered[rank]
        assert (cut.level.followers, cut.a) == (level, activity)
        assert cut.level.above == sum(theirs > level for theirs, _ in agents)
        assert cut.level.equal == sum(theirs == level for theirs, _ in agents)
        before = sum(pair > (level, activity) for pair in agents)
        assert cut.ties == rank - before + 1


@pytest.mark.parametrize(("kind", "most"), [("continuous", 2), ("counts", 4), ("all alike", 2)])
def test_few_passes_find_a_rank(kind: str, most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The digits of 8 passes are not looked at where few agents, or equal ones, are left."""
    monkeypatch.setattr(cuts, "KEPT", 1 << 10)
    rng = np.random.default_rng(1)
    columns: dict[str, Any] = {
        "continuous": rng.lognormal(size=(2, 4000)),
        "counts": np.floor(rng.pareto(0.8, (2, 4000))),
        "all alike": np.ones((2, 4000)),
    }
    f, a = columns[kind]
    ranks, passes = cuts.Ranks([39, 399]), 0
    while ranks.open:
        digits = ranks.digits()
        ranks.add(digits, f, a)
        ranks.go_on(digits)
        passes += 1
    assert passes <= most
    assert len(ranks.cuts) == 2
