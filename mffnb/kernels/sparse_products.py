"""Products of compressed sparse rows (CSR) with four or eight components at a time.

The dense factor is stored as ``(columns, 4)`` or ``(columns, 8)``, so that the values needed for one stored entry are
one vector. A block of rows is given by its part of ``indptr``, whose offsets refer to the whole of ``indices`` and
``data``: such a block is a view. Sums are float64. Locating an entry costs as much as a few components, so eight at
once are cheaper than twice four. One kernel serves all types of numbers and indices, see
:mod:`mffnb.kernels.typed_numbers`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types
from numba.extending import intrinsic

from mffnb.kernels.compile import kernel
from mffnb.kernels.contiguous import read_only_view
from mffnb.kernels.registers import constant
from mffnb.kernels.separate import INTEGER
from mffnb.kernels.typed_numbers import Kind, TypedBuilder, bytes_of, code_of_both
from mffnb.typing import Array

_MATH = {"contract"}
_FOUR, _EIGHT = 4, 8


class _Rows:
    """Generate the loops over compressed rows, whose type is known when the code runs."""

    def __init__(self, make: TypedBuilder, signature: Any, arguments: Any) -> None:
        self.make, self._code = make, arguments[0]
        self._indptr, self._indices, self._data, self.factor, self.out = (
            make.array(signature.args[n], arguments[n])[0] for n in range(1, 6)
        )
        self._rows = make.plus(make.array(signature.args[1], arguments[1])[1], -1)

    def each(self, body: Any) -> None:
        """Generate ``body(row, entries)`` for each row; ``entries(carried, step)`` loops over its entries.

        ``carried = step(x, at, carried)`` gets the number x in all lanes, and the index at which the vector of its
        column begins in a dense matrix.
        """
        make, builder = self.make, self.make.builder

        def emit(kind: Kind, index_kind: Kind) -> None:
            data = make.begin(kind, self._data, constant(0))
            indices = make.begin(index_kind, self._indices, constant(0))

            def row(i: Any, _: list[Any]) -> list[Any]:
                first, last = (builder.load(builder.gep(self._indptr, [make.plus(i, end)])) for end in (0, 1))

                def entries(carried: list[Any], step: Any) -> list[Any]:
                    def entry(at: Any, now: list[Any]) -> list[Any]:
                        column = builder.mul(make.number(index_kind, indices, at), constant(make.lanes))
                        return list(step(make.in_all_lanes(make.number(kind, data, at)), column, now))

                    return make.loop(first, last, carried, entry)

                body(i, entries)
                return []

            make.loop(constant(0), self._rows, [], row)

        make.switch_both(self._code, emit)


def _times_kernel(lanes: int) -> Any:
    """Return the kernel of :func:`times` for four or eight components."""

    def write(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        make = TypedBuilder(context, builder, lanes)
        rows, width = _Rows(make, signature, arguments), make.array(signature.args[5], arguments[5])[1]

        def row(i: Any, entries: Any) -> None:
            def step(x: Any, at: Any, totals: list[Any]) -> list[Any]:
                return [builder.fadd(totals[0], builder.fmul(x, make.load(rows.factor, at)))]

            total = entries([make.zero], step)[0]
            for lane in range(lanes):
                place = builder.gep(rows.out, [builder.add(builder.mul(constant(lane), width), i)])
                builder.store(builder.extract_element(total, constant(lane)), place)

        rows.each(row)
        return context.get_dummy_value()

    @intrinsic
    def write_products(typing, code, indptr, indices, data, basis, out):  # type: ignore[no-untyped-def] # noqa: ARG001
        return types.void(INTEGER, indptr, indices, data, basis, out), write

    @kernel(fastmath=_MATH, name=f"times_{lanes}")
    def run(code: int, indptr: Array, indices: Array, data: Array, basis: Array, out: Array) -> None:
        write_products(code, indptr, indices, data, basis, out)  # type: ignore[call-arg]

    return run


def _add_times_kernel(lanes: int) -> Any:
    """Return the kernel of :func:`add_times` for four or eight components."""

    def write(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        make = TypedBuilder(context, builder, lanes)
        rows, width = _Rows(make, signature, arguments), make.array(signature.args[4], arguments[4])[1]

        def row(i: Any, entries: Any) -> None:
            factor = make.zero
            for lane in range(lanes):
                place = builder.gep(rows.factor, [builder.add(builder.mul(constant(lane), width), i)])
                factor = builder.insert_element(factor, builder.load(place), constant(lane))

            def step(x: Any, at: Any, _: list[Any]) -> list[Any]:
                make.store(builder.fadd(make.load(rows.out, at), builder.fmul(x, factor)), rows.out, at)
                return []

            entries([], step)

        rows.each(row)
        return context.get_dummy_value()

    @intrinsic
    def add_products(typing, code, indptr, indices, data, factor, out):  # type: ignore[no-untyped-def] # noqa: ARG001
        return types.void(INTEGER, indptr, indices, data, factor, out), write

    @kernel(fastmath=_MATH, name=f"add_times_{lanes}")
    def run(code: int, indptr: Array, indices: Array, data: Array, factor: Array, out: Array) -> None:
        add_products(code, indptr, indices, data, factor, out)  # type: ignore[call-arg]

    return run


_times_4, _times_8 = _times_kernel(_FOUR), _times_kernel(_EIGHT)
_add_times_4, _add_times_8 = _add_times_kernel(_FOUR), _add_times_kernel(_EIGHT)


def times(indptr: Array, indices: Array, data: Array, basis: Array, out: Array) -> None:
    """Multiply sparse rows by four or eight columns: write ``X basis``, for ``basis`` (columns, 4 or 8), into ``out``.

    ``out`` is (4 or 8, rows).
    """
    (_times_4 if basis.shape[1] == _FOUR else _times_8)(*_untyped(indptr, indices, data), basis, out)


def add_times(indptr: Array, indices: Array, data: Array, factor: Array, out: Array) -> None:
    """Add ``X^T factor``, for ``factor`` (4 or 8, rows), to ``out`` (columns, 4 or 8)."""
    (_add_times_4 if len(factor) == _FOUR else _add_times_8)(*_untyped(indptr, indices, data), factor, out)


def _untyped(indptr: Array, indices: Array, data: Array) -> tuple[int, Array, Array, Array]:
    """Return compressed rows as the kernels take them: the code of both types, offsets, and bytes."""
    offsets = read_only_view(indptr.astype(np.int64, copy=False))
    return code_of_both(data, indices), offsets, bytes_of(indices), bytes_of(data)
