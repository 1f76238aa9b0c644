"""Protocols of the update that is made to a block of rows between the two products of an iteration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from mffnb.typing import Float64Array


class Move(Protocol):
    """Update of a factor for a block of rows, between ``basis X^T`` and ``factor X``."""

    def __call__(self, rows: slice, cross: Float64Array) -> Float64Array:
        """Return the factor (k, rows) to multiply with X, given ``basis X^T`` for these rows, (k, rows)."""


@dataclass(frozen=True, eq=False)
class Descent:
    r"""Coordinate descent over the independent columns f of a factor, as numbers for a kernel.

    .. math:: \tfrac12 f^T G f - (s c + b)^T f, \qquad f \ge 0

    where c is the column of ``basis X^T`` that belongs to f.

    Attributes
    ----------
    factor
        F (k, own rows), changed in place.
    gram, scale, shift
        G (k, k), s and b (k,).
    sweeps
        Number of sweeps; each one sets every component to its minimum in turn.
    """

    factor: Float64Array
    gram: Float64Array
    scale: float
    shift: Float64Array
    sweeps: int


class KnownMove(Move, Protocol):
    """Update of a factor that a compiled kernel can make itself while a few rows of X are in the cache."""

    def begin(self, rows: slice) -> None:
        """Set the factor of these rows to the start of the update; a call does so itself, a kernel does not."""

    @property
    def descent(self) -> Descent | None:
        """The update as coordinate descent that a kernel can run; None if the update does anything else."""

    def record(self, rows: slice, moved: float, square: Float64Array) -> None:
        """Record the result of a kernel for these rows: squared step of the first sweep, and ``F F^T``."""
