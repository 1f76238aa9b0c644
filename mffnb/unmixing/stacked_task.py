"""Several images as one cube of pixels, for scans and stability, and results of this cube split by image again."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import xarray as xr

from mffnb.cubes.as_cube import as_cube
from mffnb.io.read import read
from mffnb.preprocessing.image_scaling import ImageScaling
from mffnb.unmixing.joint import JointUnmixing
from mffnb.unmixing.joint_input import DEFAULTS, JointInput, check_channels, for_one_image, names_of_images
from mffnb.unmixing.joint_parts import maps_of_image, parts_of
from mffnb.unmixing.result import Unmixing

_JOINT_ONLY = ("image_weights", "channels")


@dataclass(frozen=True, eq=False)
class StackedTask:
    """A list of images as one cube; unmixing the cube with the settings is the joint model.

    Attributes
    ----------
    cube
        All pixels, ("pixel", channel dims); the image itself if the list has only one.
    settings
        Keywords of :func:`mffnb.unmix` for the cube. Keywords that are left out have their defaults.
    images
        The images with aligned channels; None if there is only one.
    channels
        How channels were aligned, see :func:`mffnb.unmix`.
    """

    cube: xr.DataArray
    settings: dict[str, Any]
    images: JointInput | None
    channels: str = "intersection"

    @classmethod
    def of(cls, images: Sequence[Any], settings: dict[str, Any], earlier: Unmixing | None = None) -> StackedTask:
        """Open and stack images, and translate keywords of :func:`mffnb.unmix` for a list to keywords for the stack.

        Parameters
        ----------
        images
            Images or their paths.
        settings
            Keywords, also ``image_weights`` and ``channels``.
        earlier
            Result of these images whose preprocessing steps are used again; None for those of the settings.

        Raises
        ------
        TypeError, ValueError
            If an image or a keyword cannot be used.
        """
        given = {name: value for name, value in settings.items() if name not in _JOINT_ONLY}
        image_weights, channels = settings.get("image_weights"), settings.get("channels", "intersection")
        if len(images) == 1:
            one = images[0]
            cube = read(one) if isinstance(one, (str, os.PathLike)) else as_cube(one)
            return cls(cube, for_one_image(given, image_weights), None)
        whole = DEFAULTS | given
        check_channels(channels, whole)
        stacked = JointInput.of(images, given.get("channel"), given.get("preprocess"), channels)
        changed = stacked.translated(whole, image_weights)
        if earlier is None:
            changed = stacked.scaled(changed)
        elif "preprocess" in given and _was_scaled(earlier):
            changed = changed | {"preprocess": [*(given["preprocess"] or ()), ImageScaling()]}
        names = ["mask", "weights"]
        if earlier is None or "preprocess" in given:  # else the steps of the earlier result are used again
            names.append("preprocess")
        needed = {name: changed[name] for name in names if changed[name] is not None}
        return cls(stacked.stack.cube, given | needed, stacked, channels)

    def joint(self, result: Unmixing) -> JointUnmixing:
        """Return a result for the cube as a joint result, with maps of each image."""
        if self.images is None:
            return JointUnmixing(result, (result,), names_of_images([self.cube]))
        record = {**result.parameters, "images": len(self.images.names)}
        if self.channels != "intersection":
            record["channels"] = self.channels
        shared = replace(result, parameters=record)
        stack = self.images.stack
        return JointUnmixing(shared, parts_of(shared, stack), self.images.names, stack.note)

    def maps(self, array: xr.DataArray, number: int) -> xr.DataArray:
        """Return maps of one image from maps of the cube, with the dimensions and coordinates of that image."""
        return array if self.images is None else maps_of_image(array, self.images.stack, number)


def _was_scaled(result: Unmixing) -> bool:
    """Return whether images were divided by their brightness."""
    steps = () if result.processed is None else result.processed.chain.steps
    return any(isinstance(step, ImageScaling) for step in steps)
