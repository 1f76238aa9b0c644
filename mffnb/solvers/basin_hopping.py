"""Start values for many components: basin hopping on data that a truncated SVD has compressed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from mffnb.geometry.compression import gather_pixels
from mffnb.geometry.short_runs import ShortRuns
from mffnb.geometry.starts import NNDSVD
from mffnb.kernels import hals
from mffnb.matrices import LowRank, replicate_columns
from mffnb.matrices.svd import sketched_svd
from mffnb.problem.formulation import state_problem
from mffnb.problem.problem import Problem
from mffnb.protocols.matrix import Matrix
from mffnb.protocols.solver import Chosen
from mffnb.similarities import Frobenius
from mffnb.solvers.auto import Auto
from mffnb.solvers.driving import drive
from mffnb.solvers.extrapolation import Extrapolated
from mffnb.solvers.grow_shrink import unique_share
from mffnb.solvers.loop import iterate
from mffnb.typing import Array, Float64Array

# Components that a hop replaces. One is too few to leave some basins, four need more iterations after each hop.
_REPLACED = 2
_FIRST, _LAST = 20, 15  # iterations before the first hop, and of the best factors after the last one
_SWEEPS = 10  # coordinate descent for the abundances of all pixels, which the first iteration on X continues
_FAINT = 1e-3  # value of entries that a new component does not have, relative to its mean


class _Minimum(NamedTuple):
    """Factors A (k, pixels) and E (k, channels) in data units, their objective, and what they were computed from."""

    abundances: Float64Array
    endmembers: Float64Array
    objective: float
    name: str = ""


@dataclass(frozen=True)
class BasinHopping:
    """Least-squares NMF of compressed data, whose weak components are replaced several times.

    With many components, NMF has many local minima, which differ by one or two components. A hop removes two of them,
    drawn with a probability inversely proportional to their unique contribution. It adds two from the residual, at
    pixels drawn with a probability proportional to their squared residual. A few iterations follow, and the new factors
    are kept if their objective is lower. All this is done on the leading singular vectors of X and on a random subset
    of the pixels, so that it costs a few iterations on X. Their residual has little noise, which separates the minima
    more clearly than that of X. In the end abundances of all pixels follow from the compressed data. The subset may
    order minima differently; therefore, if short runs begin the search, its first and its last minimum are compared on
    all pixels, and the lower one is the result.

    X is read twice, as for NNDSVD. The result is deterministic for a given seed, except for rounding errors.

    Source: Wales & Doye 1997, J. Phys. Chem. A 101:5111 (basin hopping); choice of the moves, this package.

    Parameters
    ----------
    pixels
        Largest number of pixels in the subset.
    hops
        Number of hops.
    iterations
        Number of iterations after each hop.
    rank
        Number of singular vectors, relative to the number of components.
    begin
        Short runs from which the search begins, on all pixels; None for NNDSVD of the subset.
    """

    # Of restarts (10, 20) from random values or pixels and of hops (10, 20) of 1, 2 and 4 components, these hops ended
    # lowest for their time on simulated ToF-SIMS images, Poisson mixtures of 20 and 30 materials and smooth peaks in
    # noise, k = 16 to 32. With 1.5 k or 2 k singular vectors the minima of compressed data were often in another order
    # than those of X, with 4 k rarely. `python -m benchmarks accuracy.starts` compares with NNDSVD and random starts.
    pixels: int = 2**11
    hops: int = 16
    iterations: int = 8
    rank: float = 4.0
    begin: ShortRuns | None = None

    def start(self, matrix: Matrix, components: int, seed: int) -> tuple[Float64Array, Float64Array]:
        """Return A (k, own pixels) and E (k, own channels) in data units."""
        abundances, endmembers, _ = self.choose(matrix, components, seed)
        return abundances, endmembers

    def choose(self, matrix: Matrix, components: int, seed: int) -> Chosen:
        """Return the start values, the method that they come from, and how many hops were kept."""
        triplets = sketched_svd(matrix, min(int(self.rank * components), *matrix.shape), seed)
        left, values, right = triplets
        scores, right = values[:, None] * left, replicate_columns(matrix, right)
        generator = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(5,)))
        drawn = np.arange(matrix.shape[0])
        if len(drawn) > self.pixels:
            drawn = np.sort(generator.choice(len(drawn), self.pixels, replace=False))
        # Every rank searches the same subset and obtains the same result.
        subset = LowRank(gather_pixels(matrix, scores, drawn), right)
        if not len(scores) or subset.squared_norm == 0:
            return Chosen(*NNDSVD().start(matrix, components, seed), repr(NNDSVD()))
        if self.begin is None:
            first = Chosen(*NNDSVD().start(subset, components, seed), repr(NNDSVD()))
        else:
            A, E, name = self.begin.choose_from(matrix, triplets, components, seed)
            first = Chosen(gather_pixels(matrix, A, drawn), replicate_columns(matrix, E), name)
        found = self._search(subset, first, generator)
        if self.begin is None:
            found = found[-1:]  # its first minimum seldom is the lower one
        ends = [self._of_all_pixels(matrix, LowRank(scores, right), minimum) for minimum in found]
        misfits = matrix.total(np.array([misfit for misfit, _ in ends]))
        return ends[int(np.argmin(misfits))][1]

    def _of_all_pixels(self, matrix: Matrix, data: LowRank, minimum: _Minimum) -> tuple[float, Chosen]:
        """Return the misfit of the own pixels, without its constant part, and the start values."""
        endmembers = minimum.endmembers
        gram, cross = endmembers @ endmembers.T, data.times(endmembers)
        abundances = np.maximum(cross, 0.0) / np.maximum(gram.sum(axis=1), np.finfo(float).tiny)[:, None]
        hals.sweep_non_negative(abundances, gram, cross, _SWEEPS)
        misfit = float(np.vdot(abundances @ abundances.T, gram) - 2 * np.vdot(abundances, cross))
        return misfit, Chosen(abundances, np.ascontiguousarray(endmembers[:, matrix.own_columns]), minimum.name)

    def _search(self, data: LowRank, first: Chosen, generator: np.random.Generator) -> list[_Minimum]:
        """Run NMF from the first factors, then hop; return the first minimum, and the lowest one if it is another."""
        problem = state_problem(data, Frobenius(), (), ())
        found = [_descend(problem, first.abundances, first.endmembers, _FIRST)]
        for _ in range(self.hops):
            new = _descend(problem, *_hop(data, found[-1], generator), self.iterations)
            if new.objective < found[-1].objective:
                found.append(new)
        ends = {first.name: found[0], f"{first.name} and {len(found) - 1} of {self.hops} hops": found[-1]}
        return [
            _descend(problem, one.abundances, one.endmembers, _LAST)._replace(name=name)
            for name, one in list(ends.items())[: len(found)]
        ]


def _descend(problem: Problem, abundances: Float64Array, endmembers: Float64Array, iterations: int) -> _Minimum:
    """Run so many iterations from factors in data units."""
    states = iterate(problem, problem.scale * abundances, endmembers.copy(), Extrapolated(Auto()), iterations, 0.0)
    last = drive(states)[0]
    return _Minimum(last.abundances / problem.scale, last.endmembers, last.objective)


def _hop(data: LowRank, minimum: _Minimum, generator: np.random.Generator) -> tuple[Float64Array, Float64Array]:
    """Replace components of little unique contribution by components from the residual."""
    A, E = minimum.abundances, minimum.endmembers
    share = unique_share(A, E)
    odds = 1.0 / np.maximum(share, max(1e-12 * float(share.max()), np.finfo(float).tiny))
    removed = generator.choice(len(E), min(_REPLACED, len(E)), replace=False, p=odds / odds.sum())
    A, E = np.delete(A, removed, 0), np.delete(E, removed, 0)
    for _ in removed:
        residual = data.left - (E @ data.right.T).T @ A  # of the scores, (rank, pixels)
        spectrum = _filled(residual[:, _draw(np.square(residual).sum(axis=0), generator)] @ data.right)
        spectrum /= np.linalg.norm(spectrum)
        pixels = _filled(data.times(spectrum[None])[0] - (E @ spectrum) @ A)
        A, E = np.vstack([A, pixels]), np.vstack([E, spectrum])
    return A, E


def _draw(weights: Float64Array, generator: np.random.Generator) -> int:
    """Draw an index with a probability proportional to these weights."""
    heights = np.cumsum(weights)
    return min(int(np.searchsorted(heights, generator.random() * heights[-1], side="right")), len(weights) - 1)


def _filled(values: Array) -> Float64Array:
    """Return the positive part, with small values instead of zeros; ones if no entry is positive."""
    positive = np.maximum(values, 0.0)
    mean = float(positive.mean())
    return np.where(positive > 0, positive, _FAINT * mean) if mean > 0 else np.ones_like(positive)
