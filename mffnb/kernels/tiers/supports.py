"""Groups of columns with the same support, for active-set methods in NumPy: each group has one small linear system."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from mffnb.typing import Array

_MOST_BITS = 62  # number of components whose support fits a 64-bit number


def supports(support: Array) -> Iterator[tuple[Array, Array]]:
    """Yield (rows in the support, columns) for each distinct support, from booleans (k, entries).

    >>> [(rows.tolist(), columns.tolist()) for rows, columns in supports(np.array([[1, 0, 1], [0, 1, 0]], bool))]
    [([0], [0, 2]), ([1], [1])]
    """
    k, entries = support.shape
    if k <= _MOST_BITS:
        numbers = (np.int64(1) << np.arange(k)) @ support
    else:
        numbers = np.unique(support, axis=1, return_inverse=True)[1].ravel()
    order = np.argsort(numbers, kind="stable")
    begins = np.flatnonzero(np.diff(numbers[order], prepend=-1)) if entries else np.empty(0, int)
    for columns in np.split(order, begins[1:]) if entries else []:
        yield np.flatnonzero(support[:, columns[0]]), columns
