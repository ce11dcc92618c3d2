"""Each kernel against its plain twin, and the laws of the reproducible sum."""

import itertools
import math
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from scipy import stats

from blueattr import kernels
from blueattr.kernels import compiled, machine_code, repeats
from blueattr.kernels import excess as excess_kernel
from support import naive
from support.effort import law

numba_config: Any = machine_code.config  # its settings are made at run time


LAWS = law(80)


numbers = st.floats(-1e200, 1e200, allow_nan=False, allow_infinity=False, width=64)
few = st.sampled_from([-2.0, -1.0, -0.0, 0.0, 0.5, 1.0, 3.0])


def vector(values: list[float]) -> kernels.FloatArray:
    return np.array(values, np.float64)


def wide(n: int, seed: int = 0) -> kernels.FloatArray:
    """Numbers over eighty binary orders of magnitude, a third of them 0."""
    rng = np.random.default_rng(seed)
    x = rng.lognormal(size=n) * 2.0 ** rng.integers(-40, 40, n)
    x[rng.random(n) < 1 / 3] = 0
    return x


@LAWS
@given(st.lists(numbers, max_size=40))
def test_sum_is_within_its_bound(values: list[float]) -> None:
    bound = len(values) * Fraction(2) ** -64 * Fraction(max(map(abs, values), default=0.0))
    bound += len(values) * Fraction(2) ** -993
    assert abs(kernels.exact_sum(vector(values)) - naive.exact_sum(values)) <= bound


@pytest.mark.parametrize("n", [3, 1023, 1024, 1025, 5000, 200_001])
def test_sum_equals_fsum(n: int) -> None:
    x = wide(n, seed=n) * np.where(np.arange(n) % 5 == 0, -1, 1)
    assert np.any(x)
    assert float(kernels.exact_sum(x)) == pytest.approx(math.fsum(x), rel=1e-15)


def test_sum_of_numbers_of_one_scale_is_correctly_rounded() -> None:
    x = np.random.default_rng(3).random(100_000)
    assert float(kernels.exact_sum(x)) == math.fsum(x)
    assert kernels.exact_sum(np.full(99_999, 0.1)) == 99_999 * Fraction(0.1)


def test_sum_does_not_depend_on_order() -> None:
    rng = np.random.default_rng(1)
    x = wide(30_000) - wide(30_000, seed=9)
    expected = kernels.exact_sum(x)
    assert expected != naive.exact_sum(x.tolist())  # bits were lost, and always the same ones
    for order in (rng.permutation(x), np.sort(x), np.sort(x)[::-1].copy()):
        assert kernels.exact_sum(order) == expected


@pytest.mark.parametrize("threads", [1, 2, 3, 7])
def test_nothing_depends_on_the_number_of_threads(
    threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    x, y, z = (wide(20_000, seed=k) for k in range(3))
    groups = (np.arange(20_000) % 3).astype(np.uint8)
    monkeypatch.setattr(excess_kernel, "FEW", 1)

    def everything() -> list[object]:
        s, total = kernels.aggregate(x, y, z, kernels.MEAN, (0.2, 0.3, 0.5))
        out = x.copy()
        kernels.add_scaled(y, 0.7, out)
        return [
            kernels.exact_sum(x),
            kernels.group_sums(x, groups, 3),
            total,
            s.tobytes(),
            kernels.combine(x, y, z, (1.0, 2.0, 3.0)).tobytes(),
            kernels.argsort(x).tobytes(),
            *map(repr, excess(x)),
            out.tobytes(),
            [
                part.tobytes() if isinstance(part, np.ndarray) else part
                for part in kernels.spread_about_mean(s.copy(), Fraction(total, s.size))
            ],
        ]

    expected = everything()
    stretches: list[int] = []
    real = compiled.spread

    def spy(n, work):  # type: ignore[no-untyped-def]  # takes whatever the real one takes
        results = real(n, work)
        stretches.append(len(results))
        return results

    monkeypatch.setattr(compiled, "SPREAD_FROM", 1)
    monkeypatch.setattr(compiled, "threads", lambda: threads)
    monkeypatch.setattr(compiled, "spread", spy)
    assert everything() == expected
    assert max(stretches) == threads


def test_sum_keeps_small_numbers_met_before_large_ones() -> None:
    for values in ([1e-12] * 3000 + [1.0], [1.0] + [1e-12] * 3000, [2.0**-40] * 1025 + [2.0**20]):
        assert float(kernels.exact_sum(vector(values))) == math.fsum(values)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, 2.0**927, -1e300])
def test_sum_refuses_what_it_cannot_carry(bad: float) -> None:
    for values in ([1.0, bad], [bad] + [1.0] * 3000, [1.0] * 3000 + [bad]):
        with pytest.raises(OverflowError, match="too large"):
            kernels.exact_sum(vector(values))
    assert kernels.exact_sum(vector([2.0**926, 2.0**926])) == 2**927


def test_sum_of_nothing_and_of_zeros() -> None:
    assert kernels.exact_sum(vector([])) == 0
    assert kernels.exact_sum(vector([0.0, -0.0])) == 0
    assert kernels.exact_sum(vector([1.5, -1.5])) == 0


@LAWS
@given(st.lists(st.tuples(numbers, st.integers(0, 2)), max_size=30))
def test_group_sums_are_sums_of_groups(pairs: list[tuple[float, int]]) -> None:
    x = vector([value for value, _ in pairs])
    groups = np.array([group for _, group in pairs], np.uint8)
    signed, magnitudes = kernels.group_sums(x, groups, 3)
    assert signed == [kernels.exact_sum(x[groups == g]) for g in range(3)]
    assert magnitudes == [kernels.exact_sum(np.abs(x[groups == g])) for g in range(3)]


def test_group_sums_over_several_blocks() -> None:
    x = wide(10_000) - 1
    groups = (np.arange(10_000) % 7 > 2).astype(np.uint8)
    signed, magnitudes = kernels.group_sums(x, groups, 2)
    assert signed == [kernels.exact_sum(x[groups == g]) for g in range(2)]
    assert magnitudes == [kernels.exact_sum(np.abs(x[groups == g])) for g in range(2)]


@pytest.mark.parametrize("kind", [kernels.MEAN, kernels.LOG, kernels.GEOMETRIC])
@pytest.mark.parametrize("divisor", [1.0, 7.0])
def test_aggregate(kind: int, divisor: float) -> None:
    a, b, c = (wide(3000, seed=k) for k in range(3))
    weights = (0.5, 0.2, 0.3)
    s, total = kernels.aggregate(a, b, c, kind, weights, divisor)
    expected = []
    for x in zip(a.tolist(), b.tolist(), c.tolist(), strict=True):
        weighted = sum(w * v for w, v in zip(weights, x, strict=True))
        product = math.prod(v**w for w, v in zip(weights, x, strict=True))
        expected.append([weighted, math.log1p(weighted), product][kind])
    assert any(expected)
    np.testing.assert_allclose(s * divisor, expected, rtol=1e-14)
    assert float(total) == pytest.approx(math.fsum(expected), rel=1e-14)


@pytest.mark.parametrize("kind", [kernels.MEAN, kernels.LOG, kernels.GEOMETRIC])
def test_aggregate_of_interchanged_features_is_bit_equal(kind: int) -> None:
    x = [np.random.default_rng(k).lognormal(size=2000) for k in range(3)]
    third = (1 / 3, 1 / 3, 1 / 3)
    expected = kernels.aggregate(x[0], x[1], x[2], kind, third)
    for p, q, r in itertools.permutations(range(3)):
        s, total = kernels.aggregate(x[p], x[q], x[r], kind, third)
        assert s.tobytes() == expected[0].tobytes()
        assert total == expected[1]


def test_spread_about_mean_keeps_its_digits() -> None:
    s = 1e6 + np.random.default_rng(0).random(5000) * 1e-3
    exact = [Fraction(v) for v in s.tolist()]
    mean = sum(exact, Fraction(0)) / 5000
    values, squares = kernels.spread_about_mean(s.copy(), mean)
    np.testing.assert_allclose(values, [float(v * (v - mean) / 5000) for v in exact], rtol=1e-14)
    assert float(squares) == pytest.approx(float(sum((v - mean) ** 2 for v in exact)), rel=1e-14)


def test_combine_and_add_scaled() -> None:
    a, b, c = (wide(3000, seed=k) for k in range(3))
    np.testing.assert_allclose(
        kernels.combine(a, b, c, (1.0, 2.0, 3.0)), a + 2 * b + 3 * c, rtol=1e-15
    )
    out = a.copy()
    kernels.add_scaled(b, -2.0, out)
    np.testing.assert_allclose(out, a - 2 * b, rtol=1e-13)


@LAWS
@given(st.lists(numbers | few, max_size=60))
def test_argsort_is_stable(values: list[float]) -> None:
    x = vector(values)
    assert kernels.argsort(x).tolist() == np.argsort(x, kind="stable").tolist()


def test_argsort_takes_both_zeros_for_ties() -> None:
    assert kernels.argsort(vector([1.0, 0.0, -0.0, -1.0, 0.0])).tolist() == [3, 1, 2, 4, 0]


def test_argsort_where_the_largest_digit_varies_between_stretches_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(compiled, "SPREAD_FROM", 1)
    monkeypatch.setattr(compiled, "threads", lambda: 2)
    x = vector([-1.0] * 1500 + [0.0] * 1500)
    assert kernels.argsort(x).tolist() == list(range(3000))


def test_argsort_keeps_the_order_it_is_given() -> None:
    x = vector([1.0, 0.0, 1.0, 0.0])
    order = np.array([3, 2, 1, 0], np.uint32)
    assert kernels.argsort(x, order).tolist() == [3, 1, 2, 0]
    assert order.tolist() == [3, 2, 1, 0]


# --- pairwise excess -----------------------------------------------------------------------------


def excess(x: kernels.FloatArray) -> list[float]:
    """All results and their sum."""
    values, total = kernels.pairwise_excess(x.copy())
    return [*values.tolist(), float(total)]


WAYS = {"few agents": "_excess_of_few", "values": "_excess_of_values", "cells": "_make_cells"}


def take(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have one way of computing it taken, whatever the number of agents."""
    monkeypatch.setattr(excess_kernel, "FEW", 1 << 40 if way == "few agents" else 1)
    monkeypatch.setattr(excess_kernel, "SHARED", 1)
    monkeypatch.setattr(excess_kernel, "MOST", 1 << 20 if way == "values" else 0)


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Make each way of computing it be taken."""
    name = WAYS[request.param]
    real, calls = getattr(excess_kernel, name), []

    def spy(*arguments: Any) -> Any:
        calls.append(1)
        return real(*arguments)

    monkeypatch.setattr(excess_kernel, name, spy)
    take(request.param, monkeypatch)
    yield
    assert calls


magnitudes = st.floats(0, 1e12) | st.sampled_from([-0.0, 0.0, 0.5, 1.0, 3.0])


@law(80, suppress=[HealthCheck.function_scoped_fixture])
@given(values=st.lists(magnitudes, min_size=1, max_size=40))
def test_pairwise_excess(way: None, values: list[float]) -> None:
    expected = [math.fsum(max(v - w, 0.0) for w in values) for v in values]
    *got, total = excess(vector(values))
    np.testing.assert_allclose(got, expected, rtol=1e-13)
    assert total == pytest.approx(math.fsum(expected), rel=1e-13)


def test_pairwise_excess_of_massive_ties_is_exact(way: None) -> None:
    s = np.zeros(200_000)
    s[[5, 70_000, 199_999]] = [2.0, 3.0, 3.0]
    *got, total = excess(s)
    assert [got[i] for i in (5, 70_000, 199_999)] == [399_994.0, 599_992.0, 599_992.0]
    assert np.count_nonzero(got) == 3
    assert total == 1_599_978


def test_pairwise_excess_of_many_agents_carries_what_rounding_loses(way: None) -> None:
    s = np.random.default_rng(2).random(200_000)
    below, most = kernels.exact_sum(s), int(s.argmax())
    expected = float(s.size * Fraction(float(s[most])) - below)
    assert excess(s)[most] == pytest.approx(expected, rel=4e-16)


def test_pairwise_excess_of_near_equals_does_not_cancel(way: None) -> None:
    s = np.arange(2000, dtype=np.float64) * 2.0**-20 + 1e9
    exact = [Fraction(v) for v in s.tolist()]
    got = excess(s)
    for i in (1, 2, 1000, 1999):
        expected = float(sum(exact[i] - v for v in exact[:i]))
        assert got[i] == pytest.approx(expected, rel=1e-15)


def test_pairwise_excess_over_all_magnitudes(way: None) -> None:
    """Down to the subnormal, with zeros, ties and a crowd in one place."""
    rng = np.random.default_rng(8)
    s = np.concatenate([10 ** rng.uniform(-320, 200, 200), np.full(50, 0.7), [0.0, -0.0, 5e-324]])
    exact = sorted(map(Fraction, s.tolist()))
    expected = [float(sum((v - w for w in exact if w < v), Fraction(0))) for v in map(Fraction, s)]
    np.testing.assert_allclose(excess(s)[:-1], expected, rtol=5e-16)


@pytest.mark.parametrize("kind", ["continuous", "counts", "a crowd", "one value"])
def test_pairwise_excess_in_cells_of_every_size(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(5)
    s = {
        "continuous": rng.lognormal(size=20_000),
        "counts": np.log1p(np.floor(rng.pareto(0.8, 20_000))),
        "a crowd": 1.0 + rng.integers(0, 5000, 20_000) * 2.0**-52,
        "one value": np.full(20_000, 0.7),
    }[kind]
    expected = excess(s)
    take("cells", monkeypatch)
    cells = []
    for size in (16, 8, 2):
        monkeypatch.setattr(excess_kernel, "_SIZE", size)
        stretches = compiled.stretches(s.size)
        made = excess_kernel._make_cells(s.view(np.uint64), stretches)
        cells.append(made.floor.size)
        assert excess(s) == expected
        shuffled = rng.permutation(s.size)
        again = np.array(excess(s[shuffled]))[:-1]
        assert again.tobytes() == np.array(excess(s))[:-1][shuffled].tobytes()
    assert cells[0] < cells[1] < cells[2]


@pytest.mark.parametrize("way", ["values", "cells"])
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_pairwise_excess_is_one_whatever_the_order(
    way: str, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(9)
    s = np.log1p(np.floor(rng.pareto(0.8, 20_000))) + np.log1p(rng.integers(0, 9, 20_000))
    assert np.unique(s).size > 500
    expected = excess(s)
    take(way, monkeypatch)
    one = excess(s)
    assert one == expected
    monkeypatch.setattr(compiled, "SPREAD_FROM", 1)
    monkeypatch.setattr(compiled, "threads", lambda: threads)
    for order in (np.arange(s.size), np.argsort(s), rng.permutation(s.size)):
        got = excess(s[order])
        assert got[:-1] == [one[i] for i in order.tolist()]
        assert got[-1] == one[-1]


repeated = st.sampled_from([-0.0, 0.0, 5e-324, 1 / 3, 1.0, 2.0**60, 1e200])


@LAWS
@given(st.lists(repeated | st.floats(0, 1e300), min_size=1, max_size=40), st.integers(1, 40))
def test_repeats(values: list[float], most: int) -> None:
    found = repeats.find_repeats(vector(values), most)
    different, counts = np.unique(np.abs(values), return_counts=True)
    assert (found is None) == (different.size > most)
    if found is None:
        return
    assert found.values.tolist() == different.tolist()
    assert found.counts.tolist() == counts.tolist()
    out = np.empty(len(values))
    results = np.sqrt(found.values)
    total = found.spread(results, 2.0, out).value()
    assert total == kernels.exact_sum(np.sqrt(np.abs(values)))
    assert out.tolist() == (2 * np.sqrt(np.abs(values))).tolist()


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_too_many_are_too_many_whatever_the_threads(
    threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where no stretch has too many by itself."""
    monkeypatch.setattr(compiled, "SPREAD_FROM", 1)
    monkeypatch.setattr(compiled, "threads", lambda: threads)
    x = np.repeat(np.arange(600, dtype=np.float64), 10)
    for order in (x, np.random.default_rng(1).permutation(x)):
        assert repeats.find_repeats(order, 599) is None
        found = repeats.find_repeats(order, 600)
        assert found is not None
        assert set(found.counts.tolist()) == {10}


@LAWS
@given(st.lists(st.tuples(few | numbers, few | numbers), min_size=1, max_size=25))
def test_rank_correlations(pairs: list[tuple[float, float]]) -> None:
    x, y = [p for p, _ in pairs], [q for _, q in pairs]
    got = kernels.rank_correlations(vector(x), vector(y))
    tau, rho = naive.kendall_tau(x, y), naive.spearman_rho(x, y)
    if got is None:
        assert tau is None
        assert rho is None
    else:
        assert got == pytest.approx((tau, rho), abs=1e-13)


@pytest.mark.parametrize("digits", [0, 1, 8])
def test_rank_correlations_against_scipy(digits: int) -> None:
    rng = np.random.default_rng(digits)
    x = rng.normal(size=3000)
    y = np.round(0.5 * x + rng.normal(size=3000), digits)
    x = np.round(x, digits)
    got = kernels.rank_correlations(x, y)
    assert got is not None
    assert got[0] == pytest.approx(stats.kendalltau(x, y).statistic, abs=1e-13)
    assert got[1] == pytest.approx(stats.spearmanr(x, y).statistic, abs=1e-13)


def test_a_vector_is_ranked_as_itself_whether_that_is_seen_or_not() -> None:
    x = np.random.default_rng(3).integers(0, 90, 1000).astype(float)
    for y in (x, 2 * x):
        assert kernels.rank_correlations(x, y, tolerance=1e-12) == (1.0, 1.0)
    assert kernels.rank_correlations(np.ones(3), np.ones(3)) is None


def test_rank_correlations_take_rounding_for_ties() -> None:
    x = vector([1.0, 1.0 + 2**-52, 2.0, 3.0])
    y = vector([1.0 + 2**-52, 1.0, 2.0, 3.0])
    exact = kernels.rank_correlations(x, y)
    assert exact is not None
    assert exact[0] < 1
    assert kernels.rank_correlations(x, y, tolerance=1e-12) == (1.0, 1.0)
    assert kernels.rank_correlations(x[:2].copy(), y[:2].copy(), tolerance=1e-12) is None


def test_kernels_refuse_other_arrays() -> None:
    with pytest.raises(TypeError, match="float64"):
        kernels.exact_sum(np.ones(3, np.float32))
    with pytest.raises(TypeError, match="contiguous"):
        kernels.exact_sum(np.ones(6)[::2])


# --- the cache of machine code -------------------------------------------------------------------

_COMBINE = """
import numpy as np
from blueattr.kernels import agents, machine_code  # numpy is not to work in their place
x = np.ones(9)
assert agents.combine(x, x, x, (1.0, 2.0, 3.0)).tolist() == [6.0] * 9
stats = agents._combine.compiled.stats
print(sum(stats.cache_hits.values()), sum(stats.cache_misses.values()))
print(agents._combine.compiled._cache.cache_path)
"""


@pytest.fixture(scope="module")
def install(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the package beside whose sources nobody can write, the superuser not excepted."""
    home = Path(compiled.__file__).parent
    copy = tmp_path_factory.mktemp("install") / "blueattr"
    (copy / "kernels").mkdir(parents=True)
    (copy / "__init__.py").touch()
    (copy / "kernels" / "__pycache__").touch()
    for source in home.glob("*.py"):
        shutil.copy(source, copy / "kernels")
    return copy.parent


@pytest.fixture(scope="module")
def filled(install: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of machine code that a process left: to be copied."""
    cache = tmp_path_factory.mktemp("filled")
    assert finish(start(install, NUMBA_CACHE_DIR=str(cache)))[:2] == ["0", "1"]
    (folder,) = cache.iterdir()
    return folder


def start(install: Path, code: str = _COMBINE, **environment: str) -> "subprocess.Popen[str]":
    of_numba = ("NUMBA_CACHE_DIR", "NUMBA_DISABLE_JIT")
    keep = {name: value for name, value in os.environ.items() if name not in of_numba}
    return subprocess.Popen(
        [sys.executable, "-B", "-W", "error", "-c", code],
        cwd=install, env={**keep, "PYTHONPATH": str(install), **environment},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def finish(child: "subprocess.Popen[str]") -> list[str]:
    out, err = child.communicate(timeout=120)
    assert (child.returncode, err) == (0, "")
    return out.split()


def test_only_the_first_run_compiles(install: Path, tmp_path: Path) -> None:
    before = sorted(install.rglob("*"))
    settings = {"HOME": str(tmp_path / "cache"), "XDG_CACHE_HOME": "not/absolute"}
    hits, misses, place = finish(start(install, **settings))
    assert (hits, misses) == ("0", "1")
    assert Path(place).is_relative_to(tmp_path / "cache")
    assert finish(start(install, **settings)) == ["1", "0", place]
    assert sorted(install.rglob("*")) == before


@pytest.mark.slow
@pytest.mark.parametrize(
    ("variable", "below"), [("XDG_CACHE_HOME", "blueattr"), ("NUMBA_CACHE_DIR", "")]
)
def test_machine_code_is_where_a_variable_says(
    variable: str, below: str, install: Path, filled: Path, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    shutil.copytree(filled, cache / below / filled.name)
    settings = {"HOME": str(tmp_path / "nobody"), variable: str(cache)}
    hits, misses, place = finish(start(install, **settings))
    assert (hits, misses) == ("1", "0")
    assert Path(place).parent == cache / below / filled.name


@pytest.mark.slow
def test_processes_may_compile_at_once(install: Path, tmp_path: Path) -> None:
    settings = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    children = [start(install, **settings) for _ in range(2)]
    places = [finish(child)[2] for child in children]
    assert len(set(places)) == 1
    assert finish(start(install, **settings)) == ["1", "0", places[0]]


@pytest.mark.slow
def test_a_change_of_any_kernel_compiles_all(install: Path, filled: Path, tmp_path: Path) -> None:
    """Kernels are inlined into those of other modules, which numba's own check does not see."""
    shutil.copytree(filled, tmp_path / filled.name)
    source = install / "blueattr" / "kernels" / "games.py"
    before = source.read_text()
    source.write_text(f"{before}# changed\n")
    try:
        hits, misses, place = finish(start(install, NUMBA_CACHE_DIR=str(tmp_path)))
    finally:
        source.write_text(before)
    assert (hits, misses) == ("0", "1")
    assert Path(place).parent.parent == tmp_path
    assert Path(place).parent.name != filled.name


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["nbi", "nbc"])
def test_a_damaged_cache_is_made_anew(
    install: Path, filled: Path, tmp_path: Path, suffix: str
) -> None:
    shutil.copytree(filled, tmp_path / filled.name)
    settings = {"NUMBA_CACHE_DIR": str(tmp_path)}
    damaged = list(tmp_path.rglob(f"*.{suffix}"))
    assert damaged
    for file in damaged:
        file.write_bytes(file.read_bytes()[:60])
    assert finish(start(install, **settings))[:2] == ["0", "1"]
    assert finish(start(install, **settings))[:2] == ["1", "0"]


@pytest.mark.slow
def test_kernels_work_where_nothing_can_be_cached(install: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    nowhere = {k: str(tmp_path / "file") for k in ("XDG_CACHE_HOME", "NUMBA_CACHE_DIR", "HOME")}
    assert finish(start(install, **nowhere)) == ["0", "1", "None"]


@pytest.mark.slow
def test_kernels_work_where_the_disk_is_full(install: Path, tmp_path: Path) -> None:
    code = (
        "from numba.core import caching\n"
        "def full(*_): print('full'); raise OSError(28, 'No space left on device')\n"
        "caching.IndexDataCacheFile._save_data = full\n" + _COMBINE
    )
    output = finish(start(install, code, XDG_CACHE_HOME=str(tmp_path / "cache")))
    assert "full" in output
    assert output[-3:-1] == ["0", "1"]


def test_settings_of_numba_are_left_as_they_were() -> None:
    assert "blueattr" not in numba_config.CACHE_DIR


# --- arguments -----------------------------------------------------------------------------------


def test_vectors_of_different_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="3 and 4"):
        kernels.rank_correlations(vector([1, 2, 3]), vector([1, 2, 3, 4]))
