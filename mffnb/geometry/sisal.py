r"""The smallest simplex that nearly holds the pixels, found without any pure pixel.

.. math:: \min_Q\; -\log\lvert\det Q\rvert + \tau \,\tfrac1n \sum_{ij} h(-(Q y_i)_j)
          \quad \text{subject to } \sum_j Q_j = e_k^T

with whitened pixels y = [scores, 1] in k - 1 dimensions, fractions Q y that sum to one, and a smooth hinge h. The
columns of the inverse of Q are the corners.

Source: Bioucas-Dias 2009, "A variable splitting augmented Lagrangian approach to linear spectral unmixing", WHISPERS;
the smooth hinge with L-BFGS in the place of its augmented Lagrangian.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import linalg, optimize

from mffnb.geometry.abundances import fully_constrained
from mffnb.geometry.compression import check_components, compress, one_process
from mffnb.geometry.pure_pixels import farthest_pixels
from mffnb.protocols.matrix import Matrix
from mffnb.typing import Float64Array

_SMOOTH = 0.02  # fractions down to minus this cost less than linearly
_PIXELS = 6000
_ENLARGED = 1.1


@dataclass(frozen=True)
class SISAL:
    """Corners of the smallest simplex around the pixels, for abundances that sum to one.

    Parameters
    ----------
    hardness
        tau, price of a pixel outside: the larger, the fewer are left outside.
    tries
        Random starts, of which the one with the lowest objective is kept.

    Examples
    --------
    >>> from mffnb.matrices import in_memory
    >>> fractions = np.random.default_rng(0).dirichlet([1, 1, 1], 300)
    >>> fractions = fractions[fractions.max(axis=1) < 0.8]  # no pure pixel
    >>> spectra = np.array([[1.0, 0, 0, 0.5], [0, 1, 0, 0.5], [0, 0, 1, 0.5]])
    >>> A, E = SISAL().start(in_memory(fractions @ spectra), 3, seed=0)
    >>> bool(abs(np.sort(E, axis=0) - np.sort(spectra, axis=0)).max() < 0.1)
    True
    """

    hardness: float = 160.0
    tries: int = 3

    def start(self, matrix: Matrix, components: int, seed: int) -> tuple[Float64Array, Float64Array]:
        """A (k, pixels) by fully constrained least squares and E (k, channels)."""
        one_process(matrix)
        check_components(matrix, components)
        data = compress(matrix, components, seed)
        found = [
            smallest_simplex(data.left, components, self.hardness, number)
            for number in np.random.SeedSequence(seed, spawn_key=(14,)).generate_state(self.tries)
        ]
        corners, _ = min(found, key=lambda pair: pair[1])
        endmembers = np.ascontiguousarray(np.maximum(corners @ data.right, 0.0))
        return fully_constrained(matrix, endmembers), endmembers


def smallest_simplex(
    points: Float64Array, components: int, hardness: float, seed: int, iterations: int = 500
) -> tuple[Float64Array, float]:
    """Corners of the smallest simplex around points near a (k - 1)-dimensional flat.

    Parameters
    ----------
    points
        Scores (dimensions, pixels).
    components
        k, number of corners.
    hardness
        tau, price of a point outside.
    seed
        Of the start and of the choice of pixels, where there are many.
    iterations
        Most steps of L-BFGS.

    Returns
    -------
    corners, objective
        (k, dimensions), and the value at the minimum.
    """
    centre, axes, spread = principal_axes(points, components - 1)
    if len(spread) == 0:
        return np.repeat(centre.T, components, axis=0), 0.0
    rng = np.random.default_rng(seed)
    # Where the pixels fill fewer dimensions than asked for, a tiny one stands in and any corner there is as good.
    axes, spread = axes * np.maximum(spread, 1e-10 * spread[0]), np.maximum(spread, 1e-10 * spread[0])
    white = np.vstack([(axes / spread**2).T @ (points - centre), np.ones(points.shape[1])])
    dimensions = len(white)
    if dimensions < components:
        missing = rng.standard_normal((components - dimensions, white.shape[1]))
        white = np.vstack([white[:-1], missing, white[-1:]])
    corners = _start(white, components, rng)
    some = white if white.shape[1] <= _PIXELS else white[:, rng.permutation(white.shape[1])[:_PIXELS]]
    answer = optimize.minimize(
        _objective,
        np.linalg.inv(corners)[:-1].ravel(),
        (some, hardness),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": iterations, "maxfun": 2 * iterations},
    )
    corners = np.asarray(np.linalg.inv(completed(answer.x, components)), dtype=np.float64)
    return (centre + axes @ (corners / corners[-1])[: dimensions - 1]).T, float(answer.fun)


def principal_axes(points: Float64Array, dimensions: int) -> tuple[Float64Array, Float64Array, Float64Array]:
    """Mean (d, 1), widest directions (d, at most so many), standard deviations; no direction where points coincide."""
    centre = points.mean(axis=1, keepdims=True)
    if dimensions == 0 or not points.any():
        return centre, points[:, :0], np.empty(0)
    variances, directions = linalg.eigh((points - centre) @ (points - centre).T / points.shape[1])
    spread = np.sqrt(np.maximum(variances[::-1][:dimensions], 0.0))
    if spread[0] <= 1e-12 * np.linalg.norm(centre):  # rounding
        return centre, points[:, :0], np.empty(0)
    return centre, directions[:, ::-1][:, :dimensions], spread


def _start(white: Float64Array, components: int, rng: np.random.Generator) -> Float64Array:
    """The widest of some simplices of extreme pixels, a little enlarged."""
    tries = [white[:, farthest_pixels(white, components, rng)] for _ in range(3)]
    corners = max(tries, key=lambda corners: abs(np.linalg.det(corners)))
    if abs(np.linalg.det(corners)) < 1e-6:  # coinciding pixels
        corners = corners + np.vstack([rng.standard_normal((components - 1, components)), np.zeros(components)])
    middle = corners.mean(axis=1, keepdims=True)
    return np.asarray(middle + _ENLARGED * (corners - middle))


def completed(free: Float64Array, components: int) -> Float64Array:
    """Q from all of its rows but the last, which the sum fixes."""
    rows = free.reshape(components - 1, components)
    last = -rows.sum(axis=0)
    last[-1] += 1.0
    return np.vstack([rows, last])


def _objective(free: Float64Array, white: Float64Array, hardness: float) -> tuple[float, Float64Array]:
    components = len(white)
    unmixing = completed(free, components)
    sign, volume = np.linalg.slogdet(unmixing)
    if sign == 0 or not np.isfinite(volume):
        return 1e30, np.zeros(free.size)
    outside = -(unmixing @ white)
    slope = np.clip(outside / _SMOOTH, 0.0, 1.0)
    # Quadratic up to the width, straight beyond it.
    price = slope * (outside - _SMOOTH * slope / 2)
    gradient = -np.linalg.inv(unmixing).T - (hardness / white.shape[1]) * (slope @ white.T)
    return float(-volume + hardness * price.sum() / white.shape[1]), (gradient[:-1] - gradient[-1]).ravel()
