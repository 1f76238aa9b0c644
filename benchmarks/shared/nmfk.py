"""NMFk: choose k by the silhouettes of factorizations of perturbed copies of the data.

Written from the publications: Alexandrov & Vesselinov 2014, Water Resour. Res. 50:7332; Vangara et al. 2020, IEEE ICMLA
(Semantic NMF with automatic model determination); Alexandrov & Stanev 2018, npj Comput. Mater. 4:43. For each k, copies of X
multiplied entry by entry by uniform noise are factorized; the endmembers of all copies are clustered into k clusters that
hold one endmember of each copy; k is the largest number whose smallest cluster silhouette is at least 0.9, which of the
stable numbers is the one with the lowest reconstruction error.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from scipy.optimize import linear_sum_assignment

SILHOUETTE = 0.9


def nmfk(
    X: np.ndarray, ks: Iterable[int], *, copies: int = 20, noise: float = 0.015, iterations: int = 100, seed: int = 0
) -> int:
    """Return k for non-negative X (pixels, channels); the smallest of ``ks`` if none is stable."""
    rng = np.random.default_rng(seed)
    X = np.maximum(X, 0).astype(np.float32)
    X = X[X.any(axis=1)]
    stable = []
    ks = list(ks)
    for k in ks:
        found = [
            _factorized(X * rng.uniform(1 - noise, 1 + noise, X.shape).astype(np.float32), k, iterations)
            for _ in range(copies)
        ]
        if _smallest_silhouette(np.stack(found)) >= SILHOUETTE:
            stable.append(k)
    return max(stable, default=ks[0])


def _factorized(X: np.ndarray, k: int, iterations: int) -> np.ndarray:
    """Endmembers with norm 1, (k, channels), by multiplicative updates from a start by non-negative SVD."""
    A, E = _nnsvd(X, k)
    tiny = np.float32(1e-12)
    for _ in range(iterations):
        E *= (A.T @ X) / (A.T @ A @ E + tiny)
        A *= (X @ E.T) / (A @ (E @ E.T) + tiny)
    return np.asarray(E / np.maximum(np.linalg.norm(E, axis=1, keepdims=True), tiny))


def _nnsvd(X: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Non-negative double SVD, zeros replaced by a small number (Boutsidis & Gallopoulos 2008)."""
    values, right = np.linalg.eigh((X.T @ X).astype(np.float64))
    right = right[:, ::-1][:, :k].T
    size = np.sqrt(np.maximum(values[::-1][:k], 1e-30))
    left = (X @ right.T.astype(np.float32)) / size
    A, E = np.empty((len(X), k)), np.empty((k, X.shape[1]))
    for j in range(k):
        sides = []
        for sign in (1, -1):
            u, v = np.maximum(sign * left[:, j], 0), np.maximum(sign * right[j], 0)
            sides.append((np.linalg.norm(u) * np.linalg.norm(v), u, v))
        weight, u, v = max(sides, key=lambda side: side[0])
        scale = np.sqrt(size[j] * weight)
        A[:, j], E[j] = scale * u / max(np.linalg.norm(u), 1e-30), scale * v / max(np.linalg.norm(v), 1e-30)
    small = 1e-4 * np.sqrt(float(X.mean()))
    return np.maximum(A, small).astype(np.float32), np.maximum(E, small).astype(np.float32)


def _smallest_silhouette(spectra: np.ndarray) -> float:
    """Smallest mean silhouette of k clusters of endmembers (copies, k, channels), in cosine distance."""
    k = spectra.shape[1]
    centres, groups = spectra[0], np.zeros(spectra.shape[:2], dtype=int)
    for _ in range(100):
        new = np.stack([linear_sum_assignment(-(one @ centres.T))[1] for one in spectra])
        centres = np.stack([np.median(spectra[new == j], axis=0) for j in range(k)])
        centres /= np.maximum(np.linalg.norm(centres, axis=1, keepdims=True), 1e-12)
        if np.array_equal(new, groups):
            break
        groups = new
    from sklearn.metrics import silhouette_samples  # noqa: PLC0415  slow import

    flat = spectra.reshape(-1, spectra.shape[-1]).astype(np.float64)
    distances = np.maximum(1 - flat @ flat.T, 0)
    np.fill_diagonal(distances, 0.0)
    values = silhouette_samples(distances, groups.ravel(), metric="precomputed")
    return float(min(values[groups.ravel() == j].mean() for j in range(k)))
