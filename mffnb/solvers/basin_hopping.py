"""Start values for many components: basin hopping on data that a truncated SVD has compressed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from mffnb.geometry.starts import NNDSVD
from mffnb.kernels import hals
from mffnb.matrices import LowRank, replicate_columns
from mffnb.matrices.svd import sketched_svd
from mffnb.problem.formulation import state_problem
from mffnb.problem.problem import Problem
from mffnb.protocols.matrix import Matrix
from mffnb.protocols.solver import Start
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
    """Factors A (k, pixels) and E (k, channels) in data units, and their objective."""

    abundances: Float64Array
    endmembers: Float64Array
    objective: float


@dataclass(frozen=True)
class BasinHopping:
    """Least-squares NMF of compressed data from NNDSVD, whose weak components are replaced several times.

    With many components, NMF has many local minima, which differ by one or two components. A hop removes two of them,
    drawn with a probability inversely proportional to their unique contribution. It adds two from the residual, at
    pixels drawn with a probability proportional to their squared residual. A few iterations follow, and the new factors
    are kept if their objective is lower. All this is done on the leading singular vectors of X and on a random subset
    of the pixels, so that it costs a few iterations on X. Their residual has little noise, which separates the minima
    more clearly than that of X. In the end abundances of all pixels follow from the compressed data.

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
        Method that computes the factors from which the search begins, on the compressed data.
    """

    # Of restarts (10, 20) from random values or pixels and of hops (10, 20) of 1, 2 and 4 components, these hops ended
    # lowest for their time on simulated ToF-SIMS images, Poisson mixtures of 20 and 30 materials and smooth peaks in
    # noise, k = 16 to 32. With 1.5 k or 2 k singular vectors the minima of compressed data were often in another order
    # than those of X, with 4 k rarely. `python -m benchmarks accuracy.starts` compares with NNDSVD and random starts.
    pixels: int = 2**11
    hops: int = 16
    iterations: int = 8
    rank: float = 4.0
    begin: Start = field(default_factory=NNDSVD)

    def start(self, matrix: Matrix, components: int, seed: int) -> tuple[Float64Array, Float64Array]:
        """Return A (k, own pixels) and E (k, own channels) in data units."""
        left, values, right = sketched_svd(matrix, min(int(self.rank * components), *matrix.shape), seed)
        scores, right = values[:, None] * left, replicate_columns(matrix, right)
        generator = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(5,)))
        drawn = np.arange(matrix.shape[0])
        if len(drawn) > self.pixels:
            drawn = np.sort(generator.choice(len(drawn), self.pixels, replace=False))
        here = (matrix.own.start <= drawn) & (drawn < matrix.own.stop)
        some = np.zeros((len(scores), len(drawn)))
        some[:, here] = scores[:, drawn[here] - matrix.own.start]
        # Every rank searches the same subset and obtains the same result.
        subset = LowRank(matrix.total(some), right)
        if not len(scores) or subset.squared_norm == 0:
            return NNDSVD().start(matrix, components, seed)
        endmembers = self._search(subset, components, seed, generator).endmembers
        cross = (endmembers @ right.T) @ scores
        gram = endmembers @ endmembers.T
        abundances = np.maximum(cross, 0.0) / np.maximum(gram.sum(axis=1), np.finfo(float).tiny)[:, None]
        hals.sweep_non_negative(abundances, gram, cross, _SWEEPS)
        return abundances, np.ascontiguousarray(endmembers[:, matrix.own_columns])

    def _search(self, data: LowRank, components: int, seed: int, generator: np.random.Generator) -> _Minimum:
        """Run NMF from NNDSVD, then hop; return the lowest minimum."""
        problem = state_problem(data, Frobenius(), (), ())
        best = _descend(problem, *self.begin.start(data, components, seed), _FIRST)
        for _ in range(self.hops):
            new = _descend(problem, *_hop(data, best, generator), self.iterations)
            best = new if new.objective < best.objective else best
        return _descend(problem, best.abundances, best.endmembers, _LAST)


def _descend(problem: Problem, abundances: Float64Array, endmembers: Float64Array, iterations: int) -> _Minimum:
    """Run so many iterations from factors in data units."""
    states = iterate(problem, problem.scale * abundances, endmembers.copy(), Extrapolated(Auto()), iterations, 0.0)
    last = drive(states)[0]
    return _Minimum(last.abundances / problem.scale, last.endmembers, last.objective)


def _hop(data: LowRank, minimum: _Minimum, generator: np.random.Generator) -> tuple[Float64Array, Float64Array]:
    """Replace components of little unique contribution by components from the residual."""
    A, E, _ = minimum
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
