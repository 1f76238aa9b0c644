"""Losses d(x, y) of single entries: see :class:`mffnb.protocols.Distance`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy import special

from mffnb.typing import Float64Array

_FLOOR = 1e-100  # smaller model values are replaced by this one in denominators
_STEEPEST = 1e-10  # relative to the data: smaller model values use the slope of this one; at zero it would be infinite


@dataclass(frozen=True)
class SquaredDistance:
    r"""Squared error, :math:`(x - y)^2 / 2`."""

    name: ClassVar[str] = "Frobenius"
    barrier: ClassVar[bool] = False
    curvature: ClassVar[float | None] = 1.0

    def value(self, x: Float64Array, y: Float64Array) -> Float64Array:
        """Return the loss d(x, y) of each entry, elementwise."""
        return (x - y) ** 2 / 2

    def slope(self, x: Float64Array, y: Float64Array) -> Float64Array:
        """Return the first derivative of d(x, y) with respect to y, elementwise."""
        return y - x

    def curvature_bound(self, x: Float64Array, y: Float64Array) -> Float64Array:
        """Return the second derivative of d(x, y) with respect to y, elementwise."""
        return np.ones_like(y)


@dataclass(frozen=True)
class BetaDistance:
    r"""Beta divergence, :math:`\frac{x^\beta + (\beta - 1) y^\beta - \beta x y^{\beta - 1}}{\beta (\beta - 1)}`.

    The limits are the Kullback-Leibler divergence for beta = 1 and the Itakura-Saito divergence for beta = 0.
    """

    beta: float
    name: ClassVar[str] = "BetaDivergence"
    curvature: ClassVar[float | None] = None

    @property
    def barrier(self) -> bool:
        """Whether the divergence is infinite for y = 0 < x, which holds for beta <= 1."""
        return self.beta <= 1

    def value(self, x: Float64Array, y: Float64Array) -> Float64Array:
        """Return the loss d(x, y) of each entry, elementwise."""
        beta = self.beta
        none, y = y <= _FLOOR, np.maximum(y, _FLOOR)
        if beta == 0:
            ratio = x / y
            out = ratio - np.log(ratio) - 1
        elif beta == 1:
            out = special.xlogy(x, x / y) - x + y
        else:
            power = _power(y, beta - 1)
            out = (_power(x, beta) / beta - x * power) / (beta - 1) + y * power / beta
        return np.where(none & (x > 0), np.inf, out) if self.barrier and none.any() else out

    def slope(self, x: Float64Array, y: Float64Array) -> Float64Array:
        """Return the first derivative of d(x, y) with respect to y, elementwise."""
        floored = np.maximum(y, np.maximum(_FLOOR, _STEEPEST * x))
        return (y - x) * _power(floored, self.beta - 2)

    def curvature_bound(self, x: Float64Array, y: Float64Array) -> Float64Array:
        """Return an upper bound on the second derivative with respect to y: the sum of its positive terms."""
        beta, y = self.beta, np.maximum(y, np.maximum(_FLOOR, _STEEPEST * x))
        power = _power(y, beta - 3)
        out = max(0.0, 2 - beta) * x * power
        return out + (beta - 1) * y * power if beta > 1 else out


@dataclass(frozen=True)
class HuberDistance:
    r"""Huber's loss: :math:`r^2 / 2` for residuals r up to a threshold, linear beyond it."""

    threshold: float
    name: ClassVar[str] = "Huber"
    barrier: ClassVar[bool] = False
    curvature: ClassVar[float | None] = 1.0

    def value(self, x: Float64Array, y: Float64Array) -> Float64Array:
        """Return the loss d(x, y) of each entry, elementwise."""
        size = np.abs(x - y)
        within = np.minimum(size, self.threshold)
        return within * (size - within / 2)

    def slope(self, x: Float64Array, y: Float64Array) -> Float64Array:
        """Return the first derivative of d(x, y) with respect to y, elementwise."""
        return np.clip(y - x, -self.threshold, self.threshold)

    def curvature_bound(self, x: Float64Array, y: Float64Array) -> Float64Array:
        """Return the second derivative of the parabola that touches the loss at y and bounds it from above."""
        return self.threshold / np.maximum(np.abs(x - y), self.threshold)


def _power(base: Float64Array, exponent: float) -> Float64Array:
    """Return ``base ** exponent`` elementwise, fast if twice the exponent is a small integer."""
    twice = 2 * exponent
    if twice != round(twice) or abs(twice) > 8:
        return np.asarray(base**exponent)
    root = np.sqrt(base) if round(twice) % 2 else None
    whole = abs(int(exponent))
    out = np.ones_like(base) if root is None else root
    for _ in range(whole):
        out = out * base
    return out if exponent >= 0 else 1 / out
