"""Scores of a judge in a file: what `blueattr judge` wrote, read again with every check."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from blueattr.errors import InputError
from blueattr.kernels import FloatArray
from blueattr.user_path import user_path

__all__ = ["KIND", "VERSION", "JudgeScores", "read_scores", "shared_out"]


KIND = "judgement"
"""The kind of the report that holds scores."""


VERSION = 1
"""The version of the JSON format that is read."""


_MOST_BYTES = 1 << 26
_LARGEST = 1e18  # sums of it are finite
_TEXTS = ("judge", "host", "model", "scenario", "record", "indicator", "baseline")


@dataclass(frozen=True, slots=True)
class JudgeScores:
    """What a judge said of all agents of a record.

    Parameters
    ----------
    judge, host, model
        Who judged.
    scenario
        The name of the scenario.
    record
        The digest of the record that was judged: `blueattr.scenarios.record_file.record_digest`.
    indicator, baseline
        Their names.
    step
        The label of the target step.
    window
        How many steps, up to the target.
    agents
        Their names.
    scores
        float64 (n,), at least 0; NaN where the judge gave none.
    """

    judge: str
    host: str
    model: str
    scenario: str
    record: str
    indicator: str
    baseline: str
    step: int | str
    window: int
    agents: tuple[str, ...]
    scores: FloatArray

    def values(self, change: float) -> FloatArray:
        """Return the values that share out a change of the indicator; see `shared_out`."""
        return change * shared_out(self.scores)


def shared_out(scores: FloatArray) -> FloatArray:
    """Divide scores by the sum of those that were given.

    Parameters
    ----------
    scores
        float64 (n,); NaN where none was given.

    Returns
    -------
    ndarray
        float64 (n,); NaN where none was given, and everywhere where the sum is 0.
    """
    whole = float(np.nansum(scores))
    return scores / whole if whole > 0 else np.full(scores.size, np.nan)


def read_scores(path: str | Path) -> JudgeScores:
    """Read the scores of a judge.

    Parameters
    ----------
    path
        A file that ``blueattr judge --out scores.json`` wrote.

    Raises
    ------
    InputError
        It cannot be read, or holds no scores; the message says what is wrong.
    """
    where, name = user_path(path), str(path)
    try:
        with where.open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise InputError(f"cannot read {name}: {error.strerror}") from None
    if len(data) > _MOST_BYTES:
        raise InputError(f"{name} is larger than scores of a judge are")
    try:
        found = json.loads(data, parse_constant=str)
    except (ValueError, RecursionError):
        raise InputError(
            f"{name} is not JSON; blueattr judge --out scores.json writes it"
        ) from None
    if not isinstance(found, Mapping) or found.get("kind") != KIND:
        raise InputError(
            f"{name} holds no scores of a judge; blueattr judge --out scores.json writes them"
        )
    if found.get("schema_version") != VERSION:
        raise InputError(f"{name} is of another version than {VERSION}; judge the record again")
    try:
        return _scores(found)
    except (LookupError, TypeError, ValueError) as error:
        raise InputError(f"{name} is damaged: {_reason(error)}") from None


def _reason(error: Exception) -> str:
    return f"it has no {error}" if isinstance(error, KeyError) else str(error)


def _scores(found: Mapping[str, Any]) -> JudgeScores:
    texts = {key: _checked(found, key, str) for key in _TEXTS}
    step, window = _checked(found, "step", int, str), _checked(found, "window", int)
    rows = _checked(found, "agents", list)
    if window < 1 or not rows:
        raise ValueError("it has no agents, or no steps")
    scores = np.full(len(rows), np.nan)
    names = []
    for place, row in enumerate(rows):
        if not isinstance(row, Mapping) or row.get("index") != place:
            raise ValueError(f"agent {place} is not where it should be")
        names.append(_checked(row, "agent", str))
        score = row["score"]
        if score is None:
            continue
        if type(score) not in {int, float} or not 0 <= score <= _LARGEST:
            raise ValueError(f"the score of agent {place} is no number from 0 to {_LARGEST:g}")
        scores[place] = score
    return JudgeScores(**texts, step=step, window=window, agents=tuple(names), scores=scores)


def _checked(found: Mapping[str, Any], key: str, *kinds: type) -> Any:
    value = found[key]
    if type(value) not in kinds:
        raise TypeError(f"{key!r} is not what it should be")
    return value
