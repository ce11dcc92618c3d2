# mypy: allow-untyped-defs, allow-untyped-calls
# (numba infers the types of what it compiles; what is public here is typed.)
"""What every kernel needs: compilation, threads, and the arrays it takes.

A kernel here is compiled without the interpreter lock and works on a stretch of agents; `spread`
runs it on stretches in ordinary threads. Unlike numba's own threading layers this may be called
from several threads at once, survives a fork, and compiles in a fraction of the time.
"""

import contextlib
import functools
import hashlib
import logging
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numba
import numpy as np
import numpy.typing as npt
from numba import types
from numba.core import caching
from numba.core import config as _untyped_config
from numba.core import event as numba_event
from numba.core.registry import cpu_target
from numba.extending import intrinsic as llvm_intrinsic

__all__ = [
    "BLOCK",
    "FloatArray",
    "IndexArray",
    "IntArray",
    "each",
    "intrinsic",
    "jit",
    "readonly",
    "spread",
    "stretches",
    "threads",
    "types",
]


FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
IndexArray = npt.NDArray[np.uint32]


BLOCK = 1024
"""Numbers added as floats before they become an integer: 2^31 · 2^10 stays far below 2^53."""


SPREAD_FROM = 1 << 17  # fewer agents than this are not worth a second thread


# --- compilation ---------------------------------------------------------------------------------

config: Any = _untyped_config  # its settings are made at run time


KERNEL_FOLDERS = ("kernels", "decode/parser")
"""Folders of the package with kernels: a change of any file in them compiles all kernels anew."""


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


_FOLDER = _cache_folder()

if _FOLDER is not None:
    _mark_used(_FOLDER)
numba_event.register("numba:compile", _Announcer())


def jit(*, makes_arrays: bool = True, **options: Any) -> Callable[[Any], Any]:
    """Compile without the interpreter lock, and keep the machine code where one can write.

    A kernel that makes no arrays, nor do those that it calls, need not count who has them, and is
    inlined wherever it is called: small kernels that call each other spend most of their time on
    counting and calling.

    It is kept in ``NUMBA_CACHE_DIR``, else in ``blueattr`` in the user's cache
    (``XDG_CACHE_HOME``, else ``~/.cache``), else where numba itself finds a place; where there is
    none, and where the user has no home, the kernel is compiled anew in every process.

    With ``NUMBA_DISABLE_JIT=1`` Python runs the kernel, slowly, to step through it or to measure
    coverage.
    """

    def decorate(function: Any) -> Any:
        if config.DISABLE_JIT:
            return _interpreted(function)
        options.update(
            nogil=True, error_model="numpy", _nrt=makes_arrays, forceinline=not makes_arrays
        )
        kernel = numba.njit(**options)(function)
        if _FOLDER is not None:
            with contextlib.suppress(RuntimeError, OSError), _cached_in(_FOLDER):
                kernel._cache = _Cache(function)  # noqa: SLF001 - numba has no other way to give it one
        return kernel

    return decorate


def _interpreted(function: Any) -> Any:
    """Run a kernel in Python without numpy's warnings where machine code has none either.

    Kernels rely on integers that wrap around and on divisions by zero that give an infinity.
    """

    @functools.wraps(function)
    def kernel(*arguments: Any) -> Any:
        with np.errstate(all="ignore"):
            return function(*arguments)

    return kernel


def intrinsic(define: Callable[..., Any]) -> Callable[[Any], Any]:
    """Make a function for kernels from LLVM instructions that numba has no function for.

    Parameters
    ----------
    define
        As `numba.extending.intrinsic` takes it.

    Returns
    -------
    Callable
        A decorator of a plain function that does the same, which runs with
        ``NUMBA_DISABLE_JIT=1``, and which is kept as ``plain``.
    """

    def decorate(plain: Any) -> Any:
        function: Any = plain if config.DISABLE_JIT else llvm_intrinsic(define)
        function.plain = plain
        return function

    return decorate


# --- threads -------------------------------------------------------------------------------------


def threads() -> int:
    """Count the cores this process may use; ``NUMBA_NUM_THREADS`` can lower the number."""
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    return max(1, min(cores, int(numba.get_num_threads())))


@functools.cache
def _pool(workers: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(workers, thread_name_prefix="blueattr")


if hasattr(os, "register_at_fork"):  # threads do not survive a fork: a child starts its own
    os.register_at_fork(after_in_child=_pool.cache_clear)


def each(work: Callable[..., Any], arguments: Sequence[tuple[Any, ...]]) -> list[Any]:
    """Call ``work`` with each of a few tuples of arguments, each call on a core of its own.

    The first is for the thread that calls, and so is what no other thread has begun by then: calls
    may be nested, and a worker that is slow to wake is not waited for. Results are in order.
    """
    if len(arguments) < 2:
        return [work(*those) for those in arguments]
    pool = _pool(len(arguments) - 1)
    others = [(pool.submit(work, *those), those) for those in arguments[1:]]
    results = [work(*arguments[0])]
    for future, those in others:
        results.append(work(*those) if future.cancel() else future.result())
    return results


def stretches(n: int) -> list[tuple[int, int]]:
    """Cut ``range(n)`` into one stretch a core, each but the first from a multiple of `BLOCK`."""
    cores = threads() if n >= SPREAD_FROM else 1
    if cores == 1:
        return [(0, n)]
    length = -(-n // (cores * BLOCK)) * BLOCK
    return [(start, min(start + length, n)) for start in range(0, n, length)]


def spread(n: int, work: Callable[[int, int], Any]) -> list[Any]:
    """Call ``work(start, stop)`` on the `stretches` of ``range(n)``, on every core, in order."""
    return each(work, stretches(n))


def readonly(x: FloatArray) -> FloatArray:
    """Return a read-only view, so that numba compiles one version of a kernel and not two."""
    if x.dtype != np.float64 or x.ndim != 1 or not x.flags.c_contiguous:
        raise TypeError(f"kernels take contiguous float64 vectors, not {x.dtype} {x.shape}")
    view = x.view()
    view.flags.writeable = False
    return view
