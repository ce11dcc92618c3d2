"""How sure the ranks of agents are, in tables for people."""

from typing import TYPE_CHECKING

from blueattr.report.numbers import UNDEFINED, count, plural
from blueattr.report.tables import Column

if TYPE_CHECKING:
    from collections.abc import Sequence

    from blueattr.studies.carriers.leaders import Leader
    from blueattr.studies.carriers.ranks import RankIntervals

__all__ = ["RANK_CHOICES", "rank_cells", "rank_columns", "rank_notes"]


_INTERVAL = Column("rank_interval", "rank, 95 %", "figure", priority=2)
RANK_CHOICES = "rank_choices"
"""The column of ranks under other choices."""

_CHOICES = Column(RANK_CHOICES, "other choices", "figure", priority=3)


def rank_columns(
    leaders: "Sequence[Leader]", intervals: "RankIntervals | None"
) -> tuple[Column, ...]:
    """Return the columns that there is something to put into."""
    columns = []
    if intervals is not None and not intervals.why:
        columns.append(_INTERVAL)
    if any(leader.choices for leader in leaders):
        columns.append(_CHOICES)
    return tuple(columns)


def rank_cells(leader: "Leader", columns: "Sequence[Column]") -> tuple[str, ...]:
    """Return the interval of an agent's rank, and its ranks under other choices."""
    texts = {
        _INTERVAL.name: _extent(leader.rank_low, leader.rank_high),
        _CHOICES.name: _extent(leader.rank_best, leader.rank_worst),
    }
    return tuple(texts[column.name] for column in columns)


def rank_notes(leaders: "Sequence[Leader]", intervals: "RankIntervals | None") -> tuple[str, ...]:
    """Say what the intervals are of, or why there are none, and what the other choices are."""
    notes = []
    if intervals is not None and intervals.why:
        notes.append(f"Ranks have no interval: {intervals.why}.")
    elif intervals is not None:
        left_out = ""
        if intervals.undefined_resamples:
            left_out = f", {intervals.undefined_resamples:,} of them without an answer left out"
        notes.append(
            f"{_INTERVAL.heading}: the rank in {100 * intervals.level:g} % of "
            f"{plural(intervals.resamples, 'resample')} of the {intervals.days} days, seed "
            f"{intervals.seed}{left_out}."
        )
    if choices := next((leader.choices for leader in leaders if leader.choices), ()):
        notes.append(
            f"{_CHOICES.heading}: the best and the worst rank under the "
            f"{plural(len(choices), 'choice')} of blueattr sensitivity that affect it, "
            "including the default."
        )
    return tuple(notes)


def _extent(low: int | None, high: int | None) -> str:
    if low is None or high is None:
        return UNDEFINED
    return count(low) if low == high else f"{count(low)} to {count(high)}"
