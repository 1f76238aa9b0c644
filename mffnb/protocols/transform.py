"""Protocols of transforms: the elementwise map f in the model X ~ f(A E)."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from mffnb.typing import Float64Array


@runtime_checkable
class Transform(Protocol):
    """Elementwise map f from the product A E of the factors to the model of the data."""

    def apply(self, model: Float64Array) -> Float64Array:
        """Return f of every entry of the product of the factors."""


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
        """Return first and second derivative of f at the point where f has the value ``mapped``, elementwise."""

    def inverse(self, mapped: Float64Array) -> Float64Array:
        """Return finite values at which f has the value ``mapped``, approximately where the inverse is infinite."""
