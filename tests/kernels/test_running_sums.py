"""Sums that are parted, sent and joined: the same bits as of all elements at once."""

import pickle
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blueattr import kernels
from support.effort import law

numbers = st.floats(-1e200, 1e200) | st.sampled_from([0.0, -0.0, 1.0, -1.0, 2.0**40, 2.0**-80])


def sent(state: Any, how: int) -> Any:
    """A state as it comes out at the other end: an array that is read-only, a list, a pickle."""
    if how == 0:
        array = np.array(state, np.int64)
        array.flags.writeable = False
        return array
    return [*state] if how == 1 else pickle.loads(pickle.dumps(state))  # noqa: S301 - made here


def joined(parts: list[Any], data: st.DataObject) -> Any:
    """Join sums two by two, in a tree and an order that are drawn."""
    while len(parts) > 1:
        one = parts.pop(data.draw(st.integers(0, len(parts) - 1)))
        other = parts.pop(data.draw(st.integers(0, len(parts) - 1)))
        parts.append(one.joined(other))
    return parts[0]


class One:
    """A sum of vectors as a leaf or a knot of a tree of tasks."""

    def __init__(self, state: Any = None, how: int = 0) -> None:
        self.sum = kernels.RunningSum() if state is None else kernels.RunningSum(state)
        self.how = how

    def joined(self, other: "One") -> "One":
        knot = One(sent(self.sum.state, self.how), other.how)
        knot.sum.take([sent(other.sum.state, self.how)])
        return knot


class Groups:
    """The same by group."""

    def __init__(self, how: int) -> None:
        self.sums, self.how = kernels.RunningGroupSums(2), how

    def joined(self, other: "Groups") -> "Groups":
        knot = Groups(other.how)
        for one in (self, other):
            signed, magnitudes = one.sums.states
            knot.sums.take(
                [sent(state, self.how) for state in signed],
                np.array(magnitudes) if self.how else magnitudes,
            )
        return knot


@law(60)
@given(
    parts=st.lists(st.lists(numbers, max_size=6), min_size=1, max_size=7),
    data=st.data(),
)
def test_any_parting_and_any_tree_of_joining_gives_the_same_bits(
    parts: list[list[float]], data: st.DataObject
) -> None:
    whole = np.array([x for part in parts for x in part], np.float64)
    groups = (np.arange(whole.size) % 2).astype(np.uint8)
    leaves: list[Any] = []
    by_group: list[Any] = []
    start = 0
    for part in parts:
        here = slice(start, start := start + len(part))
        leaf, leaf_groups = One(how=len(leaves) % 3), Groups(len(leaves) % 2)
        leaf.sum.add(whole[here])
        leaf_groups.sums.add(whole[here], groups[here])
        leaves.append(leaf)
        by_group.append(leaf_groups)
    at_once = kernels.RunningSum()
    at_once.add(whole)
    found = joined(leaves, data).sum
    assert found.value() == at_once.value() == kernels.exact_sum(whole)
    assert found.state == at_once.state
    assert joined(by_group, data).sums.values() == kernels.group_sums(whole, groups, 2)


@pytest.mark.parametrize("read_only", [False, True])
def test_what_is_read_is_not_written_to(read_only: bool) -> None:
    low, high = kernels.RunningSum(), kernels.RunningSum()
    low.add(np.array([1e-30, 3.0]))
    high.add(np.array([1e200]))
    states = [np.array(one.state, np.int64) for one in (low, high)]
    before = [state.copy() for state in states]
    for state in states:
        state.flags.writeable = not read_only
    total = kernels.RunningSum(states[0])
    total.take(states[1:])
    assert total.value() == kernels.exact_sum(np.array([1e-30, 3.0, 1e200]))
    assert [state.tolist() for state in states] == [state.tolist() for state in before]


def test_a_sum_counts_more_than_an_array_of_states_could() -> None:
    total = kernels.RunningSum()
    total.add(np.full(3, 2.0**31 - 1))
    for _ in range(80):
        total = kernels.RunningSum(total.state)
        total.take([total.state])
    assert total.value() == 3 * (2**31 - 1) * 2**80


@law(60)
@given(x=numbers, count=st.integers(0, 9), others=st.lists(numbers, max_size=5))
def test_copies_count_like_so_many_elements(x: float, count: int, others: list[float]) -> None:
    total = kernels.RunningSum()
    total.add(np.array(others, np.float64))
    total.add_copies(x, count)
    assert total.value() == kernels.exact_sum(np.array([*others, *[x] * count], np.float64))
    by_group = kernels.RunningGroupSums(2)
    by_group.add_copies(x, [count, 1])
    values = np.array([x] * (count + 1))
    groups = np.array([0] * count + [1], np.uint8)
    assert by_group.values() == kernels.group_sums(values, groups, 2)


def test_what_is_too_large_stays_so_however_it_is_sent() -> None:
    total = kernels.RunningSum()
    total.add(np.array([np.inf]))
    again = kernels.RunningSum(pickle.loads(pickle.dumps(total)).state)  # noqa: S301 - made here
    again.add(np.array([1.0]))
    with pytest.raises(OverflowError, match="2\\^927"):
        again.value()


@pytest.mark.parametrize("state", [(), (0, 1, 2), (99, 0, 0, 0), (-30, 0, 0, 0)])
def test_what_is_no_state_is_refused(state: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="not the state of a sum"):
        kernels.RunningSum(state)
    assert kernels.RunningSum((-29, 0, 0, 0)).value() == Fraction(0)
