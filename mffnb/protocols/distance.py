"""Protocols of loss functions on arrays: of single entries, and of whole rows."""

from __future__ import annotations

from typing import Protocol

from mffnb.typing import Array, Float64Array


class Distance(Protocol):
    """A loss d(x, y) of an entry x and its model y, for arrays of any shape.

    Attributes
    ----------
    name, barrier, curvature
        As for :class:`Measure`.
    """

    @property
    def name(self) -> str: ...  # noqa: D102

    @property
    def barrier(self) -> bool: ...  # noqa: D102

    @property
    def curvature(self) -> float | None: ...  # noqa: D102

    def value(self, x: Float64Array, y: Float64Array) -> Float64Array:
        """Value d(x, y)."""

    def slope(self, x: Float64Array, y: Float64Array) -> Float64Array:
        """First derivative with respect to y."""

    def curvature_bound(self, x: Float64Array, y: Float64Array) -> Float64Array:
        """Upper bound on the second derivative with respect to y near y."""


class Measure(Protocol):
    """A loss of rows: data x, weights w (None for ones) and model y, all of shape (rows, channels).

    Attributes
    ----------
    name
        Name of the similarity, for messages.
    barrier
        Whether the loss is infinite where the model is zero and the data are not.
    curvature
        Global bound on the second derivative for weights of 1; None if there is none.
    offset
        Intercept that is added to the model, (channels,); None for none.
    """

    @property
    def name(self) -> str: ...  # noqa: D102

    @property
    def barrier(self) -> bool: ...  # noqa: D102

    @property
    def curvature(self) -> float | None: ...  # noqa: D102

    @property
    def offset(self) -> Array | None: ...  # noqa: D102

    def value(self, x: Float64Array, w: Float64Array | None, y: Float64Array) -> Float64Array:
        """Loss of each row, (rows,)."""

    def slope(self, x: Float64Array, w: Float64Array | None, y: Float64Array) -> Float64Array:
        """First derivatives with respect to y, (rows, channels)."""

    def curvature_bound(self, x: Float64Array, w: Float64Array | None, y: Float64Array) -> Float64Array:
        """Positive upper bounds on the second derivatives near y, (rows, channels)."""
