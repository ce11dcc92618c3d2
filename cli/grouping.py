"""Lets a command take groups of options, each a dataclass."""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import MISSING, fields, is_dataclass
from functools import wraps
from typing import Any

__all__ = ["grouped"]


def grouped(
    order: Sequence[str] = (),
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Let a command take groups of options: each field of a group becomes an option.

    A group is a dataclass. In the signature that typer reads, a parameter annotated with a group
    is replaced by the fields of the group; the command itself is called with the group.

    Parameters
    ----------
    order
        The names of all options, in the order of the help; by default, their order in the
        signature.

    Raises
    ------
    ValueError
        `order` does not name every option exactly once.
    """

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        groups: dict[str, Any] = {}
        parameters = []
        for parameter in inspect.signature(command).parameters.values():
            if is_dataclass(parameter.annotation):
                groups[parameter.name] = parameter.annotation
                parameters += _options_of(parameter.annotation)
            else:
                parameters.append(parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY))
        by_name = {parameter.name: parameter for parameter in parameters}
        names = ["context", *order] if order and "context" in by_name else order or [*by_name]
        if sorted(names) != sorted(parameter.name for parameter in parameters):
            raise ValueError(f"the order of {command.__name__} does not name each option once")

        @wraps(command)
        def call(**values: Any) -> None:
            for name, group in groups.items():
                values[name] = group(**{one.name: values.pop(one.name) for one in fields(group)})
            command(**values)

        ordered = [by_name[name] for name in names]
        call.__dict__["__signature__"] = inspect.Signature(ordered)
        call.__annotations__ = {one.name: one.annotation for one in ordered}
        return call

    return decorate


def _options_of(group: Any) -> list[inspect.Parameter]:
    return [
        inspect.Parameter(
            one.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=one.default if one.default_factory is MISSING else one.default_factory(),
            annotation=one.type,
        )
        for one in fields(group)
    ]
