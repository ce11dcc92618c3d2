"""Methods compared with exact Shapley values: each run, and averages with their spread."""

import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from blueattr import kernels
from blueattr.display import Presented
from blueattr.judges.score_file import JudgeScores
from blueattr.kernels import FloatArray
from blueattr.scenarios.games.attribution import ScenarioQuestion
from blueattr.scenarios.games.game import FORMS, Form, ScenarioGame
from blueattr.studies.validation.agreement import Agreement

__all__ = [
    "EXACT",
    "OTHER",
    "ComparedForm",
    "ComparedLine",
    "ComparedRecord",
    "ComparedRun",
    "MeanAndSpread",
    "ScenarioComparison",
]


EXACT, OTHER = "exact", "exact of the other game"
"""Two rows of every comparison: the reference, and that of the other form beside it."""


@dataclass(frozen=True, slots=True)
class ComparedRun:
    """One method on one form of one record.

    Parameters
    ----------
    form
        Whose exact Shapley values it is compared with.
    method
        As of `blueattr.scenarios.games.methods.METHODS`, `OTHER`, or ``judge`` and its name.
    seed
        Of what was drawn; None where nothing was.
    agreement
        With the exact Shapley values; None for these themselves, and where there are no values.
    relative_error
        The mean absolute error over the mean |φ| of the exact values; None where those are all 0.
    top_three
        The part of the three largest exact values among the three largest.
    gap
        |Σφ - (v(N) - v(∅))|, before values are normalised, relative as the gap of a path value;
        None for random numbers and judges, whose sum means nothing.
    seconds
        Wall time; None of a judge.
    undefined
        Why there are no values; else empty.
    """

    form: Form
    method: str
    seed: int | None
    agreement: Agreement | None = None
    relative_error: float | None = None
    top_three: float | None = None
    gap: float | None = None
    seconds: float | None = None
    undefined: str = ""


@dataclass(frozen=True)
class ComparedForm:
    """One form of a game, with its exact Shapley values.

    Parameters
    ----------
    form
        Its name.
    total, empty
        v(N) and v(∅).
    values
        float64 (players,), exact.
    """

    form: Form
    total: float
    empty: float
    values: FloatArray

    @property
    def change(self) -> float:
        """What is shared out: v(N) - v(∅)."""
        return self.total - self.empty

    @property
    def mean_size(self) -> float:
        """The mean of the absolute values."""
        return float(kernels.exact_sum(np.abs(self.values)) / self.values.size)


@dataclass(frozen=True)
class ComparedRecord:
    """All methods on one record.

    Parameters
    ----------
    name
        How a user knows it: a file, or its place in the list.
    game
        What was played, in the smooth form.
    step
        The label of the target step.
    recorded
        The indicator as it was recorded.
    forms
        Smooth and discrete.
    runs
        By form, then by method and seed.
    """

    name: str
    game: ScenarioGame
    step: int | str
    recorded: float
    forms: tuple[ComparedForm, ComparedForm]
    runs: tuple[ComparedRun, ...]

    @property
    def group(self) -> tuple[str, str]:
        """What is averaged: runs of the same scenario and indicator."""
        return self.game.scenario.name, self.game.indicator


@dataclass(frozen=True, slots=True)
class MeanAndSpread:
    """The mean of some numbers, and their standard deviation; None with fewer than one or two."""

    mean: float | None
    deviation: float | None

    @classmethod
    def of(cls, numbers: Sequence[float | None]) -> "MeanAndSpread":
        """Average the numbers that there are."""
        known = [number for number in numbers if number is not None]
        return cls(
            statistics.fmean(known) if known else None,
            statistics.stdev(known) if len(known) > 1 else None,
        )


@dataclass(frozen=True, slots=True)
class ComparedLine:
    """One method on one form, over all records and seeds of a scenario and an indicator.

    Parameters
    ----------
    scenario, indicator, form, method
        What is averaged.
    runs, undefined
        How many runs there are, and how many of them have no values.
    mae, relative_error, cosine, kendall_tau, top_three, top_overlap, gap, seconds
        As of `ComparedRun` and its agreement.
    """

    scenario: str
    indicator: str
    form: Form
    method: str
    runs: int
    undefined: int
    mae: MeanAndSpread
    relative_error: MeanAndSpread
    cosine: MeanAndSpread
    kendall_tau: MeanAndSpread
    top_three: MeanAndSpread
    top_overlap: MeanAndSpread
    gap: MeanAndSpread
    seconds: MeanAndSpread


@dataclass(frozen=True, repr=False)
class ScenarioComparison(Presented):
    """Methods compared with exact Shapley values.

    Parameters
    ----------
    records
        In the order they were given.
    asked
        What was asked of each of them.
    seeds
        Of what is sampled.
    judges
        The scores that were compared.
    """

    records: tuple[ComparedRecord, ...]
    asked: ScenarioQuestion
    seeds: tuple[int, ...]
    judges: tuple[JudgeScores, ...]

    def _in_short(self) -> Iterator[str]:
        for scenario, indicator in dict.fromkeys(record.group for record in self.records):
            yield f"{indicator} of {scenario}"
        yield f"{len(self.records):,} record{'' if len(self.records) == 1 else 's'}"

    def lines(self) -> Iterator[ComparedLine]:
        """Yield the averages, by scenario and indicator, then by method, then by form."""
        for group in dict.fromkeys(record.group for record in self.records):
            runs = [run for one in self.records if one.group == group for run in one.runs]
            for method in dict.fromkeys(run.method for run in runs):
                for form in FORMS:
                    some = [run for run in runs if (run.method, run.form) == (method, form)]
                    yield _line(*group, some)


def _line(scenario: str, indicator: str, runs: Sequence[ComparedRun]) -> ComparedLine:
    def over(get: Callable[[ComparedRun], float | None]) -> MeanAndSpread:
        return MeanAndSpread.of([get(run) for run in runs])

    def close(name: str) -> MeanAndSpread:
        found = [run.agreement for run in runs if run.agreement is not None]
        return MeanAndSpread.of([getattr(one, name) for one in found])

    return ComparedLine(
        scenario, indicator, runs[0].form, runs[0].method, len(runs),
        sum(bool(run.undefined) for run in runs),
        close("mae"), over(lambda run: run.relative_error), close("cosine"),
        close("kendall_tau"), over(lambda run: run.top_three), close("top_overlap"),
        over(lambda run: run.gap), over(lambda run: run.seconds),
    )  # fmt: skip
