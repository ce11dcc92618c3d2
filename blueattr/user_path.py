"""Paths as users write them, with ``~`` for a folder of their own."""

from pathlib import Path

from blueattr.errors import UsageError

__all__ = ["user_path"]


def user_path(path: str | Path) -> Path:
    """Return a path with the user's own folder for a leading ``~``, or another's for ``~name``.

    Raises
    ------
    UsageError
        There is no user of that name here, or no path has such a character.
    """
    if "\0" in str(path):
        raise UsageError(f"{str(path)!r} is no path: it has a NUL character")
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise UsageError(f"{path} is in the folder of a user who is not known here") from None
