"""Questions to a record of a scenario, as a user asks them."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from blueattr.errors import InputError, UsageError
from blueattr.judges.score_file import read_scores
from blueattr.scenarios.games.attribution import (
    ScenarioAttribution,
    ScenarioQuestion,
    attribute_scenario,
)
from blueattr.scenarios.games.compared import ScenarioComparison
from blueattr.scenarios.games.comparison import Compared, compare_scenarios, scenario_seeds
from blueattr.scenarios.games.methods import Budgets
from blueattr.scenarios.models.model import Model
from blueattr.scenarios.own import OwnScenario, find_scenario
from blueattr.scenarios.own_trace import own_digest
from blueattr.scenarios.record import Record
from blueattr.scenarios.record_file import read_record, record_digest
from blueattr.scenarios.shipped import regularised, scenario_of

__all__ = ["ask_record", "compare_records", "scenario_asked"]


def ask_record(
    record: str | Path | Record | None,
    *,
    scenario: object = None,
    steps: int,
    permutations: int,
    coalitions: int,
    seed: int,
    regulariser: float | None = None,
    **question: Any,
) -> ScenarioAttribution:
    """Say who drove an indicator of a record.

    Parameters
    ----------
    record
        The path of a file, or a record; or None.
    scenario
        A simulation of one's own in place of a record, see
        `blueattr.scenarios.own.find_scenario`; or None.
    steps, permutations, coalitions, seed
        See `blueattr.scenarios.games.methods.Budgets`.
    regulariser
        See `blueattr.scenarios.shipped.regularised`.
    question
        The other fields of a `blueattr.scenarios.games.attribution.ScenarioQuestion`.

    Raises
    ------
    InputError
        The file is no sound record.
    UsageError, NoAnswerError
        As `blueattr.scenarios.games.attribution.attribute_scenario`; or neither a record nor a
        scenario is given, or both are.
    ScenarioError
        The scenario breaks the protocol.
    """
    budgets = Budgets(steps, permutations, coalitions, seed)
    asked, digest = scenario_asked(record, scenario, regulariser)
    found = attribute_scenario(asked, ScenarioQuestion(budgets=budgets, **question))
    return replace(found, digest=digest)


def compare_records(
    records: Sequence[str | Path | Record],
    *,
    scenarios: Sequence[object] = (),
    judged: Sequence[str | Path],
    steps: int,
    permutations: int,
    coalitions: int,
    seeds: int,
    seed: int,
    regulariser: float | None = None,
    **question: Any,
) -> ScenarioComparison:
    """Compare every method with exact Shapley values, on some records.

    Parameters
    ----------
    records
        Paths of files, or records.
    scenarios
        Simulations of one's own, see `blueattr.scenarios.own.find_scenario`.
    judged
        Files with scores of judges.
    steps, permutations, coalitions, seed
        See `blueattr.scenarios.games.methods.Budgets`; `seed` is the first one.
    seeds
        How many seeds there are.
    regulariser
        See `blueattr.scenarios.shipped.regularised`.
    question
        Other fields of a `blueattr.scenarios.games.attribution.ScenarioQuestion`.

    Raises
    ------
    InputError
        A file is no sound record, or holds no scores that fit.
    UsageError, NoAnswerError
        As `blueattr.scenarios.games.comparison.compare_scenarios`.
    ScenarioError
        A scenario breaks the protocol.
    """
    some = []
    for place, one in enumerate(records):
        name = f"record {place}" if isinstance(one, Record) else str(one)
        some.append(Compared(name, *scenario_asked(one, None, regulariser)))
    for mine in scenarios:
        found, digest = scenario_asked(None, mine, regulariser)
        some.append(Compared(found.name, found, digest))
    return compare_scenarios(
        some,
        ScenarioQuestion(budgets=Budgets(steps, permutations, coalitions, seed), **question),
        seeds=scenario_seeds(seed, seeds),
        judges=[read_scores(path) for path in judged],
    )


def scenario_asked(
    record: str | Path | Record | None, scenario: object, regulariser: float | None = None
) -> tuple[Model | OwnScenario, str]:
    """Return the scenario that is asked about, and the digest of what was recorded.

    Parameters
    ----------
    record, scenario
        One of both, see `ask_record`.
    regulariser
        Of a record, see `blueattr.scenarios.shipped.regularised`.

    Raises
    ------
    UsageError
        Neither is given, or both are; or a regulariser is out of bounds, or of a scenario that does
        not ship.
    InputError
        A record is neither a file nor a record, or the file is no sound record.
    ScenarioError
        The scenario breaks the protocol.
    """
    if (record is None) == (scenario is None):
        raise UsageError("ask a record, or a simulation of your own: --scenario mine.py:name")
    if record is None:
        if regulariser is not None:
            raise UsageError("--regulariser is of the simulations that ship, not of your own")
        own = find_scenario(scenario)
        return own, own_digest(own)
    if not isinstance(record, str | Path | Record):
        raise InputError(f"a record is a file or a Record, not {type(record).__name__}")
    read = record if isinstance(record, Record) else read_record(record)
    return scenario_of(regularised(read, regulariser)), record_digest(read)
