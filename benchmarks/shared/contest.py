"""Comparison of mffnb with another method: seconds until the objective is within a tolerance of the minimum.

Different starts may end in different minima, therefore

- each method runs once until its objective has settled or its patience is over, and the objective after each iteration is
  recorded; iterations of mffnb from there lead to the bottom of this basin, the method's own minimum;
- the target of a pair is the lower of its two minima, times one plus the tolerance.

The number of iterations to the target is the same in every run. Only the time of so many iterations is measured, all methods
in turn. What a method does after its last iteration is not counted.
"""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass, field
from statistics import median

import numpy as np
from scipy import sparse

from benchmarks.shared.convergence import Curve, Method, divergence, squared_residual
from benchmarks.shared.problems import Problem
from benchmarks.shared.watched_methods import methods, ours
from mffnb.selection import match, spectral_angles


@dataclass(eq=False)
class Entrant:
    """A method, its convergence curve, the minimum of its basin, and time stamps of its timed runs."""

    name: str
    method: Method
    curve: Curve
    minimum: float
    endmembers: np.ndarray | None
    stamps: list[np.ndarray] = field(default_factory=list)

    def seconds_to(self, target: float) -> float | None:
        """Median over the timed runs; None if the target is never reached."""
        n = self.curve.iterations_to(target)
        return None if n is None else median(float(stamps[n]) for stamps in self.stamps)


@dataclass(frozen=True)
class Comparison:
    """Iterations and seconds of mffnb and of a peer at one tolerance, None where the target is not reached.

    ``own`` are seconds to the own minimum of each, ``minimum`` compares the minima in words, ``same`` tells whether they agree
    within the tolerance.
    """

    peer: str
    tolerance: float
    iterations: tuple[int | None, int | None]
    seconds: tuple[float | None, float | None]
    own: tuple[float | None, float | None]
    minimum: str
    same: bool


def enter(problem: Problem, form: str, chosen: list[str], patience: float) -> list[Entrant]:
    """Run each method once and record its convergence."""
    base = problem.form("CSR" if "CSR" in problem.forms else "float64")
    kl = problem.similarity == "kl"
    value = divergence(base) if kl else squared_residual(base)
    tolerance, entrants = min(problem.tolerances), []
    for name, make in methods(problem, form).items():
        if entrants and not any(word in name for word in chosen):
            continue
        method = make()
        method.stamps(2)  # compile, and read X
        curve = method.curve(value, tolerance, patience)
        if curve.factors is None:
            entrants.append(Entrant(name, method, curve, float(curve.objective.min()), None))
            continue
        settings = {"similarity": problem.similarity, "init": curve.factors}
        end = ours(base, problem.k, **settings).curve(value, tolerance, patience)
        minimum = float(min(curve.objective.min(), end.objective.min()))
        entrants.append(Entrant(name, method, curve, minimum, end.factors[1] if end.factors else None))
    return entrants


def clock(entrants: list[Entrant], X: np.ndarray | sparse.csr_array, tolerances: tuple, repeats: int) -> float:
    """Time as many iterations as the targets need, in turn; median seconds of one read of X."""
    needed = {entrant.name: 10 for entrant in entrants}  # for the time of an iteration
    mine = entrants[0]
    for peer, tolerance in itertools.product(entrants, tolerances):
        for one, other in ((mine, peer), (peer, mine)):
            for minimum in (one.minimum, min(one.minimum, other.minimum)):
                n = one.curve.iterations_to(minimum * (1 + tolerance))
                needed[one.name] = max(needed[one.name], n or 0)
    reads = [read(X)]
    for _ in range(repeats):
        for entrant in entrants:
            entrant.stamps.append(entrant.method.stamps(needed[entrant.name]))
            reads.append(read(X))
    return median(reads[1:])


def compare(mine: Entrant, peer: Entrant, tolerance: float) -> Comparison:
    """Compare two methods that were timed; the largest angle between endmembers is that at the bottoms of both basins."""
    lower, higher = sorted((mine.minimum, peer.minimum))
    pair, target = (mine, peer), lower * (1 + tolerance)
    same, words = higher <= target, "equal"
    if not same:
        words = f"{'ours' if mine.minimum > lower else 'peer'} {100 * (higher / lower - 1):.2g} % higher"
    if mine.endmembers is not None and peer.endmembers is not None:
        angles = spectral_angles(mine.endmembers, peer.endmembers)
        words += f", {angles[np.arange(len(angles)), match(mine.endmembers, peer.endmembers)].max():.3f} rad apart"
    return Comparison(
        peer.name,
        tolerance,
        tuple(one.curve.iterations_to(target) for one in pair),
        tuple(one.seconds_to(target) for one in pair),
        tuple(one.seconds_to(one.minimum * (1 + tolerance)) for one in pair),
        words,
        same,
    )


def read(X: np.ndarray | sparse.csr_array) -> float:
    """Seconds to sum X; of CSR the values and the indices."""
    begin = time.perf_counter()
    for part in (X.data, X.indices) if sparse.issparse(X) else (X,):
        part.sum()
    return time.perf_counter() - begin
