"""Tool of the explorer: which section of a stack, or which frame of a series, the maps show."""

from __future__ import annotations

from collections.abc import Sequence

from mffnb.typing import Float64Array
from mffnb.widgets.measured import pixel_axis
from mffnb.widgets.tool import Stage
from mffnb.widgets.tools.region import show_regions

__all__ = ["show_section"]


def show_section(stage: Stage, *, index: Sequence[int] | None = None, **position: float) -> None:
    """Show another section of a stack in all maps; the fit and its spectra are always those of the whole stack.

    Parameters
    ----------
    index
        Number of the section along each pixel dimension but the last two, counted from 0; or give its position.
    position
        Coordinate of the section, for example ``z=3.0``; the number of the section where a dimension has no coordinate.

    Raises
    ------
    ValueError
        If the image has only one section, or if the position lies outside of it.

    Examples
    --------
    >>> import mffnb as mf, xarray as xr
    >>> cube = mf.datasets.tof_sims_2d(seed=0, shape=(12, 16)).cube
    >>> explorer = mf.explore(xr.concat([cube, 2 * cube], dim="z"), k=3)
    >>> explorer.show_section(z=0)
    >>> dict(explorer.section)
    {'z': 0}
    >>> explorer.close()
    """
    maps = stage.result.abundances
    names = maps.dims[1:-2]
    if not names:
        raise ValueError("the image has no sections: its pixels have two dimensions or one")
    if index is not None:
        found = dict(zip(names, (int(one) for one in index), strict=True))
    else:
        unknown = set(position) - set(map(str, names))
        if unknown or not position:
            raise ValueError(f"give a position in {' or '.join(map(str, names))}, got {sorted(position)}")
        found = {name: _nearest(pixel_axis(maps, name), position[str(name)]) for name in names if str(name) in position}
    for name, number in found.items():
        if not 0 <= number < maps.sizes[name]:
            raise ValueError(f"{name} has the sections 0 to {maps.sizes[name] - 1}, got {number}")
    stage.set_section({**stage.section, **found})
    if stage.regions:
        show_regions(stage, stage.result)


def _nearest(axis: Float64Array, value: float) -> int:
    """Return the number of the section nearest to a position, -1 for one outside of the stack."""
    distance = abs(axis - value)
    step = abs(axis[1:] - axis[:-1]).max() if axis.size > 1 else 1.0
    return int(distance.argmin()) if distance.min() <= step else -1
