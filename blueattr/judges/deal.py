"""How one repeat shows a trace: rows shuffled, agents renamed, everything encoded as data."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from blueattr.judges.trace import Row, Trace, plain

__all__ = ["Deal", "block", "deal", "encoded", "sums"]


_STREAM = 17  # apart from all other uses of a seed


@dataclass(frozen=True, slots=True)
class Deal:
    """A trace as one repeat shows it.

    Parameters
    ----------
    trace
        What is shown.
    seed, repeat
        What the shuffle was drawn by.
    order
        Agents, in the order in which they are shown: the first is called A1. It is the same at all
        steps, which stay in their order.
    """

    trace: Trace
    seed: int
    repeat: int
    order: tuple[int, ...]

    @property
    def names(self) -> list[str]:
        """What each agent is called here, by its number."""
        names = [""] * len(self.order)
        for place, agent in enumerate(self.order, start=1):
            names[agent] = f"A{place}"
        return names

    @property
    def rows(self) -> list[int]:
        """Numbers of the trace's rows, in the order in which they are shown."""
        numbers, steps = self.trace.row_numbers, range(self.trace.width)
        return [numbers[agent, step] for step in steps for agent in self.order]

    def ids(self) -> list[str]:
        """Return what each row is called here, by its number in the trace: A3, or A3_t7."""
        names, one_step = self.names, self.trace.width == 1
        return [
            names[row.agent] if one_step else f"{names[row.agent]}_t{row.step + 1}"
            for row in self.trace.rows
        ]

    def lines(self) -> list[str]:
        """Return the line of each row, by its number in the trace."""
        names = self.names
        return [
            self._line(row, name, names)
            for row, name in zip(self.trace.rows, self.ids(), strict=True)
        ]

    def _line(self, row: Row, name: str, names: list[str]) -> str:
        columns = self.trace.columns
        cells = {
            column: plain(cell, names) for column, cell in zip(columns, row.cells, strict=True)
        }
        return encoded({"row": name, "step": self.trace.steps[row.step], "data": cells})


def deal(trace: Trace, seed: int, repeat: int) -> Deal:
    """Shuffle a trace for a repeat.

    Parameters
    ----------
    trace
        What is shown.
    seed
        Of all repeats.
    repeat
        From 0.
    """
    draws = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(_STREAM, repeat)))
    order = draws.permutation(len(trace.agents))
    return Deal(trace, seed, repeat, tuple(int(agent) for agent in order))


def block(shown: Deal, lines: Iterable[str]) -> tuple[str, str]:
    """Put data between two lines that nothing in it can contain.

    Parameters
    ----------
    shown
        Whose facts are the first line.
    lines
        JSON, each on one line.

    Returns
    -------
    block, boundary
        The boundary is a digest of all that the block holds, of the seed and the repeat. So it is
        another one in every request, the same in the same request (which is then not paid for
        twice), and no text in the block can hold it.
    """
    text = "\n".join([encoded(shown.trace.facts()), *lines])
    drawn = f"{shown.seed} {shown.repeat}\n{text}"
    boundary = hashlib.sha256(drawn.encode()).hexdigest()[:32]
    return f"BEGIN {boundary}\n{text}\nEND {boundary}", boundary


def encoded(value: object) -> str:
    """Encode as JSON in ASCII, on one line: no text can end its string, its cell or its line."""
    return json.dumps(value, ensure_ascii=True, allow_nan=False)


def sums(trace: Trace, step: int, without: int) -> dict[str, object]:
    """Return what all agents but one did at a step, in sum: the columns that hold only numbers."""
    others = [row for row in trace.rows if row.step == step and row.agent != without]
    found = {}
    for k, column in enumerate(trace.columns):
        cells = [row.cells[k] for row in others]
        numbers = [c for c in cells if isinstance(c, int | float) and not isinstance(c, bool)]
        if cells and len(numbers) == len(cells):
            found[column] = plain(float(np.sum(numbers)), ())
    return {"step": trace.steps[step], "agents": len(others), "data": found}
