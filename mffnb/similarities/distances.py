"""Distances of single entries, and of whole spectra: see :class:`mffnb.similarities.banded_misfits.Measure`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
from scipy import special

from mffnb.typing import Array, Float64Array

_FLOOR = 1e-100  # least model value that is divided by
_STEEPEST = 1e-10  # of the data: a model value below has the slope of this one, or none would leave zero
_LEAST_LENGTH = 1e-150  # of a spectrum that has a direction


class Distance(Protocol):
    """A distance d(x, y) of an entry x from its model y, of arrays of any one shape.

    Attributes
    ----------
    name, barrier, curvature
        As for :class:`mffnb.similarities.banded_misfits.Measure`.
    """

    @property
    def name(self) -> str: ...  # noqa: D102

    @property
    def barrier(self) -> bool: ...  # noqa: D102

    @property
    def curvature(self) -> float | None: ...  # noqa: D102

    def value(self, x: Float64Array, y: Float64Array) -> Float64Array:
        """D."""

    def slope(self, x: Float64Array, y: Float64Array) -> Float64Array:
        """Its derivative by y."""

    def bend(self, x: Float64Array, y: Float64Array) -> Float64Array:
        """What its second derivative lies below near y."""


class Transform(Protocol):
    """A map f of single entries in the model X ~ f(A E)."""

    def apply(self, model: Float64Array) -> Float64Array:
        """F of every entry."""


class Bent(Transform, Protocol):
    """A map that is fitted through, not only applied to the answer."""

    def derivatives(self, mapped: Float64Array) -> tuple[Float64Array, Float64Array]:
        """The first and the second derivative of f, where f has the value ``mapped``."""


@dataclass(frozen=True)
class Squares:
    r""":math:`(x - y)^2 / 2`."""

    name: ClassVar[str] = "Frobenius"
    barrier: ClassVar[bool] = False
    curvature: ClassVar[float | None] = 1.0

    def value(self, x: Float64Array, y: Float64Array) -> Float64Array:
        """D."""
        return (x - y) ** 2 / 2

    def slope(self, x: Float64Array, y: Float64Array) -> Float64Array:
        """Its derivative by y."""
        return y - x

    def bend(self, x: Float64Array, y: Float64Array) -> Float64Array:
        """Its second derivative."""
        return np.ones_like(y)


@dataclass(frozen=True)
class Powers:
    r""":math:`\frac{x^\beta + (\beta - 1) y^\beta - \beta x y^{\beta - 1}}{\beta (\beta - 1)}`, and its limits."""

    beta: float
    name: ClassVar[str] = "BetaDivergence"
    curvature: ClassVar[float | None] = None

    @property
    def barrier(self) -> bool:
        """Where beta does not exceed 1."""
        return self.beta <= 1

    def value(self, x: Float64Array, y: Float64Array) -> Float64Array:
        """D."""
        beta = self.beta
        none, y = y <= _FLOOR, np.maximum(y, _FLOOR)
        if beta == 0:
            ratio = x / y
            out = ratio - np.log(ratio) - 1
        elif beta == 1:
            out = special.xlogy(x, x / y) - x + y
        else:
            lifted = _power(y, beta - 1)
            out = (_power(x, beta) / beta - x * lifted) / (beta - 1) + y * lifted / beta
        return np.where(none & (x > 0), np.inf, out) if self.barrier and none.any() else out

    def slope(self, x: Float64Array, y: Float64Array) -> Float64Array:
        """Its derivative by y."""
        floored = np.maximum(y, np.maximum(_FLOOR, _STEEPEST * x))
        return (y - x) * _power(floored, self.beta - 2)

    def bend(self, x: Float64Array, y: Float64Array) -> Float64Array:
        """Of its second derivative the summands that are positive."""
        beta, y = self.beta, np.maximum(y, np.maximum(_FLOOR, _STEEPEST * x))
        lifted = _power(y, beta - 3)
        out = max(0.0, 2 - beta) * x * lifted
        return out + (beta - 1) * y * lifted if beta > 1 else out


@dataclass(frozen=True)
class Clipped:
    r""":math:`r^2 / 2` for residuals r within a threshold, linear beyond it."""

    threshold: float
    name: ClassVar[str] = "Huber"
    barrier: ClassVar[bool] = False
    curvature: ClassVar[float | None] = 1.0

    def value(self, x: Float64Array, y: Float64Array) -> Float64Array:
        """D."""
        size = np.abs(x - y)
        within = np.minimum(size, self.threshold)
        return within * (size - within / 2)

    def slope(self, x: Float64Array, y: Float64Array) -> Float64Array:
        """Its derivative by y."""
        return np.clip(y - x, -self.threshold, self.threshold)

    def bend(self, x: Float64Array, y: Float64Array) -> Float64Array:
        """The curvature of the parabola that touches it."""
        return self.threshold / np.maximum(np.abs(x - y), self.threshold)


@dataclass(frozen=True)
class Entrywise:
    """A distance of entries, through a map if there is one: a measure.

    Attributes
    ----------
    distance
        Of an entry from its model.
    map
        F; None for the identity.
    offset
        What is added to the model before it is mapped, (channels,); None for zeros.
    """

    distance: Distance
    map: Bent | None = None
    offset: Array | None = None

    @property
    def name(self) -> str:
        """That of the distance."""
        return self.distance.name

    @property
    def barrier(self) -> bool:
        """That of the distance."""
        return self.distance.barrier and self.map is None

    @property
    def curvature(self) -> float | None:
        """That of the distance, where nothing bends the model."""
        return self.distance.curvature if self.map is None else None

    def value(self, x: Float64Array, w: Float64Array | None, y: Float64Array) -> Float64Array:
        """The distance of each row."""
        value = self.distance.value(x, self._mapped(y))
        return _row_sums(value if w is None else np.where(w > 0, value, 0.0), w)

    def slope(self, x: Float64Array, w: Float64Array | None, y: Float64Array) -> Float64Array:
        """Its derivatives by y."""
        mapped = self._mapped(y)
        slope = self.distance.slope(x, mapped)
        return _weighted(slope if self.map is None else slope * self.map.derivatives(mapped)[0], w)

    def bend(self, x: Float64Array, w: Float64Array | None, y: Float64Array) -> Float64Array:
        """What its second derivatives lie below."""
        mapped = self._mapped(y)
        bend = self.distance.bend(x, mapped)
        if self.map is not None:
            first, second = self.map.derivatives(mapped)
            bend = bend * first**2 + np.abs(self.distance.slope(x, mapped) * second)
        return _weighted(bend, w)

    def _mapped(self, y: Float64Array) -> Float64Array:
        shifted = y if self.offset is None else y + self.offset
        return shifted if self.map is None else self.map.apply(shifted)


@dataclass(frozen=True)
class Odds:
    r"""Minus the log-likelihood of x under the probability :math:`1 / (1 + e^{-b - y})`, zero where they are equal.

    Attributes
    ----------
    offset
        b, (channels,); None for zeros.
    """

    offset: Array | None = None
    name: ClassVar[str] = "Bernoulli"
    barrier: ClassVar[bool] = False
    curvature: ClassVar[float | None] = None  # a quarter, which is far above it where something is nearly sure

    def value(self, x: Float64Array, w: Float64Array | None, y: Float64Array) -> Float64Array:
        """The distance of each row."""
        odds = self._odds(y)
        # log(1 + e^z), which may be large.
        unlikely = np.maximum(odds, 0.0) + np.log1p(np.exp(-np.abs(odds))) - x * odds
        if ((x > 0) & (x < 1)).any():  # what is sure has no entropy
            unlikely += special.xlogy(x, x) + special.xlog1py(1 - x, -x)
        return _row_sums(unlikely, w)

    def slope(self, x: Float64Array, w: Float64Array | None, y: Float64Array) -> Float64Array:
        """Its derivatives by y."""
        return _weighted(special.expit(self._odds(y)) - x, w)

    def bend(self, x: Float64Array, w: Float64Array | None, y: Float64Array) -> Float64Array:
        """Its second derivatives."""
        chance = special.expit(self._odds(y))
        return _weighted(chance * (1 - chance), w)

    def _odds(self, y: Float64Array) -> Float64Array:
        return y if self.offset is None else y + self.offset


@dataclass(frozen=True)
class Cosine:
    r""":math:`1 - \cos(x, y)` of whole rows; weights count in both lengths and in the product."""

    name: ClassVar[str] = "SpectralAngle"
    barrier: ClassVar[bool] = False
    curvature: ClassVar[float | None] = None

    def value(self, x: Float64Array, w: Float64Array | None, y: Float64Array) -> Float64Array:
        """The distance of each row; 0 where nothing was measured, 1 where nothing is modelled."""
        of_x, length = _lengths(x, w), _lengths(y, w)
        # Half the squared distance of directions keeps the digits that 1 - cos loses.
        apart = x / np.where(of_x > 0, of_x, 1.0)[:, None] - y / np.where(length > 0, length, 1.0)[:, None]
        distance = np.where(length > 0, _row_sums(apart**2, w) / 2, 1.0)
        return np.asarray(np.where(of_x > 0, distance, 0.0))

    def slope(self, x: Float64Array, w: Float64Array | None, y: Float64Array) -> Float64Array:
        """Its derivatives by y."""
        of_x, length = _lengths(x, w), _lengths(y, w)
        both = (of_x > 0) & (length > 0)
        to_x = x / np.where(both, of_x, 1.0)[:, None]
        to_y = y / np.where(both, length, 1.0)[:, None]
        along = _weighted(to_x * to_y, w).sum(axis=1, keepdims=True)
        across = (along * to_y - to_x) / np.where(both, length, 1.0)[:, None]
        return np.where(both[:, None], _weighted(across, w), 0.0)

    def bend(self, x: Float64Array, w: Float64Array | None, y: Float64Array) -> Float64Array:
        """The inverse square of the length, which is what a small turn costs."""
        length = _lengths(y, w)
        flat = np.where(length > 0, 1.0, 0.0) / np.where(length > 0, length, 1.0) ** 2
        return _weighted(np.broadcast_to(flat[:, None], y.shape), w)

    def sizes(self, x: Float64Array, w: Float64Array | None, y: Float64Array) -> Float64Array:
        """What each row of the model has to be multiplied by to be nearest to x, (rows,)."""
        length = _lengths(y, w)
        along = _row_sums(x * y, w)
        return np.where(length > 0, along / np.where(length > 0, length, 1.0) ** 2, 0.0)


def _lengths(rows: Float64Array, w: Float64Array | None) -> Float64Array:
    length = np.sqrt(_row_sums(rows**2, w))
    return np.where(length > _LEAST_LENGTH, length, 0.0)


def _row_sums(entries: Float64Array, w: Float64Array | None) -> Float64Array:
    sums: Float64Array = _weighted(entries, w).sum(axis=1)
    return sums


def _weighted(entries: Float64Array, w: Float64Array | None) -> Float64Array:
    return entries if w is None else entries * w


def _power(base: Float64Array, exponent: float) -> Float64Array:
    """``base ** exponent``, fast where twice the exponent is a small whole number."""
    twice = 2 * exponent
    if twice != round(twice) or abs(twice) > 8:
        return np.asarray(base**exponent)
    root = np.sqrt(base) if round(twice) % 2 else None
    whole = abs(int(exponent))
    out = np.ones_like(base) if root is None else root
    for _ in range(whole):
        out = out * base
    return out if exponent >= 0 else 1 / out
