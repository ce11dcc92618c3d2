"""A trace in the formats of the original tools: a log for Who&When, a text for MAST.

Who&When: Zhang et al. 2025, arXiv 2505.00212. MAST: Cemri et al. 2025, arXiv 2503.13657.
"""

import json
from collections.abc import Iterator
from typing import Literal, get_args

from blueattr.judges.deal import encoded
from blueattr.judges.trace import Trace, plain, rounded, short_text

__all__ = ["EXPORTS", "Export", "exported"]


Export = Literal["who-when", "text"]
EXPORTS: tuple[Export, ...] = get_args(Export)


def exported(trace: Trace, form: Export) -> str:
    """Write a trace for one of the original tools.

    Parameters
    ----------
    trace
        What is judged. Agents keep their names and their order.
    form
        ``who-when`` is the JSON of a log, with an entry for each row; ``text`` is what the trace
        says, a line for each row, whose cells are JSON between tabs.

    Returns
    -------
    str
        ASCII. No text of the record can leave its cell.
    """
    return _log(trace) if form == "who-when" else _text(trace)


def _log(trace: Trace) -> str:
    log = {
        "question": (
            "Find out which agent's action drove the indicator of a simulation to its value at "
            f"the target step, and in which entry. The simulation: {encoded(trace.facts())}"
        ),
        "ground_truth": (
            f"The indicator was {rounded(trace.value)}. With every agent's action replaced by the "
            f"baseline action it would have been {rounded(trace.baseline_value)}."
        ),
        # Of the two kinds of log, one says who acted by `name`, the other by `role`.
        "history": [
            {"content": encoded({"step": step, "data": cells}), "role": name, "name": name}
            for name, step, cells in _rows(trace)
        ],
        # What the tool's answer would be compared with: nobody said.
        "mistake_agent": None,
        "mistake_step": None,
        "mistake_reason": None,
    }
    return json.dumps(log, ensure_ascii=True, allow_nan=False, indent=1) + "\n"


def _text(trace: Trace) -> str:
    facts = [f"{name}: {encoded(value)}" for name, value in trace.facts().items()]
    heading = ("agent", "step", *trace.columns)
    rows = [(name, step, *cells.values()) for name, step, cells in _rows(trace)]
    table = ["\t".join(map(encoded, row)) for row in (heading, *rows)]
    return "\n".join([*facts, "", *table]) + "\n"


def _rows(trace: Trace) -> Iterator[tuple[str, str, dict[str, object]]]:
    """Yield the name of an agent, the label of a step and the cells, step by step."""
    names = [short_text(name) for name in trace.agents]
    for step, label in enumerate(trace.steps):
        for agent, name in enumerate(names):
            cells = trace.rows[trace.row_numbers[agent, step]].cells
            written = (plain(cell, names) for cell in cells)
            yield name, short_text(label), dict(zip(trace.columns, written, strict=True))
