"""Poisson counts of photons, electrons or ions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mffnb.typing import Float64Array


def poisson_counts(
    abundances: NDArray[np.floating], spectra: Float64Array, generator: np.random.Generator
) -> NDArray[np.unsignedinteger]:
    """Draw Poisson counts with expectation abundances times spectra.

    Rows are drawn one after another, so that the expectation of the whole cube is never in memory.

    Parameters
    ----------
    abundances
        Maps, shape ``(k, rows, columns)``.
    spectra
        Expected counts of a pixel with abundance 1, shape ``(k, channels)``.
    generator
        Random generator.

    Returns
    -------
    ndarray (rows, columns, channels)
        ``uint16``, or ``uint32`` at doses that need it.

    Examples
    --------
    >>> maps, spectra = np.ones((1, 2, 3)), np.full((1, 4), 9.0)
    >>> poisson_counts(maps, spectra, np.random.default_rng(0)).shape
    (2, 3, 4)
    """
    _, rows, columns = abundances.shape
    highest = float(abundances.sum(axis=0).max() * spectra.max())
    dtype = np.uint16 if highest + 12 * np.sqrt(highest) < np.iinfo(np.uint16).max else np.uint32
    cube = np.empty((rows, columns, spectra.shape[1]), dtype=dtype)
    for row in range(rows):
        cube[row] = generator.poisson(abundances[:, row].T.astype(np.float64) @ spectra)
    return cube
