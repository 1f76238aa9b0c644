r"""The smallest simplex whose facets respect the noise: no pixel far outside, in units of its own uncertainty.

.. math:: \min_Q\; -\log\lvert\det Q\rvert + \tfrac{\kappa}{n} \sum_{ij} h\Bigl(\frac{d_{ij}}{\sigma}\Bigr)

where d is how far pixel i lies outside facet j, sigma the noise, and h half the square, straight beyond four. For
pixels spread evenly in a simplex and kappa = 1 this is the negative log-likelihood of those outside. Pixels that the
noise moved inside say the same but are not counted; kappa = 3 makes up for them (of 1 to 6, best on simulated scenes
of 3 to 6 endmembers with and without pure pixels at 20 to 40 dB, see ``benchmarks.accuracy.volume_rule``). SISAL's own
price does not know the noise: it cuts the corners of clean data and is too soft on noisy ones.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import linalg, optimize

from mffnb.geometry.abundances import fully_constrained
from mffnb.geometry.compression import check_components, compress, one_process
from mffnb.geometry.sisal import completed, principal_axes, smallest_simplex
from mffnb.matrices import LowRank
from mffnb.protocols.matrix import Matrix
from mffnb.typing import Float64Array

_PIXELS = 20000
_KAPPA = 3.0
_STRAIGHT = 4.0  # standard deviations: beyond, an outlier
_NOISIEST = 0.07  # of a fraction: beyond, facets are held at this, or nothing would stop the simplex from collapsing
_CLEAN = 1e-4  # of the largest spread: noise-free pixels are as precise as that
_EXTRA = 5
_SOFT, _HARDER = 0.03, 3.0  # noise in units of the narrowest spread to begin with, and the factor from step to step


@dataclass(frozen=True)
class Facets:
    """Corners of the smallest simplex around noisy pixels, for abundances that sum to one. No pure pixel is needed.

    Parameters
    ----------
    tries
        Random starts of SISAL that are refined; the one with the lowest objective is kept.

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
        """A (k, pixels) by fully constrained least squares and E (k, channels)."""
        one_process(matrix)
        check_components(matrix, components)
        data = compress(matrix, components + _EXTRA, seed)
        found = [
            noisy_simplex(data, components, int(number))
            for number in np.random.SeedSequence(seed, spawn_key=(14,)).generate_state(self.tries)
        ]
        endmembers = min(found, key=lambda pair: pair[1])[0]
        return fully_constrained(matrix, endmembers), endmembers


def noisy_simplex(data: LowRank, components: int, seed: int) -> tuple[Float64Array, float]:
    """Endmembers (k, channels), non-negative, and the objective that a start from SISAL reaches."""
    points, directions = data.left[:components], data.right[:components]
    corners, _ = smallest_simplex(points, components, 160.0, seed)
    corners, objective = fit_facets(points, corners, noise_level(data, components), seed)
    return np.ascontiguousarray(np.maximum(corners @ directions, 0.0)), objective


def noise_level(data: LowRank, components: int) -> float:
    """Standard deviation of the pixels in the widest direction that k corners leave; a trifle where there is none."""
    pixels = data.left.shape[1]
    if len(data.left) == 0:
        return 1.0
    centred = data.left - data.left.mean(axis=1, keepdims=True)
    variances = np.maximum(linalg.eigvalsh(centred @ centred.T)[::-1], 0.0) / pixels
    beyond = variances[components - 1] if len(variances) >= components else 0.0
    return float(np.sqrt(max(beyond, _CLEAN**2 * variances[0], np.finfo(float).tiny)))


def fit_facets(
    points: Float64Array, corners: Float64Array, noise: float, seed: int, iterations: int = 500
) -> tuple[Float64Array, float]:
    """Move the corners of a simplex until its facets fit noisy points.

    Parameters
    ----------
    points
        Scores (dimensions, pixels).
    corners
        Start (k, dimensions).
    noise
        Standard deviation of the scores.
    seed
        Of the choice of pixels, where there are many.
    iterations
        Most steps of L-BFGS.

    Returns
    -------
    corners, objective
        (k, dimensions), and the value at the minimum.
    """
    components = len(corners)
    centre, axes, spread = principal_axes(points, components - 1)
    if len(spread) == 0 or len(spread) < components - 1 or spread[-1] <= 1e-8 * spread[0]:
        return corners, 0.0  # no such simplex: the pixels fill fewer dimensions
    axes = axes * spread
    white = np.vstack([(axes / spread**2).T @ (points - centre), np.ones(points.shape[1])])
    begin = np.vstack([(axes / spread**2).T @ (corners.T - centre), np.ones(components)])
    rng = np.random.default_rng(seed)
    if white.shape[1] > _PIXELS:
        white = np.ascontiguousarray(white[:, np.sort(rng.permutation(white.shape[1])[:_PIXELS])])
    free, objective = np.linalg.inv(begin)[:-1].ravel(), 0.0
    # Hard facets are steep: come down to them from soft ones.
    steps = max(0, int(np.ceil(np.log(_SOFT * spread[-1] / noise) / np.log(_HARDER))))
    for step in range(steps, -1, -1):
        answer = optimize.minimize(
            _objective,
            free,
            (white, np.append(noise * _HARDER**step / spread, 0.0) ** 2),
            jac=True,
            method="L-BFGS-B",
            options={"maxiter": iterations, "maxfun": 2 * iterations},
        )
        free, objective = answer.x, float(answer.fun)
    found = np.asarray(np.linalg.inv(completed(free, components)), dtype=np.float64)
    return (centre + axes @ (found / found[-1])[:-1]).T, objective


def _objective(free: Float64Array, white: Float64Array, noise: Float64Array) -> tuple[float, Float64Array]:
    """Value and gradient; ``noise`` is the variance of each whitened score."""
    unmixing = completed(free, len(white))
    sign, volume = np.linalg.slogdet(unmixing)
    if sign == 0 or not np.isfinite(volume):
        return 1e30, np.zeros(free.size)
    of_facets = np.sqrt(np.maximum(unmixing**2 @ noise, np.finfo(float).tiny))[:, None]  # noise of each fraction
    scale = np.minimum(of_facets, _NOISIEST)
    outside = np.maximum(-(unmixing @ white) / scale, 0.0)
    slope = np.minimum(outside, _STRAIGHT)
    price = np.vdot(slope, outside - slope / 2) * _KAPPA / white.shape[1]
    pull = (slope @ white.T) / scale
    # The noise of a fraction depends on its facet too.
    turn = np.where(of_facets < _NOISIEST, np.sum(slope * outside, axis=1)[:, None], 0.0)
    pull += turn * unmixing * noise / of_facets**2
    gradient = -np.linalg.inv(unmixing).T - pull * _KAPPA / white.shape[1]
    return float(price - volume), (gradient[:-1] - gradient[-1]).ravel()
