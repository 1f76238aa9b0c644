"""Tool of the explorer: axes, normalisation and zoom of the plot of the spectra."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from mffnb.unmixing.result import Unmixing
from mffnb.widgets.live_view.live_view import INTENSITY_SCALES, NORMALIZATIONS
from mffnb.widgets.tool import Stage

__all__ = ["show_spectra"]


def show_spectra(
    stage: Stage,
    *,
    scale: str | None = None,
    normalize: str | None = None,
    common: bool | None = None,
    peaks: bool | None = None,
    channels: Sequence[float] | None = None,
) -> xr.DataArray:
    """Set the axes of the plot of the spectra: logarithmic intensity, normalisation, zoom; return the endmembers so.

    What is None stays as it is. ``undo`` takes each change back.

    Parameters
    ----------
    scale
        Intensity axis: ``"linear"``, ``"sqrt"`` or ``"log"``. The logarithmic one is linear around zero, as "symlog" of
        matplotlib is, so that zeros and negative values stay visible.
    normalize
        ``"none"``: in the units of the cube. ``"max"``: maximum 1. ``"area"``: integral over the channels 1.
        ``"abundance"``: times the mean abundance, which is what the component contributes to the mean spectrum.
    common
        Whether all components share one range, and all measured spectra another one; else each has its own.
    peaks
        Whether the highest peaks are labelled.
    channels
        First and last channel that are shown; empty for all.

    Returns
    -------
    DataArray
        Endmembers ("component", channels), normalised as the page shows them.

    Raises
    ------
    ValueError
        If there is no such scale or normalisation, or if ``channels`` are not two different numbers.

    Examples
    --------
    >>> import mffnb as mf
    >>> explorer = mf.explore(mf.datasets.tof_sims_2d(seed=0, shape=(16, 24)).cube, k=3)
    >>> explorer.wait()
    >>> spectra = explorer.show_spectra(scale="log", normalize="max", channels=(10, 90))
    >>> spectra.max("mz").values.tolist()
    [1.0, 1.0, 1.0]
    >>> explorer.undo()
    >>> explorer.close()
    """
    changed: dict[str, Any] = {}
    if scale is not None:
        changed["intensity_scale"] = _one_of("scale", scale, INTENSITY_SCALES)
    if normalize is not None:
        changed["normalization"] = _one_of("normalize", normalize, NORMALIZATIONS)
    if common is not None:
        changed["common_scale"] = bool(common)
    if peaks is not None:
        changed["peak_labels"] = bool(peaks)
    if channels is not None:
        changed["channel_range"] = _ends(channels)
    stage.set_spectra_view(**changed)
    how = stage.spectra_view.get("normalization", "none")
    return normalized(stage.result, str(how))


def _one_of(name: str, value: str, allowed: Sequence[str]) -> str:
    """Return a value that is allowed; refuse any other one."""
    if value not in allowed:
        raise ValueError(f"{name}={value!r} is not known: use {', '.join(map(repr, allowed))}")
    return value


def _ends(channels: Sequence[float]) -> list[float]:
    """Return the ends of a range of channels, the smaller one first; an empty list for all channels."""
    ends = sorted(float(channel) for channel in channels)
    if ends and (len(ends) != 2 or not ends[0] < ends[1] or not np.isfinite(ends).all()):
        raise ValueError(f"channels={channels!r} is no range: give its first and last channel, or () for all channels")
    return ends


def normalized(answer: Unmixing, how: str) -> xr.DataArray:
    """Return endmembers as the page shows them."""
    if how == "none":
        return answer.endmembers
    if how != "abundance":
        return answer.normalized(how).endmembers
    pixels = [name for name in answer.abundances.dims if name != "component"]
    scaled = answer.endmembers * answer.abundances.mean(pixels)
    return scaled.transpose(*answer.endmembers.dims).assign_attrs(answer.endmembers.attrs)
