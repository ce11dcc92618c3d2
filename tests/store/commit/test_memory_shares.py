"""How the memory of an ingest is shared out."""

import pytest

from blueattr.store.commit.memory import LIBRARIES, Shares

MIB = 1 << 20


@pytest.mark.parametrize("memory", [800, 900, 1200, 1536, 2048, 4096, 1 << 16])
def test_shares_of_a_small_memory_fit_into_it(memory: int) -> None:
    shares = Shares.of(memory * MIB)
    # A commit has its rows three times: as it took them over, as arrays, and what it writes.
    parts = shares.engine + shares.messages + 3 * shares.lines
    assert LIBRARIES + parts <= memory * MIB
    assert min(shares.engine, shares.messages, shares.lines, shares.beside) > 0


def test_a_large_memory_makes_commits_no_larger_than_they_need_to_be() -> None:
    assert Shares.of(4096 * MIB).lines == Shares.of(1 << 40).lines
    assert Shares.of(4096 * MIB).messages == Shares.of(1 << 40).messages


@pytest.mark.parametrize(
    ("memory", "length", "fits"),
    [(900, 200, True), (900, 6000, True), (900, 60_000, False), (4096, 60_000, True)],
)
def test_row_groups_of_long_posts_are_merged_only_where_vectors_of_them_fit(
    memory: int, length: int, fits: bool
) -> None:
    assert Shares.of(memory * MIB).may_merge(300, 300 * length) == fits
