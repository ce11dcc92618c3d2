"""Questions to a record of a scenario, as a user asks them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from blueattr.errors import InputError
from blueattr.judges.score_file import read_scores
from blueattr.scenarios.games.attribution import (
    ScenarioAttribution,
    ScenarioQuestion,
    attribute_scenario,
)
from blueattr.scenarios.games.compared import ScenarioComparison
from blueattr.scenarios.games.comparison import Compared, compare_scenarios, scenario_seeds
from blueattr.scenarios.games.methods import Budgets
from blueattr.scenarios.record import Record
from blueattr.scenarios.record_file import read_record, record_digest
from blueattr.scenarios.shipped import scenario_of

__all__ = ["ask_record", "compare_records", "record_of"]


def ask_record(
    record: str | Path | Record,
    *,
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
        The path of a file, or a record.
    steps, permutations, coalitions, seed
        See `blueattr.scenarios.games.methods.Budgets`.
    question
        The other fields of a `blueattr.scenarios.games.attribution.ScenarioQuestion`.

    Raises
    ------
    InputError
        The file is no sound record.
    UsageError, NoAnswerError
        As `blueattr.scenarios.games.attribution.attribute_scenario`.
    """
    budgets = Budgets(steps, permutations, coalitions, seed)
    return attribute_scenario(
        scenario_of(record_of(record)), ScenarioQuestion(budgets=budgets, **question)
    )


def compare_records(
    records: Sequence[str | Path | Record],
    *,
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
    """
    some = []
    for place, one in enumerate(records):
        read = record_of(one)
        name = f"record {place}" if isinstance(one, Record) else str(one)
        some.append(Compared(name, scenario_of(read), record_digest(read)))
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
