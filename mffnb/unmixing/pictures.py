"""Warning for a plain picture that is passed as a spectral image."""

from __future__ import annotations

from typing import Any

import xarray as xr

from mffnb.cubes.axis_kinds import is_spatial
from mffnb.cubes.sparse_pixels import sparse_pixels_of
from mffnb.errors import PictureWarning, warn
from mffnb.preprocessing import SlidingFFT

_SMALLEST = 64
_RATIO = 4
_UNLABELLED = {"x", "channel", "dim_0", "dim_1"}


def warn_if_picture(cube: xr.DataArray, channel: Any, preprocess: Any) -> None:
    """Warn of data with two dimensions that look like a picture, whose columns are no channels.

    ``channel`` or a step that makes spectra of a picture suppresses the warning.
    """
    steps = preprocess if isinstance(preprocess, (list, tuple)) else [preprocess]
    if channel is not None or any(isinstance(step, SlidingFFT) for step in steps):
        return
    if is_picture(cube):
        names = [name for name in cube.dims if cube.sizes[name] > 1]
        warn(
            f"the data look like a plain picture of {cube.sizes[names[0]]} x {cube.sizes[names[1]]} pixels, and "
            f"{names[1]!r} is taken as the channel: for a picture, use preprocess="
            f"[mf.preprocessing.SlidingFFT()]; for a line of spectra, name the channel dimension, channel={names[1]!r}",
            PictureWarning,
        )


def is_picture(cube: xr.DataArray) -> bool:
    """Whether data look like a picture: two dimensions that are both positions.

    Both dimensions have names or units of positions (y and x, for example). Without any label, both lengths are at
    least 64 and differ by a factor of at most 4. A named channel dimension, or one with coordinates, is believed.
    """
    names = [name for name in cube.dims if cube.sizes[name] > 1]
    if len(names) != 2 or "channel" in cube.attrs or sparse_pixels_of(cube) is not None:
        return False
    lengths = sorted(cube.sizes[name] for name in names)
    units = [cube[name].attrs.get("units") if name in cube.coords else None for name in names]
    positions = all(is_spatial(name, unit) for name, unit in zip(names, units, strict=True))
    labelled = any(name in cube.coords for name in names) or not {*names} <= _UNLABELLED
    alike = lengths[0] >= _SMALLEST and lengths[1] <= _RATIO * lengths[0]
    return positions or (alike and not labelled)
