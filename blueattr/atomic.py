"""Write files atomically: whole, or not at all."""

import errno
import os
import secrets
import shutil
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, TypeVar

from blueattr.errors import OutputError
from blueattr.user_path import followed, refuse_address

__all__ = [
    "is_part", "refuse_present", "sync", "write", "write_files", "write_folder", "write_with",
]  # fmt: skip


_T = TypeVar("_T")
_PART = ".blueattr-", ".part"


def write(path: Path, data: bytes) -> None:
    """Write a file in one atomic step.

    Parameters
    ----------
    path
        See `write_with`.
    data
        The content of the file.

    Raises
    ------
    OutputError
        See `write_with`.
    """
    write_with(path, lambda file: file.write(data))


def write_with(path: Path, fill: Callable[[BinaryIO], _T]) -> _T:
    """Write a file in one atomic step: readers see the old content or the new one.

    Parameters
    ----------
    path
        An existing file is replaced, a link is followed, a device or pipe is written to; an
        address is refused.
    fill
        Writes the content.

    Returns
    -------
    object
        What `fill` returns.

    Raises
    ------
    OutputError
        The file cannot be written; an existing file is unchanged. The message names the path and
        the reason.
    """
    refuse_address(path)
    try:
        if path.exists() and not path.is_file() and not path.is_dir():
            with path.open("wb") as file:  # a device or pipe must not be replaced
                return fill(file)
        return _replace(followed(path), fill)
    except OSError as error:
        raise OutputError(f"cannot write {_shown(path)}: {error.strerror or error}") from error


def refuse_present(path: Path) -> None:
    """Refuse a path for a new folder at which there is something.

    Raises
    ------
    OutputError
        There is, or it is an address.
    """
    refuse_address(path)
    if os.path.lexists(path):
        raise OutputError(f"{_shown(path)} is there already; name a folder that is not")


def write_folder(path: Path, fill: Callable[[Path], _T]) -> _T:
    """Write a folder in one atomic step: it is there whole, or not at all.

    Parameters
    ----------
    path
        Where; it must not be there, and the folder that it is in must.
    fill
        Writes the files into a folder, none of them in a folder of its own.

    Returns
    -------
    object
        What `fill` returns.

    Raises
    ------
    OutputError
        There is something at `path`, or it cannot be written; then nothing of it stays.
    """
    refuse_present(path)
    target = path.absolute()
    try:
        if not target.parent.is_dir():
            raise FileNotFoundError(None, f"there is no folder {_shown(target.parent)}")
        part = target.with_name(f"{_PART[0]}{secrets.token_hex(8)}{_PART[1]}")
        part.mkdir()
        try:
            result = fill(part)
            for one in (*part.iterdir(), part):
                sync(one)
            # Would replace an empty folder that somebody made in the meantime, and nothing else.
            part.rename(target)
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            raise
        sync(target.parent)
    except OSError as error:
        raise OutputError(f"cannot write {_shown(path)}: {error.strerror or error}") from error
    return result


def write_files(path: Path, fill: Callable[[Path], Sequence[Path]]) -> tuple[Path, ...]:
    """Write files into a folder, each in one atomic step, but none before all could be written.

    Parameters
    ----------
    path
        The folder; it is made where there is none.
    fill
        Writes the files into a folder that it is given, and returns them.

    Returns
    -------
    tuple of Path
        The files in their place.

    Raises
    ------
    OutputError
        It cannot be written; then `path` is as it was.
    """
    refuse_address(path)
    made = _make_folders(path)
    part = path / f"{_PART[0]}{secrets.token_hex(8)}{_PART[1]}"
    try:
        try:
            part.mkdir()
            written = fill(part)
            targets = tuple(path / one.name for one in written)
            for target in targets:
                if target.is_dir():
                    raise IsADirectoryError(None, f"{_shown(target)} is a folder")
            for one, target in zip(written, targets, strict=True):
                if target.is_symlink():
                    write(target, one.read_bytes())
                else:
                    one.replace(target)
        finally:
            shutil.rmtree(part, ignore_errors=True)
        sync(path)
    except BaseException as error:
        for folder in reversed(made):
            with suppress(OSError):
                folder.rmdir()
        if isinstance(error, OSError):
            reason = error.strerror or error
            raise OutputError(f"cannot write to {_shown(path)}: {reason}") from error
        if isinstance(error, OutputError):
            # Where somebody looks for it.
            raise OutputError(str(error).replace(_shown(part), _shown(path))) from error
        raise
    return targets


def _make_folders(path: Path) -> list[Path]:
    """Make a folder, and those that it is in, unless they are there; return the new ones."""
    new = []
    for folder in (path, *path.parents):
        # Not Path.exists, which raises where a name is longer than any file's.
        if os.path.exists(folder):  # noqa: PTH110
            break
        new.append(folder)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        for folder in new:
            with suppress(OSError):
                folder.rmdir()
        raise OutputError(
            f"cannot make the folder {_shown(path)}: {error.strerror or error}"
        ) from None
    return new[::-1]


def _replace(path: Path, fill: Callable[[BinaryIO], _T]) -> _T:
    if path.is_dir():
        raise IsADirectoryError(None, "it is a folder")
    if not path.parent.is_dir():
        raise FileNotFoundError(None, f"there is no folder {_shown(path.parent)}")
    part = path.with_name(f"{_PART[0]}{secrets.token_hex(8)}{_PART[1]}")
    try:
        with part.open("xb") as file:
            result = fill(file)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        sync(path.parent)
    finally:
        part.unlink(missing_ok=True)
    return result


def sync(path: Path) -> None:
    """Wait until a file is on the disk, or a folder's names are: those that were renamed in it.

    Raises
    ------
    OSError
        The disk failed.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # a file system that cannot, for folders
            raise
    finally:
        os.close(descriptor)


def is_part(name: str) -> bool:
    """Return whether a file is what a killed process has left of one it was writing."""
    return name.startswith(_PART[0]) and name.endswith(_PART[1])


def _shown(path: Path) -> str:
    """Escape the characters that would act on a terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(path))
