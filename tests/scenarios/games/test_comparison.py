"""Methods beside exact Shapley values: metrics, spread, judges, and what has no answer."""

import itertools
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import pytest

from blueattr.errors import InputError, NoAnswerError, UsageError, ZeroTotalError
from blueattr.judges.score_file import JudgeScores
from blueattr.report.results.scenario_comparisons import scenario_comparison_report
from blueattr.scenarios.games.attribution import ScenarioQuestion, game_of
from blueattr.scenarios.games.compared import ComparedForm, ComparedRun, ScenarioComparison
from blueattr.scenarios.games.comparison import Compared, _judged, compare_scenarios, scenario_seeds
from blueattr.scenarios.games.game import Form
from blueattr.scenarios.games.methods import Budgets, solve
from blueattr.scenarios.own import find_scenario
from blueattr.scenarios.record_file import record_digest
from blueattr.scenarios.shipped import run_scenario, scenario_of
from blueattr.studies.validation.agreement import top_in_common
from support.scenario_world import scenario

FEW = Budgets(steps=8, permutations=20, coalitions=20)


def small(name: str = "opinion", seed: int = 3) -> Compared:
    record = run_scenario(
        name, agents=5, steps=4, seed=seed, stocks=2 if name == "market" else None
    )
    return Compared(f"{name} {seed}", scenario_of(record), record_digest(record))


def runs(found: ScenarioComparison, method: str, form: Form) -> list[ComparedRun]:
    return [one for one in found.records[0].runs if (one.method, one.form) == (method, form)]


@pytest.fixture(scope="module")
def anchors() -> ScenarioComparison:
    """A row of the anchors of docs/scenarios.md's games, by the command's own way."""
    asked = ScenarioQuestion(step=8, budgets=Budgets(permutations=20))
    return compare_scenarios([Compared("a", scenario("opinion"))], asked)


def test_the_path_value_is_as_far_from_both_games_as_the_anchors_say(
    anchors: ScenarioComparison,
) -> None:
    (smooth,), (discrete,) = (runs(anchors, "path", form) for form in ("smooth", "discrete"))
    assert smooth.agreement is not None
    assert smooth.relative_error == pytest.approx(0.200, abs=1e-3)
    assert smooth.agreement.cosine == pytest.approx(0.98875, abs=1e-5)
    assert smooth.agreement.kendall_tau == pytest.approx(0.970, abs=1e-3)
    assert smooth.agreement.top_overlap == 1
    assert smooth.gap == pytest.approx(1.1e-3, abs=1e-4)
    assert discrete.agreement is not None
    assert discrete.agreement.cosine == pytest.approx(0.9766, abs=1e-4)


def test_the_exact_values_of_both_games_stand_beside_each_other(
    anchors: ScenarioComparison,
) -> None:
    (record,) = anchors.records
    smooth, discrete = record.forms
    assert smooth.mean_size == pytest.approx(5.2717e-3, rel=1e-4)
    assert (smooth.form, discrete.form) == ("smooth", "discrete")
    (beside,) = runs(anchors, "exact of the other game", "discrete")
    assert beside.agreement is not None
    assert beside.agreement.cosine == pytest.approx(0.9950, abs=1e-4)
    assert beside.relative_error == pytest.approx(0.180, abs=1e-3)
    apart = np.abs(smooth.values - discrete.values).mean()
    assert beside.agreement.mae == pytest.approx(apart, rel=1e-12)
    (exact,) = runs(anchors, "exact", "smooth")
    assert exact.agreement is None
    assert exact.gap is not None
    assert exact.gap < 1e-12
    assert exact.seconds is not None


def test_the_three_largest_are_counted_apart_from_the_ten() -> None:
    exact, found = np.array([9.0, 8, 7, 1, 2, 3]), np.array([9.0, 1, 7, 8, 2, 3])
    assert top_in_common(found, exact, 3) == 2 / 3
    assert top_in_common(found, exact, 6) == 1
    compared = compare_scenarios([small()], ScenarioQuestion(budgets=FEW), seeds=range(5))
    some = runs(compared, "random", "smooth")
    assert all(run.agreement is not None and run.agreement.top_overlap == 1 for run in some)
    assert min(run.top_three or 0 for run in some) < 1


def test_what_is_sampled_is_drawn_with_each_seed_and_has_a_spread() -> None:
    found = compare_scenarios([small()], ScenarioQuestion(budgets=FEW), seeds=(4, 5, 6))
    for method in ("shapley", "banzhaf", "random"):
        some = runs(found, method, "smooth")
        assert [one.seed for one in some] == [4, 5, 6]
        errors = {one.relative_error for one in some if not one.undefined}
        assert len(errors) > 1
    assert [one.seed for one in runs(found, "path", "smooth")] == [None]
    lines = {(line.method, line.form): line for line in found.lines()}
    drawn, once = lines["shapley", "smooth"], lines["path", "smooth"]
    numbers = [one.relative_error for one in runs(found, "shapley", "smooth")]
    assert drawn.runs == 3
    assert drawn.relative_error.mean == pytest.approx(np.mean(np.array(numbers, float)))
    assert drawn.relative_error.deviation == pytest.approx(np.std(np.array(numbers, float), ddof=1))
    assert once.relative_error.deviation is None


def test_records_of_a_scenario_are_averaged_and_others_are_not() -> None:
    some = [small(), small(seed=4), small("market")]
    found = compare_scenarios(some, ScenarioQuestion(budgets=FEW))
    lines = [line for line in found.lines() if line.method == "path"]
    assert [(line.scenario, line.form, line.runs) for line in lines] == [
        ("opinion", "smooth", 2), ("opinion", "discrete", 2),
        ("market", "smooth", 1), ("market", "discrete", 1),
    ]  # fmt: skip
    report = scenario_comparison_report(found)
    assert [table.name for table in report.tables] == ["opinion polarisation", "market loss"]
    assert any("discrete Shapley value leads" in text for text in report.warnings)


def test_banzhaf_values_of_another_sign_stand_there_as_undefined() -> None:
    asked = ScenarioQuestion(indicator="pressure", step=18, budgets=replace(FEW, coalitions=200))
    found = compare_scenarios([Compared("a", scenario("economy"))], asked)
    (row,) = runs(found, "banzhaf", "smooth")
    assert "no positive factor" in row.undefined
    assert (row.agreement, row.relative_error, row.gap) == (None, None, None)
    table = scenario_comparison_report(found).tables[0]
    shown = {(row[0], row[1]): row[2] for row in table.rows}
    assert shown["Banzhaf, 200 coalitions", "smooth"] == "undefined"
    assert any("no positive factor" in note for note in table.notes)


def judgement(of: Compared, at: int | str = "peak", **changes: Any) -> JudgeScores:
    """Scores of a judge that ranks the agents by their exact values in the smooth game."""
    asked = ScenarioQuestion(step=at, form="smooth")
    game, _ = game_of(of.scenario, asked)
    values = solve(game, "exact", FEW).values * np.sign(game.total - game.empty)
    one = JudgeScores(
        "mast", "h", "m", "opinion", of.digest, "polarisation", "silent",
        of.scenario.steps[game.window[-1]], 1, tuple(of.scenario.agents),
        values.argsort().argsort() + 1.0,
    )  # fmt: skip
    return replace(one, **changes)


def test_a_judge_that_ranks_by_the_exact_values_agrees_whichever_way_the_change_goes() -> None:
    signs = set()
    for one, step in itertools.product((small(), small(seed=4)), (1, 2, 4)):
        asked = ScenarioQuestion(step=step, budgets=FEW)
        found = compare_scenarios([one], asked, judges=[judgement(one, step)])
        signs.add(np.sign(found.records[0].forms[0].change))
        (row,) = runs(found, "judge mast (m)", "smooth")
        assert row.agreement is not None
        assert row.agreement.kendall_tau == pytest.approx(1)
        assert (row.gap, row.seconds) == (None, None)
        # The second and the third change places: who pushed most in the change's way are the same.
        wrong = {3.0: 4.0, 4.0: 3.0}
        scores = np.array([wrong.get(score, score) for score in judgement(one, step).scores])
        judge = judgement(one, step, scores=scores)
        found = compare_scenarios([one], asked, judges=[judge])
        assert runs(found, "judge mast (m)", "smooth")[0].top_three == 1
    assert signs == {-1, 1}


@pytest.mark.parametrize(
    ("scores", "words"),
    [([1, 2, np.nan, 3, 4], "no score of 1 of 5"), ([0, 0, 0, 0, 0], "everybody 0")],
)
def test_a_judge_that_says_too_little_is_undefined_and_not_0(
    scores: list[float], words: str
) -> None:
    one = small()
    judge = judgement(one, scores=np.array(scores, float))
    found = compare_scenarios([one], ScenarioQuestion(budgets=FEW), judges=[judge])
    (row,) = runs(found, "judge mast (m)", "discrete")
    assert words in row.undefined
    assert row.agreement is None


def test_scores_share_out_nothing_where_the_change_is_rounding() -> None:
    one = small()
    game, _ = game_of(one.scenario, ScenarioQuestion(form="smooth"))
    exact = ComparedForm("smooth", 0.3, 0.1 + 0.2, solve(game, "exact", FEW).values)
    assert exact.change != 0
    assert "share out nothing" in _judged(exact, judgement(one)).undefined


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"record": "0"}, "of none of these records"),
        ({"indicator": "x\n" * 99}, r"another indicator of .{,20}x\\nx.{,60}…, not 'polarisation'"),
        ({"step": 99}, "another step"),
        ({"window": 2}, "another window"),
        ({"baseline": "x"}, "another baseline"),
        ({"agents": tuple("abcde")}, "another agents"),
    ],
)
def test_scores_of_another_question_are_refused(changes: dict[str, Any], words: str) -> None:
    one = small()
    with pytest.raises(InputError, match=words):
        compare_scenarios([one], ScenarioQuestion(budgets=FEW), judges=[judgement(one, **changes)])


class Torn:
    """A simulation of which one coalition has no number: that of the first and the last agent."""

    name = "torn"
    agents, steps, baselines = ("a", "b", "c", "d"), (1,), ("nothing",)
    did = np.array([[1.0, 2.0, 4.0, 8.0]])
    channels: ClassVar = {"did": (did, "scaled")}

    def baseline(self, kind: str) -> dict[str, Any]:
        return {"did": 0 * self.did}

    def start(self, step: int) -> dict[str, Any]:
        return {"x": 1.0}

    def transition(self, state: Any, actions: Any, step: int, smooth: bool) -> dict[str, Any]:
        return {"x": state["x"] + actions["did"].sum(axis=1)}

    indicators: ClassVar = {
        "x": lambda before, after, step: np.where(after["x"] == 10, np.nan, after["x"])
    }


def test_a_coalition_without_a_number_is_no_answer_and_no_crash() -> None:
    with pytest.raises(NoAnswerError, match="'x' is not finite where some agents are absent"):
        compare_scenarios([Compared("torn", find_scenario(Torn()))])


def test_what_cannot_be_compared_is_refused() -> None:
    large = Compared("large", scenario_of(run_scenario("opinion", agents=21, steps=2)))
    with pytest.raises(UsageError, match=r"large has 21 players.* at most 20"):
        compare_scenarios([large])
    with pytest.raises(UsageError, match="no record"):
        compare_scenarios([])
    one = small()
    with pytest.raises(UsageError, match="not cells"):
        compare_scenarios([one], ScenarioQuestion(players="cells"), judges=[judgement(one)])
    with pytest.raises(UsageError, match="--seeds"):
        scenario_seeds(0, 0)
    lagged = ScenarioQuestion(indicator="lagged_inflation_risk", budgets=FEW)
    with pytest.raises(ZeroTotalError, match="nobody moves"):
        compare_scenarios([small("economy")], lagged)
