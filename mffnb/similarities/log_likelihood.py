"""Logarithmic part of a Poisson likelihood as a function of one factor."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from mffnb.kernels import divergence
from mffnb.kernels.tiers import numpy_counts
from mffnb.kernels.tiers.tier import on_numpy_steps
from mffnb.matrices.cancellation import checked
from mffnb.protocols.axis_distribution import AxisDistribution
from mffnb.protocols.matrix import Matrix
from mffnb.typing import Float64Array


@dataclass(frozen=True, eq=False)
class LogLikelihood:
    """Logarithmic part of a Poisson likelihood, for either factor: see :class:`mffnb.protocols.LogTerm`.

    Parameters
    ----------
    matrix
        X, (pixels, channels).
    basis
        The fixed factor B, for all entries of the block along the other axis.
    weight
        Weight w of the logarithmic term in the objective.
    of_rows
        Whether the variable factor is that of the rows of X; otherwise that of the columns.
    """

    matrix: Matrix
    basis: Float64Array
    weight: float
    of_rows: bool

    @property
    def share(self) -> AxisDistribution:
        """Distribution of the entries of the variable factor over ranks."""
        return self.matrix.row_axis if self.of_rows else self.matrix.column_axis

    def value(self, factor: Float64Array) -> float:
        """Return ``-w sum x log(F^T B)`` over the counts of the block; infinite if the model of a count is zero."""
        moving = self.share.gather(factor)
        pixels, channels = (moving, self.basis) if self.of_rows else (self.basis, moving)
        right, total = np.ascontiguousarray(channels.T), 0.0
        for start, _, band in checked(self.matrix.bands()):
            if on_numpy_steps():
                total += numpy_counts.log_likelihood(band, pixels, start, right)
                continue
            total += divergence.log_likelihood(*divergence.as_compressed_rows(band), pixels, start, right)
        return -self.weight * total

    def ratios(self, factor: Float64Array) -> Float64Array:
        """Return the numerator of the multiplicative update, ``w f_ji sum_m B_jm x_im / (F^T B)_im``, (k, entries)."""
        return -factor * self.gradient(factor)

    def gradient(self, factor: Float64Array) -> Float64Array:
        """Return the gradient, ``-w sum_m B_jm x_im / (F^T B)_im``, (k, entries)."""
        moving = self.share.gather(factor)
        out = np.zeros(moving.shape[::-1])
        for pixels, left, right, band in self._aligned(moving):
            if on_numpy_steps():
                if self.of_rows:
                    out[pixels] += numpy_counts.ratio_times_columns(band, left, right)
                else:
                    out += numpy_counts.ratio_times_rows(band, left, right)
                continue
            indptr, indices, data = divergence.as_compressed_rows(band)
            model = divergence.model_at_nonzeros(indptr, indices, left, right)
            ratio = np.divide(data, model, out=np.zeros_like(model), where=model > 0)
            if self.of_rows:
                divergence.add_to_rows(indptr, indices, ratio, right, out[pixels])
            else:
                divergence.add_to_columns(indptr, indices, ratio, left, out)
        return -self.weight * self.share.sum_scatter(out.T)

    def bands(self) -> Iterator[tuple[int, int, Any]] | None:
        """Yield (start, stop, rows) of X, or of X^T for the factor of the columns: one row for each entry."""
        oriented = self.matrix if self.of_rows else self.matrix.transposed
        return None if oriented is None else checked(oriented.bands())

    def transposed_bands(self) -> Iterator[tuple[slice, Any]]:
        """Yield (pixels, X^T of these pixels) of each band of rows of X."""
        for start, stop, band in checked(self.matrix.bands()):
            transposed_part = np.ascontiguousarray(band.T) if isinstance(band, np.ndarray) else band.T.tocsr()
            yield slice(start, stop), transposed_part

    def _aligned(self, factor: Float64Array) -> Iterator[tuple[slice, Float64Array, Float64Array, Any]]:
        """Yield for each band of X its pixels, their factor, the factor of the channels, and the band."""
        pixels, channels = (factor, self.basis) if self.of_rows else (self.basis, factor)
        left, right = np.ascontiguousarray(pixels.T), np.ascontiguousarray(channels.T)
        for start, stop, band in checked(self.matrix.bands()):
            yield slice(start, stop), left[start:stop], right, band
