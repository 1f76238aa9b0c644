r"""SISAL: the minimum-volume simplex that contains nearly all pixels; no pure pixel is needed.

.. math:: \min_Q\; -\log\lvert\det Q\rvert + \tau \,\tfrac1n \sum_{ij} h(-(Q y_i)_j)
          \quad \text{subject to } \sum_j Q_j = e_k^T

with whitened pixels y = [scores, 1] in k - 1 dimensions, fractions Q y that sum to one, and a smooth hinge function h.
The columns of the inverse of Q are the vertices.

Source: Bioucas-Dias 2009, "A variable splitting augmented Lagrangian approach to linear spectral unmixing", WHISPERS;
here with a smooth hinge and L-BFGS instead of its augmented Lagrangian.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy
from scipy import linalg

from mffnb.geometry.abundances import fully_constrained
from mffnb.geometry.compression import check_components, compress, require_one_process
from mffnb.geometry.pure_pixels import vertex_components
from mffnb.matrices.cancellation import check_cancelled
from mffnb.protocols.matrix import Matrix
from mffnb.typing import Float64Array

__all__ = ["SISAL"]

_HINGE_WIDTH = 0.02  # width of the quadratic part of the hinge, in units of fractions
_PIXELS = 6000
_ENLARGED = 1.1


@dataclass(frozen=True)
class SISAL:
    """Vertices of the minimum-volume simplex around the pixels, for abundances that sum to one.

    Parameters
    ----------
    hardness
        tau, penalty of a pixel outside: a larger value leaves fewer pixels outside.
    tries
        Number of random starts; the result with the lowest objective is kept.

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
        """Estimate E (k, channels) by SISAL, then A (k, pixels) by fully constrained least squares."""
        require_one_process(matrix)
        check_components(matrix, components)
        data = compress(matrix, components, seed)
        found = [
            smallest_simplex(data.left, components, self.hardness, number)
            for number in np.random.SeedSequence(seed, spawn_key=(14,)).generate_state(self.tries)
        ]
        vertices, _ = min(found, key=lambda pair: pair[1])
        endmembers = np.ascontiguousarray(np.maximum(vertices @ data.right, 0.0))
        return fully_constrained(matrix, endmembers), endmembers


def smallest_simplex(
    points: Float64Array, components: int, hardness: float, seed: int, iterations: int = 500
) -> tuple[Float64Array, float]:
    """Fit the minimum-volume simplex around points near a (k - 1)-dimensional affine subspace, by L-BFGS.

    Parameters
    ----------
    points
        Scores (dimensions, pixels).
    components
        k, number of vertices.
    hardness
        tau, penalty of a point outside.
    seed
        Seed of the start, and of the random subset of pixels if there are many.
    iterations
        Largest number of L-BFGS iterations.

    Returns
    -------
    vertices, objective
        Vertices (k, dimensions), and the objective at the minimum.
    """
    centre, axes, spread = principal_axes(points, components - 1)
    if len(spread) == 0:
        return np.repeat(centre.T, components, axis=0), 0.0
    rng = np.random.default_rng(seed)
    # If the pixels span fewer than k - 1 dimensions, a tiny spread replaces that of a missing dimension; any vertex
    # along it fits equally well.
    axes, spread = axes * np.maximum(spread, 1e-10 * spread[0]), np.maximum(spread, 1e-10 * spread[0])
    white = np.vstack([(axes / spread**2).T @ (points - centre), np.ones(points.shape[1])])
    dimensions = len(white)
    if dimensions < components:
        missing = rng.standard_normal((components - dimensions, white.shape[1]))
        white = np.vstack([white[:-1], missing, white[-1:]])
    vertices = _start(white, components, rng)
    some = white if white.shape[1] <= _PIXELS else white[:, rng.permutation(white.shape[1])[:_PIXELS]]
    answer = scipy.optimize.minimize(
        _objective,
        np.linalg.inv(vertices)[:-1].ravel(),
        (some, hardness),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": iterations, "maxfun": 2 * iterations},
    )
    vertices = np.asarray(np.linalg.inv(with_last_row(answer.x, components)), dtype=np.float64)
    return (centre + axes @ (vertices / vertices[-1])[: dimensions - 1]).T, float(answer.fun)


def principal_axes(points: Float64Array, dimensions: int) -> tuple[Float64Array, Float64Array, Float64Array]:
    """Compute mean (n, 1), leading principal axes (n, <= ``dimensions``) and their standard deviations for n scores.

    There is no axis if the points coincide.
    """
    centre = points.mean(axis=1, keepdims=True)
    if dimensions == 0 or not points.any():
        return centre, points[:, :0], np.empty(0)
    variances, directions = linalg.eigh((points - centre) @ (points - centre).T / points.shape[1])
    spread = np.sqrt(np.maximum(variances[::-1][:dimensions], 0.0))
    if spread[0] <= 1e-12 * np.linalg.norm(centre):  # the spread consists of rounding errors
        return centre, points[:, :0], np.empty(0)
    axes = directions[:, ::-1][:, :dimensions]
    # The sign of an eigenvector is arbitrary: rounding must not decide it, because starts and stopping depend on it.
    largest = axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])]
    return centre, np.where(largest < 0, -axes, axes), spread


def _start(white: Float64Array, components: int, rng: np.random.Generator) -> Float64Array:
    """Return the start: the largest of several simplices of extreme pixels, slightly enlarged."""
    tries = [white[:, vertex_components(white, components, rng)] for _ in range(3)]
    vertices = max(tries, key=lambda vertices: abs(np.linalg.det(vertices)))
    if abs(np.linalg.det(vertices)) < 1e-6:  # the pixels coincide or span too few dimensions
        vertices = vertices + np.vstack([rng.standard_normal((components - 1, components)), np.zeros(components)])
    middle = vertices.mean(axis=1, keepdims=True)
    return np.asarray(middle + _ENLARGED * (vertices - middle))


def with_last_row(free: Float64Array, components: int) -> Float64Array:
    """Append the last row of Q to its free rows; the sum constraint determines it."""
    rows = free.reshape(components - 1, components)
    last = -rows.sum(axis=0)
    last[-1] += 1.0
    return np.vstack([rows, last])


def _objective(free: Float64Array, white: Float64Array, hardness: float) -> tuple[float, Float64Array]:
    """Return the SISAL objective and its gradient at the free rows of Q."""
    check_cancelled()
    components = len(white)
    unmixing = with_last_row(free, components)
    sign, volume = np.linalg.slogdet(unmixing)
    if sign == 0 or not np.isfinite(volume):
        return 1e30, np.zeros(free.size)
    outside = (unmixing / -_HINGE_WIDTH) @ white
    slope = np.clip(outside, 0.0, 1.0)
    # The smooth hinge function is quadratic up to its width and linear beyond.
    price = hardness * _HINGE_WIDTH * (np.vdot(slope, outside) - np.vdot(slope, slope) / 2) / white.shape[1]
    gradient = -np.linalg.inv(unmixing).T - (hardness / white.shape[1]) * (slope @ white.T)
    return float(price - volume), (gradient[:-1] - gradient[-1]).ravel()
