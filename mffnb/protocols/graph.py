"""Protocol of a pixel adjacency graph, as solvers and the smoothness penalties use it."""

from __future__ import annotations

from typing import Protocol

from mffnb.typing import Array, Float64Array


class PixelGraph(Protocol):
    r"""Weighted adjacency of pixels with Laplacian :math:`L = D - W`; :class:`mffnb.graphs.Graph` implements it."""

    @property
    def indptr(self) -> Array:
        """Row limits of W in compressed rows, (pixels + 1,)."""

    @property
    def indices(self) -> Array:
        """Neighbour indices of W in compressed rows."""

    @property
    def weights(self) -> Float64Array:
        """Edge weights of W in compressed rows."""

    @property
    def degree(self) -> Float64Array:
        """Diagonal of D, (pixels,)."""

    @property
    def bands(self) -> Array:
        """Limits of consecutive groups of pixels; a band is adjacent to the one before and the one after it only."""

    @property
    def first_band(self) -> int:
        """Number of the first band in the graph of all ranks; its parity sets the colour."""

    @property
    def ghosts(self) -> int:
        """Number of neighbours that other ranks own."""

    @property
    def pixels(self) -> int:
        """Number of pixels."""

    def with_ghosts(self, factor: Float64Array) -> Float64Array:
        """Copy a factor (k, pixels) and append the columns of its ghosts, (k, pixels + ghosts)."""

    def exchange(self, rows: Float64Array, /) -> None:
        """Fill the ghost columns of an array (..., pixels + ghosts) with the values of their owner ranks."""

    def times(self, factor: Float64Array) -> Float64Array:
        """Return ``F L`` for a factor (k, pixels)."""

    def roughness(self, factor: Float64Array) -> float:
        r"""Return :math:`\operatorname{tr}(F L F^T)`."""
