"""LLVM loops over numbers of several types: one kernel for all of them, so that it is compiled once.

numba compiles a kernel again for each type of its arguments, and most of the time goes into the translation of Python.
The kernels that use this module take the bytes of an array and a number that stands for its type. The generated code
branches to a loop for this type, which the compiler vectorises as it does a loop written in Python.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from llvmlite import ir

from mffnb.kernels.contiguous import read_only_view
from mffnb.kernels.registers import VectorBuilder, constant
from mffnb.typing import Array

_INT, _DOUBLE = ir.IntType(64), ir.DoubleType()


@dataclass(frozen=True)
class Kind:
    """A type of number: its NumPy type, its LLVM type, and the instruction that converts it to float64 or int64."""

    dtype: np.dtype[Any]
    llvm: Any
    conversion: str


_KINDS = (
    Kind(np.dtype(np.float64), _DOUBLE, ""),
    Kind(np.dtype(np.float32), ir.FloatType(), "fpext"),
    Kind(np.dtype(np.uint8), ir.IntType(8), "uitofp"),
    Kind(np.dtype(np.uint16), ir.IntType(16), "uitofp"),
)
_INDEX_KINDS = (
    Kind(np.dtype(np.uint16), ir.IntType(16), "zext"),
    Kind(np.dtype(np.int32), ir.IntType(32), "sext"),
    Kind(np.dtype(np.int64), _INT, ""),
)
_CODES = {kind.dtype: code for code, kind in enumerate(_KINDS)}
_INDEX_CODES = {kind.dtype: code for code, kind in enumerate(_INDEX_KINDS)}


def code_of(numbers: Array) -> int:
    """Return the code of the type of an array of float64, float32, uint8 or uint16 numbers."""
    return _CODES[numbers.dtype]


def code_of_both(numbers: Array, indices: Array) -> int:
    """Return the code of two types: that of numbers, and that of indices (uint16, int32 or int64)."""
    return _CODES[numbers.dtype] * len(_INDEX_KINDS) + _INDEX_CODES[indices.dtype]


def bytes_of(array: Array) -> Array:
    """Return the bytes of an array in C order, as a read-only view."""
    return read_only_view(array.reshape(-1).view(np.uint8))


class TypedBuilder(VectorBuilder):
    """Generate LLVM instructions for vectors, and for scalars of the types above."""

    def switch_kind(self, code: Any, body: Callable[[Kind], None]) -> None:
        """Generate a branch to ``body(kind)`` for the type that :func:`code_of` stands for."""
        self.switch_case(code, range(len(_KINDS)), lambda case: body(_KINDS[case]))

    def switch_both(self, code: Any, body: Callable[[Kind, Kind], None]) -> None:
        """Generate a branch to ``body(kind, index_kind)`` for the types that :func:`code_of_both` stands for."""
        count = len(_INDEX_KINDS)
        cases = range(len(_KINDS) * count)
        self.switch_case(code, cases, lambda case: body(_KINDS[case // count], _INDEX_KINDS[case % count]))

    def begin(self, kind: Kind, data: Any, first: Any) -> Any:
        """Generate the pointer to number ``first`` of bytes that hold numbers of one type."""
        return self.builder.gep(self.builder.bitcast(data, kind.llvm.as_pointer()), [first])

    def number(self, kind: Kind, begin: Any, at: Any) -> Any:
        """Generate the load of number ``at`` after a pointer, as float64; an index is loaded as int64."""
        value = self.builder.load(self.builder.gep(begin, [at]))
        if not kind.conversion:
            return value
        wide = _INT if kind in _INDEX_KINDS else _DOUBLE
        return getattr(self.builder, kind.conversion)(value, wide)

    def sum_of(self, terms: list[Any]) -> Any:
        """Generate the sum of some numbers, from left to right."""
        total = terms[0]
        for term in terms[1:]:
            total = self.builder.fadd(total, term)
        return total

    def rows(self, kind: Any, value: Any) -> Any:
        """Generate the length of the first axis of an array argument."""
        array = self.context.make_array(kind)(self.context, self.builder, value)
        return self.builder.extract_value(array.shape, 0)

    def smaller(self, a: Any, b: Any) -> Any:
        """Generate the smaller one of two integers."""
        return self.builder.select(self.builder.icmp_signed("<", a, b), a, b)

    def plus(self, value: Any, number: int) -> Any:
        """Generate ``value + number`` for an integer."""
        return self.builder.add(value, constant(number))
