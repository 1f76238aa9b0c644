"""Protocols of transforms: the map f in the model X ~ f(A E)."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from mffnb.typing import Float64Array


@runtime_checkable
class Transform(Protocol):
    """An elementwise map f between the product of the factors and the data."""

    def apply(self, model: Float64Array) -> Float64Array:
        """Evaluate f for every entry."""


@runtime_checkable
class FittedTransform(Transform, Protocol):
    """A transform with derivatives, through which the factors are fitted: X ~ f(b + A E) with an intercept b."""

    @property
    def intercept(self) -> bool:
        """Whether the model has an intercept b."""

    @property
    def limits(self) -> tuple[float, float]:
        """Smallest and largest value that the data may have."""

    def derivatives(self, mapped: Float64Array) -> tuple[Float64Array, Float64Array]:
        """First and second derivative of f where f has the value ``mapped``."""

    def inverse(self, mapped: Float64Array) -> Float64Array:
        """Finite values at which f has the value ``mapped``, or nearly so."""
