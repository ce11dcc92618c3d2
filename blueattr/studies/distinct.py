"""Checks the lists that a study takes: indicators, protocols, sizes, budgets."""

from collections.abc import Sequence

from blueattr.errors import UsageError

__all__ = ["check_distinct"]


def check_distinct(study: str, what: str, values: Sequence[object]) -> None:
    """Check that a list has entries, and no entry twice.

    Parameters
    ----------
    study, what
        Names of the study and of an entry, for messages.
    values
        The entries.

    Raises
    ------
    UsageError
        When the list is empty or an entry occurs twice.
    """
    if not values:
        raise UsageError(f"a {study} needs at least one {what}")
    if len(set(values)) < len(values):
        raise UsageError(f"each {what} is named once, not {', '.join(map(str, values))}")
