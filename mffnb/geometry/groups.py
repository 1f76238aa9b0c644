"""Groups of pixels that are multiples of one spectrum: where a factorization with one component per pixel begins."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mffnb.geometry.clusters import group_means
from mffnb.geometry.compression import compress, one_process
from mffnb.geometry.starts import NNDSVD
from mffnb.protocols.matrix import Matrix
from mffnb.typing import Float64Array

_MORE = 8  # dimensions beyond k that groups are told apart in
_SMALLEST = 1e-10


@dataclass(frozen=True)
class Groups:
    """Best of some groupings of the pixels by the direction of their spectra, each spectrum the best for its group.

    From the groups of k-means, in turn of the spectra and of their directions, pixels go to the spectrum that explains
    most of them and spectra to the leading singular vector of their pixels, until nobody moves.

    Source: Pompili, Gillis, Absil & Glineur 2014, Neurocomputing 141:15, section 3 (spherical k-means for a start).

    Parameters
    ----------
    tries
        Starts, of which the one that explains most is kept.
    iterations
        Most rounds for each.

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
        """A (k, pixels), one entry in each column, and E (k, channels) with rows of norm 1."""
        one_process(matrix)
        if components > min(matrix.shape):
            return NNDSVD().start(matrix, components, seed)
        data = compress(matrix, components + _MORE, seed)
        length = np.linalg.norm(data.left, axis=0)
        seen = length > _SMALLEST * length.max(initial=0.0)
        points = np.ascontiguousarray(data.left[:, seen])
        best, most = np.zeros((len(points), components)), -np.inf
        for attempt in range(self.tries if points.shape[1] >= components else 0):
            seen_as = points if attempt % 2 else points / length[seen]
            centres = group_means(seen_as, components, seed + attempt, 1, self.iterations)
            directions, explained = self._settled(points, centres / np.maximum(np.linalg.norm(centres, axis=0), 1e-300))
            if explained > most:
                best, most = directions, explained
        endmembers = np.ascontiguousarray(np.maximum(best.T @ data.right, 0.0))
        endmembers /= np.maximum(np.linalg.norm(endmembers, axis=1, keepdims=True), 1e-300)
        scores = np.maximum(matrix.times(endmembers), 0.0)
        abundances = np.where(np.arange(components)[:, None] == np.argmax(scores, axis=0), scores, 0.0)
        return abundances, endmembers

    def _settled(self, points: Float64Array, directions: Float64Array) -> tuple[Float64Array, float]:
        """Directions (dimensions, k) that pixels and groups agree on, and the sum of squares that they explain."""
        explained = -np.inf
        for _ in range(self.iterations):
            scores = directions.T @ points
            group = np.argmax(scores, axis=0)
            before, explained = explained, float((np.maximum(scores.max(axis=0), 0.0) ** 2).sum())
            if explained <= before * (1 + 1e-12):
                break
            for j in range(directions.shape[1]):
                members = points[:, group == j]
                if members.shape[1]:  # an empty group keeps its direction
                    leading = np.linalg.eigh(members @ members.T)[1][:, -1]
                    directions[:, j] = leading if leading @ members.sum(axis=1) >= 0 else -leading
        return directions, explained
