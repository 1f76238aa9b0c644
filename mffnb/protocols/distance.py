"""Protocols of loss functions on arrays: of single entries, and of whole rows."""

from __future__ import annotations

from typing import Protocol

from mffnb.typing import Array, Float64Array


class Distance(Protocol):
    """Loss d(x, y) >= 0 between a data value x and its model y >= 0, elementwise for arrays of any shape.

    Attributes
    ----------
    name
        Name of the similarity, for messages.
    barrier
        Whether d is infinite for y = 0 < x, as x log(x / y) is. False for a function of the residual y - x.
    curvature
        Largest value of ``curvature_bound``, if one number bounds it for all x and y: 1.0 for (y - x)^2 / 2. Then each
        half step is a least-squares problem, which all fast solvers take. None if no such number exists, as for the
        Kullback-Leibler divergence, whose second derivative x / y^2 grows without limit for y -> 0; the proximal
        solver is then used.
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
        """Return c > 0 such that d(x, y + t) <= d(x, y) + slope t + c t^2 / 2, elementwise.

        If ``curvature`` is a number, this holds for every step t: c is the second derivative of a parabola that touches
        d at y and lies above it everywhere. The second derivative of d is too small where it decreases towards large
        residuals. For a loss that is concave in the squared residual, c = slope / (y - x); for a convex loss, the
        largest second derivative is always valid, and slower. If ``curvature`` is None, small steps are enough: c is an
        upper bound on the second derivative near y.
        """


class Measure(Protocol):
    """Loss of whole rows between data x and model y with entry weights w (None for ones), each (rows, channels).

    Attributes
    ----------
    name
        Name of the similarity, for messages.
    barrier, curvature
        As for :class:`Distance`, for weights of 1.
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
        """Return upper bounds on the second derivatives near y, (rows, channels), as for :class:`Distance`."""
