"""Tool of the explorer: which section of a stack, or which frame of a series, the maps show."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from mffnb.plots.labels import MAXIMUM
from mffnb.typing import Float64Array
from mffnb.widgets.measured import pixel_axis
from mffnb.widgets.tool import Stage
from mffnb.widgets.tools.drop_pin import show_pins
from mffnb.widgets.tools.region import show_regions

__all__ = ["show_section"]


def show_section(
    stage: Stage,
    *,
    index: Sequence[int] | None = None,
    plane: Sequence[int] | None = None,
    maximum: str | None = None,
    **position: float,
) -> None:
    """Show another section of a stack in all maps, or the maximum projection over its sections.

    The fit and its spectra are always those of the whole stack. ``undo`` takes the change back.

    Parameters
    ----------
    index
        Number of the section along each pixel dimension but the last two, counted from 0; or give its position.
    plane
        Row and column where :meth:`orthogonal_sections` cuts, counted from 0; or give their positions.
    maximum
        Dimension over whose sections the maps show the maximum: each pixel of each map has the largest abundance that
        is found along this dimension. Such pixels have no spectrum, since the maxima of components may lie in
        different sections.
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
    >>> explorer.show_section(maximum="z")
    >>> explorer.close()
    """
    maps = stage.result.abundances
    names = maps.dims[1:-2]
    if not names:
        raise ValueError("the image has no sections: its pixels have two dimensions or one")
    found: dict[Hashable, int] = {}
    if index is not None:
        found |= dict(zip(names, (int(one) for one in index), strict=True))
    if plane is not None:
        found |= dict(zip(maps.dims[-2:], (int(one) for one in plane), strict=True))
    by_name = {str(name): name for name in maps.dims[1:]}
    unknown = sorted(set(position) - set(by_name))
    if unknown or (not found and maximum is None and not position):
        raise ValueError(f"give a position in {' or '.join(map(str, names))}, got {unknown}")
    found |= {by_name[name]: _nearest(pixel_axis(maps, by_name[name]), value) for name, value in position.items()}
    for name, number in found.items():
        if not 0 <= number < maps.sizes[name]:
            raise ValueError(f"{name} has the sections 0 to {maps.sizes[name] - 1}, got {number}")
    if maximum is not None:
        if maximum not in map(str, names):
            raise ValueError(f"there are no sections along {maximum!r}: use maximum={' or '.join(map(repr, names))}")
        found[by_name[maximum]] = MAXIMUM
    stage.set_section({**stage.section, **found})
    show_on_section(stage)


def show_on_section(stage: Stage) -> None:
    """Send the regions and the pins of the present section to the page."""
    if stage.regions:
        show_regions(stage, stage.result)
    if stage.pins:
        show_pins(stage)


def _nearest(axis: Float64Array, value: float) -> int:
    """Return the number of the section nearest to a position, -1 for one outside of the stack."""
    distance = abs(axis - value)
    step = abs(axis[1:] - axis[:-1]).max() if axis.size > 1 else 1.0
    return int(distance.argmin()) if distance.min() <= step else -1
