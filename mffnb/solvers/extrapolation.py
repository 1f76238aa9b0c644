"""Where an iteration begins: at the last factors, or ahead of them in the direction in which they move."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from mffnb.kernels.extrapolation import extrapolate
from mffnb.problem.compatibility import Gauge
from mffnb.problem.problem import Problem
from mffnb.protocols.half import Half
from mffnb.protocols.solver import Solver
from mffnb.typing import Float64Array

__all__ = ["Extrapolated"]

# First beta, its growth and its fall, growth of its bound: of five sets, tried on ToF-SIMS, EDX, tunnelling and remote
# sensing images, the one that was never far from the fewest iterations.
_FIRST, _GROWTH, _FALL, _BOUND_GROWTH = 0.5, 1.1, 1.5, 1.02
# Of the objective of a model that is zero. Well above the rounding of a sum, on which no decision may hang: the same
# data read in another order, or on several ranks, would take another way.
_ROUNDING = 1e-13
# The same for an iteration that began at the factors themselves: where spectra are all but the same, exact half steps
# are exact to half of the digits only.
_ROUNDING_OF_STEPS = 1e-11


@dataclass(frozen=True)
class Extrapolated:
    r"""A solver whose iterations begin ahead of the last factors; far fewer are needed.

    An iteration starts at :math:`\max(F_t + \beta_t (F_t - F_{t-1}), F_t / 2)` for both factors F: no entry is put to
    zero, where a likelihood is infinite. While the objective falls, :math:`\beta` grows; where it rose, the iteration
    is taken back, beta shrinks, and its growth stops short of the value that failed. So what is reached never gets
    worse, whatever the parts of the problem.

    Source: Ang & Gillis 2019, Neural Computation 31:417, "Accelerating nonnegative matrix factorization algorithms
    using extrapolation"; to stop at half, and to take an iteration back instead of keeping what rose, is ours.

    Parameters
    ----------
    solver
        Makes the half steps.
    """

    solver: Solver

    @property
    def pixelwise(self) -> bool:
        """Whether the solver may be given the pixels in any pieces."""
        return bool(getattr(self.solver, "pixelwise", False))

    def refuses(self, half: Half) -> str | None:
        """What the solver refuses."""
        return self.solver.refuses(half)

    def free_sweeps(self, half: Half) -> int:
        """Those of the solver; 0 where it has none."""
        sweeps: Callable[[Half], int] | None = getattr(self.solver, "free_sweeps", None)
        return 0 if sweeps is None else sweeps(half)

    def update(self, factor: Float64Array, half: Half) -> float:
        """The half step of the solver."""
        return self.solver.update(factor, half)


class InPlace:
    """Iterations that begin at the last factors and change them.

    Attributes
    ----------
    abundances, endmembers
        Where the half steps of an iteration are made, A (k, pixels) and E (k, channels).
    """

    def __init__(self, abundances: Float64Array, endmembers: Float64Array):
        self.abundances, self.endmembers = abundances, endmembers

    @property
    def settled(self) -> tuple[Float64Array, Float64Array]:
        """A and E, the best so far."""
        return self.abundances, self.endmembers

    def begin(self, pixels: slice) -> None:
        """Bring A of these pixels to where the iteration begins; once, before anything is done to them."""

    def lowers(self, before: float, after: float) -> bool:
        """Whether to accept an iteration: a half step raises the objective by rounding at most."""
        return True

    def move_on(self) -> None:
        """Accept the iteration."""

    def take_back(self) -> None:
        """Undo the iteration; there is none to undo."""

    def memory(self) -> dict[str, Float64Array]:
        """What has to be remembered, beside the factors, to go on from here."""
        return {}

    def recall(self, memory: Mapping[str, Float64Array]) -> None:
        """Go on from where :meth:`memory` was asked."""


class Ahead(InPlace):
    """Iterations that begin ahead of the factors, in arrays of their own: see :class:`Extrapolated`.

    There are two arrays of each factor, for the best so far and for the iteration. An accepted iteration makes them
    change places. What is then in the second one, the best before, is all that it takes to run ahead; for A this waits
    until pixels are looked at (:meth:`begin`), while they are in the cache.

    Parameters
    ----------
    problem
        Decides which factors run ahead: clipping is no way back to fractions that sum to one.
    abundances, endmembers
        Where the run starts.
    """

    def __init__(self, problem: Problem, abundances: Float64Array, endmembers: Float64Array):
        super().__init__(abundances.copy(), endmembers.copy())
        self._settled = np.ascontiguousarray(abundances), np.ascontiguousarray(endmembers)
        self._zero = problem.misfit.zero
        self._free = problem.gauge not in (Gauge.SUM, Gauge.GAIN)
        self._beta, self._bound, self._last = _FIRST, 1.0, 0.0
        self._waiting: float | None = None  # how far ahead A has to be brought

    @property
    def settled(self) -> tuple[Float64Array, Float64Array]:
        """A and E, the best so far; not changed before the next but one iteration."""
        return self._settled

    def begin(self, pixels: slice) -> None:
        """Bring A of these pixels to where the iteration begins; once, before anything is done to them."""
        if self._waiting is not None:
            _run_ahead(self._settled[0], self.abundances, pixels, self._waiting)

    def lowers(self, before: float, after: float) -> bool:
        """Whether to accept an iteration: not one that rises by more than rounding."""
        return after <= before + (_ROUNDING if self._last else _ROUNDING_OF_STEPS) * self._zero

    def move_on(self) -> None:
        """Settle where the half steps led, and run ahead."""
        (A, E), self._settled = self._settled, (self.abundances, self.endmembers)
        self.abundances, self.endmembers = A, E
        self._from_settled(self._beta)
        self._last = self._beta
        self._beta = min(self._bound, _GROWTH * self._beta)
        self._bound = min(1.0, _BOUND_GROWTH * self._bound)

    def take_back(self) -> None:
        """Return to the settled factors, and be more careful."""
        self._from_settled(0.0)
        if self._last:
            self._bound, self._beta, self._last = self._last, self._beta / _FALL, 0.0

    def _from_settled(self, beta: float) -> None:
        self._waiting = beta if self._free else 0.0
        _run_ahead(self._settled[1], self.endmembers, slice(0, self.endmembers.shape[1]), beta)

    def memory(self) -> dict[str, Float64Array]:
        """Where the iteration begins, and how far ahead the next ones may."""
        self.begin(slice(0, self.abundances.shape[1]))
        self._waiting = None
        momentum = np.array([self._beta, self._bound, self._last])
        return {"ahead_abundances": self.abundances, "ahead_endmembers": self.endmembers, "momentum": momentum}

    def recall(self, memory: Mapping[str, Float64Array]) -> None:
        """Go on from where :meth:`memory` was asked."""
        self.abundances[:], self.endmembers[:] = memory["ahead_abundances"], memory["ahead_endmembers"]
        self._beta, self._bound, self._last = memory["momentum"].tolist()


def _run_ahead(reached: Float64Array, before: Float64Array, entries: slice, beta: float) -> None:
    if beta:
        extrapolate(reached, before, entries.start, entries.stop, beta)
    else:
        before[:, entries] = reached[:, entries]
