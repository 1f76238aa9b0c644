"""Pure-pixel methods (SPA, VCA, N-FINDR): the vertices of the simplex are selected among the pixels.

They work on a few principal scores per pixel and select k pixel indices. The endmembers are the spectra of these
pixels, projected on the leading singular vectors to reduce noise, and clipped at zero.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import linalg

from mffnb.geometry.abundances import non_negative
from mffnb.geometry.compression import check_components, compress, require_one_process
from mffnb.matrices.cancellation import checked
from mffnb.protocols.matrix import Matrix
from mffnb.typing import Array, Float64Array

__all__ = ["NFINDR", "SPA", "VCA"]


@dataclass(frozen=True)
class SPA:
    """Successive projection algorithm: select the pixel of largest norm, project it out of all pixels, and repeat.

    It works on the scores of a truncated SVD with k components. The SVD is randomized, so results are the same for the
    same seed only. The algorithm needs pure pixels; because it selects by norm, it also needs similar gains of all
    pixels and no bright outliers.

    Source: Araujo et al. 2001, Chemom. Intell. Lab. Syst. 57:65; Gillis & Vavasis 2014, IEEE TPAMI 36:698.

    Examples
    --------
    >>> from mffnb.matrices import in_memory
    >>> A, E = SPA().start(in_memory(np.array([[2.0, 0.0], [1.0, 1.5], [0.0, 3.0]])), 2, seed=0)
    >>> E.round(6).tolist()
    [[0.0, 3.0], [2.0, 0.0]]
    """

    def start(self, matrix: Matrix, components: int, seed: int) -> tuple[Float64Array, Float64Array]:
        """Return A (k, pixels) and E (k, channels): the endmembers of the selected pixels and their abundances.

        E holds the spectra of these pixels, projected on the k leading singular vectors and clipped at zero. A is the
        non-negative least squares solution for this E. The seed sets the randomized SVD.
        """
        require_one_process(matrix)
        check_components(matrix, components)
        data = compress(matrix, components, seed)
        return _with_abundances(matrix, (data.left[:, successive_projections(data.left, components)].T @ data.right))


@dataclass(frozen=True)
class VCA:
    """Vertex component analysis: select the extreme pixel along random directions orthogonal to the previous ones.

    At a high signal-to-noise ratio pixels are first projected on a plane along rays from the origin, so that a gain per
    pixel has no effect.

    Source: Nascimento & Bioucas-Dias 2005, IEEE TGRS 43:898.

    Examples
    --------
    >>> from mffnb.matrices import in_memory
    >>> A, E = VCA().start(in_memory(np.array([[2.0, 0.0], [1.0, 1.5], [0.0, 3.0]])), 2, seed=0)
    >>> sorted(E.round(6).tolist())
    [[0.0, 3.0], [2.0, 0.0]]
    """

    def start(self, matrix: Matrix, components: int, seed: int) -> tuple[Float64Array, Float64Array]:
        """Return A (k, pixels) and E (k, channels): the endmembers of the selected pixels and their abundances.

        E holds the spectra of these pixels, projected on the k leading singular vectors and clipped at zero. A is the
        non-negative least squares solution for this E. The seed sets the randomized SVD and the random
        directions.
        """
        require_one_process(matrix)
        check_components(matrix, components)
        data = compress(matrix, components, seed)
        held = float(np.vdot(data.left, data.left))
        outside = max(matrix.squared_norm - held, 1e-30 * matrix.squared_norm)
        decibel = 10 * np.log10(max(held / outside, 1e-30)) if held > 0 else 0.0
        clear = decibel > 15 + 10 * np.log10(components)
        points = project_to_plane(data.left) if clear else affine_scores(data.left, components)
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(11,)))
        return _with_abundances(matrix, data.left[:, vertex_components(points, components, rng)].T @ data.right)


@dataclass(frozen=True)
class NFINDR:
    """N-FINDR: select the pixels that span the simplex of largest volume, by exchanging one pixel at a time.

    Source: Winter 1999, Proc. SPIE 3753:266.

    Parameters
    ----------
    sweeps
        Largest number of sweeps, each of which tries to exchange every vertex once.

    Examples
    --------
    >>> from mffnb.matrices import in_memory
    >>> A, E = NFINDR().start(in_memory(np.array([[2.0, 0.0], [1.0, 1.5], [0.0, 3.0]])), 2, seed=0)
    >>> sorted(E.round(6).tolist())
    [[0.0, 3.0], [2.0, 0.0]]
    """

    sweeps: int = 20

    def start(self, matrix: Matrix, components: int, seed: int) -> tuple[Float64Array, Float64Array]:
        """Return A (k, pixels) and E (k, channels): the endmembers of the selected pixels and their abundances.

        E holds the spectra of these pixels, projected on the k leading singular vectors and clipped at zero. A is the
        non-negative least squares solution for this E. The seed sets the randomized SVD and the random
        directions.
        """
        require_one_process(matrix)
        check_components(matrix, components)
        data = compress(matrix, components, seed)
        points = affine_scores(data.left, components)
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(12,)))
        chosen = vertex_components(points, components, rng)
        chosen = maximise_simplex_volume(points, chosen, self.sweeps)
        return _with_abundances(matrix, data.left[:, chosen].T @ data.right)


def successive_projections(points: Float64Array, components: int) -> Array:
    """Select k distinct points (dimensions, pixels) by successive projections; return their indices."""
    rest = points.copy()
    chosen: list[int] = []
    for _ in range(components):
        lengths = np.einsum("ri,ri->i", rest, rest)
        lengths[chosen] = -1.0  # a chosen pixel is never chosen again: its remainder is rounding error
        chosen.append(int(np.argmax(lengths)))
        direction = rest[:, chosen[-1]]
        length = float(np.linalg.norm(direction))
        if length > 0:
            rest -= np.outer(direction / length, (direction / length) @ rest)
    return np.array(chosen)


def vertex_components(points: Float64Array, components: int, rng: np.random.Generator) -> Array:
    """Select k distinct pixels by vertex component analysis of points (k, pixels) on a plane that avoids the origin."""
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


def maximise_simplex_volume(points: Float64Array, chosen: Array, sweeps: int) -> Array:
    """Exchange chosen pixels among points (k, pixels), on a plane that avoids the origin, while their volume grows."""
    chosen = chosen.copy()
    for _ in checked(range(sweeps)):
        before = chosen.copy()
        for j in range(len(chosen)):
            # The volume is linear in one vertex: proportional to its distance from the plane through the others and the
            # origin.
            others = np.delete(points[:, chosen], j, axis=1)
            normal = linalg.svd(others, full_matrices=True)[0][:, -1] if others.size else np.ones(1)
            heights = np.abs(normal @ points)
            farthest = int(np.argmax(heights))
            if heights[farthest] > heights[chosen[j]] * (1 + 1e-12):
                chosen[j] = farthest
        if np.array_equal(before, chosen):
            break
    return chosen


def project_to_plane(scores: Float64Array) -> Float64Array:
    """Project each pixel along its ray from the origin on the plane through the mean that is normal to the mean."""
    mean = scores.mean(axis=1)
    along = mean @ scores
    size = float(mean @ mean)
    if size == 0:
        return scores
    # Nearly dark pixels are set to zero: their projection would amplify noise without bound.
    factor = np.where(along > 1e-3 * size, size / np.maximum(along, 1e-3 * size), 0.0)
    projected: Float64Array = scores * factor
    return projected


def affine_scores(scores: Float64Array, components: int) -> Float64Array:
    """Compute k - 1 principal scores about the mean, and append a constant equal to the largest norm of the scores."""
    centred = scores - scores.mean(axis=1, keepdims=True)
    _, directions = linalg.eigh(centred @ centred.T)
    flat = directions[:, ::-1][:, : components - 1].T @ centred
    flat = np.vstack([flat, np.zeros((components - 1 - len(flat), scores.shape[1]))])
    longest = np.sqrt(np.einsum("ri,ri->i", flat, flat).max(initial=0.0))
    return np.vstack([flat, np.full(scores.shape[1], longest if longest > 0 else 1.0)])


def _with_abundances(matrix: Matrix, spectra: Float64Array) -> tuple[Float64Array, Float64Array]:
    """Clip spectra at zero and compute their non-negative abundances."""
    endmembers = np.ascontiguousarray(np.maximum(spectra, 0.0))
    return non_negative(matrix, endmembers), endmembers
