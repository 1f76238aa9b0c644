"""Measured ToF-SIMS image of poplar wood: sparse counts, no truth."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from mffnb.datasets.fetch import read_rda
from mffnb.datasets.sample import Sample

__all__ = ["poplar"]

FILE = "tofsimsData.rda"


def poplar() -> Sample:
    """Secondary-ion image of a poplar wood section: 256 x 256 pixels, 200 masses, median 21 counts a pixel.

    A freeze-dried transverse section, 100 micrometre thick, measured in positive mode on a ULVAC-PHI TRIFT II
    and integrated mass by mass: vessels are dark, fibres and rays bright. 92 % of the entries are zero, none
    is above 32, so a Poisson likelihood is appropriate. The pixel size is not
    recorded. The file is downloaded once (1.5 MB) and cached, in the folder ``MFFNB_DATA`` if that
    environment variable is set.

    Returns
    -------
    Sample
        ``cube`` has dimensions ``("y", "x", "mz")``, shape (256, 256, 200), counts as ``uint8``; ``y`` and
        ``x`` are pixel indices, ``mz`` the calibrated masses in u. ``endmembers`` and ``abundances`` are
        None.

    Raises
    ------
    DatasetUnavailableError
        If the file is neither cached nor downloadable, or the ``rdata`` package (``pip install "mffnb[io]"``)
        is missing.

    Notes
    -----
    Source: object ``testImage`` of the Bioconductor package tofsimsData, by L. Gerber and V. M. Hoang,
    licensed GPL-3, https://bioconductor.org/packages/tofsimsData.

    Examples
    --------
    >>> import mffnb.datasets
    >>> sample = mffnb.datasets.poplar()  # doctest: +SKIP
    >>> dict(sample.cube.sizes)  # doctest: +SKIP
    {'y': 256, 'x': 256, 'mz': 200}
    """
    counts, masses = _read_file()
    n_rows, n_columns, _ = counts.shape
    cube = xr.DataArray(
        counts.copy(),
        dims=("y", "x", "mz"),
        coords={
            "y": ("y", np.arange(n_rows), {"units": "pixel", "long_name": "row"}),
            "x": ("x", np.arange(n_columns), {"units": "pixel", "long_name": "column"}),
            "mz": ("mz", masses.copy(), {"units": "m/z", "long_name": "m/z"}),
        },
        name="intensity",
        attrs={"units": "counts", "long_name": "secondary ions"},
    )
    return Sample(
        name="poplar",
        cube=cube,
        citation=(
            "L. Gerber, V. M. Hoang, tofsimsData: import, process and analysis of ToF-SIMS imaging data, "
            "Bioconductor; object testImage, poplar wood on a ULVAC-PHI TRIFT II"
        ),
        licence="GPL-3",
    )


@lru_cache(maxsize=1)
def _read_file() -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Read the file once per process (1 s); the arrays are shared, so the caller must copy them."""
    image = read_rda(FILE)["testImage"]
    shape = tuple(int(size) for size in image["xy"])
    # R stores matrices column by column, hence the row index varies fastest.
    stack = np.asarray(image["nz"]).reshape(*shape, -1, order="F").astype(np.uint8, order="C")
    return stack, np.asarray(image["mz"], dtype=np.float64)
