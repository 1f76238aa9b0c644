"""Distribution of one axis of X over ranks: which entries, and which part of a factor, each rank owns."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mffnb.typing import Array, Float64Array

if TYPE_CHECKING:
    from mffnb.protocols.matrix import Products


@dataclass(frozen=True)
class LocalAxis:
    """An axis of X (rows or columns) that is not distributed over ranks; see :class:`mffnb.protocols.AxisDistribution`.

    Parameters
    ----------
    length
        Number of entries of the axis.

    Examples
    --------
    >>> from mffnb.matrices import LocalAxis
    >>> LocalAxis(5).own
    slice(0, 5, None)
    """

    length: int

    @property
    def own(self) -> slice:
        """Entries of the axis whose factor this process owns: all of them."""
        return slice(0, self.length)

    @property
    def block(self) -> slice:
        """Entries of the axis that the block of X in this process contains: all of them."""
        return slice(0, self.length)

    @property
    def undivided(self) -> bool:
        """Always True: no other rank owns entries of the block along this axis."""
        return True

    def gather(self, factor: Float64Array) -> Float64Array:
        """Return the factor unchanged, because it already contains all entries."""
        return factor

    def sum_scatter(self, part: Float64Array) -> Float64Array:
        """Return the sum unchanged, because there is only one rank."""
        return part

    def minimum(self, part: Float64Array) -> Float64Array:
        """Return the minimum unchanged, because there is only one rank."""
        return part


@dataclass(frozen=True, eq=False)
class DistributedAxis:
    """An axis of X whose entries are distributed over ranks.

    All ranks of ``communicator`` hold blocks of X with the same entries of this axis. Each rank owns a contiguous part
    of these entries, that is, the part of the factor that it updates.

    Parameters
    ----------
    length
        Number of entries of the axis on all ranks.
    limits
        Limits of the entries that each rank of the communicator owns, (ranks + 1,).
    communicator
        An mpi4py communicator; not used if it has a single rank.
    rank
        Index of this rank in ``communicator``.

    Examples
    --------
    >>> import numpy as np
    >>> share = DistributedAxis(20, np.array([5, 8, 12]), None, 1)
    >>> share.own, share.block
    (slice(8, 12, None), slice(5, 12, None))
    """

    length: int
    limits: Array
    communicator: Any
    rank: int

    @property
    def own(self) -> slice:
        """Entries of the axis that this rank owns, for which it updates the factor."""
        return slice(int(self.limits[self.rank]), int(self.limits[self.rank + 1]))

    @property
    def block(self) -> slice:
        """Entries of the axis that the block of X on this rank contains."""
        return slice(int(self.limits[0]), int(self.limits[-1]))

    @property
    def undivided(self) -> bool:
        """Whether no other rank owns entries of this rank's block along this axis."""
        return self.limits.size == 2

    def gather(self, factor: Float64Array) -> Float64Array:
        """Gather the owned parts (..., own entries) of all ranks to (..., entries of the block), by one Allgatherv."""
        if self.undivided:
            return factor
        lines, sizes = factor.shape[:-1], np.diff(self.limits)
        counts = (sizes * int(np.prod(lines))).tolist()
        received = np.empty(sum(counts))
        self.communicator.Allgatherv(np.array(factor, dtype=np.float64, order="C").ravel(), [received, counts])
        pieces = np.split(received, np.cumsum(counts)[:-1])
        return np.concatenate([piece.reshape(*lines, size) for piece, size in zip(pieces, sizes, strict=True)], axis=-1)

    def sum_scatter(self, part: Float64Array) -> Float64Array:
        """Sum (..., entries of the block) over the ranks and return the owned entries, by one Reduce_scatter."""
        return part if self.undivided else self._reduced(part)

    def minimum(self, part: Float64Array) -> Float64Array:
        """Compute the minimum of (..., entries of the block) over the ranks and return the owned entries."""
        if self.undivided:
            return part
        from mpi4py import MPI  # noqa: PLC0415  # raises an error where there is no MPI library

        return self._reduced(part, op=MPI.MIN)

    def _reduced(self, part: Float64Array, **how: Any) -> Float64Array:
        """Reduce (..., entries of the block) over the ranks by sum or minimum, and return the owned entries."""
        cuts = (self.limits - self.limits[0]).tolist()
        pieces = [part[..., start:stop] for start, stop in itertools.pairwise(cuts)]
        sent = np.concatenate([np.asarray(piece, dtype=np.float64).ravel() for piece in pieces])
        received = np.empty(pieces[self.rank].shape)
        self.communicator.Reduce_scatter(sent, received, [piece.size for piece in pieces], **how)
        return received


def replicate_columns(matrix: Products, factor: Float64Array) -> Float64Array:
    """Replicate a distributed factor (..., own columns) as (..., columns) in every process.

    Every process then holds the whole factor, so this is meant for small factors and rare calls.

    Examples
    --------
    >>> import numpy as np
    >>> from mffnb.matrices import Dense, replicate_columns
    >>> E = np.ones((2, 3))
    >>> replicate_columns(Dense(np.ones((4, 3))), E) is E  # nothing to replicate in one process
    True
    """
    if not matrix.shared:
        return factor
    whole = np.zeros((*factor.shape[:-1], matrix.shape[1]))
    whole[..., matrix.own_columns] = factor
    return matrix.total(whole)
