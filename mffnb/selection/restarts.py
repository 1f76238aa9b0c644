"""The same factorization from many random starts, on whatever runs them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

import numpy as np

from mffnb.estimators.factorization import MatrixFactorization
from mffnb.matrices import in_memory, lean
from mffnb.matrices.weighting import of_rows
from mffnb.protocols.matrix import Matrix
from mffnb.selection.consensus import labels
from mffnb.solvers.grow_shrink import grow
from mffnb.solvers.subsampled_start import rows_of
from mffnb.typing import Array, Float64Array


@dataclass(frozen=True, eq=False)
class Restart:
    """Where one start has led.

    Attributes
    ----------
    model
        Fitted.
    abundances
        A (pixels, k) in the units of the data.
    labels
        Largest component of each pixel, (pixels,).
    """

    model: MatrixFactorization
    abundances: Float64Array
    labels: Array

    @property
    def endmembers(self) -> Float64Array:
        """E (k, channels) in the units of the data."""
        return np.asarray(self.model.components_)

    @classmethod
    def of(cls, model: MatrixFactorization, matrix: Matrix) -> Restart:
        """Fit."""
        A = model.factorize(matrix)
        small = np.min_scalar_type(A.shape[1])
        return cls(model, A, labels(A.T, model.components_).astype(small))


@dataclass(frozen=True, eq=False)
class Part:
    """Pixels on which restarts are compared: all, or some drawn at random where there are many.

    Attributes
    ----------
    matrix
        Their rows of X.
    weights
        How much they, and their entries, count; see :class:`mffnb.matrices.weighting.Weighting`.
    rows
        Their numbers among all, which rise; None for all.
    """

    matrix: Matrix
    weights: Any = None
    rows: Array | None = None

    @classmethod
    def of(cls, matrix: Matrix, weights: Any, pixels: int, seed: int) -> Part:
        """Draw at most so many."""
        if matrix.shape[0] <= pixels or not matrix.complete:
            return cls(matrix, weights)
        generator = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(37,)))
        rows = np.sort(generator.choice(matrix.shape[0], pixels, replace=False))
        return cls(lean(in_memory(rows_of(matrix, rows))), of_rows(weights, rows, matrix.shape), rows)

    def of_all(self, abundances: Float64Array) -> Float64Array:
        """Abundances (pixels, k) of these pixels among those of all."""
        return abundances if self.rows is None else abundances[self.rows]

    def fitted(self, settings: dict[str, Any], **changes: Any) -> Restart:
        """Fit a model with these settings to these pixels."""
        return Restart.of(MatrixFactorization(**{**settings, "weights": self.weights, **changes}), self.matrix)


def run_restarts(
    settings: dict[str, Any], part: Part, seeds: Sequence[int], executor: Executor | None = None
) -> Iterator[Restart]:
    """Random starts, one for each seed, in the order of the seeds.

    Parameters
    ----------
    settings
        Parameters of :class:`mffnb.MatrixFactorization` but for start, seed and weights.
    part
        Pixels to start on.
    seeds
        Whole numbers: whatever runs them, and in whatever order, the answers are theirs.
    executor
        Of ``concurrent.futures``; one after the other in this thread if None.
    """
    if executor is None:
        for seed in seeds:
            yield part.fitted(settings, init="random", random_state=seed)
        return
    futures = [executor.submit(part.fitted, settings, init="random", random_state=seed) for seed in seeds]
    try:
        for future in futures:
            yield future.result()
    finally:
        for future in futures:
            future.cancel()  # those that have not begun, where one has failed or nobody wants more


def go_on(
    settings: dict[str, Any], part: Part, whole: Part, best: Restart, smaller: Restart | None, tol: float
) -> Restart:
    """The best restart or the next smaller answer with one component more, whichever is better, to its end.

    Parameters
    ----------
    settings
        As for :func:`run_restarts`.
    part, whole
        Pixels of the restarts, and all of them.
    best
        Of the restarts.
    smaller
        The final answer for k - 1, None where there is none.
    tol
        That ends the run on all pixels.
    """
    if smaller is not None and whole.matrix.complete:
        A, E = grow(part.matrix, np.ascontiguousarray(part.of_all(smaller.abundances).T), smaller.endmembers)
        grown = part.fitted(settings, init=(A.T, E), random_state=0)
        best = grown if grown.model.objective_ < best.model.objective_ else best
    A = best.abundances if part.rows is None else best.model.transform(whole.matrix)
    last = whole.fitted(settings, init=(A, best.endmembers), random_state=0, tol=tol)
    return best if part.rows is None and best.model.objective_ < last.model.objective_ else last
