"""One cube of several single-channel TIFF files, whose names state the channels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from mffnb.cubes.data_array import coordinate
from mffnb.cubes.lazy_array import lazy_cube
from mffnb.io.choose import keep_on_disk
from mffnb.io.foreign import parsing
from mffnb.io.name_pattern import named_channels
from mffnb.io.read import read
from mffnb.io.readers.tiff import TIFF, tiff_contents
from mffnb.typing import Array


@dataclass(frozen=True)
class Picture:
    """Shape and type of the only picture in a TIFF file.

    Attributes
    ----------
    shape
        Height and width in pixels.
    dtype
        Type of the values.
    """

    shape: tuple[int, int]
    dtype: np.dtype[Any]

    @classmethod
    def of(cls, path: Path) -> Picture | None:
        """Return the picture of a TIFF file; None for other files, several pictures, stacks and colours."""
        if path.suffix.lower() not in TIFF.suffixes:
            return None
        with parsing(path, TIFF):
            signals = tiff_contents(path)
        if len(signals) != 1 or len(signals[0].shape) != 2:
            return None
        height, width = (length or 0 for length in signals[0].shape)
        return cls((height, width), np.dtype(signals[0].dtype))


def read_channels(files: Sequence[Path], pattern: str | None, lazy: bool | None) -> xr.DataArray:
    """Read single-channel TIFF files as one cube (y, x, channel), in the order of the channels in their names.

    Raises
    ------
    ValueError
        If the names state no channels, or the pictures have different shapes.
    """
    channels = named_channels([path.stem for path in files], pattern)
    used = tuple(files[position] for position in channels.positions)
    planes = StoredPictures(used)
    first = read(used[0], lazy=False)
    dims = (*map(str, first.dims), channels.dim)
    if keep_on_disk(lazy, prod(planes.shape)):
        cube = lazy_cube(partial(StoredPictures, used), dims)
    else:
        cube = xr.DataArray(xr.Variable(dims, planes[:, :, :]))
    values = coordinate(channels.dim, np.array(channels.values), {"units": channels.units} if channels.units else {})
    labelled = cube.assign_coords({**first.coords, channels.dim: values})
    return labelled.assign_attrs(first.attrs | {"source": str(used[0].parent)})


class StoredPictures:
    """Pictures of several TIFF files as an array (y, x, channel) whose parts are read on demand.

    Raises
    ------
    ValueError
        If the pictures have different shapes.
    """

    def __init__(self, files: tuple[Path, ...]):
        pictures = [Picture.of(path) for path in files]
        shapes = [one.shape if one else None for one in pictures]
        other = next((n for n, shape in enumerate(shapes) if shape != shapes[0] or shape is None), None)
        if other is not None or shapes[0] is None:
            raise ValueError(
                f"{files[other or 0].name} holds {shapes[other or 0] or 'no single picture'} and {files[0].name} "
                f"{shapes[0] or 'no single picture'}: the pictures of one cube have the same shape, so select them by "
                "their names, mf.read('folder/map_*.tif') or pattern="
            )
        self.files = files
        self.shape = (*shapes[0], len(files))
        self.dtype: np.dtype[Any] = np.result_type(*(one.dtype for one in pictures if one))

    def __getitem__(self, key: tuple[Any, ...]) -> Array:
        """Read the part of the array that integers and slices select, one for each dimension."""
        import tifffile  # noqa: PLC0415  an extra

        rows, columns, channels = key
        if not isinstance(channels, slice):
            found: Array = np.asarray(tifffile.imread(self.files[channels]))[rows, columns]
            return np.asarray(found, self.dtype)
        planes = [np.asarray(tifffile.imread(path))[rows, columns] for path in self.files[channels]]
        if not planes:
            empty: Array = np.broadcast_to(np.zeros((), self.dtype), self.shape)[key]
            return empty
        return np.stack(planes, axis=-1).astype(self.dtype, copy=False)
