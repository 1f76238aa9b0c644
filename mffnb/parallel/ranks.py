"""One spectral image shared out over MPI ranks: a block of pixels and channels to each."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from dataclasses import replace
from math import prod
from typing import Any

import numpy as np
import xarray as xr

from mffnb.cubes.layout import Layout
from mffnb.graphs import Graph
from mffnb.io.choose import stays_on_disk
from mffnb.io.parallel_write import Block
from mffnb.matrices import Chunked, Distributed, DistributedAxis, in_memory
from mffnb.matrices.collective_errors import run_collectively
from mffnb.parallel.grid import Grid, even_cuts
from mffnb.parallel.preview_maps import Glimpses
from mffnb.protocols.matrix import Matrix
from mffnb.solvers import State
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


def pixel_limits(bands: Array, shape: tuple[int, int]) -> Array:
    """Limits of the pixels of each rank of a grid, (rows x columns + 1,), row by row.

    Each row of ranks has pixels, as even as whole bands come; some rank in it may have none.
    """
    rows = shares(bands, shape[0])
    cuts = [
        even_cuts(bands[(bands >= start) & (bands <= stop)], shape[1])[:-1] for start, stop in itertools.pairwise(rows)
    ]
    return np.concatenate([*cuts, rows[-1:]])


def own_block(layout: Layout, communicator: Any) -> Block:
    """The rows of the map that this rank's pixels are on; rows without any are those of the rank before."""
    grid = sized(communicator, layout)
    assert grid.shape is not None
    limits, rows = pixel_limits(layout.bands, grid.shape), layout.map_shape[0]
    # Bands are whole rows of the map.
    starts = [0, *np.searchsorted(layout.pixel_ends, limits[1:-1], "right").tolist(), rows]
    dim = next(iter(layout.pixel_shape))
    return Block(grid.communicator, dim, starts[grid.rank], starts[grid.rank + 1], rows)


def shared_matrix(layout: Layout, cube: xr.DataArray, communicator: Any) -> Distributed:
    """Read this rank's block of X; the others are not touched.

    Parameters
    ----------
    layout, cube
        The image.
    communicator
        An mpi4py communicator, or a :class:`mffnb.parallel.Grid`.
    """
    grid = sized(communicator, layout)
    assert grid.shape is not None
    (i, j), (_, columns) = grid.place, grid.shape
    limits = pixel_limits(layout.bands, grid.shape)
    rows = DistributedAxis(int(limits[-1]), limits[i * columns : (i + 1) * columns + 1], grid.row, j)
    channels, of_ranks = _channel_limits(layout, grid.shape)
    across = DistributedAxis(int(channels[-1]), of_ranks[j], grid.column, i)
    block = run_collectively(grid.communicator, lambda: _block(layout, cube, rows.block, across.block))
    return Distributed(block, rows, across, grid.communicator)


def sized(communicator: Any, layout: Layout) -> Grid:
    """The grid of ranks, given or chosen, for such an image."""
    channels = prod(layout.channel_shape.values()) if layout.channel_mask is None else int(layout.channel_mask.sum())
    return Grid.over(communicator).of_shape_for(int(layout.bands[-1]), channels)


def agreeing(callback: Callable[[State], object] | None, communicator: Any) -> Callable[[State], object] | None:
    """A callback that ends the run on all ranks where it does so on any; raising counts."""
    if callback is None or communicator is None or isinstance(callback, Glimpses):  # who asks the first rank
        return callback
    grid = Grid.over(communicator)

    def called(state: State) -> str:
        try:
            answer = callback(state)
        except KeyboardInterrupt:  # raised here alone, it would leave the other ranks waiting
            return "interrupt"
        return "stop" if isinstance(answer, (bool, np.bool_)) and answer else "go on"

    def together_called(state: State) -> bool:
        answers = grid.communicator.allgather(run_collectively(grid.communicator, lambda: called(state)))
        if "interrupt" in answers:
            raise KeyboardInterrupt
        return "stop" in answers

    return together_called


def _channel_limits(layout: Layout, shape: tuple[int, int]) -> tuple[Array, list[Array]]:
    """Limits of the channels of each column of a grid, and in each of them of those of its ranks."""
    slabs = layout.channel_ends
    channels = even_cuts(np.concatenate(([0], slabs)), shape[1])
    return channels, [
        even_cuts(np.arange(start, stop + 1), shape[0]) for start, stop in itertools.pairwise(channels.tolist())
    ]


def _block(layout: Layout, cube: xr.DataArray, rows: slice, columns: slice) -> Matrix:
    """A block of X whose limits are those of whole rows of the map and of whole slabs of channels."""
    for ends, limits, names, section in (
        (layout.pixel_ends, rows, layout.pixel_shape, Layout.section),
        (layout.channel_ends, columns, layout.channel_shape, Layout.channel_section),
    ):
        first = int(np.searchsorted(ends, limits.start, "right"))
        last = max(first, int(np.searchsorted(ends, limits.stop, "left")) + 1 if limits.stop > limits.start else 0)
        if (first, last) != (0, len(ends)):
            layout = section(layout, first, last)
            cube = cube.isel({next(iter(names)): slice(first, last)})
    return layout.matrix(cube)


def own_graph(layout: Layout, communicator: Any) -> Graph:
    """This rank's pixels of the grid of pixels; all of them without a communicator."""
    if communicator is None:
        return layout.graph
    grid = sized(communicator, layout)
    assert grid.shape is not None
    block, limits = own_block(layout, communicator), pixel_limits(layout.bands, grid.shape)
    # Neighbours lie in the rows before and after: nothing of the size of the map is made.
    top, bottom = max(0, block.start - 1), min(block.rows, block.stop + 1)
    before = int(layout.pixel_ends[top - 1]) if top else 0
    window = layout.section(top, bottom).graph
    near = replace(window, bands=layout.bands - before)
    return own_part(near, np.clip(limits - before, 0, window.pixels), grid.communicator)


def held(matrix: Distributed) -> Distributed:
    """The same with each rank's block in memory, where those of all ranks of a machine fit into a quarter of it."""
    block, communicator = matrix.block, matrix.communicator
    beside = min(communicator.size, int(os.environ.get("MPI_LOCALNRANKS") or communicator.size))
    fits = not stays_on_disk(prod(matrix.shape) * beside // communicator.size)

    def read() -> Matrix:
        return in_memory(block.rows[0 : block.shape[0]]) if fits and isinstance(block, Chunked) else block

    return matrix.with_block(run_collectively(communicator, read))


def gathered(abundances: Float64Array, communicator: Any) -> Float64Array:
    """Collect A (pixels, k) of all pixels, on every rank."""
    grid = Grid.over(communicator)
    whole: Float64Array = np.concatenate(grid.communicator.allgather(np.ascontiguousarray(abundances)))
    return whole


def own_part(graph: Graph, limits: Array, communicator: Any) -> Graph:
    """This rank's pixels of a graph, with the neighbours that other ranks hold as ghosts.

    Parameters
    ----------
    graph
        Of all pixels.
    limits
        Of the pixels of each rank, (ranks + 1,), at limits of bands.
    communicator
        An mpi4py communicator of as many ranks.
    """
    start, stop = int(limits[communicator.rank]), int(limits[communicator.rank + 1])
    edges = slice(graph.indptr[start], graph.indptr[stop])
    indices = graph.indices[edges].astype(np.int64)
    here = (indices >= start) & (indices < stop)
    ghosts = np.unique(indices[~here])
    local = np.where(here, indices - start, 0)
    local[~here] = stop - start + np.searchsorted(ghosts, indices[~here])
    pixel = np.repeat(np.arange(stop - start), np.diff(graph.indptr[start : stop + 1]))
    owners = np.searchsorted(limits, indices, "right") - 1  # of two limits that are alike the later one
    borders = [
        (
            np.unique(pixel[owners == rank]),
            stop - start + np.flatnonzero(np.isin(ghosts, indices[owners == rank])),
            int(rank),
        )
        for rank in np.unique(owners[~here])
    ]
    bands = graph.bands[(graph.bands >= start) & (graph.bands <= stop)]
    return replace(
        graph,
        indptr=graph.indptr[start : stop + 1] - graph.indptr[start],
        indices=local.astype(graph.indices.dtype),  # the kernels compiled for it do for this one
        weights=graph.weights[edges],
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
