"""Storage classes of the data matrix X: dense, sparse, chunked, low-rank, weighted, and distributed over ranks."""

import numpy as np

from mffnb.matrices.axis_distribution import DistributedAxis, LocalAxis, replicate_columns
from mffnb.matrices.block_products import native
from mffnb.matrices.capped import Capped
from mffnb.matrices.chunked import Chunked, Rows
from mffnb.matrices.dense import Dense
from mffnb.matrices.distributed import Distributed
from mffnb.matrices.gathered import Gathered, Selection, selected
from mffnb.matrices.local import CACHE_BYTES, FILE_BYTES
from mffnb.matrices.low_rank import LowRank
from mffnb.matrices.partial import Partial, WeightedRows
from mffnb.matrices.scaled import Scaled, scaled
from mffnb.matrices.sparse import Sparse
from mffnb.protocols.matrix import Matrix
from mffnb.typing import Array

__all__ = [
    "FILE_BYTES",
    "Capped",
    "Chunked",
    "Dense",
    "Distributed",
    "DistributedAxis",
    "Gathered",
    "LocalAxis",
    "LowRank",
    "Partial",
    "Rows",
    "Scaled",
    "Selection",
    "Sparse",
    "WeightedRows",
    "in_memory",
    "replicate_columns",
    "scaled",
    "selected",
    "sparse_if_smaller",
]


def sparse_if_smaller(matrix: Matrix) -> Matrix:
    """Convert a mostly zero matrix to compressed sparse rows if that saves time or memory; return others unchanged.

    ``str(matrix)`` names the storage format.

    Examples
    --------
    >>> import numpy as np
    >>> from mffnb.matrices import in_memory, sparse_if_smaller
    >>> counts = np.zeros((200, 1000))
    >>> counts[::10, ::50] = 1
    >>> type(sparse_if_smaller(in_memory(counts))).__name__, type(sparse_if_smaller(in_memory(counts + 1))).__name__
    ('Sparse', 'Dense')
    """
    if not matrix.complete:
        return matrix
    block = Sparse.compress_if_small(matrix.block)
    # All processes must choose the same format, because supported operations depend on it.
    return matrix.with_block(block) if matrix.minimum(np.array(float(isinstance(block, Sparse)))) else matrix


def in_memory(X: Array) -> Dense | Chunked:
    """Wrap an array (rows, columns) as a matrix, without copying it.

    Products read float64, float32, uint8 and uint16 directly, with float64 sums: float32 sums would be less precise
    than the decrease of the objective. Arrays of other types are converted band by band, while a band is in the
    processor's cache.

    Examples
    --------
    >>> import numpy as np
    >>> from mffnb.matrices import in_memory
    >>> type(in_memory(np.ones((3, 2)))).__name__, type(in_memory(np.ones((3, 2), dtype="int64"))).__name__
    ('Dense', 'Chunked')
    """
    if native(X) is X:
        return Dense(X)
    return Chunked(X, band_bytes=CACHE_BYTES)
