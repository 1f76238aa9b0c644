"""Tool of the explorer: leave channels out of the fit, for example the central beam of diffraction patterns."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from mffnb.cubes.align import align
from mffnb.cubes.layout import frame_of
from mffnb.typing import Array
from mffnb.widgets.measured import pixel_axis
from mffnb.widgets.region_shapes import mask_inside
from mffnb.widgets.session.fit_area import FitArea
from mffnb.widgets.tool import Stage, running_session

__all__ = ["leave_out_channels", "use_channels"]

_PATTERN_DIMS = 2


def leave_out_channels(
    stage: Stage,
    vertices: Sequence[Sequence[float]] | None = None,
    *,
    between: Sequence[float] | None = None,
    mask: Array | xr.DataArray | None = None,
    outline: Sequence[Sequence[float]] | None = None,
    name: str | None = None,
) -> xr.DataArray:
    """Leave channels out of the fit; the run continues with the others.

    Endmembers have gaps (NaN) there, as those of ``mf.unmix(mask=...)``. Components keep their numbers and colours.
    ``undo`` and ``use_channels`` take it back.

    Parameters
    ----------
    vertices
        Corners of a polygon on a pattern with two channel dimensions, as positions in these dimensions, for example
        (ky, kx). A channel is left out if its centre is inside.
    between
        First and last channel that are left out, where there is one channel dimension.
    mask
        True for the channels that are left out, (channel dims).
    outline
        Corners as shares of height and width of the pattern, (0, 0) to (1, 1); the page draws these.
    name
        Name of the choice; M1, M2 and so on if it is omitted. A choice with the same name is replaced.

    Returns
    -------
    DataArray
        True for the channels that are left out, (channel dims).

    Raises
    ------
    ValueError
        If no channel is inside, if none is left, or if not exactly one of vertices, between, mask and outline is given.

    Examples
    --------
    >>> import mffnb as mf
    >>> explorer = mf.explore(mf.datasets.tof_sims_2d(seed=0, shape=(16, 24)).cube, k=3)
    >>> explorer.wait()
    >>> left_out = explorer.leave_out_channels(between=(0, 20))
    >>> explorer.wait()
    >>> bool((explorer.result.endmembers[0].isnull() == left_out).all())
    True
    >>> explorer.close()
    """
    if sum(one is not None for one in (vertices, between, mask, outline)) != 1:
        raise ValueError("give one of vertices, between, mask and outline")
    session = running_session(stage, "leave_out_channels")
    spectra = stage.result.endmembers
    if between is not None:
        inside = _between(spectra, between)
    elif mask is not None:
        one = spectra.isel(component=0, drop=True)
        found = align(mask, frame_of(spectra, list(one.dims)), "the mask of the channels", [tuple(one.dims)])
        inside = one.copy(data=np.broadcast_to(found.transpose(*one.dims).values.astype(bool), one.shape))
    else:
        if spectra.ndim - 1 != _PATTERN_DIMS:
            raise ValueError("a shape is drawn on patterns with two channel dimensions: give between= or mask=")
        given = outline if vertices is None else vertices
        inside, _ = mask_inside(spectra, given, shares=vertices is None)
    if not inside.any():
        raise ValueError("no channel is inside: draw a larger shape")
    area = stage.settings.area or FitArea()
    names = [f"M{i}" for i in range(1, len(area.channels) + 2)]
    chosen = area.with_channels(name or next(one for one in names if one not in area.channels), inside.astype(bool))
    _ = session.source.restricted(chosen)  # refuses a choice that does not fit the cube or leaves no channel
    stage.change(area=chosen)
    return inside.rename("left out")


def use_channels(stage: Stage, *, name: str | None = None) -> None:
    """Use channels again that ``leave_out_channels`` has left out, or all of them if no name is given.

    Raises
    ------
    KeyError
        If there is no choice of this name.
    """
    area = stage.settings.area or FitArea()
    if name is not None and name not in area.channels:
        raise KeyError(f"no channels are left out as {name!r}: the names are {', '.join(area.channels) or 'none'}")
    chosen: FitArea | None = area
    for one in area.channels if name is None else [name]:
        chosen = None if chosen is None else chosen.with_channels(one, None)
    stage.change(area=chosen)


def _between(spectra: xr.DataArray, ends: Sequence[float]) -> xr.DataArray:
    """Return the channels from one position to another, both included."""
    one = spectra.isel(component=0, drop=True)
    if one.ndim != 1:
        raise ValueError("between= is for one channel dimension: give vertices= or mask=")
    axis = pixel_axis(one, one.dims[0])
    low, high = sorted(float(end) for end in ends)
    return one.copy(data=(axis >= low) & (axis <= high))
