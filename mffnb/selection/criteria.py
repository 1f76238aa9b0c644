"""What a single answer, or a set of restarts, says about the number of components."""

from __future__ import annotations

import numpy as np
from sklearn.metrics import silhouette_samples

from mffnb.geometry.matching import match, spectral_angles
from mffnb.matrices.partial import pieces
from mffnb.problem.degrees_of_freedom import freedom
from mffnb.protocols.matrix import Matrix
from mffnb.protocols.misfit import Similarity
from mffnb.similarities.misfits import Divergence
from mffnb.typing import Array, Float64Array


def explained_variance(matrix: Matrix, abundances: Float64Array, endmembers: Float64Array) -> float:
    r"""Share of the variance about the mean spectrum that A E describes, :math:`1 - |X - A E|^2 / |X - \bar x|^2`.

    Parameters
    ----------
    matrix
        X, (pixels, channels), complete.
    abundances, endmembers
        A (k, pixels) and E (k, channels) in the units of X.
    """
    mean = matrix.transposed_times(np.ones((1, matrix.shape[0])))[0] / matrix.shape[0]
    about_mean = matrix.squared_norm - matrix.shape[0] * float(mean @ mean)
    left = _squared_residual(matrix, abundances, endmembers)
    return 1.0 - left / about_mean if about_mean > 0 else np.nan


def relative_error(matrix: Matrix, abundances: Float64Array, endmembers: Float64Array) -> float:
    """|X - A E| / |X|, of complete data."""
    return float(np.sqrt(_squared_residual(matrix, abundances, endmembers) / matrix.squared_norm))


def information(
    matrix: Matrix, similarity: Similarity, abundances: Float64Array, endmembers: Float64Array, left: float = 1.0
) -> tuple[float, float]:
    r"""Information criteria of Akaike, :math:`-2 \log L + 2 p`, and Schwarz, :math:`-2 \log L + p \log N`.

    L is the likelihood of the similarity but for a constant: Poisson for the Kullback-Leibler divergence, else normal
    with the variance that fits best, :math:`-2 \log L = N \log (|X - A E|^2 / N)`. N counts the observed entries of X,
    and p what the data were free to choose, see :func:`mffnb.problem.degrees_of_freedom.freedom`.

    Parameters
    ----------
    matrix
        X, (pixels, channels).
    similarity
        Of the fit.
    abundances, endmembers
        A (k, pixels) and E (k, channels) in the units of X.
    left
        Share of the freedom of A that smoothness leaves.

    Returns
    -------
    aic, bic
        Lower is better, of the same data only.
    """
    misfit = similarity.misfit(matrix, scale=1.0)
    pixels = matrix.shape[0]
    half = misfit.abundance_half(abundances, endmembers)
    loss = pixels * misfit.at_abundances(half, abundances, endmembers)
    entries = _observed(matrix)
    if isinstance(misfit, Divergence):
        deviance = 2 * loss
    else:
        # What rounding leaves of a perfect fit has no logarithm worth minding.
        floor = np.finfo(np.float64).eps ** 2 * misfit.zero * pixels
        deviance = entries * float(np.log(max(2 * loss, 2 * floor, np.finfo(np.float64).tiny) / entries))
    free = freedom(abundances, endmembers, left)
    return deviance + 2 * free, deviance + free * float(np.log(entries))


def largest_similarity(endmembers: Float64Array) -> float:
    """Cosine of the smallest angle between two endmembers (k, channels); NaN where there is only one.

    Kannan et al. 2018, Adv. Struct. Chem. Imaging 4:6, stop raising k where components become alike.
    """
    if len(endmembers) < 2:
        return np.nan
    angles = spectral_angles(endmembers, endmembers)
    return float(np.cos(angles[~np.eye(len(angles), dtype=bool)].min()))


def silhouette(restarts: list[Float64Array], reference: Float64Array) -> float:
    """How well components of restarts form k groups, one of each restart in each: 1 where all restarts agree.

    Groups are those of the reference that components are matched to; of their mean silhouettes (cosine distance) this
    is the smallest, for a single component that is found by chance is enough to doubt k. NaN for k = 1 or one restart.
    Source: NMFk, Alexandrov & Vesselinov 2014, Water Resour. Res. 50:7332.

    Parameters
    ----------
    restarts
        Endmembers (k, channels) of each.
    reference
        Endmembers (k, channels) of the best.
    """
    k = len(reference)
    if k < 2 or len(restarts) < 2:
        return np.nan
    spectra = np.vstack(restarts)
    group = np.concatenate([match(one, reference) for one in restarts])
    distances = 1 - np.cos(spectral_angles(spectra, spectra))
    np.fill_diagonal(distances, 0.0)
    values = silhouette_samples(np.maximum(distances, 0.0), group, metric="precomputed")
    return float(min(values[group == j].mean() for j in range(k)))


def elbow(ks: Array, errors: Array) -> int | None:
    """Where a falling curve bends most: the k farthest below the line from its first to its last point.

    None with fewer than three values, or where no point is below that line. Source: Satopaa et al. 2011, ICDCS
    Workshops, "kneedle".

    Examples
    --------
    >>> elbow([2, 3, 4, 5], [1.0, 0.2, 0.15, 0.1])
    3
    """
    ks, errors = np.asarray(ks), np.asarray(errors, dtype=np.float64)
    if len(ks) < 3 or not np.isfinite(errors).all() or errors[0] == errors[-1]:
        return None
    along = (ks - ks[0]) / (ks[-1] - ks[0])
    below = 1 - along - (errors - errors[-1]) / (errors[0] - errors[-1])
    return int(ks[below.argmax()]) if below.max() > 0 else None


def _observed(matrix: Matrix) -> int:
    """How many entries count at all."""
    if matrix.complete:
        return matrix.shape[0] * matrix.shape[1]
    return sum(int(np.count_nonzero(weights)) for _, weights in pieces(matrix))


def _squared_residual(matrix: Matrix, abundances: Float64Array, endmembers: Float64Array) -> float:
    cross = float(np.vdot(abundances, matrix.times(endmembers)))
    size = float(np.vdot(abundances @ abundances.T, endmembers @ endmembers.T))
    return max(0.0, matrix.squared_norm - 2 * cross + size)
