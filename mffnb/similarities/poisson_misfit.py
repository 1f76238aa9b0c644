"""Poisson (Kullback-Leibler) misfit bound to data, with its half-step subproblems."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import scipy
from scipy import sparse

from mffnb.kernels import divergence
from mffnb.kernels.tiers import numpy_counts
from mffnb.kernels.tiers.tier import choose
from mffnb.matrices import Sparse, partial
from mffnb.matrices.cancellation import checked
from mffnb.protocols.half import Half
from mffnb.protocols.matrix import Matrix
from mffnb.protocols.misfit import FactorUpdate
from mffnb.similarities.log_likelihood import LogLikelihood
from mffnb.similarities.quadratic_misfit import over_ranks, times_gain
from mffnb.typing import Float64Array

# Number of counts in a band: a run may be cancelled between two bands, and half a million counts take some 50 ms.
_COUNTS_OF_BAND = 2**19


class SparseCounts(Sparse):
    """Matrix of sparse counts whose rows are read in few large bands."""

    @cached_property
    def transposed(self) -> SparseCounts:
        """The transposed matrix of counts X^T."""
        return SparseCounts(self.array.T)

    def bands(self) -> Iterator[tuple[int, int, Any]]:
        """Yield (start, stop, rows) of each band, with nearly equal numbers of counts."""
        rows = self._rows
        limits = np.searchsorted(rows.indptr, np.arange(0, rows.indptr[-1], _COUNTS_OF_BAND)[1:])
        for start, stop in checked(itertools.pairwise(np.unique([0, *limits, self.shape[0]]).tolist())):
            yield start, stop, rows if stop - start == self.shape[0] else _view_of_rows(rows, start, stop)


@dataclass(frozen=True, eq=False)
class PoissonMisfit:
    r"""Generalised Kullback-Leibler divergence D of n pixels, with entry weights w and scale s of the data.

    .. math:: \tfrac1n \sum_{im} w_{im} [s x_{im} \log (s x_{im} / r_{im}) - s x_{im} + r_{im}]

    The model is r_im = g_i a_i e_m. Only positive entries contribute to the logarithm, so no array of the size of X is
    built, whether X is dense or sparse.
    """

    matrix: Matrix
    gain: Float64Array | None
    scale: float
    barrier: ClassVar[bool] = True
    majorized: ClassVar[bool] = False
    intercept: ClassVar[Float64Array | None] = None

    @cached_property
    def zero(self) -> float:
        """Value D of the best model with one component: the mean spectrum, scaled to the sum of each pixel."""
        if not self.matrix.complete:
            size, spectrum = partial.mean_model(self.matrix)
            A = self.scale * size if self.gain is None else self.scale * size / self.gain
            return self.at_abundances(self.abundance_half(A, spectrum), A, spectrum)
        pixels, spectrum = self._pixel_sums, self.matrix.transposed_times(np.ones((1, len(self._pixel_sums))))[0]
        total = float(self.matrix.total(np.array(spectrum.sum()))) or 1.0
        of_pixels = scipy.special.xlogy(pixels, self.scale * pixels).sum()
        of_channels = scipy.special.xlogy(spectrum, spectrum / total).sum()
        explained = float(self.matrix.total(np.array(of_pixels + of_channels))) - total
        return self._entropy - self.scale / self.matrix.shape[0] * explained

    @cached_property
    def counts(self) -> Matrix:
        """Weighted counts w x of the logarithmic term, as a sparse matrix if most of them are zero."""
        block = self.matrix.block if self.matrix.complete else Sparse.compress_if_small(self.matrix.block)
        return self.matrix.with_block(SparseCounts(block.as_scipy()) if isinstance(block, Sparse) else block)

    def abundance_half(self, abundances: Float64Array, endmembers: Float64Array) -> Half:
        """Return the subproblem of A (k, pixels): n D as a function of A, up to a constant."""
        if self.matrix.complete:
            sums = np.repeat(self.matrix.total(endmembers.sum(axis=1))[:, None], abundances.shape[1], axis=1)
        else:
            sums = partial.weight_times(self.matrix, endmembers)
        log = LogLikelihood(self.counts, self.matrix.column_axis.gather(endmembers), self.scale, of_rows=True)
        half = Half(_no_gram(endmembers), -times_gain(sums, self.gain), log=log, factor=abundances)
        return over_ranks(half, self.matrix)

    def endmember_half(self, abundances: Float64Array, endmembers: Float64Array) -> Half:
        """Return the subproblem of E (k, channels): D as a function of E, up to a constant."""
        n = self.matrix.shape[0]
        amounts = times_gain(abundances, self.gain)
        if self.matrix.complete:
            sums = np.repeat(self.matrix.total(amounts.sum(axis=1))[:, None], endmembers.shape[1], axis=1)
        else:
            sums = partial.weight_times(self.matrix.transposed, amounts)  # type: ignore[arg-type]
        # The gain of a pixel multiplies its model, so it only adds a constant to the logarithm.
        log = LogLikelihood(self.counts, self.matrix.row_axis.gather(abundances), self.scale / n, of_rows=False)
        return over_ranks(Half(_no_gram(abundances), -sums / n, log=log, factor=endmembers), self.matrix)

    def in_one_pass(self, abundances: Float64Array, endmembers: Float64Array, update: FactorUpdate) -> None:
        """Return None: the half steps of a likelihood need several passes over X."""

    def at_abundances(self, half: Half, abundances: Float64Array, endmembers: Float64Array) -> float:
        """Return D(A, E), computed from the subproblem of A."""
        value = float(self.matrix.total(np.array(half.value(abundances)))) / self.matrix.shape[0]
        return max(0.0, self._constant + value)

    def at_endmembers(self, half: Half, abundances: Float64Array, endmembers: Float64Array) -> float:
        """Return D(A, E), computed from the subproblem of E."""
        return max(0.0, self._constant + float(self.matrix.total(np.array(half.value(endmembers)))))

    @cached_property
    def _constant(self) -> float:
        """Constant of D, independent of both factors, that the half-step subproblems omit."""
        if self.gain is None:
            return self._entropy
        of_gain = float(self.matrix.total(np.array(scipy.special.xlogy(self._pixel_sums, self.gain).sum())))
        return self._entropy - self.scale * of_gain / self.matrix.shape[0]

    @cached_property
    def _pixel_sums(self) -> Float64Array:
        """Sum of the weighted data over the channels for each pixel of this rank."""
        channels = self.matrix.own_columns.stop - self.matrix.own_columns.start
        return np.asarray(self.matrix.times(np.ones((1, channels)))[0])

    @cached_property
    def _entropy(self) -> float:
        """Part of D that depends on the data only: ``sum w (s x log(s x) - s x)`` over the number of pixels."""
        here = 0.0
        for of_logarithm, total in self._sums():
            here += of_logarithm + (np.log(self.scale) - 1.0) * total
        return self.scale * float(self.matrix.total(np.array(here))) / self.matrix.shape[0]

    def _sums(self) -> Iterator[tuple[float, float]]:
        """Yield the sums of w x log x and of w x over each band of rows."""
        if self.matrix.complete:
            for _, _, band in self.counts.bands():
                x = band.ravel() if isinstance(band, np.ndarray) else band.data
                yield choose(divergence.x_log_x, numpy_counts.x_log_x)(x), float(x.sum())
        else:
            for band, weights in partial.iter_rows_and_weights(self.matrix):
                x = np.nan_to_num(band)
                yield float(scipy.special.xlogy(weights * x, x).sum()), float((weights * x).sum())


def _view_of_rows(rows: Any, start: int, stop: int) -> Any:
    """Return some rows of a CSR array without copying their counts, as ``rows[start:stop]`` does."""
    first, last = rows.indptr[start], rows.indptr[stop]
    parts = rows.data[first:last], rows.indices[first:last], rows.indptr[start : stop + 1] - first
    return sparse.csr_array(parts, shape=(stop - start, rows.shape[1]), copy=False)


def _no_gram(factor: Float64Array) -> Float64Array:
    """Return the Gram matrix (k, k) of a subproblem without a quadratic part: zeros."""
    return np.zeros((len(factor), len(factor)))
