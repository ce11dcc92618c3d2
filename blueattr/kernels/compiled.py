# mypy: allow-untyped-defs
# (numba infers the types of what it compiles; what is public here is typed.)
"""What every kernel needs: compilation, threads, and the arrays it takes.

A kernel here is compiled without the interpreter lock and works on a stretch of agents; `spread`
runs it on stretches in ordinary threads. Unlike numba's own threading layers this may be called
from several threads at once, survives a fork, and compiles in a fraction of the time.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numba
import numpy as np
import numpy.typing as npt

__all__ = ["BLOCK", "FloatArray", "IndexArray", "IntArray", "jit", "readonly", "spread", "threads"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
IndexArray = npt.NDArray[np.uint32]

BLOCK = 1024
"""Numbers added as floats before they become an integer: 2^31 · 2^10 stays far below 2^53."""

SPREAD_FROM = 1 << 17  # fewer agents than this are not worth a second thread


def jit(**options: Any) -> Callable[[Any], Any]:
    """Compile without the interpreter lock, and keep the machine code where one can write.

    numba looks for a folder beside the source, then in the user's cache; where neither can be
    written it refuses, and the kernel is compiled anew in every process.
    """

    def decorate(function: Any) -> Any:
        try:
            return numba.njit(nogil=True, cache=True, error_model="numpy", **options)(function)
        except (RuntimeError, OSError):
            return numba.njit(nogil=True, error_model="numpy", **options)(function)

    return decorate


def threads() -> int:
    """Count the cores this process may use; ``NUMBA_NUM_THREADS`` can lower the number."""
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    return max(1, min(cores, int(numba.get_num_threads())))


def spread(n: int, work: Callable[[int, int], Any]) -> list[Any]:
    """Call ``work(start, stop)`` on stretches that cover ``range(n)``, on every core.

    The stretches start at multiples of `BLOCK`. What comes back is in their order.
    """
    cores = threads() if n >= SPREAD_FROM else 1
    if cores == 1:
        return [work(0, n)]
    stretch = -(-n // (cores * BLOCK)) * BLOCK
    starts = range(0, n, stretch)
    with ThreadPoolExecutor(cores) as pool:
        return list(pool.map(lambda start: work(start, min(start + stretch, n)), starts))


def readonly(x: FloatArray) -> FloatArray:
    """Give a read-only view, so that numba compiles one version of a kernel and not two."""
    if x.dtype != np.float64 or x.ndim != 1 or not x.flags.c_contiguous:
        raise TypeError(f"kernels take contiguous float64 vectors, not {x.dtype} {x.shape}")
    view = x.view()
    view.flags.writeable = False
    return view
