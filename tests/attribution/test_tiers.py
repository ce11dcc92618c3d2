"""Tiers: ranks, ties, boundaries, names."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blueattr.attribution.tiers import assign_tiers, boundaries, check_cutoffs, rank, tier_names
from blueattr.errors import UsageError
from support import naive
from support.effort import law

LAWS = law(80)


@LAWS
@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), min_size=1, max_size=150),
    st.sampled_from([(1.0, 10.0), (50.0,), (5.0, 25.0, 60.0)]),
)
def test_tiers_equal_their_plain_twin(
    counts: list[tuple[int, int]], cutoffs: tuple[float, ...]
) -> None:
    agents = [(f"did:{i:05}", float(f), float(a)) for i, (f, a) in enumerate(counts)]
    order = rank(np.array([f for _, f, _ in agents]), np.array([a for _, _, a in agents]))
    expected = naive.tiers(agents, cutoffs)
    got = dict(
        zip((did for did, _, _ in agents), assign_tiers(order, cutoffs).tolist(), strict=True)
    )
    assert got == expected


def test_ties_go_to_activity_and_then_to_the_earlier_did() -> None:
    followers = np.array([5.0, 9.0, 5.0, 5.0])
    activity = np.array([1.0, 0.0, 2.0, 1.0])
    assert rank(followers, activity).tolist() == [1, 2, 0, 3]


@pytest.mark.parametrize(
    ("n", "expected"),
    [
        (1, (1, 1)),
        (3, (1, 1)),
        (49, (1, 5)),
        (100, (1, 10)),
        (150, (2, 15)),
        (250, (2, 25)),
        (1671587, (16716, 167159)),
    ],
)
def test_boundaries(n: int, expected: tuple[int, int]) -> None:
    assert boundaries(n, (1.0, 10.0)) == expected


def test_one_agent_is_the_top() -> None:
    order = rank(np.array([3.0]), np.array([1.0]))
    assert assign_tiers(order, (1.0, 10.0)).tolist() == [0]


def test_names() -> None:
    assert tier_names((1.0,)) == ("top", "tail")
    assert tier_names((1.0, 10.0)) == ("top", "middle", "tail")
    assert tier_names((1.0, 10.0, 50.0)) == ("top", "middle 1", "middle 2", "tail")


@pytest.mark.parametrize(
    ("cutoffs", "hint"),
    [
        ((), "1 to 20"),
        ((0.0, 10.0), "between 0 and 100"),
        ((1.0, 100.0), "between 0 and 100"),
        ((1.0, float("nan")), "between 0 and 100"),
        ((10.0, 1.0), "10,1"),
        ((5.0, 5.0), "increase"),
        (("x",), "percentages"),
        (tuple(range(1, 30)), "1 to 20"),
    ],
)
def test_cutoffs_that_make_no_sense(cutoffs: tuple[float, ...], hint: str) -> None:
    with pytest.raises(UsageError, match=hint):
        check_cutoffs(cutoffs)
    assert check_cutoffs([1, 10]) == (1.0, 10.0)
