"""The solver that suits a half problem, picked for each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mffnb.protocols import Solver
from mffnb.protocols.half import Half
from mffnb.solvers.extrapolation import Extrapolated
from mffnb.solvers.hals import Hals
from mffnb.solvers.likelihood import Newton
from mffnb.solvers.proximal import ProximalGradient
from mffnb.typing import Float64Array

__all__ = ["Auto"]


@dataclass(frozen=True)
class Auto:
    """HALS for least squares, guarded Newton steps for counts, proximal gradients for what neither can take."""

    pixelwise: ClassVar[bool] = True

    def refuses(self, half: Half) -> str | None:
        """What the solver of choice refuses."""
        return _choice(half).refuses(half)

    def free_sweeps(self, half: Half) -> int:
        """Those of HALS."""
        return Hals().free_sweeps(half)

    def update(self, factor: Float64Array, half: Half) -> float:
        """Hand on to the solver of choice."""
        return _choice(half).update(factor, half)


def _choice(half: Half) -> Hals | Newton | ProximalGradient:
    fast: Hals | Newton = Hals() if half.log is None else Newton()
    return fast if fast.refuses(half) is None else ProximalGradient()


NAMED: dict[str, Solver] = {"auto": Extrapolated(Auto())}
