"""What a judge is shown: a simulation, its indicator, and what each agent did at each step."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

from blueattr.errors import InputError

__all__ = ["Cell", "Mention", "Row", "Trace", "plain", "rounded", "short_text"]


_LONGEST_TEXT = 500


@dataclass(frozen=True, slots=True)
class Mention:
    """An agent that a cell speaks of, by its number: each reader has another name for it."""

    agent: int


Cell: TypeAlias = float | str | bool | Sequence[str | Mention] | None
"""A number, a truth value, words (perhaps about agents), or nothing."""


@dataclass(frozen=True, slots=True)
class Row:
    """What one agent did at one step.

    Parameters
    ----------
    agent, step
        Their numbers, from 0.
    cells
        Below the columns of the trace.
    """

    agent: int
    step: int
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Trace:
    """A recorded simulation, as a judge is shown it.

    Parameters
    ----------
    simulation
        What it is, in a sentence or two.
    indicator
        The name of what was measured.
    formula
        How it is computed, in words; the one that the values are of.
    value, baseline_value
        The indicator at the target step: as it was recorded, and with everyone's action replaced.
    baseline_action
        What replaces an agent's action, in words.
    target
        The label of the target step.
    agents, steps
        Names of the agents, and labels of the steps of the window, in order.
    columns
        What the cells of a row are.
    rows
        One for each agent and step.

    Raises
    ------
    InputError
        A row is missing or there twice, has another number of cells, or a value is not finite.
    """

    simulation: str
    indicator: str
    formula: str
    value: float
    baseline_value: float
    baseline_action: str
    target: str
    agents: tuple[str, ...]
    steps: tuple[str, ...]
    columns: tuple[str, ...]
    rows: tuple[Row, ...]

    def __post_init__(self) -> None:
        wanted = {(agent, step) for agent in range(len(self.agents)) for step in range(self.width)}
        if not wanted:
            raise InputError("a trace has at least one agent and one step")
        if len(self.rows) != len(wanted) or {(row.agent, row.step) for row in self.rows} != wanted:
            raise InputError("a trace has one row for each agent and step, and no other")
        if len(set(self.columns)) < len(self.columns):
            raise InputError("a trace has two columns of one name")
        for name, number in (("value", self.value), ("baseline value", self.baseline_value)):
            if not math.isfinite(number):
                raise InputError(f"the {name} of {self.indicator} is not finite")
        for row in self.rows:
            if len(row.cells) != len(self.columns):
                raise InputError(
                    f"agent {self.agents[row.agent]} has {len(row.cells)} cells at step "
                    f"{self.steps[row.step]}, and not {len(self.columns)}"
                )

    @property
    def width(self) -> int:
        """How many steps there are."""
        return len(self.steps)

    @property
    def change(self) -> float:
        """What the agents' actions made of the indicator: v(N) - v(∅)."""
        return self.value - self.baseline_value

    @cached_property
    def row_numbers(self) -> Mapping[tuple[int, int], int]:
        """The number of the row of an agent and a step."""
        return {(row.agent, row.step): number for number, row in enumerate(self.rows)}

    def facts(self) -> dict[str, object]:
        """Return what a reader must know before the rows, for JSON."""
        return {
            "simulation": short_text(self.simulation),
            "indicator": short_text(self.indicator),
            "formula of the indicator": short_text(self.formula, 4 * _LONGEST_TEXT),
            "target step": short_text(self.target),
            "value at the target step, as recorded": rounded(self.value),
            "value there with everyone's action replaced": rounded(self.baseline_value),
            "what replaces an action": short_text(self.baseline_action),
            "agents": len(self.agents),
            "steps": len(self.steps),
        }


def plain(cell: Cell, names: Sequence[str]) -> object:
    """Return a cell for JSON, with these names for the agents that it speaks of."""
    match cell:
        case None | bool():
            return cell
        case int() | float():
            return rounded(cell)
        case str():
            return short_text(cell)
        case _:
            parts = (names[part.agent] if isinstance(part, Mention) else part for part in cell)
            return short_text("".join(parts))


def rounded(number: float) -> float | None:
    """Return a number with six digits; nothing for what is no number.

    >>> rounded(2.00000001), rounded(0.123456789), rounded(float("nan"))
    (2, 0.123457, None)
    """
    if not math.isfinite(number):
        return None
    near = float(f"{number:.6g}")
    return int(near) if near.is_integer() and abs(near) < 1e15 else near


def short_text(text: str, limit: int = _LONGEST_TEXT) -> str:
    """Return a text, the end of a long one replaced by how much that is."""
    return text if len(text) <= limit else f"{text[:limit]} [{len(text) - limit:,} more characters]"
