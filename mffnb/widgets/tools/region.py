"""Tool of the explorer: regions of pixels, with their mean spectrum as measured and as modelled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from mffnb.cubes.stacked_images import IMAGE
from mffnb.cubes.tiles import tile_named, tiles_of
from mffnb.plots import as_image, channel_coordinate
from mffnb.typing import Array, Float64Array
from mffnb.unmixing.result import Unmixing
from mffnb.widgets.live_view.frame_builder import sections_of
from mffnb.widgets.measured import comparable_cube
from mffnb.widgets.region_shapes import mask_inside
from mffnb.widgets.regions import Region, given_mask, mean_over
from mffnb.widgets.session.fixed_regions import redrawn
from mffnb.widgets.tool import Stage, local_session

__all__ = ["drop_region", "region"]


def region(
    stage: Stage,
    vertices: Sequence[Sequence[float]] | None = None,
    *,
    shape: str = "polygon",
    width: float = 0.0,
    mask: Array | xr.DataArray | None = None,
    outline: Sequence[Sequence[float]] | None = None,
    name: str | None = None,
    image: int | str | None = None,
) -> Region:
    """Mean spectrum and mean abundances of a region of the image; the page shows them below the components.

    Parameters
    ----------
    vertices
        Positions (y, x) in the last two pixel dimensions: the corners of a polygon, two opposite corners of a rectangle
        or of the box around an ellipse, or the path of a brush. A pixel belongs to the region if its centre is inside.
    shape
        ``"polygon"``, ``"rectangle"``, ``"ellipse"`` or ``"brush"``.
    width
        Diameter of the brush in pixels.
    mask
        True for the pixels of the region, instead of ``vertices``.
    outline
        Vertices as shares of height and width of the picture, (0, 0) to (1, 1); the page draws these.
    name
        Name of the region; R1, R2 and so on if it is omitted. A region with the same name is replaced.
    image
        Number or name of the image, where the explorer shows several: ``vertices`` and ``mask`` are then those of this
        image. A shape that is drawn across a border belongs to the image that has most of its pixels.

    Returns
    -------
    Region
        ``mean_spectrum``, ``abundances``, ``mask``, ``pixels``; also in ``explorer.regions[name]``.

    Raises
    ------
    ValueError
        If no pixel is inside, or if not exactly one of vertices, mask and outline is given.

    Examples
    --------
    >>> import mffnb as mf
    >>> explorer = mf.explore(mf.datasets.tof_sims_2d(seed=0, shape=(16, 24)).cube, k=3)
    >>> explorer.wait()
    >>> explorer.region([(50, 50), (50, 120), (120, 120), (120, 50)], name="core")
    <region core: 49 pixels>
    >>> explorer.regions["core"].mean_spectrum.dims
    ('mz',)
    >>> explorer.region([(40, 40), (110, 110)], shape="ellipse", name="spot")
    <region spot: 45 pixels>
    >>> explorer.close()
    """
    if sum(one is not None for one in (vertices, mask, outline)) != 1:
        raise ValueError("give one of vertices, mask and outline")
    session, answer = local_session(stage, "region"), stage.result
    maps = answer.abundances
    inside, corners = _inside(maps, vertices, outline, mask, shape=shape, width=width, image=image)
    cube = comparable_cube(session.data if session.last is None else session.last.data, answer)
    found = Region(name or _free_name(stage), inside, mean_over(cube, inside), mean_abundances(answer, inside), corners)
    stage.regions[found.name] = found
    show_regions(stage, answer)
    _use_again(stage, [found.name], found.mask)
    return found


def _inside(
    maps: xr.DataArray, vertices: Any, outline: Any, mask: Any, *, shape: str, width: float, image: int | str | None
) -> tuple[xr.DataArray, Float64Array | None]:
    """Return the pixels of a region, and the corners of its outline; of several images, in one of them."""
    tiles = tiles_of(maps)
    if image is not None:
        tile = tile_named(tiles, image)
        if outline is not None:
            raise ValueError("an outline is given in shares of the whole picture: leave out image=, or give vertices")
        own = tile.part(maps)
        if mask is not None:
            inside = given_mask(own, mask)
        else:
            inside, _ = mask_inside(own, vertices, shares=False, shape=shape, width=width)
        placed = xr.zeros_like(maps.isel(component=0, drop=True), dtype=bool)
        placed[tile.area] = inside.values.reshape(tile.height, tile.width)
        return placed, None
    if mask is not None:
        return given_mask(maps, mask), None
    given = outline if vertices is None else vertices
    found, corners = mask_inside(maps, given, shares=vertices is None, shape=shape, width=width)
    if not tiles:
        return found, corners
    mark = maps[IMAGE].values
    counts = np.bincount(mark[found.values & (mark >= 0)], minlength=len(tiles))
    one = found & (mark == counts.argmax())
    return one, corners if found.values.sum() == one.values.sum() else None


def drop_region(stage: Stage, *, name: str | None = None) -> None:
    """Remove a region, or all of them if no name is given. It no longer restricts the fit or fixes abundances.

    Raises
    ------
    KeyError
        If there is no region of this name.
    """
    dropped = list(stage.regions) if name is None else [name]
    if name is None:
        stage.regions.clear()
    elif name in stage.regions:
        del stage.regions[name]
    else:
        raise KeyError(f"there is no region {name!r}: the names are {', '.join(stage.regions) or 'none'}")
    show_regions(stage, stage.result)
    _use_again(stage, dropped, None)


def _use_again(stage: Stage, names: Sequence[str], mask: xr.DataArray | None) -> None:
    """Fit with the present pixels of regions that choose the fit or have known abundances, or without dropped ones."""
    settings = stage.settings
    before = area = settings.area
    fixed = settings.fixed
    for name in names:
        if area is not None and name in (*area.left_out, *area.only):
            area = area.without(name) if mask is None else area.redrawn(name, mask)
        fixed = redrawn(fixed, name, mask)
    if area is not before or fixed != settings.fixed:
        session = local_session(stage, "region")
        session.source.restricted(area)
        stage.change(area=area, fixed=fixed)


def mean_abundances(answer: Unmixing, inside: xr.DataArray) -> xr.DataArray:
    """Return the mean abundance of each component over a region; NaN where the fit uses none of its pixels."""
    amounts = answer.abundances if answer.gain is None else answer.abundances * answer.gain
    used = amounts.where(inside)
    count = used.notnull().sum(inside.dims)
    return (used.sum(inside.dims) / count.where(count > 0)).rename("abundance")


def _free_name(stage: Stage) -> str:
    """Return the first of R1, R2, ... that no region has."""
    return next(name for name in (f"R{i}" for i in range(1, len(stage.regions) + 2)) if name not in stage.regions)


def _in_section(stage: Stage, answer: Unmixing, one: Region) -> tuple[xr.DataArray, str]:
    """Return the mean spectrum of a region in the section of a stack that is shown, and the text of the section."""
    stacked = one.mask.dims[:-2]
    if not stacked or one.mask.shape != answer.abundances.shape[1:]:
        return one.mean_spectrum, ""
    sections = sections_of(answer.abundances[0], stage.section)
    if any(section.maximum for section in sections):
        return one.mean_spectrum, "all sections"
    there = xr.zeros_like(one.mask)
    plane = {name: section.index for name, section in zip(stacked, sections, strict=True)}
    there[plane] = one.mask[plane]
    text = ", ".join(section.text for section in sections)
    if not there.any():
        return one.mean_spectrum * np.nan, text
    session = local_session(stage, "region")
    cube = comparable_cube(session.data if session.last is None else session.last.data, answer)
    return mean_over(cube, there), text


def show_regions(stage: Stage, answer: Unmixing) -> None:
    """Send all regions to the page.

    In a stack the page has the maps of one section, so that the spectrum as measured is that of the same section.
    """
    channel = channel_coordinate(answer.endmembers)
    shown = []
    for one in stage.regions.values():
        measured, section = _in_section(stage, answer, one)
        values = measured.values.ravel()
        used = np.isfinite(values)
        shown.append(
            {
                "name": one.name,
                "pixels": one.pixels,
                "section": section,
                "outline": None if one.vertices is None else one.vertices.tolist(),
                "mask": np.ascontiguousarray(as_image(one.mask, stage.section).values, dtype=np.uint8).tobytes(),
                "channel": channel[used].astype("<f4").tobytes(),
                "measured": values[used].astype("<f4").tobytes(),
            }
        )
    stage.show_tool("region", regions=shown)
