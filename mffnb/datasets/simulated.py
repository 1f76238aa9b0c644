"""Label the arrays of a simulated experiment: cube, true endmembers and true abundances on common axes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from mffnb.datasets.sample import Sample
from mffnb.typing import Array

#: Citation of the experiments that Kannan et al. describe.
AFTER_THE_PAPER = (
    "Simulated after R. Kannan et al., Deep data analysis via physically constrained linear "
    "unmixing, Adv. Struct. Chem. Imaging 4, 6 (2018), https://doi.org/10.1186/s40679-018-0055-8"
)


class Axis(NamedTuple):
    """A calibrated dimension: coordinates, unit and name."""

    values: Array
    units: str
    long_name: str


class Quantity(NamedTuple):
    """A measured quantity; ``expected`` describes that of the endmembers."""

    name: str
    units: str
    long_name: str
    expected: str


def side_axes(lengths: tuple[int, int], step: float, units: str) -> dict[str, Axis]:
    """Return the axes y and x of a map with square pixels, starting at 0."""
    return {name: Axis(step * np.arange(length), units, name) for name, length in zip("yx", lengths, strict=True)}


def simulated_sample(
    name: str,
    arrays: tuple[Array, Array, Array],
    *,
    pixels: Mapping[str, Axis],
    channel: Mapping[str, Axis],
    components: Iterable[str],
    quantity: Quantity,
    fraction: str,
    citation: str,
    extra: Mapping[str, xr.DataArray] | None = None,
) -> Sample:
    """Label a simulated cube and its truth.

    Parameters
    ----------
    name
        Name of the data set.
    arrays
        Cube (pixel dims, channel), endmembers (k, channel) and abundances (k, pixel dims).
    pixels, channel
        Axes of the pixel dimensions, and of the channel, by name.
    components
        Names of the components.
    quantity
        The measured quantity.
    fraction
        Long name of the abundances.
    citation
        Source of the physics.
    extra
        See :class:`Sample`.
    """
    cube, endmembers, abundances = arrays
    where, along = coordinates(pixels), coordinates(channel)
    which = {"component": ("component", list(components))}
    return Sample(
        name=name,
        cube=xr.DataArray(
            cube,
            dims=(*pixels, *channel),
            coords={**where, **along},
            name=quantity.name,
            attrs={"units": quantity.units, "long_name": quantity.long_name},
        ),
        endmembers=xr.DataArray(
            endmembers,
            dims=("component", *channel),
            coords={**which, **along},
            name=quantity.name,
            attrs={"units": quantity.units, "long_name": quantity.expected},
        ),
        abundances=xr.DataArray(
            abundances,
            dims=("component", *pixels),
            coords={**which, **where},
            name="abundance",
            attrs={"units": "1", "long_name": fraction},
        ),
        citation=citation,
        licence="BSD-3-Clause",
        extra=extra or {},
    )


def coordinates(axes: Mapping[str, Axis]) -> dict[str, Any]:
    """Return axes as xarray coordinates."""
    return {
        name: (name, axis.values, {"units": axis.units, "long_name": axis.long_name}) for name, axis in axes.items()
    }
