"""Rows of which few entries are not zero: what there is, and how it is put into compressed rows."""

from __future__ import annotations

import numpy as np

from mffnb.kernels.compile import kernel
from mffnb.typing import Array


@kernel(fastmath={"contract", "reassoc", "nsz"})
def count_nonzeros(X: Array, filled: Array) -> tuple[float, float, float]:
    """Write into ``filled`` (rows,) how many entries of each row are not zero.

    Returns
    -------
    broken
        Zero if all entries are whole numbers that are not negative, else above it, or NaN.
    above_byte, above_two_bytes
        How many are larger than 255, and than 65535.
    """
    broken, above_byte, above_two_bytes = 0.0, 0.0, 0.0
    for i in range(X.shape[0]):
        row = X[i]
        count = 0.0
        for m in range(row.size):  # sums only, which go through vector registers where a maximum does not
            x = np.float64(row[m])
            count += 1.0 if x != 0.0 else 0.0
            broken += abs(x) - np.floor(x)
            above_byte += 1.0 if x > 255.0 else 0.0
            above_two_bytes += 1.0 if x > 65535.0 else 0.0
        filled[i] = count
    return broken, above_byte, above_two_bytes


@kernel()
def compress_rows(X: Array, indptr: Array, indices: Array, data: Array) -> None:
    """Write the entries of X that are not zero into compressed rows that begin at ``indptr``.

    The number of every column is written, and the next one over it where the entry was zero: no branch to be guessed
    wrong. So there has to be room for one more after the last.
    """
    for i in range(X.shape[0]):
        row = X[i]
        begin = np.uint64(indptr[i])  # unsigned: no look whether it counts from the end
        place = begin
        for m in range(row.size):
            indices[place] = m
            place += np.uint64(row[m] != 0)
        for entry in range(begin, place):
            data[entry] = row[indices[entry]]


@kernel()
def transpose_rows(indptr: Array, indices: Array, data: Array, begins: Array, rows: Array, values: Array) -> None:
    """Write compressed rows as compressed columns.

    Parameters
    ----------
    indptr, indices, data
        The rows.
    begins
        Where each column begins, (columns + 1,).
    rows, values
        What is written.
    """
    place = begins[:-1].copy()
    for i in range(indptr.size - 1):
        for entry in range(indptr[i], indptr[i + 1]):
            column = indices[entry]
            rows[place[column]] = i
            values[place[column]] = data[entry]
            place[column] += 1
