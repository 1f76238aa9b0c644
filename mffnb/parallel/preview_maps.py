"""Small maps of a run whose pixels lie on several ranks: means over blocks of pixels."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, replace
from math import ceil, prod
from typing import Any

import numpy as np
import xarray as xr

from mffnb.cubes.layout import Layout
from mffnb.matrices import replicate_columns
from mffnb.parallel.collective_call import Watch, Word
from mffnb.protocols.matrix import Matrix
from mffnb.solvers import Outcome, State
from mffnb.typing import Array, Float64Array

LONGEST = 192
"""Most blocks along a side of a map."""


def block(shape: tuple[int, ...], longest: int = LONGEST) -> int:
    """Side of the blocks that make the longest side of a map fit.

    Examples
    --------
    >>> block((64, 64)), block((1000, 300))
    (1, 6)
    """
    return max(1, ceil(max(shape) / longest))


@dataclass(frozen=True, eq=False)
class Blocks:
    """Which block each pixel of this rank lies in.

    Attributes
    ----------
    shape
        Of the small map.
    place
        Number of the block of each pixel here.
    share
        One over the number of used pixels of each block on all ranks; 0 where there is none.
    communicator
        Of all ranks.
    """

    shape: tuple[int, ...]
    place: Array
    share: Float64Array
    communicator: Any

    @classmethod
    def of(cls, layout: Layout, own: slice, communicator: Any) -> Blocks:
        """Blocks of the pixels ``own`` among the used ones of a layout; all ranks have to ask."""
        side = block(layout.map_shape)
        shape = tuple(ceil(length / side) for length in layout.map_shape)
        used = layout.pixel_mask
        pixels = np.arange(own.start, own.stop) if used is None else np.flatnonzero(used)[own]
        places = [axis // side for axis in np.unravel_index(pixels, layout.map_shape)]
        place = np.ravel_multi_index(tuple(places), shape)
        count = _summed(np.bincount(place, minlength=prod(shape)), communicator)
        share = np.divide(1.0, count, out=np.zeros_like(count), where=count > 0)
        return cls(shape, place, share, communicator)

    def means(self, factor: Float64Array) -> Float64Array:
        """Mean of each row of a factor (k, own pixels) over each block, (k, blocks), on the first rank."""
        sums = [np.bincount(self.place, weights=row, minlength=self.share.size) for row in factor]
        return np.asarray(_summed(np.stack(sums), self.communicator) * self.share)


def coarse(layout: Layout) -> Layout:
    """The layout of small maps; blocks without a used pixel are masked.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> cube = xr.DataArray(np.ones((400, 300, 4)), dims=("y", "x", "mz"), coords={"y": 0.5 * np.arange(400)})
    >>> small = coarse(Layout.of(cube))
    >>> small.map_shape, small.coords["y"].values[:2].tolist()
    ((134, 100), [0.5, 2.0])
    """
    side = block(layout.map_shape)
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


class Glimpses:
    """A callback for a run on ranks: asks the client what to do, and shows it small maps from time to time.

    Parameters
    ----------
    watch
        The line to the client.
    maps
        Whether anyone looks at the maps; numbers are always shown.
    """

    def __init__(self, watch: Watch, maps: bool) -> None:
        self._watch, self._maps = watch, maps
        self._blocks: Blocks | None = None
        self._matrix: Matrix | None = None

    def place(self, layout: Layout, matrix: Matrix) -> None:
        """Learn which pixels and channels are here."""
        self._matrix = matrix
        self._blocks = Blocks.of(layout, matrix.own, self._watch.communicator) if self._maps else None

    def __call__(self, state: State) -> bool:
        """Show a state; True if the client wants no more."""
        word, due = self._watch.look()
        if due or state.outcome is not Outcome.RUNNING:
            maps = np.empty((0, 0)) if self._blocks is None else self._blocks.means(state.abundances)
            if self._blocks is not None:
                maps = maps.reshape(-1, *self._blocks.shape)
            spectra = state.endmembers if self._matrix is None else replicate_columns(self._matrix, state.endmembers)
            self._watch.show(replace(state, abundances=maps.astype(np.float32), endmembers=spectra.copy()))
        if word is Word.INTERRUPT:
            raise KeyboardInterrupt
        return word is Word.STOP


def _by_blocks(variable: xr.Variable, windows: Mapping[Hashable, int], of: Callable[..., Any]) -> xr.Variable:
    small: xr.Variable = variable.coarsen(windows, of, boundary="pad")  # type: ignore[no-untyped-call]
    return small


def _summed(values: Array, communicator: Any) -> Float64Array:
    here = np.ascontiguousarray(values, dtype=np.float64)
    total = np.zeros_like(here)
    communicator.Reduce(here, total, root=0)
    return total
