"""The shape of a topic in time, beside definitions written out."""

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import poisson

from blueattr.studies.shape import Cascades, cascades, peak

COUNTS = st.lists(st.integers(0, 5), min_size=1, max_size=100)


@given(COUNTS)
def test_a_peak_is_the_first_hour_with_most_events_and_half_of_the_rest_is_over_after_its_half_life(
    events: list[int],
) -> None:
    found = peak(events)
    if found is None:
        assert not any(events)
        return
    assert found.events == max(events) == events[found.place]
    assert max(events) not in events[: found.place]
    rest = events[found.place + 1 :]
    if found.half_life is None:
        assert not any(rest)
    else:
        assert 2 * sum(rest[: found.half_life]) >= sum(rest)
        assert 2 * sum(rest[: found.half_life - 1]) < sum(rest)
    earlier = [events[k] for k in range(found.place) if (found.place - k) % 24 == 0]
    if earlier:
        assert found.usual == pytest.approx(sum(earlier) / len(earlier))
    else:
        assert found.usual is None
    assert (found.burst is None) == (not found.usual)


@pytest.mark.parametrize(
    ("most", "earlier"), [(2, [1, 1, 0, 0]), (30, [2]), (60, [12, 13]), (410, [405, 400, 395])]
)
def test_a_burst_is_how_unlikely_the_peak_was(most: int, earlier: list[int]) -> None:
    events = [count for day in earlier for count in (day, *[0] * 23)] + [most]
    found, mean = peak(events), sum(earlier) / len(earlier)
    assert found is not None
    assert found.usual == pytest.approx(mean)
    assert found.burst == pytest.approx(-poisson.logsf(most - 1, mean) / math.log(10), rel=1e-9)


def by_hand(edges: dict[int, int]) -> Counter[tuple[int, int]]:
    """Count the records of each root at each distance, one record at a time."""
    found: Counter[tuple[int, int]] = Counter()
    for record in edges:
        at, distance = record, 0
        while at in edges and distance <= len(edges):
            at, distance = edges[at], distance + 1
        if at not in edges:
            found[at, distance] += 1
    return found


@given(st.dictionaries(st.integers(0, 30), st.integers(0, 30), max_size=30))
def test_cascades_are_those_that_one_finds_by_going_up_from_each_record(
    edges: dict[int, int],
) -> None:
    found = cascades(np.array(list(edges), np.int64), np.array([*edges.values()], np.int64))
    levels = by_hand(edges)
    if not levels:
        assert found is None
        return
    assert found is not None
    roots = sorted({root for root, _ in levels})
    sizes = {root: sum(n for (of, _), n in levels.items() if of == root) for root in roots}
    largest = max(roots, key=lambda root: (sizes[root], -root))
    assert (found.count, found.depth) == (len(roots), max(distance for _, distance in levels))
    assert found.width == max(levels.values())
    assert (found.largest.root, found.largest.records) == (largest, sizes[largest])
    of_largest = {distance: n for (root, distance), n in levels.items() if root == largest}
    assert found.largest.depth == max(of_largest)
    assert found.largest.width == max(of_largest.values())


def test_a_chain_as_long_as_all_records_is_one_cascade() -> None:
    numbers = np.arange(3_000)
    found = cascades(numbers[1:], numbers[:-1])
    assert isinstance(found, Cascades)
    assert (found.count, found.depth, found.width) == (1, 2_999, 1)
