"""Stack several spectral images as one cube (pixel, channels), with their channels aligned by label."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import xarray as xr
from scipy import sparse

from mffnb.cubes.align import Frame
from mffnb.cubes.common_channels import common_channels
from mffnb.cubes.data_array import data_array
from mffnb.cubes.interpolated_channels import interpolate_channels
from mffnb.cubes.layout import channel_names, frame_of
from mffnb.cubes.sparse_map import SparseMap
from mffnb.cubes.sparse_pixels import sparse_pixels_of
from mffnb.cubes.stacked_images import IMAGE, PIXEL, image_coordinate
from mffnb.errors import MffnbWarning, warn
from mffnb.typing import Array


def warn_if_planes(data: Sequence[Any]) -> None:
    """Warn that each plain array of two dimensions is a line of pixels, where a list may hold planes of one image."""
    shapes = {one.shape for one in data if type(one) is np.ndarray}
    if len(shapes) == 1 and all(type(one) is np.ndarray for one in data) and len(shape := shapes.pop()) == 2:
        pixels, channels = shape
        warn(
            f"a list holds images with common endmembers, here {len(data)} of {pixels} pixels and {channels} channels: "
            "if these arrays are rows of one image, pass numpy.stack(list); if they are its channels, "
            "numpy.stack(list, axis=-1)",
            MffnbWarning,
        )


@dataclass(frozen=True, eq=False)
class ImageStack:
    """Several images with common channels, and the cube (pixel, channels) of all their pixels.

    Attributes
    ----------
    images
        The images at their common channels, pixel dimensions first.
    frames
        Dimensions and coordinates of each image at its own channels, before alignment.
    kept
        For each image and channel dimension, the positions of the common channels.
    cube
        The stack. Its coordinate "image" says which image a pixel belongs to.
    note
        A sentence on channels that were left out; "" if there are none.
    """

    images: tuple[xr.DataArray, ...]
    frames: tuple[Frame, ...]
    kept: tuple[dict[Hashable, Array], ...]
    cube: xr.DataArray
    note: str

    @classmethod
    def of(
        cls,
        cubes: Sequence[xr.DataArray],
        channel: str | Sequence[Hashable] | None = None,
        *,
        interpolate: bool = False,
    ) -> ImageStack:
        """Align the channels of images by their labels, and stack their pixels.

        Parameters
        ----------
        cubes
            Images with the same channel dimensions; pixel dimensions may differ.
        channel
            Name(s) of the channel dimension(s); None for those of each image.
        interpolate
            Whether images are interpolated to the channels of the first one, instead of the channels that all have.

        Raises
        ------
        ValueError
            If channel dimensions or their units differ, if no channel is common, or if one image is a stack already.
        """
        names = [channel_names(cube, channel) for cube in cubes]
        if len({*names}) > 1:
            raise ValueError(
                f"the images have different channel dimensions ({', '.join(' x '.join(map(str, n)) for n in names)}): "
                "rename them, cube.rename(...), or name one with channel="
            )
        taken = next((name for name in names[0] if name in (PIXEL, IMAGE)), None)
        if taken is not None:
            raise ValueError(f"stacked images use the name {taken!r} themselves: rename that channel dimension")
        frames = tuple(frame_of(cube, names[0]) for cube in cubes)
        for number, frame in enumerate(frames):
            if not frame.pixel_shape:
                raise ValueError(f"image {number} has no pixel dimension: all of {cubes[number].dims} are channels")
        if interpolate:
            moved, nearest, note = interpolate_channels(cubes, names[0])
            images = tuple(
                one.transpose(*frame.pixel_shape, *names[0]) for one, frame in zip(moved, frames, strict=True)
            )
            return cls(images, frames, tuple(nearest), _stacked(images, names[0]), note)
        kept, note = common_channels(frames)
        images = tuple(
            _at(cube, positions).transpose(*frame.pixel_shape, *names[0])
            for cube, positions, frame in zip(cubes, kept, frames, strict=True)
        )
        return cls(images, frames, kept, _stacked(images, names[0]), note)

    @property
    def ends(self) -> Array:
        """Limits of the pixels of each image in the stack, (images + 1,)."""
        sizes = [int(np.prod(list(frame.pixel_shape.values()))) for frame in self.frames]
        return np.cumsum([0, *sizes])

    @property
    def rows(self) -> tuple[slice, ...]:
        """The pixels of each image in the stack."""
        return tuple(slice(*pair) for pair in pairwise(self.ends.tolist()))

    def with_cube(self, cube: xr.DataArray) -> ImageStack:
        """Return the stack with other values, given as a cube of all its pixels.

        Raises
        ------
        ValueError
            If the cube has another shape.
        """
        if cube.shape != self.cube.shape:
            raise ValueError(f"the stack of images has shape {self.cube.shape}, got {cube.shape}: keep its shape")
        values = np.asarray(cube.values)
        images = tuple(
            one.copy(data=values[rows].reshape(one.shape)) for one, rows in zip(self.images, self.rows, strict=True)
        )
        return replace(self, images=images, cube=cube)

    def at_common(self, values: Array, number: int) -> Array:
        """Return values over the channel dimensions of one image, which come last, at the common channels."""
        positions = [self.kept[number][name] for name in self.frames[number].channel_shape]
        for axis, some in enumerate(reversed(positions)):
            values = values.take(some, axis=values.ndim - 1 - axis)
        return values


def _at(cube: xr.DataArray, positions: dict[Hashable, Array]) -> xr.DataArray:
    """Return a cube at some positions of its channels; the cube itself if these are all in order."""
    some = {name: index for name, index in positions.items() if not np.array_equal(index, np.arange(cube.sizes[name]))}
    return cube.isel(some) if some else cube


def _stacked(images: Sequence[xr.DataArray], channels: tuple[Hashable, ...]) -> xr.DataArray:
    """Return the pixels of all images as one cube with the channel coordinates of the first image."""
    first = images[0]
    coords = {name: one.variable for name, one in first.coords.items() if {*one.dims} <= {*channels}}
    shapes = [tuple(size for name, size in one.sizes.items() if name not in channels) for one in images]
    coords[IMAGE] = image_coordinate(shapes)
    attrs = {
        key: value for key, value in first.attrs.items() if all(_same(one.attrs.get(key), value) for one in images)
    }
    sources = [str(one.attrs["source"]) for one in images if one.attrs.get("source")]
    if sources:
        attrs["source"] = "; ".join(sources)
    held = [sparse_pixels_of(one) for one in images]
    if all(one is not None for one in held):
        rows = sparse.vstack([one.compressed() for one in held if one is not None], format="csr")
        absent = [one.absent if isinstance(one, SparseMap) else np.zeros(one.shape[0], bool) for one in held if one]
        values: Any = SparseMap(rows, (rows.shape[0],), np.concatenate(absent))
        return xr.DataArray(xr.Variable((PIXEL, *channels), values, attrs), coords=coords, name=first.name)
    lengths = [first.sizes[name] for name in channels]
    values = np.concatenate([np.asarray(one.values).reshape(-1, *lengths) for one in images])
    return data_array(values, (PIXEL, *channels), coords, first.name, attrs)


def _same(a: Any, b: Any) -> bool:
    """Return whether two attributes are equal; arrays are compared as a whole."""
    return bool(np.array_equal(a, b)) if isinstance(a, np.ndarray) or isinstance(b, np.ndarray) else bool(a == b)
