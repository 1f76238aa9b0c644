"""Which entries along a side of X are whose: the factor of that side, and the block of X that is here."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mffnb.typing import Array, Float64Array

if TYPE_CHECKING:
    from mffnb.protocols.matrix import Products


@dataclass(frozen=True)
class Whole:
    """All entries are here; see :class:`mffnb.protocols.Share`.

    Parameters
    ----------
    length
        How many there are.
    """

    length: int

    @property
    def own(self) -> slice:
        """All of them."""
        return slice(0, self.length)

    @property
    def block(self) -> slice:
        """All of them."""
        return slice(0, self.length)

    @property
    def alone(self) -> bool:
        """Nobody has to be asked."""
        return True

    def gathered(self, factor: Float64Array) -> Float64Array:
        """The factor itself."""
        return factor

    def summed(self, part: Float64Array) -> Float64Array:
        """The sum is complete."""
        return part

    def least(self, part: Float64Array) -> Float64Array:
        """No less is anywhere else."""
        return part


@dataclass(frozen=True, eq=False)
class Spread:
    """The entries of a block of X are divided among the ranks of a communicator, whose blocks have the same entries.

    Parameters
    ----------
    length
        How many entries there are on all ranks of all blocks.
    limits
        Of the entries of each rank of the communicator, (ranks + 1,).
    communicator
        An mpi4py communicator; of no use where it has a single rank.
    rank
        Number of this rank in it.

    Examples
    --------
    >>> import numpy as np
    >>> share = Spread(20, np.array([5, 8, 12]), None, 1)
    >>> share.own, share.block
    (slice(8, 12, None), slice(5, 12, None))
    """

    length: int
    limits: Array
    communicator: Any
    rank: int

    @property
    def own(self) -> slice:
        """The entries whose factor is here."""
        return slice(int(self.limits[self.rank]), int(self.limits[self.rank + 1]))

    @property
    def block(self) -> slice:
        """The entries of the block."""
        return slice(int(self.limits[0]), int(self.limits[-1]))

    @property
    def alone(self) -> bool:
        """Whether no other rank has entries of the block."""
        return self.limits.size == 2

    def gathered(self, factor: Float64Array) -> Float64Array:
        """(..., own entries) of each rank, put together to (..., entries of the block): one Allgatherv."""
        if self.alone:
            return factor
        lines, sizes = factor.shape[:-1], np.diff(self.limits)
        counts = (sizes * int(np.prod(lines))).tolist()
        received = np.empty(sum(counts))
        self.communicator.Allgatherv(np.array(factor, dtype=np.float64, order="C").ravel(), [received, counts])
        pieces = np.split(received, np.cumsum(counts)[:-1])
        return np.concatenate([piece.reshape(*lines, size) for piece, size in zip(pieces, sizes, strict=True)], axis=-1)

    def summed(self, part: Float64Array) -> Float64Array:
        """The sum over ranks of (..., entries of the block), own entries of it: one Reduce_scatter."""
        return part if self.alone else self._reduced(part)

    def least(self, part: Float64Array) -> Float64Array:
        """The least over ranks of (..., entries of the block), own entries of it."""
        if self.alone:
            return part
        from mpi4py import MPI  # noqa: PLC0415  raises where there is no MPI library

        return self._reduced(part, op=MPI.MIN)

    def _reduced(self, part: Float64Array, **how: Any) -> Float64Array:
        cuts = (self.limits - self.limits[0]).tolist()
        pieces = [part[..., start:stop] for start, stop in itertools.pairwise(cuts)]
        sent = np.concatenate([np.asarray(piece, dtype=np.float64).ravel() for piece in pieces])
        received = np.empty(pieces[self.rank].shape)
        self.communicator.Reduce_scatter(sent, received, [piece.size for piece in pieces], **how)
        return received


def everywhere(matrix: Products, factor: Float64Array) -> Float64Array:
    """A factor of the columns, (..., own columns), as (..., columns) in every process: for small things done once."""
    if not matrix.shared:
        return factor
    whole = np.zeros((*factor.shape[:-1], matrix.shape[1]))
    whole[..., matrix.own_columns] = factor
    return matrix.total(whole)
