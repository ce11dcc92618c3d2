"""Simulations of one's own: found, checked, refused with a sentence, and asked like others."""

import itertools
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from blueattr.errors import NoAnswerError, ScenarioError, UsageError
from blueattr.scenarios.games.attribution import ScenarioQuestion, attribute_scenario
from blueattr.scenarios.games.path import derivatives_of
from blueattr.scenarios.own import find_scenario
from blueattr.scenarios.protocol import Channel

N, STEPS = 3, 4
DID = np.random.default_rng(5).uniform(0.5, 1.5, (STEPS, N))
SIGNS = np.array([1.0, -2.0, 0.5])


class Pushing:
    """Three agents push a level; the indicator is its square after the step."""

    name = "pushing"
    agents = ("ann", "bob", "cy")
    steps = ("a", "b", "c", "d")
    baselines = ("nothing", "half")

    def __init__(self) -> None:
        self.channels: Any = {"push": (DID, "scaled"), "sign": Channel(SIGNS + 0 * DID, False)}
        self.indicators: Any = {"level": lambda before, after, step: after["level"] ** 2}
        self.levels = np.concatenate([[1.0], 1 + np.cumsum((DID * SIGNS).sum(axis=1))])

    def baseline(self, kind: str) -> Any:
        return {"push": DID * (0.0 if kind == "nothing" else 0.5)}

    def start(self, step: int) -> Any:
        return {"level": self.levels[step]}

    def transition(self, state: Any, actions: Any, step: int, smooth: bool) -> Any:
        return {"level": state["level"] + (actions["push"] * actions["sign"]).sum(axis=1)}


def test_a_simulation_of_ones_own_is_asked_as_those_that_ship() -> None:
    own = find_scenario(Pushing())
    found = attribute_scenario(own, ScenarioQuestion(step="c", window=2))
    assert found.total == pytest.approx((1 + (DID[:3] * SIGNS).sum()) ** 2)
    assert found.empty == pytest.approx((1 + (DID[:1] * SIGNS).sum()) ** 2)
    assert found.other.shapley is not None
    # A polynomial of degree 2: the path value is the Shapley value.
    exact = attribute_scenario(own, ScenarioQuestion(step="c", window=2, method="exact"))
    np.testing.assert_allclose(found.values, exact.values, rtol=1e-9)
    assert own.replay() == {"level": pytest.approx(0, abs=1e-12)}


def test_the_replay_says_how_far_it_is_from_what_was_recorded() -> None:
    made = Pushing()
    made.levels[2] += 0.25
    assert find_scenario(made).replay()["level"] == pytest.approx(0.25)


def _real(made: Any) -> None:
    """It drops imaginary parts, as casts do."""
    before = made.transition
    made.transition = lambda *given: {"level": before(*given)["level"].real.astype(float)}


def _gradient(z: Any, indicator: str, window: range, baseline: str) -> Any:
    level = Pushing().levels[window.start] + (z * DID[window.start] * SIGNS).sum(axis=(1, 2))
    return 2 * level[:, None, None] * DID[list(window)] * SIGNS


def test_derivatives_are_the_gradient_complex_steps_or_differences() -> None:
    analytic, real, given = Pushing(), Pushing(), Pushing()
    _real(real)
    given.gradient = _gradient  # type: ignore[attr-defined]
    ways = ("complex step", "central differences", "reverse mode")
    asked = [find_scenario(made) for made in (analytic, real, given)]
    assert tuple(derivatives_of(one) for one in asked) == ways
    values = [attribute_scenario(one, ScenarioQuestion(step="b")).values for one in asked]
    for found in values[1:]:
        np.testing.assert_allclose(found, values[0], rtol=1e-6)


def _set(**parts: Any) -> Callable[[Any], None]:
    return lambda made: made.__dict__.update(parts)


def _writes(state: Any, actions: Any, step: int, smooth: bool) -> Any:
    actions["push"][:] = 0
    return state


COUNTER = itertools.count()
BROKEN: dict[str, tuple[Callable[[Any], None], str]] = {
    "no function": (_set(transition=3), "its 'transition' is no function"),
    "no names": (_set(agents="abc"), "agents are str"),
    "a name twice": (_set(agents=("a", "a", "b")), "agents have the same name"),
    "a label that is none": (_set(steps=(1.5, 2, 3, 4)), "1.5 is no name"),
    "nobody": (_set(agents=()), "0 agents"),
    "channels of another size": (_set(channels={"push": (DID[:2], "scaled")}), "4 steps and 3"),
    "no kind": (_set(channels={"push": (DID, "both")}), "'both', not 'scaled' or 'kept'"),
    "nothing scaled": (_set(channels={"push": (DID, "kept")}), "no channel is scaled"),
    "no pair": (_set(channels={"push": DID}), "no pair"),
    "texts": (_set(channels={"push": ([["x"] * N] * STEPS, "scaled")}), "not numbers"),
    "not finite": (_set(channels={"push": (DID * np.nan, "scaled")}), "not finite"),
    "baseline of no channel": (_set(baseline=lambda kind: {"x": DID}), "no 'push'"),
    "baseline of a shape": (_set(baseline=lambda kind: {"push": DID[0]}), r"the shape \(3,\)"),
    "baseline raises": (_set(baseline=lambda kind: 1 / 0), r"ZeroDivision.*test_own\.py, line"),
    "states differ": (_set(start=lambda step: {"xy"[step % 2]: 0.0}), "other names"),
    "no state": (_set(start=lambda step: {}), "no dict"),
    "no level": (_set(transition=lambda *given: {"x": np.zeros(4)}), "no 'level'"),
    "no batch": (_set(transition=lambda *given: {"level": 0.0}), r"it must be \(4,\)"),
    "writes": (_set(transition=_writes), "read-only"),
    "exits": (_set(transition=lambda *given: sys.exit(3)), "raised SystemExit"),
    "draws": (
        _set(transition=lambda state, *rest: {"level": state["level"] + next(COUNTER)}),
        "not the same twice",
    ),
    "rows mix": (
        _set(transition=lambda state, actions, *rest: {
            "level": state["level"] + actions["push"].sum(axis=1) - actions["push"].mean()}),
        "depends on the other rows",
    ),
    "no indicators": (_set(indicators={}), "no dict of functions"),
    "an indicator's shape": (_set(indicators={"x": lambda *given: 1.0}), "must be"),
    "an indicator is infinite": (
        _set(indicators={"x": lambda before, after, step: after["level"] / 0}), "not finite",
    ),
    "an indicator is complex": (
        _set(indicators={"x": lambda before, after, step: after["level"] + 1j * (step == 0)}),
        "'x' has complex numbers, though nothing was complex before it",
    ),
    "a state is complex": (
        _set(transition=lambda state, *rest: {"level": state["level"] + 0j}),
        "'level' of transition .* has complex numbers",
    ),
    "a wrong gradient": (_set(gradient=lambda z, *rest: 2 * _gradient(z, *rest)), "is not that of"),
    "a gradient's shape": (_set(gradient=lambda z, *rest: z[0]), "gradient returned the shape"),
    "a form": (_set(leading_form="rough"), "not smooth or discrete"),
    "forms": (_set(leading_form=["smooth"]), "not smooth or discrete"),
    "a peak": (_set(first_peak=9), "not the index of a step"),
}  # fmt: skip


@pytest.mark.parametrize("what", BROKEN)
def test_what_breaks_the_protocol_is_refused_with_a_sentence(what: str) -> None:
    spoil, words = BROKEN[what]
    made = Pushing()
    spoil(made)
    with pytest.raises(ScenarioError, match=words) as refusal:
        find_scenario(made)
    assert "\n" not in str(refusal.value)


def test_what_is_no_simulation_at_all_is_refused_by_what_it_lacks() -> None:
    with pytest.raises(ScenarioError, match="is no scenario: it has no 'agents'"):
        find_scenario(object())


SOURCE = Path(__file__).read_text("utf-8").split("def test_a_simulation")[0]


def test_a_simulation_is_found_by_file_class_function_and_module(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "mine.py"
    file.write_text(SOURCE + "\n\ndef build():\n    print('made')\n    return Pushing()\n", "utf-8")
    monkeypatch.chdir(tmp_path)
    for text in ("mine.py", "mine.py:Pushing", "mine.py:build", "mine:build"):
        found = find_scenario(text)
        assert (found.name, found.origin.text) == ("pushing", text)
        assert found.origin.sha256 is not None
    for text, words in (
        ("mine.py:Pushin", "did you mean 'Pushing'"),
        ("other.py", "cannot read the scenario"),
        ("nothing.here:x", "there is no module"),
    ):
        with pytest.raises(ScenarioError, match=words):
            find_scenario(text)
    with pytest.raises(UsageError, match=r"path/to/file\.py:name"):
        find_scenario("mine")
    file.write_text("import nothing_of_that_name\n", "utf-8")
    with pytest.raises(ScenarioError, match="cannot be run"):
        find_scenario("mine.py")


def test_where_values_cancel_there_are_no_shares_and_the_gap_is_of_their_sizes() -> None:
    made = Pushing()
    made.channels = {"push": (np.ones((STEPS, N)), "scaled"),
                     "sign": (np.array([1.0, 1e-12 - 1, 0]) + 0 * DID, "kept")}  # fmt: skip
    made.levels = np.ones(STEPS + 1)
    made.baseline = lambda kind: {"push": np.zeros((STEPS, N))}  # type: ignore[method-assign]
    found = attribute_scenario(find_scenario(made), ScenarioQuestion(step="b"))
    assert 0 < found.change < 3e-12
    np.testing.assert_allclose(found.values, [2, -2, 0], atol=1e-12)
    assert (found.shares, found.churn) == (None, None)
    assert found.found.gap is not None
    assert found.found.gap < 1e-12


def test_an_indicator_that_was_not_finite_has_no_peak() -> None:
    made = Pushing()
    made.indicators = {"gone": lambda before, after, step: after["level"] / (step != 1)}
    own = find_scenario(made)  # it is not tried at that step
    with pytest.raises(NoAnswerError, match="recorded 'gone' is not finite at step b"):
        attribute_scenario(own)


def test_what_a_file_does_to_errors_of_numpy_ends_with_it(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(SOURCE + "\n\nnp.seterr(all='raise')\n", "utf-8")
    before = np.geterr()
    find_scenario(str(file))
    assert np.geterr() == before
