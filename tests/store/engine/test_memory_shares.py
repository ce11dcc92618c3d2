"""How the memory of an ingest is shared out."""

import pytest

from blueattr.analysis.asked import parse
from blueattr.errors import UsageError
from blueattr.store.database import DEFAULT_MEMORY
from blueattr.store.engine.memory import LIBRARIES, Shares

MIB = 1 << 20


@pytest.mark.parametrize("memory", [800, 900, 1200, 1536, 2048, 4096, 1 << 16])
def test_shares_of_a_small_memory_fit_into_it(memory: int) -> None:
    shares = Shares.of(memory * MIB)
    # A commit has its rows three times: as it took them over, as arrays, and what it writes. Of a
    # stream messages wait beside them, and a file may have to be decompressed.
    parts = shares.engine + 3 * shares.lines
    assert LIBRARIES + parts + max(shares.messages, shares.window) <= memory * MIB
    assert min(shares.window, shares.engine, shares.messages, shares.lines, shares.beside) > 0


def test_what_is_compressed_as_is_usual_is_read_with_the_least_memory() -> None:
    assert Shares.of(parse.memory_limit("900MB")).window >= 32 * MIB  # zstd -19, xz -6
    assert Shares.of(DEFAULT_MEMORY).window >= 2048 * MIB  # zstd --long=31


@pytest.mark.parametrize("text", ["899MB", "600MB", "256MB", "1", "0", "-1GB", "much"])
def test_a_memory_that_nothing_could_keep_to_is_refused_with_the_least(text: str) -> None:
    with pytest.raises(UsageError, match="write 900MB or more"):
        parse.memory_limit(text)


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
