"""How X is read: one small class per place where it may live."""

import numpy as np

from mffnb.matrices.chunked import Chunked, Rows
from mffnb.matrices.dense import Dense
from mffnb.matrices.distributed import Distributed
from mffnb.matrices.local import CACHE_BYTES
from mffnb.matrices.low_rank import LowRank
from mffnb.matrices.partial import Gappy, Partial
from mffnb.matrices.scaled import Scaled
from mffnb.matrices.sparse import Sparse
from mffnb.typing import Array

__all__ = ["Chunked", "Dense", "Distributed", "Gappy", "LowRank", "Partial", "Rows", "Scaled", "Sparse", "in_memory"]


def in_memory(X: Array) -> Dense | Chunked:
    """Wrap an array (rows, columns) without copying it.

    BLAS takes float64 whose rows or columns are contiguous. Anything else is widened band by band while in the cache:
    for float32 as fast as products in float32, which would lose the digits that a falling objective needs.
    """
    if X.dtype == np.float64 and (X.flags.c_contiguous or X.flags.f_contiguous):
        return Dense(X)
    return Chunked(X, band_bytes=CACHE_BYTES)
