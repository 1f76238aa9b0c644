"""Conversion of mostly zero arrays to compressed sparse rows (CSR)."""

from __future__ import annotations

import numpy as np

from mffnb.kernels.compile import kernel
from mffnb.typing import Array


@kernel(fastmath={"contract", "reassoc", "nsz"})
def count_nonzeros(X: Array, filled: Array) -> tuple[float, float, float]:
    """Count the nonzero entries of each row, and test whether X holds counts that fit one or two bytes.

    The numbers of nonzeros are written into ``filled`` (rows,).

    Returns
    -------
    broken
        Zero if all entries are non-negative whole numbers, otherwise a positive number or NaN.
    above_byte, above_two_bytes
        Numbers of entries larger than 255 and larger than 65535.
    """
    broken, above_byte, above_two_bytes = 0.0, 0.0, 0.0
    for i in range(X.shape[0]):
        row = X[i]
        count = 0.0
        for m in range(row.size):  # the compiler vectorises sums, but not a maximum
            x = np.float64(row[m])
            count += 1.0 if x != 0.0 else 0.0
            broken += abs(x) - np.floor(x)
            above_byte += 1.0 if x > 255.0 else 0.0
            above_two_bytes += 1.0 if x > 65535.0 else 0.0
        filled[i] = count
    return broken, above_byte, above_two_bytes


@kernel()
def compress_rows(X: Array, indptr: Array, indices: Array, data: Array) -> None:
    """Write the nonzero entries of X into compressed sparse rows that begin at ``indptr``.

    The index of every column is written, and the next index overwrites it if the entry was zero. This avoids a branch
    that the processor would often mispredict. Therefore ``indices`` needs room for one more entry than X has nonzeros.
    """
    for i in range(X.shape[0]):
        row = X[i]
        begin = np.uint64(indptr[i])  # unsigned, so that no check for negative indices is compiled
        place = begin
        for m in range(row.size):
            indices[place] = m
            place += np.uint64(row[m] != 0)
        for entry in range(begin, place):
            data[entry] = row[indices[entry]]


def transpose_rows(indptr: Array, indices: Array, data: Array, begins: Array, rows: Array, values: Array) -> None:
    """Convert compressed sparse rows (CSR) to compressed sparse columns (CSC).

    Parameters
    ----------
    indptr, indices, data
        Compressed rows (input).
    begins
        Offset at which each column begins, (columns + 1,).
    rows, values
        Row indices and values of the compressed columns (output).
    """
    _move_entries(indptr, indices, data, begins[:-1].copy(), rows, values)


@kernel()
def _move_entries(indptr: Array, indices: Array, data: Array, place: Array, rows: Array, values: Array) -> None:
    """Compute :func:`transpose_rows`; ``place`` (columns,) holds the offset of the next entry of each column."""
    for i in range(indptr.size - 1):
        for entry in range(indptr[i], indptr[i + 1]):
            column = indices[entry]
            rows[place[column]] = i
            values[place[column]] = data[entry]
            place[column] += 1
