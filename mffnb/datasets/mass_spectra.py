r"""Time-of-flight mass spectra from chemical formulas: isotopes, peak shape, binning.

An ion of charge +1 and formula :math:`F` appears at the masses of its isotopologues minus one electron, with
their natural probabilities. In a time-of-flight analyser :math:`m \propto t^2`, so a spread of arrival times
:math:`\Delta t` that is the same for all ions (the length of the primary pulse) widens a peak as
:math:`\Delta m \propto \sqrt{m}`, and ions that start late or fragment on the way give a tail on the side of
high mass. The peak shape is therefore a Gaussian convolved with an exponential, both growing as
:math:`\sqrt{m}`; peaks are 0.46 u wide at half height at 100 u.

Isotopic masses: the atomic mass evaluation, Wang et al. 2017, Chin. Phys. C 41, 030003, and its neighbours of 2012 and
2020; they differ by less than 3e-6 u. Abundances: IUPAC 2009, Berglund & Wieser 2011, Pure Appl. Chem. 83, 397.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

import numpy as np
from scipy.special import log_ndtr, ndtr

from mffnb.typing import Float64Array

ELECTRON_MASS = 0.000548579909
"""Mass of an electron in u."""

ISOTOPES: dict[str, tuple[tuple[float, float], ...]] = {
    "H": ((1.00782503, 0.999885), (2.01410178, 0.000115)),
    "C": ((12.0, 0.9893), (13.00335484, 0.0107)),
    "N": ((14.00307400, 0.99636), (15.00010890, 0.00364)),
    "O": ((15.99491462, 0.99757), (16.99913176, 0.00038), (17.99915961, 0.00205)),
    "Na": ((22.98976928, 1.0),),
    "Mg": ((23.98504170, 0.7899), (24.98583698, 0.1000), (25.98259297, 0.1101)),
    "Si": ((27.97692653, 0.92223), (28.97649466, 0.04685), (29.97377014, 0.03092)),
    "P": ((30.97376200, 1.0),),
    "S": ((31.97207117, 0.9499), (32.97145891, 0.0075), (33.96786700, 0.0425), (35.96708070, 0.0001)),
    "Cl": ((34.96885269, 0.7576), (36.96590258, 0.2424)),
    "K": ((38.96370649, 0.932581), (39.96399817, 0.000117), (40.96182526, 0.067302)),
    "Ca": (
        (39.96259085, 0.96941),
        (41.95861778, 0.00647),
        (42.95876638, 0.00135),
        (43.95548149, 0.02086),
        (45.95368770, 0.00004),
        (47.95252276, 0.00187),
    ),
    "Al": ((26.98153841, 1.0),),
    "Fe": ((53.93960830, 0.05845), (55.93493554, 0.91754), (56.93539195, 0.02119), (57.93327364, 0.00282)),
    "Co": ((58.93319352, 1.0),),
    "Sr": ((83.91341911, 0.0056), (85.90926060, 0.0986), (86.90887750, 0.0700), (87.90561226, 0.8258)),
    "Cs": ((132.90545196, 1.0),),
    "La": ((137.90711890, 0.0008881), (138.90635628, 0.9991119)),
    "Bi": ((208.98039850, 1.0),),
}
"""Mass in u and natural abundance of the isotopes of each element."""

PEAK_WIDTH = 0.016
"""Standard deviation of the Gaussian, and decay length of the exponential, of a peak at mass 1 u, in u."""

_MODE_SHIFT = 0.6974  # maximum of the peak shape, in standard deviations; calibration uses it
_REACH = (6.0, 18.0)  # range of a peak below and above its mass, in standard deviations
_NEGLIGIBLE = 1e-5
_LONGEST_PATTERN = 10


def isotopologues(formula: str) -> tuple[Float64Array, Float64Array]:
    """Return the masses and probabilities of the isotopologues of a singly charged positive ion.

    Isotopologues of the same nominal mass are merged into one at their mean mass.

    Parameters
    ----------
    formula
        Chemical formula of element symbols and counts, for example ``"C3H5O"``.

    Returns
    -------
    masses : ndarray (n,)
        Mass-to-charge ratios in u, ascending, without the mass of the lost electron.
    probabilities : ndarray (n,)
        Natural probabilities; those below 1e-5 are left out.

    Raises
    ------
    ValueError
        If the formula cannot be read or names an element that is not in ``ISOTOPES``.

    Examples
    --------
    >>> masses, probabilities = isotopologues("MgCl")
    >>> masses.round(2).tolist()
    [58.95, 59.95, 60.95, 61.95, 62.95]
    >>> probabilities.round(3).tolist()
    [0.598, 0.076, 0.275, 0.024, 0.027]
    """
    parts = re.findall(r"([A-Z][a-z]?)(\d*)", formula)
    if not parts or "".join(symbol + count for symbol, count in parts) != formula:
        raise ValueError(f"{formula!r} is not a chemical formula of the form C3H5O.")
    if unknown := sorted({symbol for symbol, _ in parts} - ISOTOPES.keys()):
        raise ValueError(f"{formula!r}: no isotopes are tabulated for {', '.join(unknown)}.")
    probability, moment = np.ones(1), np.zeros(1)
    for symbol, count in parts:
        probability, moment = _combine((probability, moment), _atoms(symbol, int(count or 1)))
    kept = probability > _NEGLIGIBLE
    return moment[kept] / probability[kept] - ELECTRON_MASS, probability[kept]


def monoisotopic_mass(formula: str) -> float:
    """Return the mass in u of the most abundant isotopologue of a singly charged positive ion.

    Examples
    --------
    >>> round(monoisotopic_mass("Cs2OH"), 3)
    282.813
    """
    masses, probabilities = isotopologues(formula)
    return float(masses[probabilities.argmax()])


def time_of_flight_spectrum(ions: Mapping[str, float], edges: Float64Array) -> Float64Array:
    """Return the binned spectrum of a mixture of ions.

    Parameters
    ----------
    ions
        Chemical formula to expected counts, summed over isotopologues.
    edges
        Bin edges of the mass axis in u, ascending and equidistant, shape ``(n + 1,)``.

    Returns
    -------
    ndarray (n,)
        Expected counts in each bin; counts beyond the ends of the axis are lost.

    Examples
    --------
    >>> edges = np.arange(0.875, 60, 0.25)
    >>> spectrum = time_of_flight_spectrum({"Si": 100.0}, edges)
    >>> centres = (edges[1:] + edges[:-1]) / 2
    >>> float(centres[spectrum.argmax()]), round(float(spectrum.sum()))
    (28.0, 100)
    """
    patterns = [isotopologues(formula) for formula in ions]
    masses = np.concatenate([pattern[0] for pattern in patterns])
    counts = np.concatenate(
        [intensity * pattern[1] for intensity, pattern in zip(ions.values(), patterns, strict=True)]
    )
    width = PEAK_WIDTH * np.sqrt(masses)
    start = masses - _MODE_SHIFT * width

    step = (edges[-1] - edges[0]) / (edges.size - 1)
    first = np.floor((start - _REACH[0] * width - edges[0]) / step).astype(np.intp)
    reach = int(np.ceil(sum(_REACH) * width.max() / step)) + 2
    index = first[:, None] + np.arange(reach)
    deviation = (edges[0] + step * index - start[:, None]) / width[:, None]
    shares = np.diff(_cumulative_peak(deviation), axis=1)

    spectrum = np.zeros(edges.size - 1)
    bins = index[:, :-1]
    inside = (bins >= 0) & (bins < spectrum.size)
    np.add.at(spectrum, bins[inside], (counts[:, None] * shares)[inside])
    return spectrum


def _cumulative_peak(deviation: Float64Array) -> Float64Array:
    """Return the cumulative peak shape (exponentially modified Gaussian) at a deviation in standard deviations."""
    tail: Float64Array = np.exp(0.5 - deviation + log_ndtr(deviation - 1.0))
    return np.asarray(ndtr(deviation) - tail)


@cache
def _atoms(symbol: str, count: int) -> tuple[Float64Array, Float64Array]:
    """Return the isotope distribution of several atoms of an element: probability and probability times mass."""
    if count > 1:
        return _combine(_atoms(symbol, count - 1), _atoms(symbol, 1))
    isotopes = ISOTOPES[symbol]
    lightest = round(isotopes[0][0])
    probability = np.zeros(round(isotopes[-1][0]) - lightest + 1)
    moment = np.zeros_like(probability)
    for mass, abundance in isotopes:
        probability[round(mass) - lightest] = abundance
        moment[round(mass) - lightest] = abundance * mass
    return probability, moment


def _combine(
    one: tuple[Float64Array, Float64Array], other: tuple[Float64Array, Float64Array]
) -> tuple[Float64Array, Float64Array]:
    probability = np.convolve(one[0], other[0])
    moment = np.convolve(one[1], other[0]) + np.convolve(one[0], other[1])
    return probability[:_LONGEST_PATTERN], moment[:_LONGEST_PATTERN]
