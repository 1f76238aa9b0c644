"""Split the result for stacked images into one ordinary result for each image."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any

import xarray as xr

from mffnb.cubes.image_stack import ImageStack
from mffnb.cubes.layout import Layout
from mffnb.cubes.stacked_images import PIXEL
from mffnb.preprocessing import Chain
from mffnb.unmixing.result import ProcessedFactors, Unmixing


def parts_of(shared: Unmixing, stack: ImageStack, own: Sequence[Unmixing] = ()) -> tuple[Unmixing, ...]:
    """Return the result of each image from the result for all pixels of a stack.

    Parameters
    ----------
    shared, stack
        The result, and the images.
    own
        Results for all pixels with the endmembers of each image, if they are not equal.
    """
    images = own or [shared] * len(stack.images)
    return tuple(_part(replace(one, parameters=shared.parameters), stack, number) for number, one in enumerate(images))


def _part(shared: Unmixing, stack: ImageStack, number: int) -> Unmixing:
    """Return the result of one image, with its own map dimensions, coordinates and data."""
    frame, rows = stack.frames[number], slice(*stack.ends[number : number + 2].tolist())

    def maps(array: xr.DataArray) -> xr.DataArray:
        return maps_of_image(array, stack, number)

    def maps_or_none(array: xr.DataArray | None) -> xr.DataArray | None:
        return None if array is None else maps(array)

    made = shared.processed
    return replace(
        shared,
        abundances=maps(shared.abundances),
        gain=maps_or_none(shared.gain),
        cube=stack.images[number],
        parameters={**shared.parameters, "image": number},
        processed=None if made is None else ProcessedFactors(
            chain_of_image(made.chain, rows, frame.pixel_shape), made.endmembers, maps(made.abundances),
            maps_or_none(made.gain),
        ),
    )  # fmt: skip


def maps_of_image(array: xr.DataArray, stack: ImageStack, number: int) -> xr.DataArray:
    """Return the maps of one image, with its pixel dimensions and coordinates, from maps of all pixels of a stack."""
    frame, rows = stack.frames[number], slice(*stack.ends[number : number + 2].tolist())
    layout = Layout(dict(frame.pixel_shape), {}, None, None, dict(frame.coords), None, {})
    values = array.transpose(..., PIXEL).values[..., rows]
    found = layout.abundances(values) if "component" in array.dims else layout.map(values, str(array.name))
    named = {name: one.variable for name, one in array.coords.items() if one.dims == ("component",)}
    return found.assign_coords(named).assign_attrs(array.attrs).rename(array.name)


def chain_of_image(chain: Chain, rows: slice, shape: Mapping[Hashable, int]) -> Chain:
    """Return fitted preprocessing steps of stacked images for one image, whose pixels are ``rows`` of the stack."""
    return replace(chain, fitted=tuple(_of_image(one, rows, shape) for one in chain.fitted))


def _of_image(fitted: Any, rows: slice, shape: Mapping[Hashable, int]) -> Any:
    """Return a fitted step whose arrays over the stacked pixels are those of one image, in its own dimensions."""
    if not is_dataclass(fitted) or isinstance(fitted, type):
        return fitted
    arrays = {one.name: getattr(fitted, one.name) for one in fields(fitted)}
    changed = {
        name: _unstacked(array.isel({PIXEL: rows}), shape)
        for name, array in arrays.items()
        if isinstance(array, xr.Variable) and PIXEL in array.dims
    }
    return replace(fitted, **changed) if changed else fitted


def _unstacked(array: xr.Variable, shape: Mapping[Hashable, int]) -> xr.Variable:
    """Return an array over the pixels of one image with its pixel dimensions, in C order."""
    others = [name for name in array.dims if name != PIXEL]
    values = array.transpose(PIXEL, *others).values
    return xr.Variable((*shape, *others), values.reshape(*shape.values(), *values.shape[1:]), array.attrs)
