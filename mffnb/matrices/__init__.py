"""How X is read: one small class per place where it may live."""

import numpy as np

from mffnb.matrices.block_products import native
from mffnb.matrices.capped import Capped
from mffnb.matrices.chunked import Chunked, Rows
from mffnb.matrices.dense import Dense
from mffnb.matrices.distributed import Distributed
from mffnb.matrices.local import CACHE_BYTES, FILE_BYTES
from mffnb.matrices.low_rank import LowRank
from mffnb.matrices.partial import Gappy, Partial
from mffnb.matrices.scaled import Scaled, scaled
from mffnb.matrices.shares import Spread, Whole, everywhere
from mffnb.matrices.sparse import Sparse
from mffnb.protocols.matrix import Matrix
from mffnb.typing import Array

__all__ = [
    "FILE_BYTES",
    "Capped",
    "Chunked",
    "Dense",
    "Distributed",
    "Gappy",
    "LowRank",
    "Partial",
    "Rows",
    "Scaled",
    "Sparse",
    "Spread",
    "Whole",
    "everywhere",
    "in_memory",
    "lean",
    "scaled",
]


def lean(matrix: Matrix) -> Matrix:
    """The same data with fewer bytes to look at, if few entries are not zero; how, ``str(matrix)`` says."""
    if not matrix.complete:
        return matrix
    block = Sparse.of_few(matrix.block)
    # One way for all processes: what can be done with X depends on how it is kept.
    return matrix.with_block(block) if matrix.least(np.array(float(isinstance(block, Sparse)))) else matrix


def in_memory(X: Array) -> Dense | Chunked:
    """Wrap an array (rows, columns) without copying it.

    Products read the most common types as they are, sums being float64: float32 sums would lose the digits that a
    falling objective needs. Anything else is widened band by band while in the cache.
    """
    if native(X) is X:
        return Dense(X)
    return Chunked(X, band_bytes=CACHE_BYTES)
