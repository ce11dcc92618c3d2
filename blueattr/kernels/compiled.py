# mypy: allow-untyped-defs, allow-untyped-calls
# (numba infers the types of what it compiles; what is public here is typed.)
"""What every kernel needs: compilation, threads, and the arrays it takes.

A kernel here is compiled without the interpreter lock and works on a stretch of agents; `spread`
runs it on stretches in ordinary threads. Unlike numba's own threading layers this may be called
from several threads at once, survives a fork, and compiles in a fraction of the time.
"""

import functools
import os
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = [
    "BLOCK",
    "FloatArray",
    "IndexArray",
    "IntArray",
    "each",
    "few",
    "intrinsic",
    "is_kept",
    "jit",
    "readonly",
    "spread",
    "stretches",
    "threads",
]


FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
IndexArray = npt.NDArray[np.uint32]


BLOCK = 1024
"""Numbers added as floats before they become an integer: 2^31 · 2^10 stays far below 2^53."""


SPREAD_FROM = 1 << 17  # fewer agents than this are not worth a second thread


# --- compilation ---------------------------------------------------------------------------------


# Kernels compile those that they call, and one thread at a time makes them known to numba.
_MAKING = threading.RLock()


class _Lazy:
    """A kernel or intrinsic that numba comes to know when it is first called.

    Parameters
    ----------
    plain
        The Python function.
    make
        Returns what numba makes of it.
    """

    def __init__(self, plain: Any, make: Callable[[], Any]) -> None:
        functools.update_wrapper(self, plain)
        self.plain = plain
        self._make = make

    @functools.cached_property
    def compiled(self) -> Any:
        """What numba has made of the function."""
        with _MAKING:
            made = self.__dict__.get("compiled")  # by the thread that was waited for
            return self._make() if made is None else made

    @property
    def _numba_type_(self) -> Any:
        """What numba asks for where another kernel calls this one."""
        from blueattr.kernels.machine_code import numba_type  # noqa: PLC0415 - start-up time

        return numba_type(self.compiled)

    def __call__(self, *arguments: Any) -> Any:
        return self.compiled(*arguments)


def jit(*, makes_arrays: bool = True, **options: Any) -> Callable[[Any], Any]:
    """Compile without the interpreter lock, and keep the machine code where one can write.

    A kernel that makes no arrays, nor do those that it calls, need not count who has them, and is
    inlined wherever it is called: small kernels that call each other spend most of their time on
    counting and calling.

    It is compiled when it is first called. The machine code is kept in ``NUMBA_CACHE_DIR``, else
    in ``blueattr`` in the user's cache (``XDG_CACHE_HOME``, else ``~/.cache``), else where numba
    itself finds a place; where there is none, and where the user has no home, the kernel is
    compiled anew in every process.

    With ``NUMBA_DISABLE_JIT=1`` Python runs the kernel, slowly, to step through it or to measure
    coverage.
    """

    def decorate(function: Any) -> Any:
        def make() -> Any:
            from blueattr.kernels.machine_code import compile_kernel  # noqa: PLC0415 - start-up

            return compile_kernel(function, makes_arrays=makes_arrays, **options)

        return _Lazy(function, make)

    return decorate


# What numpy may do in place of kernels, in steps of about 10 ns: a small part of the time that it
# takes to load numba and machine code. A call counts for as many at least; where one has more,
# others will follow that need machine code in any case.
_MOST_STEPS = 1 << 23
_LEAST, _MOST = 1 << 10, 1 << 21
_steps = 0


def few(n: int, steps: float = 1) -> bool:
    """Return whether numpy should work on `n` elements in place of a kernel.

    It should in a process that has done little so far and has loaded no machine code. What numpy
    does then is equal to the bit, so that this decides about time and nothing else.

    Parameters
    ----------
    n
        The number of elements.
    steps
        How long numpy takes for each, in units of 10 ns.
    """
    global _steps  # noqa: PLW0603 - a count of the process, as the machine code is
    taken = max(int(n * steps), _LEAST)
    if "blueattr.kernels.machine_code" in sys.modules or taken > _MOST:
        return False
    _steps += taken
    return _steps <= _MOST_STEPS


def is_kept(kernel: Any) -> bool:
    """Return whether an earlier process has kept machine code of a kernel.

    Parameters
    ----------
    kernel
        As `jit` returns it.
    """
    from blueattr.kernels import machine_code  # noqa: PLC0415 - start-up time

    return machine_code.is_kept(kernel.compiled)


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
        def make() -> Any:
            from blueattr.kernels.machine_code import compile_intrinsic  # noqa: PLC0415 - start-up

            return compile_intrinsic(define, plain)

        return _Lazy(plain, make)

    return decorate


# --- threads -------------------------------------------------------------------------------------


def threads() -> int:
    """Count the cores this process may use; ``NUMBA_NUM_THREADS`` can lower the number."""
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    most = os.environ.get("NUMBA_NUM_THREADS", "")
    return max(1, min(cores, int(most))) if most.isdecimal() else max(1, cores)


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
