"""What the tools of an explorer read: the cube before preprocessing, the data of the newest result, pixels of a map."""

from __future__ import annotations

import weakref
from collections.abc import Hashable, Mapping, Sequence

import numpy as np
import xarray as xr

from mffnb.cubes.layout import Layout
from mffnb.cubes.stacked_images import IMAGE
from mffnb.cubes.tiles import tile_named, tiles_of
from mffnb.errors import UnsupportedCombinationError
from mffnb.plots.labels import MAXIMUM, MIDDLE, as_image
from mffnb.protocols.matrix import Matrix
from mffnb.typing import Array
from mffnb.unmixing.result import Unmixing
from mffnb.widgets.session.live_data import LiveImage
from mffnb.widgets.tool import LocalSession

_COMPARABLE: weakref.WeakKeyDictionary[LiveImage, xr.DataArray] = weakref.WeakKeyDictionary()


def before_preprocessing(session: LocalSession, image: LiveImage, tool: str) -> tuple[Layout, Matrix]:
    """Return layout and data matrix of the cube as the user passed it.

    Raises
    ------
    UnsupportedCombinationError
        If a preprocessing step computes the spectra from an image, so that the cube has none; the message names the
        tool.
    """
    if image.image.chain is None:
        return image.layout, image.matrix
    task = session.source.task
    if any(step.takes_image for step in session.source.steps):
        raise UnsupportedCombinationError(
            f"{tool} needs a cube with spectra, and here a preprocessing step computes them from an image: "
            "apply the step first, and explore its result"
        )
    layout = Layout.of(session.source.cube, task.channel, task.mask)
    return layout, layout.matrix(session.source.cube)


def comparable_cube(image: LiveImage, answer: Unmixing) -> xr.DataArray:
    """Return the data on the grid and in the units of a result, computed once for each image."""
    cube = answer.cube
    if cube is None or answer.processed is None:
        assert cube is not None, "the result of an explorer holds its cube"
        return cube
    found = _COMPARABLE.get(image)
    if found is None:
        found = _COMPARABLE[image] = answer.processed.chain.target(cube)
    return found


def pixel_indices(
    maps: xr.DataArray,
    shown: Sequence[int] | None,
    position: Mapping[str, float],
    radius: float = 0.0,
    section: Mapping[Hashable, int] = MIDDLE,
) -> dict[Hashable, xr.DataArray]:
    """Return the indices of a pixel, or of the pixels around it, along each pixel dimension, for ``DataArray.isel``.

    Parameters
    ----------
    maps
        Maps ("component", pixel dims).
    shown
        Row and column in the picture of a map, or None to use ``position``.
    position
        Value of the coordinate, or index where there is none, for each pixel dimension.
    radius
        Largest distance in pixels, in the last two pixel dimensions.
    section
        Section of a stack that the picture shows, as for :func:`mffnb.plots.as_image`.

    Raises
    ------
    ValueError
        If a dimension is missing or unknown, or if the position lies outside of the image.
    """
    one = maps.isel(component=0, drop=True)
    centre = _of_picture(one, shown, section) if shown is not None else _of_position(one, position)
    plane = one.dims[-2:]
    reach = int(np.floor(radius))
    steps = np.arange(-reach, reach + 1)
    offsets = np.stack(np.meshgrid(*[steps] * len(plane), indexing="ij")).reshape(len(plane), -1)
    near = offsets[:, (offsets**2).sum(axis=0) <= radius**2]
    indices = {name: np.full(near.shape[1], index) for name, index in centre.items()}
    for name, offset in zip(plane, near, strict=True):
        indices[name] = indices[name] + offset
    inside = np.all([(indices[name] >= 0) & (indices[name] < one.sizes[name]) for name in indices], axis=0)
    if tiles_of(maps):  # the pixels around one of several images are those of the same image
        mark = maps[IMAGE].values
        here = mark[tuple(centre[name] for name in one.dims)]
        if here < 0:
            raise ValueError("this position lies between two images: point at an image, or give image=")
        inside[inside] = mark[tuple(indices[name][inside] for name in one.dims)] == here
    return {name: xr.DataArray(values[inside], dims="pixel") for name, values in indices.items()}


def in_mosaic(
    maps: xr.DataArray, image: int | str | None, pixel: Sequence[int] | None, position: Mapping[str, float]
) -> tuple[Sequence[int] | None, Mapping[str, float]]:
    """Return the pixel of the picture, or the position, for those in one of several images.

    Parameters
    ----------
    maps
        Maps ("component", pixel dims).
    image
        Number or name of the image; None if pixel and position are those of the picture.
    pixel, position
        As for :func:`pixel_indices`, in the rows, columns and coordinates of the image.

    Raises
    ------
    ValueError
        If there is no such image, or the position lies outside of it.
    """
    if image is None:
        return pixel, position
    tile = tile_named(tiles_of(maps), image)
    if pixel is None:
        return tile.pixel(position), {}
    row, column = pixel
    if not (0 <= row < tile.height and 0 <= column < tile.width):
        raise ValueError(f"pixel {row}, {column} lies outside of image {tile.name!r} of {tile.height} x {tile.width}")
    return (tile.top + row, tile.left + column), {}


def used_pixels(maps: xr.DataArray, where: Mapping[Hashable, xr.DataArray]) -> dict[Hashable, xr.DataArray]:
    """Return the pixels that the fit uses, or all of them if it uses none."""
    used = np.isfinite(maps.isel(where).values).all(axis=0)
    return {name: index[used] if used.any() else index for name, index in where.items()}


def pixel_axis(image: xr.DataArray, name: Hashable) -> Array:
    """Return the coordinate of a pixel dimension, or pixel numbers if it has no numeric one."""
    if name in image.coords and image[name].ndim == 1 and image[name].dtype.kind in "iuf":
        return np.asarray(image[name].values, dtype=np.float64)
    return np.arange(image.sizes[name], dtype=np.float64)


def picture_position(maps: xr.DataArray, where: Mapping[Hashable, xr.DataArray]) -> list[int]:
    """Return row and column of the pixel at the centre of these indices in the picture of a map."""
    of_plane = [int(np.median(where[name].values)) for name in maps.dims[1:][-2:]]
    return [0, *of_plane][-2:]


def _of_picture(image: xr.DataArray, shown: Sequence[int], section: Mapping[Hashable, int]) -> dict[Hashable, int]:
    """Return the index along each dimension of a pixel (row, column) of the picture."""
    projected = [str(name) for name in image.dims[:-2] if section.get(name) == MAXIMUM]
    if projected:
        raise ValueError(
            f"the maps show the maximum over {' and '.join(projected)}, whose pixels have no spectrum of their own: "
            f"show a section first, explorer.show_section({projected[0]}=...)"
        )
    numbers = image.copy(data=np.arange(image.size).reshape(image.shape))
    picture = as_image(numbers, section).values
    row, column = (int(index) for index in shown)
    if not (0 <= row < picture.shape[0] and 0 <= column < picture.shape[1]):
        raise ValueError(f"pixel {row}, {column} lies outside of the picture of {picture.shape} rows and columns")
    found = np.unravel_index(int(picture[row, column]), image.shape)
    return {name: int(index) for name, index in zip(image.dims, found, strict=True)}


def _of_position(image: xr.DataArray, position: Mapping[str, float]) -> dict[Hashable, int]:
    """Return the index of the pixel at a position, given by dimension."""
    if set(position) != set(map(str, image.dims)):
        raise ValueError(f"give a position for each pixel dimension, {' and '.join(f'{name}=' for name in image.dims)}")
    return {name: _nearest(image, name, position[str(name)]) for name in image.dims}


def _nearest(image: xr.DataArray, name: Hashable, value: float) -> int:
    """Return the index of the pixel nearest to a value of a coordinate; refuse values outside of the image."""
    coordinate = pixel_axis(image, name)
    index = int(np.argmin(np.abs(coordinate - value)))
    steps = np.abs(np.diff(coordinate))
    if not abs(coordinate[index] - value) <= (steps.max() if steps.size else 1.0):
        ends = f"{coordinate.min():g} to {coordinate.max():g}"
        raise ValueError(f"{name}={value:g} lies outside of the image, which has {name} from {ends}")
    return index
