"""The file that a path of a store leads to, and paths and files that can be none."""

import os
import re
from pathlib import Path

from blueattr.errors import StoreError, UsageError
from blueattr.user_path import as_typed, followed, user_path

_OTHERWISE = {"?": "question mark", "\\": "backslash"}
_NO_FILE = re.compile(r":|[A-Za-z][A-Za-z0-9+.-]+:")


def named_store(typed: str | Path) -> Path:
    """Return the path of a store as it was typed.

    Raises
    ------
    StoreError
        It is empty, or has a slash at its end, as those of folders have; of a ``Path`` neither is
        known any more.
    """
    if not str(typed):
        raise StoreError("the path of the store is empty; name a file")
    if str(typed).endswith("/") and not _NO_FILE.match(str(typed)):
        raise StoreError(f"{typed} is the path of a folder; a store is a file")
    return Path(typed)


def store_file(path: str | Path) -> Path:
    """Return the file of a store, with the user's own folder for a leading ``~``.

    Parameters
    ----------
    path
        As it was typed, if that is known (`named_store`).

    Raises
    ------
    StoreError
        The name has another meaning elsewhere, as ``:memory:``, ``md:x`` and ``s3://b/x`` have for
        DuckDB: nobody means a file that is called so. Or there is a question mark in the path, or
        a backslash: DuckDB takes what follows the one for parameters, and would look for its log
        elsewhere; the other it takes for a slash, and would open another file. Or a byte of it is
        not UTF-8, which DuckDB takes for no path at all. Or there is a folder of that name, a pipe
        or a device. Or it is as for `named_store`.
    """
    path = named_store(path)
    if _NO_FILE.match(str(path)):
        raise StoreError(
            f"{as_typed(path)} is no file; a store is one on this machine (give the absolute path "
            "of a file that is called so)"
        )
    try:
        file = user_path(path)
    except UsageError as error:
        raise StoreError(str(error)) from None
    try:
        whole = str(followed(file))
    except OSError as error:
        raise StoreError(f"{path} cannot be opened: {error.strerror}") from None
    # A pipe, say, would have the process wait for ever.
    if os.path.exists(file) and not os.path.isfile(file):  # noqa: PTH110, PTH113 - no error
        raise StoreError(f"{path} cannot be opened: it is not a file")
    try:
        whole.encode()
    except UnicodeEncodeError:
        raise StoreError(
            f"{whole}: the path of a store may have no byte in it that is not UTF-8; rename it"
        ) from None
    for character, name in _OTHERWISE.items():
        if character in whole:
            raise StoreError(f"{path}: the path of a store may have no {name} in it")
    return file


def damaged(path: Path, what: str) -> StoreError:
    """Return the error that says what is wrong in a damaged store, and what to do."""
    return StoreError(
        f"{path} is damaged: {what}. Put a backup in its place, or ingest the sources into a new "
        "store"
    )
