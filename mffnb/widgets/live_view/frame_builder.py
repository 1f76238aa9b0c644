"""Build frames for the live view from labelled maps and spectra."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence, Set
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr

from mffnb import plots
from mffnb.cubes.tiles import tiles_of
from mffnb.plots.labels import MAXIMUM, MIDDLE, pixel_coordinate, with_units
from mffnb.typing import Array
from mffnb.widgets.appearance import Appearance
from mffnb.widgets.live_view.frame import Frame, ImageTile, Section
from mffnb.widgets.live_view.patterns import Patterns

PLAIN = Appearance()


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
        self._stack = image
        self._images = tuple(
            ImageTile(one.name, one.top, one.left, one.height, one.width, plots.pixel_size(one.part(image)))
            for one in tiles_of(image)
        )
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
        gain: xr.DataArray | None = None,
        held: Set[int] = frozenset(),
        passed: Set[int] = frozenset(),
        bands: tuple[Any, Any] | None = None,
        appearance: Appearance = PLAIN,
        section: Mapping[Hashable, int] = MIDDLE,
    ) -> Frame:
        """Build a frame from the factors of a state.

        Parameters
        ----------
        abundances, endmembers
            Maps and spectra with dimensions ("component", ...), in physical units.
        numbers
            Number of each component, which determines its label and colour.
        gain
            Factor of each pixel (pixel dims), where the model has one.
        held
            Numbers of the components whose spectra stay as they are.
        passed
            Those of them that the user has passed as known spectra.
        appearance
            Names, colours, visibility and order of the components, by number.
        section
            Section of a stack that is shown, as for :func:`mffnb.plots.as_image`.
        status, generation, parameters, final, bands
            As for :class:`mffnb.widgets.live_view.frame.Frame`.
        """
        rows = appearance.rows(numbers)
        ordered = [numbers[row] for row in rows]
        moved = rows != list(range(len(rows)))  # else nothing is copied
        sections = sections_of(self._stack, section)
        plane = tuple(MAXIMUM if one.maximum else one.index for one in sections)
        maps = _planes(abundances.values, plane)
        patterns = Patterns.of(endmembers)
        if patterns is not None and moved:
            patterns = replace(patterns, values=patterns.values[rows])
        spectra = endmembers.values.reshape(len(numbers), -1)[:, self.used_channels]
        if bands is not None and moved:
            bands = (bands[0][rows], bands[1][rows])
        return Frame(
            maps=maps[rows] if moved else maps,
            gain=None if gain is None else _planes(gain.values[None], plane)[0],
            spectra=spectra[rows] if moved else spectra,
            channel=self._channel,
            channel_label=self._channel_label,
            intensity_label=self._intensity_label,
            labels=tuple(appearance.labels(ordered, passed)),
            colors=tuple(appearance.colors_of(ordered)),
            numbers=tuple(ordered),
            weights=tuple(appearance.weights_of(ordered)),
            means=_means(abundances.values, None if gain is None else gain.values, rows) if sections else None,
            hidden=tuple(place for place, number in enumerate(ordered) if number in appearance.hidden),
            pixel_size=self._pixel_size,
            status=status,
            bands=bands,
            generation=generation,
            parameters=parameters,
            final=final,
            held=frozenset(held),
            sections=sections,
            patterns=patterns,
            images=self._images,
        )


def sections_of(stack: xr.DataArray, section: Mapping[Hashable, int]) -> tuple[Section, ...]:
    """Return number and position of the section of a stack along each dimension but the last two."""
    found = []
    for name in stack.dims[:-2]:
        count, chosen = stack.sizes[name], section.get(name, stack.sizes[name] // 2)
        if chosen == MAXIMUM:
            found.append(Section(str(name), f"maximum over {name}", count // 2, count, maximum=True))
            continue
        index = min(chosen, count - 1)  # a preprocessing step may have reduced the stack
        axis = pixel_coordinate(stack, name)
        units = stack[name].attrs.get("units") if axis is not None else None
        text = f"{name} = {index if axis is None else f'{axis[index]:.4g}'}{f' {units}' if units else ''}"
        found.append(Section(str(name), text, index, count))
    return tuple(found)


def _planes(maps: Array, section: tuple[int, ...]) -> Array:
    """Reduce maps (k, pixel dims) to (k, height, width), as :func:`mffnb.plots.as_image` does, in a copy.

    Slices of a DataArray would take longer, and the first one imports dask.
    """
    if maps.ndim == 2:
        return maps[:, None].copy()
    planes = maps
    for index in section:  # each one reduces the first dimension after that of the components
        planes = np.fmax.reduce(planes, axis=1) if index == MAXIMUM else planes[:, index]
    return planes if MAXIMUM in section else planes.copy()


def _means(maps: Array, gain: Array | None, rows: Sequence[int]) -> tuple[float, ...]:
    """Return the mean amount of each component over the pixels of a stack that the fit uses; zero if there is none."""
    amounts = maps if gain is None else maps * gain
    means = [amounts[row][np.isfinite(amounts[row])] for row in rows]
    return tuple(float(values.mean()) if values.size else 0.0 for values in means)
