"""How a face ends: what the engine raised in its thread is raised in that of the caller."""

from typing import Protocol

__all__ = ["Failing", "raise_failure"]


class Failing(Protocol):
    """What keeps the failure of another thread.

    Attributes
    ----------
    failure
        What was raised there; None if nothing was.
    """

    failure: BaseException | None


def raise_failure(failing: Failing) -> None:
    """Raise what was kept, and forget it.

    Raises
    ------
    BaseException
        The failure, if there is one.
    """
    failure, failing.failure = failing.failure, None
    try:
        if failure is not None:
            raise failure
    finally:
        del failure  # which holds this frame, and with it all that the engine has open
