"""Hashes of rows that have no identifier, of which their keys are made."""

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from blueattr.sources.tables.repeats import hashes_of
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
