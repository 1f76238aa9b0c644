"""X as counts, most of them zero."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from mffnb.matrices.local import FILE_BYTES, Local, band_limits, sum_of_squares
from mffnb.typing import Float64Array


@dataclass(frozen=True, eq=False)
class Sparse(Local):
    """A SciPy sparse array (rows, columns) in compressed rows or columns, never made dense."""

    array: Any

    @property
    def shape(self) -> tuple[int, int]:
        """Rows, columns."""
        return self.array.shape[0], self.array.shape[1]

    def times(self, basis: Float64Array) -> Float64Array:
        """``basis X^T``, (k, rows)."""
        return np.ascontiguousarray((self.array @ basis.T).T, dtype=np.float64)

    def transposed_times(self, factor: Float64Array) -> Float64Array:
        """``factor X``, (k, columns)."""
        return np.ascontiguousarray((self.array.T @ factor.T).T, dtype=np.float64)

    @cached_property
    def transposed(self) -> Sparse:
        """X^T."""
        return Sparse(self.array.T)

    def bands(self) -> Iterator[tuple[int, int, Any]]:
        """Yield (start, stop, rows) as CSR arrays of float64."""
        for start, stop in band_limits(self.shape, FILE_BYTES):
            yield start, stop, self._rows[start:stop]

    @cached_property
    def _rows(self) -> Any:
        return self.array.tocsr().astype(np.float64, copy=False)

    @cached_property
    def squared_norm(self) -> float:
        """Sum of squares in float64."""
        return sum_of_squares(self.array.data)
