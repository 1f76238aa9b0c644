"""X with outliers clipped, channel by channel; used to find a start for robust fits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from mffnb.matrices.local import Local, sum_of_negative_squares
from mffnb.typing import Float64Array

if TYPE_CHECKING:
    from mffnb.protocols.matrix import Matrix
    from mffnb.protocols.row_update import Move


@dataclass(frozen=True, eq=False)
class Capped(Local):
    """X with each channel clipped to its own limits, band by band.

    Parameters
    ----------
    inner
        Data matrix X without missing entries.
    low, high
        Lower and upper limits of each channel, (columns,).

    Examples
    --------
    >>> import numpy as np
    >>> from mffnb.matrices import Capped, Dense
    >>> X = Capped(Dense(np.array([[1.0, 9.0], [5.0, 2.0]])), low=np.zeros(2), high=np.array([4.0, 4.0]))
    >>> X.times(np.eye(2)).T.tolist()
    [[1.0, 4.0], [4.0, 2.0]]
    """

    inner: Matrix
    low: Float64Array
    high: Float64Array

    @property
    def shape(self) -> tuple[int, int]:
        """Number of rows and of columns."""
        return self.inner.shape

    @property
    def own(self) -> slice:
        """Rows whose factor this process owns."""
        return self.inner.own

    def total(self, part: Float64Array) -> Float64Array:
        """Return the sum of ``part`` over all processes."""
        return self.inner.total(part)

    def bands(self) -> Iterator[tuple[int, int, Float64Array]]:
        """Yield (start, stop, clipped rows) as dense arrays."""
        for start, stop, band in self.inner.bands():
            rows: Any = band if isinstance(band, np.ndarray) else band.toarray()
            yield start, stop, np.clip(rows, self.low, self.high)

    def times(self, basis: Float64Array) -> Float64Array:
        """Compute ``basis X^T`` for the clipped X, (k, own rows), from a basis (k, columns)."""
        product = np.empty((len(basis), self.own.stop - self.own.start))
        for start, stop, band in self.bands():
            product[:, start:stop] = basis @ band.T
        return product

    def transposed_times(self, factor: Float64Array) -> Float64Array:
        """Compute ``factor X`` for the clipped X, (k, columns), from a factor (k, own rows); summed over all ranks."""
        product = np.zeros((len(factor), self.shape[1]))
        for start, stop, band in self.bands():
            product += factor[:, start:stop] @ band
        return self.total(product)

    def fused_products(self, basis: Float64Array, move: Move) -> Float64Array:
        """Compute ``basis X^T``, update the factor by ``move`` and compute ``factor X``, in two passes over X."""
        return self.transposed_times(move(slice(0, self.own.stop - self.own.start), self.times(basis)))

    @cached_property
    def _negative_squares(self) -> float:
        here = sum(sum_of_negative_squares(band) for _, _, band in self.bands())
        return float(self.total(np.array(here)))

    @property
    def squared_norm(self) -> float:
        """Sum of squares of all clipped entries."""
        here = sum(float(np.vdot(band, band)) for _, _, band in self.bands())
        return float(self.total(np.array(here)))
