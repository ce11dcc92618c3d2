# mypy: allow-untyped-defs, allow-untyped-calls
# (numba infers the types of what it compiles.)
"""Eight bytes of a buffer as one uint64: read, write, and find bytes in it.

numba has no function for the first three, so LLVM is told how to do them. Each stands beside plain
Python that does the same, which runs with ``NUMBA_DISABLE_JIT=1``.
"""

import numpy as np

from blueattr.kernels import compiled

__all__ = ["HIGHS", "ONES", "SIZE", "load_word", "store_word", "string_stops", "trailing_zeros"]


U = np.uint64


SIZE = 8
"""Bytes in a word."""
ONES = U(0x0101010101010101)
"""The lowest bit of each byte; ``ONES * U(c)`` is c in each byte."""
HIGHS = U(0x8080808080808080)
"""The highest bit of each byte: set in what is not ASCII."""


_QUOTES, _BACKSLASHES, _SPACES = (ONES * U(ord(char)) for char in '"\\ ')


def _pointer(context, builder, array, value, index):
    """Return a pointer to the eight bytes of a uint8 array from `index` on."""
    from blueattr.kernels.machine_code import ir  # noqa: PLC0415 - start-up time

    data = context.make_array(array)(context, builder, value).data
    return builder.bitcast(builder.gep(data, [index]), ir.IntType(64).as_pointer())


def _load_word(typing, array, index):  # noqa: ARG001 - numba calls it by types
    from blueattr.kernels.machine_code import types  # noqa: PLC0415 - start-up time

    def generate(context, builder, signature, arguments):
        word = builder.load(_pointer(context, builder, signature.args[0], *arguments))
        word.align = 1
        return word

    return types.uint64(array, types.int64), generate


@compiled.intrinsic(_load_word)
def load_word(array, index):
    """Read eight bytes of a uint8 array from any index on; the first is the lowest."""
    return U(int.from_bytes(array[index : index + SIZE].tobytes(), "little"))


def _store_word(typing, array, index, word):  # noqa: ARG001 - as above
    from blueattr.kernels.machine_code import types  # noqa: PLC0415 - start-up time

    def generate(context, builder, signature, arguments):
        array, index, word = arguments
        at = _pointer(context, builder, signature.args[0], array, index)
        builder.store(word, at).align = 1
        return context.get_dummy_value()

    return types.void(array, types.int64, types.uint64), generate


@compiled.intrinsic(_store_word)
def store_word(array, index, word):
    """Write eight bytes to a uint8 array from any index on."""
    array[index : index + SIZE] = np.frombuffer(int(word).to_bytes(SIZE, "little"), np.uint8)


def _trailing_zeros(typing, word):  # noqa: ARG001 - as above
    from blueattr.kernels.machine_code import ir, types  # noqa: PLC0415 - start-up time

    def generate(context, builder, signature, arguments):  # noqa: ARG001 - as above
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return types.uint64(types.uint64), generate


@compiled.intrinsic(_trailing_zeros)
def trailing_zeros(word):
    """Count the zero bits below the lowest bit set of a word other than 0."""
    return U((int(word) & -int(word)).bit_length() - 1)


@compiled.jit(makes_arrays=False)
def string_stops(word):
    """Mark the first quote, backslash or control code of a word by the highest bit of its byte.

    Bytes above the first may be marked wrongly: where a byte is 0, subtracting 1 from each borrows
    from the next one (Mycroft's test for a zero byte).
    """
    quotes, backslashes = word ^ _QUOTES, word ^ _BACKSLASHES
    stops = ((quotes - ONES) & ~quotes) | ((backslashes - ONES) & ~backslashes)
    return (stops | ((word - _SPACES) & ~word)) & HIGHS
