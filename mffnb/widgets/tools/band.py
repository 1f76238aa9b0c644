"""Tool of the explorer: image of a range of channels, as measured."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from mffnb.errors import UnsupportedCombinationError
from mffnb.plots import channel_coordinate
from mffnb.protocols.matrix import Matrix
from mffnb.similarities.banded_misfit import dense_bands
from mffnb.typing import Array
from mffnb.widgets.live_view.tile import encode_tile
from mffnb.widgets.measured import before_preprocessing
from mffnb.widgets.tool import LocalSession, Stage, local_session

__all__ = ["band"]


def band(stage: Stage, start: float | None = None, stop: float | None = None, *, shown: bool = True) -> xr.DataArray:
    """Image of a range of channels: the sum over these channels, in the units of the cube before preprocessing.

    Parameters
    ----------
    start, stop
        Ends of the range, both included, in the units of the channel; None is the first or the last channel. If no
        channel lies between them, it is the channel that is nearest to their middle.
    shown
        Whether the page shows the image beside the maps of the components.

    Returns
    -------
    DataArray
        Sum (pixel dims); missing entries count as zero, masked pixels are NaN. ``attrs["range"]`` has the first and the
        last channel that are summed.

    Raises
    ------
    UnsupportedCombinationError
        If the cube has several channel dimensions.

    Examples
    --------
    >>> import mffnb as mf
    >>> explorer = mf.explore(mf.datasets.tof_sims_2d(seed=0, shape=(16, 24)).cube, k=3)
    >>> image = explorer.band(42.5, 43.5)
    >>> image.dims, image.attrs["range"]
    (('y', 'x'), [42.5, 43.5])
    >>> explorer.close()
    """
    image = band_image(local_session(stage, "band"), start, stop)
    tile: dict[str, Any] = {"ends": image.attrs["range"], **encode_tile(image, stage.section)} if shown else {}
    stage.show_tool("band", follow={"start": start, "stop": stop} if shown else False, shown=shown, **tile)
    return image


def band_image(session: LocalSession, start: float | None, stop: float | None) -> xr.DataArray:
    """Return the image of a range of channels, without showing it; see :func:`band`."""
    layout, matrix = before_preprocessing(session, session.data, "band")
    if len(layout.channel_shape) > 1:
        raise UnsupportedCombinationError(
            "band needs one channel dimension, and this cube has several: sum the cube over the wanted channels itself"
        )
    spectrum = layout.endmembers(np.ones((1, matrix.shape[1])))
    channel = channel_coordinate(spectrum)[np.isfinite(spectrum.values).ravel()]
    chosen = _chosen(channel, start, stop)
    image = layout.map(_sums(matrix, chosen), "band")
    image.attrs = {key: value for key, value in layout.attrs.items() if key in ("units", "long_name")}
    image.attrs["range"] = [float(channel[chosen].min()), float(channel[chosen].max())]
    return image


def _chosen(channel: Array, start: float | None, stop: float | None) -> Array:
    """Return which channels lie in the range, or the nearest one if none does."""
    low, high = sorted((channel.min() if start is None else start, channel.max() if stop is None else stop))
    inside = (channel >= low) & (channel <= high)
    if not inside.any():
        inside[np.argmin(np.abs(channel - (low + high) / 2))] = True
    return inside


def _sums(matrix: Matrix, chosen: Array) -> Array:
    """Return the sum of the chosen channels of each row; missing entries count as zero."""
    if matrix.complete:
        sums: Array = matrix.times(chosen[None].astype(np.float64))[0]
        return sums
    parts = [
        (rows if weights is None else np.where(weights > 0, rows, 0.0)) @ chosen
        for _, rows, weights in dense_bands(matrix)
    ]
    return np.concatenate(parts)
