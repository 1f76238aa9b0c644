"""Distance of endmembers (k, channels) and abundances (k, pixels) from the true ones.

The scale of an endmember is not in the data: it can go to its map. Before maps are compared, both are brought to one
scale, which each benchmark chooses from the functions below.
"""

from __future__ import annotations

import numpy as np

from mffnb.selection import match, spectral_angles


def in_order_of(truth: np.ndarray, E: np.ndarray, A: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Reorder components such that the sum of spectral angles to the true endmembers is least (Hungarian method)."""
    order = match(truth, E)
    return E[order], A[order]


def angles(truth: np.ndarray, E: np.ndarray) -> np.ndarray:
    """Spectral angle (rad) of each endmember to the true one at the same index."""
    return spectral_angles(truth, E).diagonal()


def with_true_sums(truth: np.ndarray, E: np.ndarray, A: np.ndarray) -> np.ndarray:
    """Scale maps as if each endmember had the total of the true one."""
    return A * (E.sum(axis=1) / truth.sum(axis=1))[:, None]


def with_unit_maximum(E: np.ndarray, A: np.ndarray) -> np.ndarray:
    """Fractions of each pixel if each endmember had the maximum 1."""
    return fractions(A * E.max(axis=1, keepdims=True))


def fractions(A: np.ndarray) -> np.ndarray:
    """Divide each pixel by its sum over components."""
    total = A.sum(axis=0)
    return A / np.where(total > 0, total, 1.0)


def rmse(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.sqrt(np.mean((a - b) ** 2)))
