"""Pixel adjacency graph: weights, Laplacian, and a two-colour partition into bands for parallel sweeps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from mffnb.kernels import laplacian
from mffnb.kernels.tiers import numpy_steps
from mffnb.kernels.tiers.tier import choose
from mffnb.typing import Array, Float64Array


def _no_exchange(rows: Float64Array) -> None:
    """Exchange no ghost pixels, because all pixels are in this process."""


@dataclass(frozen=True, eq=False)
class Graph:
    """Weighted pixel adjacency graph, with Laplacian :math:`L = D - W`.

    Attributes
    ----------
    indptr, indices, weights
        Adjacency matrix W in compressed sparse rows: pixel i has neighbours ``indices[indptr[i]:indptr[i + 1]]``.
    degree
        Diagonal of the degree matrix D, (pixels,): sum of the weights of each pixel.
    bands
        Limits of consecutive groups of pixels, (bands + 1,). A band is adjacent only to the previous and to the next
        band, so all even bands can be updated in parallel, then all odd ones.
    first_band
        Index of the first band in the whole graph; its parity gives the colour.
    ghosts
        Number of pixels of other processes with neighbours here; their indices follow those of the pixels here.
    exchange
        Function that fills the ghost columns of an array (..., pixels + ghosts) with the values of their owners.

    Examples
    --------
    >>> import numpy as np
    >>> from mffnb.graphs import grid
    >>> graph = grid((1, 4))  # four pixels in a row
    >>> graph.pixels, graph.degree.tolist()
    (4, [0.5, 1.0, 1.0, 0.5])
    >>> graph.roughness(np.array([[0.0, 0.0, 1.0, 1.0]]))  # tr(A^T L A)
    0.5
    """

    indptr: Array
    indices: Array
    weights: Float64Array
    degree: Float64Array
    bands: Array
    first_band: int = 0
    ghosts: int = 0
    exchange: Callable[[Float64Array], None] = field(default=_no_exchange, repr=False)

    @property
    def pixels(self) -> int:
        """Number of pixels of the graph in this process, without ghosts."""
        return self.degree.size

    def reordered(self, pixels: Array, bands: Array) -> Graph:
        """Return the graph with its pixels in another order; all of them are in this process.

        Parameters
        ----------
        pixels
            Present index of each pixel in the new order, (pixels,).
        bands
            Limits of the bands in the new order.
        """
        counts = np.diff(self.indptr)[pixels]
        starts = np.repeat(self.indptr[pixels] - np.append(0, np.cumsum(counts))[:-1], counts)
        entries = starts + np.arange(counts.sum())
        new = np.empty(pixels.size, self.indices.dtype)
        new[pixels] = np.arange(pixels.size)
        here, there = np.repeat(np.arange(pixels.size), counts), new[self.indices[entries]]
        order = np.lexsort((there, here))
        return Graph(
            indptr=np.append(0, np.cumsum(counts)),
            indices=there[order],
            weights=self.weights[entries][order],
            degree=self.degree[pixels],
            bands=bands,
        )

    def with_ghosts(self, factor: Float64Array) -> Float64Array:
        """Copy a factor (k, pixels) and append the ghost columns with the values of their owners."""
        rows = np.empty((len(factor), self.pixels + self.ghosts))
        rows[:, : self.pixels] = factor
        self.exchange(rows)
        return rows

    def times(self, factor: Float64Array) -> Float64Array:
        """Multiply a factor F (k, pixels) by the Laplacian: compute ``F L``."""
        rows = self.with_ghosts(factor) if self.ghosts else factor
        times = choose(laplacian.times, numpy_steps.laplacian_times)
        product: Float64Array = times(rows, self.indptr, self.indices, self.weights)
        return product

    def roughness(self, factor: Float64Array) -> float:
        r"""Compute :math:`\operatorname{tr}(F L F^T) = \sum_{\text{edges}} w (f_i - f_{i'})^2` for the pixels here."""
        rows = np.atleast_2d(np.asarray(factor, dtype=np.float64))
        if self.ghosts:
            rows = self.with_ghosts(rows)
        roughness = choose(laplacian.roughness, numpy_steps.roughness)
        return float(roughness(rows, self.indptr, self.indices, self.weights))
