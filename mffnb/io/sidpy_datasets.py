"""Factors of a result with axes as sidpy and NSID describe them, and as sidpy datasets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from mffnb.io.writer import Export, coordinate, one_line, units_of
from mffnb.typing import Array

_LENGTHS = {"m": "m", "cm": "cm", "mm": "mm", "µm": "um", "μm": "um", "micron": "um", "angstrom": "A", "Å": "A"}


@dataclass(frozen=True, eq=False)
class Axis:
    """One dimension: name, coordinates, what they are, their unit, and the kind of dimension in the words of sidpy."""

    name: str
    values: Array
    quantity: str
    units: str
    kind: str


@dataclass(frozen=True, eq=False)
class Part:
    """An array of a result with its axes, and the kind of data in the words of sidpy."""

    name: str
    values: Array
    quantity: str
    units: str
    data_type: str
    axes: tuple[Axis, ...]


def parts(export: Export) -> Iterator[Part]:
    """Yield abundances, endmembers and gain of a result."""
    planes = {1: "LINE_PLOT_FAMILY", 2: "IMAGE_STACK"}.get(len(export.pixels), "UNKNOWN")
    spectra = {1: "LINE_PLOT_FAMILY", 2: "IMAGE_STACK"}.get(len(export.channels), "UNKNOWN")
    yield _part("abundances", export.abundances, "abundance", planes, "SPATIAL")
    yield _part("endmembers", export.endmembers, "intensity", spectra, "SPECTRAL")
    if export.gain is not None:
        kind = {1: "LINE_PLOT", 2: "IMAGE"}.get(len(export.pixels), "UNKNOWN")
        yield _part("gain", export.gain.transpose(*export.pixels), "gain", kind, "SPATIAL")


def _part(name: str, array: xr.DataArray, quantity: str, data_type: str, kind: str) -> Part:
    known = one_line(array.attrs.get("long_name") or quantity)
    axes = tuple(_axis(array, dim, "CHANNEL" if dim == "component" else kind) for dim in array.dims)
    values = np.asarray(array.values, dtype=np.float64)
    return Part(name, values, known, one_line(units_of(array) or "generic"), data_type, axes)


def _axis(array: xr.DataArray, name: Any, kind: str) -> Axis:
    """Return an axis; labels and other coordinates that are no numbers become positions."""
    where = coordinate(array, name)
    if where.dtype.kind not in "iuf":
        where = np.arange(len(where))
    attrs = array[name].attrs if name in array.coords else {}
    units = units_of(array, name) or "generic"
    quantity = one_line(attrs.get("long_name") or name)
    return Axis(str(name), where.astype(np.float64), quantity, _LENGTHS.get(units, units), kind)


def to_sidpy(export: Export) -> dict[str, Any]:
    """Return the factors as sidpy datasets by name.

    Raises
    ------
    ValueError
        If sidpy is not installed.
    """
    try:
        import sidpy  # noqa: PLC0415  an optional dependency
    except ImportError:
        raise ValueError("to_sidpy needs sidpy: pip install sidpy") from None
    found = {}
    for part in parts(export):
        dataset = sidpy.Dataset.from_array(part.values, title=part.name)
        dataset.quantity, dataset.units, dataset.data_type = part.quantity, part.units, part.data_type
        dataset.modality, dataset.source = "unmixing", one_line(export.source)
        for number, axis in enumerate(part.axes):
            dataset.set_dimension(
                number,
                sidpy.Dimension(
                    axis.values, name=axis.name, quantity=axis.quantity, units=axis.units, dimension_type=axis.kind
                ),
            )
        dataset.metadata = {"components": list(export.labels), "colors": list(export.colors)}
        found[part.name] = dataset
    return found
