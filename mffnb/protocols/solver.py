"""Protocols of solvers and of start values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

from mffnb.typing import Float64Array

if TYPE_CHECKING:
    pass
from mffnb.protocols.half import Half
from mffnb.protocols.matrix import Matrix


@runtime_checkable
class Start(Protocol):
    """A first guess of both factors."""

    def start(self, matrix: Matrix, components: int, seed: int) -> tuple[Float64Array, Float64Array]:
        """Non-negative A (k, pixels) and E (k, channels)."""


@runtime_checkable
class Solver(Protocol):
    """Moves one factor towards the minimum of its half problem; the same code serves A and E.

    One whose class says ``pixelwise = True`` may be given a half problem in pieces, unless a graph or a radius binds
    entries to each other. One with a method ``free_sweeps(half)`` tells how many sweeps of coordinate descent are all
    that it does to a half problem; 0 where it does something else.
    """

    def refuses(self, half: Half) -> str | None:
        """Why this solver cannot take such a half problem, in one sentence that says what to do; None if it can."""

    def update(self, factor: Float64Array, half: Half) -> float:
        """Change ``factor`` in place, never raising the half objective; return the squared size of the step."""
