"""Paths as users write them, with ``~`` for a folder of their own."""

import re
from pathlib import Path

from blueattr.errors import UsageError

__all__ = ["as_typed", "user_path"]


# A path has one slash of an address left. Of a name or password nothing is shown.
_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/+(?:[^/]*@)?")


def as_typed(path: str | Path) -> str:
    """Return a path for a message: an address, such as ``s3://b/x``, as it was typed.

    But without a name or password.
    """
    return _ADDRESS.sub(r"\1://", str(path), count=1) if _is_address(path) else str(path)


def _is_address(path: str | Path) -> bool:
    return _ADDRESS.match(str(path)) is not None


def user_path(path: str | Path) -> Path:
    """Return a path with the user's own folder for a leading ``~``, or another's for ``~name``.

    Raises
    ------
    UsageError
        There is no user of that name here, or no path has such a character, or it is an address.
    """
    if "\0" in str(path):
        raise UsageError(f"{str(path)!r} is no path: it has a NUL character")
    if _is_address(path):
        raise UsageError(
            f"{as_typed(path)} is no file on this machine, but an address: fetch it first"
        )
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise UsageError(f"{path} is in the folder of a user who is not known here") from None
