"""Tool of the explorer: mean spectrum of the image, drawn below the spectra of the components."""

from __future__ import annotations

import numpy as np
import xarray as xr

from mffnb.matrices.partial import iter_rows_and_weights
from mffnb.plots import channel_coordinate
from mffnb.protocols.matrix import Matrix
from mffnb.typing import Float64Array
from mffnb.widgets.measured import before_preprocessing
from mffnb.widgets.tool import Stage, local_session

__all__ = ["mean_spectrum"]


def mean_spectrum(stage: Stage, *, shown: bool = True) -> xr.DataArray:
    """Mean spectrum of the pixels that the fit uses, in the units of the cube before preprocessing.

    Parameters
    ----------
    shown
        Whether the page draws it below the spectra of the components.

    Returns
    -------
    DataArray
        Mean over the pixels that are neither masked nor missing; NaN in channels without data.
    """
    session = local_session(stage, "mean_spectrum")
    shown_image = session.data  # read once: a run in the background may switch preprocessing steps
    layout, matrix = before_preprocessing(session, shown_image, "mean_spectrum")
    spectrum = layout.endmembers(_mean_row(matrix))
    channel, values = channel_coordinate(spectrum), spectrum.values.ravel()
    picture = channel_coordinate(shown_image.layout.endmembers(np.zeros((1, shown_image.matrix.shape[1]))))
    used = np.isfinite(values) & (channel >= picture.min()) & (channel <= picture.max())
    curve = {"channel": channel[used], "values": values[used]} if shown else {}
    stage.show_tool("mean_spectrum", shown=shown, **curve)
    return spectrum.isel(component=0, drop=True).rename("mean spectrum")


def _mean_row(matrix: Matrix) -> Float64Array:
    """Return the mean of each column over the observed entries, (1, columns); zero in a column without any."""
    if matrix.complete:
        return matrix.transposed_times(np.ones((1, matrix.shape[0]))) / matrix.shape[0]
    sums = np.zeros((2, matrix.shape[1]))
    for rows, weights in iter_rows_and_weights(matrix):
        sums += [np.nansum(rows * weights, axis=0), weights.sum(axis=0)]
    return sums[:1] / np.where(sums[1] > 0, sums[1], 1.0)
