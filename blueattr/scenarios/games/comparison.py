"""Every method beside the exact Shapley values of both forms, on records and seeds."""

import math
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from blueattr import kernels
from blueattr.attribution.sampling import check_seed
from blueattr.errors import InputError, NoAnswerError, UsageError, ZeroTotalError
from blueattr.judges.score_file import JudgeScores
from blueattr.kernels import FloatArray
from blueattr.scenarios.games.attribution import ScenarioQuestion, game_of
from blueattr.scenarios.games.compared import (
    EXACT,
    OTHER,
    ComparedForm,
    ComparedRecord,
    ComparedRun,
    ScenarioComparison,
)
from blueattr.scenarios.games.game import Form, ScenarioGame
from blueattr.scenarios.games.methods import Budgets, Method, Values, solve
from blueattr.scenarios.games.path import NO_CHANGE, efficiency_gap
from blueattr.scenarios.protocol import Scenario
from blueattr.scenarios.record_file import shown
from blueattr.studies.validation.agreement import agreement, top_in_common
from blueattr.studies.validation.baselines import MOST_EXACT_AGENTS
from blueattr.studies.validation.timing import measure

__all__ = ["Compared", "compare_scenarios", "scenario_seeds"]


_BESIDE: tuple[Method, ...] = ("shapley", "banzhaf", "leave-one-out", "random")
_SAMPLED = frozenset({"shapley", "banzhaf", "random"})
_TIMED: tuple[Method, ...] = ("path", *_BESIDE)
_TOP = 3
_MOST_SEEDS = 1000


def scenario_seeds(seed: int, count: int) -> tuple[int, ...]:
    """Return so many seeds from one on.

    Raises
    ------
    UsageError
        They make no sense.
    """
    check_seed(seed)
    if not 1 <= count <= _MOST_SEEDS:
        raise UsageError(f"--seeds takes 1 to {_MOST_SEEDS:,}, not {count:,}")
    return tuple(range(seed, seed + count))


@dataclass(frozen=True)
class Compared:
    """What methods are compared on.

    Parameters
    ----------
    name
        How a user knows it.
    scenario
        What ran.
    digest
        Of its record, see `blueattr.scenarios.record_file.record_digest`; empty without one.
    """

    name: str
    scenario: Scenario
    digest: str = ""


@dataclass(frozen=True, slots=True)
class _Answer:
    """What a method found, in how many seconds; or why it found nothing."""

    method: str
    seed: int | None
    found: Values | None
    seconds: float
    undefined: str = ""


def compare_scenarios(
    some: Sequence[Compared],
    question: ScenarioQuestion | None = None,
    *,
    seeds: Sequence[int] = (0,),
    judges: Sequence[JudgeScores] = (),
) -> ScenarioComparison:
    """Compare every method with the exact Shapley values of both forms.

    Parameters
    ----------
    some
        At least one.
    question
        What is asked of each; its form and its method do not count.
    seeds
        Of what is sampled; one run for each.
    judges
        Scores that judges gave; each belongs to the record of its digest.

    Returns
    -------
    ScenarioComparison

    Raises
    ------
    UsageError
        There is no record, the question does not fit one, or it has too many players.
    InputError
        The scores of a judge are of none of the records, or of another question.
    ZeroTotalError
        No player moves an indicator, in either form.
    NoAnswerError
        A value of a coalition is not finite.

    Notes
    -----
    docs/scenarios.md, "How close methods come".
    """
    if not some:
        raise UsageError("there is no record to compare methods on")
    asked = question or ScenarioQuestion()
    if judges and asked.players != "agents":
        raise UsageError("judges score agents, not cells: leave out --players or --judged")
    for judge in judges:
        if judge.record not in {one.digest for one in some}:
            raise InputError(
                f"the scores of the judge {judge.judge!r} are of none of these records"
            )
    return ScenarioComparison(
        tuple(_record(one, asked, seeds, judges) for one in some),
        asked,
        tuple(seeds),
        tuple(judges),
    )


def _record(
    one: Compared,
    asked: ScenarioQuestion,
    seeds: Sequence[int],
    judges: Sequence[JudgeScores],
) -> ComparedRecord:
    smooth, recorded = game_of(one.scenario, replace(asked, form="smooth"))
    step = one.scenario.steps[smooth.window[-1]]
    if smooth.n > MOST_EXACT_AGENTS:
        raise UsageError(
            f"{one.name} has {smooth.n:,} players; methods are compared with exact Shapley "
            f"values, which need all 2^n coalitions, so at most {MOST_EXACT_AGENTS}"
        )
    own = [judge for judge in judges if judge.record == one.digest]
    for judge in own:
        _check(judge, smooth, step, one.name)
    games: dict[Form, ScenarioGame] = {
        "smooth": smooth,
        "discrete": replace(smooth, form="discrete"),
    }
    for game in games.values():
        _warm_up(game)
    exact = {
        form: measure(partial(solve, game, "exact", asked.budgets)) for form, game in games.items()
    }
    path = _answer(smooth, "path", asked.budgets, None)
    forms, runs = [], []
    for form, game in games.items():
        answer, cost = exact[form]
        reference = ComparedForm(form, game.total, game.empty, answer.values)
        other, other_cost = exact["discrete" if form == "smooth" else "smooth"]
        forms.append(reference)
        runs.append(ComparedRun(form, EXACT, None, gap=_gap(reference, answer),
                                seconds=cost.seconds))  # fmt: skip
        answers = [path, *_answers(game, asked.budgets, seeds),
                   _Answer(OTHER, None, other, other_cost.seconds)]  # fmt: skip
        runs += [_run(reference, each) for each in answers]
        runs += [_judged(reference, judge) for judge in own]
    if not any(form.values.any() for form in forms):
        raise ZeroTotalError(
            f"nobody moves {smooth.indicator!r} at step {step} of {one.name}: it is the same "
            "whoever is absent; try --window 2, or another step"
        )
    return ComparedRecord(one.name, smooth, step, recorded, (forms[0], forms[1]), tuple(runs))


def _check(judge: JudgeScores, game: ScenarioGame, step: int | str, name: str) -> None:
    """Refuse scores that answer another question."""
    asked = {
        "indicator": (judge.indicator, game.indicator),
        "baseline": (judge.baseline, game.baseline),
        "step": (str(judge.step), str(step)),
        "window": (judge.window, len(game.window)),
        "agents": (judge.agents, tuple(game.scenario.agents)),
    }
    for what, (theirs, ours) in asked.items():
        if theirs != ours:
            told = "" if what == "agents" else f" ({shown(theirs)}, not {shown(ours)})"
            raise InputError(
                f"the judge {judge.judge!r} was asked about another {what} of {name}{told}"
            )


def _warm_up(game: ScenarioGame) -> None:
    """Compile and load what is timed later."""
    few = Budgets(steps=1, permutations=2, coalitions=2)
    game.values(np.zeros((2, game.n)))
    for method in _TIMED if game.form == "smooth" else _TIMED[1:]:
        with suppress(NoAnswerError, ZeroTotalError):
            solve(game, method, few)


def _answers(game: ScenarioGame, budgets: Budgets, seeds: Sequence[int]) -> Iterator[_Answer]:
    for method in _BESIDE:
        for seed in seeds if method in _SAMPLED else (None,):
            yield _answer(game, method, budgets, seed)


def _answer(game: ScenarioGame, method: Method, budgets: Budgets, seed: int | None) -> _Answer:
    """Ask a method; one that has no answer says why."""
    own = budgets if seed is None else replace(budgets, seed=seed)
    try:
        found, cost = measure(partial(solve, game, method, own))
    except (NoAnswerError, ZeroTotalError) as error:
        return _Answer(method, seed, None, 0.0, str(error))
    return _Answer(method, seed, found, cost.seconds)


def _gap(reference: ComparedForm, found: Values) -> float | None:
    if found.method == "random":
        return None
    total = float(kernels.exact_sum(found.values)) if found.raw_sum is None else found.raw_sum
    size = float(kernels.exact_sum(np.abs(reference.values)))
    return efficiency_gap(total, reference.change, size)


def _run(reference: ComparedForm, answer: _Answer) -> ComparedRun:
    form, found = reference.form, answer.found
    if found is None:
        return ComparedRun(form, answer.method, answer.seed, undefined=answer.undefined)
    close = _close(found.values, reference.values)
    return replace(
        close, form=form, method=answer.method, seed=answer.seed, gap=_gap(reference, found),
        seconds=answer.seconds,
    )  # fmt: skip


def _close(values: FloatArray, reference: FloatArray) -> ComparedRun:
    close = agreement(values, reference)
    size = float(kernels.exact_sum(np.abs(reference)) / reference.size)
    return ComparedRun(
        "smooth", "", None, close,
        relative_error=close.mae / size if size > 0 else None,
        top_three=top_in_common(values, reference, min(_TOP, values.size)),
    )  # fmt: skip


def _judged(reference: ComparedForm, judge: JudgeScores) -> ComparedRun:
    """Compare scores, which cannot be negative, with values in the direction of the change."""
    method = f"judge {judge.judge} ({judge.model})"
    lacking = int(np.isnan(judge.scores).sum())
    why = ""
    if lacking:
        why = f"the judge gave no score of {lacking} of {judge.scores.size} agents"
    elif not judge.scores.any():
        why = "the judge gave everybody 0"
    elif abs(reference.change) <= NO_CHANGE * float(kernels.exact_sum(np.abs(reference.values))):
        why = "v(N) is v(nobody), so that scores share out nothing"
    if why:
        return ComparedRun(reference.form, method, None, undefined=why)
    sign = math.copysign(1.0, reference.change)
    close = _close(sign * judge.values(reference.change), sign * reference.values)
    return replace(close, form=reference.form, method=method)
