"""A user's own code: a file or a module is run, and what it prints goes to the log."""

import contextlib
import hashlib
import importlib.util
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TypeVar

import numpy as np

from blueattr.errors import BlueattrError
from blueattr.indicators.custom import blame
from blueattr.indicators.printed import output_to_log

__all__ = ["OwnCode", "own_code", "place_and_name", "run_own"]


_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class OwnCode:
    """A module that was run.

    Parameters
    ----------
    module
        What it defined.
    origin
        How a user named it.
    file, sha256
        Its file and the digest of that; None where there is none.
    """

    module: ModuleType
    origin: str
    file: str | None
    sha256: str | None


def place_and_name(text: str) -> tuple[str, str] | None:
    """Split what a user writes into the place of code and a name in it.

    Parameters
    ----------
    text
        ``path/to/file.py:name``, ``path/to/file.py`` or ``package.module:name``.

    Returns
    -------
    tuple of str, or None
        The name is empty where there is none; None if the text is of no such form.

    Examples
    --------
    >>> place_and_name("a/b.py:x"), place_and_name("a.py"), place_and_name("a.b:x")
    (('a/b.py', 'x'), ('a.py', ''), ('a.b', 'x'))
    """
    if text.endswith(".py"):
        return text, ""
    place, colon, name = text.rpartition(":")
    if colon and name and (place.endswith(".py") or re.fullmatch(r"[\w.]+", place)):
        return place, name
    return None


def own_code(place: str, what: str, error: type[BlueattrError]) -> OwnCode:
    """Run a file whose path ends with ``.py``, or import a module.

    Parameters
    ----------
    place
        Of the code; see `place_and_name`.
    what
        What is looked for in it, in words.
    error
        What is raised where it cannot be read or run.
    """
    return _file(place, what, error) if place.endswith(".py") else _module(place, error)


def _file(text: str, what: str, error: type[BlueattrError]) -> OwnCode:
    path = Path(text)
    if "\0" in text:
        raise error(f"{text!r} is no path: it has a NUL character")
    try:
        source = path.read_bytes()
    except OSError as reason:
        raise error(f"cannot read the {what} in {text}: {reason.strerror or reason}") from None
    digest = hashlib.sha256(source).hexdigest()
    path = path.resolve()
    module = ModuleType(f"blueattr_own_{digest[:12]}")
    module.__file__ = str(path)
    sys.modules[module.__name__] = module  # dataclasses look their module up

    def execute() -> None:
        # Runs exactly the bytes that were hashed, and writes no compiled file.
        exec(compile(source, str(path), "exec"), module.__dict__)  # noqa: S102 - what naming a file asks for

    with _findable(path.parent):
        run_own(text, execute, error)
    return OwnCode(module, text, str(path), digest)


def _module(text: str, error: type[BlueattrError]) -> OwnCode:
    """Import a module from Python's path, or else from the current folder."""
    with _findable(Path.cwd()):
        module = run_own(text, lambda: importlib.import_module(text), error)
    file, digest = getattr(module, "__file__", None), None
    if file is not None:
        with contextlib.suppress(OSError):
            digest = hashlib.sha256(Path(file).read_bytes()).hexdigest()
    return OwnCode(module, text, file, digest)


def run_own(what: str, code: Callable[[], _T], error: type[BlueattrError]) -> _T:
    """Call a user's code; log what it prints, and report where it raises an exception.

    Parameters
    ----------
    what
        Whose code it is, in words.
    code
        What is called.
    error
        What is raised instead of any exception of the code.
    """
    try:
        with output_to_log(what), np.errstate():  # np.seterr ends with the code
            return code()
    except ModuleNotFoundError as reason:
        if reason.name and (what == reason.name or what.startswith(f"{reason.name}.")):
            raise error(
                f"there is no module {reason.name!r}; a file is named with its path and .py"
            ) from None
        raise error(f"{what} cannot be run: {blame(reason)}") from None
    except (Exception, SystemExit) as reason:  # noqa: BLE001 - a user's code may raise anything
        raise error(f"{what} cannot be run: {blame(reason)}") from None


@contextlib.contextmanager
def _findable(folder: Path) -> Iterator[None]:
    """Add a folder to the end of Python's path."""
    sys.path.append(str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
