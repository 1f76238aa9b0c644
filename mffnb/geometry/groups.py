"""Clustering of pixels whose spectra are multiples of one another: a start for orthogonal NMF."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mffnb.geometry.clusters import group_means
from mffnb.geometry.compression import compress, require_one_process
from mffnb.geometry.starts import NNDSVD
from mffnb.protocols.matrix import Matrix
from mffnb.typing import Float64Array

__all__ = ["Groups"]

_EXTRA_RANK = 8  # dimensions of the compressed pixels beyond k
_SMALLEST = 1e-10


@dataclass(frozen=True)
class Groups:
    """Start for orthogonal NMF (one component per pixel): clustering of pixels by the direction of their spectra.

    Each try begins with a k-means clustering, alternately of the spectra and of their directions. Then each pixel is
    assigned to the direction that explains most of it, and each direction becomes the leading singular vector of its
    pixels. Both steps are repeated until the assignment is stable.

    Source: Pompili, Gillis, Absil & Glineur 2014, Neurocomputing 141:15, section 3 (spherical k-means as a start).

    Parameters
    ----------
    tries
        Number of tries; the one that explains the largest sum of squares is kept.
    iterations
        Largest number of iterations in each try.

    Examples
    --------
    >>> from mffnb.matrices import in_memory
    >>> A, E = Groups().start(in_memory(np.array([[2.0, 0.0], [4.0, 0.0], [0.0, 3.0]])), 2, seed=0)
    >>> sorted((A.T @ E).round(6).tolist())
    [[0.0, 3.0], [2.0, 0.0], [4.0, 0.0]]
    """

    tries: int = 10
    iterations: int = 100

    def start(self, matrix: Matrix, components: int, seed: int) -> tuple[Float64Array, Float64Array]:
        """Estimate E (k, channels), cluster directions of norm 1, and A (k, pixels), with one nonzero per pixel."""
        require_one_process(matrix)
        if components > min(matrix.shape):
            return NNDSVD().start(matrix, components, seed)
        data = compress(matrix, components + _EXTRA_RANK, seed)
        length = np.linalg.norm(data.left, axis=0)
        seen = length > _SMALLEST * length.max(initial=0.0)
        points = np.ascontiguousarray(data.left[:, seen])
        best, most = np.zeros((len(points), components)), -np.inf
        for attempt in range(self.tries if points.shape[1] >= components else 0):
            seen_as = points if attempt % 2 else points / length[seen]
            centres = group_means(seen_as, components, seed + attempt, 1, self.iterations)
            directions, explained = self._alternate(
                points, centres / np.maximum(np.linalg.norm(centres, axis=0), 1e-300)
            )
            if explained > most:
                best, most = directions, explained
        endmembers = np.ascontiguousarray(np.maximum(best.T @ data.right, 0.0))
        endmembers /= np.maximum(np.linalg.norm(endmembers, axis=1, keepdims=True), 1e-300)
        scores = np.maximum(matrix.times(endmembers), 0.0)
        abundances = np.where(np.arange(components)[:, None] == np.argmax(scores, axis=0), scores, 0.0)
        return abundances, endmembers

    def _alternate(self, points: Float64Array, directions: Float64Array) -> tuple[Float64Array, float]:
        """Alternate between assignments and directions (dimensions, k); return directions and explained squares."""
        explained = -np.inf
        for _ in range(self.iterations):
            scores = directions.T @ points
            group = np.argmax(scores, axis=0)
            before, explained = explained, float((np.maximum(scores.max(axis=0), 0.0) ** 2).sum())
            if explained <= before * (1 + 1e-12):
                break
            for j in range(directions.shape[1]):
                members = points[:, group == j]
                if members.shape[1]:  # an empty cluster keeps its direction
                    leading = np.linalg.eigh(members @ members.T)[1][:, -1]
                    directions[:, j] = leading if leading @ members.sum(axis=1) >= 0 else -leading
        return directions, explained
