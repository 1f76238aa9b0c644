"""Which regions and channels of the image an explorer leaves out of the fit, or to which it restricts the fit."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import xarray as xr

from mffnb.cubes.align import Frame
from mffnb.cubes.masks import aligned_masks
from mffnb.errors import UnsupportedCombinationError
from mffnb.typing import Array


@dataclass(frozen=True, eq=False)
class FitArea:
    """Regions by which the pixels of the fit are chosen, and channels that it leaves out.

    Each region is a mask (pixel dims), True for its pixels; channels are masks (channel dims) likewise. A pixel is used
    if it is in one of the regions of ``only``, if there are any, and in none of ``left_out``.

    Attributes
    ----------
    left_out
        Regions that the fit does not use, by name.
    only
        Regions to which the fit is restricted, by name.
    channels
        Channels that the fit does not use, by name.

    Examples
    --------
    >>> left = xr.DataArray([True, False, False], dims="x")
    >>> FitArea(left_out={"R1": left}).used().values.tolist()
    [False, True, True]
    """

    left_out: Mapping[str, xr.DataArray] = field(default_factory=dict)
    only: Mapping[str, xr.DataArray] = field(default_factory=dict)
    channels: Mapping[str, xr.DataArray] = field(default_factory=dict)

    def __eq__(self, other: object) -> bool:
        """Whether another object chooses the same pixels and channels by masks of the same names."""
        if not isinstance(other, FitArea) or self.as_dict() != other.as_dict():
            return False
        pairs = [(mine[name], others[name]) for mine, others in self._parts(other) for name in mine]
        return all(mine.equals(another) for mine, another in pairs)

    def __hash__(self) -> int:
        return hash((*self.left_out, *self.only, *self.channels))

    def _parts(self, other: FitArea) -> tuple[tuple[Mapping[str, xr.DataArray], Mapping[str, xr.DataArray]], ...]:
        """Return the parts of this choice, each with that of another one."""
        return (self.left_out, other.left_out), (self.only, other.only), (self.channels, other.channels)

    def used(self) -> xr.DataArray | None:
        """Return the mask of the pixels that the regions leave to the fit; None for all pixels."""
        if not self.left_out and not self.only:
            return None
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
        return FitArea(
            {**others.left_out, **(one if left_out else {})}, {**others.only, **(one if only else {})}, others.channels
        )._or_none()

    def without(self, name: str) -> FitArea | None:
        """Return the choice without a region; None if no region is chosen then."""
        left_out, only = ({one: of for one, of in part.items() if one != name} for part in (self.left_out, self.only))
        return FitArea(left_out, only, self.channels)._or_none()

    def used_channels(self) -> xr.DataArray | None:
        """Return the mask of the channels that are left to the fit; None for all channels."""
        masks = [*self.channels.values()]
        if not masks:
            return None
        used = xr.ones_like(masks[0], dtype=bool)
        for mask in masks:
            used = used & ~mask.values
        return used

    def with_channels(self, name: str, mask: xr.DataArray | None) -> FitArea | None:
        """Return the choice with channels left out under a name; with None these are used again."""
        others = {one: of for one, of in self.channels.items() if one != name}
        left_out = {} if mask is None else {name: mask.drop_vars(list(mask.coords))}
        return FitArea(self.left_out, self.only, {**others, **left_out})._or_none()

    def _or_none(self) -> FitArea | None:
        """Return this choice, or None if it leaves everything to the fit."""
        return self if self.left_out or self.only or self.channels else None

    def redrawn(self, name: str, mask: xr.DataArray) -> FitArea | None:
        """Return the choice with other pixels in a region."""
        return self.with_region(name, mask, left_out=name in self.left_out, only=name in self.only)

    def renamed(self, name: str, new: str) -> FitArea:
        """Return the choice with another name of a region."""
        left_out, only = (
            {new if one == name else one: mask for one, mask in part.items()} for part in (self.left_out, self.only)
        )
        return FitArea(left_out, only, self.channels)

    @cached_property
    def digest(self) -> str:
        """A short text that differs for other pixels or channels, also where the names of the regions are the same."""
        found = hashlib.blake2b(digest_size=8)
        for part in (self.left_out, self.only, self.channels):
            for name, mask in part.items():
                found.update(f"{name} {mask.sizes}".encode())
                found.update(np.packbits(mask.values).tobytes())
            found.update(b"end of the part")
        return found.hexdigest()

    def as_dict(self) -> dict[str, list[str]]:
        """Return the names of the regions."""
        channels = {"channels": list(self.channels)} if self.channels else {}
        return {"left_out": list(self.left_out), "only": list(self.only), **channels}


def with_area(mask: Any, area: FitArea | None, frame: Frame) -> Any:
    """Return the mask of :func:`mffnb.unmix` that combines a mask of the user with the chosen regions.

    It is the mask of the user if nothing is chosen, else a labelled mask of the pixels, one of the channels, or both.
    Channels that a preprocessing step computes are not in it, see :func:`channel_runs`.

    Raises
    ------
    UnsupportedCombinationError
        If the regions are on another grid than the pixels of the cube.
    """
    if area is None:
        return mask
    chosen, channels = area.used(), area.used_channels()
    if chosen is not None and dict(chosen.sizes) != dict(frame.pixel_shape):
        raise UnsupportedCombinationError(
            "a region is left out pixel by pixel, and a preprocessing step has changed the pixels: "
            "apply that step first, step.fit(cube, ()).transform(cube), and explore its result"
        )
    of_pixels, of_channels = aligned_masks(mask, frame)
    if channels is not None and frame.channel_shape:
        if dict(channels.sizes) != dict(frame.channel_shape):
            raise UnsupportedCombinationError(
                "channels are left out one by one, and a preprocessing step has changed the channels: "
                "apply that step first, and explore its result"
            )
        of_channels = channels.values if of_channels is None else channels.values & of_channels
    if chosen is not None:
        of_pixels = chosen.values if of_pixels is None else chosen.values & of_pixels
    parts = [
        xr.DataArray(values, dims=names)
        for values, names in ((of_pixels, frame.pixels()), (of_channels, frame.channels()))
        if values is not None
    ]
    return parts if len(parts) > 1 else parts[0] if parts else None


def channel_runs(area: FitArea | None, frame: Frame) -> tuple[tuple[int, int], ...]:
    """Return the runs of channels that are left out, where a preprocessing step computes the channels."""
    used = None if area is None or frame.channel_shape else area.used_channels()
    return () if used is None else tuple(runs_of_true(~used.values.ravel()))


def runs_of_true(chosen: Array) -> list[tuple[int, int]]:
    """Return first and one-past-last position of each run of True."""
    steps = np.diff(np.concatenate([[0], np.asarray(chosen, dtype=np.int8), [0]]))
    return list(zip(np.flatnonzero(steps > 0).tolist(), np.flatnonzero(steps < 0).tolist(), strict=True))


def check_area(mask: Any, frame: Frame) -> None:
    """Refuse a mask that leaves no pixel or no channel.

    Raises
    ------
    ValueError
        If no pixel, or no channel, is left for the fit.
    """
    if mask is None:
        return
    of_pixels, of_channels = aligned_masks(mask, frame)
    if of_channels is not None and not np.any(of_channels):
        raise ValueError("no channel is left for the fit: use some of them again, or draw a smaller shape")
    if of_pixels is not None and not np.any(of_pixels):
        raise ValueError("no pixel is left for the fit: use a region again, or draw a smaller one")
