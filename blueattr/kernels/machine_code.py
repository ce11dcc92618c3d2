# mypy: allow-untyped-defs, allow-untyped-calls
# (numba infers the types of what it compiles; what is public here is typed.)
"""Machine code of kernels: compiled by numba, and kept where the next process finds it.

To import numba takes a third of a second, so this module is imported by the first kernel that is
called, and by nothing else.
"""

import contextlib
import functools
import hashlib
import logging
import os
import shutil
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numba
import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]  # it ships none
from numba import types
from numba.core import caching
from numba.core import config as _untyped_config
from numba.core import event as numba_event
from numba.core.registry import cpu_target
from numba.core.runtime.nrt import rtsys
from numba.extending import intrinsic

__all__ = [
    "compile_intrinsic",
    "compile_kernel",
    "ir",
    "is_kept",
    "loads_alone",
    "numba_type",
    "types",
]


config: Any = _untyped_config  # its settings are made at run time


KERNEL_FOLDERS = ("kernels", "decode", "decode/parser")
"""Folders of the package with kernels: a change of any file in them compiles all kernels anew."""


# What numba needs to compile takes a third of a second to import, and to load machine code it needs
# only what counts references. The versions that this was tried with; others import everything.
_LOADS_ALONE = ("0.68",)

_KEPT_DAYS = 30  # an older version's machine code is kept this long after its last use


def _cache_folder() -> Path | None:
    """Name the folder for machine code, one for each state of the kernels, numba and processor.

    Kernels of one module are inlined into those of another, while numba looks at the file of the
    outer one alone; and it numbers its files so that processes which write at once may exchange
    them. The folder's name is a hash of all kernels, so its entries are interchangeable.

    Returns
    -------
    Path or None
        None where the user has no home and names no folder.
    """
    processor = cpu_target.target_context.codegen().magic_tuple()
    state = hashlib.sha256(repr((numba.__version__, processor)).encode())
    package = Path(__file__).parents[1]
    for folder in KERNEL_FOLDERS:
        for source in sorted((package / folder).glob("*.py")):
            state.update(source.read_bytes())
    if config.CACHE_DIR:  # NUMBA_CACHE_DIR
        caches = Path(config.CACHE_DIR)
    else:
        caches = Path(os.environ.get("XDG_CACHE_HOME", ""))
        if not caches.is_absolute():  # the XDG Base Directory Specification has it ignored
            try:
                caches = Path.home() / ".cache"
            except RuntimeError:
                return None
        if not caches.is_absolute():  # HOME is set, but to no folder
            return None
        caches /= "blueattr"
    return caches / f"kernels-{state.hexdigest()[:16]}"


def _mark_used(folder: Path) -> None:
    """Set the folder's time of change to now, so that no other version removes it for a while."""
    with contextlib.suppress(OSError):
        os.utime(folder)


@functools.cache
def _remove_old_caches(used: Path) -> None:
    """Remove the folders beside `used` that no version has used for `_KEPT_DAYS`; once a process.

    A process may still run that began to use one of them longer ago: it compiles what it no longer
    finds.
    """
    oldest = time.time() - _KEPT_DAYS * 86_400
    with contextlib.suppress(OSError):
        for folder in used.parent.glob("kernels-" + "[0-9a-f]" * 16):
            if folder != used and folder.stat().st_mtime < oldest:
                shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _cached_in(folder: Path) -> Iterator[None]:
    """Have numba choose a folder for functions defined here, and for nobody else's."""
    before = config.CACHE_DIR
    config.CACHE_DIR = str(folder)
    try:
        yield
    finally:
        config.CACHE_DIR = before


class _Cache(caching.FunctionCache):
    """A cache that is a help and never a need: what cannot be read is compiled anew."""

    def load_overload(self, sig, target_context):
        try:
            if loads_alone():
                rtsys.initialize(target_context)
                found = self._load_overload(sig, target_context)
            else:
                found = super().load_overload(sig, target_context)
            # Two processes that compile one kernel for different types may exchange their files.
            return found if found is None or found.signature.args == tuple(sig) else None
        except Exception:  # noqa: BLE001 - a damaged pickle may raise anything
            with contextlib.suppress(OSError):
                self.flush()
            return None

    def save_overload(self, sig, data):
        # A disk may fill up, a folder be taken away, between the first kernel and the last.
        with contextlib.suppress(OSError):
            super().save_overload(sig, data)
            _remove_old_caches(_FOLDER)

    def has_entries(self) -> bool:
        """Return whether there is machine code for any types."""
        try:
            return bool(self._cache_file._load_index())  # noqa: SLF001 - numba offers no other way
        except Exception:  # noqa: BLE001 - as above
            return False


def loads_alone() -> bool:
    """Return whether machine code is loaded without importing what compiles it."""
    return numba.__version__.rpartition(".")[0] in _LOADS_ALONE


class _Announcer(numba_event.Listener):
    """Logs the first compilation of a process: the kernels that it needs are not in the cache."""

    def __init__(self) -> None:
        self._logged = False

    def on_start(self, event):  # noqa: ARG002 - numba calls it with what is compiled
        if not self._logged:
            self._logged = True
            logging.getLogger(__name__).info(
                "compiling kernels once; the first run takes up to a minute longer"
            )

    def on_end(self, event):
        pass


def _is_ours(folder: Path) -> bool:
    """Make a folder, and return whether what is in it can only be the user's, or root's.

    Machine code is loaded from it. Others can put their own there if they may write into it, or
    made it first.
    """
    try:
        folder.mkdir(0o700, parents=True, exist_ok=True)  # numba goes by the umask inside
        found = folder.lstat()
    except OSError:
        return False
    others = stat.S_IWGRP | stat.S_IWOTH
    return (
        stat.S_ISDIR(found.st_mode)
        and found.st_uid in {0, os.geteuid()}
        and not found.st_mode & others
    )


def _trusted_folder() -> Path | None:
    """Return the folder for machine code, unless others could have put something there."""
    folder = _cache_folder()
    return folder if folder is not None and _is_ours(folder) else None


_FOLDER = _trusted_folder()

if _FOLDER is not None:
    _mark_used(_FOLDER)
numba_event.register("numba:compile", _Announcer())


def compile_kernel(function: Any, *, makes_arrays: bool, **options: Any) -> Any:
    """Return a dispatcher, which compiles a function for the types that it is called with.

    Parameters
    ----------
    function, makes_arrays, options
        See `blueattr.kernels.compiled.jit`.
    """
    if config.DISABLE_JIT:
        return _interpreted(function)
    options.update(nogil=True, error_model="numpy", _nrt=makes_arrays, forceinline=not makes_arrays)
    kernel = numba.njit(**options)(function)
    if _FOLDER is not None:
        with contextlib.suppress(RuntimeError, OSError), _cached_in(_FOLDER):
            kernel._cache = _Cache(function)  # noqa: SLF001 - numba has no other way to give it one
    return kernel


def compile_intrinsic(define: Callable[..., Any], plain: Any) -> Any:
    """Return a function for kernels; see `blueattr.kernels.compiled.intrinsic`."""
    return plain if config.DISABLE_JIT else intrinsic(define)


def numba_type(compiled: Any) -> Any:
    """Return the type that numba knows a dispatcher or an intrinsic by."""
    context = cpu_target.typing_context
    context.refresh()  # it looks at what was registered before it was last refreshed
    return context.resolve_value_type(compiled)


def is_kept(kernel: Any) -> bool:
    """Return whether machine code of a dispatcher is kept, for whatever types.

    Where Python runs the kernels there is none to wait for, which counts as kept.
    """
    if config.DISABLE_JIT:
        return True
    if _FOLDER is None or not isinstance(kernel._cache, _Cache):  # noqa: SLF001 - as above
        return False
    return kernel._cache.has_entries()  # noqa: SLF001 - as above


def _interpreted(function: Any) -> Any:
    """Run a kernel in Python without numpy's warnings where machine code has none either.

    Kernels rely on integers that wrap around and on divisions by zero that give an infinity.
    """

    @functools.wraps(function)
    def kernel(*arguments: Any) -> Any:
        with np.errstate(all="ignore"):
            return function(*arguments)

    return kernel
