"""Which regions of the image an explorer leaves out of the fit, or to which it restricts the fit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr

from mffnb.cubes.align import Frame
from mffnb.cubes.masks import aligned_masks


@dataclass(frozen=True, eq=False)
class FitArea:
    """Regions by which the pixels of the fit are chosen; each is a mask (pixel dims), True for its pixels.

    A pixel is used if it is in one of the regions of ``only``, if there are any, and in none of ``left_out``.

    Attributes
    ----------
    left_out
        Regions that the fit does not use, by name.
    only
        Regions to which the fit is restricted, by name.

    Examples
    --------
    >>> left = xr.DataArray([True, False, False], dims="x")
    >>> FitArea(left_out={"R1": left}).used().values.tolist()
    [False, True, True]
    """

    left_out: Mapping[str, xr.DataArray] = field(default_factory=dict)
    only: Mapping[str, xr.DataArray] = field(default_factory=dict)

    def used(self) -> xr.DataArray:
        """Return the mask of the pixels that the regions leave to the fit."""
        masks = [*self.left_out.values(), *self.only.values()]
        used = xr.ones_like(masks[0], dtype=bool) if not self.only else xr.zeros_like(masks[0], dtype=bool)
        for mask in self.only.values():
            used = used | mask.values
        for mask in self.left_out.values():
            used = used & ~mask.values
        return used

    def as_dict(self) -> dict[str, list[str]]:
        """Return the names of the regions."""
        return {"left_out": list(self.left_out), "only": list(self.only)}


def with_area(mask: Any, area: FitArea | None, frame: Frame) -> Any:
    """Return the mask of :func:`mffnb.unmix` that combines a mask of the user with the chosen regions.

    It is the mask of the user if no region is chosen, else a labelled mask of the pixels and, where channels are left
    out, one of the channels.
    """
    if area is None:
        return mask
    of_pixels, of_channels = aligned_masks(mask, frame)
    used = area.used().values if of_pixels is None else area.used().values & of_pixels
    pixels = xr.DataArray(used, dims=frame.pixels())
    return pixels if of_channels is None else [pixels, xr.DataArray(of_channels, dims=frame.channels())]


def check_area(mask: Any, frame: Frame) -> None:
    """Refuse a mask that leaves no pixel.

    Raises
    ------
    ValueError
        If no pixel is left for the fit.
    """
    of_pixels, _ = aligned_masks(mask, frame)
    if of_pixels is not None and not np.any(of_pixels):
        raise ValueError("no pixel is left for the fit: use a region again, or draw a smaller one")
