"""Tool of the explorer: mean spectrum of the image, drawn below the spectra of the components."""

from __future__ import annotations

import numpy as np
import xarray as xr

from mffnb.cubes.layout import Layout
from mffnb.errors import UnsupportedCombinationError
from mffnb.matrices.partial import iter_rows_and_weights
from mffnb.plots import channel_coordinate
from mffnb.protocols.matrix import Matrix
from mffnb.typing import Float64Array
from mffnb.widgets.session.live_data import LiveImage
from mffnb.widgets.session.session import Session
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
    layout, matrix = _before_preprocessing(session, shown_image)
    spectrum = layout.endmembers(_mean_row(matrix))
    channel, values = channel_coordinate(spectrum), spectrum.values.ravel()
    picture = channel_coordinate(shown_image.layout.endmembers(np.zeros((1, shown_image.matrix.shape[1]))))
    used = np.isfinite(values) & (channel >= picture.min()) & (channel <= picture.max())
    stage.show_tool("mean_spectrum", shown=shown, channel=channel[used], values=values[used])
    return spectrum.isel(component=0, drop=True).rename("mean spectrum")


def _before_preprocessing(session: Session, shown_image: LiveImage) -> tuple[Layout, Matrix]:
    """Return layout and data matrix of the cube as the user passed it."""
    if shown_image.image.chain is None:
        return shown_image.layout, shown_image.matrix
    task = session.source.task
    if any(step.takes_image for step in session.source.steps):
        raise UnsupportedCombinationError(
            "mean_spectrum needs a cube with spectra, and here a preprocessing step computes them from an image: "
            "apply the step first, and explore its result"
        )
    layout = Layout.of(session.source.cube, task.channel, task.mask)
    return layout, layout.matrix(session.source.cube)


def _mean_row(matrix: Matrix) -> Float64Array:
    """Return the mean of each column over the observed entries, (1, columns); zero in a column without any."""
    if matrix.complete:
        return matrix.transposed_times(np.ones((1, matrix.shape[0]))) / matrix.shape[0]
    sums = np.zeros((2, matrix.shape[1]))
    for rows, weights in iter_rows_and_weights(matrix):
        sums += [np.nansum(rows * weights, axis=0), weights.sum(axis=0)]
    return sums[:1] / np.where(sums[1] > 0, sums[1], 1.0)
