"""Preview of a signal of a file: its total image, the picture itself, or a line, as a PNG with a caption."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from mffnb.cubes.layout import channel_names
from mffnb.cubes.totals import total_image
from mffnb.plots.maps import draw_map
from mffnb.unmixing.pictures import is_picture
from mffnb.widgets.live_view.messages import MATPLOTLIB_LOCK, png_bytes

_SIZE = (4.2, 3.2)  # inches


@dataclass(frozen=True)
class Preview:
    """Picture of a signal.

    Attributes
    ----------
    png
        The picture.
    caption
        What it shows, with the shape of the cube.
    """

    png: bytes
    caption: str

    @classmethod
    def of(cls, cube: xr.DataArray) -> Preview:
        """Draw the preview of a cube.

        Examples
        --------
        >>> Preview.of(xr.DataArray(np.ones((4, 5, 9)), dims=("y", "x", "energy"))).caption
        'Total image: sum of 9 channels. 4 x 5 x 9 float64 (y, x | energy)'
        """
        image, words = _image(cube)
        figure = Figure(figsize=_SIZE, layout="constrained")
        with MATPLOTLIB_LOCK:
            axes = figure.subplots()
            if image.ndim == 1:
                name = image.dims[0]
                unit = image[name].attrs.get("units") if name in image.coords else None
                axes.plot(image[name], image)
                axes.set(xlabel=f"{name} ({unit})" if unit else str(name))
            else:
                draw_map(image, axes)
            png = png_bytes(figure)
        return cls(png, f"{words}. {_described(cube)}")


def _image(cube: xr.DataArray) -> tuple[xr.DataArray, str]:
    """Return the image or line to draw, and what it is."""
    if is_picture(cube):
        words = "All values, a spectrum in each row" if "channel" in cube.dims else "Picture without a spectral axis"
        return cube.squeeze(drop=True).astype(np.float64), words
    channels = channel_names(cube, None)
    pixels = [name for name in cube.dims if name not in channels and cube.sizes[name] > 1]
    if not pixels and len(channels) == 1:
        return cube.squeeze(drop=True).astype(np.float64), "Spectrum"
    image, step = total_image(cube)
    count = int(np.prod([cube.sizes[name] for name in channels]))
    part = f"{count} channel{'s' if count > 1 else ''}" + (f", of every {step}th row" if step > 1 else "")
    long = [name for name in image.dims if image.sizes[name] > 1]
    image = image.squeeze([name for name in image.dims if name not in long], drop=True)
    if image.ndim > 2:
        return image, f"Total image, middle section: sum of {part}"
    return image, f"Total {'image' if image.ndim == 2 else 'of each pixel'}: sum of {part}"


def _described(cube: xr.DataArray) -> str:
    channels = channel_names(cube, None)
    shape, names = " x ".join(map(str, cube.shape)), ", ".join(map(str, cube.dims))
    if "channel" in cube.dims or not is_picture(cube):
        pixels = ", ".join(str(name) for name in cube.dims if name not in channels)
        names = f"{pixels} | {', '.join(map(str, channels))}"
    return f"{shape} {cube.dtype} ({names})"
