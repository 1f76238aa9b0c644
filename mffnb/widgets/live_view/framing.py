"""Labelled maps and spectra as frames for the live view."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from mffnb import plots
from mffnb.plots.palette import component_colors
from mffnb.widgets.live_view.frame import Frame


class Framing:
    """How factors become a frame: everything about the image that does not change from frame to frame.

    Parameters
    ----------
    image
        A map, with its coordinates.
    spectrum
        A spectrum, NaN in channels that are not used.
    """

    def __init__(self, image: xr.DataArray, spectrum: xr.DataArray) -> None:
        spectra = spectrum.expand_dims("component")
        self.seen = np.isfinite(spectrum.values).ravel()
        self._pixel_size = plots.pixel_size(image)
        self._channel = plots.channel_coordinate(spectra)[self.seen]
        self._channel_label = plots.channel_label(spectra)

    def frame(
        self,
        abundances: xr.DataArray,
        endmembers: xr.DataArray,
        names: Sequence[int],
        *,
        status: Mapping[str, object],
        generation: int,
        parameters: Mapping[str, object],
        final: bool,
        known: int = 0,
        bands: tuple[Any, Any] | None = None,
    ) -> Frame:
        """A frame of these factors.

        Parameters
        ----------
        abundances, endmembers
            ("component", ...), in physical units.
        names
            Which component is which: its number, and its colour.
        known
            How many of them, the first, are known spectra.
        status, generation, parameters, final, bands
            As for :class:`mffnb.widgets.live_view.frame.Frame`.
        """
        palette = component_colors(max(names) + 1)
        return Frame(
            maps=np.stack([plots.as_image(image).values for image in abundances]),
            spectra=endmembers.values.reshape(len(names), -1)[:, self.seen],
            channel=self._channel,
            channel_label=self._channel_label,
            labels=tuple(f"{'known' if name < known else 'component'} {name}" for name in names),
            colors=tuple(palette[name] for name in names),
            pixel_size=self._pixel_size,
            status=status,
            bands=bands,
            generation=generation,
            parameters=parameters,
            final=final,
        )
