"""Misfit of a general loss, evaluated band by band of rows, for either factor.

No array of the size of X is built. Bands of a sparse X are made dense one at a time, because the model is dense.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from mffnb.matrices.local import CACHE_BYTES, band_limits
from mffnb.protocols.axis_distribution import AxisDistribution
from mffnb.protocols.distance import Measure
from mffnb.protocols.half import Half
from mffnb.protocols.matrix import Matrix
from mffnb.protocols.misfit import FactorUpdate
from mffnb.similarities.measures import Cosine, Entrywise
from mffnb.similarities.quadratic_misfit import over_ranks
from mffnb.typing import Array, Float64Array

_LARGEST_STEP, _LARGEST_INTERCEPT = 2.0, 15.0  # limits of a Newton step and of an intercept, in log-odds
_HALVINGS = 8  # largest number of halvings of a Newton step that raises the loss


def dense_bands(matrix: Matrix) -> Iterator[tuple[slice, Float64Array, Float64Array | None]]:
    """Yield (rows, X, weights or None) of dense bands of this rank's block; missing entries have weight zero."""
    shape = matrix.block.shape
    if not matrix.complete:
        for start, stop in band_limits(shape, CACHE_BYTES):
            band, weights = matrix.block.rows_and_weights(start, stop)  # type: ignore[attr-defined]
            missing = np.isnan(band)
            yield slice(start, stop), np.where(missing, 1.0, band), np.where(missing, 0.0, weights)
        return
    for start, stop, band in matrix.bands():
        for low, high in band_limits((stop - start, shape[1]), CACHE_BYTES):
            piece: Any = band[low:high]
            yield slice(start + low, start + high), piece if isinstance(piece, np.ndarray) else piece.toarray(), None


@dataclass(frozen=True, eq=False)
class BandedMisfit:
    r"""Misfit :math:`D = \tfrac1n \sum_i u_i\, d(s x_i, g_i a_i E)` over n pixels for a general loss d.

    Where X is distributed over MPI ranks, each rank evaluates the loss of its block, from the factors of all rows and
    columns of the block. Losses of whole spectra need all channels of a pixel on one rank.

    If the second derivative of d is bounded, the half-step subproblems are quadratic majorizers at the current factors,
    which the fast solvers take. Otherwise they contain d as a :class:`mffnb.protocols.Loss`.

    Attributes
    ----------
    matrix, gain, scale
        Data X, gain g of each pixel (own pixels,), and scale s of the data.
    measure
        Loss d of rows.
    zero
        Value D of a reference model without information, to which errors are relative.
    pixels
        Pixel weights u, (own pixels,); None for ones.
    """

    matrix: Matrix
    gain: Float64Array | None
    scale: float
    measure: Measure
    zero: float = 1.0
    pixels: Float64Array | None = None

    def with_reference(self, abundances: Float64Array, endmembers: Float64Array) -> BandedMisfit:
        """Return the misfit with ``zero`` computed from a reference model (k, own pixels), (k, channels)."""
        return replace(self, zero=self.distance(abundances, endmembers))

    @property
    def barrier(self) -> bool:
        """Whether D is infinite where the model is zero and the data are positive."""
        return self.measure.barrier

    @property
    def convex(self) -> bool:
        """Whether D has no other minimum in one factor than the lowest one."""
        return self.measure.convex if isinstance(self.measure, Entrywise) else True

    @property
    def majorized(self) -> bool:
        """Whether the half-step subproblems are quadratic majorizers of D."""
        return self.measure.curvature is not None

    def abundance_half(self, abundances: Float64Array, endmembers: Float64Array) -> Half:
        """Return the subproblem of A (k, pixels): n D as a function of A, or a quadratic majorizer of it."""
        loss = BandedLoss(self, self.matrix.column_axis.gather(endmembers), of_rows=True)
        weights = None if self.gain is None else self.gain**2
        return self._half(loss, abundances, self.matrix.total(endmembers @ endmembers.T), weights)

    def endmember_half(self, abundances: Float64Array, endmembers: Float64Array) -> Half:
        """Return the subproblem of E (k, channels): D as a function of E, or a quadratic majorizer of it."""
        loss = BandedLoss(self, self.matrix.row_axis.gather(abundances), of_rows=False)
        amounts = abundances if self.gain is None else abundances * self.gain
        return self._half(loss, endmembers, self.matrix.total(amounts @ amounts.T) / self.matrix.shape[0], None)

    def _half(self, loss: BandedLoss, factor: Float64Array, gram: Float64Array, weights: Float64Array | None) -> Half:
        bound = self.measure.curvature
        if bound is None:
            return over_ranks(Half(np.zeros_like(gram), np.zeros_like(factor), factor=factor, loss=loss), self.matrix)
        pull = bound * gram @ factor
        cross = (pull if weights is None else pull * weights) - loss.value_and_gradient(factor)[1]
        return over_ranks(Half(bound * gram, cross, weights=weights, factor=factor), self.matrix)

    def in_one_pass(self, abundances: Float64Array, endmembers: Float64Array, update: FactorUpdate) -> None:
        """Return None: the half steps of a general loss need several passes over X."""

    def at_abundances(self, half: Half, abundances: Float64Array, endmembers: Float64Array) -> float:
        """Return the misfit D(A, E), computed by a pass over X."""
        return self.distance(abundances, endmembers)

    def at_endmembers(self, half: Half, abundances: Float64Array, endmembers: Float64Array) -> float:
        """Return the misfit D(A, E), computed by a pass over X."""
        return self.distance(abundances, endmembers)

    def distance(self, abundances: Float64Array, endmembers: Float64Array) -> float:
        """Return the misfit D(A, E), summed over the pixels of all MPI ranks."""
        here = sum(self.of_band(*band) for band in self.bands(*self._of_block(abundances, endmembers)))
        return float(self.matrix.total(np.array(here))) / self.matrix.shape[0]

    def pixel_gains(self, abundances: Float64Array, endmembers: Float64Array) -> Float64Array:
        """Return the factor by which each pixel's model fits s X best in least squares, (own pixels,)."""
        if not isinstance(self.measure, Cosine):
            raise TypeError(f"{self.measure.name} is not scale-invariant, so pixels have no free gain")
        found = np.empty(abundances.shape[1])
        for rows, x, w, y in self.bands(*self._of_block(abundances, endmembers)):
            found[rows] = self.measure.pixel_gains(x, w, y)
        return found

    @property
    def intercept(self) -> Float64Array | None:
        """Intercept of the model, (channels,); None for none."""
        return self.measure.offset

    def with_intercept(self, intercept: Float64Array) -> BandedMisfit:
        """Return the misfit with another intercept of the model, (channels,)."""
        return replace(self, measure=replace(self.measure, offset=intercept))  # type: ignore[type-var]

    def with_fitted_intercept(self, abundances: Float64Array, endmembers: Float64Array, steps: int = 2) -> BandedMisfit:
        """Return the misfit with the intercept fitted to given factors by damped Newton steps that never raise D."""
        if self.intercept is None:
            return self
        best, lowest = self, self.distance(abundances, endmembers)
        for _ in range(steps):
            slope, curvature = best._channel_derivatives(abundances, endmembers)
            step = np.clip(-slope / np.maximum(curvature, 1e-300), -_LARGEST_STEP, _LARGEST_STEP)
            for _ in range(_HALVINGS):
                limits = -_LARGEST_INTERCEPT, _LARGEST_INTERCEPT
                trial = best.with_intercept(np.clip(best.intercept + step, *limits))
                value = trial.distance(abundances, endmembers)
                if value <= lowest:
                    best, lowest = trial, value
                    break
                step = step / 2
            else:
                return best
        return best

    def _channel_derivatives(self, abundances: Float64Array, endmembers: Float64Array) -> Float64Array:
        """Return first and second derivatives of n D with respect to the intercept, (2, channels)."""
        here, measure = np.zeros((2, self.matrix.shape[1])), self.of_block
        columns = here[:, self.matrix.column_axis.block]
        for _, x, w, y in self.bands(*self._of_block(abundances, endmembers)):
            columns += measure.slope(x, w, y).sum(axis=0), measure.curvature_bound(x, w, y).sum(axis=0)
        return self.matrix.total(here)

    @cached_property
    def of_block(self) -> Measure:
        """Loss of the columns of this rank's block: its intercept has no entries of other columns."""
        if self.intercept is None or not self.matrix.shared:
            return self.measure
        return self.with_intercept(self.intercept[self.matrix.column_axis.block]).measure

    @cached_property
    def gain_of_block(self) -> Float64Array | None:
        """Gain of each row of this rank's block, (rows,); the first use is collective."""
        return None if self.gain is None else self.matrix.row_axis.gather(self.gain)

    @cached_property
    def weights_of_block(self) -> Float64Array | None:
        """Weight of each row of this rank's block, (rows,); the first use is collective."""
        return None if self.pixels is None else self.matrix.row_axis.gather(self.pixels)

    def _of_block(self, abundances: Float64Array, endmembers: Float64Array) -> tuple[Float64Array, Float64Array]:
        """Return the factors of all rows and columns of this rank's block, from the entries that the rank owns."""
        return self.matrix.row_axis.gather(abundances), self.matrix.column_axis.gather(endmembers)

    def bands(
        self, abundances: Float64Array, endmembers: Float64Array
    ) -> Iterator[tuple[slice, Float64Array, Float64Array | None, Float64Array]]:
        """Yield (rows, s X, entry weights or None, model) of each band of rows, from the factors of the block."""
        gain = self.gain_of_block
        for rows, x, w in dense_bands(self.matrix):
            amounts = abundances[:, rows]
            amounts = amounts if gain is None else amounts * gain[rows]
            yield rows, self.scale * x, w, amounts.T @ endmembers

    def of_band(self, rows: slice, x: Float64Array, w: Float64Array | None, y: Float64Array) -> float:
        """Return the contribution of some rows (data x, entry weights w, model y) to n D."""
        distance, pixels = self.of_block.value(x, w, y), self.weights_of_block
        return float(distance.sum() if pixels is None else distance @ pixels[rows])


@dataclass(frozen=True, eq=False)
class BandedLoss:
    """A banded misfit as a function of one factor: see :class:`mffnb.protocols.Loss`.

    Parameters
    ----------
    misfit
        Misfit D.
    basis
        The fixed factor, (k, others), for all entries of the block along the other axis.
    of_rows
        Whether the variable factor is that of the rows of X, with the value n D; otherwise that of the columns, with D.
    """

    misfit: BandedMisfit
    basis: Float64Array
    of_rows: bool

    @property
    def name(self) -> str:
        """Name of the similarity, for messages."""
        return self.misfit.measure.name

    def value(self, factor: Float64Array) -> float:
        """Return the contribution of this rank to the misfit at a factor (k, own entries)."""
        here = sum(self.misfit.of_band(*band) for band in self._bands(self._share.gather(factor)))
        return here / self._pixels

    def value_and_gradient(self, factor: Float64Array) -> tuple[float, Float64Array]:
        """Return the contribution of this rank to the misfit at a factor, and the gradient (k, own entries)."""
        moving = self._share.gather(factor)
        here, gradient = 0.0, np.zeros_like(moving)
        for rows, x, w, y in self._bands(moving):
            here += self.misfit.of_band(rows, x, w, y)
            self._add(gradient, rows, self.basis, self.misfit.of_block.slope(x, w, y))
        return here / self._pixels, self._share.sum_scatter(gradient) / self._pixels

    def curvature(self, factor: Float64Array) -> Float64Array:
        """Return a diagonal upper bound (k, entries) on the second derivative of the misfit near a factor.

        The second derivative with respect to one entry (column) is at most ``B diag(c) B^T``, with the fixed factor B
        and the curvature bounds c of the loss. For any positive v, its row sums with weights v, divided by v, are a
        diagonal upper bound. With the mean of each component as v the bound is tight for components of different size.
        """
        size = self.misfit.matrix.total(np.abs(factor).sum(axis=1)) / self._share.length
        size = np.where(size > 0, size, size.max(initial=0.0) or 1.0)
        summed = self.basis * (self.basis.T @ size) / size[:, None]
        moving = self._share.gather(factor)
        out = np.zeros_like(moving)
        for rows, x, w, y in self._bands(moving):
            self._add(out, rows, summed, self.misfit.of_block.curvature_bound(x, w, y), power=2)
        return self._share.sum_scatter(out) / self._pixels

    @property
    def _share(self) -> AxisDistribution:
        """Distribution of the entries of the variable factor over ranks."""
        return self.misfit.matrix.row_axis if self.of_rows else self.misfit.matrix.column_axis

    @property
    def _pixels(self) -> int:
        """Number of pixels by which the value is divided: that of A is n D."""
        return 1 if self.of_rows else self.misfit.matrix.shape[0]

    def _bands(self, factor: Float64Array) -> Iterator[tuple[slice, Array, Array | None, Array]]:
        return self.misfit.bands(*((factor, self.basis) if self.of_rows else (self.basis, factor)))

    def _add(self, out: Float64Array, rows: slice, basis: Float64Array, of_model: Float64Array, power: int = 1) -> None:
        """Convert derivatives by the model, (rows, channels), to derivatives by the factor and add them to ``out``."""
        gain, pixels = self.misfit.gain_of_block, self.misfit.weights_of_block
        of_model = of_model if gain is None else of_model * gain[rows, None] ** power
        of_model = of_model if pixels is None else of_model * pixels[rows, None]
        if self.of_rows:
            out[:, rows] = basis @ of_model.T
        else:
            out += basis[:, rows] @ of_model
