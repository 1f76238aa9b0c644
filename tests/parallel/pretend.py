"""Communicators without MPI, for what one process can tell."""

from __future__ import annotations

import numpy as np

from mffnb.matrices import Distributed, DistributedAxis


class Pretend:
    """The rank and size of a communicator; what is summed is the part that is here."""

    def __init__(self, rank=0, size=1):
        self.rank, self.size = rank, size

    def Reduce(self, here, everywhere, root):
        everywhere[...] = here

    def Bcast(self, everywhere, root):
        pass

    def allgather(self, here):
        return [here]

    def Allgatherv(self, here, everywhere):
        everywhere[0][...] = here

    def allreduce(self, here):
        return here


def alone(matrix, size=1, rows=None):
    """A matrix on one rank of ``size``, the others having none of it; of so many rows in all."""
    m, n = matrix.shape
    communicator = Pretend(0, size)
    row_axis = DistributedAxis(m if rows is None else rows, np.array([0, m]), communicator, 0)
    return Distributed(matrix, row_axis, DistributedAxis(n, np.array([0, n]), communicator, 0), communicator)
