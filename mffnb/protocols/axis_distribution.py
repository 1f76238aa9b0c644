"""Protocol of the distribution of one axis of X over MPI ranks."""

from __future__ import annotations

from typing import Protocol

from mffnb.typing import Float64Array


class AxisDistribution(Protocol):
    """Distribution of the entries of one axis of X (rows or columns) over ranks.

    A rank holds a block of X. Of each factor it owns a part of the entries of that block. Ranks whose blocks have the
    same rows divide the abundances of these rows between them; the same holds for columns.
    """

    @property
    def length(self) -> int:
        """Number of entries of the axis on all ranks."""

    @property
    def own(self) -> slice:
        """Entries of the axis that this rank owns, for which it updates the factor."""

    @property
    def block(self) -> slice:
        """Entries of the axis that this rank's block of X contains."""

    @property
    def undivided(self) -> bool:
        """Whether this rank owns all entries of its block along this axis."""

    def gather(self, factor: Float64Array) -> Float64Array:
        """Gather the factor of all entries of the block, (..., block), from the owned parts (..., own) of the ranks."""

    def sum_scatter(self, part: Float64Array) -> Float64Array:
        """Sum an array (..., block) over the ranks with the same entries; return the entries that this rank owns."""

    def minimum(self, part: Float64Array) -> Float64Array:
        """Compute the minimum of an array (..., block) over the ranks with the same entries; return the own entries."""
