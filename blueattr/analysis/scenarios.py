"""Questions to a record of a scenario, as a user asks them."""

from collections.abc import Sequence
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
from blueattr.scenarios.own import find_scenario
from blueattr.scenarios.record import Record
from blueattr.scenarios.record_file import read_record, record_digest
from blueattr.scenarios.shipped import scenario_of

__all__ = ["ask_record", "compare_records", "record_of"]


def ask_record(
    record: str | Path | Record | None,
    *,
    scenario: object = None,
    steps: int,
    permutations: int,
    coalitions: int,
    seed: int,
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
    if (record is None) == (scenario is None):
        raise UsageError("ask a record, or a simulation of your own: --scenario mine.py:name")
    budgets = Budgets(steps, permutations, coalitions, seed)
    asked = find_scenario(scenario) if record is None else scenario_of(record_of(record))
    return attribute_scenario(asked, ScenarioQuestion(budgets=budgets, **question))


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
        read = record_of(one)
        name = f"record {place}" if isinstance(one, Record) else str(one)
        some.append(Compared(name, scenario_of(read), record_digest(read)))
    for mine in scenarios:
        found = find_scenario(mine)
        some.append(Compared(found.name, found))
    return compare_scenarios(
        some,
        ScenarioQuestion(budgets=Budgets(steps, permutations, coalitions, seed), **question),
        seeds=scenario_seeds(seed, seeds),
        judges=[read_scores(path) for path in judged],
    )


def record_of(record: str | Path | Record) -> Record:
    """Return a record that is given, or read it.

    Raises
    ------
    InputError
        It is neither a file nor a record, or the file is no sound record.
    """
    if not isinstance(record, str | Path | Record):
        raise InputError(f"a record is a file or a Record, not {type(record).__name__}")
    return record if isinstance(record, Record) else read_record(record)
