"""Candidates for a peak: what it may be, from a table that fits the channel axis."""

from __future__ import annotations

import os

import numpy as np
import pandas as pd
import xarray as xr

from mffnb.errors import UnsupportedCombinationError
from mffnb.identification.choice import choose_table
from mffnb.identification.peak_table import PeakTable
from mffnb.typing import Array

__all__ = ["identify"]


def identify(
    spectra: xr.DataArray,
    channel: float,
    *,
    table: str | os.PathLike[str] | PeakTable | None = None,
    tolerance: float | None = None,
    most: int = 10,
) -> pd.DataFrame:
    """List candidates for a peak (peak assignment): ions, Raman bands, ionisation edges or X-ray lines.

    Parameters
    ----------
    spectra
        Spectra whose last dimension is the channel, such as ``result.endmembers``. Its name and unit choose the table.
    channel
        Position of the peak, in the unit of the channel.
    table
        ``"ions"`` (masses, computed from atomic masses), ``"raman"``, ``"eels"`` (ionisation edges), ``"xray"`` (lines
        from the package exspy), the path of a CSV file with the columns ``position``, ``assignment`` and ``note``, or
        a :class:`PeakTable`; None chooses by the unit and the name of the channel.
    tolerance
        Largest difference from the table; by default the width of the channel, or the accuracy of the table where this
        is larger.
    most
        Largest number of candidates.

    Returns
    -------
    DataFrame
        ``assignment``, ``position`` (of the table), ``difference`` (channel minus position) and ``note``, the likeliest
        first: by difference, isotopic abundance or line intensity, and simplicity of the ion. ``attrs`` has the name of
        the ``table`` and the ``tolerance``. Without a candidate it is empty.

    Raises
    ------
    ValueError
        If no table fits, or the position lies outside of the channels.

    Examples
    --------
    >>> import mffnb as mf
    >>> spectra = mf.datasets.tof_sims_2d(seed=0, shape=(8, 8)).endmembers
    >>> mf.identification.identify(spectra, 39.0).assignment[0]
    'K⁺'
    """
    if "component" in spectra.dims and spectra.ndim > 2:
        raise UnsupportedCombinationError("identify needs one channel dimension, and these spectra have several")
    name = spectra.dims[-1]
    axis = spectra[name]
    positions = np.asarray(axis.values, dtype=np.float64)
    width = _width(positions, channel)
    ends = sorted((float(positions[0]), float(positions[-1])))
    if not ends[0] - width <= channel <= ends[1] + width:
        raise ValueError(f"{channel:g} lies outside of the channels, which go from {ends[0]:g} to {ends[1]:g}")
    chosen = choose_table(table, f"{name} {axis.attrs.get('long_name', '')}".strip(), str(axis.attrs.get("units", "")))
    reach = max(width, chosen.accuracy) if tolerance is None else float(tolerance)
    if not reach > 0:
        raise ValueError(f"tolerance={tolerance!r} must be larger than 0")
    found = chosen.near(float(channel), reach)[:most]
    candidates = pd.DataFrame(
        {
            "assignment": [chosen.assignments[index] for index, _ in found],
            "position": [round(float(chosen.positions[index]), 9) for index, _ in found],
            "difference": [difference for _, difference in found],
            "note": [chosen.notes[index] for index, _ in found],
        }
    )
    candidates.attrs = {"table": chosen.name, "tolerance": reach, "channel": float(channel)}
    return candidates


def _width(positions: Array, channel: float) -> float:
    """Return the distance of neighbouring channels at a position; zero for a single channel."""
    if positions.size < 2:
        return 0.0
    nearest = int(np.argmin(np.abs(positions - channel)))
    return float(np.abs(np.diff(positions[max(nearest - 1, 0) : nearest + 2])).mean())
