"""k-means: averages of groups of pixels, noise-free but inside the simplex."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mffnb.geometry.abundances import non_negative
from mffnb.geometry.compression import check_components, compress, one_process
from mffnb.protocols.matrix import Matrix
from mffnb.typing import Float64Array


@dataclass(frozen=True)
class KMeans:
    """Means of k groups of pixels of similar direction; a gain per pixel does not matter.

    Source: Arthur & Vassilvitskii 2007, Proc. SODA, 1027 (the spread-out start of Lloyd's iteration).

    Parameters
    ----------
    tries
        Starts, of which the tightest grouping is kept.
    iterations
        Most rounds of assigning and averaging.

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
        """A (k, pixels) by non-negative least squares and E (k, channels)."""
        one_process(matrix)
        check_components(matrix, components)
        data = compress(matrix, components, seed)
        length = np.linalg.norm(data.left, axis=0)
        seen = np.flatnonzero(length > 1e-10 * length.max(initial=0.0))
        endmembers = np.zeros((components, matrix.shape[1]))
        if len(seen) >= components:
            points = data.left[:, seen] / length[seen]
            # A mean direction, as long as the group is on average.
            centres = group_means(points, components, seed, self.tries, self.iterations)
            group = np.argmax(centres.T @ points - np.einsum("rj,rj->j", centres, centres)[:, None] / 2, axis=0)
            size = np.maximum(np.bincount(group, minlength=components), 1)
            reach = np.bincount(group, length[seen], minlength=components) / size
            endmembers = np.ascontiguousarray(np.maximum((centres * reach).T @ data.right, 0.0))
        return non_negative(matrix, endmembers), endmembers


def group_means(
    points: Float64Array, components: int, seed: int, tries: int = 3, iterations: int = 100
) -> Float64Array:
    """Centres (dimensions, k) of k groups of points (dimensions, pixels), the best of some tries."""
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(13,)))
    squares = np.einsum("ri,ri->i", points, points)
    best, least = points[:, :components], np.inf
    for _ in range(tries):
        centres = _spread_out(points, squares, components, rng)
        spread = np.inf
        for _ in range(iterations):
            distances = _squared_distances(points, squares, centres)
            group = np.argmin(distances, axis=0)
            before, spread = spread, float(distances[group, np.arange(len(group))].sum())
            members = group[None] == np.arange(components)[:, None]
            size = members.sum(axis=1)
            filled = size > 0  # an empty group keeps its centre
            centres[:, filled] = (points @ members.T)[:, filled] / size[filled]
            if spread >= before * (1 - 1e-9):
                break
        if spread < least:
            best, least = centres, spread
    return best


def _spread_out(points: Float64Array, squares: Float64Array, components: int, rng: np.random.Generator) -> Float64Array:
    """Points drawn with a probability that grows with the squared distance to those drawn before."""
    chosen = [int(rng.integers(points.shape[1]))]
    while len(chosen) < components:
        distances = _squared_distances(points, squares, points[:, chosen]).min(axis=0)
        heights = np.cumsum(distances)
        drawn = np.searchsorted(heights, rng.random() * heights[-1], side="right")
        chosen.append(int(min(drawn, points.shape[1] - 1)))
    return points[:, chosen].copy()


def _squared_distances(points: Float64Array, squares: Float64Array, centres: Float64Array) -> Float64Array:
    distances: Float64Array = np.maximum(
        squares - 2 * centres.T @ points + np.einsum("rj,rj->j", centres, centres)[:, None], 0.0
    )
    return distances
