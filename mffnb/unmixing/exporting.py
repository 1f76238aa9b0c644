"""A result as writers of export formats get it: visible components, names, colours, notes and code."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Protocol

import numpy as np
import xarray as xr

from mffnb.cubes.as_cube import as_cube, is_hyperspy
from mffnb.cubes.signal_metadata import metadata_of
from mffnb.io.writer import Export, unique_labels
from mffnb.solvers import Outcome
from mffnb.unmixing.freedom import Freedom
from mffnb.unmixing.written_call import written_call


class Exportable(Protocol):
    """The part of a result that an export needs, see :class:`mffnb.Unmixing`."""

    @property
    def endmembers(self) -> xr.DataArray:
        """Spectra, ("component", channel dims)."""

    @property
    def abundances(self) -> xr.DataArray:
        """Maps, ("component", pixel dims)."""

    @property
    def gain(self) -> xr.DataArray | None:
        """One factor for each pixel, or None."""

    @property
    def outcome(self) -> Outcome:
        """How the run ended."""

    @property
    def parameters(self) -> dict[str, Any]:
        """Record of the run."""

    @property
    def cube(self) -> Any:
        """The data, or None if the result was loaded from a file."""

    @property
    def processed(self) -> Any:
        """Factors of the preprocessed image, or None."""

    @property
    def block(self) -> Any:
        """Rows of the maps on this rank, or None for whole maps."""

    def reconstruction(self) -> xr.DataArray:
        """Return the model of the data."""

    def target(self, cube: Any = None) -> xr.DataArray:
        """Return the data with the dimensions of the reconstruction."""


def exported(result: Exportable, freedom: Freedom | None, cube: Any = None, code: str | None = None) -> Export:
    """Return a result for writers, without hidden components.

    Parameters
    ----------
    result
        The result of unmixing.
    freedom
        How far the spectra could turn, for bands and notes; None if it is not known.
    cube
        The data, if the result does not hold them.
    code
        Python code that repeats the run; by default the call of :func:`mffnb.unmix` from the record of the run.

    Raises
    ------
    ValueError
        If the result holds the rows of one MPI rank.
    """
    if result.block is not None:
        raise ValueError("an export needs the maps of all pixels, and this rank holds a part: use gather=True")
    labels, colors = unique_labels(result.endmembers)
    whole = Export(
        endmembers=result.endmembers,
        abundances=result.abundances,
        gain=result.gain,
        labels=labels,
        colors=colors,
        data=lambda: result.target(cube),
        model=result.reconstruction,
        linear=result.processed is None and result.parameters.get("transform") in (None, "identity"),
        metadata=_metadata(result, cube),
        parameters=result.parameters,
        outcome=result.outcome.value,
        code=written_call(result.parameters) if code is None else code,
        notes=(*map(str, result.parameters.get("warnings", ())), *([] if freedom is None else _notes(freedom))),
        lower=None if freedom is None else freedom.lower,
        upper=None if freedom is None else freedom.upper,
        band="" if freedom is None else f"{freedom.sentence} and fit as well",
    )
    return _visible(whole)


def _metadata(result: Exportable, cube: Any) -> dict[str, Any]:
    """Return the metadata of the data; their signal type only where the spectra have the dimensions of the data."""
    data = result.cube if cube is None else cube
    if not isinstance(data, xr.DataArray) and not is_hyperspy(data):
        return {}
    measured = as_cube(data)
    found = metadata_of(measured)
    spectra = {*result.endmembers.dims, *result.abundances.dims} - {"component"}
    if spectra != set(measured.dims) and isinstance(found.get("Signal"), dict):
        found["Signal"].pop("signal_type", None)
    return found


def _notes(freedom: Freedom) -> list[str]:
    return [freedom.doubt] if freedom.doubt else []


def _visible(export: Export) -> Export:
    """Return an export without the components that the user has hidden; all of them if all are hidden."""
    hidden = export.endmembers.coords.get("hidden")
    if hidden is None or hidden.values.all() or not hidden.values.any():
        return export
    rows = np.flatnonzero(~hidden.values)

    def some(array: xr.DataArray | None) -> xr.DataArray | None:
        return None if array is None else array[rows]

    names = ", ".join(export.labels[row] for row in np.flatnonzero(hidden.values))
    return replace(
        export,
        endmembers=export.endmembers[rows],
        abundances=export.abundances[rows],
        labels=tuple(export.labels[row] for row in rows),
        colors=tuple(export.colors[row] for row in rows),
        lower=some(export.lower),
        upper=some(export.upper),
        notes=(*export.notes, f"hidden and left out here: {names}"),
    )
