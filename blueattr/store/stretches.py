"""Stretches of days with events, and which of them lie far from all others.

One event that was dated wrongly, in 2020 or last week, is kept, but neither the default window nor
coverage go by it. Which events these are is a matter of the store's content alone, so that order
and split of what was read make no difference (docs/data.md, "Times nobody can trust").
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from blueattr.store.database import Store

__all__ = ["APART", "DayStretch", "last_near", "of_days", "stretches", "within"]


APART = timedelta(days=7)
"""Days without events that part two stretches."""


# A stretch is far from the others if it has fewer events than this, and than this part of the
# events of the largest.
_FEW = 1000
_FEW_OF_LARGEST = 20


@dataclass(frozen=True, slots=True)
class DayStretch:
    """Days with events, none of which is more than a week after the one before.

    Parameters
    ----------
    first_event, last_event
        UTC; no event of it is before the one, nor after the other.
    events
        How many it has; None if it is the only one, and they are not counted.
    is_far
        Whether it has so few that neither window nor coverage go by it.
    """

    first_event: datetime
    last_event: datetime
    events: int | None = None
    is_far: bool = False

    @property
    def sentence(self) -> str:
        """What a reader must know of a stretch that is far from the others."""
        first, last = self.first_event.date(), self.last_event.date()
        days = f"{first}" if first == last else f"{first} to {last}"
        count, lie = ("1 event", "lies") if self.events == 1 else (f"{self.events:,} events", "lie")
        move = "does" if self.events == 1 else "do"
        return f"{count} of {days} {lie} far from all others and {move} not move the window."


def stretches(store: Store) -> tuple[DayStretch, ...]:
    """Return the stretches of a store, ascending."""
    found = [
        (first.replace(tzinfo=UTC), last.replace(tzinfo=UTC))
        for first, last in store.rows("store/stretches", apart=APART.days)
    ]
    if len(found) < 2:
        return tuple(DayStretch(*ends) for ends in found)
    return _judged(found, store.rows("store/day_sizes"))


def of_days(
    days: Sequence[tuple[date, datetime, datetime, int]],
) -> tuple[DayStretch, ...]:
    """Return the stretches of days, each with its first and last event (UTC) and its events."""
    found: list[tuple[datetime, datetime]] = []
    before: date | None = None
    for day, first, last, _ in days:
        if before is not None and day - before <= APART:
            found[-1] = found[-1][0], max(found[-1][1], last)
        else:
            found.append((first, last))
        before = day
    if len(found) < 2:
        return tuple(DayStretch(*ends) for ends in found)
    return _judged(found, [(day, events) for day, _, _, events in days])


def _judged(
    found: Sequence[tuple[datetime, datetime]], sizes_of_days: Iterable[tuple[date, int]]
) -> tuple[DayStretch, ...]:
    """Find which stretches are far from the others, by how many events each day has."""
    sizes = [0] * len(found)
    starts = [first.date() for first, _ in found]
    k = 0
    for day, events in sizes_of_days:
        while k + 1 < len(starts) and starts[k + 1] <= day:
            k += 1
        sizes[k] += events
    largest = max(sizes)
    return tuple(
        DayStretch(*ends, size, size < _FEW and size * _FEW_OF_LARGEST < largest)
        for ends, size in zip(found, sizes, strict=True)
    )


def last_near(found: Sequence[DayStretch]) -> datetime | None:
    """Return when the last stretch ends that is not far from the others; None if there is none."""
    return max((one.last_event for one in found if not one.is_far), default=None)


def within(
    found: Sequence[DayStretch], start: datetime, end: datetime
) -> tuple[datetime, datetime] | None:
    """Return a span without what it reaches to only by events far from all others.

    Parameters
    ----------
    found
        Of `stretches`.
    start, end
        Between which a source has events, of any kind.

    Returns
    -------
    tuple or None
        None if it has no others.
    """
    if not any(one.is_far for one in found):
        return start, end
    touched = [
        one for one in found if one.first_event - APART <= end and start <= one.last_event + APART
    ]
    near = [one for one in touched if not one.is_far]
    if not near:
        return None if touched else (start, end)
    if start < near[0].first_event - APART:
        start = near[0].first_event
    if end > near[-1].last_event + APART:
        end = near[-1].last_event
    return start, end
