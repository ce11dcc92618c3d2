"""Ranks of accounts: their intervals against a twin that follows everyone, and other choices."""

import math
from collections import Counter
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blueattr.attribution.attribute import attribute
from blueattr.attribution.inputs import Panel
from blueattr.attribution.question import Question
from blueattr.attribution.tiered import TieredPanel
from blueattr.did_order import find_places
from blueattr.errors import UsageError, ZeroTotalError
from blueattr.indicators.base import Aggregator
from blueattr.indicators.find import find_indicator
from blueattr.kernels import recounting
from blueattr.studies.carriers import ahead
from blueattr.studies.carriers import ranks as module
from blueattr.studies.carriers.leaders import leaders, with_choices, with_intervals
from blueattr.studies.carriers.ranks import DailyCounts, count_ahead, rank_intervals
from blueattr.studies.sensitivity import sensitivity
from support.effort import costly_law

FIRST = date(2026, 4, 9)
FOUR = ("lin", "heat", "var", "gini")
Rows = list[tuple[int, int, int, int, int]]  # agent, day, a, b, c


def named(k: int) -> str:
    return f"did:plc:{k:04}"


def counts_of(rows: Rows) -> pl.DataFrame:
    days = [FIRST + timedelta(days=day) for _, day, *_ in rows]
    return pl.DataFrame(
        {
            "agent": [agent for agent, *_ in rows],
            "day": days,
            **{x: [row[2 + k] for row in rows] for k, x in enumerate("abc")},
        },
        schema={"agent": pl.Int64, "day": pl.Date, **dict.fromkeys("abc", pl.Int64)},
    )


def daily_of(rows: Rows, days: int, scale: Any = "log1p") -> DailyCounts:
    agents = 1 + max((agent for agent, *_ in rows), default=0)
    # In another order than that of a panel, and with somebody who is not on it.
    dids = pl.Series([*(named(k) for k in range(agents)), "did:plc:other"])
    return DailyCounts(
        tuple(FIRST + timedelta(days=k) for k in range(days)), dids, counts_of(rows), scale
    )


def recounted(rows: Rows, n: int, times: list[int], scale: str) -> pl.DataFrame:
    """The features of every agent when each day counts as often as it was drawn."""
    totals = {(agent, k): 0 for agent in range(n) for k in range(3)}
    for agent, day, *counts in rows:
        for k, count in enumerate(counts):
            totals[agent, k] += times[day] * count
    scaled = math.log1p if scale == "log1p" else float
    return pl.DataFrame(
        {
            "did": [named(agent) for agent in range(n)],
            **{x: [scaled(totals[agent, k]) for agent in range(n)] for k, x in enumerate("abc")},
        }
    )


def naive_ranks(  # noqa: PLR0917 - a twin takes what the original does
    rows: Rows, n: int, draws: list[list[int]], indicator: str, wanted: list[str],
    scale: str, aggregator: Aggregator, steps: int | None,
) -> list[list[int]]:  # fmt: skip
    """Attribute each resample to everyone, and count who is ahead."""
    method = "auto" if steps is None else "quadrature"
    ranks = []
    for times in draws:
        frame = recounted(rows, n, times, scale)
        try:
            result = attribute(frame, indicator, aggregator=aggregator, method=method, steps=steps)
        except ZeroTotalError:
            continue
        values = dict(zip(result.agents["did"], result.agents["value"], strict=True))
        margin = 1e-12 * max(map(abs, values.values()))
        ranks.append([1 + sum(v > values[did] + margin for v in values.values()) for did in wanted])
    return ranks


def percentile(ordered: list[int], part: float) -> int:
    return ordered[max(0, math.ceil(part * len(ordered) - 1e-9) - 1)]


@st.composite
def worlds(draw: st.DrawFn) -> tuple[Rows, int, int]:
    n, days = draw(st.integers(1, 9)), draw(st.integers(7, 9))
    keys = st.tuples(st.integers(0, n - 1), st.integers(0, days - 1))
    count = st.integers(0, 3)
    cells = draw(st.dictionaries(keys, st.tuples(count, count, count), max_size=25))
    return [(*key, *cell) for key, cell in cells.items()], n, days


@pytest.mark.slow
@costly_law(12)
@given(worlds(), st.sampled_from(["log1p", "raw"]), st.integers(0, 3), st.data())
def test_intervals_are_those_of_a_twin_that_follows_everyone(
    world: tuple[Rows, int, int], scale: Any, seed: int, data: st.DataObject
) -> None:
    rows, n, days = world
    aggregator = Aggregator(
        data.draw(st.sampled_from(["mean", "log", "geometric"])), (0.5, 0.25, 0.25)
    )
    panel = Panel.of(recounted(rows, n, [1] * days, scale))
    wanted = [named(k) for k in data.draw(st.permutations(range(n)))[:4]]
    asked = [(find_indicator(name), None, wanted) for name in FOUR]
    made = rank_intervals(
        panel, asked, daily_of(rows, days, scale), aggregator, resamples=100, seed=seed
    )
    rng = np.random.default_rng(np.random.SeedSequence(seed))
    draws = rng.multinomial(days, [1 / days] * days, size=100).tolist()
    for name, intervals in zip(FOUR, made, strict=True):
        ranks = naive_ranks(rows, n, draws, name, wanted, scale, aggregator, None)
        assert intervals.undefined_resamples == 100 - len(ranks)
        columns = [sorted(column) for column in zip(*ranks, strict=True)]
        assert list(intervals.ranks) == [
            (percentile(column, 0.025), percentile(column, 0.975)) for column in columns
        ]
        assert bool(intervals.why) == (not ranks)


def big_world(n: int, days: int, seed: int = 0) -> Rows:
    rng = np.random.default_rng(seed)
    rows: Rows = []
    for agent in range(n):
        for day in range(days):
            if rng.random() < 0.3:
                a, b, c = (rng.pareto(1.0, 3) * 2).astype(int).tolist()
                rows.append((agent, day, a, b, c))
    return rows


@pytest.mark.few(1)
@pytest.mark.parametrize("name", ["heat", "hill", "entropy", "threshold"])
def test_a_panel_larger_than_a_batch_is_ranked_as_by_its_twin(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, n, days = big_world(60, 10), 60, 10
    monkeypatch.setattr(module, "_AT_ONCE", 500)
    monkeypatch.setattr(module, "_LOGS", 3)
    panel = Panel.of(recounted(rows, n, [1] * days, "log1p"))
    wanted = leaders(attribute(panel, name), 5)
    dids = [agent.did for agent in wanted.agents]
    asked = [(find_indicator(name), 8, dids)]
    (made,) = rank_intervals(panel, asked, daily_of(rows, days), Aggregator(), resamples=100)
    draws = np.random.default_rng(np.random.SeedSequence(0)).multinomial(
        days, [1 / days] * days, size=100
    )
    ranks = naive_ranks(rows, n, draws.tolist(), name, dids, "log1p", Aggregator(), 8)
    columns = [sorted(column) for column in zip(*ranks, strict=True)]
    assert list(made.ranks) == [(percentile(c, 0.025), percentile(c, 0.975)) for c in columns]
    assert any(low < high for low, high in made.ranks)


def test_accounts_with_the_same_counts_are_followed_as_one() -> None:
    rows: Rows = [(agent, agent % 3, 1, 0, 2) for agent in range(30)] + [(30, 4, 9, 9, 9)]
    panel = Panel.of(recounted(rows, 32, [1] * 7, "log1p"))
    followed = module._Followed.of(panel, daily_of(rows, 7))
    assert sorted(followed.often.tolist()) == [1.0, 1.0, 10.0, 10.0, 10.0]
    assert Counter(followed.of_agent.tolist())[followed.of_agent[0]] == 10


def test_only_who_did_more_on_some_day_is_compared_with_those_asked_about() -> None:
    rows: Rows = [(0, day, 3, 3, 3) for day in range(7)]
    rows += [(1, 2, 4, 0, 0), (2, 2, 3, 3, 3), (3, 5, 0, 0, 9), (4, 0, 1, 2, 0)]
    panel = Panel.of(recounted(rows, 5, [1] * 7, "log1p"))
    followed = module._Followed.of(panel, daily_of(rows, 7))
    heat, threshold = find_indicator("heat"), find_indicator("threshold")
    of_first = followed.of_agent[:1]
    found = followed.contenders([(heat, None, of_first)], Aggregator())
    assert found is not None
    assert found.often.size == 3
    assert found.n == 5
    assert followed.contenders([(threshold, 8, of_first)], Aggregator()) is None
    assert followed.contenders([(heat, None, of_first[:0])], Aggregator()) is None


@pytest.mark.parametrize("name", FOUR)
def test_ranks_by_those_who_can_be_ahead_are_those_by_everyone(name: str) -> None:
    rows, n = big_world(60, 10, seed=4), 60
    panel = Panel.of(recounted(rows, n, [1] * 10, "log1p"))
    followed = module._Followed.of(panel, daily_of(rows, 10))
    times = np.random.default_rng(1).multinomial(10, [0.1] * 10, size=40).astype(np.int64)
    first = leaders(attribute(panel, name), 6)
    places = followed.of_agent[find_places(panel.dids, [agent.did for agent in first.agents])]
    # The lowest is below the mean in some resamples, so that var asks everyone.
    for asked in (places, np.append(places, followed.of_agent[40])):
        wanted = [(find_indicator(name), None, asked)]
        contenders = followed.contenders(wanted, Aggregator())
        assert contenders is not None
        (some,) = followed.rank(times, wanted, Aggregator(), contenders)
        (every,) = followed.rank(times, wanted, Aggregator())
        assert np.array_equal(some, every)
        assert len(np.unique(some[:, -2])) > 1


@pytest.mark.parametrize("scale", ["log1p", "raw"])
def test_who_never_gets_near_those_asked_about_is_left_out_and_changes_no_rank(
    scale: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of each, someone is ahead in some resample, and most accounts did little on few days."""
    monkeypatch.setattr(ahead, "_MANY", 1)
    rng, n = np.random.default_rng(4), 90
    often = rng.poisson(6, (12, 10, 3)) * rng.integers(1, 4, (12, 10, 1))
    often[range(12), np.arange(12) % 10] = 0  # each does nothing on some day
    rows: Rows = [(k, day, *often[k, day].tolist()) for k in range(12) for day in range(10)]
    rows += [(k, k % 10, 0, 1 + k % 3, k % 2) for k in range(12, n)]
    panel = Panel.of(recounted(rows, n, [1] * 10, scale))
    daily = daily_of(rows, 10)
    followed = module._Followed.of(panel, DailyCounts(daily.days, daily.dids, daily.counts, scale))
    times = np.random.default_rng(1).multinomial(10, [0.1] * 10, size=60).astype(np.int64)
    wanted = []
    for name in FOUR:
        dids = [agent.did for agent in leaders(attribute(panel, name), 5).agents]
        wanted.append(
            (find_indicator(name), None, followed.of_agent[find_places(panel.dids, dids)])
        )
    all_of_them = followed.contenders(wanted, Aggregator())
    assert all_of_them is not None
    means = all_of_them.means(times)
    some = all_of_them.narrow([one[:2] for one in wanted], Aggregator(), times, means)
    assert max(one[-1].size for one in wanted) < some.often.size < all_of_them.often.size
    ranked = [
        followed.rank(times, wanted, Aggregator(), *those)
        for those in ((some, means), (all_of_them,), ())
    ]
    for of_some, of_all, of_everyone in zip(*ranked, strict=True):
        assert np.array_equal(of_some, of_all)
        assert np.array_equal(of_some, of_everyone)
        assert len(np.unique(of_some[:, -2])) > 1


def test_two_accounts_with_one_key_are_not_taken_for_one(monkeypatch: pytest.MonkeyPatch) -> None:
    class NoLuck:
        """Draws the same mark for every day in the first key, so that days are not told apart."""

        def integers(self, low: int, high: int, size: Any, kind: Any) -> Any:
            marks = np.random.Generator(np.random.PCG64(1)).integers(low, high, size, kind)
            marks[0] = 5
            return marks

    rows: Rows = [(0, 1, 1, 0, 0), (1, 2, 1, 0, 0), (2, 3, 5, 5, 5)]
    panel = Panel.of(recounted(rows, 3, [1] * 7, "log1p"))
    monkeypatch.setattr(np.random, "default_rng", lambda _: NoLuck())
    followed = module._Followed.of(panel, daily_of(rows, 7))
    assert followed.of_agent.tolist() == [0, 1, 2]


def test_popularity_that_is_no_count_of_days_stays() -> None:
    rows: Rows = [(k, k, 1, 50 * k, 1) for k in range(7)]
    panel = Panel.of(recounted(rows, 7, [1] * 7, "log1p").with_columns(b=pl.lit(2.0)))
    daily = daily_of(rows, 7)
    fixed = DailyCounts(daily.days, daily.dids, daily.counts, "log1p", b_by_day=False)
    followed = module._Followed.of(panel, fixed)
    times = np.zeros((2, 7), np.int64)
    assert followed.features(times).b.tolist() == [2.0] * 14
    assert set(followed.features(times).a.tolist()) == {0.0}
    varied = module._Followed.of(panel, daily)
    assert set(varied.features(times).b.tolist()) == {0.0}


@pytest.mark.parametrize("days", [1, 6])
def test_fewer_than_seven_days_give_no_interval_and_say_so(days: int) -> None:
    rows = big_world(10, days)
    panel = Panel.of(recounted(rows, 10, [1] * days, "log1p"))
    asked = [(find_indicator("lin"), None, [named(0)])]
    (made,) = rank_intervals(panel, asked, daily_of(rows, days), Aggregator())
    counted = "1 day of the window was" if days == 1 else "6 days of the window were"
    assert made.why == f"only {counted} seen, and an interval needs 7"
    assert made.ranks == ()
    (none,) = rank_intervals(panel, asked, None, Aggregator())
    assert none.why == "there are no days to resample"
    with pytest.raises(UsageError, match="100 to 1,000,000 resamples"):
        rank_intervals(panel, asked, None, Aggregator(), resamples=99)


def test_the_rank_of_a_steady_leader_is_surer_than_that_of_one_day() -> None:
    """Two accounts of equal totals: one wrote every day, the other all of it on one day."""
    rows: Rows = [(0, day, 2, 2, 2) for day in range(14)] + [(1, 3, 28, 28, 28)]
    rows += [(k, day, 1, 1, 1) for k in range(2, 12) for day in range(14)]
    question = Question(("heat",))
    frame = recounted(rows, 12, [1] * 14, "log1p")
    result = attribute(frame, "heat")
    (made,) = with_intervals([leaders(result, 2)], frame, question, daily_of(rows, 14))
    ranks = {agent.did: (agent.rank_low, agent.rank_high) for agent in made.agents}
    assert ranks[named(0)] == (1, 2)
    assert ranks[named(1)] == (1, 12)
    assert made.intervals is not None
    assert (made.intervals.days, made.intervals.resamples) == (14, 1000)


def test_the_true_rank_is_in_most_intervals() -> None:
    """Accounts of known rates, steady and bursty, over many windows: at least nine in ten."""
    rng = np.random.default_rng(5)
    n, days = 40, 14
    rates = np.sort(rng.pareto(1.5, n) + 0.5)[::-1]
    inside = total = 0
    for _ in range(12):
        day_sizes = rng.gamma(2.0, 0.5, (n, days))
        counts = rng.poisson(rates[:, None, None] * day_sizes[:, :, None] * [1.0, 2.0, 2.0])
        rows: Rows = [
            (agent, day, *counts[agent, day].tolist()) for agent in range(n) for day in range(days)
        ]
        frame = recounted(rows, n, [1] * days, "log1p")
        first = leaders(attribute(frame, "heat"), 5)
        (made,) = with_intervals(
            [first], frame, Question(("heat",)), daily_of(rows, days), resamples=200
        )
        for agent in made.agents:
            true = 1 + int(agent.did[-4:])
            assert agent.rank_low is not None
            assert agent.rank_high is not None
            inside += agent.rank_low <= true <= agent.rank_high
            total += 1
    assert inside / total >= 0.9


@pytest.mark.parametrize("most", [9, 1 << 30])
@pytest.mark.parametrize("known", [None, 1, 4, 1000])
def test_recounting_is_its_plain_twin(known: int | None, most: int) -> None:
    """Counts of days that no 32 bits hold exactly have 64."""
    rng = np.random.default_rng(2)
    counts = recounting.dense_counts((3, 4, 5), most)
    assert counts.dtype == (np.float32 if most == 9 else np.float64)
    counts[:] = rng.integers(0, most, (3, 4, 5))
    times = rng.integers(0, 4, (6, 5))
    logs = None if known is None else np.log1p(np.arange(known, dtype=float))
    scaled = float if known is None else math.log1p
    expected = [
        [[scaled(sum(int(times[r, d]) * int(counts[k, i, d]) for d in range(5))) for i in range(4)]
         for r in range(6)]
        for k in range(3)
    ]  # fmt: skip
    made = np.empty((3, 6, 4))
    recounting.recount(counts, times.astype(float), logs, made)
    assert np.allclose(made, expected, rtol=1e-14, atol=0)
    assert made.max() > 2
    # Sums over all agents need no more than the counts that are not 0.
    often = np.array([1.0, 3.0, 1.0, 2.0])
    counts[0, 1:3, 1:] = counts[0, 3] = 0
    recounting.recount(counts, times.astype(float), logs, made)
    sparse = recounting.sparse_counts(counts[0], often)
    assert (sparse is None) == (most > 9)
    if sparse is not None:
        sums = recounting.recounted_sums(sparse, times, raw=known is None)
        assert np.allclose(sums, made[0] @ often, rtol=1e-14, atol=0)


def test_machine_code_scores_and_counts_as_numpy_does(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(6)
    rows = [rng.random(size) for size in (3, 40, 9)]
    index = [rng.integers(0, row.size, 500).astype(np.int32) for row in rows]
    often, scores = rng.integers(1, 5, 500).astype(float), np.empty(500)
    made: list[list[float]] = []
    for little in (1 << 30, 0):
        monkeypatch.setattr(recounting, "_LITTLE", little)
        monkeypatch.setattr("blueattr.kernels.compiled.few", lambda *_: False)
        ends = recounting.weigh_rows(rows, index, (0.5, -2.0, 0.25), scores)
        assert ends == (scores.min(), scores.max())
        made += [
            recounting.count_above(scores, steps.copy(), times).tolist()
            for steps in (scores[:1], np.sort(scores[:7]), np.sort(scores))
            for times in (often, None)
        ]
        made.append(scores.tolist())
    assert made[:7] == made[7:]
    counts = np.array(made[2])
    beyond = [often[scores > step].sum() for step in np.sort(scores[:7])]
    assert np.cumsum(counts[::-1])[::-1][1:].tolist() == beyond


@given(
    st.lists(st.integers(-3, 3), min_size=1, max_size=20),
    st.data(),
)
def test_those_ahead_have_a_larger_value(values: list[int], data: st.DataObject) -> None:
    own = data.draw(st.lists(st.sampled_from(values), max_size=5))
    times = data.draw(st.lists(st.integers(1, 4), min_size=len(values), max_size=len(values)))
    expected = [sum(t for v, t in zip(values, times, strict=True) if v > o) for o in own]
    counted = count_ahead(np.array(values, float), np.array(own, float), np.array(times, float))
    assert counted.tolist() == expected
    alone = count_ahead(np.array(values, float), np.array(own, float))
    assert alone.tolist() == [sum(v > o for v in values) for o in own]


def test_agents_are_found_in_the_order_asked_for() -> None:
    dids = pl.Series("did", ["a", "b", "c"])
    assert find_places(dids, ["c", "x", "a"]).tolist() == [2, -1, 0]
    assert find_places(dids, []).tolist() == []
    for order in (1, -1):  # few of many, in order or not
        names = [f"{k:03}" for k in range(0, 600, 2)][::order]
        wanted = [names[299], "001", names[7], "999"]
        assert find_places(pl.Series(names), wanted).tolist() == [299, -1, 7, -1]


def test_ranks_under_other_choices_are_those_of_other_attributions() -> None:
    rows = big_world(50, 7, seed=3)
    frame = recounted(rows, 50, [1] * 7, "log1p")
    largest = leaders(attribute(frame, "lin"), 6)
    dids = [agent.did for agent in largest.agents]
    varied = sensitivity(frame, ["lin"], follow={"lin": dids}, flips=False)
    (made,) = with_choices([largest], {"lin": varied.indicators[0].choice_ranks()})
    assert [agent.choices[0].rank for agent in made.agents] == [1, 2, 3, 4, 5, 6]
    weights = [one.setting for one in made.agents[0].choices]
    assert "a, b, c 0.25, 0.5, 0.25" in weights
    other = attribute(frame, "lin", aggregator=Aggregator("mean", (0.25, 0.5, 0.25)))
    order = other.agents["did"].to_list()
    place = weights.index("a, b, c 0.25, 0.5, 0.25")
    assert [agent.choices[place].rank for agent in made.agents] == [
        1 + order.index(did) for did in dids
    ]
    for agent in made.agents:
        ranks = [one.rank for one in agent.choices if one.rank is not None]
        assert (agent.rank_best, agent.rank_worst) == (min(ranks), max(ranks))
    assert any(agent.rank_best != agent.rank_worst for agent in made.agents)


def test_an_agent_that_another_panel_lacks_has_no_rank_there() -> None:
    frame = pl.DataFrame({
        "did": ["x", "y", "z"], "a": [0.0, 1.0, 2.0], "b": [9.0, 1.0, 1.0], "c": [0.0, 1.0, 0.0]
    })  # fmt: skip
    assert len(TieredPanel.of(frame, (1.0, 10.0), "involved").panel.dids) == 2
    varied = sensitivity(frame, ["lin"], follow={"lin": ["x", "y"]}, flips=False)
    first, second = varied.indicators[0].choice_ranks()
    by_choice = {one.choice: one.rank for one in first}
    assert by_choice["panel"] is None
    assert {one.choice: one.rank for one in second}["panel"] == 1
    assert by_choice["default"] == 1
