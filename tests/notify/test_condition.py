"""Conditions: told once when they begin to be met, and not too often."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blueattr.notify.condition import Condition, Standing, cross

T0 = datetime(2026, 5, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def told(condition: Condition, values: list[float]) -> list[int]:
    """Return at which of hourly values somebody is told."""
    level: Standing | None = None
    found = []
    for hour, value in enumerate(values):
        level, is_told = cross(condition, value, level, T0 + hour * HOUR)
        if is_told:
            found.append(hour)
    return found


@pytest.mark.parametrize(
    ("condition", "values", "hours"),
    [
        (Condition("total", "x", above=5), [5, 6, 7, 4, 6], [1, 4]),
        (Condition("total", "x", below=5), [4, 4, 5, 4], [0, 3]),
        (Condition("total", "x", changed_by=2), [1, 2, 3, 4, 5, 0], [2, 4, 5]),
        # Too soon after the last: later, if it is still met; a change counts from the last.
        (Condition("total", "x", above=5, at_most_every=4 * HOUR), [6, 0, 6, 6, 6, 6], [0, 4]),
        (Condition("total", "x", above=5, at_most_every=4 * HOUR), [6, 0, 6, 0, 0, 0], [0]),
        (Condition("total", "x", changed_by=2, at_most_every=3 * HOUR), [0, 2, 4, 4, 4], [1, 4]),
    ],
)
def test_a_crossing_is_told_once_and_not_too_often(
    condition: Condition, values: list[float], hours: list[int]
) -> None:
    assert told(condition, values) == hours


@given(st.lists(st.floats(0, 10), max_size=30), st.integers(0, 5))
def test_nobody_is_told_twice_without_the_bound_being_left_between(
    values: list[float], every: int
) -> None:
    condition = Condition("total", "x", above=5, at_most_every=every * HOUR or None)
    hours = told(condition, values)
    for first, second in pairwise(hours):
        assert min(values[first:second]) <= 5 or second - first >= every > 0
        assert second - first >= every
    assert all(values[hour] > 5 for hour in hours)
    if every == 0:
        crossings = [k for k, v in enumerate(values) if v > 5 and (k == 0 or values[k - 1] <= 5)]
        assert hours == crossings


def test_conditions_that_differ_have_other_keys_and_the_interval_is_none_of_it() -> None:
    one = Condition("share", "x", tier="tail", below=50)
    assert one.key == Condition("share", "x", tier="tail", below=50, at_most_every=HOUR).key
    others = [
        Condition("share", "y", tier="tail", below=50),
        Condition("share", "x", tier="top", below=50),
        Condition("share", "x", group="tail", below=50),
        Condition("share", "x", tier="tail", above=50),
        Condition("share", "x", tier="tail", below=50.5),
    ]
    assert len({one.key, *(other.key for other in others)}) == 1 + len(others)
