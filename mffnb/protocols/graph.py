"""Protocol of the pixel adjacency graph that solvers and smoothness penalties use."""

from __future__ import annotations

from typing import Protocol

from mffnb.typing import Array, Float64Array


class PixelGraph(Protocol):
    r"""Weighted adjacency of pixels with Laplacian :math:`L = D - W`; :class:`mffnb.graphs.Graph` implements it."""

    @property
    def indptr(self) -> Array:
        """Row limits of the adjacency matrix W in compressed sparse rows, (pixels + 1,)."""

    @property
    def indices(self) -> Array:
        """Neighbour indices of the adjacency matrix W in compressed sparse rows."""

    @property
    def weights(self) -> Float64Array:
        """Edge weights of the adjacency matrix W in compressed sparse rows."""

    @property
    def degree(self) -> Float64Array:
        """Diagonal of the degree matrix D, (pixels,): sum of the edge weights of each pixel."""

    @property
    def bands(self) -> Array:
        """Limits of bands, consecutive groups of pixels, each adjacent only to the previous and to the next band."""

    @property
    def first_band(self) -> int:
        """Number of this rank's first band in the graph of all ranks; its parity gives the colour (even or odd)."""

    @property
    def ghosts(self) -> int:
        """Number of ghosts: neighbours of this rank's pixels that other ranks own."""

    @property
    def pixels(self) -> int:
        """Number of pixels of the graph that this rank owns."""

    def with_ghosts(self, factor: Float64Array) -> Float64Array:
        """Copy a factor (k, pixels) and append the columns of its ghosts, (k, pixels + ghosts)."""

    def exchange(self, rows: Float64Array, /) -> None:
        """Fill the ghost columns of an array (..., pixels + ghosts) with the values of their owner ranks."""

    def times(self, factor: Float64Array) -> Float64Array:
        """Return the product ``F L`` of a factor (k, pixels) with the Laplacian."""

    def roughness(self, factor: Float64Array) -> float:
        r"""Return the roughness :math:`\operatorname{tr}(F L F^T)` of a factor (k, pixels)."""
