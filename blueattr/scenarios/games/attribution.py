"""Who drove an indicator of a scenario: the question, the answer, and the other form beside it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from blueattr import kernels
from blueattr.display import Presented
from blueattr.errors import NoAnswerError, UsageError, ZeroTotalError
from blueattr.kernels import FloatArray
from blueattr.provenance import Provenance
from blueattr.scenarios.games.game import FORMS, PLAYERS, Form, Players, ScenarioGame
from blueattr.scenarios.games.methods import Budgets, Method, Values, choose_method, solve
from blueattr.scenarios.games.path import NO_CHANGE
from blueattr.scenarios.play import play
from blueattr.scenarios.protocol import Scenario
from blueattr.scenarios.record import Record
from blueattr.studies.validation.agreement import Agreement, agreement
from blueattr.suggest import did_you_mean

__all__ = [
    "OtherForm",
    "ScenarioAttribution",
    "ScenarioQuestion",
    "attribute_scenario",
    "game_of",
    "recorded_values",
]


# With more players an exact value of the other form, and with many more a sampled one, would take
# longer than the answer itself.
_EXACT_BESIDE, _SAMPLED_BESIDE = 12, 100


@dataclass(frozen=True, slots=True)
class ScenarioQuestion:
    """What is asked of a scenario.

    Parameters
    ----------
    indicator
        Its name; by default the scenario's first.
    step
        The label of the target step, as text too; ``peak`` is the step with the largest recorded
        value.
    window
        How many steps, up to the target, agents may be absent in.
    players
        Agents, or each agent in each step (cells).
    baseline
        The kind of baseline; by default the scenario's first.
    form
        ``smooth`` or ``discrete``; by default smooth, but of the market discrete, since its
        smoothing changes the game.
    method
        See `blueattr.scenarios.games.methods.choose_method`.
    budgets
        What the method may spend.
    """

    indicator: str | None = None
    step: int | str = "peak"
    window: int = 1
    players: Players = "agents"
    baseline: str | None = None
    form: Form | None = None
    method: str = "auto"
    budgets: Budgets = field(default_factory=Budgets)


@dataclass(frozen=True, slots=True)
class OtherForm:
    """The form of the game that was not asked for.

    Parameters
    ----------
    form
        Its name.
    total, empty
        Its v(N) and v(∅); None where it cannot be compared.
    exact
        Whether the Shapley values that are compared are exact; else they are sampled.
    shapley
        How the Shapley values of the smooth game agree with those of the discrete one; None with
        so many players that they were not computed.
    relative_error
        Their mean absolute difference, relative to the mean |φ| of the discrete game.
    values
        The Shapley values of all players, by form; empty where they were not computed.
    undefined
        Why it cannot be compared; else empty.
    """

    form: Form
    total: float | None
    empty: float | None
    exact: bool
    shapley: Agreement | None
    relative_error: float | None
    values: Mapping[Form, FloatArray] = field(default_factory=dict)
    undefined: str = ""


@dataclass(frozen=True, repr=False)
class ScenarioAttribution(Presented):
    """Who drove an indicator of a scenario.

    Parameters
    ----------
    game
        What was played: the scenario, indicator, window, baseline, players and form.
    step
        The label of the target step.
    found
        The values of all players, and how they were computed.
    values
        float64 (n,): of each agent; of cells their sums.
    total, empty
        v(N) and v(∅).
    recorded
        The indicator as it was recorded.
    shares
        float64 (n,): ``φ / Σ|φ|``; None where v(N) - v(∅) is next to nothing.
    churn
        ``Σ|φ| / |Σφ|``; None where shares are.
    other
        The other form of the game.
    seed
        Of everything that was drawn.
    budgets
        What the methods were given to spend.
    digest
        The SHA-256 of what was recorded; None where nobody computed it.
    """

    game: ScenarioGame
    step: int | str
    found: Values
    values: FloatArray
    total: float
    empty: float
    recorded: float
    shares: FloatArray | None
    churn: float | None
    other: OtherForm
    seed: int
    budgets: Budgets = field(default_factory=Budgets)
    digest: str | None = None

    @property
    def indicator(self) -> str:
        """The name of the indicator."""
        return self.game.indicator

    @property
    def n_agents(self) -> int:
        """How many agents there are."""
        return len(self.game.scenario.agents)

    @property
    def provenance(self) -> Provenance:
        """What was asked about."""
        record = getattr(self.game.scenario, "record", None)
        kind = "" if record is None else f" ({_origin_of(record)})"
        return Provenance(source=f"{self.game.scenario.name}{kind}")

    @property
    def change(self) -> float:
        """v(N) - v(∅), which is shared out."""
        return self.total - self.empty

    def shapley_by_agent(self, form: Form) -> FloatArray | None:
        """Return the Shapley values of a form, of cells their sums; None with many players."""
        values = self.other.values.get(form)
        if values is None:
            return None
        sums: FloatArray = values.reshape(-1, self.n_agents).sum(axis=0)
        return sums


def _origin_of(record: Record) -> str:
    if record.origin == "scripted":
        return "a scripted run" if record.seed is None else f"a scripted run of seed {record.seed}"
    return f"logs of {record.origin}"


def recorded_values(scenario: Scenario, indicator: str) -> FloatArray:
    """Return an indicator after each step as it was recorded, (steps,).

    What an indicator needs beside the state comes from the discrete rules.

    Raises
    ------
    NoAnswerError
        A value is not finite.
    """
    steps, n = len(scenario.steps), len(scenario.agents)
    absent = scenario.baseline(scenario.baselines[0])
    measure = scenario.indicators[indicator]
    values = np.empty(steps)
    for step in range(steps):
        window = range(step, step + 1)
        before, after = play(scenario, absent, np.ones((1, 1, n)), window, smooth=False)
        if step + 1 < steps:
            states = scenario.start(step + 1).items()
            after = {**after, **{name: np.asarray(value)[None] for name, value in states}}
        with np.errstate(all="ignore"):
            values[step] = measure(before, after, step)[0]
    if not np.isfinite(values).all():
        where = scenario.steps[int(np.argmin(np.isfinite(values)))]
        raise NoAnswerError(f"the recorded {indicator!r} is not finite at step {where}")
    return values


def game_of(scenario: Scenario, asked: ScenarioQuestion) -> tuple[ScenarioGame, float]:
    """Return the game that a question is about, and the indicator as it was recorded.

    Parameters
    ----------
    scenario, asked
        See `attribute_scenario`.

    Raises
    ------
    UsageError
        The scenario has no such indicator, step or baseline, or not so many steps.
    """
    asked.budgets.check()
    indicator = _one_of("indicator", asked.indicator, [*scenario.indicators])
    baseline = _one_of("baseline", asked.baseline, scenario.baselines)
    leading: Form = getattr(scenario, "leading_form", "smooth")
    form = leading if asked.form is None else asked.form
    _one_of("game", form, FORMS)
    _one_of("kind of players", asked.players, PLAYERS)
    recorded = recorded_values(scenario, indicator)
    target = _target(scenario, asked.step, recorded)
    if not 1 <= asked.window <= target + 1:
        raise UsageError(
            f"a window of {asked.window} steps does not fit: {target + 1} end with step "
            f"{scenario.steps[target]}"
        )
    window = range(target + 1 - asked.window, target + 1)
    game = ScenarioGame(scenario, indicator, window, baseline, asked.players, form)
    return game, float(recorded[target])


def attribute_scenario(
    scenario: Scenario, question: ScenarioQuestion | None = None
) -> ScenarioAttribution:
    """Say who drove an indicator of a scenario.

    Parameters
    ----------
    scenario
        What ran: `blueattr.scenarios.shipped.scenario_of` makes one of a record.
    question
        What is asked.

    Returns
    -------
    ScenarioAttribution

    Raises
    ------
    UsageError
        The scenario has no such indicator, step, baseline or method, or not so many steps.
    NoAnswerError
        The path value does not converge, or a value is not finite.
    ZeroTotalError
        No player moves the indicator, or values cannot be normalised.

    Notes
    -----
    docs/scenarios.md, "Who drove it".
    """
    asked = question or ScenarioQuestion()
    game, recorded = game_of(scenario, asked)
    step = scenario.steps[game.window[-1]]
    method = choose_method(asked.method, game.form, game.n)
    found = solve(game, method, asked.budgets)
    values = found.values.reshape(-1, len(scenario.agents)).sum(axis=0)
    size = float(kernels.exact_sum(np.abs(values)))
    if size == 0:
        raise ZeroTotalError(
            f"nobody moves {game.indicator!r} at step {step}: it is the same whoever "
            "is absent; try --window 2, or another step"
        )
    change = game.total - game.empty
    some = abs(change) >= NO_CHANGE * size
    return ScenarioAttribution(
        game=game,
        step=step,
        found=found,
        values=values,
        total=game.total,
        empty=game.empty,
        recorded=recorded,
        shares=values / size if some else None,
        churn=size / abs(change) if some else None,
        other=_other_or_why_not(game, method, found, asked.budgets),
        seed=asked.budgets.seed,
        budgets=asked.budgets,
    )


def _one_of(what: str, name: str | None, names: Sequence[str]) -> str:
    if name is None:
        return names[0]
    if name not in names:
        hint = did_you_mean(name, names, f"there are {', '.join(names)}", quoted=True)
        raise UsageError(f"no {what} is called {name!r}; {hint}")
    return name


def _target(scenario: Scenario, step: int | str, recorded: FloatArray) -> int:
    """Return the index of the target step."""
    if step == "peak":
        first = min(getattr(scenario, "first_peak", 0), recorded.size - 1)
        return first + int(np.argmax(recorded[first:]))
    labels = [str(label) for label in scenario.steps]
    if str(step) not in labels:
        raise UsageError(
            f"there is no step {str(step)!r}: the steps are {labels[0]} to {labels[-1]}"
        )
    return labels.index(str(step))


def _other_or_why_not(
    game: ScenarioGame, method: Method, found: Values, budgets: Budgets
) -> OtherForm:
    """Return the other form; where it has no answer, the form that was asked still has one."""
    form: Form = "discrete" if game.form == "smooth" else "smooth"
    try:
        return _other(form, game, method, found, budgets)
    except NoAnswerError as error:
        return OtherForm(
            form, None, None, game.n <= _EXACT_BESIDE, None, None, undefined=str(error)
        )


def _other(
    form: Form, game: ScenarioGame, method: Method, found: Values, budgets: Budgets
) -> OtherForm:
    other = ScenarioGame(
        game.scenario, game.indicator, game.window, game.baseline, game.players, form
    )
    exact = game.n <= _EXACT_BESIDE
    close, error = None, None
    pair: dict[Form, FloatArray] = {}
    if game.n <= _SAMPLED_BESIDE:
        way: Method = "exact" if exact else "shapley"
        ours = found if method == way else solve(game, way, budgets)
        pair |= {game.form: ours.values, form: solve(other, way, budgets).values}
        close = agreement(pair["smooth"], pair["discrete"])
        size = float(kernels.exact_sum(np.abs(pair["discrete"])) / game.n)
        error = close.mae / size if size > 0 else None
    return OtherForm(form, other.total, other.empty, exact, close, error, pair)
