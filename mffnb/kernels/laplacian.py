"""Product with a graph Laplacian, and its quadratic form."""

from __future__ import annotations

import numpy as np

from mffnb.kernels.compile import kernel
from mffnb.typing import Array


@kernel()
def roughness(factor: Array, indptr: Array, indices: Array, weights: Array) -> float:
    """Sum over components and edges of ``w (f_i - f_i')^2``, every edge being stored from both ends.

    ``factor`` may hold more columns than ``indptr`` has rows: copies of entries that live elsewhere.
    """
    total = 0.0
    for j in range(factor.shape[0]):
        for i in range(indptr.size - 1):
            here = factor[j, i]
            for edge in range(indptr[i], indptr[i + 1]):
                difference = here - factor[j, indices[edge]]
                total += weights[edge] * difference * difference
    return total / 2


@kernel()
def times(factor: Array, indptr: Array, indices: Array, weights: Array) -> Array:
    """Each row of ``factor`` times the Laplacian: ``sum w (f_i - f_i')`` over the neighbours of each pixel."""
    out = np.zeros((factor.shape[0], indptr.size - 1))
    for j in range(factor.shape[0]):
        for i in range(indptr.size - 1):
            for edge in range(indptr[i], indptr[i + 1]):
                out[j, i] += weights[edge] * (factor[j, i] - factor[j, indices[edge]])
    return out
