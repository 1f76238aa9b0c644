"""Protocol of the distribution of one axis of X over MPI ranks."""

from __future__ import annotations

from typing import Protocol

from mffnb.typing import Float64Array


class AxisDistribution(Protocol):
    """Which ranks own which entries along one axis of X.

    A rank holds a block of X. Of each factor it owns a part of the entries of that block. Ranks whose blocks have the
    same rows divide the abundances of these rows between them; the same holds for columns.
    """

    @property
    def own(self) -> slice:
        """Entries whose factor this rank owns."""

    @property
    def block(self) -> slice:
        """Entries of this rank's block of X."""

    @property
    def undivided(self) -> bool:
        """Whether this rank owns all entries of its block."""

    def gather(self, factor: Float64Array) -> Float64Array:
        """Collect the factor of all entries of the block from own entries (..., own)."""

    def sum_scatter(self, part: Float64Array) -> Float64Array:
        """Sum an array (..., block) over the ranks with the same entries; return the own entries of the sum."""

    def minimum(self, part: Float64Array) -> Float64Array:
        """Minimum over the ranks with the same entries instead of the sum."""
