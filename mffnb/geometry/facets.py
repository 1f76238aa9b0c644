r"""Minimum-volume simplex with noise-aware facets: distances outside the simplex are measured in units of the noise.

.. math:: \min_Q\; -\log\lvert\det Q\rvert + \tfrac{\kappa}{n} \sum_{ij} h\Bigl(\frac{d_{ij}}{\sigma}\Bigr)

where d is the distance of pixel i outside facet j, sigma the noise, and h the Huber function: half the square of its
argument up to four, linear beyond. For pixels uniformly distributed in a simplex and kappa = 1, this is the negative
log-likelihood of the pixels outside. Pixels that the noise moved inside carry the same information but are not counted;
kappa = 3 compensates for them (of 1 to 6, best on simulated scenes of 3 to 6 endmembers with and without pure pixels at
20 to 40 dB, see ``benchmarks.accuracy.volume_rule``). The penalty of SISAL ignores the noise: it cuts the vertices of
clean data and is too weak for noisy data.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy
from scipy import linalg

from mffnb.geometry.abundances import fully_constrained
from mffnb.geometry.compression import check_components, compress, require_one_process
from mffnb.geometry.sisal import principal_axes, smallest_simplex, with_last_row
from mffnb.matrices import LowRank
from mffnb.matrices.cancellation import check_cancelled
from mffnb.protocols.matrix import Matrix
from mffnb.typing import Float64Array

__all__ = ["Facets"]

_PIXELS = 20000
_KAPPA = 3.0
_HUBER_THRESHOLD = 4.0  # in standard deviations: pixels farther outside a facet count as outliers
_MAX_NOISE = 0.07  # in units of fractions: upper limit of the noise of a facet, which keeps the simplex from collapsing
_RELATIVE_NOISE_FLOOR = 1e-4  # smallest noise, relative to the largest standard deviation; for noise-free data
_EXTRA_RANK = 5
# Continuation: initial noise in units of the smallest standard deviation, and the factor from one noise to the next.
_INITIAL_NOISE, _NOISE_FACTOR = 0.03, 3.0

# Tight at the last noise, so that starts which reach the same minimum agree to about 1e-7, and rounding hardly matters.
_TOLERANCES = {"ftol": 1e-14, "gtol": 1e-7}


@dataclass(frozen=True)
class Facets:
    """Vertices of the smallest simplex around noisy pixels, for abundances that sum to one.

    No pure pixel is needed.

    Parameters
    ----------
    tries
        Number of starts, each from a random SISAL simplex; the result with the lowest objective is kept.

    Examples
    --------
    >>> from mffnb.matrices import in_memory
    >>> fractions = np.random.default_rng(0).dirichlet([1, 1, 1], 300)
    >>> fractions = fractions[fractions.max(axis=1) < 0.8]  # no pure pixel
    >>> spectra = np.array([[1.0, 0, 0, 0.5], [0, 1, 0, 0.5], [0, 0, 1, 0.5]])
    >>> A, E = Facets().start(in_memory(fractions @ spectra), 3, seed=0)
    >>> bool(abs(np.sort(E, axis=0) - np.sort(spectra, axis=0)).max() < 0.1)
    True
    """

    tries: int = 3

    def start(self, matrix: Matrix, components: int, seed: int) -> tuple[Float64Array, Float64Array]:
        """Estimate E (k, channels) by a noise-aware simplex, then A (k, pixels) by fully constrained least squares."""
        require_one_process(matrix)
        check_components(matrix, components)
        data = compress(matrix, components + _EXTRA_RANK, seed)
        found = [
            fit_noisy_simplex(data, components, int(number))
            for number in np.random.SeedSequence(seed, spawn_key=(14,)).generate_state(self.tries)
        ]
        endmembers = min(found, key=lambda pair: pair[1])[0]
        return fully_constrained(matrix, endmembers), endmembers


def fit_noisy_simplex(data: LowRank, components: int, seed: int) -> tuple[Float64Array, float]:
    """Fit a noise-aware simplex from a SISAL start; return non-negative endmembers (k, channels) and the objective."""
    points, directions = data.left[:components], data.right[:components]
    vertices, _ = smallest_simplex(points, components, 160.0, seed)
    vertices, objective = fit_facets(points, vertices, simplex_noise(data, components), seed)
    return np.ascontiguousarray(np.maximum(vertices @ directions, 0.0)), objective


def simplex_noise(data: LowRank, components: int) -> float:
    """Estimate the noise of the scores: the standard deviation along the k-th principal axis.

    A simplex of k vertices spans k - 1 dimensions, so this axis holds noise only. Clean data get a small positive
    value.
    """
    pixels = data.left.shape[1]
    if len(data.left) == 0:
        return 1.0
    centred = data.left - data.left.mean(axis=1, keepdims=True)
    variances = np.maximum(linalg.eigvalsh(centred @ centred.T)[::-1], 0.0) / pixels
    beyond = variances[components - 1] if len(variances) >= components else 0.0
    return float(np.sqrt(max(beyond, _RELATIVE_NOISE_FLOOR**2 * variances[0], np.finfo(float).tiny)))


def fit_facets(
    points: Float64Array, vertices: Float64Array, noise: float, seed: int, iterations: int = 500
) -> tuple[Float64Array, float]:
    """Fit the vertices of a noise-aware minimum-volume simplex to noisy points, by L-BFGS.

    Parameters
    ----------
    points
        Scores (dimensions, pixels).
    vertices
        Initial vertices (k, dimensions).
    noise
        Standard deviation of the scores.
    seed
        Seed of the random subset of pixels, if there are many.
    iterations
        Largest number of L-BFGS iterations.

    Returns
    -------
    vertices, objective
        Vertices (k, dimensions), and the objective at the minimum.
    """
    components = len(vertices)
    centre, axes, spread = principal_axes(points, components - 1)
    if len(spread) == 0 or len(spread) < components - 1 or spread[-1] <= 1e-8 * spread[0]:
        return vertices, 0.0  # the pixels span fewer than k - 1 dimensions, so no simplex with k vertices exists
    axes = axes * spread
    white = np.vstack([(axes / spread**2).T @ (points - centre), np.ones(points.shape[1])])
    begin = np.vstack([(axes / spread**2).T @ (vertices.T - centre), np.ones(components)])
    rng = np.random.default_rng(seed)
    if white.shape[1] > _PIXELS:
        white = np.ascontiguousarray(white[:, np.sort(rng.permutation(white.shape[1])[:_PIXELS])])
    free, objective = np.linalg.inv(begin)[:-1].ravel(), 0.0
    # Continuation: a small noise makes the objective steep, so the noise is reduced in steps from a larger value.
    steps = max(0, int(np.ceil(np.log(_INITIAL_NOISE * spread[-1] / noise) / np.log(_NOISE_FACTOR))))
    for step in range(steps, -1, -1):
        answer = scipy.optimize.minimize(
            _objective,
            free,
            (white, np.append(noise * _NOISE_FACTOR**step / spread, 0.0) ** 2),
            jac=True,
            method="L-BFGS-B",
            options={"maxiter": iterations, "maxfun": 2 * iterations, **(_TOLERANCES if step == 0 else {})},
        )
        free, objective = answer.x, float(answer.fun)
    found = np.asarray(np.linalg.inv(with_last_row(free, components)), dtype=np.float64)
    return (centre + axes @ (found / found[-1])[:-1]).T, objective


def _objective(free: Float64Array, white: Float64Array, noise: Float64Array) -> tuple[float, Float64Array]:
    """Return the facet objective and its gradient at ``free``, Q without its last row; ``noise`` is a variance."""
    check_cancelled()
    unmixing = with_last_row(free, len(white))
    sign, volume = np.linalg.slogdet(unmixing)
    if sign == 0 or not np.isfinite(volume):
        return 1e30, np.zeros(free.size)
    facet_noise = np.sqrt(np.maximum(unmixing**2 @ noise, np.finfo(float).tiny))[:, None]  # noise of the fractions
    scale = np.minimum(facet_noise, _MAX_NOISE)
    outside = (unmixing / -scale) @ white
    np.maximum(outside, 0.0, out=outside)
    slope = np.minimum(outside, _HUBER_THRESHOLD)
    products = np.einsum("ij,ij->i", slope, outside)
    price = (products.sum() - np.vdot(slope, slope) / 2) * _KAPPA / white.shape[1]
    pull = (slope @ white.T) / scale
    # Second term of the gradient: the noise of a fraction depends on Q as well.
    turn = np.where(facet_noise < _MAX_NOISE, products[:, None], 0.0)
    pull += turn * unmixing * noise / facet_noise**2
    gradient = -np.linalg.inv(unmixing).T - pull * _KAPPA / white.shape[1]
    return float(price - volume), (gradient[:-1] - gradient[-1]).ravel()
