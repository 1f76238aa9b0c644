"""Tool of the explorer: the spectrum of one pixel, split into the contributions of the components."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from mffnb.plots import channel_coordinate
from mffnb.preprocessing.image_scaling import ImageScaling
from mffnb.unmixing.result import Unmixing
from mffnb.widgets.live_view.patterns import Patterns
from mffnb.widgets.measured import comparable_cube, in_mosaic, picture_position, pixel_indices, used_pixels
from mffnb.widgets.pins import with_pin
from mffnb.widgets.tool import Stage, local_session
from mffnb.widgets.tools.drop_pin import show_pins

__all__ = ["probe"]


def probe(
    stage: Stage,
    *,
    pixel: Sequence[int] | None = None,
    radius: float = 0.0,
    shown: bool = True,
    pinned: bool = True,
    image: int | str | None = None,
    **position: float,
) -> xr.Dataset:
    """Spectrum of a pixel as measured and as modelled, with the contribution of each component.

    Parameters
    ----------
    pixel
        Row and column of the pixel in the picture of a map; or give its position.
    radius
        Average over the pixels within this distance, in pixels. Pixels that the fit leaves out are not averaged,
        unless all of them are.
    shown
        Whether the page shows the spectrum below those of the components.
    pinned
        Whether the page keeps showing it, and not only while the pointer is there. It is then in ``explorer.pins``
        until ``drop_pin`` removes it; a pixel that is pinned again gets the new radius.
    image
        Number or name of the image, where the explorer shows several: ``pixel`` and ``position`` are then those of
        this image.
    position
        Coordinate of the pixel along each pixel dimension, for example ``y=12.5, x=3``; the index where a dimension has
        no coordinate.

    Returns
    -------
    Dataset
        ``measured``, ``model`` and ``residual`` (measured minus model) over the channels, and ``contributions``
        ("component", channels): abundance times endmember, before a transformation of the model. In the units of the
        cube, on the grid of the result.

    Raises
    ------
    ValueError
        If the position lies outside of the image.

    Examples
    --------
    >>> import mffnb as mf
    >>> explorer = mf.explore(mf.datasets.tof_sims_2d(seed=0, shape=(16, 24)).cube, k=3)
    >>> explorer.wait()
    >>> spectra = explorer.probe(y=explorer.result.abundances.y[5], x=explorer.result.abundances.x[7])
    >>> sorted(spectra), spectra.contributions.dims
    (['contributions', 'measured', 'model', 'residual'], ('component', 'mz'))
    >>> explorer.close()
    """
    session = local_session(stage, "probe")
    answer = stage.result
    pixel, given = in_mosaic(answer.abundances, image, pixel, {name: float(value) for name, value in position.items()})
    where = pixel_indices(answer.abundances, pixel, given, radius, stage.section)
    where = used_pixels(answer.abundances, where)
    cube = comparable_cube(session.data if session.last is None else session.last.data, answer)
    measured = cube.isel(where).mean("pixel").compute().astype(np.float64).rename("measured")
    model = _model(answer, where)
    found = xr.Dataset(
        {
            "measured": measured,
            "model": model,
            "residual": (measured.transpose(*model.dims) - model).rename("residual"),
            "contributions": _contributions(answer, where),
        }
    )
    if shown:
        stage.show_tool("probe", recorded=False, pinned=pinned, **_for_page(answer, where, found))
    if shown and pinned:
        centre = pixel_indices(answer.abundances, pixel, given, 0.0, stage.section)
        row, column = picture_position(answer.abundances, centre)
        kept = with_pin(
            stage.pins, (row, column), _section_of(answer, centre), radius, next(iter(where.values())).size, measured
        )
        stage.pins.clear()
        stage.pins.update(kept)
        show_pins(stage)
    return found


def _section_of(answer: Unmixing, where: Mapping[Hashable, xr.DataArray]) -> dict[Hashable, int]:
    """Return the section of a stack that a pixel is in."""
    return {name: int(where[name][0]) for name in answer.abundances.dims[1:-2]}


def _contributions(answer: Unmixing, where: Mapping[Hashable, xr.DataArray]) -> xr.DataArray:
    """Return abundance times endmember of each component, averaged over pixels."""
    amounts = answer.abundances.isel(where)
    amounts = amounts if answer.gain is None else amounts * answer.gain.isel(where)
    return (amounts.mean("pixel") * answer.endmembers).transpose("component", ...).assign_attrs(answer.endmembers.attrs)


def _model(answer: Unmixing, where: Mapping[Hashable, xr.DataArray]) -> xr.DataArray:
    """Return the reconstruction averaged over pixels, without that of the whole image where possible."""
    steps = () if answer.processed is None else answer.processed.chain.steps
    if answer.mapped is None and all(isinstance(step, ImageScaling) for step in steps):
        model = _contributions(answer, where).sum("component", skipna=False)
    else:
        model = answer.reconstruction().isel(where).mean("pixel")
    return model.rename("model").assign_attrs(answer.endmembers.attrs)


def _for_page(answer: Unmixing, where: Mapping[Hashable, xr.DataArray], found: xr.Dataset) -> dict[str, Any]:
    """Return what the page shows: position in the picture, and the measured spectrum at the channels of the plot."""
    measured = found.measured.values.ravel()
    channel = channel_coordinate(answer.endmembers)
    used = np.isfinite(measured) & np.isfinite(answer.endmembers.values.reshape(len(answer.endmembers), -1)).all(axis=0)
    pattern = Patterns.of(found.measured.expand_dims("component"))
    return {
        **({} if pattern is None else {"pattern": pattern.encoded()[1]}),
        "pixel": picture_position(answer.abundances, where),
        "count": int(next(iter(where.values())).size),
        "channel": channel[used],
        "measured": measured[used],
    }
