"""Pixels of an explorer whose spectra stay on the page: their position, averaging radius and measured spectrum."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass

import xarray as xr

MOST = 6
"""Largest number of pins; a further one replaces the oldest."""


@dataclass(frozen=True, eq=False)
class Pin:
    """A pixel whose spectrum stays on the page.

    Attributes
    ----------
    name
        P1, P2, ...
    pixel
        Row and column in the picture of a map.
    section
        Section of a stack that the picture shows, by dimension.
    radius
        Largest distance of the pixels that are averaged, in pixels.
    pixels
        Their number.
    measured
        Mean of their measured spectra (channel dims), in the units of the cube.
    """

    name: str
    pixel: tuple[int, int]
    section: Mapping[Hashable, int]
    radius: float
    pixels: int
    measured: xr.DataArray

    def __repr__(self) -> str:
        around = f", radius {self.radius:g}" if self.radius else ""
        return f"<pin {self.name}: pixel {self.pixel[0]}, {self.pixel[1]}{around}>"


def with_pin(
    pins: Mapping[str, Pin],
    pixel: tuple[int, int],
    section: Mapping[Hashable, int],
    radius: float,
    pixels: int,
    measured: xr.DataArray,
) -> dict[str, Pin]:
    """Return the pins with one more; it replaces one at the same pixel, or the oldest one of too many."""
    there = next((one.name for one in pins.values() if (one.pixel, one.section) == (pixel, section)), None)
    kept = dict(pins)
    if there is None and len(kept) >= MOST:
        del kept[next(iter(kept))]
    name = there or next(text for text in (f"P{i}" for i in range(1, MOST + 1)) if text not in kept)
    kept[name] = Pin(name, pixel, section, radius, pixels, measured)
    return kept
