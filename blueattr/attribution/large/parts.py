"""The files that hold the parts of a panel: those of a folder, or those that a pattern matches."""

import glob
import os
import re
from fnmatch import fnmatch
from pathlib import Path

from blueattr.errors import InputError

__all__ = ["in_words", "parts_of", "would_be_part"]


_PATTERN = re.compile(r"[*?\[]")
_SUFFIX = ".parquet"


def parts_of(path: Path) -> tuple[Path, ...]:
    """Return the files of a panel, in the order in which they are read.

    Parameters
    ----------
    path
        A file; or a folder, whose files that end in .parquet are the parts, but for those whose
        names begin with ``_`` or a dot; or, where there is nothing of that name, a pattern with
        ``*``, ``?``, ``[…]`` or ``**`` for folders of any depth.

    Returns
    -------
    tuple of Path
        By name, with numbers in names by their value: part-2 comes before part-10. A file is its
        own only part.

    Raises
    ------
    InputError
        A folder or pattern names no files, or a pattern names one that is no Parquet file.
    """
    if os.path.isdir(path):  # noqa: PTH112 - also of a name that no file can have
        return _of_folder(path)
    if not is_pattern(path):
        return (path,)
    found = [Path(name) for name in glob.glob(str(path), recursive=True)]  # noqa: PTH207 - a pattern may be absolute
    files = [one for one in found if not one.is_dir()]
    if not files:
        only = "only folders" if found else "no file"
        raise InputError(f"cannot read the features in {path}: {only} match this pattern")
    for one in files:
        if one.suffix.lower() != _SUFFIX:
            raise InputError(
                f"cannot read the features in {path}: {one} matches, too, and parts of a panel are "
                f"Parquet files, whose names end in {_SUFFIX}"
            )
    return tuple(sorted(files, key=_by_numbers))


def _of_folder(folder: Path) -> tuple[Path, ...]:
    try:
        entries = [one for one in folder.iterdir() if not one.name.startswith(("_", "."))]
    except OSError as error:
        raise InputError(f"cannot read the features in {folder}: {error.strerror}") from None
    files = [one for one in entries if one.suffix.lower() == _SUFFIX and not one.is_dir()]
    if not files:
        deeper = any(one.is_dir() for one in entries)
        hint = f"; '{folder}/**/*{_SUFFIX}' reads those of its folders" if deeper else ""
        raise InputError(
            f"cannot read the features in {folder}: the folder has no file that ends in "
            f"{_SUFFIX}{hint}"
        )
    return tuple(sorted(files, key=_by_numbers))


def _by_numbers(path: Path) -> tuple[list[tuple[int, int, str]], str]:
    words = re.split(r"([0-9]+)", str(path))
    known = [(0, int(word), "") if k % 2 else (1, 0, word) for k, word in enumerate(words)]
    return known, str(path)


def is_pattern(path: Path) -> bool:
    """Return whether a path is a pattern: there is nothing of that name."""
    return _PATTERN.search(str(path)) is not None and not os.path.lexists(path)


def would_be_part(path: Path, target: Path) -> bool:
    """Return whether a file that is written would be one of the parts that a path names."""
    if os.path.isdir(path):  # noqa: PTH112 - as above
        inside = os.path.realpath(target.parent) == os.path.realpath(path)
        return (
            inside and target.suffix.lower() == _SUFFIX and not target.name.startswith(("_", "."))
        )
    return is_pattern(path) and fnmatch(os.path.abspath(target), os.path.abspath(path))  # noqa: PTH100 - of no folder need there be anything


def in_words(path: Path, parts: tuple[Path, ...]) -> tuple[str, ...]:
    """Say from which files a panel was read, and in which order; nothing, of one file."""
    if parts == (path,):
        return ()
    if len(parts) == 1:
        return (f"Read from one file, {parts[0]}.",)
    span = f"{parts[0]} to {parts[-1]}"
    return (f"Read from {len(parts)} files, {span}, by name and by the numbers in names.",)
