"""Product with a graph Laplacian, and its quadratic form."""

from __future__ import annotations

import numpy as np

from mffnb.kernels.compile import kernel
from mffnb.typing import Array


@kernel()
def roughness(factor: Array, indptr: Array, indices: Array, weights: Array) -> float:
    """Compute ``sum_j sum_edges w (f_ji - f_ji')^2``, the quadratic form of the graph Laplacian.

    Every edge is stored at both of its ends. ``factor`` may have more columns than ``indptr`` has rows: ghost columns,
    copies of entries that other processes own.
    """
    total = 0.0
    for j in range(factor.shape[0]):
        for i in range(indptr.size - 1):
            here = factor[j, i]
            for edge in range(indptr[i], indptr[i + 1]):
                difference = here - factor[j, indices[edge]]
                total += weights[edge] * difference * difference
    return total / 2


def times(factor: Array, indptr: Array, indices: Array, weights: Array) -> Array:
    """Multiply each row of ``factor`` by the graph Laplacian: ``sum w (f_i - f_i')`` over the neighbours of i."""
    out = np.zeros((len(factor), indptr.size - 1))
    _add_times(factor, indptr, indices, weights, out)
    return out


@kernel()
def _add_times(factor: Array, indptr: Array, indices: Array, weights: Array, out: Array) -> None:
    """Add the result of :func:`times` to ``out``."""
    for j in range(factor.shape[0]):
        for i in range(indptr.size - 1):
            for edge in range(indptr[i], indptr[i + 1]):
                out[j, i] += weights[edge] * (factor[j, i] - factor[j, indices[edge]])
