"""Matrix products of X with few components, for very long rows of X, such as images with contiguous pixels.

BLAS is tuned for large blocks and is slow for three to eight components. Here a tile of four rows of X and four
components is multiplied while both are in registers and in the first-level cache. X is read from memory once, in its
own type, and sums are float64. Tiles of four by four were the fastest of those measured, with 16 and with 32 vector
registers. Shorter rows are multiplied by :mod:`mffnb.kernels.panels`.

The loops over a tile are written as LLVM instructions on single numbers, which the compiler vectorises: one kernel then
serves all types of X, see :mod:`mffnb.kernels.typed_numbers`.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from mffnb.kernels.compile import kernel
from mffnb.kernels.contiguous import read_only_view
from mffnb.kernels.registers import constant
from mffnb.kernels.separate import INTEGER, MATRIX, READ_ONLY_BYTES, READ_ONLY_MATRIX, caller, separate
from mffnb.kernels.typed_numbers import Kind, TypedBuilder, bytes_of, code_of
from mffnb.typing import Array

# The compiler may reorder sums, so that they use vector registers; infinities and NaN keep their meaning.
_MATH = {"contract", "reassoc", "nsz"}
_ZERO = ir.Constant(ir.DoubleType(), 0.0)


def _dot_products(rows: int, components: int) -> Any:
    """Generate the dot products of some rows of X with some rows of the basis.

    ``dot(code, source, i, columns, basis, j, out)`` writes those of the rows from ``i`` on with the components from
    ``j`` on to ``out`` (k, rows). Components beyond the last one repeat it.
    """

    def write(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        code, _, i, columns, _, j, _ = arguments
        make = TypedBuilder(context, builder, 1)
        source, basis, out = (make.array(signature.args[n], arguments[n])[0] for n in (1, 4, 6))
        stride = make.array(signature.args[6], arguments[6])[1]
        last = make.plus(make.rows(signature.args[4], arguments[4]), -1)
        places = [make.smaller(make.plus(j, c), last) for c in range(components)]

        def emit(kind: Kind) -> None:
            xs = [make.begin(kind, source, builder.mul(make.plus(i, r), columns)) for r in range(rows)]
            ps = [builder.gep(basis, [builder.mul(place, columns)]) for place in places]

            def step(m: Any, totals: list[Any]) -> list[Any]:
                right: list[Any] = []
                sums = []
                for r, x in enumerate(xs):  # a number is loaded just before its use: the compiler counts registers
                    left = make.number(kind, x, m)
                    right = right or [builder.load(builder.gep(p, [m])) for p in ps]
                    some = totals[r * components : (r + 1) * components]
                    sums += [builder.fadd(total, builder.fmul(left, p)) for total, p in zip(some, right, strict=True)]
                return sums

            totals = iter(make.loop(constant(0), columns, [_ZERO] * (rows * components), step))
            for r in range(rows):
                for place in places:
                    builder.store(
                        next(totals), builder.gep(out, [builder.add(builder.mul(place, stride), make.plus(i, r))])
                    )

        make.switch_kind(code, emit)
        return context.get_dummy_value()

    @intrinsic
    def dot(typing, code, source, i, columns, basis, j, out):  # type: ignore[no-untyped-def] # noqa: ARG001
        return types.void(INTEGER, source, INTEGER, INTEGER, basis, INTEGER, out), write

    return dot


def _add_products(rows: int, components: int) -> Any:
    """Generate the sum of some rows of X times their coefficients.

    ``add(code, source, i, columns, factor, j, out)`` adds ``factor[j : j + components, i : i + rows]`` times the rows
    of X from ``i`` on to the rows of ``out`` (k, columns) from ``j`` on.
    """

    def write(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        code, _, i, columns, _, j, _ = arguments
        make = TypedBuilder(context, builder, 1)
        source, factor, out = (make.array(signature.args[n], arguments[n])[0] for n in (1, 4, 6))
        stride = make.array(signature.args[4], arguments[4])[1]
        places = [make.plus(j, c) for c in range(components)]

        def emit(kind: Kind) -> None:
            xs = [make.begin(kind, source, builder.mul(make.plus(i, r), columns)) for r in range(rows)]
            coefficients = [
                [
                    builder.load(builder.gep(factor, [builder.add(builder.mul(place, stride), make.plus(i, r))]))
                    for r in range(rows)
                ]
                for place in places
            ]
            sums = [builder.gep(out, [builder.mul(place, columns)]) for place in places]

            def step(m: Any, _: list[Any]) -> list[Any]:
                numbers = [make.number(kind, x, m) for x in xs]
                for row, weights in zip(sums, coefficients, strict=True):
                    terms = [builder.fmul(weight, x) for weight, x in zip(weights, numbers, strict=True)]
                    at = builder.gep(row, [m])
                    builder.store(builder.fadd(builder.load(at), make.sum_of(terms)), at)
                return []

            make.loop(constant(0), columns, [], step)

        make.switch_kind(code, emit)
        return context.get_dummy_value()

    @intrinsic
    def add(typing, code, source, i, columns, factor, j, out):  # type: ignore[no-untyped-def] # noqa: ARG001
        return types.void(INTEGER, source, INTEGER, INTEGER, factor, INTEGER, out), write

    return add


_dot_tile, _dot_row, _dot_one = _dot_products(4, 4), _dot_products(4, 1), _dot_products(1, 1)
_add_tile, _add_row, _add_one = _add_products(4, 4), _add_products(4, 1), _add_products(1, 1)
# Called by address: inside the loops of the callers the compiler would hoist its checks for overlapping rows, and fail.
_TILE = types.void(*(INTEGER, INTEGER, READ_ONLY_BYTES), *(INTEGER, INTEGER), *(READ_ONLY_MATRIX, INTEGER), MATRIX)


@separate(_TILE, fastmath=_MATH)
def _dot(count: int, code: int, source: Array, i: int, columns: int, basis: Array, j: int, out: Array) -> None:
    """Write the dot products of four rows of X, or of one, with a tile of components to ``out``."""
    if count == 1:
        _dot_one(code, source, i, columns, basis, j, out)
    elif j == basis.shape[0] - 1:
        _dot_row(code, source, i, columns, basis, j, out)
    else:  # an incomplete last tile computes its last component repeatedly, at no extra cost
        _dot_tile(code, source, i, columns, basis, j, out)


@separate(_TILE, fastmath=_MATH)
def _add(count: int, code: int, source: Array, i: int, columns: int, factor: Array, j: int, out: Array) -> None:
    """Add four rows of X, or one, times their coefficients to four rows of ``out``, or to one if fewer are left."""
    if count == 1:
        _add_one(code, source, i, columns, factor, j, out)
    elif j + 4 <= out.shape[0]:
        _add_tile(code, source, i, columns, factor, j, out)
    else:
        _add_row(code, source, i, columns, factor, j, out)


_call_tile = caller(_TILE)


def times(X: Array, basis: Array, out: Array) -> None:
    """Write ``basis X^T``, (k, rows), into ``out``; X (rows, columns) and basis (k, columns) in C order."""
    _times(_dot.address, code_of(X), bytes_of(X), *X.shape, read_only_view(basis), out)


@kernel()
def _times(tile: int, code: int, source: Array, rows: int, columns: int, basis: Array, out: Array) -> None:
    """Compute :func:`times`, given the type and the bytes of X."""
    quads = rows - rows % 4
    for i in range(0, quads, 4):
        for j in range(0, basis.shape[0], 4):
            _call_tile(tile, (4, code, source, i, columns, basis, j, out))
    for i in range(quads, rows):
        for j in range(basis.shape[0]):
            _call_tile(tile, (1, code, source, i, columns, basis, j, out))


def add_times(X: Array, factor: Array, out: Array) -> None:
    """Add ``factor X``, (k, columns), to ``out``; X (rows, columns) and factor (k, rows) in C order."""
    _add_times(_add.address, code_of(X), bytes_of(X), *X.shape, read_only_view(factor), out)


@kernel()
def _add_times(tile: int, code: int, source: Array, rows: int, columns: int, factor: Array, out: Array) -> None:
    """Compute :func:`add_times`, given the type and the bytes of X."""
    k = factor.shape[0]
    fours, quads = k - k % 4, rows - rows % 4
    for i in range(0, quads, 4):
        for j in range(0, fours, 4):
            _call_tile(tile, (4, code, source, i, columns, factor, j, out))
        for j in range(fours, k):
            _call_tile(tile, (4, code, source, i, columns, factor, j, out))
    for i in range(quads, rows):
        for j in range(k):
            _call_tile(tile, (1, code, source, i, columns, factor, j, out))
