"""Protocols of loss functions on arrays: of single entries, and of whole rows."""

from __future__ import annotations

from typing import Protocol

from mffnb.typing import Array, Float64Array


class Distance(Protocol):
    """Loss d(x, y) between a data value x and its model y, elementwise for arrays of any shape.

    Attributes
    ----------
    name, barrier, curvature
        Name, barrier and global curvature bound, as for :class:`Measure`.
    """

    @property
    def name(self) -> str: ...  # noqa: D102

    @property
    def barrier(self) -> bool: ...  # noqa: D102

    @property
    def curvature(self) -> float | None: ...  # noqa: D102

    def value(self, x: Float64Array, y: Float64Array) -> Float64Array:
        """Return the loss d(x, y) of each entry, elementwise."""

    def slope(self, x: Float64Array, y: Float64Array) -> Float64Array:
        """Return the first derivative of d(x, y) with respect to y, elementwise."""

    def curvature_bound(self, x: Float64Array, y: Float64Array) -> Float64Array:
        """Return an upper bound on the second derivative of d with respect to the model, near y, elementwise."""


class Measure(Protocol):
    """Loss of whole rows between data x and model y with entry weights w (None for ones), each (rows, channels).

    Attributes
    ----------
    name
        Name of the similarity, for messages.
    barrier
        Whether the loss is infinite where the model is zero and the data are positive.
    curvature
        Global upper bound on the second derivative for weights of 1; None if no such bound exists.
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
        """Return the loss of each row, (rows,)."""

    def slope(self, x: Float64Array, w: Float64Array | None, y: Float64Array) -> Float64Array:
        """Return the first derivatives of the loss with respect to the model y, (rows, channels)."""

    def curvature_bound(self, x: Float64Array, w: Float64Array | None, y: Float64Array) -> Float64Array:
        """Return positive upper bounds on the second derivatives of the loss near the model y, (rows, channels)."""
