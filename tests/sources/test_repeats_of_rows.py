"""Hashes of rows that have no identifier, of which their keys are made, and how often each came."""

from collections import Counter
from unittest.mock import patch

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from blueattr.sources.tables import repeats
from blueattr.sources.tables.repeats import RepeatCounter, hashes_of
from support.effort import law

_MASK = (1 << 64) - 1


def naive(text: str) -> int:
    """The same, a text at a time."""
    data = text.encode()
    found = len(data) * 0x9E3779B97F4A7C15 & _MASK
    for k in range(0, len(data), 8):
        word = int.from_bytes(data[k : k + 8], "little")
        found = (found ^ word) * 0xBF58476D1CE4E5B9 & _MASK
        found ^= found >> 32
    found = (found ^ found >> 30) * 0x94D049BB133111EB & _MASK
    return found ^ found >> 31


@law(200)
@given(st.lists(st.text(alphabet="\0\x1f ab1é", max_size=40)), st.integers(0, 3))
def test_a_hash_is_that_of_the_text_alone(texts: list[str], begin: int) -> None:
    wanted = [naive(text) for text in texts[begin:]]
    assert hashes_of(pa.array(texts, pa.string()).slice(begin)).tolist() == wanted


def test_keys_of_stores_that_exist_stay_as_they_are() -> None:
    texts = ["", "ann", "12345678", "x:failla:\x1fpost\x1f11\x1f202304010905"]
    assert [f"{each:016x}" for each in hashes_of(pa.array(texts)).tolist()] == [
        "0000000000000000", "5b52c447bb51e75b", "98555f20a6fb59dc", "d2bedc45985e9d23"
    ]  # fmt: skip


@law(100)
@given(
    st.lists(st.lists(st.integers(0, 20), max_size=12), max_size=40), st.sampled_from([0, 22, 58])
)
def test_a_hash_counts_as_often_as_it_came_before(batches: list[list[int]], moved: int) -> None:
    # With few places in its tables, where different hashes meet, and few runs that are merged.
    with patch.multiple(repeats, _MET_BITS=4, _TWICE_BITS=3, _TOGETHER=3):
        counter, seen = RepeatCounter(), Counter[int]()
        for batch in batches:
            wanted = []
            for each in batch:
                seen[each] += 1
                wanted.append(seen[each])
            hashes = np.array(batch, np.uint64) << np.uint64(moved)
            assert counter.number(hashes).tolist() == wanted
