"""The same factorization from many random starts, on whatever runs them."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

import numpy as np

from mffnb.matrices import in_memory, lean
from mffnb.model import MatrixFactorization
from mffnb.protocols import Matrix
from mffnb.selection.consensus import labels
from mffnb.selection.resizing import grow
from mffnb.subset_first import rows_of
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


def run_restarts(
    settings: dict[str, Any], matrix: Matrix, seeds: Sequence[int], executor: Executor | None = None
) -> list[Restart]:
    """Random starts, one for each seed.

    Parameters
    ----------
    settings
        Parameters of :class:`mffnb.MatrixFactorization` but for start and seed.
    matrix
        X, (pixels, channels).
    seeds
        Whole numbers: whatever runs them, and in whatever order, the answers are theirs.
    executor
        Of ``concurrent.futures``; one after the other in this thread if None.

    Returns
    -------
    list of Restart
        In the order of the seeds.
    """
    models = [MatrixFactorization(**{**settings, "init": "random", "random_state": seed}) for seed in seeds]
    if executor is None:
        return [Restart.of(model, matrix) for model in models]
    futures = [executor.submit(Restart.of, model, matrix) for model in models]
    try:
        return [future.result() for future in futures]
    finally:
        for future in futures:
            future.cancel()  # those that have not begun, where one has failed


@dataclass(frozen=True, eq=False)
class Part:
    """Pixels on which restarts are compared: all, or some drawn at random where there are many.

    Attributes
    ----------
    matrix
        Their rows of X.
    rows
        Their numbers among all, which rise; None for all.
    """

    matrix: Matrix
    rows: Array | None = None

    @classmethod
    def of(cls, matrix: Matrix, pixels: int, seed: int) -> Part:
        """Draw at most so many."""
        if matrix.shape[0] <= pixels or not matrix.complete:
            return cls(matrix)
        generator = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(37,)))
        rows = np.sort(generator.choice(matrix.shape[0], pixels, replace=False))
        return cls(lean(in_memory(rows_of(matrix, rows))), rows)

    def of_all(self, abundances: Float64Array) -> Float64Array:
        """Abundances (pixels, k) of these pixels among those of all."""
        return abundances if self.rows is None else abundances[self.rows]


def go_on(
    settings: dict[str, Any], part: Part, matrix: Matrix, best: Restart, smaller: Restart | None, tol: float
) -> Restart:
    """The best restart or the next smaller answer with one component more, whichever is better, to its end.

    Parameters
    ----------
    settings
        As for :func:`run_restarts`.
    part, matrix
        Pixels of the restarts, and all of them.
    best
        Of the restarts.
    smaller
        The final answer for k - 1, None where there is none.
    tol
        That ends the run on all pixels.
    """

    def run(matrix: Matrix, A: Float64Array, E: Float64Array, **ends: float) -> Restart:
        return Restart.of(MatrixFactorization(**{**settings, "init": (A, E), "random_state": 0, **ends}), matrix)

    if smaller is not None and matrix.complete:
        A, E = grow(part.matrix, np.ascontiguousarray(part.of_all(smaller.abundances).T), smaller.endmembers)
        grown = run(part.matrix, A.T, E)
        best = grown if grown.model.objective_ < best.model.objective_ else best
    A = best.abundances if part.rows is None else best.model.transform(matrix)
    last = run(matrix, A, best.endmembers, tol=tol)
    return best if part.rows is None and best.model.objective_ < last.model.objective_ else last
