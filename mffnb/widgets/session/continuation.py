"""Convert the factors of an earlier state to a start: change k, remove zeros, keep known endmembers unchanged."""

from __future__ import annotations

import numpy as np

from mffnb.constraints import Pinned
from mffnb.similarities import Frobenius
from mffnb.solvers.grow_shrink import grow, unique_share
from mffnb.typing import Float64Array
from mffnb.unmixing.task import Task
from mffnb.unmixing.warm_start import StartFactors
from mffnb.widgets.session.live_data import LiveImage
from mffnb.widgets.session.solved import lowest_free

# Smallest start value, relative to the mean of a row. At a zero a likelihood may be infinite, and multiplicative
# updates cannot change a zero.
_LEAST = 1e-4

Factors = tuple[Float64Array, Float64Array]


def resize_factors(
    A: Float64Array, E: Float64Array, named: tuple[int, ...], data: LiveImage, k: int
) -> tuple[Float64Array, Float64Array, tuple[int, ...]]:
    """Add or remove components of A (k, pixels) and E (k, channels) until there are ``k``; known endmembers stay.

    A new component starts from the largest residual. The one with the smallest unique contribution is removed first.
    """
    names = list(named)
    while len(A) > k:
        dropped = data.known + int(np.argmin(unique_share(A, E, data.matrix.total)[data.known :]))
        A, E = np.delete(A, dropped, 0), np.delete(E, dropped, 0)
        del names[dropped]
    while len(A) < k:
        A, E = grow(data.complete, A, E)
        names.append(lowest_free(names))
    return A, E, tuple(names)


def start_factors(A: Float64Array, E: Float64Array, task: Task, data: LiveImage) -> StartFactors:
    """Return start factors (pixels, k), (k, channels) from which the similarity of the task can continue."""
    if task.similarity != "frobenius" and not isinstance(task.similarity, Frobenius):
        mean = data.matrix.total(A.sum(axis=1)) / data.matrix.shape[0]
        free = E[data.known :]
        A, E = without_zeros(A, mean), np.vstack([E[: data.known], without_zeros(free, free.mean(axis=1))])
    return StartFactors(A.T, E)


def without_zeros(factor: Float64Array, mean: Float64Array) -> Float64Array:
    """Raise small entries of a factor to a positive number; ``mean`` holds the mean of each row over all pixels."""
    return np.asarray(np.maximum(factor, _LEAST * mean[:, None]))


def with_known(A: Float64Array, E: Float64Array, pinned: Pinned) -> Factors:
    """Scale the known endmembers back to their given size, and their abundances by the inverse factor."""
    known, values = pinned.known, np.nan_to_num(pinned.values)
    size = np.ones(len(E))
    size[: len(known)] = np.linalg.norm(E[: len(known)] * known, axis=1) / np.linalg.norm(values, axis=1)
    size[size <= 0] = 1.0
    return A * size[:, None], pinned.project(E / size[:, None])
