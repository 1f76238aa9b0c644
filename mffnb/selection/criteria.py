"""Criteria for the number of components: explained variance, AIC, BIC, silhouette, similarity and elbow."""

from __future__ import annotations

import numpy as np

from mffnb.geometry.matching import match, spectral_angles
from mffnb.matrices.partial import iter_rows_and_weights
from mffnb.problem.degrees_of_freedom import freedom
from mffnb.protocols.matrix import Matrix
from mffnb.protocols.similarity import Similarity
from mffnb.similarities.poisson_misfit import PoissonMisfit
from mffnb.typing import Array, Float64Array


def explained_variance(matrix: Matrix, abundances: Float64Array, endmembers: Float64Array) -> float:
    r"""Return the variance that A E explains about the mean spectrum, :math:`1 - |X - A E|^2 / |X - \bar x|^2`.

    Parameters
    ----------
    matrix
        Data matrix X, (pixels, channels), complete.
    abundances, endmembers
        Abundances A (k, pixels) and endmembers E (k, channels) in the units of X.
    """
    mean = matrix.transposed_times(np.ones((1, matrix.shape[0])))[0] / matrix.shape[0]
    about_mean = matrix.squared_norm - matrix.shape[0] * float(mean @ mean)
    left = _squared_residual(matrix, abundances, endmembers)
    return 1.0 - left / about_mean if about_mean > 0 else np.nan


def information_criteria(
    matrix: Matrix, similarity: Similarity, abundances: Float64Array, endmembers: Float64Array, left: float = 1.0
) -> tuple[float, float]:
    r"""Return the Akaike and Bayesian information criteria, :math:`-2 \log L + 2 p` and :math:`-2 \log L + p \log N`.

    L is the likelihood that belongs to the similarity, up to a constant factor. For the Kullback-Leibler divergence it
    is Poisson. Otherwise it is normal with the maximum-likelihood variance, :math:`-2 \log L = N \log (|X - A E|^2 /
    N)`. N is the number of observed entries of X and p the degrees of freedom, see
    :func:`mffnb.problem.degrees_of_freedom.freedom`.

    Parameters
    ----------
    matrix
        Data matrix X, (pixels, channels).
    similarity
        Similarity that was minimised by the fit.
    abundances, endmembers
        Abundances A (k, pixels) and endmembers E (k, channels) in the units of X.
    left
        Fraction of the degrees of freedom of A that remains under the smoothness penalty, 0 to 1.

    Returns
    -------
    aic, bic
        Lower is better; only values for the same data may be compared.
    """
    misfit = similarity.misfit(matrix, scale=1.0)
    pixels = matrix.shape[0]
    half = misfit.abundance_half(abundances, endmembers)
    loss = pixels * misfit.at_abundances(half, abundances, endmembers)
    entries = _observed(matrix)
    if isinstance(misfit, PoissonMisfit):
        deviance = 2 * loss
    else:
        # A perfect fit leaves only the rounding error, whose logarithm has no meaning: bound the residual from below.
        floor = np.finfo(np.float64).eps ** 2 * misfit.zero * pixels
        deviance = entries * float(np.log(max(2 * loss, 2 * floor, np.finfo(np.float64).tiny) / entries))
    parameters = freedom(abundances, endmembers, left)
    return deviance + 2 * parameters, deviance + parameters * float(np.log(entries))


def largest_similarity(endmembers: Float64Array) -> float:
    """Return the cosine of the smallest angle between two endmembers (k, channels), a measure of redundancy.

    NaN for k = 1. Kannan et al. 2018, Adv. Struct. Chem. Imaging 4:6, stop to increase k when two components become
    similar.
    """
    if len(endmembers) < 2:
        return np.nan
    angles = spectral_angles(endmembers, endmembers)
    return float(np.cos(angles[~np.eye(len(angles), dtype=bool)].min()))


def silhouette(restarts: list[Float64Array], reference: Float64Array) -> float:
    """Return the smallest mean silhouette of the components over restarts: 1 if all restarts find the same k spectra.

    Components of all restarts are grouped by the component of the reference that they match. The silhouette uses the
    cosine distance. The smallest group mean is returned, because one component that is not reproducible is enough to
    reject k. NaN for k = 1 or a single restart. Source: NMFk, Alexandrov & Vesselinov 2014, Water Resour. Res. 50:7332.

    Parameters
    ----------
    restarts
        Endmembers (k, channels) of each restart.
    reference
        Endmembers (k, channels) of the best restart.
    """
    from sklearn.metrics import silhouette_samples  # noqa: PLC0415  slow import

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
    """Return the elbow of a decreasing curve: the k that lies farthest below the line between its two end points.

    None with fewer than three values, or if no point lies below that line. Source: Satopaa et al. 2011, ICDCS
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
    """Return the number of observed entries of X: those with a non-zero weight."""
    if matrix.complete:
        return matrix.shape[0] * matrix.shape[1]
    return sum(int(np.count_nonzero(weights)) for _, weights in iter_rows_and_weights(matrix))


def _squared_residual(matrix: Matrix, abundances: Float64Array, endmembers: Float64Array) -> float:
    """Return the squared Frobenius norm of X - A E, from inner products, without storing the residual matrix."""
    cross = float(np.vdot(abundances, matrix.times(endmembers)))
    size = float(np.vdot(abundances @ abundances.T, endmembers @ endmembers.T))
    return max(0.0, matrix.squared_norm - 2 * cross + size)
