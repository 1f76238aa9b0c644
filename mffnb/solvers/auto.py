"""Automatic choice of the solver for each half step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mffnb.protocols.half import Half
from mffnb.protocols.solver import Solver
from mffnb.protocols.traits import SolverTraits
from mffnb.solvers.extrapolation import Extrapolated
from mffnb.solvers.hals import Hals
from mffnb.solvers.likelihood import Newton
from mffnb.solvers.proximal import ProximalGradient
from mffnb.typing import Float64Array

__all__ = ["Auto"]


@dataclass(frozen=True)
class Auto:
    """Use HALS for least squares, guarded Newton steps for counts, and proximal gradients for everything else."""

    traits: ClassVar[SolverTraits] = SolverTraits(pixelwise=True, extrapolated=False)

    def refuses(self, half: Half) -> str | None:
        """Return why the chosen solver refuses the subproblem; None if it accepts it."""
        return _choice(half).refuses(half)

    def free_sweeps(self, half: Half) -> int:
        """Return the number of HALS sweeps if the update is coordinate descent without coupling or terms, else 0."""
        return Hals().free_sweeps(half)

    def sums_over_ranks(self, half: Half) -> bool:
        """Return whether the chosen solver sums over ranks where entries are independent."""
        return isinstance(_choice(half), ProximalGradient)

    def update(self, factor: Float64Array, half: Half) -> float:
        """Update ``factor`` in place with the chosen solver; return the squared step."""
        return _choice(half).update(factor, half)


def _choice(half: Half) -> Hals | Newton | ProximalGradient:
    fast: Hals | Newton = Hals() if half.log is None else Newton()
    return fast if fast.refuses(half) is None else ProximalGradient()


NAMED: dict[str, Solver] = {"auto": Extrapolated(Auto())}
