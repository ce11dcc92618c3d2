"""The judges: which questions each asks of a repeat, and what scores the answers give.

MAST: Cemri et al. 2025, arXiv 2503.13657. Who&When: Zhang et al. 2025, arXiv 2505.00212. `mast` and
`who-when` score every row, as arXiv 2601.20538 made scorers of both; the others ask what the
original tools ask.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from blueattr.errors import SourceError
from blueattr.judges.answers import Choice, Kind, form
from blueattr.judges.asking import Asking, TooLong
from blueattr.judges.deal import Deal, block, encoded, sums
from blueattr.judges.prompts import modes, prompt
from blueattr.kernels import FloatArray

__all__ = ["METHODS", "Method", "Sheet"]


_STREAM = 19  # apart from all other uses of a seed


@dataclass(frozen=True, slots=True)
class Sheet:
    """The scores of one repeat.

    Parameters
    ----------
    scores
        float64, one for each row of the trace, or for each agent; NaN where the judge gave none.
    places
        Where each stood in the request that asked for it, from 0.
    tossed
        How many answers a coin was tossed for.
    """

    scores: FloatArray
    places: FloatArray
    tossed: int = 0


@dataclass(frozen=True, slots=True)
class Method:
    """A judge.

    Parameters
    ----------
    name
        Its name.
    by_agent
        Whether it scores agents, and not rows.
    score_is
        What its score is, in words.
    run
        Judges one repeat; is given the rows that a request may hold, and whether to stop at the
        first yes.
    """

    name: str
    by_agent: bool
    score_is: str
    run: Callable[[Deal, Asking, int, bool], Sheet]


def _seed(shown: Deal) -> int:
    return (shown.seed * 1009 + shown.repeat * 11) % 2**31


def _places(shown: Deal) -> FloatArray:
    places = np.empty(len(shown.trace.rows))
    places[shown.rows] = np.arange(len(shown.rows))
    return places


def _too_long(what: str) -> SourceError:
    return SourceError(
        f"{what} is too long for the model's context; use a model with a longer one, a shorter "
        "--window, or a judge that can ask for fewer rows at once: mast or who-when"
    )


def _scorer(name: str) -> Callable[[Deal, Asking, int, bool], Sheet]:
    """Return a judge that scores every row, so many rows a request."""

    def run(shown: Deal, asking: Asking, size: int, _first: bool) -> Sheet:
        ids, lines, waiting = shown.ids(), shown.lines(), shown.rows
        scores, places = np.full(len(ids), np.nan), np.zeros(len(ids))
        while waiting:
            rows, rest = waiting[:size], waiting[size:]
            fields: dict[str, Kind] = {ids[row]: "score" for row in rows}
            text, _ = block(shown, [lines[row] for row in rows])
            listed = "\n".join(f"- {mode}: {meaning}" for mode, meaning in modes().items())
            asked = prompt(name, block=text, modes=listed, form=form(fields))
            try:
                values = asking.fill(asked, fields, _seed(shown))
            except TooLong:
                if len(rows) == 1:
                    raise _too_long("even one row") from None
                asking.counts.halved += 1
                size = math.ceil(len(rows) / 2)
                continue
            for place, row in enumerate(rows):
                places[row] = place
                scores[row] = values.get(ids[row], np.nan)
            waiting = rest
        return Sheet(scores, places)

    return run


def _modes(shown: Deal, asking: Asking, _size: int, _first: bool) -> Sheet:
    """Count the failure modes of each agent, asking about one agent at a time."""
    lines, numbers = shown.lines(), shown.trace.row_numbers
    steps = range(shown.trace.width)
    fields: dict[str, Kind] = dict.fromkeys(modes(), "truth")
    listed = "\n".join(f"- {mode}: {meaning}" for mode, meaning in modes().items())
    scores, places = np.full(len(shown.order), np.nan), np.zeros(len(shown.order))
    for place, agent in enumerate(shown.order):
        text, _ = block(
            shown,
            [
                line
                for step in steps
                for line in (
                    lines[numbers[agent, step]],
                    encoded({"others in sum": sums(shown.trace, step, agent)}),
                )
            ],
        )
        asked = prompt("mast-modes", block=text, modes=listed, form=form(fields))
        try:
            values = asking.fill(asked, fields, _seed(shown))
        except TooLong:
            raise _too_long("what one agent did") from None
        places[agent] = place
        if len(values) == len(fields):
            scores[agent] = sum(values.values())
    return Sheet(scores, places)


def _once(shown: Deal, asking: Asking, _size: int, _first: bool) -> Sheet:
    """Name the one row that did most, from all rows at once."""
    ids, lines, rows = shown.ids(), shown.lines(), shown.rows
    fields: dict[str, Kind] = {"row": Choice(tuple(ids[row] for row in rows)), "reason": "text"}
    text, _ = block(shown, [lines[row] for row in rows])
    try:
        values = asking.fill(
            prompt("who-when-once", block=text, form=form(fields)), fields, _seed(shown)
        )
    except TooLong:
        raise _too_long("the whole trace") from None
    named = values.get("row")
    if named is None:
        return Sheet(np.full(len(ids), np.nan), _places(shown))
    return Sheet(np.array([float(name == named) for name in ids]), _places(shown))


def _steps(shown: Deal, asking: Asking, _size: int, first: bool) -> Sheet:
    """Go through the rows, each with those before it; score the probability of a yes."""
    ids, lines, rows = shown.ids(), shown.lines(), shown.rows
    scores = np.full(len(ids), np.nan)
    for count, row in enumerate(rows, start=1):
        text, _ = block(shown, [lines[number] for number in rows[:count]])
        asked = prompt("who-when-steps", block=text, row=ids[row])
        try:
            chance = asking.probability(asked, _seed(shown))
        except TooLong:
            raise _too_long(f"the trace up to row {count}") from None
        scores[row] = np.nan if chance is None else chance
        if first and chance is not None:
            scores[row] = float(chance > 0.5)
            if chance > 0.5:
                scores[rows[count:]] = 0.0
                break
    return Sheet(scores, _places(shown))


def _halves(shown: Deal, asking: Asking, _size: int, _first: bool) -> Sheet:
    """Choose the half that holds the decisive row, until one row is left."""
    ids, lines, left = shown.ids(), shown.lines(), shown.rows
    coin = np.random.default_rng(
        np.random.SeedSequence(shown.seed, spawn_key=(_STREAM, shown.repeat))
    )
    fields: dict[str, Kind] = {"half": Choice(("first", "second"))}
    tossed = 0
    while len(left) > 1:
        middle = (len(left) + 1) // 2
        text, _ = block(shown, [lines[row] for row in left])
        asked = prompt(
            "who-when-halves",
            block=text,
            first=ids[left[0]],
            middle=ids[left[middle - 1]],
            next=ids[left[middle]],
            last=ids[left[-1]],
            form=form(fields),
        )
        try:
            half = asking.fill(asked, fields, _seed(shown)).get("half")
        except TooLong:
            raise _too_long("the trace") from None
        if half is None:
            tossed += 1
            half = ("first", "second")[int(coin.integers(2))]
        left = left[:middle] if half == "first" else left[middle:]
    scores = np.zeros(len(ids))
    scores[left] = 1.0
    return Sheet(scores, _places(shown), tossed)


_OF_ROWS = "points from 0 to 100, summed over the agent's rows"
_ALL: Sequence[Method] = (
    Method("mast", False, _OF_ROWS, _scorer("mast")),
    Method("mast-modes", True, "the number of its failure modes, of fourteen", _modes),
    Method("who-when", False, _OF_ROWS, _scorer("who-when")),
    Method("who-when-once", False, "how often a row of the agent is named", _once),
    Method("who-when-steps", False, "the probability of a yes, summed over its rows", _steps),
    Method("who-when-halves", False, "how often a row of the agent is found", _halves),
)


METHODS = {method.name: method for method in _ALL}
"""The judges by their names."""
