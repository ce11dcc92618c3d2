"""What stands beside the answer of a scenario, as tables: methods and baselines."""

from typing import TYPE_CHECKING

from blueattr.report.numbers import short
from blueattr.report.tables import Cell, Column, Table

if TYPE_CHECKING:
    from blueattr.scenarios.games.beside import Beside
    from blueattr.studies.validation.agreement import Agreement

__all__ = ["baselines_table", "methods_table"]


_NOTHING = 1e-12  # relative: less is rounding
_NAMES = {
    "path": "path value",
    "banzhaf": "Banzhaf value, normalised",
    "leave-one-out": "leave-one-out, normalised",
    "random": "random numbers, normalised",
}
_CLOSE = (
    Column("cosine", "cosine", "figure"),
    Column("kendall_tau", "Kendall τ", "figure"),
)


def methods_table(found: "Beside") -> Table | None:
    """Lay out how near methods come to the Shapley values of both games; None with many players."""
    if not found.methods:
        return None
    how = "exact" if found.answer.other.exact else "sampled"
    rows: list[tuple[Cell, ...]] = []
    notes = [
        (
            f"Against the {how} Shapley values of the game; MAE is relative to their mean "
            "absolute value. Random numbers are what any method must beat."
        )
    ]
    for one in found.methods:
        error = "undefined" if one.undefined else short(one.relative_error)
        rows.append((one.form, _NAMES[one.method], error, *_close(one.agreement)))
        if one.undefined:
            notes.append(f"{_NAMES[one.method]}, {one.form} game: {one.undefined}.")
    columns = (
        Column("game", "game"),
        Column("method", "method"),
        Column("relative_error", "MAE", "figure"),
        *_CLOSE,
    )
    return Table("methods", "How methods agree", columns, tuple(rows), tuple(notes))


def baselines_table(found: "Beside") -> Table:
    """Lay out what the baseline changes."""
    names = found.answer.game.scenario.agents
    asked = found.answer.game.baseline
    rows: list[tuple[Cell, ...]] = []
    notes = [
        (
            "What an absent agent does is part of the question: with another baseline the values "
            "are others, and none of them is the truth of the other."
        )
    ]
    for one in found.baselines:
        first = None if one.first is None else names[one.first]
        name = f"{one.baseline} (asked)" if one.baseline == asked else one.baseline
        change = one.total - one.empty
        empty = 0.0 if abs(one.empty) < _NOTHING * abs(change) else one.empty
        rows.append((name, short(empty), short(change), first,
                     *_close(one.agreement)))  # fmt: skip
        if one.undefined:
            notes.append(f"{one.baseline}: {one.undefined}.")
    if len(rows) == 1:
        notes = ["This simulation has one baseline."]
    columns = (
        Column("baseline", "baseline"),
        Column("v_empty", "v(nobody)", "figure"),
        Column("change", "shared out", "figure"),
        Column("first", "largest value"),
        *_CLOSE,
    )
    return Table("baselines", "What the baseline changes", columns, tuple(rows), tuple(notes))


def _close(found: "Agreement | None") -> tuple[Cell, Cell]:
    if found is None:
        return None, None
    cosine, tau = found.cosine, found.kendall_tau
    return (
        None if cosine is None else f"{cosine:.3f}",
        None if tau is None else f"{tau:.3f}",
    )
