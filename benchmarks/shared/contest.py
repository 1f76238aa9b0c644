"""Comparison of methods on one problem: processor seconds until the objective is within a tolerance of a minimum.

Different starts may end in different minima, therefore

- each method runs once until its objective has settled or its patience is over, and the objective after each iteration is
  recorded; iterations of mffnb from there lead to the bottom of this basin, the method's *own minimum*;
- the *best minimum* is the lowest one of all methods and all forms of X; a method's *basin* is its own minimum over it, minus one;
- seconds are measured to both: to the own minimum and to the best minimum, each times one plus the tolerance.

The number of iterations to a target is the same in every run. Only the time of so many iterations is measured, all methods
in turn. What a method does after its last iteration is not counted.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median

import numpy as np
from scipy import sparse

from benchmarks.shared.convergence import Curve, Method, Value, divergence, squared_residual
from benchmarks.shared.outside_program import OutsideProgram, ProgramRefusedError
from benchmarks.shared.problems import Problem
from benchmarks.shared.watched_methods import methods, ours
from mffnb.selection import match, spectral_angles


@dataclass(eq=False)
class Entrant:
    """A method, its convergence curve, the minimum of its basin, and the seconds of its timed runs by iterations."""

    name: str
    method: Method
    curve: Curve
    minimum: float
    endmembers: np.ndarray | None
    timed: list[dict[int, float]] = field(default_factory=list)

    def close(self) -> None:
        """Delete the files of an outside program."""
        if isinstance(self.method, OutsideProgram):
            self.method.close()

    def to(self, target: float) -> Reached:
        """Return the iterations to a target and the median of their seconds."""
        count = self.curve.iterations_to(target)
        return Reached(count, None if count is None else median(seconds[count] for seconds in self.timed))


@dataclass(frozen=True)
class Reached:
    """Iterations and seconds to a target; None if it is never reached."""

    iterations: int | None
    seconds: float | None


@dataclass(frozen=True)
class Standing:
    """How a method did: to its own minimum, to the best one, its basin, and its largest angle from the first method.

    The angle, in radian, is that between endmembers at the bottoms of both basins; None if a method does not return them.
    """

    own: Reached
    best: Reached
    basin: float
    angle: float | None


def enter(problem: Problem, form: str, chosen: list[str], patience: float) -> tuple[list[Entrant], list[str]]:
    """Run each method once and record its convergence; return also why outside programs are left out.

    The caller closes the entrants.
    """
    base = problem.form("CSR" if "CSR" in problem.forms else "float64")
    value = divergence(base) if problem.similarity == "kl" else squared_residual(base)
    tolerance, entrants, absent = min(problem.tolerances), [], []
    for name, make in methods(problem, form).items():
        if entrants and not any(word in name for word in chosen):
            continue
        method = make()
        try:
            method.seconds_at([2])  # compile, and read X
            curve = method.curve(value, tolerance, patience)
        except ProgramRefusedError as error:
            absent.append(f"{problem.name} {form}: {name} is left out: {error}")
            method.close()  # only outside programs refuse
            continue
        entrants.append(Entrant(name, method, curve, *bottom(problem, base, value, curve, patience)))
    return entrants, absent


def bottom(
    problem: Problem, base: np.ndarray | sparse.csr_array, value: Value, curve: Curve, patience: float
) -> tuple[float, np.ndarray | None]:
    """Bottom of the basin in which a run ended, and its endmembers."""
    lowest = float(curve.objective.min())
    if curve.factors is None:
        return lowest, None
    settings = {"similarity": problem.similarity, "init": curve.factors}
    end = ours(base, problem.k, **settings).curve(value, min(problem.tolerances), patience)
    return min(lowest, float(end.objective.min())), end.factors[1]


def clock(entrants: list[Entrant], best: float, tolerances: tuple[float, ...], repeats: int) -> None:
    """Time as many iterations as the targets need, all methods in turn."""
    needed = {
        one.name: {
            one.curve.iterations_to(minimum * (1 + tolerance))
            for minimum in (one.minimum, best)
            for tolerance in tolerances
        }
        for one in entrants
    }
    for _ in range(repeats):
        for one in entrants:
            counts = sorted(count for count in needed[one.name] if count is not None)
            one.timed.append(one.method.seconds_at(counts) if counts else {})


def standing(one: Entrant, first: Entrant, best: float, tolerance: float) -> Standing:
    """Compare a timed method with the best minimum and with the first method, mffnb."""
    angle = None
    if one is not first and one.endmembers is not None and first.endmembers is not None:
        angles = spectral_angles(first.endmembers, one.endmembers)
        angle = float(angles[np.arange(len(angles)), match(first.endmembers, one.endmembers)].max())
    own, lowest = (one.to(minimum * (1 + tolerance)) for minimum in (one.minimum, best))
    return Standing(own, lowest, one.minimum / best - 1, angle)
