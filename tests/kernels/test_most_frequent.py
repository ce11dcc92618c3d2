"""The most frequent group of each account: what a plain count gives, by machine code and numpy."""

from collections import Counter, defaultdict
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blueattr.kernels import compiled, most_frequent
from blueattr.kernels.most_frequent import NO_GROUP, MostFrequent
from support.effort import law

PAST = 6
groups_of_codes = st.lists(
    st.sets(st.integers(0, 4), max_size=3).map(sorted), min_size=1, max_size=5
)
batches = st.lists(
    st.lists(st.tuples(st.integers(0, PAST - 1), st.integers(0, 4)), max_size=20), max_size=4
)


def plainly(accounts: set[int], sets: list[list[int]], records: list[Any]) -> list[int]:
    counts: dict[int, Counter[int]] = defaultdict(Counter)
    for account, code in records:
        if account in accounts:
            counts[account].update(sets[code])
    least = [
        min(counts[k], key=lambda g: (-counts[k][g], g), default=NO_GROUP) for k in range(PAST)
    ]
    return list(map(int, least))


@law(200)
@given(
    st.sets(st.integers(0, PAST - 1)), groups_of_codes, batches,
    st.lists(st.booleans(), min_size=4), st.integers(1, 30),
)  # fmt: skip
def test_each_account_has_the_group_that_a_plain_count_gives_it(
    accounts: set[int], sets: list[list[int]], parts: list[Any], is_few: list[bool], at_once: int
) -> None:
    start = np.cumsum([0, *map(len, sets)])
    group = np.array([one for some in sets for one in some], np.uint32)
    parts = [[(who, code % len(sets)) for who, code in part] for part in parts]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(most_frequent, "_AT_ONCE", at_once)
        counts = MostFrequent(np.array(sorted(accounts), np.uint32), PAST, start, group)
        for part, answer in zip(parts, is_few, strict=False):
            patch.setattr(compiled, "few", lambda *_, answer=answer: answer)
            account, code = np.array(part, np.uint32).reshape(-1, 2).T.copy()
            counts.add(account, code)
    records = [record for part in parts for record in part]
    assert counts.take().tolist() == plainly(accounts, sets, records)


def test_a_record_of_many_groups_is_counted_where_few_have_room(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(compiled, "few", lambda *_: False)
    start, group = np.array([0, 1, 101]), np.array([7, *range(100)], np.uint32)
    counts = MostFrequent(np.array([1], np.uint32), 2, start, group)
    counts.add(np.array([1] * 9, np.uint32), np.array([0] + [1] * 7 + [0], np.uint32))
    assert counts.take().tolist() == [NO_GROUP, 7]
