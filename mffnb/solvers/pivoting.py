"""Block principal pivoting as a half step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mffnb.errors import UnsupportedCombinationError
from mffnb.kernels import pivoting
from mffnb.protocols import Solver
from mffnb.protocols.half import Half
from mffnb.typing import Float64Array

__all__ = ["BlockPivoting"]


@dataclass(frozen=True)
class BlockPivoting:
    """The factor goes to the exact non-negative minimiser of its half problem, entry by entry.

    Where components resemble each other it needs fewer iterations than :class:`mffnb.solvers.Hals`. Entries have to be
    independent: no smoothness, no bound on a whole row, no sum.

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

    pixelwise: ClassVar[bool] = True

    def refuses(self, half: Half) -> str | None:
        """What binds entries to each other."""
        for asked, name in (
            (half.unfolded is not None, str(half.unfolded)),
            (half.graph is not None, "neighbours alike (Smoothness)"),
            (np.isfinite(half.radius), "rows in a ball (UnitBall, which a penalty on the other factor calls for)"),
            (half.sum_to_one, "abundances that sum to one (Simplex)"),
            (half.single, "one component per pixel (Orthogonal)"),
            (half.fixed is not None, "values that stay as they are (Pinned)"),
            (np.ndim(half.lower) + np.ndim(half.upper) > 0, "bounds that differ from entry to entry (Bounds)"),
            (half.log is not None, "a similarity that is not quadratic"),
        ):
            if asked:
                return f"block pivoting cannot handle {name}: use solver='auto'"
        return None

    def update(self, factor: Float64Array, half: Half) -> float:
        """Move ``factor`` (k, entries) to the minimum in place; return the squared change of the reconstruction.

        Raises
        ------
        UnsupportedCombinationError
            If the entries of the factor are bound to each other.
        """
        reason = self.refuses(half)
        if reason is not None:
            raise UnsupportedCombinationError(reason)
        k, entries = factor.shape
        weights = np.ones(entries) if half.weights is None else half.weights
        lower, upper = np.full(k, float(half.lower)), np.full(k, float(half.upper))
        return float(pivoting.solve_box(factor, half.gram, half.cross, lower, upper, weights))


NAMED: dict[str, Solver] = {"pivoting": BlockPivoting()}
