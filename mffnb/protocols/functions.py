"""Protocols of functions and sets of one factor F (k, entries): value, gradient, proximal operator, projection."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from mffnb.typing import Float64Array


@runtime_checkable
class Function(Protocol):
    """A scalar function of a factor."""

    def value(self, factor: Float64Array) -> float:
        """Return the value of the function at a factor (k, entries)."""


@runtime_checkable
class SmoothFunction(Function, Protocol):
    """A differentiable function."""

    def gradient(self, factor: Float64Array) -> Float64Array:
        """Return the gradient of the function at a factor, (k, entries)."""


@runtime_checkable
class ProximalFunction(Function, Protocol):
    """A function with a known proximal operator."""

    def prox(self, factor: Float64Array, step: float) -> Float64Array:
        """Return the proximal point: the minimiser G, (k, entries), of ``step * value(G) + |G - factor|^2 / 2``."""


@runtime_checkable
class FactorSet(Protocol):
    """A set of factors with a known projection."""

    def project(self, factor: Float64Array) -> Float64Array:
        """Return the point of the set that is nearest to a factor (k, entries)."""
