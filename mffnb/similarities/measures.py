"""Losses of rows of data: see :class:`mffnb.protocols.Measure`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from scipy import special

from mffnb.protocols.distance import Distance
from mffnb.protocols.part_results import losses_of
from mffnb.protocols.transform import FittedTransform
from mffnb.typing import Array, Float64Array

_SMALLEST_NORM = 1e-150  # spectra with a smaller norm count as zero, without a direction


@dataclass(frozen=True)
class Entrywise:
    """Sum of losses of single entries, optionally through a transform: d(x, f(b + y)).

    Attributes
    ----------
    distance
        Loss d of a single entry.
    transform
        Transform f; None for the identity.
    offset
        Intercept b, (channels,); None for zeros.
    """

    distance: Distance
    transform: FittedTransform | None = None
    offset: Array | None = None

    @property
    def name(self) -> str:
        """Name of the loss d, for messages."""
        return self.distance.name

    @property
    def barrier(self) -> bool:
        """Whether the loss is infinite where the model is zero and the data are positive."""
        return self.distance.barrier and self.transform is None

    @property
    def curvature(self) -> float | None:
        """Global upper bound on the second derivative of the loss; None with a transform."""
        return self.distance.curvature if self.transform is None else None

    @property
    def convex(self) -> bool:
        """Whether the slope of the loss never falls with the model, on a grid of data and model values."""
        model, plain = np.geomspace(1e-3, 1e3, 61)[:, None], replace(self, offset=None)
        slopes = [plain.slope(np.full_like(model, x), None, model)[:, 0] for x in (0.1, 0.5, 0.9)]
        return all(bool((np.diff(slope) >= -1e-9 * np.abs(slope).max()).all()) for slope in slopes)

    def value(self, x: Float64Array, w: Float64Array | None, y: Float64Array) -> Float64Array:
        """Return the loss of each row, (rows,)."""
        value = losses_of(self.distance, self.distance.value, x, self._mapped(y))
        return _row_sums(value if w is None else np.where(w > 0, value, 0.0), w)

    def slope(self, x: Float64Array, w: Float64Array | None, y: Float64Array) -> Float64Array:
        """Return the first derivatives of the loss with respect to the model y, (rows, channels)."""
        mapped = self._mapped(y)
        slope = losses_of(self.distance, self.distance.slope, x, mapped)
        return _weighted(slope if self.transform is None else slope * self.transform.derivatives(mapped)[0], w)

    def curvature_bound(self, x: Float64Array, w: Float64Array | None, y: Float64Array) -> Float64Array:
        """Return upper bounds on the second derivatives near y, (rows, channels), by the chain rule."""
        mapped = self._mapped(y)
        bound = losses_of(self.distance, self.distance.curvature_bound, x, mapped)
        if self.transform is not None:
            first, second = self.transform.derivatives(mapped)
            bound = bound * first**2 + np.abs(self.distance.slope(x, mapped) * second)
        return _weighted(bound, w)

    def _mapped(self, y: Float64Array) -> Float64Array:
        shifted = y if self.offset is None else y + self.offset
        return shifted if self.transform is None else self.transform.apply(shifted)


@dataclass(frozen=True)
class LogOdds:
    r"""Bernoulli deviance of x for the probability :math:`1 / (1 + e^{-b - y})`; zero where both are equal.

    Attributes
    ----------
    offset
        Intercept b, (channels,); None for zeros.
    """

    offset: Array | None = None
    name: ClassVar[str] = "Bernoulli"
    barrier: ClassVar[bool] = False
    curvature: ClassVar[float | None] = None  # the bound 1/4 is far too large where a probability is nearly certain

    def value(self, x: Float64Array, w: Float64Array | None, y: Float64Array) -> Float64Array:
        """Return the loss of each row, (rows,)."""
        odds = self._odds(y)
        # logaddexp computes log(1 + e^z) without overflow.
        loss = np.maximum(odds, 0.0) + np.log1p(np.exp(-np.abs(odds))) - x * odds
        if ((x > 0) & (x < 1)).any():  # the entropy of x is zero if x is 0 or 1
            loss += special.xlogy(x, x) + special.xlog1py(1 - x, -x)
        return _row_sums(loss, w)

    def slope(self, x: Float64Array, w: Float64Array | None, y: Float64Array) -> Float64Array:
        """Return the first derivatives of the loss with respect to the model y, (rows, channels)."""
        return _weighted(special.expit(self._odds(y)) - x, w)

    def curvature_bound(self, x: Float64Array, w: Float64Array | None, y: Float64Array) -> Float64Array:
        """Return the second derivatives of the loss with respect to the model y, (rows, channels)."""
        probability = special.expit(self._odds(y))
        return _weighted(probability * (1 - probability), w)

    def _odds(self, y: Float64Array) -> Float64Array:
        return y if self.offset is None else y + self.offset


@dataclass(frozen=True)
class Cosine:
    r"""Cosine distance :math:`1 - \cos(x, y)` of whole rows; weights apply to the inner product and to both norms."""

    name: ClassVar[str] = "SpectralAngle"
    barrier: ClassVar[bool] = False
    curvature: ClassVar[float | None] = None
    offset: ClassVar[Array | None] = None

    def value(self, x: Float64Array, w: Float64Array | None, y: Float64Array) -> Float64Array:
        """Return the distance of each row, (rows,); 0 if the data are zero, 1 if only the model is zero."""
        of_x, norm = _norms(x, w), _norms(y, w)
        # The loss is half the squared distance of unit vectors, which avoids the cancellation of 1 - cos.
        apart = x / np.where(of_x > 0, of_x, 1.0)[:, None] - y / np.where(norm > 0, norm, 1.0)[:, None]
        distance = np.where(norm > 0, _row_sums(apart**2, w) / 2, 1.0)
        return np.asarray(np.where(of_x > 0, distance, 0.0))

    def slope(self, x: Float64Array, w: Float64Array | None, y: Float64Array) -> Float64Array:
        """Return the first derivatives of the loss with respect to the model y, (rows, channels)."""
        of_x, norm = _norms(x, w), _norms(y, w)
        both = (of_x > 0) & (norm > 0)
        to_x = x / np.where(both, of_x, 1.0)[:, None]
        to_y = y / np.where(both, norm, 1.0)[:, None]
        along = _weighted(to_x * to_y, w).sum(axis=1, keepdims=True)
        across = (along * to_y - to_x) / np.where(both, norm, 1.0)[:, None]
        return np.where(both[:, None], _weighted(across, w), 0.0)

    def curvature_bound(self, x: Float64Array, w: Float64Array | None, y: Float64Array) -> Float64Array:
        """Return the inverse squared norm of the model, which is the second derivative for small angles."""
        norm = _norms(y, w)
        bound = np.where(norm > 0, 1.0, 0.0) / np.where(norm > 0, norm, 1.0) ** 2
        return _weighted(np.broadcast_to(bound[:, None], y.shape), w)

    def pixel_gains(self, x: Float64Array, w: Float64Array | None, y: Float64Array) -> Float64Array:
        """Return the factor by which each row of the model y fits the data x best in least squares, (rows,)."""
        norm = _norms(y, w)
        along = _row_sums(x * y, w)
        return np.where(norm > 0, along / np.where(norm > 0, norm, 1.0) ** 2, 0.0)


def _norms(rows: Float64Array, w: Float64Array | None) -> Float64Array:
    norm = np.sqrt(_row_sums(rows**2, w))
    return np.where(norm > _SMALLEST_NORM, norm, 0.0)


def _row_sums(entries: Float64Array, w: Float64Array | None) -> Float64Array:
    sums: Float64Array = _weighted(entries, w).sum(axis=1)
    return sums


def _weighted(entries: Float64Array, w: Float64Array | None) -> Float64Array:
    return entries if w is None else entries * w
