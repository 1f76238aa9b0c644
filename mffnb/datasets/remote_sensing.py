"""Samson, an airborne reflectance scene with reference spectra and maps of three materials."""

from __future__ import annotations

import numpy as np
import xarray as xr
from scipy import io

from mffnb.datasets.fetch import fetch
from mffnb.datasets.sample import Sample

__all__ = ["samson"]

FILE = "Samson.mat"
MATERIALS = ("soil", "tree", "water")
_FIRST, _LAST = 401.0, 889.0  # nm


def samson() -> Sample:
    """Samson, a benchmark of spectral unmixing: 95 x 95 pixels, 156 bands from 401 to 889 nm; soil, tree, water.

    A cut from a scene of the SAMSON airborne spectrometer. Each reference endmember is scaled to a maximum of 1 (0.999
    in one case); the reference maps are fractions that sum to one on that scale, so that A E equals the data only up to
    a factor per pixel. Compare spectra by their angle, and maps after scaling endmembers to maximum 1: on another scale
    even the reference maps disagree. The file is downloaded once (4 MB) and cached, in the folder ``MFFNB_DATA`` if
    that environment variable is set.

    Returns
    -------
    Sample
        ``cube`` has dimensions ``("y", "x", "wavelength")``, shape (95, 95, 156), reflectance scaled to 0 to 1 as
        ``float64``; ``wavelength`` in nm, taken as evenly spaced. ``endmembers`` ``("component", "wavelength")`` and
        ``abundances`` ``("component", "y", "x")`` are the reference.

    Raises
    ------
    DatasetUnavailableError
        If the file is neither cached nor downloadable.

    Notes
    -----
    Source: Zhu, Wang, Xiang, Fan & Pan 2014, "Structured sparse method for hyperspectral unmixing", ISPRS J. 88:101, in
    the copy of the repository UPCGIT/Hyperspectral-Unmixing-Models; a public benchmark without a licence file.

    Examples
    --------
    >>> import mffnb.datasets
    >>> sample = mffnb.datasets.samson()  # doctest: +SKIP
    >>> dict(sample.cube.sizes)  # doctest: +SKIP
    {'y': 95, 'x': 95, 'wavelength': 156}
    """
    content = io.loadmat(fetch(FILE))
    rows, columns = int(content["lines"].item()), int(content["cols"].item())
    # Pixels are stored column by column; the reference maps are images.
    pixels = np.asarray(content["Y"], dtype=np.float64).reshape(-1, rows, columns, order="F")
    wavelength = ("wavelength", np.linspace(_FIRST, _LAST, len(pixels)), {"units": "nm", "long_name": "wavelength"})
    component = ("component", list(MATERIALS))
    place = {name: (name, np.arange(size), {"units": "pixel"}) for name, size in (("y", rows), ("x", columns))}
    cube = xr.DataArray(
        np.ascontiguousarray(np.moveaxis(pixels, 0, -1)),
        dims=("y", "x", "wavelength"),
        coords={**place, "wavelength": wavelength},
        name="reflectance",
        attrs={"units": "1", "long_name": "reflectance"},
    )
    endmembers = xr.DataArray(
        np.array(content["GT"], dtype=np.float64),
        dims=("component", "wavelength"),
        coords={"component": component, "wavelength": wavelength},
        name="endmembers",
    )
    abundances = xr.DataArray(
        np.ascontiguousarray(np.moveaxis(np.asarray(content["S_GT"], dtype=np.float64), -1, 0)),
        dims=("component", "y", "x"),
        coords={"component": component, **place},
        name="abundances",
    )
    return Sample(
        name="samson",
        cube=cube,
        endmembers=endmembers,
        abundances=abundances,
        citation=(
            "F. Zhu, Y. Wang, S. Xiang, B. Fan, C. Pan, Structured sparse method for hyperspectral unmixing, "
            "ISPRS Journal of Photogrammetry and Remote Sensing 88 (2014) 101"
        ),
        licence="public benchmark without a licence file",
    )
