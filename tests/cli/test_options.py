"""Groups of options: a command's signature has each field, and the command gets the group."""

import inspect
from dataclasses import dataclass

import pytest

from blueattr.cli.grouping import grouped


@dataclass
class Pair:
    first: int = 1
    second: str = "two"


def test_a_command_is_given_its_group_and_its_own_options() -> None:
    seen: list[tuple[object, ...]] = []

    @grouped()
    def command(own: int, *, pair: Pair, last: int = 3) -> None:
        seen.append((own, pair, last))

    command(own=0, first=5, second="six", last=7)
    assert seen == [(0, Pair(5, "six"), 7)]


def test_options_stand_in_the_order_of_the_help_with_their_defaults() -> None:
    @grouped(("second", "own", "first"))
    def command(context: object, *, pair: Pair, own: int = 3) -> None:
        """Explain."""

    parameters = inspect.signature(command).parameters
    assert [(name, one.default) for name, one in parameters.items() if name != "context"] == [
        ("second", "two"), ("own", 3), ("first", 1)
    ]  # fmt: skip
    assert next(iter(parameters)) == "context"
    assert {name: one.annotation for name, one in parameters.items()} == command.__annotations__
    assert command.__doc__ == "Explain."


@pytest.mark.parametrize("order", [("first",), ("first", "second", "third"), ("first", "first")])
def test_an_order_that_forgets_or_invents_an_option_is_refused(order: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="does not name each option once"):

        @grouped(order)
        def command(pair: Pair) -> None:
            del pair
