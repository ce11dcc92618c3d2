"""Paths as users write them, with ``~`` for a folder of their own."""

import os
import re
from contextlib import suppress
from pathlib import Path

from blueattr.errors import OutputError, UsageError

__all__ = ["as_typed", "followed", "named_file", "named_page", "refuse_address", "user_path"]


# A path has one slash of an address left. Of a name or password nothing is shown.
_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/+(?:[^/]*@)?")
# What DuckDB takes for a database elsewhere: nobody means a file that is called so.
_DATABASE = re.compile(r"(md|motherduck|ducklake|sqlite|postgres|mysql):")


# What the path of a folder, and of no file, ends in after its last slash.
_FOLDERS = {"", ".", ".."}


def as_typed(path: str | Path) -> str:
    """Return a path for a message: an address, such as ``s3://b/x``, as it was typed.

    But without a name or password.
    """
    return _ADDRESS.sub(r"\1://", str(path), count=1) if _is_address(path) else str(path)


def refuse_address(path: str | Path) -> None:
    """Refuse to write to an address: no file of such a name is meant.

    Raises
    ------
    OutputError
        It is an address, such as ``s3://b/x`` or ``md:x``.
    """
    if _is_address(path) or _DATABASE.match(str(path)):
        raise OutputError(
            f"cannot write {as_typed(path)}: it is an address, and no file on this machine; write "
            "a file, and copy it there"
        )


def named_file(typed: str | Path) -> Path:
    """Return the path of a file to write as it was typed.

    Raises
    ------
    UsageError
        It is empty.
    OutputError
        It has a slash or a dot at its end, as those of folders have, of which a ``Path`` knows no
        more.
    """
    _refuse_nothing(typed, "file")
    if os.path.basename(typed) in _FOLDERS and not _is_address(typed):  # noqa: PTH119 - as typed
        raise OutputError(f"cannot write {typed}: it is the path of a folder; name a file")
    return Path(typed)


def _refuse_nothing(typed: str | Path, what: str) -> None:
    if not str(typed):
        raise UsageError(f"the path of what to write is empty; name a {what}")


def named_page(typed: str | Path) -> Path:
    """Return the path of a folder, or of a file that ends in .html, as it was typed.

    Raises
    ------
    UsageError
        It is empty.
    OutputError
        It ends in .html, and has a slash after that.
    """
    is_page = Path(typed).suffix.lower() == ".html"
    _refuse_nothing(typed, "folder")
    return named_file(typed) if is_page else Path(typed)


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
        raise UsageError(f"{as_typed(path)} is an address, and no file on this machine")
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise UsageError(f"{path} is in the folder of a user who is not known here") from None


def followed(path: Path) -> Path:
    """Return the whole path of a file, there or not, to which links lead.

    Raises
    ------
    OSError
        No file can be there: links lead in a circle, a name is too long, or a folder is closed to
        this user. Python itself says so in several ways, or not at all.
    """
    with suppress(FileNotFoundError, NotADirectoryError):
        path.stat()
    return Path(os.path.realpath(path))
