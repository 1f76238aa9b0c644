r"""Pure-pixel finders: the corners of the simplex are taken from the data, so they must be there.

All of them work on a few scores a pixel and name k pixels; the spectra of these, with their noise outside the leading
directions taken away and clipped at zero, are the endmembers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import linalg

from mffnb.geometry.abundances import non_negative
from mffnb.geometry.compression import check_components, compress, one_process
from mffnb.protocols.matrix import Matrix
from mffnb.typing import Array, Float64Array


@dataclass(frozen=True)
class SPA:
    """Successive projections: again and again the longest pixel, what it explains taken away from all.

    Deterministic. Needs pure pixels and, since the longest pixel wins, little gain and no bright outlier.

    Source: Araujo et al. 2001, Chemom. Intell. Lab. Syst. 57:65; Gillis & Vavasis 2014, IEEE TPAMI 36:698.

    Examples
    --------
    >>> from mffnb.matrices import in_memory
    >>> A, E = SPA().start(in_memory(np.array([[2.0, 0.0], [1.0, 1.5], [0.0, 3.0]])), 2, seed=0)
    >>> E.round(6).tolist()
    [[0.0, 3.0], [2.0, 0.0]]
    """

    def start(self, matrix: Matrix, components: int, seed: int) -> tuple[Float64Array, Float64Array]:
        """A (k, pixels) by non-negative least squares and E (k, channels)."""
        one_process(matrix)
        check_components(matrix, components)
        data = compress(matrix, components, seed)
        return _with_abundances(matrix, (data.left[:, longest_pixels(data.left, components)].T @ data.right))


@dataclass(frozen=True)
class VCA:
    """Vertex component analysis: the farthest pixel along random directions orthogonal to those found.

    Where the signal to noise is high, pixels are first projected on a plane along rays from the origin, so that a gain
    per pixel does not matter.

    Source: Nascimento & Bioucas-Dias 2005, IEEE TGRS 43:898.

    Examples
    --------
    >>> from mffnb.matrices import in_memory
    >>> A, E = VCA().start(in_memory(np.array([[2.0, 0.0], [1.0, 1.5], [0.0, 3.0]])), 2, seed=0)
    >>> sorted(E.round(6).tolist())
    [[0.0, 3.0], [2.0, 0.0]]
    """

    def start(self, matrix: Matrix, components: int, seed: int) -> tuple[Float64Array, Float64Array]:
        """A (k, pixels) by non-negative least squares and E (k, channels)."""
        one_process(matrix)
        check_components(matrix, components)
        data = compress(matrix, components, seed)
        held = float(np.vdot(data.left, data.left))
        outside = max(matrix.squared_norm - held, 1e-30 * matrix.squared_norm)
        decibel = 10 * np.log10(max(held / outside, 1e-30)) if held > 0 else 0.0
        clear = decibel > 15 + 10 * np.log10(components)
        points = on_a_plane(data.left) if clear else lifted(data.left, components)
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(11,)))
        return _with_abundances(matrix, data.left[:, farthest_pixels(points, components, rng)].T @ data.right)


@dataclass(frozen=True)
class NFINDR:
    """The pixels that span the largest simplex, exchanged one by one while its volume grows.

    Source: Winter 1999, Proc. SPIE 3753:266.

    Parameters
    ----------
    sweeps
        Most rounds of exchanges.

    Examples
    --------
    >>> from mffnb.matrices import in_memory
    >>> A, E = NFINDR().start(in_memory(np.array([[2.0, 0.0], [1.0, 1.5], [0.0, 3.0]])), 2, seed=0)
    >>> sorted(E.round(6).tolist())
    [[0.0, 3.0], [2.0, 0.0]]
    """

    sweeps: int = 20

    def start(self, matrix: Matrix, components: int, seed: int) -> tuple[Float64Array, Float64Array]:
        """A (k, pixels) by non-negative least squares and E (k, channels)."""
        one_process(matrix)
        check_components(matrix, components)
        data = compress(matrix, components, seed)
        points = lifted(data.left, components)
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(12,)))
        chosen = farthest_pixels(points, components, rng)
        chosen = widest_pixels(points, chosen, self.sweeps)
        return _with_abundances(matrix, data.left[:, chosen].T @ data.right)


def longest_pixels(points: Float64Array, components: int) -> Array:
    """Successive projections on points (dimensions, pixels): k pixel numbers, all different."""
    rest = points.copy()
    chosen: list[int] = []
    for _ in range(components):
        lengths = np.einsum("ri,ri->i", rest, rest)
        lengths[chosen] = -1.0  # what is left of a chosen one is rounding
        chosen.append(int(np.argmax(lengths)))
        direction = rest[:, chosen[-1]]
        length = float(np.linalg.norm(direction))
        if length > 0:
            rest -= np.outer(direction / length, (direction / length) @ rest)
    return np.array(chosen)


def farthest_pixels(points: Float64Array, components: int, rng: np.random.Generator) -> Array:
    """Vertex component analysis on points (k, pixels) of a plane off the origin: k pixel numbers, all different."""
    chosen: list[int] = []
    for _ in range(components):
        direction = rng.standard_normal(len(points))
        if chosen:
            known = linalg.orth(points[:, chosen])
            direction -= known @ (known.T @ direction)
        reach = np.abs(direction @ points)
        reach[chosen] = -1.0
        chosen.append(int(np.argmax(reach)))
    return np.array(chosen)


def widest_pixels(points: Float64Array, chosen: Array, sweeps: int) -> Array:
    """Exchange pixels while the simplex of points (k, pixels) on a plane off the origin grows."""
    chosen = chosen.copy()
    for _ in range(sweeps):
        before = chosen.copy()
        for j in range(len(chosen)):
            # The volume is linear in one corner: its distance from the plane through the others and the origin.
            others = np.delete(points[:, chosen], j, axis=1)
            normal = linalg.svd(others, full_matrices=True)[0][:, -1] if others.size else np.ones(1)
            heights = np.abs(normal @ points)
            farthest = int(np.argmax(heights))
            if heights[farthest] > heights[chosen[j]] * (1 + 1e-12):
                chosen[j] = farthest
        if np.array_equal(before, chosen):
            break
    return chosen


def on_a_plane(scores: Float64Array) -> Float64Array:
    """Move each pixel along its ray from the origin to the plane through the mean, at right angles to it."""
    mean = scores.mean(axis=1)
    along = mean @ scores
    size = float(mean @ mean)
    if size == 0:
        return scores
    # Pixels that are nearly dark would be thrown to infinity, noise and all.
    factor = np.where(along > 1e-3 * size, size / np.maximum(along, 1e-3 * size), 0.0)
    projected: Float64Array = scores * factor
    return projected


def lifted(scores: Float64Array, components: int) -> Float64Array:
    """Principal scores in k - 1 dimensions about the mean, and a constant as long as the longest."""
    centred = scores - scores.mean(axis=1, keepdims=True)
    _, directions = linalg.eigh(centred @ centred.T)
    flat = directions[:, ::-1][:, : components - 1].T @ centred
    flat = np.vstack([flat, np.zeros((components - 1 - len(flat), scores.shape[1]))])
    longest = np.sqrt(np.einsum("ri,ri->i", flat, flat).max(initial=0.0))
    return np.vstack([flat, np.full(scores.shape[1], longest if longest > 0 else 1.0)])


def _with_abundances(matrix: Matrix, spectra: Float64Array) -> tuple[Float64Array, Float64Array]:
    endmembers = np.ascontiguousarray(np.maximum(spectra, 0.0))
    return non_negative(matrix, endmembers), endmembers
