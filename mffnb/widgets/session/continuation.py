"""Convert the factors of an earlier state to a start: change k, remove zeros, insert held spectra."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mffnb.constraints import Pinned
from mffnb.protocols.matrix import Matrix
from mffnb.similarities import Frobenius
from mffnb.solvers.grow_shrink import grow, unique_share
from mffnb.typing import Array, Float64Array
from mffnb.unmixing.task import Task
from mffnb.unmixing.warm_start import StartFactors
from mffnb.widgets.session.fixed_regions import first_rows
from mffnb.widgets.session.live_data import LiveImage
from mffnb.widgets.session.solved import lowest_free, solver_order

# Smallest start value, relative to the mean of a row. At a zero a likelihood may be infinite, and multiplicative
# updates cannot change a zero.
_LEAST = 1e-4
# A new component is found on about so many entries of a large image, of at least so many pixels, if it has so many
# times more of them.
_ENTRIES, _LEAST_PIXELS, _RATIO = 2**19, 512, 8

Factors = tuple[Float64Array, Float64Array]


def resize_factors(
    A: Float64Array,
    E: Float64Array,
    named: tuple[int, ...],
    data: LiveImage,
    k: int,
    known: int = 0,
    fixed: Sequence[int] = (),
) -> tuple[Float64Array, Float64Array, tuple[int, ...]]:
    """Add or remove components of A (k, pixels) and E (k, channels) until there are ``k``.

    The first ``known`` ones are held and stay, and so do those with the numbers ``fixed``, whose abundances are known.

    A new component starts from the largest residual. The one with the smallest unique contribution is removed first.
    """
    names = list(named)
    _ = first_rows(k, names[:known], fixed)  # refuses a k below the number of components that stay
    while len(A) > k:
        share = unique_share(A, E, data.matrix.total)
        stays = [row < known or name in fixed for row, name in enumerate(names)]
        dropped = int(np.argmin(np.where(stays, np.inf, share)))
        A, E = np.delete(A, dropped, 0), np.delete(E, dropped, 0)
        del names[dropped]
    while len(A) < k:
        A, E = grow(data.complete, A, E, _some_pixels(data.complete))
        added = next((number for number in fixed if number not in names), None)
        names.append(lowest_free(names) if added is None else added)
    return A, E, tuple(names)


def _some_pixels(matrix: Matrix) -> Array | None:
    """Return sorted random pixels of a large image, the same at each call; None for all of them."""
    pixels, channels = matrix.shape
    count = max(_LEAST_PIXELS, _ENTRIES // channels)
    if matrix.shared or pixels < _RATIO * count:
        return None
    return np.sort(np.random.default_rng(0).choice(pixels, count, replace=False))


def start_factors(A: Float64Array, E: Float64Array, task: Task, data: LiveImage, known: int = 0) -> StartFactors:
    """Return start factors (pixels, k), (k, channels) from which the similarity of the task can continue.

    The first ``known`` endmembers are held, so that their zeros stay.
    """
    if task.similarity != "frobenius" and not isinstance(task.similarity, Frobenius):
        mean = data.matrix.total(A.sum(axis=1)) / data.matrix.shape[0]
        free = E[known:]
        A, E = without_zeros(A, mean), np.vstack([E[:known], without_zeros(free, free.mean(axis=1))])
    return StartFactors(A.T, E)


def without_zeros(factor: Float64Array, mean: Float64Array) -> Float64Array:
    """Raise small entries of a factor to a positive number; ``mean`` holds the mean of each row over all pixels."""
    return np.asarray(np.maximum(factor, _LEAST * mean[:, None]))


def with_held(
    A: Float64Array, E: Float64Array, names: tuple[int, ...], held: Sequence[int], pinned: Pinned, data: LiveImage
) -> tuple[Float64Array, Float64Array, tuple[int, ...]]:
    """Return the components with the held ones first, as the solver takes them, and the given values inserted.

    Parameters
    ----------
    A, E, names
        Components (k, pixels), (k, channels), in the order of their names.
    held
        Names of the held components, in the order of the rows of ``pinned``. One that is not among the components is
        added; its abundances are what its spectrum explains of the residual.
    pinned
        Their spectra.
    data
        The image.
    """
    added = [i for i, number in enumerate(held) if number not in names]
    for i in added:
        spectrum = _completed(np.asarray(pinned.values[i]), data.complete)
        A, E = np.vstack([A, _share_of_residual(A, E, spectrum, data.complete)]), np.vstack([E, spectrum])
    names = (*names, *(held[i] for i in added))
    order = solver_order(names, held)
    A, E = with_known(A[order], E[order], pinned)
    return A, E, tuple(names[j] for j in order)


def _completed(spectrum: Float64Array, matrix: Matrix) -> Float64Array:
    """Return a spectrum whose unknown channels have the shape of the mean spectrum of the data."""
    unknown = np.isnan(spectrum)
    if not unknown.any():
        return spectrum
    mean = np.maximum(matrix.transposed_times(np.ones((1, matrix.shape[0])))[0], 0.0)
    total = float(mean[~unknown].sum())
    return np.where(unknown, mean * (float(spectrum[~unknown].sum()) / total if total else 0.0), spectrum)


def _share_of_residual(A: Float64Array, E: Float64Array, spectrum: Float64Array, matrix: Matrix) -> Float64Array:
    r"""Return the abundances a >= 0 of one more spectrum e that minimise :math:`\lVert X - A E - a e\rVert`."""
    rest = matrix.times(spectrum[None])[0] - (E @ spectrum) @ A
    return np.asarray(np.maximum(rest / float(spectrum @ spectrum), 0.0))


def with_known(A: Float64Array, E: Float64Array, pinned: Pinned) -> Factors:
    """Scale the first endmembers to the size of the known ones, insert these, and scale abundances inversely."""
    known, values = pinned.known, np.nan_to_num(pinned.values)
    size = np.ones(len(E))
    size[: len(known)] = np.linalg.norm(E[: len(known)] * known, axis=1) / np.linalg.norm(values, axis=1)
    size[size <= 0] = 1.0
    return A * size[:, None], pinned.project(E / size[:, None])
