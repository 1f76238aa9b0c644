"""Protocol of a misfit: the loss D(X, A E) bound to data, with its two half-step subproblems."""

from __future__ import annotations

from typing import Protocol, Self, runtime_checkable

from mffnb.protocols.half import Half
from mffnb.protocols.matrix import Matrix
from mffnb.typing import Float64Array


class FactorUpdate(Protocol):
    """Update of a factor, or of some of its columns, by the half-step subproblem of these columns."""

    def begin(self, entries: slice) -> None:
        """Set these columns to their values at the start of the update; called once, before their subproblem exists."""

    def __call__(self, factor: Float64Array, half: Half) -> float:
        """Update ``factor`` in place by its half-step subproblem; return the squared size of the step."""

    def descent(self, half: Half) -> tuple[Half, int]:
        """Return the subproblem with all terms, and the number of sweeps if the update is pure coordinate descent.

        ``half`` is the subproblem of one entry without data, (k, 1); other entries differ in the cross product only.
        The number of sweeps is 0 if the update does anything else.
        """


@runtime_checkable
class Misfit(Protocol):
    """Loss D(X, A E) of given data, divided by the number of pixels, with its two half-step subproblems."""

    @property
    def matrix(self) -> Matrix:
        """Data matrix X, including entry weights and the factors of rows and columns."""

    @property
    def gain(self) -> Float64Array | None:
        """Gain g of each pixel in the model x_i ~ g_i a_i E, (own pixels,); None for ones."""

    @property
    def scale(self) -> float:
        """Factor that brings the data to the scale in which penalty weights are defined."""

    @property
    def zero(self) -> float:
        """D of a reference model without information (zero or the mean spectrum), to which errors are relative."""

    @property
    def barrier(self) -> bool:
        """Whether D is infinite where the model is zero and the data are positive."""

    @property
    def majorized(self) -> bool:
        """Whether the subproblems are majorizers, which equal D at the current factors and exceed it elsewhere."""

    @property
    def intercept(self) -> Float64Array | None:
        """Intercept of the model, (channels,); None for none. A misfit with one is an :class:`InterceptMisfit`."""

    def abundance_half(self, abundances: Float64Array, endmembers: Float64Array) -> Half:
        """Return the subproblem of A for fixed E: number of pixels times D as a function of A, up to a constant."""

    def endmember_half(self, abundances: Float64Array, endmembers: Float64Array) -> Half:
        """Return the subproblem of E for fixed A: D as a function of E, up to a constant."""

    def in_one_pass(
        self, abundances: Float64Array, endmembers: Float64Array, update: FactorUpdate
    ) -> tuple[float, Half] | None:
        """Update A block by block of pixels and form the subproblem of E, in one pass over X.

        Return the sum of what the updates returned, and the subproblem of E; None if one pass is not enough.
        """

    def at_abundances(self, half: Half, abundances: Float64Array, endmembers: Float64Array) -> float:
        """Return D(A, E), given the subproblem of A for this E, without another pass over X if possible."""

    def at_endmembers(self, half: Half, abundances: Float64Array, endmembers: Float64Array) -> float:
        """Return D(A, E), given the subproblem of E for this A, without another pass over X if possible."""


@runtime_checkable
class InterceptMisfit(Protocol):
    """A misfit whose model has an intercept: X ~ f(b + A E)."""

    def with_fitted_intercept(self, abundances: Float64Array, endmembers: Float64Array) -> Self:
        """Return the misfit with the intercept fitted to these factors, or this misfit if that does not lower D."""

    def with_intercept(self, intercept: Float64Array) -> Self:
        """Return the misfit with another intercept, (channels,)."""


@runtime_checkable
class GainMisfit(Protocol):
    """Misfit that does not depend on the norm of a pixel; its gain is determined after the fit."""

    def pixel_gains(self, abundances: Float64Array, endmembers: Float64Array) -> Float64Array:
        """Return the factor by which each pixel's model fits the data best, (own pixels,)."""
