"""A result as a HyperSpy signal with ``learning_results``: as a dictionary for RosettaSciIO, and as an object."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from mffnb.errors import UnsupportedCombinationError
from mffnb.io.writer import Export, coordinate, one_line, units_of

_WRITTEN_AS = "2.2"
"""Oldest version of HyperSpy that opens the signal; HyperSpy selects the class of a signal by package and version."""
_EVEN = 1e-6  # relative difference of steps up to which an axis counts as even
_LINEAR = 1e-6  # difference of the reconstruction from gain A E, relative to its largest value


def signal_dictionary(export: Export) -> dict[str, Any]:
    """Return data, axes and factors as the dictionary of a signal, in the layout of RosettaSciIO.

    The loadings are gain times abundances, (pixels, k), the factors the endmembers, (channels, k), so that HyperSpy's
    ``get_decomposition_model`` is the reconstruction.

    Raises
    ------
    ValueError
        If the result does not hold its data.
    UnsupportedCombinationError
        If the reconstruction is not the product of loadings and factors.
    """
    data = export.data()
    k = len(export.labels)
    maps = export.abundances if export.gain is None else export.abundances * export.gain
    maps = maps.transpose("component", *export.pixels)
    data = data.transpose(*export.pixels, *export.channels)
    if not export.linear:
        _check_linear(export, maps)
    shape = tuple(int(length) for length in data.shape)
    metadata = {
        **export.metadata,
        "General": {"title": one_line(export.source), **_part(export.metadata, "General")},
        "Signal": {"signal_type": "", **_part(export.metadata, "Signal"), "quantity": one_line(_quantity(data))},
        "_HyperSpy": {},
    }
    results = {
        "factors": np.ascontiguousarray(export.endmembers.values.reshape(k, -1).T, dtype=np.float64),
        "loadings": np.ascontiguousarray(maps.values.reshape(k, -1).T, dtype=np.float64),
        "decomposition_algorithm": "mffnb",
        "output_dimension": k,
        "number_significant_components": k,
        "unfolded": True,
        "original_shape": np.array(shape),
        "poissonian_noise_normalized": False,
        "centre": None,
    }
    axes = [_axis(data, name, navigate=True) for name in export.pixels]
    axes += [_axis(data, name, navigate=False) for name in export.channels]
    return {
        "data": data.values,
        "axes": axes,
        "metadata": metadata,
        "original_metadata": {"mffnb": {"components": list(export.labels), "colors": list(export.colors),
                                        "settings": {str(name): one_line(value)
                                                     for name, value in export.parameters.items()}}},
        "attributes": {"_lazy": False},
        "learning_results": results,
        "tmp_parameters": {},
        "package_info": {"package": "hyperspy", "package_version": _WRITTEN_AS},
        "models": {},
    }  # fmt: skip


def _part(metadata: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return a group of the metadata; nothing if there is none."""
    found = metadata.get(name)
    return found if isinstance(found, Mapping) else {}


def _check_linear(export: Export, maps: xr.DataArray) -> None:
    """Refuse a reconstruction that is not gain A E: a transformation, or preprocessing with an offset."""
    model = export.model()
    product = xr.dot(maps, export.endmembers, dim="component").transpose(*model.dims)
    size = float(np.nanmax(np.abs(model.values), initial=0.0))
    differs = float(np.nanmax(np.abs(model.values - product.values), initial=0.0))
    if differs > _LINEAR * size:
        raise UnsupportedCombinationError(
            f"HyperSpy's decomposition results are products of maps and spectra, and this model differs from that by "
            f"{differs / size:.1%} (a transformation, preprocessing or hidden components): export maps (.tif) and "
            "spectra (.csv)"
        )


def _quantity(data: xr.DataArray) -> str:
    name, units = str(data.attrs.get("long_name") or "Intensity"), units_of(data)
    return f"{name} ({units})" if units else name


def _axis(data: xr.DataArray, name: str, *, navigate: bool) -> dict[str, Any]:
    """Return the axis of a dimension: even ones by offset and scale, others by their values."""
    where = coordinate(data, name)
    where = where.astype(np.float64) if where.dtype.kind in "iuf" else np.arange(len(where), dtype=np.float64)
    common = {"name": name, "units": units_of(data, name) or None, "navigate": navigate}
    steps = np.diff(where)
    step = float((where[-1] - where[0]) / len(steps)) if len(steps) else 1.0
    even = np.allclose(steps, step, rtol=0, atol=_EVEN * abs(step)) and step != 0
    if even or navigate or not (np.all(steps > 0) or np.all(steps < 0)):
        if not even:
            where, step = np.arange(len(where), dtype=np.float64), 1.0
            common["units"] = None
        return {**common, "_type": "UniformDataAxis", "size": len(where), "offset": float(where[0]), "scale": step}
    return {**common, "_type": "DataAxis", "axis": where}


def to_hyperspy(export: Export) -> Any:
    """Return the signal as an object of HyperSpy.

    Raises
    ------
    ValueError
        If HyperSpy is not installed.
    """
    try:
        import hyperspy.api as hs  # noqa: PLC0415  an optional dependency
    except ImportError:
        raise ValueError("to_hyperspy needs HyperSpy: pip install hyperspy") from None
    made = signal_dictionary(export)
    kind = {1: hs.signals.Signal1D, 2: hs.signals.Signal2D}.get(len(export.channels), hs.signals.BaseSignal)
    signal = kind(
        made["data"],
        axes=made["axes"],
        metadata=made["metadata"],
        original_metadata=made["original_metadata"],
    )
    if kind_of_signal := made["metadata"]["Signal"]["signal_type"]:
        signal.set_signal_type(kind_of_signal)
    vars(signal.learning_results).update(made["learning_results"])
    return signal
