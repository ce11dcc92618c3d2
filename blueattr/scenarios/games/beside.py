"""What stands beside an answer: other methods, both forms of the game, other baselines."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from blueattr import kernels
from blueattr.errors import NoAnswerError, ZeroTotalError
from blueattr.kernels import FloatArray
from blueattr.scenarios.games.attribution import ScenarioAttribution, recorded_values
from blueattr.scenarios.games.game import FORMS, Form, ScenarioGame
from blueattr.scenarios.games.methods import Budgets, Method, solve
from blueattr.studies.validation.agreement import Agreement, agreement

__all__ = ["Beside", "OtherBaseline", "OtherMethod", "beside"]


@dataclass(frozen=True, slots=True)
class OtherMethod:
    """A method beside the Shapley values of a form.

    Parameters
    ----------
    form
        Whose Shapley values it is compared with.
    method
        Its name.
    agreement
        None where the method has no answer.
    relative_error
        The mean absolute difference over the mean |φ| of the Shapley values; None where either is
        undefined.
    undefined
        Why there is no answer; else empty.
    """

    form: Form
    method: Method
    agreement: Agreement | None = None
    relative_error: float | None = None
    undefined: str = ""


@dataclass(frozen=True, slots=True)
class OtherBaseline:
    """The same question with another baseline, or the same one.

    Parameters
    ----------
    baseline
        Its kind.
    empty
        The value v(∅) with it.
    total
        The value v(N), the same with every baseline.
    first
        The index of the agent of the largest value; None where there is no answer.
    agreement
        With the values of the answer.
    undefined
        Why there is no answer; else empty.
    """

    baseline: str
    total: float
    empty: float
    first: int | None = None
    agreement: Agreement | None = None
    undefined: str = ""


@dataclass(frozen=True)
class Beside:
    """An answer, and what stands beside it.

    Parameters
    ----------
    answer
        Who drove the indicator.
    recorded
        float64 (steps,): the indicator after each step.
    shapley
        Shapley values of the agents in both forms, of cells their sums; empty with many players.
    methods
        How near methods come to these.
    baselines
        Of each kind of baseline.
    """

    answer: ScenarioAttribution
    recorded: FloatArray
    shapley: Mapping[Form, FloatArray]
    methods: tuple[OtherMethod, ...]
    baselines: tuple[OtherBaseline, ...]


_COMPARED: tuple[Method, ...] = ("path", "banzhaf", "leave-one-out", "random")


def beside(answer: ScenarioAttribution) -> Beside:
    """Compute what stands beside an answer.

    Parameters
    ----------
    answer
        Who drove the indicator.

    Raises
    ------
    NoAnswerError
        A value of a coalition is not finite.
    """
    games = {form: replace(answer.game, form=form) for form in FORMS}
    found = {form: answer.other.values[form] for form in FORMS if form in answer.other.values}
    return Beside(
        answer=answer,
        recorded=recorded_values(answer.game.scenario, answer.indicator),
        shapley={form: _by_agent(answer, values) for form, values in found.items()},
        methods=tuple(_methods(games, found, answer.budgets)),
        baselines=tuple(_baselines(answer, answer.budgets)),
    )


def _by_agent(answer: ScenarioAttribution, values: FloatArray) -> FloatArray:
    sums: FloatArray = values.reshape(-1, len(answer.game.scenario.agents)).sum(axis=0)
    return sums


def _methods(
    games: Mapping[Form, ScenarioGame], found: Mapping[Form, FloatArray], budgets: Budgets
) -> Iterator[OtherMethod]:
    for form, reference in found.items():
        size = float(np.abs(reference).mean())
        for method in _COMPARED:
            game = games["smooth"] if method == "path" else games[form]
            try:
                values = solve(game, method, budgets).values
            except (NoAnswerError, ZeroTotalError) as error:
                yield OtherMethod(form, method, undefined=str(error))
                continue
            close = agreement(values, reference)
            yield OtherMethod(form, method, close, close.mae / size if size > 0 else None)


def _baselines(answer: ScenarioAttribution, budgets: Budgets) -> Iterator[OtherBaseline]:
    for kind in answer.game.scenario.baselines:
        game = replace(answer.game, baseline=kind)
        try:
            players = (
                answer.found.values
                if kind == answer.game.baseline
                else solve(game, answer.found.method, budgets).values
            )
        except (NoAnswerError, ZeroTotalError) as error:
            yield OtherBaseline(kind, game.total, game.empty, undefined=str(error))
            continue
        values = _by_agent(answer, players)
        if float(kernels.exact_sum(np.abs(values))) == 0:
            yield OtherBaseline(kind, game.total, game.empty, undefined="nobody moves it")
            continue
        close = agreement(values, answer.values)
        yield OtherBaseline(kind, game.total, game.empty, int(values.argmax()), close)
