"""Fit the same factorization from many random starts (restarts), in one thread or on an executor."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mffnb.estimators.factorization import MatrixFactorization
from mffnb.matrices import in_memory, sparse_if_smaller
from mffnb.matrices.weighting import select_pixel_weights
from mffnb.parallel.executors import executor_of
from mffnb.protocols.matrix import Matrix
from mffnb.selection.consensus import dominant_components
from mffnb.solvers.grow_shrink import grow
from mffnb.solvers.interrupts import require_uninterrupted
from mffnb.solvers.subsampled_start import rows_of
from mffnb.typing import Array, Float64Array


@dataclass(frozen=True, eq=False)
class Restart:
    """Result of the fit from one random start.

    Attributes
    ----------
    model
        Fitted :class:`mffnb.MatrixFactorization`.
    abundances
        A (pixels, k) in the units of the data.
    labels
        Index of the dominant component of each pixel, (pixels,).
    """

    model: MatrixFactorization
    abundances: Float64Array
    labels: Array

    @property
    def endmembers(self) -> Float64Array:
        """The endmembers E (k, channels) in the units of the data."""
        return np.asarray(self.model.components_)

    @classmethod
    def of(cls, model: MatrixFactorization, matrix: Matrix) -> Restart:
        """Fit the model to the matrix and return the result as a restart; KeyboardInterrupt ends the fit."""
        A = model.factorize(matrix)
        require_uninterrupted(model.outcome_)
        small = np.min_scalar_type(A.shape[1])
        return cls(model, A, dominant_components(A.T, model.components_).astype(small))


@dataclass(frozen=True, eq=False)
class PixelSubset:
    """Pixels on which the restarts are fitted: all pixels, or a random subset of a large image.

    Attributes
    ----------
    matrix
        Rows of X of these pixels.
    weights
        Weights of the pixels and entries; see :class:`mffnb.matrices.weighting.Weighting`.
    rows
        Indices of the pixels in the image, in ascending order; None for all pixels.
    """

    matrix: Matrix
    weights: Any = None
    rows: Array | None = None

    @classmethod
    def of(cls, matrix: Matrix, weights: Any, pixels: int, seed: int) -> PixelSubset:
        """Draw at most ``pixels`` pixels at random; use all pixels if data are missing."""
        if matrix.shape[0] <= pixels or not matrix.complete:
            return cls(matrix, weights)
        generator = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(37,)))
        rows = np.sort(generator.choice(matrix.shape[0], pixels, replace=False))
        return cls(
            sparse_if_smaller(in_memory(rows_of(matrix, rows))), select_pixel_weights(weights, rows, matrix.shape), rows
        )

    def select(self, abundances: Float64Array) -> Float64Array:
        """Return the rows of the abundances (all pixels, k) that belong to the pixels of this subset."""
        return abundances if self.rows is None else abundances[self.rows]

    def fit(self, settings: dict[str, Any], **changes: Any) -> Restart:
        """Fit an estimator with these settings to the pixels of this subset."""
        return Restart.of(MatrixFactorization(**{**settings, "weights": self.weights, **changes}), self.matrix)


def run_restarts(
    settings: dict[str, Any], part: PixelSubset, seeds: Sequence[int], executor: Any = None
) -> Iterator[Restart]:
    """Fit from random starts, one for each seed, and yield the results in the order of the seeds.

    Parameters
    ----------
    settings
        Parameters of :class:`mffnb.MatrixFactorization` except ``init``, ``random_state`` and ``weights``.
    part
        Pixels to which the models are fitted.
    seeds
        Integers. A result depends on its seed only, not on the executor or the order of execution.
    executor
        ``concurrent.futures`` executor; None runs the restarts one after the other in this thread.
    """
    pool = executor_of(executor)
    if pool is None:
        for seed in seeds:
            yield part.fit(settings, init="random", random_state=seed)
        return
    futures = [pool.submit(part.fit, settings, init="random", random_state=seed) for seed in seeds]
    try:
        for future in futures:
            yield future.result()
    finally:
        for future in futures:
            future.cancel()  # cancel fits that have not started, after an error or if the caller stops early


def refine_best(
    settings: dict[str, Any], part: PixelSubset, whole: PixelSubset, best: Restart, smaller: Restart | None, tol: float
) -> Restart:
    """Refine the best restart on all pixels to the final tolerance, and return the refined result.

    The start is the best restart, or the result for k - 1 plus one component if that reaches a lower objective.

    Parameters
    ----------
    settings
        As for :func:`run_restarts`.
    part, whole
        The pixels on which the restarts were fitted, and all pixels.
    best
        Restart with the lowest objective.
    smaller
        Final result for k - 1; None if there is none.
    tol
        Tolerance of the run on all pixels.
    """
    if smaller is not None and whole.matrix.complete:
        A, E = grow(part.matrix, np.ascontiguousarray(part.select(smaller.abundances).T), smaller.endmembers)
        grown = part.fit(settings, init=(A.T, E), random_state=0)
        best = grown if grown.model.objective_ < best.model.objective_ else best
    A = best.abundances if part.rows is None else best.model.transform_weighted(whole.matrix)
    last = whole.fit(settings, init=(A, best.endmembers), random_state=0, tol=tol)
    return best if part.rows is None and best.model.objective_ < last.model.objective_ else last
