"""Comparison of endmembers with a library of spectra by spectral angles."""

from __future__ import annotations

import os
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from mffnb.cubes.align import OTHER, Frame, labelled_spectra
from mffnb.geometry.matching import spectral_angles
from mffnb.io.read import read
from mffnb.plots.labels import identity

__all__ = ["match_library"]


def match_library(spectra: xr.DataArray, library: Any, *, most: int = 5) -> pd.DataFrame:
    """Compare spectra with a library (spectral angle mapper): the best library spectra of each, with their angles.

    Parameters
    ----------
    spectra
        Spectra ("component", channel dims), such as ``result.endmembers``.
    library
        Spectra at the same channels, aligned by their labels: a DataArray with a dimension of names, a Dataset with a
        variable for each spectrum, a DataFrame, or the path of a file. A CSV file has the channel in its first column
        and one named column for each spectrum; any other file is one that :func:`mffnb.read` reads.
    most
        Number of spectra that are listed for each component.

    Returns
    -------
    DataFrame
        Indexed by ``component`` and ``rank``: ``spectrum`` (name in the library) and ``angle`` in rad, the smallest one
        first. The angle does not depend on the scale of a spectrum.

    Raises
    ------
    ValueError
        If the library has other channels.

    Examples
    --------
    >>> import mffnb as mf
    >>> sample = mf.datasets.tof_sims_2d(seed=0, shape=(16, 24))
    >>> library = sample.endmembers
    >>> table = mf.identification.match_library(library, library)
    >>> bool((table.xs(0, level="rank").angle < 1e-6).all())
    True
    """
    channels = [name for name in spectra.dims if name != "component"]
    frame = Frame(
        {},
        {name: spectra.sizes[name] for name in channels},
        {name: variable.variable for name, variable in spectra.coords.items() if {*variable.dims} <= {*channels}},
    )
    given = _opened(library, channels)
    aligned = labelled_spectra(given, frame, "library")
    names = _names(given, channels, aligned.sizes[OTHER])
    theirs = aligned.values.reshape(len(names), -1)
    ours = spectra.transpose("component", *channels).values.reshape(spectra.sizes["component"], -1)
    used = np.isfinite(ours).all(axis=0) & np.isfinite(theirs).all(axis=0)
    if not used.any():
        raise ValueError("there is no channel in which all spectra and all of the library have values")
    angles = spectral_angles(ours[:, used], theirs[:, used])
    labels, _ = identity(spectra)
    rows = []
    for label, row in zip(labels, angles, strict=True):
        best = np.argsort(row, kind="stable")[:most]
        rows += [(label, rank, names[index], float(row[index])) for rank, index in enumerate(best)]
    found = pd.DataFrame(rows, columns=["component", "rank", "spectrum", "angle"])
    return found.set_index(["component", "rank"])


def _opened(library: Any, channels: list[Hashable]) -> Any:
    """Return a library as an array with labels: read a file, collect the variables of a Dataset."""
    if isinstance(library, (str, os.PathLike)):
        if Path(library).suffix.lower() != ".csv":
            return read(library)
        library = pd.read_csv(library, index_col=0, comment="#")
    if isinstance(library, xr.Dataset):
        return library.to_array("spectrum")
    if isinstance(library, pd.DataFrame) and len(channels) == 1:
        by_columns = library.columns.dtype.kind not in "iuf"  # names of spectra are text, channels are numbers
        table = library.T if by_columns else library
        return xr.DataArray(
            table.to_numpy(dtype=np.float64),
            coords={"spectrum": [str(name) for name in table.index], channels[0]: np.asarray(table.columns)},
            dims=("spectrum", channels[0]),
        )
    return library


def _names(library: Any, channels: list[Hashable], count: int) -> list[str]:
    """Return the names of the spectra of a library, or their numbers."""
    if isinstance(library, xr.DataArray):
        others = [name for name in library.dims if name not in channels]
        if not others:
            return [str(library.name or "library")]
        labels = library.coords.get("label")
        if labels is not None and labels.dims == (others[0],):
            return [str(name) for name in labels.values]
        if others[0] in library.coords:
            return [str(name) for name in library[others[0]].values]
    return [str(number) for number in range(count)]
