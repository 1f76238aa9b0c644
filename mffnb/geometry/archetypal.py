r"""Archetypal analysis: endmembers are convex combinations of pixels, and pixels of endmembers.

.. math:: \min_{A, B} \tfrac12 \lVert Y - A B Y\rVert^2 \quad \text{with the rows of A and of B on the simplex}

for pixels scaled to norm one, by entropic descent: multiply by the exponential of the negative gradient and normalise.
Of many random starts, those that fit nearly as well as the best are kept; the result is the one whose endmembers are
least correlated.

Source: Zouaoui, Muhawenayo, Rasti, Chanussot & Mairal 2023, "Entropic descent archetypal analysis for blind
hyperspectral unmixing", IEEE TIP 32:4649.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mffnb.geometry.abundances import non_negative
from mffnb.geometry.compression import check_components, compress, require_one_process
from mffnb.matrices import LowRank
from mffnb.matrices.cancellation import checked
from mffnb.protocols.matrix import Matrix
from mffnb.typing import Float64Array

__all__ = ["Archetypal"]

_RANK = 30


@dataclass(frozen=True)
class Archetypal:
    """Archetypal analysis (endmembers as convex combinations of pixels) of pixels scaled to norm one.

    The endmembers are accurate if there are pure pixels; otherwise they lie inside the true simplex.

    Parameters
    ----------
    restarts
        Number of random starts, each with a step size drawn from powers of two.
    pixels
        Largest number of pixels used; if the image has more, a random subset of this size.
    rounds, steps
        Number of rounds, and number of entropic steps on A and then on B in each round.
    slack
        Starts whose misfit exceeds the smallest misfit by more than this fraction are discarded.

    Examples
    --------
    >>> from mffnb.matrices import in_memory
    >>> fractions = np.random.default_rng(0).dirichlet([0.3, 0.3], 200)
    >>> spectra = np.array([[1.0, 0.0, 1.0], [0.0, 1.0, 1.0]])
    >>> A, E = Archetypal(restarts=5).start(in_memory(fractions @ spectra), 2, seed=0)
    >>> E = E / E.max(axis=1, keepdims=True)
    >>> bool(abs(np.sort(E, axis=0) - np.sort(spectra, axis=0)).max() < 0.1)
    True
    """

    restarts: int = 20
    pixels: int = 3000
    rounds: int = 100
    steps: int = 5
    slack: float = 0.05

    def start(self, matrix: Matrix, components: int, seed: int) -> tuple[Float64Array, Float64Array]:
        """Estimate E (k, channels) by archetypal analysis, then A (k, pixels) by non-negative least squares.

        Each endmember is scaled to the root mean square norm of the pixels.
        """
        require_one_process(matrix)
        check_components(matrix, components)
        data = compress(matrix, max(_RANK, components), seed)
        endmembers = self.directions(data, components, seed)
        length = np.sqrt(matrix.squared_norm / matrix.shape[0])
        endmembers = np.ascontiguousarray(np.maximum(endmembers, 0.0) * length)
        return non_negative(matrix, endmembers), endmembers

    def directions(self, data: LowRank, components: int, seed: int) -> Float64Array:
        """Compute the archetypes (endmembers of norm one, (k, channels)) of compressed pixels."""
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(15,)))
        length = np.linalg.norm(data.left, axis=0)
        seen = np.flatnonzero(length > 1e-10 * length.max(initial=0.0))
        if len(seen) == 0:
            return np.zeros((components, data.right.shape[1]))
        if len(seen) > self.pixels:
            seen = np.sort(rng.permutation(seen)[: self.pixels])
        points = data.left[:, seen] / length[seen]
        tries = []
        for _ in range(self.restarts):
            vertices, misfit = self._descend(points, components, rng)
            tries.append((misfit, _largest_correlation(vertices @ data.right), vertices))
        best = min(misfit for misfit, _, _ in tries)
        good = [one for one in tries if one[0] <= (1 + self.slack) * best]
        return np.asarray(min(good, key=lambda one: one[1])[2] @ data.right)

    def _descend(self, points: Float64Array, components: int, rng: np.random.Generator) -> tuple[Float64Array, float]:
        """Run entropic descent from one random start on points (dimensions, pixels); return vertices and misfit."""
        pixels = points.shape[1]
        B = _softmax(0.1 * rng.random((components, pixels)), axis=1)
        A = np.full((components, pixels), 1.0 / components)
        vertices = B @ points.T
        size = 2.0 ** rng.integers(-3, 4) / np.linalg.norm(vertices, 2) ** 2
        for _ in checked(range(self.rounds)):
            gram, cross = vertices @ vertices.T, vertices @ points
            for _ in range(self.steps):
                A = _entropic_step(A, size * (cross - gram @ A), axis=0)
            gram, cross = A @ A.T, A @ points.T
            for _ in range(self.steps):
                B = _entropic_step(
                    B, size * np.sqrt(components / pixels) * ((cross - gram @ (B @ points.T)) @ points), axis=1
                )
            vertices = B @ points.T
        return vertices, float(np.linalg.norm(points - vertices.T @ A))


def _entropic_step(weights: Float64Array, exponent: Float64Array, axis: int) -> Float64Array:
    """Multiply weights by the exponential and normalise them along an axis: a mirror-descent step on the simplex."""
    raised = weights * np.exp(exponent - exponent.max(axis=axis, keepdims=True))
    return np.asarray(raised / np.maximum(raised.sum(axis=axis, keepdims=True), np.finfo(float).tiny))


def _softmax(exponent: Float64Array, axis: int) -> Float64Array:
    """Normalise the exponential of the argument along an axis."""
    return _entropic_step(np.ones_like(exponent), exponent, axis)


def _largest_correlation(spectra: Float64Array) -> float:
    """Return the largest correlation coefficient between two of the spectra."""
    centred = spectra - spectra.mean(axis=1, keepdims=True)
    centred /= np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), np.finfo(float).tiny)
    correlation = centred @ centred.T
    np.fill_diagonal(correlation, -1.0)
    return float(correlation.max())
