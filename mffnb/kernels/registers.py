"""Inner loops whose numbers stay in vector registers, as instructions for the compiler.

A loop in Python leaves it to the compiler which numbers to keep in registers, and it keeps too few of them there: what
is written here loads each number once and runs at the pace of the multipliers. Instructions are for vectors of any
length, which the compiler maps to those of the machine.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.errors import TypingError
from numba.extending import intrinsic

from mffnb.kernels.compile import kernel
from mffnb.kernels.plain_registers import LANES
from mffnb.typing import Array

_INT, _DOUBLE = ir.IntType(64), ir.DoubleType()
# To be read, little used, data: into the second-level cache. The first one takes too few requests at once to keep up
# with memory.
_READ_LATER = 0, 1, 1
_LINE = 8  # numbers of a line of the cache


class Vectors:
    """Writes instructions for vectors of so many float64 numbers.

    Parameters
    ----------
    context, builder
        Of numba, where instructions are written.
    lanes
        Numbers in a vector.
    """

    def __init__(self, context: Any, builder: Any, lanes: int):
        self.context, self.builder = context, builder
        self.type = ir.VectorType(_DOUBLE, lanes)
        self.zero = ir.Constant(self.type, [0.0] * lanes)
        self._lanes = lanes
        self._nothing = ir.Constant(self.type, ir.Undefined)
        self._first = ir.Constant(ir.VectorType(ir.IntType(32), lanes), [0] * lanes)

    def array(self, kind: Any, value: Any) -> tuple[Any, Any]:
        """Where the numbers of an array begin, and the length of its last axis."""
        array = self.context.make_array(kind)(self.context, self.builder, value)
        return array.data, self.builder.extract_value(array.shape, kind.ndim - 1)

    def load(self, data: Any, at: Any) -> Any:
        """Numbers that lie side by side."""
        loaded = self.builder.load(self._pointer(data, at))
        loaded.align = 8
        return loaded

    def store(self, vector: Any, data: Any, at: Any) -> None:
        """Put numbers side by side."""
        self.builder.store(vector, self._pointer(data, at)).align = 8

    def ask_for(self, data: Any, at: Any) -> None:
        """Have a number brought into the second-level cache, for later; it need not exist."""
        word = ir.IntType(32)
        place = self.builder.bitcast(self.builder.gep(data, [at]), ir.IntType(8).as_pointer())
        kind = ir.FunctionType(ir.VoidType(), [place.type, word, word, word])
        fetch = cgutils.get_or_insert_function(self.builder.module, kind, "llvm.prefetch.p0")
        self.builder.call(fetch, [place, *(ir.Constant(word, value) for value in _READ_LATER)])

    def spread(self, data: Any, at: Any) -> Any:
        """One number, of any type, in all places."""
        number = self.builder.load(self.builder.gep(data, [at]))
        pair = self.builder.insert_element(self._nothing, number, ir.Constant(ir.IntType(32), 0))
        return self.builder.shuffle_vector(pair, self._nothing, self._first)

    def multiply_add(self, a: Any, b: Any, c: Any) -> Any:
        """``a b + c``, rounded once where the machine can."""
        kind = ir.FunctionType(self.type, [self.type] * 3)
        name = f"llvm.fmuladd.v{self._lanes}f64"
        return self.builder.call(cgutils.get_or_insert_function(self.builder.module, kind, name), [a, b, c])

    def positive(self, vector: Any) -> Any:
        """Numbers that are not above zero, or not a number, become zero."""
        return self.builder.select(self.builder.fcmp_ordered(">", vector, self.zero), vector, self.zero)

    def sum(self, vector: Any) -> Any:
        """The sum of all places."""
        kind = ir.FunctionType(_DOUBLE, [_DOUBLE, self.type])
        add = cgutils.get_or_insert_function(self.builder.module, kind, f"llvm.vector.reduce.fadd.v{self._lanes}f64")
        return self.builder.call(add, [ir.Constant(_DOUBLE, -0.0), vector], fastmath=("reassoc",))

    def loop(self, first: int, last: Any, carried: Sequence[Any], body: Any) -> list[Any]:
        """``for l in range(first, last): carried = body(l, carried)``; what is carried at the end."""
        builder = self.builder
        before = builder.block
        head, inside, after = (builder.append_basic_block(f"loop.{name}") for name in ("head", "inside", "after"))
        builder.branch(head)
        builder.position_at_end(head)
        count, now = builder.phi(_INT), [builder.phi(self.type) for _ in carried]
        builder.cbranch(builder.icmp_signed("<", count, last), inside, after)
        builder.position_at_end(inside)
        following = body(count, list(now))
        more = builder.add(count, number(1))
        for phi, start, then in zip((count, *now), (number(first), *carried), (more, *following), strict=True):
            phi.add_incoming(start, before)
            phi.add_incoming(then, builder.block)
        builder.branch(head)
        builder.position_at_end(after)
        return list(now)

    def choose(self, value: Any, cases: Iterable[int], body: Any) -> None:
        """``body(case)`` for the case that the value is; nothing for any other."""
        builder = self.builder
        after = builder.append_basic_block("chosen")
        switch = builder.switch(value, after)
        for case in cases:
            block = builder.append_basic_block(f"case.{case}")
            switch.add_case(number(case), block)
            builder.position_at_end(block)
            body(case)
            builder.branch(after)
        builder.position_at_end(after)

    def _pointer(self, data: Any, at: Any) -> Any:
        return self.builder.bitcast(self.builder.gep(data, [at]), self.type.as_pointer())


def number(value: int) -> Any:
    """A whole number."""
    return ir.Constant(_INT, value)


def _in_order(*arrays: Any) -> None:
    """Refuse arrays whose numbers do not lie side by side, row after row."""
    for array in arrays:
        if not (isinstance(array, types.Array) and array.layout == "C" and array.dtype == types.float64):
            raise TypingError(f"float64 arrays in C order are wanted here, got {array}")


def strip(most: int, lanes: int) -> Any:
    r"""Make a small product in registers.

    ``strip(count, left, first, across, along, right, begin, pitch, steps, out, at, row, source, ahead, every)`` adds
    :math:`\sum_l` ``left[first + r across + l along] right[begin + l pitch + lane]`` to ``out[at + r row + lane]`` for
    r below ``count``, which is ``most`` at most, l below ``steps``, and all lanes. Every array counts as one row of
    numbers; all are float64 in C order, and nothing is checked.

    While it computes, numbers of ``source`` from ``ahead + l every`` on are brought into the second-level cache: a line
    of it at each step, two where there are more than eight rows. This costs nothing where the multipliers are what is
    waited for. The numbers may lie beyond the end.
    """

    def write(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        count, _, first, across, along, _, begin, pitch, steps, _, at, row, _, ahead, every = arguments
        vectors = Vectors(context, builder, lanes)
        numbers, basis, sums, source = (vectors.array(signature.args[i], arguments[i])[0] for i in (1, 5, 9, 12))

        def of(height: int) -> None:
            starts = [builder.add(first, builder.mul(across, number(r))) for r in range(height)]

            def step(now: Any, totals: list[Any]) -> list[Any]:
                for line in range(0, height, _LINE):
                    vectors.ask_for(source, builder.add(ahead, builder.add(builder.mul(now, every), number(line))))
                vector = vectors.load(basis, builder.add(begin, builder.mul(now, pitch)))
                shift = builder.mul(now, along)
                return [
                    vectors.multiply_add(vectors.spread(numbers, builder.add(start, shift)), vector, total)
                    for start, total in zip(starts, totals, strict=True)
                ]

            for r, total in enumerate(vectors.loop(0, steps, [vectors.zero] * height, step)):
                place = builder.add(at, builder.mul(row, number(r)))
                vectors.store(builder.fadd(vectors.load(sums, place), total), sums, place)

        vectors.choose(count, range(1, most + 1), of)
        return context.get_dummy_value()

    whole = types.int64

    @intrinsic
    def add(typing, count, left, first, across, along, right, begin, pitch, steps, out, at, row, source, ahead, every):  # type: ignore[no-untyped-def] # noqa: ARG001
        _in_order(left, right, out)
        pair, place = (whole, whole), (whole, whole, whole)
        return types.void(whole, left, *place, right, *place, out, *pair, source, *pair), write

    return add


def descent(k: int) -> Any:
    """Make ``descent(factor, start, cross, at, ratios, curvature, sweeps)``: ``LANES`` entries, all k components.

    Each component in turn goes to ``max(0, cross_j / curvature_j + sum_l ratios_jl f_l)`` over entries from ``start``
    of ``factor`` and from ``at`` of ``cross``, both (k, any), again and again; ``ratios`` (k, k) has
    ``-gram_jl / gram_jj`` beside its diagonal, which is not looked at, and ``curvature`` (2, k) the diagonal of the
    gram and one over it. Returns the sum over components of ``curvature_j |step|^2`` of the first sweep.
    """

    @intrinsic
    def descend(typing, factor, start, cross, at, ratios, curvature, sweeps):  # type: ignore[no-untyped-def] # noqa: ARG001
        _in_order(factor, cross, ratios, curvature)

        def write(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            vectors = Vectors(context, builder, LANES)
            (rows, entries), (pulls, width), (weights, _), (sizes, _) = (
                vectors.array(signature.args[i], arguments[i]) for i in (0, 2, 4, 5)
            )
            start, at, sweeps = arguments[1], arguments[3], arguments[6]

            def reached(j: int, values: list[Any]) -> Any:
                pull = vectors.load(pulls, builder.add(builder.mul(number(j), width), at))
                total = builder.fmul(pull, vectors.spread(sizes, number(k + j)))
                # The component that moved last is asked for last: by then it is there.
                for other in (*range(j + 1, k), *range(j)):
                    total = vectors.multiply_add(vectors.spread(weights, number(j * k + other)), values[other], total)
                return vectors.positive(total)

            def sweep(_: Any, values: list[Any]) -> list[Any]:
                for j in range(k):
                    values[j] = reached(j, values)
                return values

            places = [builder.add(builder.mul(number(j), entries), start) for j in range(k)]
            values, moved = [vectors.load(rows, place) for place in places], vectors.zero
            for j in range(k):
                new = reached(j, values)
                step = builder.fsub(new, values[j])
                moved = vectors.multiply_add(builder.fmul(step, step), vectors.spread(sizes, number(j)), moved)
                values[j] = new
            for place, value in zip(places, vectors.loop(1, sweeps, values, sweep), strict=True):
                vectors.store(value, rows, place)
            return vectors.sum(moved)

        whole = types.int64
        return types.float64(factor, whole, cross, whole, ratios, curvature, whole), write

    return descend


_add, _descend = strip(2, LANES), descent(1)


@kernel()
def _use(numbers: Array, one: Array) -> float:
    _add(1, one, 0, 1, 1, numbers, 0, LANES, 1, numbers, 0, LANES, numbers, 0, 0)
    moved: float = _descend(numbers, 0, numbers, 0, one, np.ones((2, 1)), 1)
    return moved


def build() -> None:
    """Build and run both kinds of instructions once; raise an error if that fails. The machine code is cached."""
    _use(np.zeros((1, LANES)), np.ones((1, 1)))
