"""Build frames for the live view from labelled maps and spectra."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
import xarray as xr

from mffnb import plots
from mffnb.plots.labels import with_units
from mffnb.plots.palette import component_colors
from mffnb.typing import Array
from mffnb.widgets.live_view.frame import Frame

NO_NAMES: Mapping[int, str] = MappingProxyType({})


class FrameBuilder:
    """Builds frames of one image for the live view; holds its channel coordinate, labels and pixel size.

    Parameters
    ----------
    image
        An abundance map with its coordinates.
    spectra
        One or more spectra, ("component", channel dims), with NaN in unused channels.

    Attributes
    ----------
    used_channels
        Boolean, (channels,): True for channels that the fit uses.
    """

    def __init__(self, image: xr.DataArray, spectra: xr.DataArray) -> None:
        self.used_channels = np.isfinite(spectra.values[0]).ravel()
        self._pixel_size = plots.pixel_size(image)
        self._channel = plots.channel_coordinate(spectra)[self.used_channels]
        self._channel_label = plots.channel_label(spectra)
        self._intensity_label = with_units(str(spectra.attrs.get("long_name", "intensity")), spectra.attrs.get("units"))

    def frame(
        self,
        abundances: xr.DataArray,
        endmembers: xr.DataArray,
        numbers: Sequence[int],
        *,
        status: Mapping[str, object],
        generation: int,
        parameters: Mapping[str, object],
        final: bool,
        known: int = 0,
        bands: tuple[Any, Any] | None = None,
        named: Mapping[int, str] = NO_NAMES,
    ) -> Frame:
        """Build a frame from the factors of a state.

        Parameters
        ----------
        abundances, endmembers
            Maps and spectra with dimensions ("component", ...), in physical units.
        numbers
            Number of each component, which determines its label and colour.
        known
            Components with a smaller number than this are known spectra.
        named
            Names that the user has given to components, by number.
        status, generation, parameters, final, bands
            As for :class:`mffnb.widgets.live_view.frame.Frame`.
        """
        palette = component_colors(max(numbers) + 1)
        return Frame(
            maps=_planes(abundances.values),
            spectra=endmembers.values.reshape(len(numbers), -1)[:, self.used_channels],
            channel=self._channel,
            channel_label=self._channel_label,
            intensity_label=self._intensity_label,
            labels=tuple(
                named.get(number, f"{'known' if number < known else 'component'} {number}") for number in numbers
            ),
            colors=tuple(palette[number] for number in numbers),
            pixel_size=self._pixel_size,
            status=status,
            bands=bands,
            generation=generation,
            parameters=parameters,
            final=final,
        )


def _planes(maps: Array) -> Array:
    """Reduce maps (k, pixel dims) to (k, height, width), as :func:`mffnb.plots.as_image` does, in a copy.

    Slices of a DataArray would take longer, and the first one imports dask.
    """
    if maps.ndim == 2:
        return maps[:, None].copy()
    middle = tuple(length // 2 for length in maps.shape[1:-2])
    return maps[(slice(None), *middle)].copy()
