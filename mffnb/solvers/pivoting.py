"""Block principal pivoting: exact non-negative least squares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mffnb.errors import UnsupportedCombinationError
from mffnb.kernels import pivoting
from mffnb.protocols import Solver
from mffnb.protocols.half import Half
from mffnb.protocols.traits import SolverTraits
from mffnb.typing import Float64Array

__all__ = ["BlockPivoting"]


@dataclass(frozen=True)
class BlockPivoting:
    """Solve the half-step subproblem exactly, entry by entry, by block principal pivoting.

    For components with similar spectra it needs fewer iterations than :class:`mffnb.solvers.Hals`. Entries must be
    independent: no smoothness, no bound on the norm of a row, no sum-to-one constraint.

    Source: Kim & Park 2011, SIAM J. Sci. Comput. 33:3261.

    Examples
    --------
    >>> import numpy as np
    >>> from mffnb.protocols import Half
    >>> factor = np.zeros((2, 1))
    >>> moved = BlockPivoting().update(factor, Half(np.eye(2), np.array([[3.0], [-1.0]])))
    >>> factor.ravel().tolist(), moved
    ([3.0, 0.0], 9.0)
    """

    traits: ClassVar[SolverTraits] = SolverTraits(pixelwise=True, extrapolated=False)

    def refuses(self, half: Half) -> str | None:
        """Return why the subproblem is refused: coupled entries, or a loss that is not quadratic."""
        for present, name in (
            (half.unfolded is not None, str(half.unfolded)),
            (half.graph is not None, "coupled neighbours (Smoothness)"),
            (np.isfinite(half.radius), "rows in a ball (UnitBall, which a penalty on the other factor calls for)"),
            (half.sum_to_one, "abundances that sum to one (Simplex)"),
            (half.single, "one component per pixel (Orthogonal)"),
            (half.fixed is not None, "values that stay as they are (Pinned, Fixed)"),
            (np.ndim(half.lower) + np.ndim(half.upper) > 0, "bounds that differ from entry to entry (Bounds)"),
            (half.log is not None, "a similarity that is not quadratic"),
        ):
            if present:
                return f"block pivoting cannot handle {name}: use solver='auto'"
        return None

    def update(self, factor: Float64Array, half: Half) -> float:
        """Set ``factor`` (k, entries) to the minimiser in place; return the squared change of the reconstruction.

        Raises
        ------
        UnsupportedCombinationError
            If entries of the factor are coupled.
        """
        reason = self.refuses(half)
        if reason is not None:
            raise UnsupportedCombinationError(reason)
        k, entries = factor.shape
        weights = np.ones(entries) if half.weights is None else half.weights
        lower, upper = np.full(k, float(half.lower)), np.full(k, float(half.upper))
        return float(pivoting.solve_box(factor, half.gram, half.cross, lower, upper, weights))


NAMED: dict[str, Solver] = {"pivoting": BlockPivoting()}
