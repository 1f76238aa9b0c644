"""Addition and removal of one component of given factors, to change k without a new start."""

from __future__ import annotations

import numpy as np

from mffnb.kernels import hals
from mffnb.kernels.tiers import numpy_steps
from mffnb.kernels.tiers.tier import choose
from mffnb.matrices import Dense, replicate_columns
from mffnb.matrices.entry_blocks import update_in_blocks
from mffnb.protocols.matrix import Matrix
from mffnb.solvers.subsampled_start import rows_of
from mffnb.typing import Array, Float64Array, Total, local_total

_POWER_STEPS = 2  # power iterations on the residual: start values need not be precise
_OCTAVES = 40  # endmembers within a factor of 2^20 of 1 keep their unit


def grow(
    matrix: Matrix, abundances: Float64Array, endmembers: Float64Array, rows: Array | None = None
) -> tuple[Float64Array, Float64Array]:
    r"""Add a component by rank-one NMF of the residual :math:`X - A E`.

    Parameters
    ----------
    matrix
        X, (pixels, channels).
    abundances, endmembers
        A (k, own pixels) and E (k, channels), with A E in the units of X; the arrays are not changed.
    rows
        Sorted indices of pixels from which the new spectrum is found before one step on all pixels, which takes less
        than half the time; None for steps on all pixels.

    Returns
    -------
    abundances, endmembers
        Shapes (k + 1, own pixels) and (k + 1, channels); the new component is last.

    Examples
    --------
    >>> import numpy as np
    >>> from mffnb.matrices import Dense
    >>> from mffnb.selection import grow
    >>> A, E = np.array([[1.0, 0.0, 1.0]]), np.array([[1.0, 0.0]])
    >>> X = Dense(A.T @ E + np.array([[0.0, 0.0], [0.0, 2.0], [0.0, 2.0]]))  # a second spectrum in two pixels
    >>> abundances, endmembers = grow(X, A, E)
    >>> np.round(abundances.T @ endmembers, 6).tolist()
    [[1.0, 0.0], [0.0, 2.0], [1.0, 2.0]]
    """
    first, A = (matrix, abundances) if rows is None else (Dense(rows_of(matrix, rows)), abundances[:, rows])
    # Initial spectrum: the residual of the mean spectrum after a least-squares fit by the present components.
    mean = replicate_columns(first, first.transposed_times(np.ones((1, A.shape[1]))))[0]
    spectrum = _positive_unit(mean - np.linalg.lstsq(endmembers.T, mean, rcond=None)[0] @ endmembers, mean, local_total)
    for _ in range(_POWER_STEPS - 1):
        _, spectrum, _ = _power_step(first, A, endmembers, spectrum)
    pixels, spectrum, size = _power_step(matrix, abundances, endmembers, spectrum)
    return np.vstack([abundances, size * pixels]), np.vstack([endmembers, spectrum])


def _power_step(
    matrix: Matrix, abundances: Float64Array, endmembers: Float64Array, spectrum: Float64Array
) -> tuple[Float64Array, Float64Array, float]:
    """Return pixels and spectrum, both non-negative and of norm 1, after a power step on the residual, and its size."""
    left = matrix.times(spectrum[None, matrix.own_columns])[0] - (endmembers @ spectrum) @ abundances
    pixels = _positive_unit(left, np.ones_like(left), matrix.total)
    left = replicate_columns(matrix, matrix.transposed_times(pixels[None]))[0]
    left -= matrix.total(abundances @ pixels) @ endmembers
    spectrum = _positive_unit(left, spectrum, local_total)
    return pixels, spectrum, max(0.0, float(spectrum @ left))


def start_beside_known(matrix: Matrix, components: int, known: Array) -> tuple[Float64Array, Float64Array]:
    """Compute start values with known endmembers: their maps, then one further component at a time from the residual.

    Parameters
    ----------
    matrix
        X, (pixels, channels).
    components
        Total number of components k, at least the number of known endmembers.
    known
        Known spectra, (known, own channels) in the units of X; NaN where a channel is unknown.

    Returns
    -------
    abundances, endmembers
        Shapes (k, own pixels) and (k, own channels); the known ones come first.
    """
    known = np.asarray(known, dtype=np.float64)
    if len(known) > components:
        raise ValueError(f"{len(known)} endmembers are known and k is {components}: raise k, or drop some of them")
    mean = np.maximum(matrix.transposed_times(np.ones((1, matrix.own.stop - matrix.own.start)))[0], 0.0)
    if known.shape[1] != len(mean):
        raise ValueError(f"known endmembers have {known.shape[1]} channels and the data {len(mean)}")
    endmembers = known.copy()
    for row in endmembers:
        missing = np.isnan(row)
        sums = matrix.total(np.array([np.sum(row[~missing]), np.sum(mean[~missing])]))
        ratio = sums[0] / (sums[1] or 1.0)
        row[missing] = mean[missing] * ratio
    # New components have norm 1, so known ones of another order of magnitude are divided by a power of two meanwhile.
    largest = float(-matrix.minimum(-np.array(endmembers.max(initial=0.0)))) or 1.0
    unit = 2.0 ** (_OCTAVES * np.round(np.log2(largest) / _OCTAVES))
    endmembers = endmembers / unit
    cross = matrix.times(endmembers)
    abundances = np.full_like(cross, unit / components)
    sweep = choose(hals.sweep_non_negative, numpy_steps.sweep_non_negative)
    gram = matrix.total(endmembers @ endmembers.T)
    update_in_blocks(lambda A, pull: sweep(A, gram, pull, 50), abundances, cross)
    endmembers = replicate_columns(matrix, endmembers)
    while len(abundances) < components:
        abundances, endmembers = grow(matrix, abundances, endmembers)
    endmembers[: len(known)] *= unit
    abundances[: len(known)] /= unit
    return abundances, np.ascontiguousarray(endmembers[:, matrix.own_columns])


def shrink(abundances: Float64Array, endmembers: Float64Array) -> tuple[Float64Array, Float64Array, int]:
    r"""Remove the component with the smallest unique contribution.

    The unique contribution of component j is :math:`\lVert a_j \rVert^2 / (G^{-1})_{jj}` with :math:`G = E E^T`: its
    weight times the squared distance of its spectrum from the span of the others.

    Returns
    -------
    abundances, endmembers
        Factors without that component.
    dropped
        Index of the removed component.

    Examples
    --------
    >>> import numpy as np
    >>> E = np.array([[1.0, 0, 0], [0, 1, 0], [0, 1, 0.1]])             # the last two are nearly equal
    >>> shrink(np.array([[1.0, 1], [2, 2], [1, 3]]), E)[2]
    1
    """
    dropped = int(np.argmin(unique_share(abundances, endmembers)))
    return np.delete(abundances, dropped, 0), np.delete(endmembers, dropped, 0), dropped


def unique_share(abundances: Float64Array, endmembers: Float64Array, total: Total = local_total) -> Float64Array:
    """Return the squared norm of each component's unique contribution, (k,), see :func:`shrink`."""
    norm = np.linalg.norm(endmembers, axis=1)
    weight = total(np.square(abundances).sum(axis=1)) * norm**2
    unit = endmembers / np.where(norm > 0, norm, 1.0)[:, None]
    # A small ridge keeps the inverse finite if two spectra are equal.
    inverse = np.linalg.inv(unit @ unit.T + 1e-12 * np.eye(len(unit)))
    share: Float64Array = weight / np.diag(inverse)
    return share


def _positive_unit(values: Array, otherwise: Array, total: Total) -> Float64Array:
    """Return the positive part of ``values``, scaled to norm 1; that of ``otherwise`` if the former is zero."""
    for candidate in (values, otherwise, np.ones_like(values, dtype=np.float64)):
        positive = np.maximum(candidate, 0.0)
        norm = float(np.sqrt(total(np.array(positive @ positive))))
        if norm > 0:
            return np.asarray(positive / norm)
    raise AssertionError("unreachable: the norm of ones is positive")
