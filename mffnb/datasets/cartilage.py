"""Measured Raman map of cartilage with two cells, with cluster labels by its authors."""

from __future__ import annotations

import numpy as np
import xarray as xr

from mffnb.datasets.fetch import read_rda
from mffnb.datasets.sample import Sample

__all__ = ["chondro"]

FILE = "chondro.rda"
UNASSIGNED = "unassigned"


def chondro() -> Sample:
    """Raman map of two chondrocytes in cartilage: 25 x 35 pixels, 300 bands from 602 to 1798 1/cm.

    Measured on a Renishaw InVia, excitation 633 nm, 10 s per spectrum, objective 100x (NA 0.85), step 1
    micrometre. The authors smoothed the spectra to a spacing of 4 1/cm and kept the mean and ten principal
    components, so the matrix has rank 11 exactly and its noise is not that of the instrument; the
    fluorescence background is still there. The file is downloaded once (2 MB) and cached, in the folder
    ``MFFNB_DATA`` if that environment variable is set.

    Returns
    -------
    Sample
        ``cube`` has dimensions ``("y", "x", "wavenumber")``, shape (25, 35, 300), intensity in arbitrary
        units as ``float64``; ``y`` and ``x`` in micrometre, ``wavenumber`` in 1/cm. The coordinate
        ``cluster`` on ``("y", "x")`` is the authors' hierarchical clustering: ``"matrix"``, ``"lacuna"``,
        ``"cell"``, and ``"unassigned"`` for the six spectra they left out as outliers. ``endmembers`` and
        ``abundances`` are None.

    Raises
    ------
    DatasetUnavailableError
        If the file is neither cached nor downloadable, or the ``rdata`` package (``pip install "mffnb[io]"``)
        is missing.

    Notes
    -----
    Source: the R package hySpc.chondro by C. Beleites, E. Oduniyi, V. Gegzna and A. Bonifacio, licensed MIT,
    https://r-hyperspec.github.io/hySpc.chondro.

    Examples
    --------
    >>> import mffnb.datasets
    >>> sample = mffnb.datasets.chondro()  # doctest: +SKIP
    >>> dict(sample.cube.sizes)  # doctest: +SKIP
    {'y': 25, 'x': 35, 'wavenumber': 300}
    """
    table = read_rda(FILE)["chondro"]
    columns = table["data"]
    y, row = np.unique(np.asarray(columns["y"], dtype=np.float64), return_inverse=True)
    x, column = np.unique(np.asarray(columns["x"], dtype=np.float64), return_inverse=True)
    wavenumber = np.asarray(table["wavelength"], dtype=np.float64)
    intensity = np.empty((y.size, x.size, wavenumber.size))
    intensity[row, column] = np.asarray(columns["spc"])
    cluster = np.full((y.size, x.size), UNASSIGNED)
    cluster[row, column] = [label if isinstance(label, str) else UNASSIGNED for label in columns["clusters"]]
    cube = xr.DataArray(
        intensity,
        dims=("y", "x", "wavenumber"),
        coords={
            "y": ("y", y, {"units": "µm", "long_name": "y"}),
            "x": ("x", x, {"units": "µm", "long_name": "x"}),
            "wavenumber": ("wavenumber", wavenumber, {"units": "1/cm", "long_name": "Raman shift"}),
            "cluster": (("y", "x"), cluster, {"long_name": "cluster found by the authors"}),
        },
        name="intensity",
        attrs={"units": "a.u.", "long_name": "Raman intensity"},
    )
    return Sample(
        name="chondro",
        cube=cube,
        citation=(
            "C. Beleites, E. Oduniyi, V. Gegzna, A. Bonifacio, hySpc.chondro: Raman spectra of two "
            "chondrocytes in cartilage, R package"
        ),
        licence="MIT",
    )
