"""Losses d(x, y) of single entries: see :class:`mffnb.protocols.Distance`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy import special

from mffnb.typing import Float64Array

_FLOOR = 1e-100  # smallest model value that is used as a divisor
_STEEPEST = 1e-10  # relative to the data: smaller model values use this slope, or gradients at zero would be infinite


@dataclass(frozen=True)
class SquaredDistance:
    r"""Squared error, :math:`(x - y)^2 / 2`."""

    name: ClassVar[str] = "Frobenius"
    barrier: ClassVar[bool] = False
    curvature: ClassVar[float | None] = 1.0

    def value(self, x: Float64Array, y: Float64Array) -> Float64Array:
        """Value d(x, y)."""
        return (x - y) ** 2 / 2

    def slope(self, x: Float64Array, y: Float64Array) -> Float64Array:
        """First derivative with respect to y."""
        return y - x

    def curvature_bound(self, x: Float64Array, y: Float64Array) -> Float64Array:
        """Second derivative with respect to y."""
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
        """Whether the value is infinite for y = 0 < x: for beta <= 1."""
        return self.beta <= 1

    def value(self, x: Float64Array, y: Float64Array) -> Float64Array:
        """Value d(x, y)."""
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
        """First derivative with respect to y."""
        floored = np.maximum(y, np.maximum(_FLOOR, _STEEPEST * x))
        return (y - x) * _power(floored, self.beta - 2)

    def curvature_bound(self, x: Float64Array, y: Float64Array) -> Float64Array:
        """Sum of the positive terms of the second derivative with respect to y."""
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
        """Value d(x, y)."""
        size = np.abs(x - y)
        within = np.minimum(size, self.threshold)
        return within * (size - within / 2)

    def slope(self, x: Float64Array, y: Float64Array) -> Float64Array:
        """First derivative with respect to y."""
        return np.clip(y - x, -self.threshold, self.threshold)

    def curvature_bound(self, x: Float64Array, y: Float64Array) -> Float64Array:
        """Second derivative of the majorizing parabola at y."""
        return self.threshold / np.maximum(np.abs(x - y), self.threshold)


def _power(base: Float64Array, exponent: float) -> Float64Array:
    """Return ``base ** exponent``; fast where twice the exponent is a small integer."""
    twice = 2 * exponent
    if twice != round(twice) or abs(twice) > 8:
        return np.asarray(base**exponent)
    root = np.sqrt(base) if round(twice) % 2 else None
    whole = abs(int(exponent))
    out = np.ones_like(base) if root is None else root
    for _ in range(whole):
        out = out * base
    return out if exponent >= 0 else 1 / out
