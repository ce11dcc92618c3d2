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
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numba
import numpy as np
import numpy.typing as npt
from llvmlite import ir  # type: ignore[import-untyped]  # it ships none
from numba.core import caching
from numba.core import config as _untyped_config
from numba.core.registry import cpu_target
from numba.extending import intrinsic

__all__ = [
    "BLOCK",
    "LANES",
    "FloatArray",
    "IndexArray",
    "IntArray",
    "copy_lanes",
    "each",
    "high_lanes",
    "jit",
    "load_word",
    "readonly",
    "spread",
    "stretches",
    "text_ends",
    "threads",
    "trailing_zeros",
]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
IndexArray = npt.NDArray[np.uint32]

BLOCK = 1024
"""Numbers added as floats before they become an integer: 2^31 · 2^10 stays far below 2^53."""

SPREAD_FROM = 1 << 17  # fewer agents than this are not worth a second thread


# --- compilation ---------------------------------------------------------------------------------

config: Any = _untyped_config  # its settings are made at run time


def _cache_folder() -> Path:
    """Name the folder for machine code: one for each state of the kernels, numba and processor.

    Kernels of one module are inlined into those of another, while numba looks at the file of the
    outer one alone; and it numbers its files so that processes which write at once may exchange
    them. In a folder of like with like nothing is stale, and what is exchanged is the same.
    """
    processor = cpu_target.target_context.codegen().magic_tuple()
    state = hashlib.sha256(repr((numba.__version__, processor)).encode())
    for source in sorted(Path(__file__).parent.glob("*.py")):
        state.update(source.read_bytes())
    if config.CACHE_DIR:  # NUMBA_CACHE_DIR
        home = Path(config.CACHE_DIR)
    else:
        home = Path(os.environ.get("XDG_CACHE_HOME", ""))
        if not home.is_absolute():  # the XDG Base Directory Specification has it ignored
            home = Path(os.path.expanduser("~/.cache"))  # noqa: PTH111 - pathlib's raises where there is no home
        home /= "blueattr"
    return home / f"kernels-{state.hexdigest()[:16]}"


@contextlib.contextmanager
def _cached_in(folder: str) -> Iterator[None]:
    """Have numba choose a folder for functions defined here, and for nobody else's."""
    before = config.CACHE_DIR
    config.CACHE_DIR = folder
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


_FOLDER = str(_cache_folder())


def jit(*, makes_arrays: bool = True, **options: Any) -> Callable[[Any], Any]:
    """Compile without the interpreter lock, and keep the machine code where one can write.

    A kernel that makes no arrays, nor do those that it calls, need not count who has them: in small
    kernels that call each other most of the time goes there.

    It is kept in ``NUMBA_CACHE_DIR``, else in ``blueattr`` in the user's cache
    (``XDG_CACHE_HOME``, else ``~/.cache``), else where numba itself finds a place; where there is
    none the kernel is compiled anew in every process.
    """

    def decorate(function: Any) -> Any:
        options.update(nogil=True, error_model="numpy", _nrt=makes_arrays)
        kernel = numba.njit(**options)(function)
        with contextlib.suppress(RuntimeError, OSError), _cached_in(_FOLDER):
            kernel._cache = _Cache(function)  # noqa: SLF001 - numba has no other way to give it one
        return kernel

    return decorate


# --- what numba has no function for --------------------------------------------------------------


def _load_word(typing, array, index):  # noqa: ARG001 - numba calls it by types
    """Eight bytes of a uint8 array from any index on as one uint64, the first the lowest."""

    def generate(context, builder, signature, arguments):
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        at = builder.bitcast(builder.gep(data, [arguments[1]]), ir.IntType(64).as_pointer())
        word = builder.load(at)
        word.align = 1
        return word

    return numba.types.uint64(array, numba.types.int64), generate


load_word: Any = intrinsic(_load_word)


def _trailing_zeros(typing, word):  # noqa: ARG001 - as above
    """How many of the lowest bits of a uint64 other than 0 are not set."""

    def generate(context, builder, signature, arguments):  # noqa: ARG001 - as above
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return numba.types.uint64(numba.types.uint64), generate


trailing_zeros: Any = intrinsic(_trailing_zeros)

LANES = 64
"""Bytes that are looked at at once, as many as a uint64 has bits; LLVM cuts them to what fits."""

_BYTES = ir.VectorType(ir.IntType(8), LANES)


def _lanes_at(context, builder, array, value, index):
    data = context.make_array(array)(context, builder, value).data
    return builder.bitcast(builder.gep(data, [index]), _BYTES.as_pointer())


def _load_lanes(context, builder, array, value, index):
    lanes = builder.load(_lanes_at(context, builder, array, value, index))
    lanes.align = 1
    return lanes


def _each_lane(byte):
    return ir.Constant(_BYTES, [byte] * LANES)


def _ends_text(builder, lanes):
    quotes = builder.icmp_unsigned("==", lanes, _each_lane(ord('"')))
    slashes = builder.icmp_unsigned("==", lanes, _each_lane(ord("\\")))
    return builder.or_(
        builder.or_(quotes, slashes), builder.icmp_unsigned("<", lanes, _each_lane(ord(" ")))
    )


def _as_bits(builder, lanes):
    return builder.bitcast(lanes, ir.IntType(LANES))


def _text_ends(typing, array, index):  # noqa: ARG001 - as above
    """Bits for `LANES` bytes of a uint8 array: which are quotes, backslashes or control codes."""

    def generate(context, builder, signature, arguments):
        lanes = _load_lanes(context, builder, signature.args[0], *arguments)
        return _as_bits(builder, _ends_text(builder, lanes))

    return numba.types.uint64(array, numba.types.int64), generate


text_ends: Any = intrinsic(_text_ends)


def _high_lanes(typing, array, index):  # noqa: ARG001 - as above
    """Bits for `LANES` bytes of a uint8 array: which are not ASCII."""

    def generate(context, builder, signature, arguments):
        lanes = _load_lanes(context, builder, signature.args[0], *arguments)
        return _as_bits(builder, builder.icmp_signed("<", lanes, _each_lane(0)))

    return numba.types.uint64(array, numba.types.int64), generate


high_lanes: Any = intrinsic(_high_lanes)


def _copy_lanes(typing, source, index, target, at):  # noqa: ARG001 - as above
    """Copy `LANES` bytes from one uint8 array to another."""

    def generate(context, builder, signature, arguments):
        arrays, (source, index, target, at) = signature.args, arguments
        lanes = _load_lanes(context, builder, arrays[0], source, index)
        store = builder.store(lanes, _lanes_at(context, builder, arrays[2], target, at))
        store.align = 1
        return context.get_dummy_value()

    return numba.types.void(source, numba.types.int64, target, numba.types.int64), generate


copy_lanes: Any = intrinsic(_copy_lanes)


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
    """Give a read-only view, so that numba compiles one version of a kernel and not two."""
    if x.dtype != np.float64 or x.ndim != 1 or not x.flags.c_contiguous:
        raise TypeError(f"kernels take contiguous float64 vectors, not {x.dtype} {x.shape}")
    view = x.view()
    view.flags.writeable = False
    return view
