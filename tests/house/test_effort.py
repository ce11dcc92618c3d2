"""What `make test` tries of tests with many cases."""

from typing import Any

import pytest

from support.effort import leave_most_cases


class Case:
    """An item as pytest collects it, as far as it matters here."""

    def __init__(self, nodeid: str, *marks: pytest.MarkDecorator) -> None:
        self.nodeid = nodeid
        self.marks = {mark.name: mark for mark in marks}

    def get_closest_marker(self, name: str) -> Any:
        return self.marks.get(name)

    def add_marker(self, mark: pytest.MarkDecorator) -> None:
        self.marks[mark.name] = mark


@pytest.mark.parametrize(
    ("cases", "few", "quick"),
    [(9, 2, [0, 8]), (9, 3, [0, 4, 8]), (2, 2, [0, 1]), (1, 2, [0]), (5, 1, [0])],
)
def test_of_a_test_with_many_cases_as_many_are_quick_as_it_says(
    cases: int, few: int, quick: list[int]
) -> None:
    items: list[Any] = [Case(f"a.py::b[{k}]", pytest.mark.few(few)) for k in range(cases)]
    others: list[Any] = [Case(f"a.py::c[{k}]") for k in range(9)]
    leave_most_cases([*others, *items])
    assert [k for k, item in enumerate(items) if "slow" not in item.marks] == quick
    assert not any(item.marks for item in others)


def test_a_case_that_is_slow_anyway_takes_no_place_of_a_quick_one() -> None:
    items: list[Any] = [Case(f"a.py::b[{k}]", pytest.mark.few(2)) for k in range(4)]
    items[0].add_marker(pytest.mark.slow)
    leave_most_cases(items)
    assert ["slow" in item.marks for item in items] == [True, False, True, False]
