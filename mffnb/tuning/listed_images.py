"""A list of images as the data of a search: one cube of all pixels, which is fitted as joint images."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from mffnb.cubes.as_cube import as_cube
from mffnb.io.read import read
from mffnb.typing import Array, Float64Array
from mffnb.unmixing.joint_input import DEFAULTS, JointInput, check_channels, divides_images, for_one_image

_OF_ALL_TRIALS = ("channel", "channels", "image_weights")
"""Keywords on which the entries and their weights depend, so that losses are comparable for equal ones only."""


@dataclass(frozen=True, eq=False)
class ListedImages:
    """Images that a search fits jointly, as :func:`mffnb.unmix` fits a list.

    Attributes
    ----------
    sources
        The images, or paths.
    options
        Fixed keywords of :func:`mffnb.unmix`.

    Examples
    --------
    >>> parts = [xr.DataArray(np.ones(shape), dims=("y", "x", "mz")) for shape in [(2, 3, 5), (4, 2, 5)]]
    >>> images = ListedImages(parts, {"k": 2})
    >>> dict(images.cube.sizes), images.shapes
    ({'pixel': 14, 'mz': 5}, ((2, 3), (4, 2)))
    """

    sources: Sequence[xr.DataArray | Path]
    options: Mapping[str, Any]

    def __getstate__(self) -> dict[str, Any]:
        """Return what is sent to a worker: the sources, without the images that this process has read."""
        return {"sources": self.sources, "options": self.options}

    @cached_property
    def joint(self) -> JointInput | None:
        """The images with aligned channels; None for a list of one."""
        if len(self.sources) == 1:
            return None
        given = self.options
        channels = given.get("channels", "intersection")
        return JointInput.of(self.sources, given.get("channel"), given.get("preprocess"), channels)

    @cached_property
    def cube(self) -> xr.DataArray:
        """All pixels, ("pixel", channel dims); the image itself if the list has only one."""
        if self.joint is not None:
            return self.joint.stack.cube
        only = self.sources[0]
        return read(only) if isinstance(only, (str, os.PathLike)) else as_cube(only)

    @property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """Lengths of the pixel dimensions of each image; () for a list of one, whose cube has its dimensions."""
        if self.joint is None:
            return ()
        return tuple(tuple(frame.pixel_shape.values()) for frame in self.joint.stack.frames)

    def given(self, cube: xr.DataArray) -> Any:
        """Return what :func:`mffnb.unmix` takes for the images with the values of a cube like :attr:`cube`."""
        return [cube] if self.joint is None else self.joint.with_cube(cube)

    def check(self, space: Any) -> None:
        """Refuse masks and weights that do not suit the images, and a space with keywords that all trials must share.

        Raises
        ------
        TypeError, ValueError
            If one does not suit.
        """
        taken = next((name for name in _OF_ALL_TRIALS if isinstance(space, Mapping) and name in space), None)
        if taken is not None:
            raise ValueError(
                f"{taken} of several images is the same for all trials: pass {taken}=..., not in the space"
            )
        settings = DEFAULTS | dict(self.options)
        weights = settings.get("image_weights")
        if self.joint is None:
            for_one_image(settings, weights)
            return
        check_channels(settings.get("channels", "intersection"), settings)
        self.joint.translated(settings, weights)

    def error_weights(self, settings: Mapping[str, Any], entries: Sequence[Array]) -> Float64Array:
        """Return the weight of the errors of each image, (images,), with a mean of one over the entries.

        It is that of ``image_weights``. Where the joint fit divides images by their brightness, it is also divided by
        the mean square of the entries.

        Parameters
        ----------
        settings
            Keywords of the fit.
        entries
            The compared entries of each image.
        """
        given = settings.get("image_weights")
        weights = np.ones(len(entries)) if given is None else np.asarray(given, dtype=np.float64)
        if divides_images(DEFAULTS | dict(settings)):
            squares = np.array([np.mean(one**2) if one.size else 0.0 for one in entries])
            weights = weights / np.where(squares > 0, squares, 1.0)
        return np.asarray(weights / np.average(weights, weights=[one.size for one in entries]))
