"""Vectorised inner loops that keep their operands in vector registers, written as LLVM instructions.

In a loop written in Python the compiler decides which values stay in registers, and it keeps too few of them there. The
code generated here loads each value once and is limited by the multipliers alone. Instructions use vectors of any
length, which the compiler maps to those of the machine.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.errors import TypingError
from numba.extending import intrinsic

from mffnb.kernels.compile import kernel
from mffnb.kernels.plain_registers import LANES
from mffnb.typing import Array

#: First version of numba with which the tests were run, and the first one with which they were not.
TESTED_VERSIONS = (0, 61), (0, 69)
_INT, _DOUBLE = ir.IntType(64), ir.DoubleType()
# Arguments of llvm.prefetch: read access, low locality, data. They select the second-level cache, because the
# first-level cache allows too few outstanding requests to keep up with memory.
_PREFETCH_READ_L2 = 0, 1, 1
_CACHE_LINE = 64  # bytes
_ROWS_OF_A_LINE = 8  # rows of a strip for which one cache line is prefetched at each step


class VectorBuilder:
    """Generate LLVM instructions for vectors of ``lanes`` float64 numbers.

    Parameters
    ----------
    context, builder
        Context and LLVM builder of numba's code generation.
    lanes
        Number of float64 numbers in a vector.
    """

    def __init__(self, context: Any, builder: Any, lanes: int):
        self.context, self.builder = context, builder
        self.type = ir.VectorType(_DOUBLE, lanes)
        self.zero = ir.Constant(self.type, [0.0] * lanes)
        self.lanes = lanes
        self._nothing = ir.Constant(self.type, ir.Undefined)
        self._first = ir.Constant(ir.VectorType(ir.IntType(32), lanes), [0] * lanes)

    def array(self, kind: Any, value: Any) -> tuple[Any, Any]:
        """Generate access to an array argument: return the pointer to its data and the length of its last axis."""
        array = self.context.make_array(kind)(self.context, self.builder, value)
        return array.data, self.builder.extract_value(array.shape, kind.ndim - 1)

    def load(self, data: Any, at: Any) -> Any:
        """Generate the load of a vector of ``lanes`` contiguous numbers, from index ``at`` on."""
        loaded = self.builder.load(self._pointer(data, at))
        loaded.align = 8
        return loaded

    def store(self, vector: Any, data: Any, at: Any) -> None:
        """Generate the store of a vector to contiguous numbers, from index ``at`` on."""
        self.builder.store(vector, self._pointer(data, at)).align = 8

    def prefetch(self, data: Any, at: Any) -> None:
        """Generate a prefetch of the cache line at byte ``at`` (second-level cache); its address may be invalid."""
        word = ir.IntType(32)
        place = self.builder.gep(self.builder.bitcast(data, ir.IntType(8).as_pointer()), [at])
        kind = ir.FunctionType(ir.VoidType(), [place.type, word, word, word])
        prefetch_intrinsic = cgutils.get_or_insert_function(self.builder.module, kind, "llvm.prefetch.p0")
        self.builder.call(prefetch_intrinsic, [place, *(ir.Constant(word, value) for value in _PREFETCH_READ_L2)])

    def broadcast(self, data: Any, at: Any) -> Any:
        """Generate the load of the number at index ``at``, copied to all lanes of a vector."""
        return self.in_all_lanes(self.builder.load(self.builder.gep(data, [at])))

    def in_all_lanes(self, value: Any) -> Any:
        """Generate the vector with a number in all of its lanes."""
        pair = self.builder.insert_element(self._nothing, value, ir.Constant(ir.IntType(32), 0))
        return self.builder.shuffle_vector(pair, self._nothing, self._first)

    def multiply_add(self, a: Any, b: Any, c: Any) -> Any:
        """Generate ``a b + c`` as a fused multiply-add, if the machine has one."""
        kind = ir.FunctionType(self.type, [self.type] * 3)
        name = f"llvm.fmuladd.v{self.lanes}f64"
        return self.builder.call(cgutils.get_or_insert_function(self.builder.module, kind, name), [a, b, c])

    def clip_at_zero(self, vector: Any) -> Any:
        """Generate the vector with negative numbers and NaN set to zero."""
        return self.builder.select(self.builder.fcmp_ordered(">", vector, self.zero), vector, self.zero)

    def sum(self, vector: Any) -> Any:
        """Generate the sum of all lanes of a vector."""
        kind = ir.FunctionType(_DOUBLE, [_DOUBLE, self.type])
        add = cgutils.get_or_insert_function(self.builder.module, kind, f"llvm.vector.reduce.fadd.v{self.lanes}f64")
        return self.builder.call(add, [ir.Constant(_DOUBLE, -0.0), vector], fastmath=("reassoc",))

    def loop(self, first: Any, last: Any, carried: Sequence[Any], body: Any) -> list[Any]:
        """Generate ``for l in range(first, last): carried = body(l, carried)``; return the final ``carried``."""
        builder = self.builder
        before = builder.block
        head, inside, after = (builder.append_basic_block(f"loop.{name}") for name in ("head", "inside", "after"))
        builder.branch(head)
        builder.position_at_end(head)
        count, now = builder.phi(_INT), [builder.phi(start.type) for start in carried]
        builder.cbranch(builder.icmp_signed("<", count, last), inside, after)
        builder.position_at_end(inside)
        following = body(count, list(now))
        more = builder.add(count, constant(1))
        for phi, start, then in zip((count, *now), (first, *carried), (more, *following), strict=True):
            phi.add_incoming(start, before)
            phi.add_incoming(then, builder.block)
        builder.branch(head)
        builder.position_at_end(after)
        return list(now)

    def choose(self, condition: Any, body: Any, otherwise: Any) -> Any:
        """Generate ``body() if condition else otherwise``, which computes ``body()`` only if it is needed."""
        builder = self.builder
        before = builder.block
        with builder.if_then(condition):
            value, inside = body(), builder.block
        result = builder.phi(self.type)
        result.add_incoming(otherwise, before)
        result.add_incoming(value, inside)
        return result

    def switch_case(self, value: Any, cases: Iterable[int], body: Any) -> None:
        """Generate a branch to ``body(case)`` for the case that equals a value; any other value does nothing."""
        builder = self.builder
        after = builder.append_basic_block("chosen")
        switch = builder.switch(value, after)
        for case in cases:
            block = builder.append_basic_block(f"case.{case}")
            switch.add_case(constant(case), block)
            builder.position_at_end(block)
            body(case)
            builder.branch(after)
        builder.position_at_end(after)

    def _pointer(self, data: Any, at: Any) -> Any:
        return self.builder.bitcast(self.builder.gep(data, [at]), self.type.as_pointer())


def constant(value: int) -> Any:
    """Return an integer constant of 64 bits."""
    return ir.Constant(_INT, value)


def _require_c_order(*arrays: Any) -> None:
    """Raise a typing error of numba for array arguments that are not float64 in C order."""
    for array in arrays:
        if not (isinstance(array, types.Array) and array.layout == "C" and array.dtype == types.float64):
            raise TypingError(f"float64 arrays in C order are wanted here, got {array}")


def strip_product(heights: Sequence[int], lanes: int) -> Any:
    r"""Generate a small matrix product whose sums stay in registers.

    ``product(count, left, first, across, along, right, begin, pitch, steps, out, at, row, source, fetch, stride)`` adds
    :math:`\sum_l` ``left[first + r across + l along] right[begin + l pitch + lane]`` to ``out[at + r row + lane]`` for
    all rows r < ``count`` (one of ``heights``), all steps l < ``steps`` and all lanes. Every array is addressed as one
    flat row of numbers. All are float64 in C order, and indices are not checked.

    Meanwhile the bytes of ``source`` from ``fetch + l stride`` on are prefetched into the second-level cache: one cache
    line at each step, or two if ``count`` exceeds eight rows. Prefetching costs nothing while the multipliers are
    the bottleneck. The addresses may lie beyond the end of the array.
    """

    def write(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        count, _, first, across, along, _, begin, pitch, steps, _, at, row, _, fetch, stride = arguments
        vectors = VectorBuilder(context, builder, lanes)
        numbers, basis, sums, source = (vectors.array(signature.args[i], arguments[i])[0] for i in (1, 5, 9, 12))

        def emit_rows(height: int) -> None:
            starts = [builder.add(first, builder.mul(across, constant(r))) for r in range(height)]

            def step(now: Any, totals: list[Any]) -> list[Any]:
                for line in range(0, height, _ROWS_OF_A_LINE):
                    ahead = constant(line // _ROWS_OF_A_LINE * _CACHE_LINE)
                    vectors.prefetch(source, builder.add(fetch, builder.add(builder.mul(now, stride), ahead)))
                vector = vectors.load(basis, builder.add(begin, builder.mul(now, pitch)))
                shift = builder.mul(now, along)
                return [
                    vectors.multiply_add(vectors.broadcast(numbers, builder.add(start, shift)), vector, total)
                    for start, total in zip(starts, totals, strict=True)
                ]

            for r, total in enumerate(vectors.loop(constant(0), steps, [vectors.zero] * height, step)):
                place = builder.add(at, builder.mul(row, constant(r)))
                vectors.store(builder.fadd(vectors.load(sums, place), total), sums, place)

        vectors.switch_case(count, heights, emit_rows)
        return context.get_dummy_value()

    integer = types.int64

    @intrinsic
    def add(typing, count, left, first, across, along, right, begin, pitch, steps, out, at, row, source, fetch, stride):  # type: ignore[no-untyped-def] # noqa: ARG001
        _require_c_order(left, right, out)
        pair, place = (integer, integer), (integer, integer, integer)
        return types.void(integer, left, *place, right, *place, out, *pair, source, *pair), write

    return add


def register_descent(k: int) -> Any:
    """Generate coordinate descent for ``LANES`` entries with all k components in registers.

    ``descend(factor, start, cross, at, ratios, curvature, sweeps)`` sets each component in turn to ``max(0, cross_j /
    curvature_j + sum_l ratios_jl f_l)``, ``sweeps`` times, for the entries from ``start`` of ``factor`` and from ``at``
    of ``cross``, both (k, any). ``ratios`` (k, k) holds ``-gram_jl / gram_jj``; its diagonal is not read. ``curvature``
    (2, k) holds the diagonal of the Gram matrix and its inverse. Returns the sum over components of ``curvature_j
    |step|^2`` in the first sweep.
    """

    @intrinsic
    def descend(typing, factor, start, cross, at, ratios, curvature, sweeps):  # type: ignore[no-untyped-def] # noqa: ARG001
        _require_c_order(factor, cross, ratios, curvature)

        def write(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            vectors = VectorBuilder(context, builder, LANES)
            (rows, entries), (pulls, width), (weights, _), (sizes, _) = (
                vectors.array(signature.args[i], arguments[i]) for i in (0, 2, 4, 5)
            )
            start, at, sweeps = arguments[1], arguments[3], arguments[6]

            def minimiser(j: int, values: list[Any]) -> Any:
                pull = vectors.load(pulls, builder.add(builder.mul(constant(j), width), at))
                total = builder.fmul(pull, vectors.broadcast(sizes, constant(k + j)))
                # The component that was updated last is added last, because its value becomes available last.
                for other in (*range(j + 1, k), *range(j)):
                    total = vectors.multiply_add(
                        vectors.broadcast(weights, constant(j * k + other)), values[other], total
                    )
                return vectors.clip_at_zero(total)

            places = [builder.add(builder.mul(constant(j), entries), start) for j in range(k)]

            def sweep(count: Any, carried: list[Any]) -> list[Any]:
                values, moved = carried[:-1], carried[-1]
                for j in range(k):
                    values[j] = minimiser(j, values)

                def squared_steps() -> Any:
                    total = vectors.zero
                    for j in range(k):  # the old values are still in the array
                        step = builder.fsub(values[j], vectors.load(rows, places[j]))
                        total = vectors.multiply_add(
                            builder.fmul(step, step), vectors.broadcast(sizes, constant(j)), total
                        )
                    return total

                # One body for all sweeps compiles in half of the time of a first one and others.
                first = builder.icmp_signed("==", count, constant(0))
                return [*values, vectors.choose(first, squared_steps, moved)]

            begin = [*(vectors.load(rows, place) for place in places), vectors.zero]
            *values, moved = vectors.loop(constant(0), sweeps, begin, sweep)
            for place, value in zip(places, values, strict=True):
                vectors.store(value, rows, place)
            return vectors.sum(moved)

        integer = types.int64
        return types.float64(factor, integer, cross, integer, ratios, curvature, integer), write

    return descend


_add_products, _descend = strip_product([1], LANES), register_descent(1)


@kernel()
def _run_both(numbers: Array, ones: Array) -> float:
    _add_products(1, ones, 0, 1, 1, numbers, 0, LANES, 1, numbers, 0, LANES, numbers, 0, 0)
    moved: float = _descend(numbers, 0, numbers, 0, ones, ones, 1)
    return moved


def check() -> None:
    """Build and run both generated functions if numba's version is not a tested one; raise an error if that fails.

    With a tested version nothing is compiled: numba would load its type system for it, which takes half a second.
    """
    first, end = TESTED_VERSIONS
    if not first <= tuple(int(part) for part in numba.__version__.split(".")[:2]) < end:
        build()


def build() -> None:
    """Compile and run both generated functions once; raise an error if that fails. The machine code is cached."""
    _run_both(np.zeros((1, LANES)), np.ones((2, 1)))
