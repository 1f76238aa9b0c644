"""Several images as the input of one unmixing task: open, align and stack them, and translate masks and weights."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from mffnb.cubes.align import Frame, align, expand
from mffnb.cubes.as_cube import as_cube
from mffnb.cubes.image_stack import ImageStack, warn_if_planes
from mffnb.cubes.masks import aligned_masks
from mffnb.cubes.stacked_images import PIXEL
from mffnb.errors import MffnbWarning, NoiseWarning, UnsupportedCombinationError, warn
from mffnb.estimators.names import named_similarity
from mffnb.io.read import read
from mffnb.matrices.nested_lists import is_array_like
from mffnb.preprocessing import Bin, SpikeRemoval
from mffnb.preprocessing.image_scaling import ImageScaling
from mffnb.preprocessing.step_results import check_steps
from mffnb.protocols import traits_of
from mffnb.similarities import BetaDivergence, KullbackLeibler
from mffnb.unmixing.pictures import warn_if_picture

CHANNELS = ("intersection", "interpolate")
"""Ways to align the channels of several images."""
DEFAULTS: dict[str, Any] = {
    "similarity": "frobenius", "transform": None, "sum_to_one": False, "gain": False, "mask": None, "weights": None,
    "preprocess": (),
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class JointInput:
    """Images that are unmixed jointly, with their names.

    Attributes
    ----------
    stack
        The images with aligned channels, and the cube of all pixels.
    names
        Name of each image: that of its file or of its DataArray, or its number.
    """

    stack: ImageStack
    names: tuple[str, ...]

    @classmethod
    def of(cls, images: Sequence[Any], channel: Any, preprocess: Any, channels: str = "intersection") -> JointInput:
        """Open images, which may be paths, and stack them; warn of channels that are left out.

        Raises
        ------
        TypeError, ValueError
            If an image cannot be used, or channels cannot be aligned.
        """
        warn_if_planes(images)
        cubes = [read(one) if isinstance(one, (str, os.PathLike)) else as_cube(one) for one in images]
        for cube in cubes:
            warn_if_picture(cube, channel, preprocess)
        if channels not in CHANNELS:
            raise ValueError(f"channels={channels!r} is not known: use {' or '.join(map(repr, CHANNELS))}")
        stack = ImageStack.of(cubes, channel, interpolate=channels == "interpolate")
        if channels == "interpolate" and any(one.dtype.kind in "iu" for one in cubes):
            warn("interpolation averages neighbouring counts, so that their noise is no longer Poisson", NoiseWarning)
        if stack.note:
            warn(stack.note, MffnbWarning)
        return cls(stack, names_of_images(cubes))

    def __len__(self) -> int:
        return len(self.names)

    def with_cube(self, cube: xr.DataArray) -> JointInput:
        """Return the same images with other values, given as a cube of all their pixels."""
        return replace(self, stack=self.stack.with_cube(cube))

    def translated(self, settings: dict[str, Any], image_weights: Any) -> dict[str, Any]:
        """Return keywords of :func:`mffnb.unmix` for the stack: masks and weights over its pixels and channels.

        Raises
        ------
        ValueError
            If masks, weights or steps do not suit several images.
        """
        check_steps(settings["preprocess"] or ())
        _check_steps_suit(settings["preprocess"] or ())
        mask, weights = self._mask(settings["mask"]), self._weights(settings["weights"])
        of_images = self._image_weights(image_weights)
        if of_images is not None:
            weights = of_images if weights is None else [weights, of_images]
        return settings | {"mask": mask, "weights": weights}

    def scaled(self, settings: dict[str, Any]) -> dict[str, Any]:
        """Return the keywords with :class:`mffnb.preprocessing.ImageScaling` as last step, if it suits the model."""
        if not divides_images(settings):
            return settings
        return settings | {"preprocess": [*(settings["preprocess"] or ()), ImageScaling()]}

    def _mask(self, mask: Any) -> Any:
        """Return the masks [pixels, channels] of the stack; None if all are used."""
        if mask is None:
            return None
        frames = self.stack.frames
        found = [aligned_masks(one, frame) for one, frame in zip(self._each(mask, "mask"), frames, strict=True)]
        pixels = [
            np.ones(tuple(frame.pixel_shape.values()), bool) if of_pixels is None else of_pixels
            for (of_pixels, _), frame in zip(found, frames, strict=True)
        ]
        channels = None
        for number, (_, used) in enumerate(found):
            if used is not None:
                here = self.stack.at_common(used, number)
                channels = here if channels is None else channels & here
        return [np.concatenate([one.ravel() for one in pixels]), channels]

    def _weights(self, weights: Any) -> Any:
        """Return weights over the pixels, the channels or the entries of the stack; a name stays as it is."""
        if weights is None or isinstance(weights, str):
            return weights
        if not isinstance(weights, (list, tuple)) or is_array_like(weights):
            return weights
        each, frames = self._each(weights, "weights"), self.stack.frames
        found = [_product(one, frame) for one, frame in zip(each, frames, strict=True)]
        channels = tuple(frames[0].channel_shape)
        entrywise = any({*one.dims} & {*channels} for one in found)
        flat = []
        for number, (one, frame) in enumerate(zip(found, frames, strict=True)):
            values = expand(one, frame.shape if entrywise else frame.pixel_shape).values
            pixels = int(np.prod(list(frame.pixel_shape.values())))
            values = values.reshape(pixels, *(frame.channel_shape.values() if entrywise else ()))
            flat.append(self.stack.at_common(values, number) if entrywise else values)
        return xr.DataArray(np.concatenate(flat), dims=(PIXEL, *(channels if entrywise else ())))

    def _image_weights(self, weights: Any) -> xr.DataArray | None:
        """Return weights over the stacked pixels from one positive number for each image."""
        if weights is None:
            return None
        values, images = np.asarray(weights, dtype=np.float64), len(self.stack.images)
        if values.shape != (images,) or not (np.isfinite(values) & (values > 0)).all():
            raise ValueError(f"image_weights holds one number > 0 for each of the {images} images; got {weights!r}")
        return xr.DataArray(np.repeat(values, np.diff(self.stack.ends)), dims=(PIXEL,))

    def _each(self, given: Any, what: str) -> list[Any]:
        """Return one entry for each image: those of a list, or the same for all."""
        images = len(self.stack.images)
        if not isinstance(given, (list, tuple)) or is_array_like(given):
            return [given] * images
        if len(given) != images:
            raise ValueError(
                f"{what} of {images} images is a list with one entry for each (None where there is none), or one array "
                f"over the channels; got a list of {len(given)}"
            )
        return list(given)


def for_one_image(settings: dict[str, Any], image_weights: Any) -> dict[str, Any]:
    """Return the keywords for the only image of a list: masks and weights without their outer list.

    Raises
    ------
    ValueError
        If ``image_weights`` does not hold one number.
    """
    if image_weights is not None and len(image_weights) != 1:
        raise ValueError(f"image_weights holds one number for each image, and there is one; got {image_weights!r}")
    found = dict(settings)
    for name in ("mask", "weights"):
        value = found.get(name)
        if isinstance(value, (list, tuple)) and len(value) == 1:
            found[name] = value[0]
    return found


def check_channels(channels: str, settings: dict[str, Any]) -> None:
    """Refuse interpolated channels in a model of the noise of counts.

    Raises
    ------
    UnsupportedCombinationError
        If they are combined.
    """
    if channels == "interpolate" and counts_carry_weight(settings):
        raise UnsupportedCombinationError(
            "interpolated counts are no longer Poisson counts: use channels='intersection', bin all images to one axis "
            "first, or use least squares without weights"
        )


def counts_carry_weight(settings: dict[str, Any]) -> bool:
    """Return whether the model describes the noise of counts: by similarity, weights or a step that stabilises it."""
    similarity = named_similarity(settings["similarity"])
    counts = isinstance(similarity, KullbackLeibler)
    counts |= isinstance(similarity, BetaDivergence) and similarity.beta == 1
    each = settings["weights"] if isinstance(settings["weights"], list) else [settings["weights"]]
    counts |= any(isinstance(one, str) and one != "equal" for one in each)
    counts |= any(step.stabilizes for step in settings["preprocess"] or ())
    return counts


def divides_images(settings: dict[str, Any]) -> bool:
    """Return whether each image is divided by its own brightness before a joint fit.

    It is not for counts, which carry their own weight: a Poisson likelihood, Poisson weights, or a step that stabilises
    their variance. Neither is it where values have a fixed range (a transformation), nor for fractions without a gain,
    which state that all images have one unit.
    """
    similarity = named_similarity(settings["similarity"])
    ranged = settings["transform"] is not None or traits_of(similarity).transform is not None
    return not counts_carry_weight(settings) and not ranged and not (settings["sum_to_one"] and not settings["gain"])


def names_of_images(cubes: Sequence[xr.DataArray]) -> tuple[str, ...]:
    """Return a different name for each image: of its file, of its DataArray, or its number.

    Examples
    --------
    >>> cube = xr.DataArray(np.zeros((2, 3)))
    >>> names_of_images([cube.assign_attrs(source="before.h5"), cube, cube.rename("last")])
    ('before', 'image 1', 'last')
    """
    found = []
    for number, cube in enumerate(cubes):
        source = str(cube.attrs.get("source") or "")
        name = Path(source).stem if source else str(cube.name or "")
        found.append(name or f"image {number}")
    return tuple(name if found.count(name) == 1 else f"{name} {number}" for number, name in enumerate(found))


def _check_steps_suit(steps: Sequence[Any]) -> None:
    """Refuse steps that use the neighbourhood of a pixel, which stacked images do not have."""
    for step in steps:
        bins = isinstance(step, Bin) and step.space != 1
        if bins or step.takes_image or isinstance(step, SpikeRemoval):
            raise UnsupportedCombinationError(
                f"{type(step).__name__} uses neighbouring pixels: apply it to each image first, "
                "mf.preprocessing.fit_chain(cube, [step]).cube, and unmix the processed images"
            )


def _product(weights: Any, frame: Frame) -> xr.Variable:
    """Return the weights of one image, aligned with it; the product of a list, ones for None."""
    if isinstance(weights, str):
        raise ValueError(f"weights={weights!r} holds for all images: pass it alone, not in a list")
    if weights is None:
        return xr.Variable((), 1.0)
    if isinstance(weights, (list, tuple)) and not is_array_like(weights):
        product = xr.Variable((), 1.0)
        for one in weights:
            product = product * _product(one, frame)
        return product
    readings = [frame.pixels(), frame.channels(), (*frame.pixels(), *frame.channels())]
    return align(weights, frame, "weights", readings)
