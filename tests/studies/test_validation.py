"""Validation: agreement against plain twins, one run of everything, the report and the command."""

import io
import json
import math
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blueattr.attribution.inputs import Panel
from blueattr.attribution.sampling import Sampler
from blueattr.attribution.value import solve
from blueattr.errors import SampleSizeError, UsageError, ZeroTotalError
from blueattr.indicators.base import Aggregator, MomentIndicator
from blueattr.indicators.builtin import INDICATORS
from blueattr.report import render
from blueattr.report.results.validations import duration, validation_report
from blueattr.studies.validation.agreement import agreement
from blueattr.studies.validation.baselines import exact_shapley, sampled_banzhaf, sampled_shapley
from blueattr.studies.validation.methods import EXACT_PERMUTATIONS
from blueattr.studies.validation.result import MethodRun, Validation
from blueattr.studies.validation.validate import validate
from support import naive
from support.effort import law

LAW = law(60)


def panel(n: int = 300, seed: int = 0) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    x = rng.lognormal(size=(n, 3)) * (rng.random((n, 3)) < 0.7)
    dids = [f"did:{i:05d}" for i in range(n)]
    return pl.DataFrame({"did": dids, "a": x[:, 0], "b": x[:, 1], "c": x[:, 2]})


@pytest.fixture(scope="module")
def result() -> Validation:
    return validate(
        panel(),
        ["heat", "gini"],
        sizes=(60, 40),
        exact=8,
        permutations=(400, 50),
        coalitions=(64, 3),
        seed=5,
    )


def runs(result: Validation, indicator: str, n: int, method: str) -> list[MethodRun]:
    (block,) = (b for b in result.blocks if (b.indicator, b.n_agents) == (indicator, n))
    return [run for run in block.runs if run.method == method]


# --- agreement -----------------------------------------------------------------------------------


number = st.sampled_from([0.0, 1.0, 2.0]) | st.floats(-1e3, 1e3).map(lambda x: round(x, 3))


@LAW
@given(pairs=st.lists(st.tuples(number, number), min_size=1, max_size=30))
def test_agreement_equals_its_plain_twin(pairs: list[tuple[float, float]]) -> None:
    x, y = ([p[k] for p in pairs] for k in (0, 1))
    found = agreement(np.array(x), np.array(y))
    assert found.mae == pytest.approx(
        math.fsum(abs(p - q) for p, q in pairs) / len(pairs), rel=1e-12
    )
    xx, yy, xy = (
        math.fsum(p * q for p, q in zip(u, v, strict=True)) for u, v in ((x, x), (y, y), (x, y))
    )
    if xx and yy:
        assert found.cosine == pytest.approx(xy / math.sqrt(xx * yy), rel=1e-9, abs=1e-12)
    else:
        assert found.cosine is None
    tau = naive.kendall_tau(x, y)
    assert found.kendall_tau == (None if tau is None else pytest.approx(tau, rel=1e-12, abs=1e-15))
    assert found.top_overlap == _overlap(x, y)


def _overlap(x: Sequence[float], y: Sequence[float]) -> float:
    k = min(10, len(x))
    top = [set(sorted(range(len(z)), key=lambda i: (-z[i], i))[:k]) for z in (x, y)]
    return len(top[0] & top[1]) / k


# --- one run of everything -----------------------------------------------------------------------


def test_every_method_is_run_at_every_size_and_budget(result: Validation) -> None:
    assert result.sizes == (8, 40, 60)
    assert [(b.indicator, b.n_agents) for b in result.blocks] == [
        (name, n) for name in ("heat", "gini") for n in (8, 40, 60)
    ]
    for block in result.blocks:
        exact = block.n_agents == 8
        assert block.reference == ("exact Shapley" if exact else "Aumann-Shapley")
        budgets = sorted({50, 400, *EXACT_PERMUTATIONS}) if exact else [50, 400]
        assert [(run.method, run.budget) for run in block.runs] == [
            *([("exact Shapley", 256)] if exact else []),
            ("Aumann-Shapley", None),
            *(("sampled Shapley", budget) for budget in budgets),
            ("sampled Banzhaf", 3),
            ("sampled Banzhaf", 64),
        ]
        assert block.runs[0].agreement is not None
        assert block.runs[0].agreement.mae == 0


def test_the_numbers_are_those_of_the_baselines_on_the_panel_drawn(result: Validation) -> None:
    full = Panel.of(panel())
    sampler = Sampler(full.followers, full.activity, full.order)
    for block in result.blocks:
        index = np.sort(sampler.draw("random", block.n_agents, seed=5, repeat=block.draw))
        frame = panel()[index.tolist()]
        values = solve(INDICATORS[block.indicator], full.features.take(index), Aggregator()).values
        exact = exact_shapley(frame, block.indicator).values if block.n_agents == 8 else None
        reference = values if exact is None else exact
        assert math.fsum(values) == pytest.approx(block.total, rel=1e-12)
        for run in block.runs:
            if run.method == "sampled Shapley":
                assert run.budget is not None
                again = sampled_shapley(frame, block.indicator, permutations=run.budget, seed=5)
                assert run.agreement == agreement(again.values, reference)
                assert run.largest_standard_error == again.standard_errors.max()
                if exact is not None:
                    errors = again.standard_errors
                    z = np.abs(again.values - exact)[errors > 0] / errors[errors > 0]
                    assert run.largest_deviation == pytest.approx(z.max())
                    assert z.max() < 6
            elif run.method == "sampled Banzhaf":
                assert run.budget is not None
                drawn = sampled_banzhaf(frame, block.indicator, coalitions=run.budget, seed=5)
                assert run.undetermined == drawn.undetermined
                assert run.efficiency_error == pytest.approx(
                    abs(math.fsum(drawn.values) - block.total), rel=1e-9
                )
                if run.agreement is not None:
                    assert run.agreement == agreement(drawn.normalised, reference)
            elif run.method == "Aumann-Shapley":
                assert run.agreement == agreement(values, reference)
            if run.method != "sampled Banzhaf":
                assert run.efficiency_error <= 1e-9 * block.total


def test_more_permutations_come_closer_to_the_exact_value(result: Validation) -> None:
    for indicator in ("heat", "gini"):
        ladder = {r.budget: r for r in runs(result, indicator, 8, "sampled Shapley")}
        few, many = ladder[100], ladder[10_000]
        assert few.agreement is not None
        assert many.agreement is not None
        assert many.agreement.mae < 0.5 * few.agreement.mae
        assert few.largest_standard_error is not None
        assert many.largest_standard_error == pytest.approx(
            few.largest_standard_error / 10, rel=0.4
        )


def test_where_a_closed_form_is_the_shapley_value_it_says_so(result: Validation) -> None:
    (value,) = runs(result, "gini", 8, "Aumann-Shapley")
    assert value.agreement is not None
    assert value.agreement.mae < 1e-15
    (value,) = runs(result, "heat", 8, "Aumann-Shapley")
    assert value.agreement is not None
    assert value.agreement.mae > 1e-6


def test_times_are_measured_and_extrapolated_by_their_law(result: Validation) -> None:
    logs = math.log2(300) / math.log2(60)
    for block in result.blocks:
        for run in block.runs:
            assert run.seconds > 0
            assert 1 <= run.runs <= 5
            if block.n_agents < 60:
                assert run.full_seconds is None
                assert not run.extrapolated
                continue
            assert run.full_seconds is not None
            assert run.extrapolated == (run.method != "Aumann-Shapley")
            if run.method == "sampled Shapley":
                factor = 5 * (logs if block.indicator == "gini" else 1)
                assert run.full_seconds == pytest.approx(factor * run.seconds)
                assert run.law.startswith("O(n log n)" if block.indicator == "gini" else "O(n) ")
            if run.method == "sampled Banzhaf":
                assert run.full_seconds == pytest.approx(5 * run.seconds)


def test_a_block_of_the_whole_panel_is_not_extrapolated() -> None:
    result = validate(panel(30), sizes=(30,), exact=5, coalitions=(50,), permutations=(10,))
    for run in result.blocks[-1].runs:
        assert run.full_seconds == run.seconds
        assert not run.extrapolated


def test_seeds_decide(result: Validation) -> None:
    def numbers(seed: int) -> list[float]:
        again = validate(panel(), sizes=(40,), exact=3, permutations=(50,), seed=seed)
        return [r.agreement.mae for b in again.blocks for r in b.runs if r.agreement is not None]

    assert numbers(5) == numbers(5) != numbers(6)
    (first,) = (
        r.agreement
        for r in runs(result, "heat", 40, "sampled Shapley")
        if r.budget == 50 and r.agreement is not None
    )
    assert first.mae in numbers(5)


def test_sizes_by_default_are_those_the_panel_allows() -> None:
    few = {"permutations": (4,), "coalitions": (64,)}
    result = validate(panel(150), **few)  # type: ignore[arg-type]  # the same options each time
    assert (result.sizes, result.left_out) == ((12, 100), (1000, 10_000))
    result = validate(panel(50), **few)  # type: ignore[arg-type]
    assert (result.sizes, result.left_out) == ((12, 50), (100, 1000, 10_000))
    result = validate(panel(7), **few)  # type: ignore[arg-type]
    assert result.sizes == (7,)
    assert result.blocks[0].reference == "exact Shapley"
    with pytest.raises(SampleSizeError, match="100 agents is larger than the panel of 50"):
        validate(panel(50), sizes=(100,))
    with pytest.raises(SampleSizeError):
        validate(panel(7), sizes=(5,), exact=8)


def test_a_draw_on_which_an_indicator_is_0_is_drawn_again() -> None:
    """One agent in ten has an influence: a panel of 5 often has none."""
    sparse = panel(200).with_columns(c=pl.when(pl.int_range(200) % 10 == 0).then(1.0).otherwise(0))
    draws = {
        validate(sparse, sizes=(60,), exact=5, permutations=(4,), seed=seed).blocks[0].draw
        for seed in range(8)
    }
    assert len(draws) > 1
    assert 0 in draws


def test_a_size_without_an_answer_says_why() -> None:
    one = panel(200).with_columns(c=pl.when(pl.int_range(200) == 7).then(1.0).otherwise(0))
    result = validate(one, sizes=(200,), exact=1, permutations=(4,))
    small, large = result.blocks
    assert small.runs == ()
    assert small.undefined.startswith("c is 0")
    assert large.runs
    text = render(validation_report(result), "text").decode()
    assert "n = 1: no answer (c is 0 for every agent, so that M = 0)." in text


def test_an_indicator_that_is_0_has_nothing_to_validate() -> None:
    with pytest.raises(ZeroTotalError, match="nothing to validate: c is 0"):
        validate(panel().with_columns(c=0.0))


def test_few_coalitions_may_have_no_shares() -> None:
    """With 2 coalitions the sum of the estimates often has the wrong sign."""
    seen = set()
    for seed in range(10):
        result = validate(
            panel(40), ["var"], sizes=(40,), exact=3, coalitions=(2,), permutations=(4,), seed=seed
        )
        (run,) = runs(result, "var", 40, "sampled Banzhaf")
        seen.add(run.agreement is None)
        assert (run.largest_standard_error is None) == (run.agreement is None)
        assert run.undetermined
        if run.agreement is None:
            text = render(validation_report(result), "text").decode()
            assert "n = 40, 2 coalitions: no positive factor" in text
    assert True in seen


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        ({"indicators": []}, "at least one indicator"),
        ({"indicators": ["heat", "heat"]}, "named once"),
        ({"sizes": ()}, "at least one size"),
        ({"sizes": (50, 50)}, "named once"),
        ({"sizes": (0,)}, "at least one agent"),
        ({"exact": 21}, "1 to 20 agents, not 21"),
        ({"exact": 0}, "1 to 20 agents, not 0"),
        ({"permutations": ()}, "at least one number of permutations"),
        ({"permutations": (1,)}, "2 permutations"),
        ({"permutations": (5,), "antithetic": True}, "even number"),
        ({"coalitions": (1,)}, "2 coalitions"),
        ({"coalitions": (7, 7)}, "named once"),
        ({"seed": -1}, "seed"),
        ({"indicators": ["hate"]}, "heat"),
        ({"steps": 7}, "no steps"),
    ],
)
def test_arguments_that_make_no_sense(options: dict[str, object], hint: str) -> None:
    with pytest.raises(UsageError, match=hint):
        validate(panel(60), **options)  # type: ignore[arg-type]  # what is refused


def test_an_indicator_of_ones_own_is_validated_by_quadrature() -> None:
    heat = INDICATORS["heat"]
    assert isinstance(heat, MomentIndicator)
    own = MomentIndicator(
        name="root",
        formula="(1 + mean a)^½ - 1",
        statistics=("a", "b", "c"),
        measure=heat.measure,
        value=lambda m: math.sqrt(1 + m[0]) - 1,
        gradient=lambda m: np.array([0.5 / math.sqrt(1 + m[0]), 0.0, 0.0]),
    )
    result = validate(panel(40), [own, "lin"], sizes=(40,), exact=8, permutations=(50,))
    mine, theirs = result.blocks[0], result.blocks[-1]
    assert (mine.method, mine.steps) == ("quadrature", 30)
    assert (theirs.method, theirs.steps) == ("closed form", None)
    best = [r for r in mine.runs if r.method == "sampled Shapley"][-1]
    assert best.largest_deviation is not None
    assert best.largest_deviation < 5
    text = render(validation_report(result), "text").decode()
    assert "root: quadrature with 30 steps; lin: closed form" in text


# --- the report and the command ------------------------------------------------------------------


def test_json_is_complete(result: Validation) -> None:
    form = json.loads(render(validation_report(result), "json"))
    assert form["kind"] == "validation"
    assert form["seed"] == 5
    assert len(form["blocks"]) == len(result.blocks)
    for shown, block in zip(form["blocks"], result.blocks, strict=True):
        assert shown["n_agents"] == block.n_agents
        assert shown["total"] == block.total
        for run, expected in zip(shown["runs"], block.runs, strict=True):
            assert set(run) == {field.name for field in fields(MethodRun)}
            assert run["seconds"] == expected.seconds
            if expected.agreement is not None:
                assert run["agreement"]["mae"] == expected.agreement.mae


def test_csv_has_a_row_per_run(result: Validation) -> None:
    table = pl.read_csv(io.BytesIO(render(validation_report(result), "csv")))
    assert len(table) == sum(len(block.runs) for block in result.blocks)
    sampled = table.filter(pl.col("method") == "sampled Shapley")
    assert sampled["largest_standard_error"].null_count() == 0
    assert table.filter(pl.col("method") == "Aumann-Shapley")["budget"].null_count() == 6


def test_text_says_what_was_compared_with_what(result: Validation) -> None:
    text = render(validation_report(result), "text").decode()
    for part in (
        "heat: how close",
        "gini: at what cost",
        "n = 8: compared with the exact Shapley value.",
        "n = 40, 60: compared with the Aumann-Shapley value.",
        "10,000 permutations",
        "extrapolated",
        "measured",
        "from seed 5",
        "O(n log n) per permutation",
    ):
        assert part in text
    assert "nan" not in text.lower().replace("banzhaf", "")


def test_durations_are_readable() -> None:
    assert [duration(s) for s in (0.0005, 0.5, 60, 119, 600, 7300, 1e9)] == [
        "0.5 ms",
        "0.5 s",
        "60 s",
        "119 s",
        "10 min",
        "2.03 h",
        "277,778 h",
    ]


@pytest.mark.slow
def test_the_command(tmp_path: Path) -> None:
    panel(80).write_csv(tmp_path / "panel.csv")
    done = subprocess.run(
        [sys.executable, "-c", "from blueattr.cli.main import app; app()", "validate",
         "--features", "panel.csv", "--n", "30,60", "--exact", "5", "--permutations", "10,20",
         "--coalitions", "50", "--antithetic", "--indicator", "heat,lin", "--seed", "3",
         "--format", "json"],
        cwd=tmp_path, capture_output=True, check=False, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    form = json.loads(done.stdout)
    assert form["sizes"] == [5, 30, 60]
    assert form["permutations"] == [10, 20]
    assert form["coalitions"] == [50]
    assert form["antithetic"] is True
    assert form["seed"] == 3
    assert form["source"] == "panel.csv"
    assert {block["indicator"] for block in form["blocks"]} == {"heat", "lin"}
