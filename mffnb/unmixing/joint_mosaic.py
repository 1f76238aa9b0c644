"""Several images as one mosaic, for the explorer: the settings of a joint fit, and its result for each image."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from mffnb.cubes.data_array import data_array
from mffnb.cubes.mosaic import mosaic_of
from mffnb.cubes.sparse_map import SparseMap
from mffnb.cubes.sparse_pixels import sparse_pixels_of
from mffnb.cubes.stacked_images import IMAGE, PIXEL, image_coordinate
from mffnb.cubes.tiles import COLUMN, ROW, Tile, note_of, order_of, tiles_of
from mffnb.preprocessing import Chain
from mffnb.typing import Array
from mffnb.unmixing.joint import JointUnmixing
from mffnb.unmixing.joint_input import DEFAULTS, JointInput, for_one_image
from mffnb.unmixing.result import ProcessedFactors, Unmixing


def mosaic_input(images: Sequence[Any], settings: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Return the mosaic of several images, and keywords of an explorer for it.

    Masks and weights are lists with one entry for each image, as for :func:`mffnb.unmix`. A list of one image gives
    that image.

    Raises
    ------
    TypeError, ValueError
        If an image cannot be used, or masks, weights or steps do not suit several images.
    """
    weights = settings.get("image_weights")
    settings = {name: value for name, value in settings.items() if name != "image_weights"}
    if len(images) == 1:
        return images[0], for_one_image(settings, weights)
    given = JointInput.of(images, settings.get("channel"), settings.get("preprocess"))
    cube, _ = mosaic_of(given.stack, given.names)
    return cube, settings | settings_on_mosaic(given, cube, settings, weights)


def settings_on_mosaic(
    given: JointInput, cube: xr.DataArray, settings: dict[str, Any], image_weights: Any
) -> dict[str, Any]:
    """Return masks and weights of a list of images, where there are any, for the mosaic of these images.

    Raises
    ------
    TypeError, ValueError
        If masks, weights or steps do not suit the images.
    """
    found = given.translated(DEFAULTS | settings, image_weights)
    shape = cube.sizes[ROW], cube.sizes[COLUMN]
    placed = partial(_placed, order=order_of(tiles_of(cube), shape), shape=shape)
    mask = found["mask"]
    if mask is not None:
        pixels, channels = mask
        pixels = xr.DataArray(placed(pixels, fill=False), dims=(ROW, COLUMN))
        mask = pixels if channels is None else [pixels, channels]
    changed = {"mask": mask, "weights": _placed_weights(found["weights"], placed)}
    return {name: value for name, value in changed.items() if value is not None}


def stacked_mosaic(cube: xr.DataArray, mask: Any) -> tuple[xr.DataArray, Any]:
    """Return the stacked pixels of a mosaic, and a mask of :func:`mosaic_input` for them."""
    tiles = tiles_of(cube)
    parts = mask if isinstance(mask, list) else [mask]
    found = [
        _stacked_variable(one.variable, tiles).values if isinstance(one, xr.DataArray) and ROW in one.dims else one
        for one in parts
    ]
    return _stacked(cube, tiles), found if isinstance(mask, list) else found[0]


def is_mosaic(result: Unmixing) -> bool:
    """Return whether the maps of a result are those of several images."""
    return bool(tiles_of(result.abundances))


def joint_of_mosaic(result: Unmixing) -> JointUnmixing:
    """Return the joint result that :func:`mffnb.unmix` gives for a list of images, from that of their mosaic."""
    tiles = tiles_of(result.abundances)
    parts = tuple(
        replace(_rearranged(result, one.part, one.variable), parameters={**result.parameters, "image": number})
        for number, one in enumerate(tiles)
    )
    shared = _rearranged(result, partial(_stacked, tiles=tiles), partial(_stacked_variable, tiles=tiles))
    shared = replace(shared, parameters={**result.parameters, "images": len(tiles)})
    return JointUnmixing(shared, parts, tuple(one.name for one in tiles), note_of(result.abundances))


def mosaic_of_joint(joint: JointUnmixing, cube: xr.DataArray) -> Unmixing:
    """Return a joint result as that of the mosaic of its images, for example as a start.

    Raises
    ------
    ValueError
        If it has other images.
    """
    return replace(mosaic_result(joint, cube), cube=None)


def mosaic_result(joint: JointUnmixing, cube: xr.DataArray) -> Unmixing:
    """Return a joint result as that of the mosaic of its images, with the mosaic as its data.

    Raises
    ------
    ValueError
        If it has other images.
    """
    tiles, shape = tiles_of(cube), (cube.sizes[ROW], cube.sizes[COLUMN])
    if len(joint) != len(tiles):
        raise ValueError(f"start is a result for {len(joint)} images, and there are {len(tiles)}: pass one for them")
    order = order_of(tiles, shape)
    on_map = {name: one.variable for name, one in cube.coords.items() if one.dims and {*one.dims} <= {ROW, COLUMN}}

    def of_variable(array: xr.Variable) -> xr.Variable:
        if PIXEL not in array.dims:
            return array
        values = array.transpose(PIXEL, ...)
        if values.shape[0] != order.size:
            raise ValueError(f"start has {values.shape[0]} pixels, and the images have {order.size}: pass one for them")
        placed = _placed(np.asarray(values.values, np.float64), order, shape, np.nan)
        others = [name for name in array.dims if name != PIXEL]
        return xr.Variable((ROW, COLUMN, *others), placed, array.attrs).transpose(*others, ROW, COLUMN)

    def of_array(array: xr.DataArray) -> xr.DataArray:
        found = of_variable(array.variable)
        kept = {name: one.variable for name, one in array.coords.items() if PIXEL not in one.dims}
        return data_array(found.values, found.dims, kept | on_map, array.name, array.attrs)

    return replace(_rearranged(replace(joint.shared, cube=None), of_array, of_variable), cube=cube)


def _placed(values: Array, order: Array, shape: tuple[int, int], fill: Any) -> Array:
    """Return values of the stacked pixels at their positions in a mosaic."""
    found = np.full((shape[0] * shape[1], *values.shape[1:]), fill, np.asarray(values).dtype)
    found[order] = values
    return found.reshape(*shape, *values.shape[1:])


def _placed_weights(weights: Any, placed: Callable[..., Array]) -> Any:
    """Return weights over stacked pixels, over channels, or a list of both, for a mosaic."""
    if isinstance(weights, list):
        return [_placed_weights(one, placed) for one in weights]
    if not isinstance(weights, xr.DataArray) or PIXEL not in weights.dims:
        return weights
    values = weights.transpose(PIXEL, ...)
    return xr.DataArray(placed(values.values, fill=1), dims=(ROW, COLUMN, *values.dims[1:]))


def _rearranged(
    result: Unmixing,
    arrays: Callable[[xr.DataArray], xr.DataArray],
    variables: Callable[[xr.Variable], xr.Variable],
) -> Unmixing:
    """Return a result with other pixel dimensions: of its maps, its cube and its fitted preprocessing."""

    def maps(array: xr.DataArray | None) -> Any:
        return None if array is None else arrays(array)

    made = result.processed
    processed = None
    if made is not None:
        chain = _chain(made.chain, variables)
        processed = ProcessedFactors(chain, made.endmembers, maps(made.abundances), maps(made.gain))
    return replace(
        result, abundances=maps(result.abundances), gain=maps(result.gain), cube=maps(result.cube), processed=processed
    )


def _chain(chain: Chain, variables: Callable[[xr.Variable], xr.Variable]) -> Chain:
    """Return fitted steps whose arrays over the mosaic are rearranged."""
    fitted: list[Any] = []
    one: Any
    for one in chain.fitted:
        arrays = {field.name: getattr(one, field.name) for field in fields(one)}
        changed = {
            name: variables(array)
            for name, array in arrays.items()
            if isinstance(array, xr.Variable) and {ROW, COLUMN, PIXEL} & {*array.dims}
        }
        fitted.append(replace(one, **changed) if changed else one)
    return replace(chain, fitted=tuple(fitted))


def _stacked_variable(array: xr.Variable, tiles: Sequence[Tile]) -> xr.Variable:
    """Return an array over a mosaic with the stacked pixels of its images."""
    others = [name for name in array.dims if name not in (ROW, COLUMN)]
    parts = []
    for tile in tiles:
        one = array.isel(tile.area).transpose(ROW, COLUMN, *others)
        parts.append(np.asarray(one.values).reshape(-1, *one.shape[2:]))
    before = [name for name in array.dims[:1] if name in others]  # the components come before the pixels
    return xr.Variable((PIXEL, *others), np.concatenate(parts), array.attrs).transpose(*before, PIXEL, ...)


def _stacked(array: xr.DataArray, tiles: Sequence[Tile]) -> xr.DataArray:
    """Return a labelled array over a mosaic with the stacked pixels of its images."""
    coords = {name: one.variable for name, one in array.coords.items() if not {*one.dims} & {ROW, COLUMN}}
    shapes = [(one.width,) if len(one.dims) == 1 else (one.height, one.width) for one in tiles]
    coords[IMAGE] = image_coordinate(shapes)
    held = sparse_pixels_of(array)
    if isinstance(held, SparseMap):
        order = order_of(tiles, (array.sizes[ROW], array.sizes[COLUMN]))
        values = SparseMap(held.compressed()[order], (order.size,), held.absent[order])
        return xr.DataArray(xr.Variable((PIXEL, array.dims[-1]), values, array.attrs), coords=coords, name=array.name)
    found = _stacked_variable(array.variable, tiles)
    return data_array(found.values, found.dims, coords, array.name, array.attrs)
