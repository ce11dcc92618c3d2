"""Communities: a partition by who interacts, the same each time, and how sure it is."""

import itertools
import sys

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blueattr.errors import NoAnswerError, UsageError
from blueattr.panel.graph import communities
from blueattr.panel.graph.agreement import adjusted_rand, mean_agreement
from blueattr.panel.graph.communities import Communities, find_communities
from blueattr.panel.graph.edges import Edges, _order
from support.effort import law

LABELS = st.integers(1, 4).flatmap(lambda k: st.lists(st.integers(0, k - 1), min_size=1))


def edges(pairs: list[tuple[int, int]]) -> Edges:
    ends = np.array(pairs, np.uint32).reshape(-1, 2)
    return Edges(
        ends[:, 0], ends[:, 1], np.ones(len(ends), np.uint8), np.arange(len(ends)), {"replies": 0}
    )


def cliques(*sizes: int) -> list[tuple[int, int]]:
    """Groups of agents all of whom interact, one after another, with one tie to the next."""
    found: list[tuple[int, int]] = []
    start = 0
    for size in sizes:
        found += itertools.combinations(range(start, start + size), 2)
        start += size
        found.append((start - 1, start))
    return found[:-1]


def ids(*parts: int) -> npt.NDArray[np.int64]:
    return np.array(parts, np.int64)


def plain_rand(one: list[int], other: list[int]) -> float:
    """The same by going through all pairs (Hubert and Arabie 1985)."""
    pairs = list(itertools.combinations(range(len(one)), 2))
    first = {p for p in pairs if one[p[0]] == one[p[1]]}
    second = {p for p in pairs if other[p[0]] == other[p[1]]}
    chance = len(first) * len(second) / len(pairs) if pairs else 0
    most = (len(first) + len(second)) / 2
    return 1.0 if most == chance else (len(first & second) - chance) / (most - chance)


@law(60)
@given(st.data())
def test_the_rand_index_is_that_of_all_pairs_one_by_one(data: st.DataObject) -> None:
    one = data.draw(LABELS)
    other = data.draw(st.lists(st.integers(0, 3), min_size=len(one), max_size=len(one)))
    found = adjusted_rand(ids(*one), ids(*other))
    assert found == pytest.approx(plain_rand(one, other), abs=1e-12)
    assert found == pytest.approx(adjusted_rand(ids(*other), ids(*one)), abs=1e-12)
    # What groups are called makes no difference.
    assert adjusted_rand(ids(*one), ids(*(5 - k for k in one))) == 1.0


def test_agreement_is_the_mean_of_all_pairs() -> None:
    three = [ids(0, 0, 1, 1), ids(0, 0, 1, 1), ids(0, 1, 0, 1)]
    worst = adjusted_rand(three[0], three[2])
    assert worst < 0
    assert mean_agreement(three) == pytest.approx((1 + 2 * worst) / 3)


@law(100)
@given(st.lists(st.tuples(*[st.integers(0, 3)] * 4), max_size=30))
def test_edges_of_one_time_are_in_an_order_of_their_own(rows: list[tuple[int, ...]]) -> None:
    """Whatever order they come in."""
    columns = np.array(rows, np.int64).reshape(-1, 4)
    time, source, target, code = columns.T
    order = _order(source.astype(np.uint32), target.astype(np.uint32), code.astype(np.uint8), time)
    assert [tuple(row) for row in columns[order].tolist()] == sorted(rows)


def found(n: int, pairs: list[tuple[int, int]], seed: int = 0) -> Communities:
    pytest.importorskip("networkit", reason="the extra graph is not installed")
    return find_communities(n, edges(pairs), seed)


def test_groups_that_keep_to_themselves_are_found_the_largest_first() -> None:
    made = found(20, cliques(4, 8, 6))
    assert made.labels.tolist() == [2] * 4 + [0] * 8 + [1] * 6 + [-1, -1]
    assert made.sizes.tolist() == [8, 6, 4]
    # The tie to the next group makes one agent of each stronger than the others.
    assert made.centres.tolist() == [4, 12, 3]
    assert made.stability == 1.0


def test_modularity_is_that_of_the_library_that_found_the_partition() -> None:
    networkit = pytest.importorskip("networkit", reason="the extra graph is not installed")
    rng = np.random.default_rng(5)
    pairs = [(int(a), int(b)) for a, b in rng.integers(0, 40, (300, 2)) if a != b]
    made = found(40, [*pairs, *pairs[:50]])
    graph = networkit.Graph(40, weighted=True)
    for a, b in [*pairs, *pairs[:50]]:
        if graph.hasEdge(a, b):
            graph.increaseWeight(a, b, 1.0)
        else:
            graph.addEdge(a, b, 1.0)
    partition = networkit.Partition(40)
    partition.setUpperBound(made.count)
    for agent, label in enumerate(made.labels.tolist()):
        partition.addToSubset(label, agent)
    expected = networkit.community.Modularity().getQuality(partition, graph)
    assert made.modularity == pytest.approx(expected, abs=1e-12)
    assert 0 < made.modularity < 1


def test_a_seed_gives_the_same_partition_each_time_and_threads_are_left_as_they_were() -> None:
    networkit = pytest.importorskip("networkit", reason="the extra graph is not installed")
    rng = np.random.default_rng(8)
    pairs = [(int(a), int(b)) for a, b in rng.zipf(1.6, (600, 2)) % 90 if a != b]
    networkit.setNumberOfThreads(2)
    first = [found(90, pairs, seed) for seed in range(12)]
    again = [found(90, pairs, seed) for seed in reversed(range(12))][::-1]
    assert networkit.getMaxNumberOfThreads() == 2
    for one, other in zip(first, again, strict=True):
        assert one.labels.tolist() == other.labels.tolist()
        assert one.stability == other.stability
    # On such a graph seeds differ, and the stability says so.
    assert len({tuple(one.labels.tolist()) for one in first}) > 1
    assert all(0 < one.stability < 1 for one in first)


def test_neither_the_order_of_edges_nor_their_direction_makes_a_difference() -> None:
    rng = np.random.default_rng(3)
    pairs = [(int(a), int(b)) for a, b in rng.zipf(1.6, (300, 2)) % 50 if a != b]
    other = [(b, a) for a, b in reversed(pairs)]
    assert found(50, pairs).labels.tolist() == found(50, other).labels.tolist()


def test_a_seed_of_any_size_is_one() -> None:
    assert found(6, cliques(3, 3), 2**70).sizes.tolist() == [3, 3]


def test_without_interactions_there_are_no_communities() -> None:
    with pytest.raises(NoAnswerError, match="no agent of the panel interacted"):
        found(3, [])


def test_without_the_extra_one_sentence_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "networkit", None)
    with pytest.raises(UsageError, match="pip install networkit"):
        communities.find_communities(3, edges([(0, 1)]))
