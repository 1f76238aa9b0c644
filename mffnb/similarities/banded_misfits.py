"""Similarities that no quadratic and no logarithm describes: looked at band by band, for either factor.

Nothing of the size of X is built; where X is sparse its bands are made dense one by one, since the model is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from mffnb.matrices.local import CACHE_BYTES, band_limits
from mffnb.protocols.half import Half
from mffnb.protocols.matrix import Matrix
from mffnb.typing import Array, Float64Array

_LONGEST, _FARTHEST = 2.0, 15.0  # step of an intercept, and log-odds that are as good as certain
_HALVINGS = 8  # of such a step before it is given up


class Measure(Protocol):
    """A similarity on a few rows: data x, weights w (None for ones) and model y, all (rows, channels).

    Attributes
    ----------
    name
        What users call it.
    barrier
        Whether it is infinite where the model is zero and the data are not.
    curvature
        A number that its second derivatives never exceed, where weights are 1; None if there is none.
    """

    @property
    def name(self) -> str: ...  # noqa: D102

    @property
    def barrier(self) -> bool: ...  # noqa: D102

    @property
    def curvature(self) -> float | None: ...  # noqa: D102

    def value(self, x: Float64Array, w: Float64Array | None, y: Float64Array) -> Float64Array:
        """The measure of each row, (rows,)."""

    def slope(self, x: Float64Array, w: Float64Array | None, y: Float64Array) -> Float64Array:
        """Its derivatives by y, (rows, channels)."""

    def bend(self, x: Float64Array, w: Float64Array | None, y: Float64Array) -> Float64Array:
        """What its second derivatives lie below near y, (rows, channels), positive."""


def looks(matrix: Matrix) -> Iterator[tuple[slice, Float64Array, Float64Array | None]]:
    """Yield (rows, X there, weights there or None) over the rows that are here, dense; what is missing counts zero."""
    if not matrix.complete:
        for start, stop in band_limits(matrix.shape, CACHE_BYTES):
            band, weights = matrix.rows_and_weights(start, stop)  # type: ignore[attr-defined]
            gone = np.isnan(band)
            yield slice(start, stop), np.where(gone, 1.0, band), np.where(gone, 0.0, weights)
        return
    for start, stop, band in matrix.bands():
        for low, high in band_limits((stop - start, matrix.shape[1]), CACHE_BYTES):
            piece: Any = band[low:high]
            yield slice(start + low, start + high), piece if isinstance(piece, np.ndarray) else piece.toarray(), None


@dataclass(frozen=True, eq=False)
class Banded:
    r""":math:`D = \tfrac1n \sum_i u_i\, d(s x_i, g_i a_i E)` over n pixels.

    Where the curvature of d is bounded, the half problems are quadratics that touch the true ones at the factors as
    they stand and lie above them elsewhere, which the fast solvers take; else they are losses.

    Attributes
    ----------
    matrix, gain, scale
        X, g and s.
    measure
        d.
    zero
        D of the model that explains nothing.
    pixels
        u, (own pixels,); None for ones.
    """

    matrix: Matrix
    gain: Float64Array | None
    scale: float
    measure: Measure
    zero: float = 1.0
    pixels: Float64Array | None = None

    def with_zero(self, abundances: Float64Array, endmembers: Float64Array) -> Banded:
        """The same, with the zero of a model (k, own pixels), (k, channels) that explains nothing."""
        return replace(self, zero=self.distance(abundances, endmembers))

    @property
    def barrier(self) -> bool:
        """Whether D is infinite where the model is zero and the data are not."""
        return self.measure.barrier

    @property
    def touching(self) -> bool:
        """Whether half problems are quadratics above the true ones."""
        return self.measure.curvature is not None

    def abundance_half(self, abundances: Float64Array, endmembers: Float64Array) -> Half:
        """N D as a function of A (k, pixels), or a quadratic above it."""
        loss = BandedLoss(self, endmembers, of_rows=True)
        weights = None if self.gain is None else self.gain**2
        return self._half(loss, abundances, endmembers @ endmembers.T, weights)

    def endmember_half(self, abundances: Float64Array, endmembers: Float64Array) -> Half:
        """D as a function of E (k, channels), or a quadratic above it."""
        loss = BandedLoss(self, abundances, of_rows=False)
        amounts = abundances if self.gain is None else abundances * self.gain
        return self._half(loss, endmembers, self.matrix.total(amounts @ amounts.T) / self.matrix.shape[0], None)

    def _half(self, loss: BandedLoss, factor: Float64Array, gram: Float64Array, weights: Float64Array | None) -> Half:
        bound = self.measure.curvature
        if bound is None:
            return Half(np.zeros_like(gram), np.zeros_like(factor), factor=factor, loss=loss)
        pull = bound * gram @ factor
        cross = (pull if weights is None else pull * weights) - loss.look(factor)[1]
        return Half(bound * gram, cross, weights=weights, factor=factor)

    def in_one_look(
        self, abundances: Float64Array, endmembers: Float64Array, step: Callable[[Float64Array, Half], float]
    ) -> None:
        """A loss looks at X in its half steps, more than once."""

    def at_abundances(self, half: Half, abundances: Float64Array, endmembers: Float64Array) -> float:
        """D, by a look at X."""
        return self.distance(abundances, endmembers)

    def at_endmembers(self, half: Half, abundances: Float64Array, endmembers: Float64Array) -> float:
        """D, by a look at X."""
        return self.distance(abundances, endmembers)

    def distance(self, abundances: Float64Array, endmembers: Float64Array) -> float:
        """D(A, E)."""
        here = sum(self.of_band(*band) for band in self.bands(abundances, endmembers))
        return float(self.matrix.total(np.array(here))) / self.matrix.shape[0]

    def sizes(self, abundances: Float64Array, endmembers: Float64Array) -> Float64Array:
        """What the model of each pixel has to be multiplied by to be nearest to s X, (own pixels,)."""
        found = np.empty(abundances.shape[1])
        for rows, x, w, y in self.bands(abundances, endmembers):
            found[rows] = self.measure.sizes(x, w, y)  # type: ignore[attr-defined]
        return found

    def settled(self, abundances: Float64Array, endmembers: Float64Array, steps: int = 2) -> Banded:
        """The same with the intercept that suits these factors, by Newton steps that never raise D."""
        if self.offset is None:
            return self
        here, lowest = self, self.distance(abundances, endmembers)
        for _ in range(steps):
            slope, bend = here._of_channels(abundances, endmembers)
            step = np.clip(-slope / np.maximum(bend, 1e-300), -_LONGEST, _LONGEST)
            for _ in range(_HALVINGS):
                there = here.with_offset(np.clip(here.offset + step, -_FARTHEST, _FARTHEST))
                value = there.distance(abundances, endmembers)
                if value <= lowest:
                    here, lowest = there, value
                    break
                step = step / 2
            else:
                return here
        return here

    def with_offset(self, offset: Float64Array) -> Banded:
        """The same with another intercept."""
        return replace(self, measure=replace(self.measure, offset=offset))  # type: ignore[type-var]

    @property
    def offset(self) -> Float64Array | None:
        """The intercept of the model, (channels,); None where there is none."""
        return getattr(self.measure, "offset", None)

    def _of_channels(self, abundances: Float64Array, endmembers: Float64Array) -> Float64Array:
        """First and second derivatives of n D by what is added to a channel, (2, channels)."""
        here = np.zeros((2, self.matrix.shape[1]))
        for _, x, w, y in self.bands(abundances, endmembers):
            here += self.measure.slope(x, w, y).sum(axis=0), self.measure.bend(x, w, y).sum(axis=0)
        return self.matrix.total(here)

    def bands(
        self, abundances: Float64Array, endmembers: Float64Array
    ) -> Iterator[tuple[slice, Float64Array, Float64Array | None, Float64Array]]:
        """Yield (rows, s X, weights or None, model)."""
        for rows, x, w in looks(self.matrix):
            amounts = abundances[:, rows]
            amounts = amounts if self.gain is None else amounts * self.gain[rows]
            yield rows, self.scale * x, w, amounts.T @ endmembers

    def of_band(self, rows: slice, x: Float64Array, w: Float64Array | None, y: Float64Array) -> float:
        """N D of some rows."""
        distance = self.measure.value(x, w, y)
        return float(distance.sum() if self.pixels is None else distance @ self.pixels[rows])


@dataclass(frozen=True, eq=False)
class BandedLoss:
    """A misfit as a function of one factor: see :class:`mffnb.protocols.Loss`.

    Parameters
    ----------
    misfit
        D.
    basis
        The factor that is held.
    of_rows
        Whether the factor that moves belongs to the rows of X (then this is n D); else to its columns (then D).
    """

    misfit: Banded
    basis: Float64Array
    of_rows: bool

    @property
    def name(self) -> str:
        """That of the similarity."""
        return self.misfit.measure.name

    def value(self, factor: Float64Array) -> float:
        """The value at a factor (k, entries); of the pixels that are here, for the factor of the rows."""
        here = sum(self.misfit.of_band(*band) for band in self._bands(factor))
        return here if self.of_rows else float(self.misfit.matrix.total(np.array(here))) / self._pixels

    def look(self, factor: Float64Array) -> tuple[float, Float64Array]:
        """Value and gradient (k, entries)."""
        here, gradient = 0.0, np.zeros_like(factor)
        for rows, x, w, y in self._bands(factor):
            here += self.misfit.of_band(rows, x, w, y)
            self._add(gradient, rows, self.basis, self.misfit.measure.slope(x, w, y))
        if self.of_rows:
            return here, gradient
        total = self.misfit.matrix.total
        return float(total(np.array(here))) / self._pixels, total(gradient) / self._pixels

    def curvature(self, factor: Float64Array) -> Float64Array:
        """A diagonal (k, entries) above the second derivative near a factor.

        That of an entry is ``B diag(b) B^T``, b being the bends, whose rows, summed with weights v over v, make a
        diagonal above it; with the mean size of its component for v all components may be of different size.
        """
        size = np.abs(factor).mean(axis=1)
        size = np.where(size > 0, size, size.max(initial=0.0) or 1.0)
        whole = self.basis * (self.basis.T @ size) / size[:, None]
        out = np.zeros_like(factor)
        for rows, x, w, y in self._bands(factor):
            self._add(out, rows, whole, self.misfit.measure.bend(x, w, y), power=2)
        return out if self.of_rows else self.misfit.matrix.total(out) / self._pixels

    @property
    def _pixels(self) -> int:
        return self.misfit.matrix.shape[0]

    def _bands(self, factor: Float64Array) -> Iterator[tuple[slice, Array, Array | None, Array]]:
        return self.misfit.bands(*((factor, self.basis) if self.of_rows else (self.basis, factor)))

    def _add(self, out: Float64Array, rows: slice, basis: Float64Array, of_model: Float64Array, power: int = 1) -> None:
        """Lead derivatives by the model, (rows, channels), back to the factor."""
        gain, pixels = self.misfit.gain, self.misfit.pixels
        of_model = of_model if gain is None else of_model * gain[rows, None] ** power
        of_model = of_model if pixels is None else of_model * pixels[rows, None]
        if self.of_rows:
            out[:, rows] = basis @ of_model.T
        else:
            out += basis[:, rows] @ of_model
