"""Questions to a record of a scenario, as a user asks them."""

from pathlib import Path
from typing import Any

from blueattr.errors import InputError
from blueattr.scenarios.games.attribution import (
    ScenarioAttribution,
    ScenarioQuestion,
    attribute_scenario,
)
from blueattr.scenarios.games.methods import Budgets
from blueattr.scenarios.record import Record
from blueattr.scenarios.record_file import read_record
from blueattr.scenarios.shipped import scenario_of

__all__ = ["ask_record"]


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
    if not isinstance(record, str | Path | Record):
        raise InputError(f"a record is a file or a Record, not {type(record).__name__}")
    read = record if isinstance(record, Record) else read_record(record)
    budgets = Budgets(steps, permutations, coalitions, seed)
    return attribute_scenario(scenario_of(read), ScenarioQuestion(budgets=budgets, **question))
