"""What a judge is shown of a simulation of one's own."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from blueattr.errors import ScenarioError
from blueattr.scenarios.games.attribution import ScenarioQuestion, game_of
from blueattr.scenarios.own import find_scenario
from blueattr.scenarios.own_trace import own_digest
from blueattr.scenarios.trace import trace_of

DID = np.arange(1.0, 7.0).reshape(3, 2)


class Tank:
    """Two agents fill a tank."""

    name = "tank"
    agents = ("ann", "bob")
    steps = ("a", "b", "c")
    baselines = ("none",)

    def __init__(self) -> None:
        self.did = DID.copy()
        taps = np.stack([self.did, self.did + 0.5], axis=2)
        self.channels: Any = {"poured": (self.did, "scaled"), "taps": (taps, "kept")}

        def level(before: Any, after: Any, step: int) -> Any:
            """The level after the step."""
            return after["level"]

        self.indicators: Any = {"level": level, "half": lambda _b, after, _s: after["level"] / 2}

    def baseline(self, kind: str) -> Any:
        return {"poured": 0.25 * self.did}

    def start(self, step: int) -> Any:
        mine = self.did[:step].sum(axis=0)
        return {"level": mine.sum(), "mine": mine, "walls": np.arange(60.0)}

    def transition(self, state: Any, actions: Any, step: int, smooth: bool) -> Any:
        mine = state["mine"] + actions["poured"]
        return {"level": state["level"] + actions["poured"].sum(axis=1), "mine": mine,
                "walls": state["walls"]}  # fmt: skip


def shown(made: Any, **question: Any) -> Any:
    return trace_of(game_of(find_scenario(made), ScenarioQuestion(form="discrete", **question))[0])


def test_every_action_its_baseline_and_the_state_before_are_in_the_rows() -> None:
    trace = shown(Tank(), step="c", window=2)
    assert trace.columns == (
        "level before", "mine before", "walls before", "poured", "poured, if replaced", "taps",
    )  # fmt: skip
    assert (trace.agents, trace.steps, trace.target) == (("ann", "bob"), ("b", "c"), "c")
    row = trace.rows[trace.row_numbers[1, 0]].cells
    assert row[:2] == (3.0, 2.0)
    assert row[2].startswith("0; 1; 2; ")
    assert row[2].endswith("; 49 [10 more]")
    assert row[3:] == (4.0, 1.0, "4; 4.5")
    assert (trace.value, trace.baseline_value) == (21.0, 3 + 0.25 * 18)
    assert (trace.simulation, trace.formula) == (
        "Two agents fill a tank.", "The level after the step.",
    )  # fmt: skip
    assert "'none'" in trace.baseline_action


def test_an_indicator_that_does_not_say_how_it_is_computed_is_refused() -> None:
    with pytest.raises(ScenarioError, match="the indicator 'half' has no docstring"):
        shown(Tank(), indicator="half")


def test_what_python_says_of_its_own_types_is_not_said_of_a_simulation() -> None:
    tank = Tank()
    names = ("name", "agents", "steps", "channels", "baselines", "baseline", "start", "transition",
             "indicators")  # fmt: skip
    made = SimpleNamespace(**{name: getattr(tank, name) for name in names})
    assert shown(made).simulation == "a simulation called tank"


def test_a_digest_is_of_what_was_recorded() -> None:
    digest = own_digest(find_scenario(Tank()))
    assert digest == own_digest(find_scenario(Tank()))
    other = Tank()
    other.did[2, 1] += 1e-9
    assert own_digest(find_scenario(other)) != digest
    other = Tank()
    other.agents = ("ann", "cy")
    assert own_digest(find_scenario(other)) != digest
