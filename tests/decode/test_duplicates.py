"""Sightings of one record, found by their keys."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blueattr.decode.parser.duplicates import find_duplicates
from support.effort import law

KEYS = st.tuples(
    st.sampled_from([0, 1, 2, 2**32 - 1]),
    st.sampled_from([0, 1, -1, 2**63 - 1, -(2**63)]) | st.integers(0, 40),
    st.integers(0, 2),
)


def doubles(keys: list[tuple[int, int, int]]) -> list[bool]:
    account, rkey, kind = zip(*keys, strict=True) if keys else ((), (), ())
    found = find_duplicates(
        np.array(account, np.uint32), np.array(rkey, np.int64), np.array(kind, np.uint8)
    )
    assert found.dtype == np.bool_
    return [bool(double) for double in found]


@law()
@given(st.lists(KEYS, max_size=60))
def test_they_are_those_whose_key_occurs_more_than_once(keys: list[tuple[int, int, int]]) -> None:
    count = Counter(keys)
    assert doubles(keys) == [count[key] > 1 for key in keys]


@pytest.mark.parametrize("repeats", [1, 3])
def test_of_many(repeats: int) -> None:
    keys = [(k % 97, k, k % 3) for k in range(5000)] * repeats
    assert doubles(keys) == [repeats > 1] * len(keys)


def test_keys_that_differ_in_one_part_only_are_different() -> None:
    assert not any(doubles([(1, 2, 0), (2, 2, 0), (1, 3, 0), (1, 2, 1)]))
