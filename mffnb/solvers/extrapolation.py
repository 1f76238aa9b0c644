"""Extrapolation (momentum): start each iteration beyond the last factors, in the direction of their change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mffnb.kernels.extrapolation import extrapolate
from mffnb.kernels.tiers import numpy_steps
from mffnb.kernels.tiers.tier import choose, on_numpy_steps
from mffnb.problem.compatibility import Gauge
from mffnb.problem.problem import Problem
from mffnb.protocols.capabilities import traits_of
from mffnb.protocols.half import Half
from mffnb.protocols.part_results import update_factor
from mffnb.protocols.solver import CoordinateDescent, RankSumming, Solver
from mffnb.protocols.traits import SolverTraits
from mffnb.typing import Float64Array

__all__ = ["Extrapolated"]

# First beta, growth and decrease of beta, and growth of its upper bound. Of five sets of values that were tested on
# ToF-SIMS, EDX, tunnelling and remote sensing images, this one always needed nearly the fewest iterations.
_FIRST, _GROWTH, _DECREASE, _BOUND_GROWTH = 0.5, 1.1, 1.5, 1.02
# Largest accepted rise of the objective, relative to that of the reference model. It is far above the rounding errors
# of a sum: if decisions depended on them, data in another order or on several ranks would take other iterations.
_ROUNDING = 1e-13
# Largest accepted rise after an iteration without extrapolation: if spectra are nearly equal, exact half steps have
# only half of the digits.
_ROUNDING_OF_STEPS = 1e-11


@dataclass(frozen=True)
class Extrapolated:
    r"""Wrapper that adds extrapolation (momentum) between iterations to a solver, which reduces their number.

    An iteration starts from :math:`\max(F_t + \beta_t (F_t - F_{t-1}), F_t / 2)` for both factors F. The lower limit
    keeps entries positive, since a likelihood may be infinite at zero. While the objective falls, :math:`\beta` grows.
    If it rises, the iteration is rejected, beta is reduced, and its upper bound becomes the value that failed. The
    accepted objective therefore never rises by more than rounding errors: 1e-13 of the objective of the reference model
    (zero or the mean spectrum), and 1e-11 after an iteration without extrapolation.

    If the abundances of a pixel sum to one, with or without a gain, only E is extrapolated, since the lower limit would
    change the sums of A.

    Source: Ang & Gillis 2019, Neural Computation 31:417, "Accelerating nonnegative matrix factorization algorithms
    using extrapolation"; the lower limit and the rejection of whole iterations are additions of this package.

    Parameters
    ----------
    solver
        Solver of the half steps.
    """

    solver: Solver

    @property
    def traits(self) -> SolverTraits:
        """Capabilities of the wrapped solver, with extrapolation added."""
        return SolverTraits(pixelwise=traits_of(self.solver).pixelwise, extrapolated=True)

    def refuses(self, half: Half) -> str | None:
        """Return why the wrapped solver refuses the subproblem; None if it accepts it."""
        return self.solver.refuses(half)

    def free_sweeps(self, half: Half) -> int:
        """Return the number of sweeps of the wrapped solver if it is coordinate descent, else 0."""
        return self.solver.free_sweeps(half) if isinstance(self.solver, CoordinateDescent) else 0

    def sums_over_ranks(self, half: Half) -> bool:
        """Return whether the wrapped solver sums over ranks where entries are independent."""
        return isinstance(self.solver, RankSumming) and self.solver.sums_over_ranks(half)

    def update(self, factor: Float64Array, half: Half) -> float:
        """Update ``factor`` in place by the half step of the wrapped solver; return the squared step."""
        return update_factor(self.solver, factor, half)


class PlainIterates:
    """Factors of a run without extrapolation, which each iteration changes in place.

    Attributes
    ----------
    abundances, endmembers
        Arrays that the half steps change, A (k, pixels) and E (k, channels).
    """

    def __init__(self, abundances: Float64Array, endmembers: Float64Array):
        self.abundances, self.endmembers = abundances, endmembers

    @property
    def accepted(self) -> tuple[Float64Array, Float64Array]:
        """A and E of the last accepted iteration."""
        return self.abundances, self.endmembers

    def prepare(self, pixels: slice) -> None:
        """Set A of these pixels to its values at the start of the iteration; called once, before their half step."""

    def accepts(self, before: float, after: float) -> bool:
        """Whether to accept an iteration: always, since half steps raise the objective by rounding at most."""
        return True

    def accept(self) -> None:
        """Accept the iteration and prepare the next one."""

    def reject(self) -> None:
        """Return to the last accepted factors."""

    def memory(self) -> dict[str, Float64Array]:
        """Return the arrays that are needed, besides the factors, to continue the run from here."""
        return {}

    def restore(self, memory: Mapping[str, Float64Array]) -> None:
        """Set the state that :meth:`memory` returned, to continue an earlier run."""


class ExtrapolatedIterates(PlainIterates):
    """Factors of a run with extrapolation: each iteration starts from extrapolated values, see :class:`Extrapolated`.

    There are two arrays for each factor: the last accepted iterate and the current trial. Accepting a trial swaps the
    two buffers; the second one then holds the previous iterate, which the extrapolation needs. A is extrapolated block
    by block (:meth:`prepare`) when its pixels are read, while they are in the cache.

    Parameters
    ----------
    problem
        Problem that is solved; abundances that sum to one are not extrapolated, because clipping would change their
        sum.
    abundances, endmembers
        Start values.
    """

    def __init__(self, problem: Problem, abundances: Float64Array, endmembers: Float64Array):
        super().__init__(abundances.copy(), endmembers.copy())
        self._accepted = np.ascontiguousarray(abundances), np.ascontiguousarray(endmembers)
        self._zero = problem.misfit.zero
        self._likelihood = problem.misfit.barrier
        self._free = problem.gauge not in (Gauge.SUM, Gauge.GAIN)
        self._beta, self._bound, self._last = _FIRST, 1.0, 0.0
        self._pending: float | None = None  # beta of the extrapolation of A, until all pixels are prepared

    @property
    def accepted(self) -> tuple[Float64Array, Float64Array]:
        """A and E of the last accepted iteration; the next iteration does not change these arrays."""
        return self._accepted

    def prepare(self, pixels: slice) -> None:
        """Set A of these pixels to its values at the start of the iteration; called once, before their half step."""
        if self._pending is not None:
            _extrapolate(self._accepted[0], self.abundances, pixels, self._pending)

    def accepts(self, before: float, after: float) -> bool:
        """Whether to accept an iteration: True if the objective does not rise by more than rounding errors."""
        return after <= before + (_ROUNDING if self._last else _ROUNDING_OF_STEPS) * self._zero

    def accept(self) -> None:
        """Accept the trial factors: swap the buffers and extrapolate for the next iteration."""
        (A, E), self._accepted = self._accepted, (self.abundances, self.endmembers)
        self.abundances, self.endmembers = A, E
        if self._likelihood and on_numpy_steps():
            # These are multiplicative updates, which leave small entries slowly: extrapolated ones ended up to 2 %
            # above the minimum in simulated counts of two and three components, with several starts each. In 93 scenes
            # that were drawn afterwards (2 to 6 components, 0.2 to 30 counts an entry; change after 5, 25 and 100
            # iterations), runs with and without this rule ended at most 0.4 % above a compiled run.
            self._start_from_accepted(0.0)
            self._last = 0.0
            return
        self._start_from_accepted(self._beta)
        self._last = self._beta
        self._beta = min(self._bound, _GROWTH * self._beta)
        self._bound = min(1.0, _BOUND_GROWTH * self._bound)

    def reject(self) -> None:
        """Reject the trial factors: return to the accepted factors and reduce beta."""
        self._start_from_accepted(0.0)
        if self._last:
            self._bound, self._beta, self._last = self._last, self._beta / _DECREASE, 0.0

    def _start_from_accepted(self, beta: float) -> None:
        self._pending = beta if self._free else 0.0
        _extrapolate(self._accepted[1], self.endmembers, slice(0, self.endmembers.shape[1]), beta)

    def memory(self) -> dict[str, Float64Array]:
        """Return the start values of the next iteration, and the current beta and its upper bound."""
        self.prepare(slice(0, self.abundances.shape[1]))
        self._pending = None
        momentum = np.array([self._beta, self._bound, self._last])
        # Checkpoint files contain these names, so they must not change.
        return {"ahead_abundances": self.abundances, "ahead_endmembers": self.endmembers, "momentum": momentum}

    def restore(self, memory: Mapping[str, Float64Array]) -> None:
        """Set the state that :meth:`memory` returned, to continue an earlier run."""
        self.abundances[:], self.endmembers[:] = memory["ahead_abundances"], memory["ahead_endmembers"]
        self._beta, self._bound, self._last = memory["momentum"].tolist()


def _extrapolate(accepted: Float64Array, previous: Float64Array, entries: slice, beta: float) -> None:
    """Overwrite the previous iterate with the extrapolated one in the given range of entries."""
    if beta:
        choose(extrapolate, numpy_steps.extrapolate)(accepted, previous, entries.start, entries.stop, beta)
    else:
        previous[:, entries] = accepted[:, entries]
