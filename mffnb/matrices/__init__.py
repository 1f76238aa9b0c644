"""How X is read: one small class per place where it may live."""

import numpy as np

from mffnb.matrices.chunked import CACHE_BYTES, Chunked, Rows
from mffnb.matrices.dense import Dense
from mffnb.matrices.distributed import Distributed
from mffnb.matrices.sparse import Sparse
from mffnb.typing import Array

__all__ = ["Chunked", "Dense", "Distributed", "Rows", "Sparse", "in_memory"]


def in_memory(X: Array) -> Dense | Chunked:
    """Wrap an array (rows, columns) without copying it.

    BLAS takes float64 whose rows or columns are contiguous. Anything else is widened band by band while in the cache:
    for float32 as fast as products in float32, which would lose the digits that a falling objective needs.
    """
    if X.dtype == np.float64 and (X.flags.c_contiguous or X.flags.f_contiguous):
        return Dense(X)
    return Chunked(X, band_bytes=CACHE_BYTES)
