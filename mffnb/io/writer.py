"""Description of an export format, and the labelled result that its writer gets."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from mffnb.plots.labels import identity
from mffnb.typing import Array


@dataclass(frozen=True, eq=False)
class Export:
    """A result as writers of files get it: its visible components, with names and colours.

    Attributes
    ----------
    endmembers
        Spectra, ("component", channel dims), in the units of the data.
    abundances
        Maps, ("component", pixel dims).
    gain
        One scale factor for each pixel; None if the model has no gain.
    labels, colors
        Name, unique, and hexadecimal colour of each component.
    metadata
        Metadata of the measurement in the layout of HyperSpy.
    parameters
        Record of the run.
    outcome
        Sentence that says how the run ended.
    code
        Python code that repeats the run.
    notes
        Warnings, one sentence each.
    lower, upper
        Ends of a band behind each spectrum, with the dimensions of the endmembers; None if there is no band.
    band
        Sentence that says what the band is.
    data, model
        Functions that return the data and the reconstruction, both (pixel dims, channel dims). They raise
        ``ValueError`` if the result does not hold the data.
    linear
        Whether the reconstruction is gain A E in the units of the data, without transformation or offset.
    """

    endmembers: xr.DataArray
    abundances: xr.DataArray
    gain: xr.DataArray | None
    labels: tuple[str, ...]
    colors: tuple[str, ...]
    data: Callable[[], xr.DataArray]
    model: Callable[[], xr.DataArray]
    linear: bool = True
    metadata: Mapping[str, Any] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    outcome: str = ""
    code: str = ""
    notes: tuple[str, ...] = ()
    lower: xr.DataArray | None = None
    upper: xr.DataArray | None = None
    band: str = ""

    @property
    def channels(self) -> list[str]:
        """Names of the channel dimensions."""
        return [str(name) for name in self.endmembers.dims[1:]]

    @property
    def pixels(self) -> list[str]:
        """Names of the pixel dimensions."""
        return [str(name) for name in self.abundances.dims[1:]]

    @property
    def source(self) -> str:
        """File name of the data, or a general title."""
        return Path(str(self.parameters.get("source") or "")).name or "mffnb unmixing"

    def residual(self, cube: Any = None) -> xr.DataArray:
        """Return the data minus the reconstruction, (pixel dims, channel dims)."""
        model = self.model()
        data = self.data().transpose(*model.dims)
        return model.copy(data=data.values - model.values).rename("residual")

    def component(self, number: int) -> Export:
        """Return one component, for formats that hold one spectrum or one map."""
        row = slice(number, number + 1)
        return replace(
            self,
            endmembers=self.endmembers[row],
            abundances=self.abundances[row],
            labels=self.labels[row],
            colors=self.colors[row],
        )


@dataclass(frozen=True)
class Writer:
    """A file format that :meth:`mffnb.Unmixing.export` can write.

    Attributes
    ----------
    name
        Name of the format.
    suffixes
        Suffixes of its files, in lower case with the dot. ``".ome.tif"`` precedes ``".tif"``.
    write
        Function that fills a file: ``write(export, path)``. It raises ``ValueError`` for what the format cannot hold.
    holds
        What the file holds: ``"spectra"``, ``"maps"`` or ``"result"``.
    per_component
        Whether a file holds one component, so that k files are written.
    extra
        Extra of this package to install, if the writer needs one: ``pip install "mffnb[extra]"``.
    bands
        Whether the file shows how far each spectrum could turn, which takes time to compute.
    """

    name: str
    suffixes: tuple[str, ...]
    write: Callable[[Export, Path], Any]
    holds: str
    per_component: bool = False
    extra: str | None = None
    bands: bool = False


def unique_labels(array: xr.DataArray) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return label and colour of each component; a label that occurs twice gets the position of its component.

    Examples
    --------
    >>> maps = xr.DataArray(np.zeros((2, 3)), dims=("component", "x"), coords={"label": ("component", ["a", "a"])})
    >>> unique_labels(maps)[0]
    ('a 0', 'a 1')
    """
    labels, colors = identity(array)
    found = [f"{text} {i}" if labels.count(text) > 1 else text for i, text in enumerate(labels)]
    return tuple(found), tuple(colors)


def coordinate(array: xr.DataArray, name: Any) -> Array:
    """Return the coordinate of a dimension, or positions from 0 if it has none."""
    return array[name].values if name in array.coords else np.arange(array.sizes[name])


def units_of(array: xr.DataArray, name: Any = None) -> str:
    """Return the unit of an array, or of the coordinate of a dimension; empty text if there is none."""
    attrs = array.attrs if name is None else array[name].attrs if name in array.coords else {}
    return str(attrs.get("units") or "")


def one_spectrum(export: Export, kind: str) -> tuple[Array, Array]:
    """Return coordinate and values of the only spectrum of an export, without channels that have no data.

    Raises
    ------
    ValueError
        If the spectra have several channel dimensions, or a coordinate that is not made of numbers.
    """
    check_one_axis(export, kind)
    name = export.endmembers.dims[1]
    where = coordinate(export.endmembers, name)
    if where.dtype.kind not in "iuf":
        raise ValueError(
            f"{kind} needs numbers on its axis, and {name!r} holds {where.dtype}: export the spectra as .csv"
        )
    values = np.asarray(export.endmembers.values[0], dtype=np.float64)
    kept = np.isfinite(values)
    return where[kept].astype(np.float64), values[kept]


def check_one_axis(export: Export, kind: str) -> None:
    """Refuse spectra with several channel dimensions, for formats that hold one axis."""
    if len(export.channels) != 1:
        raise ValueError(
            f"{kind} holds spectra with one axis, and these have {len(export.channels)} "
            f"({', '.join(export.channels)}): export them as .csv, .xlsx or .hf5"
        )


def file_word(label: str) -> str:
    """Return a label as a part of a file name.

    Examples
    --------
    >>> file_word("CN- / amide")
    'CN-_amide'
    """
    return re.sub(r"[^\w.+-]+", "_", label).strip("_.") or "component"


def one_line(text: object) -> str:
    """Return a text on one line, for headers of text formats."""
    return " ".join(str(text).split())
