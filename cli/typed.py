"""Which options were typed, as opposed to those that have their defaults."""

from collections.abc import Collection

import typer

from blueattr.errors import UsageError

__all__ = ["refuse_all_but", "refuse_beside_events", "typed"]


def typed(context: typer.Context) -> dict[str, str]:
    """Return the names of the parameters that were typed, with how they are spelled."""
    found = {}
    for parameter in context.command.params:
        source = context.get_parameter_source(str(parameter.name))
        if source is not None and source.name == "COMMANDLINE":
            found[str(parameter.name)] = parameter.opts[0]
    return found


def refuse_all_but(context: typer.Context, allowed: Collection[str], beside: str) -> None:
    """Refuse options that would change nothing beside another.

    Parameters
    ----------
    context
        Of the command.
    allowed
        The names of the parameters that change something.
    beside
        The other option, and what it does.

    Raises
    ------
    UsageError
        Another was typed.
    """
    for name, option in typed(context).items():
        if name not in allowed:
            raise UsageError(f"{beside}; {option} would change nothing")


def refuse_beside_events(context: typer.Context, *names: str) -> None:
    """Refuse options that are about a store beside --events, which is in place of one.

    Raises
    ------
    UsageError
        One of them was typed.
    """
    known = typed(context)
    for name in names:
        if name in known:
            raise UsageError(f"{known[name]} cannot be combined with --events")
