"""Update a factor in blocks of independent entries, so that the user can stop a sweep over a large image."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mffnb.matrices.cancellation import checked, is_cancellable
from mffnb.typing import Float64Array

# Number of entries (pixels) in a block: fifty sweeps of NumPy steps take some 50 ms. A multiple of the groups of
# entries that kernels process at once, so that each entry has the result that it has without blocks.
_ENTRIES = 2**10


def update_in_blocks(
    update: Callable[[Float64Array, Float64Array], float], factor: Float64Array, cross: Float64Array
) -> float:
    """Update a factor (k, entries) in place by ``update(factor, cross)``; return the sum of the results.

    In a computation that can be cancelled (:mod:`mffnb.matrices.cancellation`), the update is made block by block, with
    a check before each. Otherwise there is one call.

    Parameters
    ----------
    update
        Function that updates some entries in place and returns their squared step. Entries must be independent.
    factor, cross
        Factor, and the cross product of the half step, (k, entries).

    Examples
    --------
    >>> def update(factor, cross):
    ...     factor += cross
    ...     return float(cross.sum())
    >>> factor = np.zeros((1, 3))
    >>> update_in_blocks(update, factor, np.ones((1, 3)))
    3.0
    >>> factor
    array([[1., 1., 1.]])
    """
    if factor.shape[1] <= _ENTRIES or not is_cancellable():
        return update(factor, cross)
    moved = 0.0
    for start in checked(range(0, factor.shape[1], _ENTRIES)):
        block = np.ascontiguousarray(factor[:, start : start + _ENTRIES])
        moved += update(block, np.ascontiguousarray(cross[:, start : start + _ENTRIES]))
        factor[:, start : start + _ENTRIES] = block
    return moved
