# mypy: allow-untyped-defs, allow-untyped-calls
# (numba infers the types of what it compiles.)
# ruff: noqa: PLR0917 (kernels take their arguments by position)
"""Sums of four resamples at a time, by vectors of four numbers.

numba makes no vectors of numbers that are added up in a given order, so LLVM is told how to. Each
function stands beside plain Python that does the same, which runs with ``NUMBA_DISABLE_JIT=1``.
"""

import numpy as np

from blueattr.kernels import compiled

__all__ = ["LANES", "add_ahead", "weighted_sums"]


LANES = 4
"""Resamples that are worked on together: one number of each is a vector."""

_WAYS = 4  # running sums of each: an addition takes as long as four agents


class _Vectors:
    """Writes LLVM instructions about vectors of `LANES` numbers."""

    def __init__(self, context, builder, signature, arguments):
        from blueattr.kernels.machine_code import cgutils, ir  # noqa: PLC0415 - start-up time

        self.context, self.builder, self.signature = context, builder, signature
        self.arguments, self.ir, self.cgutils = arguments, ir, cgutils
        self.word = ir.IntType(64)
        self.floats = ir.VectorType(ir.DoubleType(), LANES)

    def constant(self, number):
        return self.ir.Constant(self.word, number)

    def start(self, place):
        """Return where the numbers of an array are, which is an argument."""
        kind = self.signature.args[place]
        return self.context.make_array(kind)(
            self.context, self.builder, self.arguments[place]
        ).data  # fmt: skip

    def _at(self, start, row, kind):
        at = self.builder.gep(start, [self.builder.mul(row, self.constant(LANES))])
        return self.builder.bitcast(at, kind.as_pointer())

    def drawn(self, start, row):
        """Return how often each resample has an agent, of an array int32 (n, `LANES`)."""
        ints = self.ir.VectorType(self.ir.IntType(32), LANES)
        found = self.builder.load(self._at(start, row, ints))
        found.align = 4
        return self.builder.sitofp(found, self.floats)

    def row(self, start, row):
        """Return a row of an array float64 (n, `LANES`)."""
        found = self.builder.load(self._at(start, self.constant(row), self.floats))
        found.align = 8
        return found

    def keep(self, start, row, vector):
        """Write a row of an array float64 (n, `LANES`)."""
        at = self._at(start, self.constant(row), self.floats)
        self.builder.store(vector, at).align = 8

    def every(self, number):
        """Return a vector of one number."""
        nothing = self.ir.Constant(self.floats, self.ir.Undefined)
        one = self.builder.insert_element(nothing, number, self.ir.Constant(self.ir.IntType(32), 0))
        first = self.ir.Constant(self.ir.VectorType(self.ir.IntType(32), LANES), [0] * LANES)
        return self.builder.shuffle_vector(one, nothing, first)

    def variable(self, vector=None):
        """Return room for a vector, by default of zeros."""
        zeros = self.ir.Constant(self.floats, [0.0] * LANES)
        room = self.cgutils.alloca_once(self.builder, self.floats)
        self.builder.store(zeros if vector is None else vector, room)
        return room

    def add(self, room, x, y=None):
        """Add a vector, or the product of two, to what a variable has."""
        more = x if y is None else self.builder.fmul(x, y)
        self.builder.store(self.builder.fadd(self.builder.load(room), more), room)


def _weighted_sums(typing, x, first, size, times, sums):  # noqa: ARG001 - numba calls it by types
    from blueattr.kernels.machine_code import types  # noqa: PLC0415 - start-up time

    def generate(context, builder, signature, arguments):
        write = _Vectors(context, builder, signature, arguments)
        numbers = builder.gep(write.start(0), [arguments[1]])
        size, times = arguments[2], write.start(3)
        ways = [write.variable() for _ in range(_WAYS)]

        def add(way, agent):
            x = write.every(builder.load(builder.gep(numbers, [agent])))
            write.add(ways[way], x, write.drawn(times, agent))

        rest = builder.urem(size, write.constant(_WAYS))
        whole = builder.sub(size, rest)
        steps = builder.udiv(size, write.constant(_WAYS))
        with write.cgutils.for_range(builder, steps) as loop:
            start = builder.mul(loop.index, write.constant(_WAYS))
            for way in range(_WAYS):
                add(way, builder.add(start, write.constant(way)))
        with write.cgutils.for_range(builder, rest) as loop:
            add(0, builder.add(whole, loop.index))
        a, b, c, d = map(builder.load, ways)
        write.keep(write.start(4), 0, builder.fadd(builder.fadd(a, b), builder.fadd(c, d)))
        return context.get_dummy_value()

    return types.void(x, types.int64, types.int64, times, sums), generate


@compiled.intrinsic(_weighted_sums)
def weighted_sums(x, first, size, times, sums):
    """Write Σ x·times of agents from the first on into sums, float64 (`LANES`,).

    Four running sums take turns, and the first has what is left over.
    """
    products = x[first : first + size, None] * times[:size]
    whole = size // _WAYS * _WAYS
    ways = np.zeros((_WAYS, LANES))
    for way in range(_WAYS):
        for product in products[way:whole:_WAYS]:
            ways[way] += product
    for product in products[whole:]:
        ways[0] += product
    sums[:] = (ways[0] + ways[1]) + (ways[2] + ways[3])


def _add_ahead(typing, s, first, size, times, at, before, sums):  # noqa: ARG001 - as above
    from blueattr.kernels.machine_code import types  # noqa: PLC0415 - start-up time

    def generate(context, builder, signature, arguments):
        write = _Vectors(context, builder, signature, arguments)
        _, first, size, _, at, before, _ = arguments
        numbers, times, start = (write.start(place) for place in (0, 3, 6))
        below, excess, total = (write.variable(write.row(start, row)) for row in range(3))
        last = write.cgutils.alloca_once_value(builder, before)
        with write.cgutils.for_range(builder, size) as loop:
            now = builder.load(builder.gep(numbers, [builder.add(first, loop.index)]))
            step = write.every(builder.fsub(now, builder.load(last)))
            builder.store(now, last)
            drawn = write.drawn(times, builder.add(at, loop.index))
            write.add(excess, builder.load(below), step)
            write.add(total, drawn, builder.load(excess))
            write.add(below, drawn)
        for row, room in enumerate((below, excess, total)):
            write.keep(start, row, builder.load(room))
        return context.get_dummy_value()

    whole = types.int64
    return types.void(s, whole, whole, times, whole, types.float64, sums), generate


@compiled.intrinsic(_add_ahead)
def add_ahead(s, first, size, times, at, before, sums):
    """Add up by how much agents of one tier are ahead of those drawn before them.

    Parameters
    ----------
    s, first, size
        float64 (n,), ascending; of these the agents from the first on.
    times, at
        int32 (k, `LANES`): how often each resample has each agent, the first in row `at`.
    before
        s of the agent before the first.
    sums
        float64 (3, `LANES`), of each resample: how many agents were drawn before, by how much the
        last one was ahead of them, and the sum of that over the agents of the tier.
    """
    below, excess, total = sums
    for k in range(size):
        excess += below * (s[first + k] - before)
        before = s[first + k]
        total += times[at + k] * excess
        below += times[at + k]
