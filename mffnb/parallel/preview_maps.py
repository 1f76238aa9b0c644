"""Preview maps of a run on MPI ranks: abundances averaged over blocks of pixels, sent to the client."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, replace
from math import ceil, prod
from typing import Any

import numpy as np
import xarray as xr

from mffnb.cubes.layout import Layout
from mffnb.matrices import replicate_columns
from mffnb.parallel.collective_call import ClientLink, Instruction
from mffnb.protocols.matrix import Matrix
from mffnb.solvers import Outcome, State
from mffnb.typing import Array, Float64Array

LONGEST = 192
"""Largest number of blocks along a side of a map."""


def block_side(shape: tuple[int, ...], longest: int = LONGEST) -> int:
    """Return the side length in pixels of the blocks of a preview map, so that it has at most ``longest`` per side.

    Examples
    --------
    >>> block_side((64, 64)), block_side((1000, 300))
    (1, 6)
    """
    return max(1, ceil(max(shape) / longest))


@dataclass(frozen=True, eq=False)
class Blocks:
    """The blocks of the preview map that contain the pixels of this MPI rank.

    Attributes
    ----------
    shape
        Shape of the preview map.
    index
        Index of the block that contains each pixel of this rank.
    inverse_count
        Reciprocal of the number of used pixels of each block, on all ranks together; 0 for a block without any.
    communicator
        An mpi4py communicator of all ranks.
    """

    shape: tuple[int, ...]
    index: Array
    inverse_count: Float64Array
    communicator: Any

    @classmethod
    def of(cls, layout: Layout, own: slice, communicator: Any) -> Blocks:
        """Return the blocks of the pixels ``own``, a range of the used pixels of a layout; all ranks must call this."""
        side = block_side(layout.map_shape)
        shape = tuple(ceil(length / side) for length in layout.map_shape)
        used = layout.pixel_mask
        pixels = np.arange(own.start, own.stop) if used is None else np.flatnonzero(used)[own]
        positions = [axis // side for axis in np.unravel_index(pixels, layout.map_shape)]
        index = np.ravel_multi_index(tuple(positions), shape)
        count = _sum_on_first(np.bincount(index, minlength=prod(shape)), communicator)
        inverse_count = np.divide(1.0, count, out=np.zeros_like(count), where=count > 0)
        return cls(shape, index, inverse_count, communicator)

    def means(self, factor: Float64Array) -> Float64Array:
        """Average a factor (k, pixels of this rank) over each block, (k, blocks); valid on the first rank only."""
        sums = [np.bincount(self.index, weights=row, minlength=self.inverse_count.size) for row in factor]
        return np.asarray(_sum_on_first(np.stack(sums), self.communicator) * self.inverse_count)


def coarse(layout: Layout) -> Layout:
    """Return the pixel layout of preview maps; blocks without a used pixel are masked.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> cube = xr.DataArray(np.ones((400, 300, 4)), dims=("y", "x", "mz"), coords={"y": 0.5 * np.arange(400)})
    >>> small = coarse(Layout.of(cube))
    >>> small.map_shape, small.coords["y"].values[:2].tolist()
    ((134, 100), [0.5, 2.0])
    """
    side = block_side(layout.map_shape)
    windows = dict.fromkeys(layout.pixel_shape, side)
    coords = {}
    for name, variable in layout.coords.items():
        along = [dim for dim in variable.dims if dim in windows]
        if not along:
            coords[name] = variable
        elif len(along) == variable.ndim and variable.dtype.kind in "iuf":
            coords[name] = _by_blocks(variable.astype(float), dict.fromkeys(along, side), np.nanmean)
    mask = layout.pixel_mask
    if mask is not None:
        used = xr.Variable(tuple(layout.pixel_shape), mask.astype(float))
        mask = _by_blocks(used, windows, np.nanmax).values > 0
    shape = {name: ceil(length / side) for name, length in layout.pixel_shape.items()}
    return replace(layout, pixel_shape=shape, pixel_mask=mask, coords=coords)


@dataclass(frozen=True, eq=False)
class PreviewMaps:
    """The callback of a run on MPI ranks: read the client's instruction, and send preview maps at regular intervals.

    Attributes
    ----------
    link
        The connection of this rank to the client.
    matrix
        The data matrix X, which defines the channels of this rank.
    blocks
        Blocks of the pixels of this rank; None to send states without maps.
    """

    link: ClientLink
    matrix: Matrix
    blocks: Blocks | None

    @classmethod
    def of(cls, link: ClientLink, layout: Layout, matrix: Matrix, *, wants_maps: bool) -> PreviewMaps:
        """Create the callback for an image; all ranks must call this."""
        return cls(link, matrix, Blocks.of(layout, matrix.own, link.communicator) if wants_maps else None)

    def __call__(self, state: State) -> bool:
        """Send the state of an iteration to the client if one is due; return True if the client wants to stop."""
        instruction, due = self.link.poll()
        if due or state.outcome is not Outcome.RUNNING:
            maps = np.empty((0, 0))
            if self.blocks is not None:
                maps = self.blocks.means(state.abundances).reshape(-1, *self.blocks.shape)
            spectra = replicate_columns(self.matrix, state.endmembers)
            self.link.show(replace(state, abundances=maps.astype(np.float32), endmembers=spectra.copy()))
        if instruction is Instruction.INTERRUPT:
            raise KeyboardInterrupt
        return instruction is Instruction.STOP


def _by_blocks(variable: xr.Variable, windows: Mapping[Hashable, int], of: Callable[..., Any]) -> xr.Variable:
    small: xr.Variable = variable.coarsen(windows, of, boundary="pad")  # type: ignore[no-untyped-call]
    return small


def _sum_on_first(values: Array, communicator: Any) -> Float64Array:
    here = np.ascontiguousarray(values, dtype=np.float64)
    total = np.zeros_like(here)
    communicator.Reduce(here, total, root=0)
    return total
