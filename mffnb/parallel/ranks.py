"""One spectral image shared out over MPI ranks: whole bands of pixel rows to each."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr

from mffnb.agreement import together
from mffnb.graphs import Graph
from mffnb.layout import Layout
from mffnb.matrices import Distributed
from mffnb.parallel.blocks import Block
from mffnb.typing import Array, Float64Array

# What MPI launchers tell the processes they start.
_SIZES = ("OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "PMIX_SIZE", "MPI_LOCALNRANKS", "SLURM_STEP_NUM_TASKS")


def world() -> Any:
    """Return the communicator of all ranks where a launcher started several, else None, without touching MPI."""
    if max(int(os.environ.get(name) or 1) for name in _SIZES) < 2:
        return None
    from mpi4py import MPI  # noqa: PLC0415  raises where there is no MPI library

    return MPI.COMM_WORLD


def agreed(seed: int, communicator: Any) -> int:
    """The seed of the first rank, for all: each may have drawn its own."""
    return seed if communicator is None else int(communicator.bcast(seed, root=0))


def shares(bands: Array, size: int) -> Array:
    """Limits of the pixels of each rank, (size + 1,): whole bands, as even as they come.

    Examples
    --------
    >>> import numpy as np
    >>> shares(np.array([0, 10, 20, 30, 36]), 2).tolist()
    [0, 20, 36]
    """
    if bands.size - 1 < size:
        raise ValueError(
            f"the map has {bands.size - 1} bands of rows, too few for {size} ranks: start at most {bands.size - 1}"
        )
    cuts = np.searchsorted(bands, np.arange(1, size) * bands[-1] / size)
    # At least one band to each rank, whatever their sizes.
    lowest, highest = np.arange(1, size), bands.size - 1 - np.arange(size - 1, 0, -1)
    cuts = np.clip(cuts, lowest, highest)
    for i in range(1, len(cuts)):
        cuts[i] = max(cuts[i], cuts[i - 1] + 1)
    limits: Array = bands[np.concatenate(([0], np.minimum(cuts, highest), [bands.size - 1])).astype(int)]
    return limits


def own_block(layout: Layout, communicator: Any) -> Block:
    """The rows of the map that this rank's pixels are on; rows without any are those of the rank before."""
    limits = shares(layout.graph.bands, communicator.size)
    used = np.ones(layout.map_shape, bool) if layout.pixel_mask is None else layout.pixel_mask
    # Bands are whole rows of the map.
    ends = np.cumsum(used.reshape(len(used), -1).sum(axis=1))
    starts = [0, *np.searchsorted(ends, limits[1:-1], "right").tolist(), len(used)]
    dim = next(iter(layout.pixel_shape))
    return Block(communicator, dim, starts[communicator.rank], starts[communicator.rank + 1], len(used))


def shared_matrix(layout: Layout, cube: xr.DataArray, communicator: Any) -> Distributed:
    """Read this rank's rows of X; the other rows are not touched."""
    limits, block = shares(layout.graph.bands, communicator.size), own_block(layout, communicator)
    section, part = layout.section(block.start, block.stop), cube.isel({block.dim: slice(block.start, block.stop)})
    local = together(communicator, lambda: section.matrix(part))
    return Distributed(local, communicator, int(limits[communicator.rank]), int(limits[-1]))


def gathered(abundances: Float64Array, communicator: Any) -> Float64Array:
    """Collect A (pixels, k) of all pixels, on every rank."""
    whole: Float64Array = np.concatenate(communicator.allgather(np.ascontiguousarray(abundances)))
    return whole


def own_part(graph: Graph, communicator: Any) -> Graph:
    """This rank's pixels of a graph, with the neighbours that other ranks hold as ghosts."""
    limits = shares(graph.bands, communicator.size)
    start, stop = int(limits[communicator.rank]), int(limits[communicator.rank + 1])
    own = slice(graph.indptr[start], graph.indptr[stop])
    indices = graph.indices[own].astype(np.int64)
    here = (indices >= start) & (indices < stop)
    ghosts = np.unique(indices[~here])
    local = np.where(here, indices - start, 0)
    local[~here] = stop - start + np.searchsorted(ghosts, indices[~here])
    owner = np.repeat(np.arange(stop - start), np.diff(graph.indptr[start : stop + 1]))
    outside = [(indices < start, ghosts < start, -1), (indices >= stop, ghosts >= stop, 1)]
    borders = [
        (np.unique(owner[edges]), stop - start + np.flatnonzero(theirs), communicator.rank + side)
        for edges, theirs, side in outside
        if edges.any()
    ]
    bands = graph.bands[(graph.bands >= start) & (graph.bands <= stop)]
    return replace(
        graph,
        indptr=graph.indptr[start : stop + 1] - graph.indptr[start],
        indices=local.astype(graph.indices.dtype),  # the kernels compiled for it do for this one
        weights=graph.weights[own],
        degree=graph.degree[start:stop],
        bands=bands - start,
        first_band=int(np.searchsorted(graph.bands, start)),
        ghosts=int(ghosts.size),
        exchange=_Exchange(borders, communicator),
    )


class _Exchange:
    """Send the border pixels to the ranks before and after, and receive theirs."""

    def __init__(self, borders: list[tuple[Array, Array, int]], communicator: Any) -> None:
        self._borders = borders
        self._communicator = communicator

    def __call__(self, rows: Float64Array) -> None:
        received, requests = [], []
        for sent, ghosts, neighbour in self._borders:
            buffer = np.empty((*rows.shape[:-1], ghosts.size))
            received.append((ghosts, buffer))
            requests.append(self._communicator.Irecv(buffer, source=neighbour))
            requests.append(self._communicator.Isend(np.ascontiguousarray(rows[..., sent]), dest=neighbour))
        for request in requests:
            request.Wait()
        for ghosts, buffer in received:
            rows[..., ghosts] = buffer
