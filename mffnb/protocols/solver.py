"""Protocols of solvers and of start values.

Optional capabilities are declared in :class:`mffnb.protocols.SolverTraits`.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol, runtime_checkable

from mffnb.protocols.half import Half
from mffnb.protocols.matrix import Matrix
from mffnb.typing import Float64Array


@runtime_checkable
class Start(Protocol):
    """A method that computes start values of both factors."""

    def start(self, matrix: Matrix, components: int, seed: int) -> tuple[Float64Array, Float64Array]:
        """Return non-negative A (k, pixels) and E (k, channels)."""


class Chosen(NamedTuple):
    """Start values A (k, own pixels) and E (k, own channels) in data units, and the name of the method chosen."""

    abundances: Float64Array
    endmembers: Float64Array
    name: str


@runtime_checkable
class Choosing(Start, Protocol):
    """A start that chooses among several methods by the data."""

    def choose(self, matrix: Matrix, components: int, seed: int) -> Chosen:
        """Return the start values, and the name of the method that they come from."""


@runtime_checkable
class Solver(Protocol):
    """A method that updates one factor by its half-step subproblem; the same code serves A and E."""

    def refuses(self, half: Half) -> str | None:
        """Return one sentence that says why this solver cannot solve the subproblem and what to do; None if it can."""

    def update(self, factor: Float64Array, half: Half) -> float:
        """Change ``factor`` in place without raising the objective of the subproblem; return the squared step."""


@runtime_checkable
class RankSumming(Solver, Protocol):
    """A solver whose steps may need sums over all MPI ranks even where entries are independent."""

    def sums_over_ranks(self, half: Half) -> bool:
        """Return whether the update sums over ranks, so that each rank must pass all its entries in one call."""


@runtime_checkable
class CoordinateDescent(Solver, Protocol):
    """A solver that may be pure coordinate descent, which kernels can run while rows of X are in the cache."""

    def free_sweeps(self, half: Half) -> int:
        """Return the number of sweeps if the update is coordinate descent without coupling or extra terms, else 0."""
