"""Tool of the explorer: one picture that mixes all components by their colours, over an image of the same area."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr

from mffnb.cubes.align import align, expand
from mffnb.cubes.layout import frame_of
from mffnb.plots import as_image
from mffnb.widgets.components import number_of, numbers_of
from mffnb.widgets.live_view.tile import encode_tile
from mffnb.widgets.mixing import grey_of, mix, on_dark, on_image
from mffnb.widgets.tool import Stage, local_session

__all__ = ["composite"]


def composite(
    stage: Stage,
    *,
    weights: Mapping[int | str, float] | Iterable[tuple[int | str, float]] = (),
    over: Any = None,
    opacity: float | None = None,
    shown: bool = True,
) -> xr.DataArray:
    """Mix the maps of all components by their colours, over an optional image (topography, survey image).

    Each map is scaled to its maximum. Squares of the scaled abundances weight the hue of a pixel, and the largest one
    is its brightness. Hidden components are left out.

    Parameters
    ----------
    weights
        Factor of the scaled map of a component, by number or name, as a dictionary or as pairs; the others keep theirs,
        which is 1 at first.
    over
        Image (pixel dims) of the same area on the grid of the maps, aligned by its coordinates as a mask is. It is
        drawn grey below the components, which are transparent where they are absent. False removes it; None keeps it.
    opacity
        Opacity of the components over the image, 0 to 1; None keeps it, 0.7 at first.
    shown
        Whether the page shows the composite.

    Returns
    -------
    DataArray
        Red, green and blue from 0 to 1, the dimensions of the picture and "rgb"; NaN where there are no abundances.

    Raises
    ------
    ValueError
        If a weight is negative, the opacity is not between 0 and 1, or the image is on another grid.

    Examples
    --------
    >>> import mffnb as mf
    >>> sample = mf.datasets.tof_sims_2d(seed=0, shape=(16, 24))
    >>> explorer = mf.explore(sample.cube, k=3)
    >>> explorer.wait()
    >>> picture = explorer.composite(weights={1: 0.5}, over=sample.cube.sum("mz"))
    >>> picture.dims, bool(picture.max() <= 1)
    (('y', 'x', 'rgb'), True)
    >>> explorer.close()
    """
    local_session(stage, "composite")
    before = stage.shown_values("composite")
    chosen = before.get("opacity", 0.7) if opacity is None else float(opacity)
    if not 0 <= chosen <= 1:
        raise ValueError(f"opacity={opacity!r} is not between 0 and 1")
    changed = {number_of(stage, one): _checked(one, weight) for one, weight in dict(weights).items()}
    maps = stage.result.abundances
    if over is False:
        stage.overlays.pop("composite", None)
    elif over is not None:
        stage.overlays["composite"] = _aligned(maps, over)
    image = stage.overlays.get("composite")
    values: dict[str, Any] = {"shown": shown, "opacity": chosen}
    if image is not None:
        grid, tile = list(as_image(image).shape), encode_tile(image, stage.section, from_zero=False)
        values["over"] = {"name": str(image.name or "image"), "grid": grid, **tile}
    follows = shown and image is not None and image.ndim > 2  # another section of a stack shows that of the image too
    stage.show_tool("composite", follow=follows, **values)
    look = stage.appearance
    if any(look.weights.get(number, 1.0) != weight for number, weight in changed.items()):
        stage.set_appearance(replace(look, weights={**look.weights, **changed}))
    return picture(stage, chosen)


def picture(stage: Stage, opacity: float) -> xr.DataArray:
    """Return the composite of the present result, as the page draws it."""
    maps, look, numbers = stage.result.abundances, stage.appearance, numbers_of(stage)
    image = stage.overlays.get("composite")
    fits = image is not None and image.shape == maps.shape[1:]  # preprocessing may have changed the grid
    plane = as_image(image, stage.section) if image is not None and fits else None
    planes = [as_image(one, stage.section) for one in maps]
    hue, brightness = mix(
        np.stack([one.values for one in planes]), look.colors_of(numbers), look.weights_of(numbers), *stage.contrast
    )
    colors = on_dark(hue, brightness) if plane is None else on_image(hue, brightness, grey_of(plane.values), opacity)
    kept = {name: one for name, one in planes[0].coords.items() if {*one.dims} <= {*planes[0].dims} and one.dims}
    return xr.DataArray(colors, dims=(*planes[0].dims, "rgb"), coords={**kept, "rgb": ["red", "green", "blue"]})


def _checked(component: int | str, weight: float) -> float:
    """Return a weight; refuse one that is negative or not finite."""
    if not (np.isfinite(weight) and weight >= 0):
        raise ValueError(f"the weight of component {component!r} must be a finite number >= 0, got {weight!r}")
    return float(weight)


def _aligned(maps: xr.DataArray, over: Any) -> xr.DataArray:
    """Align an image with the picture of the maps: all pixel dimensions, or those of the picture."""
    one = maps.isel(component=0, drop=True)
    dims = tuple(one.dims)
    readings = [dims] if len(dims) <= 2 else [dims, dims[-2:]]
    found = align(over, frame_of(maps, ["component"]), "the image below the composite", readings)
    whole = one.copy(data=expand(found, one.sizes).data.astype(np.float64))
    return whole.rename(over.name if isinstance(over, xr.DataArray) else None)
