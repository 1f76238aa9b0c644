"""Abundances for given endmembers by non-negative or fully constrained least squares."""

from __future__ import annotations

import numpy as np
from scipy import linalg

from mffnb.kernels.hals import sweep_non_negative
from mffnb.kernels.simplex import sweep_simplex
from mffnb.kernels.tiers import numpy_pivoting, numpy_simplex, numpy_steps
from mffnb.kernels.tiers.tier import choose, on_numpy_steps
from mffnb.matrices.entry_blocks import update_in_blocks
from mffnb.protocols.matrix import Matrix
from mffnb.typing import Float64Array

_SWEEPS = 50
_ROUNDS = 40


def non_negative(matrix: Matrix, endmembers: Float64Array) -> Float64Array:
    r"""Minimise :math:`\lVert X - A E\rVert` over A >= 0, (k, pixels) (non-negative least squares).

    Coordinate descent starts from the least-squares solution clipped at zero, which is optimal for most pixels, and
    sweeps until the entries stop changing.
    """
    gram, cross = endmembers @ endmembers.T, np.ascontiguousarray(matrix.times(endmembers))
    abundances: Float64Array = np.maximum(linalg.pinvh(gram) @ cross, 0.0)
    if on_numpy_steps() and numpy_pivoting.minimise_non_negative(abundances, gram, cross):
        return abundances
    enough = 1e-13 * float(np.einsum("ji,ji->", cross, abundances))
    sweep = choose(sweep_non_negative, numpy_steps.sweep_non_negative)
    for _ in range(_ROUNDS):
        if update_in_blocks(lambda A, pull: sweep(A, gram, pull, _SWEEPS), abundances, cross) <= enough:
            break
    return abundances


def fully_constrained(matrix: Matrix, endmembers: Float64Array) -> Float64Array:
    r"""Minimise :math:`\lVert X - A E\rVert` exactly over A >= 0, (k, pixels), with columns that sum to one.

    This is fully constrained least squares (FCLS).
    """
    abundances = np.full((len(endmembers), matrix.shape[0]), 1.0 / len(endmembers))
    sweep = choose(sweep_simplex, numpy_simplex.sweep_simplex)
    gram, cross = endmembers @ endmembers.T, np.ascontiguousarray(matrix.times(endmembers))
    update_in_blocks(lambda A, pull: sweep(A, gram, pull, np.ones(1)), abundances, cross)
    return abundances
