"""Tool of the explorer: image of a range of channels, or of a spot of a pattern, as measured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from mffnb.cubes.layout import Layout
from mffnb.protocols.matrix import Matrix
from mffnb.similarities.banded_misfit import dense_bands
from mffnb.typing import Array
from mffnb.widgets.channel_choice import ChannelChoice, box_of, outline_of
from mffnb.widgets.live_view.tile import encode_tile
from mffnb.widgets.measured import before_preprocessing
from mffnb.widgets.tool import LocalSession, Stage, local_session

__all__ = ["band"]


def band(
    stage: Stage,
    start: float | Sequence[float] | None = None,
    stop: float | Sequence[float] | None = None,
    *,
    shape: str = "rectangle",
    mask: Array | xr.DataArray | None = None,
    outline: Sequence[Sequence[float]] | None = None,
    shown: bool = True,
    **between: Sequence[float],
) -> xr.DataArray:
    """Image of a range of channels, or of a spot of a pattern (virtual detector): the sum over these channels.

    It is in the units of the cube before preprocessing. Where a step computes the spectra from an image, as
    ``SlidingFFT`` does, it is a sum of the computed channels, on the grid and in the units after that step.

    Parameters
    ----------
    start, stop
        Ends of the range, both included, in the units of the channel; None is the first or the last channel. If no
        channel lies between them, it is the channel that is nearest to their middle. For patterns (two channel
        dimensions): two opposite corners of the spot, for example (ky, kx).
    shape
        ``"rectangle"``, or ``"ellipse"`` for the ellipse in the box of a spot.
    mask
        True for the channels that are summed, (channel dims), instead.
    outline
        Corners of a spot as shares of height and width of the pattern, (0, 0) to (1, 1); the page draws these.
    shown
        Whether the page shows the image beside the maps of the components.
    between
        First and last channel by dimension, instead, for example ``ky=(1.5, 2.5), kx=(-0.5, 0.5)``.

    Returns
    -------
    DataArray
        Sum (pixel dims); missing entries count as zero, masked pixels are NaN. ``attrs["range"]`` has the first and the
        last channel that are summed; for patterns, ``attrs["ranges"]`` has them by dimension.

    Raises
    ------
    ValueError
        If the channels are given in two ways, or if there is none of them.

    Examples
    --------
    >>> import mffnb as mf
    >>> explorer = mf.explore(mf.datasets.tof_sims_2d(seed=0, shape=(16, 24)).cube, k=3)
    >>> image = explorer.band(42.5, 43.5)
    >>> image.dims, image.attrs["range"]
    (('y', 'x'), [42.5, 43.5])
    >>> image.equals(explorer.band(mz=(42.5, 43.5)))
    True
    >>> explorer.close()
    """
    choice = ChannelChoice(start, stop, shape, between, outline, mask)
    image, inside = _summed(local_session(stage, "band"), choice)
    if not shown:
        stage.show_tool("band", shown=False)
        return image
    again: dict[str, Any] = {"start": start, "stop": stop, "shape": shape, "outline": outline, **between}
    if mask is not None:
        again["mask"] = inside.values
    box = box_of(inside)
    ends = list(box.values())
    tile: dict[str, Any] = {
        "ends": ends[0] if len(ends) == 1 else None,
        "text": _text(box),
        "outline": outline_of(inside, outline),
    }
    stage.show_tool("band", follow=again, shown=True, **tile, **encode_tile(image, stage.section))
    return image


def band_image(session: LocalSession, start: float | None, stop: float | None) -> xr.DataArray:
    """Return the image of a range of channels, without showing it; see :func:`band`."""
    return _summed(session, ChannelChoice(start, stop))[0]


def _summed(session: LocalSession, choice: ChannelChoice) -> tuple[xr.DataArray, xr.DataArray]:
    """Return the image of some channels, and which ones they are."""
    layout, matrix = _spectra(session)
    spectrum = layout.endmembers(np.ones((1, matrix.shape[1])))
    inside = choice.inside(spectrum)
    chosen = inside.values.ravel()[np.isfinite(spectrum.values).ravel()]
    image = layout.map(_sums(matrix, chosen), "band")
    image.attrs = {key: value for key, value in layout.attrs.items() if key in ("units", "long_name")}
    box = box_of(inside)
    image.attrs |= {"range": next(iter(box.values()))} if len(box) == 1 else {"ranges": box}
    return image, inside


def _spectra(session: LocalSession) -> tuple[Layout, Matrix]:
    """Return layout and data matrix before preprocessing, or after it where the cube is an image without spectra."""
    image = session.data
    if image.image.chain is not None and any(step.takes_image for step in session.source.steps):
        return image.layout, image.matrix
    return before_preprocessing(session, image, "band")


def _text(box: dict[str, list[float]]) -> str:
    """Return the name of the image: the range of a band, or the middle of a spot."""
    if len(box) == 1:
        ((first, last),) = box.values()
        return f"band {first:g}" if first == last else f"band {first:g} to {last:g}"
    return f"spot ({', '.join(f'{(first + last) / 2:.3g}' for first, last in box.values())})"


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
