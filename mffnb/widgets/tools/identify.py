"""Tool of the explorer: candidates for a peak, from a table that fits the channel."""

from __future__ import annotations

import os
from typing import Any

import pandas as pd

from mffnb import identification
from mffnb.errors import UnsupportedCombinationError
from mffnb.identification.peak_table import PeakTable
from mffnb.plots import channel_label
from mffnb.widgets.tool import Stage

__all__ = ["identify"]


def identify(
    stage: Stage,
    channel: float | None = None,
    *,
    table: str | os.PathLike[str] | PeakTable | None = None,
    tolerance: float | None = None,
    shown: bool = True,
) -> pd.DataFrame:
    """List candidates for a peak: ions, Raman bands, ionisation edges, X-ray lines, or entries of a CSV file.

    Parameters
    ----------
    channel
        Position of the peak, in the unit of the channel.
    table, tolerance
        As for :func:`mffnb.identification.identify`. A name or a path is kept for clicks on peaks.
    shown
        Whether the page shows the candidates below the spectra; without a channel, False removes them.

    Returns
    -------
    DataFrame
        ``assignment``, ``position``, ``difference`` and ``note``, the likeliest first; empty without a candidate.

    Raises
    ------
    ValueError
        If no table fits the channel, or it lies outside of the channels.

    Examples
    --------
    >>> import mffnb as mf
    >>> explorer = mf.explore(mf.datasets.tof_sims_2d(seed=0, shape=(16, 24)).cube, k=3)
    >>> explorer.wait()
    >>> explorer.identify(23.0).assignment[0]
    'Na⁺'
    >>> explorer.close()
    """
    before = stage.shown_values("identify")
    kept = before.get("given") or None
    if channel is None:
        if shown:
            raise ValueError("identify needs the position of a peak, such as identify(43.0)")
        stage.show_tool("identify", shown=False, given=kept or "")
        return pd.DataFrame(columns=["assignment", "position", "difference", "note"])
    spectra = stage.result.endmembers
    if spectra.ndim > 2:
        raise UnsupportedCombinationError("identify needs one channel dimension, and this cube has several")
    used = table if table is not None else kept
    found = identification.identify(spectra, channel, table=used, tolerance=tolerance)
    if shown:
        given = "" if used is None or isinstance(used, PeakTable) else os.fspath(used)
        values: dict[str, Any] = {name: found[name].tolist() for name in found}
        label = channel_label(spectra)
        stage.show_tool("identify", shown=True, given=given, label=label, **found.attrs, **values)
    return found
