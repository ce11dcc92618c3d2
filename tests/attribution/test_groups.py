"""Groups: Owen values are averages over orders of agents, and all that is summed adds up."""

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from blueattr import kernels
from blueattr.attribution.attribute import attribute
from blueattr.attribution.groups import grouped, members
from blueattr.attribution.groups.games import MomentGame, game_of
from blueattr.attribution.groups.grouped import group_shares, partition_for
from blueattr.attribution.groups.members import member_values
from blueattr.attribution.groups.orders import draw_orders, nested_values
from blueattr.attribution.groups.pairs import PairSums, RunningPairs
from blueattr.attribution.groups.partition import Labels, Pairs, merged_order
from blueattr.attribution.groups.result import GroupShares
from blueattr.attribution.tiered import TieredPanel
from blueattr.attribution.value import solve
from blueattr.errors import NoAnswerError, UsageError
from blueattr.indicators.base import Aggregator, Indicator
from blueattr.indicators.custom import own_indicator
from blueattr.indicators.find import find_indicator
from blueattr.kernels import FloatArray
from support.effort import law
from support.naive import coalition_value, exact_shapley

FOUR = ("lin", "heat", "var", "gini")


class Cubic:
    """An own indicator of degree 3 in participation, without a gradient."""

    names = ("ab", "c", "s")
    name = "cubic"

    def statistics(self, a: FloatArray, b: FloatArray, c: FloatArray) -> FloatArray:
        return np.column_stack([a * b, c, a + b + c])

    def value(self, means: FloatArray) -> float:
        return means[0] * means[1] * means[2] + 0.5 * means[2] ** 2  # type: ignore[no-any-return]


OWN = own_indicator(Cubic())


def named(indicator: str) -> Indicator:
    return OWN if indicator == "cubic" else find_indicator(indicator)


def drawn(n: int, seed: int) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    counts = np.log1p(rng.poisson((1.5, 4.0, 0.8), (n, 3)).astype(float))
    return pl.DataFrame({"did": [f"d{k:03}" for k in range(n)],
                         **{name: counts[:, k] for k, name in enumerate("abc")}})  # fmt: skip


def labels(by: str, groups: str | Sequence[str | None]) -> Labels:
    return Labels.of(by, pl.Series([*groups], dtype=pl.String))


def asked(
    frame: pl.DataFrame, indicator: str, *levels: str | Sequence[str | None], **how: Any
) -> GroupShares:
    tiered = TieredPanel.of(frame, (1.0, 10.0))
    made = [labels(f"level {k}", level) for k, level in enumerate(levels)]
    steps = 30 if indicator == "cubic" else None
    return group_shares(tiered, made, named(indicator), Aggregator(), steps, **how)


def value_of(indicator: str, frame: pl.DataFrame) -> Callable[[Sequence[bool]], float]:
    rows = frame.select("a", "b", "c").rows()
    if indicator != "cubic":
        return coalition_value(indicator, rows)
    x = frame.select("a", "b", "c").to_numpy()

    def value(present: Sequence[bool]) -> float:
        a, b, c = np.where(np.array(present)[:, None], x, 0.0).T
        return float(Cubic().value(Cubic().statistics(a, b, c).sum(axis=0) / len(x)))

    return value


def over_all_orders(
    value: Callable[[Sequence[bool]], float], keys: Sequence[tuple[str, ...]]
) -> list[float]:
    """What each agent adds, averaged over all orders of agents in which groups stand together."""
    n = len(keys)
    known: dict[frozenset[int], float] = {}

    def at(there: frozenset[int]) -> float:
        if there not in known:
            known[there] = value([k in there for k in range(n)])
        return known[there]

    def together(order: Sequence[int], depth: int) -> bool:
        runs = [key for key, _ in itertools.groupby(keys[k][:depth] for k in order)]
        return len(runs) == len(set(runs))

    gains, orders = [0.0] * n, 0
    for order in itertools.permutations(range(n)):
        if not all(together(order, depth) for depth in range(1, len(keys[0]) + 1)):
            continue
        orders += 1
        there: frozenset[int] = frozenset()
        for k in order:
            more = there | {k}
            gains[k] += at(more) - at(there)
            there = more
    assert orders > 1
    return [gain / orders for gain in gains]


def summed(values: Sequence[float], keys: Sequence[Any]) -> dict[Any, float]:
    return {
        key: math.fsum(v for v, of in zip(values, keys, strict=True) if of == key)
        for key in set(keys)
    }


# --- Owen values ----------------------------------------------------------------------------------


@pytest.mark.parametrize("indicator", [*FOUR, "cubic"])
@pytest.mark.parametrize("groups", ["xxxxyzz", "xyyzzzw", "xxxxxxy"])
def test_a_group_gets_what_it_adds_on_average_over_all_orders_of_agents(
    indicator: str, groups: str
) -> None:
    frame = drawn(7, seed=3)
    found = {one.group: one.owen for one in asked(frame, indicator, groups).groups}
    expected = summed(
        over_all_orders(value_of(indicator, frame), [(g,) for g in groups]), [*groups]
    )
    assert found == pytest.approx(expected, abs=1e-13)


@pytest.mark.parametrize("indicator", ["heat", "cubic", "gini"])
@pytest.mark.parametrize(
    ("outer", "inner"), [("xxxxyyy", "ppqrpqq"), ("xxxyyzz", "pqqppqp"), ("xxxxxyz", "pqrssps")]
)
def test_inner_groups_enter_within_outer_ones(indicator: str, outer: str, inner: str) -> None:
    frame = drawn(7, seed=5)
    result = asked(frame, indicator, outer, inner)
    keys = [*zip(outer, inner, strict=True)]
    each = over_all_orders(value_of(indicator, frame), keys)
    found = {(one.group, sub.group): sub.owen for one in result.groups for sub in one.groups}
    assert found == pytest.approx(summed(each, keys), abs=1e-13)
    assert {one.group: one.owen for one in result.groups} == pytest.approx(
        summed(each, [*outer]), abs=1e-13
    )
    one_level = {one.group: one.owen for one in asked(frame, indicator, outer).groups}
    assert {one.group: one.owen for one in result.groups} == pytest.approx(one_level, abs=1e-13)


@pytest.mark.parametrize("indicator", ["heat", "cubic", "gini", "var"])
def test_groups_of_one_agent_have_its_shapley_value(indicator: str) -> None:
    frame = drawn(8, seed=1)
    found = {one.group: one.owen for one in asked(frame, indicator, "abcdefgh").groups}
    exact = exact_shapley(value_of(indicator, frame), 8)
    assert [found[name] for name in "abcdefgh"] == pytest.approx(exact, abs=1e-13)


@pytest.mark.parametrize("indicator", ["heat", "cubic", "hill", "threshold", "entropy"])
def test_one_group_of_all_gets_the_value_and_its_members_theirs(indicator: str) -> None:
    frame = drawn(30, seed=2)
    tiered = TieredPanel.of(frame, (1.0, 10.0))
    (one,) = asked(frame, indicator, "x" * 30).groups
    assert one.owen == pytest.approx(attribute(frame, named(indicator)).total, rel=1e-13)
    assert one.without_silent == 0
    assert one.without_absent is None
    steps = 3000 if indicator == "cubic" else None  # the others have closed forms
    phi = solve(named(indicator), tiered.panel.features, Aggregator(), steps).values
    mine = member_values(tiered, [labels("x", "x" * 30)], named(indicator), Aggregator())
    assert mine == pytest.approx(phi, abs=1e-6 * one.owen)


@pytest.mark.parametrize("indicator", [*FOUR, "cubic"])
def test_agents_without_features_get_nothing_and_change_only_n(indicator: str) -> None:
    frame = drawn(6, seed=4)
    silent = pl.DataFrame({"did": ["e1", "e2"], **{name: [0.0, 0.0] for name in "abc"}})
    result = asked(pl.concat([frame, silent]), indicator, "xxyyyxzz")
    (zero,) = [one for one in result.groups if one.group == "z"]
    assert (zero.value, zero.owen, zero.agents, zero.agents_involved) == (0, 0, 2, 0)
    whole = math.fsum(one.owen for one in result.groups)
    assert zero.without_silent == pytest.approx(whole, rel=1e-12)
    alone = attribute(frame, named(indicator)).total
    assert zero.without_absent == pytest.approx(alone, rel=1e-12)


@pytest.mark.parametrize("indicator", ["heat", "cubic"])
@pytest.mark.parametrize("levels", [("xxxyyyzz",), ("xxxxyyyz", "pqqrppqp")])
def test_members_have_the_integral_of_their_slope_as_their_group_enters(
    indicator: str, levels: tuple[str, ...]
) -> None:
    frame = drawn(8, seed=6)
    tiered = TieredPanel.of(frame, (1.0, 10.0))
    made = [labels(str(k), level) for k, level in enumerate(levels)]
    found = member_values(tiered, made, named(indicator), Aggregator())
    assert found == pytest.approx(slow_members(named(indicator), tiered, levels), rel=1e-9)
    sums = summed(found.tolist(), [*zip(*levels, strict=True)])
    result = asked(frame, indicator, *levels)
    groups = (
        {(one.group,): one.owen for one in result.groups}
        if len(levels) == 1
        else {(one.group, sub.group): sub.owen for one in result.groups for sub in one.groups}
    )
    assert sums == pytest.approx(groups, abs=1e-12)


def slow_members(indicator: Indicator, tiered: TieredPanel, levels: tuple[str, ...]) -> list[float]:
    """The sums of docs/groups.md, term by term."""
    game = game_of(
        indicator, tiered.panel.features, Aggregator(),
        partition_for(indicator, [labels(str(k), level) for k, level in enumerate(levels)]),
    )  # fmt: skip
    assert isinstance(game, MomentGame)
    x = np.column_stack(game.indicator.measure(tiered.panel.features, Aggregator()))
    keys = [*zip(*levels, strict=True)]
    n = len(keys)

    def mean(which: Callable[[tuple[str, ...]], bool]) -> FloatArray:
        chosen = [x[k] for k in range(n) if which(keys[k])]
        total: FloatArray = np.sum(chosen, axis=0) / n if chosen else np.zeros(x.shape[1])
        return total

    def entered(others: list[str], names: int) -> list[tuple[set[str], float]]:
        return [
            (set(some), math.factorial(k) * math.factorial(names - k - 1) / math.factorial(names))
            for k in range(len(others) + 1)
            for some in itertools.combinations(others, k)
        ]

    found = []
    for i, key in enumerate(keys):
        outers = sorted({one[0] for one in keys})
        inners = sorted({one[-1] for one in keys if one[0] == key[0]}) if len(key) > 1 else []
        own = mean(lambda one, key=key: one == key)  # type: ignore[misc]
        total = 0.0
        for outer, chance in entered([g for g in outers if g != key[0]], len(outers)):
            for inner, within in entered([h for h in inners if h != key[-1]], max(len(inners), 1)):
                base = mean(
                    lambda one, outer=outer, inner=inner, key=key: (
                        one[0] in outer  # type: ignore[misc]
                        or (len(one) > 1 and one[0] == key[0] and one[-1] in inner)
                    )
                )
                slope, _ = quad(
                    lambda t, base=base, own=own, i=i: float(
                        indicator.gradient(base + t * own) @ x[i]  # type: ignore[union-attr]
                    ),
                    0, 1, epsabs=1e-13, epsrel=1e-13,
                )  # fmt: skip
                total += chance * within * slope
        found.append(total / n)
    return found


def test_members_whose_integrals_would_take_too_long_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tiered = TieredPanel.of(drawn(9, seed=2), (1.0, 10.0))
    monkeypatch.setattr(members, "_POINTS", 500)  # those of entropy take many: it begins steeply
    with pytest.raises(NoAnswerError, match="'entropy'"):
        member_values(tiered, [labels("x", "x" * 9)], find_indicator("entropy"), Aggregator())


# --- interactions, and the panel without a group --------------------------------------------------


@pytest.mark.parametrize("indicator", [*FOUR, "cubic"])
def test_the_panel_without_a_group_is_that_panel(indicator: str) -> None:
    frame, groups = drawn(12, seed=8), "xxxxxyyyzzzz"
    chosen = named(indicator)
    for one in asked(frame, indicator, groups).groups:
        mine = pl.Series([g == one.group for g in groups])
        absent = attribute(frame.filter(~mine), chosen).total
        assert one.without_absent == pytest.approx(absent, rel=1e-12)
        value = value_of(indicator, frame)
        assert one.without_silent == pytest.approx(value((~mine).to_list()), rel=1e-12)
        assert one.agents == mine.sum()
        rows = attribute(frame, chosen).agents
        theirs = rows.filter(rows["did"].is_in(frame.filter(mine)["did"].to_list()))
        assert one.value == pytest.approx(theirs["value"].sum(), rel=1e-12)
        assert one.share == pytest.approx(theirs["share"].sum(), rel=1e-12)


@pytest.mark.parametrize("indicator", [*FOUR, "cubic"])
def test_merged_is_what_two_groups_are_more_together_than_alone(indicator: str) -> None:
    frame, groups = drawn(9, seed=9), "xxxyyyyzz"
    value = value_of(indicator, frame)

    def alone(*names: str) -> float:
        return value([g in names for g in groups])

    result = asked(frame, indicator, groups)
    assert len(result.interactions) == 3
    for one in result.interactions:
        expected = alone(one.group, one.other) - alone(one.group) - alone(one.other)
        assert one.merged == pytest.approx(expected, rel=1e-9, abs=1e-14)


@pytest.mark.parametrize("indicator", ["var", "gini"])
def test_groups_alone_and_their_interactions_make_up_the_whole(indicator: str) -> None:
    frame, groups = drawn(40, seed=10), "wxyz" * 10
    value = value_of(indicator, frame)
    alone = math.fsum(value([g == name for g in groups]) for name in "wxyz")
    pairs = asked(frame, indicator, groups).interactions
    assert len(pairs) == 6
    together = math.fsum(one.value for one in pairs if one.value is not None)
    assert alone + together == pytest.approx(attribute(frame, indicator).total, rel=1e-12)
    assert all(one.value == pytest.approx(one.merged, rel=1e-9) for one in pairs)


@pytest.mark.parametrize("indicator", ["lin", "heat", "var", "cubic", "hill"])
def test_rows_of_all_interactions_sum_to_the_change_of_the_slope(indicator: str) -> None:
    frame = drawn(20, seed=11)
    chosen = named(indicator)
    made = labels("x", ["wxyz"[k % 4] for k in range(20)])
    tiered = TieredPanel.of(frame, (1.0, 10.0))
    game = game_of(chosen, tiered.panel.features, Aggregator(), partition_for(chosen, [made]))
    assert isinstance(game, MomentGame)
    matrix = game.interactions()
    assert matrix is not None
    assert matrix == pytest.approx(matrix.T, rel=1e-9)
    whole = game.outer_means.sum(axis=0)
    change = game.indicator.gradient(whole) - game.indicator.gradient(np.zeros(whole.size))
    assert matrix.sum(axis=1) == pytest.approx(game.outer_means @ change, rel=1e-7, abs=1e-12)
    assert indicator == "lin" or np.abs(matrix).max() > 1e-3


def test_interactions_are_second_derivatives_of_f_along_the_diagonal() -> None:
    """Of heat in closed form, of the cubic F by differences: both are the integrals."""
    frame, groups = drawn(10, seed=12), "xxxxyyyyzz"
    for indicator in ("heat", "cubic"):
        chosen = named(indicator)
        tiered = TieredPanel.of(frame, (1.0, 10.0))
        partition = partition_for(chosen, [labels("x", groups)])
        game = game_of(chosen, tiered.panel.features, Aggregator(), partition)
        assert isinstance(game, MomentGame)
        matrix = game.interactions()
        assert matrix is not None
        whole = game.outer_means.sum(axis=0)

        def at(t: float, g: int, h: int, game: MomentGame = game, m: FloatArray = whole) -> float:
            """∂²/∂ε∂δ F(t m + ε m_g + δ m_h) by differences of F itself."""
            e = 1e-4
            mine, other = e * game.outer_means[g], e * game.outer_means[h]
            return math.fsum(
                p * q * game.indicator.value(t * m + p * mine + q * other)
                for p, q in itertools.product((1, -1), repeat=2)
            ) / (4 * e * e)

        for g, h in itertools.combinations(range(3), 2):
            slow, _ = quad(at, 1e-3, 1, args=(g, h), epsabs=1e-9)
            assert matrix[g, h] == pytest.approx(slow, rel=1e-3, abs=1e-5)


def test_interactions_that_do_not_converge_are_none() -> None:
    result = asked(drawn(9, seed=13), "entropy", "xxxyyyzzz")
    assert [one.value for one in result.interactions] == [None] * 3
    assert all(one.merged for one in result.interactions)


@law()
@given(st.integers(2, 60), st.integers(1, 6), st.integers(0, 10_000))
def test_pairs_are_summed_as_their_twin_sums_them(n: int, count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    s = rng.choice([0.0, 0.5, 1.0, 2.5, rng.random()], n)
    groups = [f"g{k}" for k in rng.integers(0, count, n)]
    inner = [f"h{k}" for k in rng.integers(0, 2, n)]
    partition = Pairs([labels("g", groups), labels("h", inner)]).join(16, 16)
    sums = PairSums.of(s, partition)
    matrix = sums.between
    for g, h in itertools.combinations_with_replacement(range(len(partition.outer.names)), 2):
        names = {partition.outer.names[g], partition.outer.names[h]}
        slow = math.fsum(
            min(s[i], s[j]) for i, j in itertools.combinations(range(n), 2)
            if {groups[i], groups[j]} == names
        )  # fmt: skip
        assert float(matrix[g][h]) == pytest.approx(slow, abs=1e-12)
    for leaf in range(len(partition.counts)):
        there = np.flatnonzero(partition.leaves != leaf)
        slow = math.fsum(min(s[i], s[j]) for i, j in itertools.combinations(there, 2))
        assert float(sums.without([leaf])) == pytest.approx(slow, abs=1e-11)
    some = [*next(partition.spans())]
    there = np.flatnonzero(~np.isin(partition.leaves, some))
    slow = math.fsum(min(s[i], s[j]) for i, j in itertools.combinations(there, 2))
    assert float(sums.without(some)) == pytest.approx(slow, abs=1e-11)


@law()
@given(st.integers(2, 60), st.integers(0, 10_000))
def test_sums_over_pairs_depend_neither_on_the_order_of_agents_nor_on_parts(
    n: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    s = rng.choice([0.0, 0.1, 1e9, *rng.random(20)], n)
    groups = [f"g{k}" for k in rng.integers(0, 3, n)]
    inner = [f"h{k}" for k in rng.integers(0, 3, n)]
    partition = Pairs([labels("g", groups), labels("h", inner)]).join(16, 16)
    order = rng.permutation(n)
    expected = PairSums.of(s, partition)
    assert PairSums.of(s[order], replace(partition, leaves=partition.leaves[order])) == expected
    # The least numbers, those that are equal to one, and the largest, joined from the end.
    middle, ahead, parts = rng.choice(s), kernels.Ahead(), []
    for there in (s < middle, s == middle, s > middle):
        part, leaves = s[there], partition.leaves[there]
        sorted_by, above = np.argsort(part), partition.leaves[s > part.max(initial=0.0)]
        counts, above = (np.bincount(k, minlength=partition.counts.size) for k in (leaves, above))
        parts.append(RunningPairs(partition.sizes))
        if len(parts) == 2:
            parts[-1].add_copies(ahead, n, above, float(middle), counts)
        else:
            parts[-1].add(ahead, n, above, part[sorted_by], leaves[sorted_by])
        for number in np.sort(part).tolist():
            ahead = ahead.to(number)
    joined = RunningPairs(partition.sizes)
    for one in parts[::-1]:
        joined.take(one)
    assert joined.sums() == expected


# --- laws -----------------------------------------------------------------------------------------


@pytest.mark.slow
@law()
@given(
    st.sampled_from([*FOUR, "cubic", "hill"]), st.integers(2, 40), st.integers(1, 9),
    st.integers(0, 10_000),
)  # fmt: skip
def test_values_shares_and_owen_values_of_groups_sum_to_those_of_all(
    indicator: str, n: int, count: int, seed: int
) -> None:
    frame = drawn(n, seed)
    rng = np.random.default_rng(seed)
    groups = [None if k == 0 else f"g{k}" for k in rng.integers(0, count, n).tolist()]
    inner = [f"h{k}" for k in rng.integers(0, 3, n).tolist()]
    try:
        whole = attribute(frame, named(indicator))
    except NoAnswerError:
        return
    result = asked(frame, indicator, groups, inner)
    assert sum(one.agents for one in result.groups) == n
    for of, expected in (("value", whole.attributed), ("owen", whole.total), ("share", 1.0)):
        parts = [getattr(one, of) for one in result.groups]
        assert math.fsum(parts) == pytest.approx(expected, rel=1e-9, abs=1e-13)
        for one in result.groups:
            within = math.fsum(getattr(sub, of) for sub in one.groups)
            assert within == pytest.approx(getattr(one, of), rel=1e-9, abs=1e-13)
    if None in groups:
        (unknown,) = [one for one in result.groups if one.group == "unknown"]
        assert unknown.agents == groups.count(None)


@pytest.mark.slow
@pytest.mark.parametrize("indicator", FOUR)
def test_a_million_agents_in_groups_lose_no_digits(indicator: str) -> None:
    n = 1_000_000
    rng = np.random.default_rng(0)
    frame = pl.DataFrame({"did": pl.Series(range(n)).cast(pl.String).str.zfill(7),
                          "a": np.log1p(rng.pareto(1.0, n)), "b": np.log1p(rng.pareto(1.0, n) * 5),
                          "c": np.log1p(rng.pareto(0.8, n))})  # fmt: skip
    tiered = TieredPanel.of(frame, (1.0, 10.0))
    codes = rng.integers(0, 12, n)
    made = Labels("x", tuple(f"g{k:02}" for k in range(12)), codes.astype(np.uint32))
    whole = solve(find_indicator(indicator), tiered.panel.features, Aggregator())
    result = group_shares(tiered, [made], find_indicator(indicator), Aggregator())
    assert math.fsum(one.owen for one in result.groups) == pytest.approx(whole.total, rel=1e-9)
    assert math.fsum(one.value for one in result.groups) == pytest.approx(whole.total, rel=1e-9)


# --- many groups ----------------------------------------------------------------------------------


def test_small_groups_beyond_sixteen_are_joined_and_named() -> None:
    sizes = [20 - k for k in range(19)] + [1]
    groups = [f"g{k:02}" for k, size in enumerate(sizes) for _ in range(size)]
    frame = drawn(len(groups), seed=1)
    result = asked(frame, "heat", groups)
    assert [one.group for one in result.groups] == [*(f"g{k:02}" for k in range(15)), "others"]
    assert result.joined == tuple(f"g{k:02}" for k in range(15, 20))
    assert result.groups[-1].agents == sum(sizes[15:])
    assert result.owen == "exact"
    merged = ["others" if g in result.joined else g for g in groups]
    again = asked(frame, "heat", merged)
    assert {one.group: one.owen for one in again.groups} == pytest.approx(
        {one.group: one.owen for one in result.groups}, abs=1e-13
    )


def test_what_holds_the_joined_is_no_group_of_the_users() -> None:
    groups = ["others"] * 9 + ["others 2"] * 8 + [f"g{k:02}" for k in range(18)]
    result = asked(drawn(len(groups), seed=1), "lin", groups)
    names = [one.group for one in result.groups]
    assert names[:2] == ["others", "others 2"]
    assert names[-1] == "others 3"
    assert len(set(names)) == 16


def test_drawn_orders_are_unbiased_within_their_errors_and_sum_exactly() -> None:
    groups = [f"g{k % 18:02}" for k in range(54)]
    frame = drawn(54, seed=7)
    result = asked(frame, "heat", groups, many="sample", seed=3)
    assert (result.owen, result.joined, len(result.groups)) == ("sampled", (), 18)
    assert result.orders == 1000
    total = attribute(frame, "heat").total
    assert math.fsum(one.owen for one in result.groups) == pytest.approx(total, rel=1e-12)
    again = asked(frame, "heat", groups, many="sample", seed=3)
    assert again == result
    assert asked(frame, "heat", groups, many="sample", seed=4) != result
    # The exact values, of 2^18 coalitions.
    tiered = TieredPanel.of(frame, (1.0, 10.0))
    chosen = find_indicator("heat")
    whole = Pairs([labels("x", groups)]).join(18, 18)
    game = game_of(chosen, tiered.panel.features, Aggregator(), whole)
    assert isinstance(game, MomentGame)
    exact = nested_values(game.nested_means, game.values)
    errors = [one.std_error for one in result.groups]
    off = []
    for one, value, error in zip(result.groups, exact.tolist(), errors, strict=True):
        assert error is not None
        assert 0 < error < 0.05 * value
        off.append((one.owen - value) / error)
    assert max(map(abs, off)) < 4
    assert 0.4 < float(np.std(off)) < 1.8


def test_an_order_and_the_same_backwards_average_two_groups_exactly() -> None:
    means = [np.array([[0.5, 1.0, 0.25]]), np.array([[1.0, 0.5, 2.0]])]
    values = find_indicator("heat").values  # type: ignore[union-attr]
    assert values is not None
    found = draw_orders(means, values, 5, 0)
    assert found.outer == pytest.approx(nested_values(means, values), rel=1e-12)
    assert found.outer_errors == pytest.approx([0.0, 0.0], abs=1e-8)


def test_sixteen_groups_or_fewer_are_counted_though_drawing_is_allowed() -> None:
    frame = drawn(40, seed=7)
    groups = [f"g{k % 5}" for k in range(40)]
    assert asked(frame, "heat", groups, many="sample") == asked(frame, "heat", groups)


def test_more_than_can_be_counted_is_joined_until_it_can(monkeypatch: pytest.MonkeyPatch) -> None:
    """Coalitions of an own F are counted one by one in Python: their number is limited."""
    frame = drawn(400, seed=7)
    outer = [f"g{k % 6}" for k in range(400)]
    inner = [f"h{k % 11}" for k in range(400)]
    whole = asked(frame, "heat", outer, inner)
    assert [len(one.groups) for one in whole.groups] == [11] * 6
    monkeypatch.setattr(grouped, "_MANY_POINTS", 4_000)
    less = asked(frame, "heat", outer, inner)
    assert [len(one.groups) for one in less.groups] == [4] * 6
    assert [len(one.joined) for one in less.groups] == [8] * 6
    assert {one.group: one.owen for one in less.groups} == pytest.approx(
        {one.group: one.owen for one in whole.groups}, abs=1e-13
    )
    monkeypatch.setattr(grouped, "_MANY_POINTS", 1)
    least = asked(frame, "heat", outer, inner)
    assert [(one.group, len(one.groups)) for one in least.groups] == [("g0", 2), ("others", 2)]
    drawn_all = asked(frame, "heat", outer, inner, many="sample")
    assert (drawn_all.owen, drawn_all.joined) == ("sampled", ())
    assert [len(one.groups) for one in drawn_all.groups] == [11] * 6
    assert all(sub.std_error for one in drawn_all.groups for sub in one.groups)


def test_two_names_that_a_terminal_shows_alike_are_two_groups() -> None:
    names = ["a", "a ", "A", "a\x1b[31m", "a\u200b", "a\\x1b[31m", "а", None]  # noqa: RUF001
    result = asked(drawn(8, seed=1), "lin", names)
    assert {one.group for one in result.groups} == {*names[:-1], "unknown"}
    assert all(one.agents == 1 for one in result.groups)


def test_groups_with_an_order_of_their_own_keep_it() -> None:
    groups = pl.Series(["2024", None, "2023", "2024", "2026", "2024"])
    made = Labels.of("age", groups, ["2022", "2023", "2024", "2025", "2026"])
    assert made.names == ("2023", "2024", "2026", "unknown")
    tiered = TieredPanel.of(drawn(6, seed=1), (1.0, 10.0))
    result = group_shares(tiered, [made], find_indicator("lin"), Aggregator())
    assert [(one.group, one.agents) for one in result.groups] == [
        ("2023", 1), ("2024", 3), ("2026", 1), ("unknown", 1)
    ]  # fmt: skip


def test_another_way_to_treat_many_groups_is_refused() -> None:
    with pytest.raises(UsageError, match="did you mean 'sample'"):
        grouped.check_many("sampel")


@law(100)
@given(st.lists(st.integers(0, 12), unique=True), st.data())
def test_the_order_of_two_windows_keeps_that_of_each(names: list[int], data: st.DataObject) -> None:
    """Whatever is in one of them alone."""
    every = [f"{name}" for name in names]
    one, other = (
        [name for name in every if data.draw(st.booleans(), label=name)] for _ in range(2)
    )
    merged = merged_order(one, other)
    assert sorted(merged) == sorted({*one, *other})
    for order in (one, other):
        assert [name for name in merged if name in order] == order
