"""k-means clustering of pixels for start values: cluster means have little noise but lie inside the true simplex."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mffnb.geometry.abundances import non_negative
from mffnb.geometry.compression import check_components, compress, require_one_process
from mffnb.matrices.cancellation import check_cancelled, checked
from mffnb.protocols.matrix import Matrix
from mffnb.typing import Float64Array

__all__ = ["KMeans"]


@dataclass(frozen=True)
class KMeans:
    """Start endmembers: means of k clusters of pixels, by the direction of their spectra, independent of pixel gains.

    Source: Arthur & Vassilvitskii 2007, Proc. SODA, 1027 (k-means++ initialisation of Lloyd's iteration).

    Parameters
    ----------
    tries
        Number of random initialisations; the result with the smallest sum of squared distances is kept.
    iterations
        Largest number of iterations of Lloyd's algorithm.

    Examples
    --------
    >>> from mffnb.matrices import in_memory
    >>> A, E = KMeans().start(in_memory(np.array([[2.0, 0.0], [4.0, 0.0], [0.0, 3.0]])), 2, seed=0)
    >>> sorted(E.round(6).tolist())
    [[0.0, 3.0], [3.0, 0.0]]
    """

    tries: int = 3
    iterations: int = 100

    def start(self, matrix: Matrix, components: int, seed: int) -> tuple[Float64Array, Float64Array]:
        """Estimate E (k, channels) by k-means clustering, then A (k, pixels) by non-negative least squares."""
        require_one_process(matrix)
        check_components(matrix, components)
        data = compress(matrix, components, seed)
        length = np.linalg.norm(data.left, axis=0)
        seen = np.flatnonzero(length > 1e-10 * length.max(initial=0.0))
        endmembers = np.zeros((components, matrix.shape[1]))
        if len(seen) >= components:
            points = data.left[:, seen] / length[seen]
            # An endmember is the mean direction of its cluster, scaled to the mean norm of the cluster's pixels.
            centres = group_means(points, components, seed, self.tries, self.iterations)
            group = np.argmax(centres.T @ points - np.einsum("rj,rj->j", centres, centres)[:, None] / 2, axis=0)
            size = np.maximum(np.bincount(group, minlength=components), 1)
            reach = np.bincount(group, length[seen], minlength=components) / size
            endmembers = np.ascontiguousarray(np.maximum((centres * reach).T @ data.right, 0.0))
        return non_negative(matrix, endmembers), endmembers


def group_means(
    points: Float64Array, components: int, seed: int, tries: int = 3, iterations: int = 100
) -> Float64Array:
    """Cluster points (dimensions, pixels) by k-means; return the centres (dimensions, k) of the best try."""
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(13,)))
    squares = np.einsum("ri,ri->i", points, points)
    best, least = points[:, :components], np.inf
    for _ in range(tries):
        centres = _kmeans_plus_plus(points, squares, components, rng)
        spread = np.inf
        for _ in checked(range(iterations)):
            distances = _squared_distances(points, squares, centres)
            group = np.argmin(distances, axis=0)
            before, spread = spread, float(distances[group, np.arange(len(group))].sum())
            members = group[None] == np.arange(components)[:, None]
            size = members.sum(axis=1)
            filled = size > 0  # an empty cluster keeps its centre
            centres[:, filled] = (points @ members.T)[:, filled] / size[filled]
            if spread >= before * (1 - 1e-9):
                break
        if spread < least:
            best, least = centres, spread
    return best


def _kmeans_plus_plus(
    points: Float64Array, squares: Float64Array, components: int, rng: np.random.Generator
) -> Float64Array:
    """Draw initial centres by k-means++.

    Each point is drawn with a probability proportional to its squared distance from the nearest centre drawn before.
    """
    chosen = [int(rng.integers(points.shape[1]))]
    while len(chosen) < components:
        check_cancelled()
        distances = _squared_distances(points, squares, points[:, chosen]).min(axis=0)
        heights = np.cumsum(distances)
        drawn = np.searchsorted(heights, rng.random() * heights[-1], side="right")
        chosen.append(int(min(drawn, points.shape[1] - 1)))
    return points[:, chosen].copy()


def _squared_distances(points: Float64Array, squares: Float64Array, centres: Float64Array) -> Float64Array:
    """Compute the squared distances of points from centres, (k, pixels)."""
    distances: Float64Array = np.maximum(
        squares - 2 * centres.T @ points + np.einsum("rj,rj->j", centres, centres)[:, None], 0.0
    )
    return distances
