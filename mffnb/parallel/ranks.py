"""One spectral image distributed over MPI ranks: each rank holds one block of pixels and channels."""

from __future__ import annotations

import itertools
import os
from math import prod
from typing import Any

import numpy as np
import xarray as xr

from mffnb.cubes.layout import Layout
from mffnb.io.choose import stays_on_disk
from mffnb.io.parallel_write import Block
from mffnb.matrices import Chunked, Distributed, DistributedAxis, in_memory
from mffnb.matrices.collective_errors import run_collectively
from mffnb.parallel.grid import Grid, even_cuts
from mffnb.protocols.matrix import Matrix
from mffnb.solvers import State
from mffnb.solvers.progress import Callback
from mffnb.typing import Array, Float64Array

# Environment variables in which MPI launchers give the number of processes.
_SIZES = ("OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "PMIX_SIZE", "MPI_LOCALNRANKS", "SLURM_STEP_NUM_TASKS")


def world() -> Any:
    """Return the communicator of all ranks if a launcher started several, else None, without importing mpi4py."""
    if max(int(os.environ.get(name) or 1) for name in _SIZES) < 2:
        return None
    from mpi4py import MPI  # noqa: PLC0415  raises where there is no MPI library

    return MPI.COMM_WORLD


def balanced_cuts(bands: Array, size: int) -> Array:
    """Return limits, (size + 1,), that cut the pixels into ``size`` ranges of whole bands, as equal as possible.

    Examples
    --------
    >>> import numpy as np
    >>> balanced_cuts(np.array([0, 10, 20, 30, 36]), 2).tolist()
    [0, 20, 36]
    """
    if bands.size - 1 < size:
        raise ValueError(
            f"the map has {bands.size - 1} bands of rows, too few for {size} ranks: start at most {bands.size - 1}"
        )
    cuts = np.searchsorted(bands, np.arange(1, size) * bands[-1] / size)
    # Each rank gets at least one band, whatever the sizes of the bands.
    lowest, highest = np.arange(1, size), bands.size - 1 - np.arange(size - 1, 0, -1)
    cuts = np.clip(cuts, lowest, highest)
    for i in range(1, len(cuts)):
        cuts[i] = max(cuts[i], cuts[i - 1] + 1)
    limits: Array = bands[np.concatenate(([0], np.minimum(cuts, highest), [bands.size - 1])).astype(int)]
    return limits


def pixel_limits(bands: Array, shape: tuple[int, int]) -> Array:
    """Return the limits of the pixels of each rank of a grid, (rows x columns + 1,), row by row.

    Each row of ranks gets a range of whole bands, and divides it among its ranks. Some of these may get no pixel.
    """
    rows = balanced_cuts(bands, shape[0])
    cuts = [
        even_cuts(bands[(bands >= start) & (bands <= stop)], shape[1])[:-1] for start, stop in itertools.pairwise(rows)
    ]
    return np.concatenate([*cuts, rows[-1:]])


def grid_for(layout: Layout, communicator: Any) -> Grid:
    """Return the process grid for an image: the given one, or one whose shape communicates the fewest numbers."""
    channels = prod(layout.channel_shape.values()) if layout.channel_mask is None else int(layout.channel_mask.sum())
    return Grid.over(communicator).of_shape_for(int(layout.bands[-1]), channels)


def block_of_rank(layout: Layout, communicator: Any) -> Block:
    """Return the map rows of this rank's pixels; rows without used pixels belong to the rank before."""
    grid = grid_for(layout, communicator)
    assert grid.shape is not None
    limits, rows = pixel_limits(layout.bands, grid.shape), layout.map_shape[0]
    # Bands consist of whole rows of the map, so that each limit is the start of a row.
    starts = [0, *np.searchsorted(layout.pixel_ends, limits[1:-1], "right").tolist(), rows]
    dim = next(iter(layout.pixel_shape))
    return Block(grid.communicator, dim, starts[grid.rank], starts[grid.rank + 1], rows)


def distributed_matrix(layout: Layout, cube: xr.DataArray, communicator: Any) -> Distributed:
    """Read this rank's block of the data matrix X, and no other values of the cube.

    Parameters
    ----------
    layout, cube
        Pixel and channel layout of the image, and the image itself.
    communicator
        An mpi4py communicator, or a :class:`mffnb.parallel.Grid`.
    """
    grid = grid_for(layout, communicator)
    assert grid.shape is not None
    (i, j), (_, columns) = grid.place, grid.shape
    limits = pixel_limits(layout.bands, grid.shape)
    rows = DistributedAxis(int(limits[-1]), limits[i * columns : (i + 1) * columns + 1], grid.row, j)
    channels, of_ranks = _channel_limits(layout, grid.shape)
    across = DistributedAxis(int(channels[-1]), of_ranks[j], grid.column, i)
    block = run_collectively(grid.communicator, lambda: _block(layout, cube, rows.block, across.block))
    return Distributed(block, rows, across, grid.communicator)


def load_if_small(matrix: Distributed) -> Distributed:
    """Read the block of this rank into memory if all blocks on its machine fit into a quarter of the memory."""
    block, communicator = matrix.block, matrix.communicator
    beside = min(communicator.size, int(os.environ.get("MPI_LOCALNRANKS") or communicator.size))
    fits = not stays_on_disk(prod(matrix.shape) * beside // communicator.size)

    def read() -> Matrix:
        return in_memory(block.rows[0 : block.shape[0]]) if fits and isinstance(block, Chunked) else block

    return matrix.with_block(run_collectively(communicator, read))


def gather(values: Float64Array, communicator: Any) -> Float64Array:
    """Return the values (pixels of this rank, ...) of all ranks together, in pixel order, on every rank."""
    everywhere = Grid.over(communicator).communicator
    # Into one array: the generic allgather holds the values of all ranks three times.
    counts = everywhere.allgather(values.size)
    whole = np.empty(sum(counts))
    everywhere.Allgatherv(np.array(values, dtype=np.float64, order="C").ravel(), [whole, counts])
    return whole.reshape(-1, *values.shape[1:])


def collective_callback(callback: Callback, communicator: Any) -> Callback:
    """Wrap a callback so that the run ends on all ranks if it returns True, or raises, on one of them."""
    grid = Grid.over(communicator)

    def answer(state: State) -> str:
        try:
            returned = callback(state)
        except KeyboardInterrupt:  # if this rank alone raised the error, the other ranks would wait for it
            return "interrupt"
        return "stop" if isinstance(returned, (bool, np.bool_)) and returned else "go on"

    def call(state: State) -> bool:
        answers = grid.communicator.allgather(run_collectively(grid.communicator, lambda: answer(state)))
        if "interrupt" in answers:
            raise KeyboardInterrupt
        return "stop" in answers

    return call


def _channel_limits(layout: Layout, shape: tuple[int, int]) -> tuple[Array, list[Array]]:
    """Return the channel limits of each column of a grid, and within each column those of its ranks."""
    slabs = layout.channel_ends
    channels = even_cuts(np.concatenate(([0], slabs)), shape[1])
    return channels, [
        even_cuts(np.arange(start, stop + 1), shape[0]) for start, stop in itertools.pairwise(channels.tolist())
    ]


def _block(layout: Layout, cube: xr.DataArray, rows: slice, columns: slice) -> Matrix:
    """Read a block of X that consists of whole rows of the map and whole slabs of channels."""
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
