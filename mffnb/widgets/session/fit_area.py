"""Which regions of the image an explorer leaves out of the fit, or to which it restricts the fit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr

from mffnb.cubes.align import Frame
from mffnb.cubes.masks import aligned_masks
from mffnb.errors import UnsupportedCombinationError


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

    def __eq__(self, other: object) -> bool:
        """Whether another object chooses the same pixels by regions of the same names."""
        if not isinstance(other, FitArea) or self.as_dict() != other.as_dict():
            return False
        pairs = [(mine[name], others[name]) for mine, others in self._parts(other) for name in mine]
        return all(mine.equals(another) for mine, another in pairs)

    def __hash__(self) -> int:
        return hash((*self.left_out, *self.only))

    def _parts(self, other: FitArea) -> tuple[tuple[Mapping[str, xr.DataArray], Mapping[str, xr.DataArray]], ...]:
        """Return both parts of this choice, each with that of another one."""
        return (self.left_out, other.left_out), (self.only, other.only)

    def used(self) -> xr.DataArray:
        """Return the mask of the pixels that the regions leave to the fit."""
        masks = [*self.left_out.values(), *self.only.values()]
        used = xr.ones_like(masks[0], dtype=bool) if not self.only else xr.zeros_like(masks[0], dtype=bool)
        for mask in self.only.values():
            used = used | mask.values
        for mask in self.left_out.values():
            used = used & ~mask.values
        return used

    def with_region(self, name: str, mask: xr.DataArray, *, left_out: bool, only: bool) -> FitArea | None:
        """Return the choice with one region left out, fitted alone, or neither; None if no region is chosen then."""
        others = self.without(name) or FitArea()
        one = {name: mask.drop_vars(list(mask.coords))}
        chosen = FitArea({**others.left_out, **(one if left_out else {})}, {**others.only, **(one if only else {})})
        return chosen if chosen.left_out or chosen.only else None

    def without(self, name: str) -> FitArea | None:
        """Return the choice without a region; None if no region is chosen then."""
        left_out, only = ({one: of for one, of in part.items() if one != name} for part in (self.left_out, self.only))
        return FitArea(left_out, only) if left_out or only else None

    def redrawn(self, name: str, mask: xr.DataArray) -> FitArea | None:
        """Return the choice with other pixels in a region."""
        return self.with_region(name, mask, left_out=name in self.left_out, only=name in self.only)

    def as_dict(self) -> dict[str, list[str]]:
        """Return the names of the regions."""
        return {"left_out": list(self.left_out), "only": list(self.only)}


def with_area(mask: Any, area: FitArea | None, frame: Frame) -> Any:
    """Return the mask of :func:`mffnb.unmix` that combines a mask of the user with the chosen regions.

    It is the mask of the user if no region is chosen, else a labelled mask of the pixels and, where channels are left
    out, one of the channels.

    Raises
    ------
    UnsupportedCombinationError
        If the regions are on another grid than the pixels of the cube.
    """
    if area is None:
        return mask
    chosen = area.used()
    if dict(chosen.sizes) != dict(frame.pixel_shape):
        raise UnsupportedCombinationError(
            "a region is left out pixel by pixel, and a preprocessing step has changed the pixels: "
            "apply that step first, step.fit(cube, ()).transform(cube), and explore its result"
        )
    of_pixels, of_channels = aligned_masks(mask, frame)
    used = chosen.values if of_pixels is None else chosen.values & of_pixels
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
