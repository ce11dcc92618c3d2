"""How far agents are ahead: the exact sum rounded once, whichever way and in whatever parts."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import strategies as st

from blueattr import kernels
from blueattr.kernels import excess as excess_kernel
from blueattr.kernels import wide
from support.effort import law

WAYS = {"few agents": (1 << 40, 1, 0), "values": (1, 1, 1 << 20), "cells": (1, 1, 0)}

sizes = st.floats(0, 1e250) | st.floats(0, 1) | st.sampled_from([0.0, -0.0, 5e-324, 0.1, 1.0])
# Sums of these end in the middle between two floats, or next to it.
halves = st.integers(0, 1 << 53).map(float) | st.integers(0, 3).map(lambda k: 2.0**-k)
spread = st.lists(sizes | halves, min_size=1, max_size=30)


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have one way of computing it taken, whatever the number of agents."""
    for name, value in zip(("FEW", "SHARED", "MOST"), WAYS[request.param], strict=True):
        monkeypatch.setattr(excess_kernel, name, value)


def exact(values: list[float]) -> list[float]:
    """The sums by their definition, in fractions, rounded once."""
    known = [Fraction(v) for v in values]
    return [float(sum((v - w for w in known if w < v), Fraction(0))) for v in known]


@law(60, suppress=[HealthCheck.function_scoped_fixture])
@given(spread)
@example([0.0, 2.0**-60, 1.0, 1.0, 2.0**52 + 1, 2.0**53])
@example([5e-324, 1.5e-323, 2.0**-1022, 1e-300, 1e250])
@example([1.0, 1.0 + 2.0**-52, 3.0, 2.0**60])
# The middle between two floats, and 2^-158 more.
@example([2.0**-52 * (1 - 2.0**-53), 2.0**-105 * (1 - 2.0**-53), 1.0, 1 + 2.0**-51])
def test_each_sum_is_the_exact_one_rounded_once(way: None, values: list[float]) -> None:
    s = np.array(values)
    found, total = kernels.pairwise_excess(s)
    assert found.tolist() == exact(values)
    assert total == kernels.exact_sum(found)


def test_rounding_is_once_among_thousands_as_well(way: None) -> None:
    """With the sum carried along in two floats, a few in a million are off by the last bit."""
    rng = np.random.default_rng(4)
    s = np.concatenate([rng.lognormal(size=1500), rng.lognormal(size=500) * 1e-12])
    below, order = Fraction(0), np.argsort(s)
    expected = np.empty(s.size)
    for k, i in enumerate(order.tolist()):
        expected[i] = float(k * Fraction(float(s[i])) - below)
        below += Fraction(float(s[i]))
    assert kernels.pairwise_excess(s.copy())[0].tobytes() == expected.tobytes()


@law(40, suppress=[HealthCheck.function_scoped_fixture])
@given(values=spread, cuts=st.lists(st.integers(0, 29), max_size=4))
def test_numbers_that_come_in_ascending_parts_have_the_bits_of_the_whole(
    way: None, values: list[float], cuts: list[int]
) -> None:
    s = np.abs(np.sort(np.abs(values)))
    expected, total = kernels.pairwise_excess(s.copy())
    edges = sorted({0, s.size, *np.searchsorted(s, s[[c for c in cuts if c < s.size]]).tolist()})
    ahead, joined, parts = kernels.Ahead(), kernels.RunningSum(), []
    for start, stop in pairwise(edges):
        part, here, ahead = kernels.excess_beyond(ahead, s[start:stop].copy())
        parts.append(part)
        joined.take([here.state])
    assert np.concatenate(parts).tobytes() == expected.tobytes()
    assert joined.value() == total
    assert (ahead.number, ahead.below, ahead.nearest()) == (s[-1], s.size, expected[-1])


def test_a_number_that_many_share_is_one_step() -> None:
    ahead = kernels.Ahead().to(0.1, 10**12).to(0.3, 10**12)
    expected = 10**12 * (Fraction(0.3) - Fraction(0.1))
    assert Fraction(ahead.excess, 1 << 1074) == expected
    assert ahead.nearest() == float(expected)


words = st.integers(0, (1 << 64) - 1) | st.sampled_from([0, 1, 1 << 53, (1 << 54) - 1, 1 << 63])


@law(100)
@given(words.filter(bool), words, st.booleans())
@example((1 << 54) - 1, 1 << 63, False)
@example((1 << 53) + 1, 0, True)
@example((1 << 64) - 1, (1 << 64) - 1, True)
def test_a_number_of_two_words_goes_to_the_nearest_float(high: int, low: int, below: bool) -> None:
    whole = (high << 64) + low
    expected = float(Fraction(whole) + Fraction(below, 1 << 80))
    assert wide.nearest(np.uint64(high), np.uint64(low), below) == expected


@law(100)
@given(
    start=st.integers(0, (1 << 200) - 1) | st.sampled_from([0, (1 << 192) - 1, 1 << 128]),
    x=words, y=words, at=st.integers(0, 190),
)  # fmt: skip
@example((1 << 255) - 1, (1 << 64) - 1, (1 << 64) - 1, 0)
def test_products_are_added_and_subtracted_with_every_carry(
    start: int, x: int, y: int, at: int
) -> None:
    held = np.array([(start >> (64 * k)) & ((1 << 64) - 1) for k in range(6)], np.uint64)
    wide.add_product(held, np.uint64(x), np.uint64(y), np.uint64(at))
    assert sum(word << (64 * k) for k, word in enumerate(held.tolist())) == start + (x * y << at)
    wide.subtract_product(held, np.uint64(x), np.uint64(y), np.uint64(at))
    assert sum(word << (64 * k) for k, word in enumerate(held.tolist())) == start
