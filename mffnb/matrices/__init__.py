"""How X is read: one small class per place where it may live."""

from mffnb.matrices.chunked import Chunked, Rows
from mffnb.matrices.dense import Dense
from mffnb.matrices.distributed import Distributed
from mffnb.matrices.sparse import Sparse

__all__ = ["Chunked", "Dense", "Distributed", "Rows", "Sparse"]
