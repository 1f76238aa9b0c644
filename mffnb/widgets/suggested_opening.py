"""Settings of an explorer without k: those that the user left open follow from the data, and the page says so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import xarray as xr

from mffnb.cubes.tiles import tiles_of
from mffnb.unmixing.defaults_from_data import fill_in
from mffnb.unmixing.joint_mosaic import stacked_mosaic
from mffnb.unmixing.suggestion.suggestion import keywords
from mffnb.widgets.notices import Notice


def suggested_opening(cube: Any, options: Mapping[str, Any]) -> tuple[dict[str, Any], Notice]:
    """Return the options of an explorer with k and all that the user left open, and the line for the page.

    Parameters
    ----------
    cube
        Spectral image, or the path of its file.
    options
        Keywords of :func:`mffnb.explore` without k.
    """
    engines = options.get("cluster") is not None
    given = {"channel": None, "mask": None, "preprocess": (), **options}
    data = cube
    if isinstance(cube, xr.DataArray) and tiles_of(cube):  # decided as by unmix, from the pixels of all images
        data, given["mask"] = stacked_mosaic(cube, given["mask"])
    filled, found = fill_in(data, given, alone=not engines)
    taken = {name: value for name, value in filled.items() if name in found.settings and value is not given.get(name)}
    steps = taken.pop("preprocess", ())
    left_out: dict[str, Any] = {}
    if len(steps) > len(given["preprocess"] or ()):  # windows of a picture
        (left_out if engines else taken)["preprocess"] = steps
    text = f"opened with {keywords(taken)}, which the data suggest"
    if left_out:
        text += f"; {keywords(left_out)} is left out, because engines take no preprocessing"
    # The tools of the page, and so the reasons, need the pixels in this process.
    action = {} if engines else {"action": "Reasons", "tool": "suggest", "arguments": {"wait": False}}
    return {**options, **taken}, {"text": text, **action}
