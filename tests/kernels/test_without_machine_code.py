"""What numpy does in place of kernels, in a process that does little: equal to the bit."""

import json
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from blueattr import kernels
from blueattr.kernels import compiled
from blueattr.kernels.recounting import recounted_sums, sparse_counts
from blueattr.kernels.tallies import CODES, Tally, add_up
from support.effort import law

pytestmark = pytest.mark.slow

LAWS = law(60)

# Of any magnitude that can be summed, and small ones that are the same.
number = st.one_of(
    st.floats(-(2.0**926), 2.0**926, width=64), st.sampled_from([0.0, -0.0, 1.0, -1.0, 0.5])
)
vector = arrays.arrays(np.float64, st.integers(0, 40), elements=number)
seed = st.integers(0, 2**32 - 1)


def both(work: Callable[[], Any]) -> tuple[Any, Any]:
    """Return what kernels give, and what numpy gives in their place; each must have been asked."""
    results = []
    for answer in (False, True):
        asked: list[int] = []

        def few(n: int, steps: float = 1, answer: bool = answer, asked: list[int] = asked) -> bool:
            asked.append(n)
            return answer

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(compiled, "few", few)
            results.append(work())
        assert asked
    return results[0], results[1]


def wide(n: int, start: int) -> kernels.FloatArray:
    rng = np.random.default_rng(start)
    return rng.normal(size=n) * 2.0 ** rng.integers(-60, 60, n)


@LAWS
@given(vector)
def test_sums_are_equal(x: kernels.FloatArray) -> None:
    by_kernel, by_numpy = both(lambda: kernels.exact_sums(x, -x))
    assert by_kernel == by_numpy


@pytest.mark.parametrize("n", [1, 1023, 1024, 1025, 5000, 300_000])
def test_sums_of_many_blocks_are_equal(n: int) -> None:
    by_kernel, by_numpy = both(lambda: kernels.exact_sum(wide(n, n)))
    assert by_kernel == by_numpy != 0


@pytest.mark.parametrize("bad", [np.inf, -np.inf, np.nan, 2.0**927])
def test_what_cannot_be_summed_is_refused_alike(bad: float) -> None:
    x = np.append(wide(2000, 1), bad)

    def refused() -> str:
        with pytest.raises(OverflowError) as info:
            kernels.exact_sum(x)
        return str(info.value)

    by_kernel, by_numpy = both(refused)
    assert by_kernel == by_numpy


@LAWS
@given(vector, seed)
def test_sums_by_group_are_equal(x: kernels.FloatArray, start: int) -> None:
    groups = np.random.default_rng(start).integers(0, 3, x.size).astype(np.uint8)
    by_kernel, by_numpy = both(lambda: kernels.group_sums(x, groups, 3))
    assert by_kernel == by_numpy


@LAWS
@given(vector, seed)
def test_orders_are_equal(x: kernels.FloatArray, start: int) -> None:
    order = np.random.default_rng(start).permutation(x.size).astype(np.uint32)
    for given_order in (None, order):
        by_kernel, by_numpy = both(partial(kernels.argsort, x, given_order))
        assert by_kernel.dtype == by_numpy.dtype == np.uint32
        assert by_kernel.tolist() == by_numpy.tolist()


@LAWS
@given(seed, st.integers(0, 50))
def test_combinations_are_equal(start: int, n: int) -> None:
    a, b, c = (wide(n, start + k) for k in range(3))
    by_kernel, by_numpy = both(lambda: kernels.combine(a, b, c, (0.1, -2.0, 3e-7)))
    assert by_kernel.tobytes() == by_numpy.tobytes()


@LAWS
@given(seed, st.integers(0, 2100), st.integers(1, 70))
def test_sums_of_counts_drawn_again_are_equal(start: int, n: int, resamples: int) -> None:
    rng = np.random.default_rng(start)
    counts = (rng.integers(0, 50, (n, 8)) * (rng.random((n, 8)) < 0.3)).astype(np.float32)
    sparse = sparse_counts(counts, rng.integers(1, 9, n).astype(np.float64))
    assert sparse is not None
    times = rng.multinomial(8, np.full(8, 1 / 8), resamples)
    by_kernel, by_numpy = both(lambda: recounted_sums(sparse, times))
    assert by_kernel.tobytes() == by_numpy.tobytes()


@LAWS
@given(seed, st.integers(0, 200))
def test_tallies_are_equal(start: int, n: int) -> None:
    rng = np.random.default_rng(start)
    account, subject = rng.integers(0, 60, (2, n)).astype(np.uint32)
    code = rng.integers(0, len(CODES), n).astype(np.uint8)
    first, past = sorted(rng.integers(0, 60, 2).tolist())

    def counted() -> list[Any]:
        tally, found = Tally(first, past), []
        for _ in range(2):  # begun anew after it is taken
            tally.add(account, subject, code)
            tally.add(subject, account, code)
            who, counts = tally.take()
            found += [who.dtype, who.tolist(), counts.dtype, counts.tolist()]
        sums = np.zeros((3, 60), np.int64)
        columns = [code.astype(np.int32), np.ones(n, np.int32), -code.astype(np.int32)]
        add_up(account, columns, 0, sums)
        return [*found, sums.tolist()]

    by_kernel, by_numpy = both(counted)
    assert by_kernel == by_numpy


_USE = """
import json, sys
import numpy as np
from blueattr import kernels
from blueattr.kernels import compiled
x = np.ones(int(sys.argv[1]))
assert kernels.exact_sum(x) == x.size
before = "numba" in sys.modules
while compiled.few(x.size):
    pass
assert kernels.exact_sum(x) == x.size
print(json.dumps([before, "numba" in sys.modules]))
"""


@pytest.mark.parametrize(("n", "at_once"), [(1000, False), (1 << 23, True)])
def test_who_works_on_much_loads_machine_code(n: int, at_once: bool) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _USE, str(n)],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert json.loads(done.stdout) == [at_once, True]
