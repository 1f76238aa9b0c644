"""Simulated secondary-ion spectra of the four components of a root section on silicon.

Positive ions under a bismuth analysis beam after a caesium sputter beam, as in figure 6 of Kannan et al.
2018. Intensities are relative and typical of such spectra, not fitted to any; masses and isotopes come from
``mass_spectra``.
"""

from __future__ import annotations

from collections import Counter
from math import exp

import numpy as np

from mffnb.datasets.mass_spectra import monoisotopic_mass, time_of_flight_spectrum
from mffnb.typing import Float64Array

COMPONENTS = ("substrate", "inorganic", "organic", "sodium")

ION_YIELDS = {"substrate": 0.55, "inorganic": 1.15, "organic": 1.0, "sodium": 1.25}
"""Detected ions, relative to organic tissue; alkali metals ionise best."""

FLOOR_SHARE = 0.13
"""Share of the ions that belong to no peak."""

Ions = dict[str, float]

_SILICON: Ions = {
    "H": 8, "Si": 100, "SiH": 18, "SiO": 6, "SiOH": 62, "SiO2H": 5, "Si2": 7, "Si2H": 4, "Si2O": 10,
    "Si2OH": 16, "Si2O2H": 10, "Si2O3H": 14, "Si3O3H": 6, "Si3O5H": 9, "Si4O7H": 6, "Na": 3, "K": 2,
}  # fmt: skip

# Polydimethylsiloxane, the silicone oil found on nearly every surface.
_SILICONE: Ions = {
    "SiCH3": 10, "SiC3H9": 30, "Si2C5H15O": 22, "Si3C5H15O3": 9, "Si3C7H21O2": 9, "Si4C7H21O4": 6,
}  # fmt: skip

_SALTS: Ions = {
    "Mg": 30, "MgOH": 5, "K": 100, "KOH2": 3, "K2": 5, "K2OH": 7, "K2Cl": 9, "K2CN": 4, "K2PO3": 6,
    "K3SO4": 4, "KNa": 3, "Ca": 62, "CaH": 4, "CaO": 5, "CaOH": 34, "Ca2O": 5, "Ca2O2H": 8, "CaPO3": 5,
    "Ca2PO4": 4, "Ca3O3H": 3, "Na": 14, "CaCl": 4, "KCs": 3,
}  # fmt: skip

_SODIUM: Ions = {
    "Na": 100, "Na2": 3, "NaOH2": 3, "NaK": 5, "Na2O": 4, "Na2OH": 20, "Na2Cl": 24, "Na2CN": 7, "Na3CO3": 5,
    "Na3SO4": 5, "Na2PO3": 9, "Na3PO4": 4, "Na4PO4": 7, "Na3Cl2": 7, "NaKCl": 5, "NaCs": 5, "K": 22, "Mg": 2,
    "Ca": 3, "H": 3,
}  # fmt: skip

_HYDROCARBONS: Ions = {
    "H": 20, "C": 3, "CH": 5, "CH2": 6, "CH3": 16, "C2H2": 6, "C2H3": 62, "C2H4": 8, "C2H5": 68, "C3H3": 40,
    "C3H4": 6, "C3H5": 100, "C3H6": 14, "C3H7": 82, "C4H3": 8, "C4H5": 22, "C4H7": 84, "C4H8": 12, "C4H9": 58,
    "C5H5": 12, "C5H7": 40, "C5H9": 52, "C5H11": 22, "C6H5": 14, "C6H7": 18, "C6H9": 30, "C6H11": 22,
    "C6H13": 6, "C7H7": 24, "C7H9": 16, "C7H11": 22, "C7H13": 12, "C8H7": 8, "C8H9": 14, "C8H11": 10,
    "C8H13": 11, "C9H7": 12, "C9H9": 9, "C9H11": 9, "C9H15": 6, "C10H8": 6, "C10H11": 5, "C11H9": 5,
    "C12H8": 3, "C13H9": 4,
}  # fmt: skip

# Cell walls (cellulose, lignin), proteins and membranes.
_BIOMOLECULES: Ions = {
    "NH4": 14, "CH4N": 26, "CH3O": 18, "C2H6N": 30, "C2H3O": 44, "C2H5O": 26, "C3H5O": 22, "C4H8N": 30,
    "C3H5O2": 10, "C5H5O": 12, "C5H10N": 22, "C4H5O2": 12, "C5H12N": 24, "C6H5O2": 7, "C5H5O2": 9,
    "C7H7O": 12, "C6H7O2": 8, "C8H10N": 14, "C6H7O3": 9, "C8H9O2": 16, "C6H11O5": 4, "C9H9O2": 9,
    "C9H11O3": 11, "C10H13O3": 6, "C5H15NO4P": 12, "C16H31O": 8, "C16H33O2": 8, "C18H33O": 10, "C18H35O2": 7,
    "C19H39O4": 9, "C21H41O4": 9,
}  # fmt: skip

# Caesium stays implanted after sputtering and forms cluster ions.
_CAESIUM: Ions = {"Cs": 100, "CsOH": 5, "CsOH2": 4, "Cs2": 5, "Cs2O": 32, "Cs2OH": 46, "Cs2CN": 30, "CsCN": 6}


def endmember_spectra(edges: Float64Array) -> Float64Array:
    """Return the spectra of ``COMPONENTS``, each scaled to its relative ion yield.

    All of them contain adsorbed hydrocarbons, silicone oil, caesium and a floor of ions that decayed on their
    way; the salts and the sodium sit in tissue, so they contain organic ions too.

    Parameters
    ----------
    edges
        Bin edges of the mass axis in u, shape ``(n + 1,)``.

    Returns
    -------
    ndarray (4, n)
        Expected counts of a pixel covered by one component, up to a common factor.
    """
    organic = _mixture(
        (0.42, _HYDROCARBONS), (0.22, _BIOMOLECULES), (0.34, _large_molecules()), (0.02, {"K": 2, "Na": 1})
    )
    recipes = {
        "substrate": ((0.74, _SILICON), (0.13, _HYDROCARBONS), (0.09, _SILICONE), (0.04, _CAESIUM)),
        "inorganic": ((0.65, _SALTS), (0.28, organic), (0.02, _SILICON), (0.01, _SILICONE), (0.04, _CAESIUM)),
        "organic": ((0.77, organic), (0.02, _SILICON), (0.01, _SILICONE), (0.20, _CAESIUM)),
        "sodium": ((0.66, _SODIUM), (0.27, organic), (0.02, _SILICON), (0.01, _SILICONE), (0.04, _CAESIUM)),
    }
    floor = _metastable_floor(edges)
    spectra = []
    for component in COMPONENTS:
        peaks = time_of_flight_spectrum(_mixture(*recipes[component]), edges)
        spectrum = (1 - FLOOR_SHARE) * peaks + FLOOR_SHARE * floor
        spectra.append(ION_YIELDS[component] * spectrum / spectrum.sum())
    return np.stack(spectra)


def _mixture(*parts: tuple[float, Ions]) -> Ions:
    """Add sets of ions, each scaled to its fraction."""
    mixture: Counter[str] = Counter()
    for share, ions in parts:
        total = sum(ions.values())
        mixture.update({formula: share * intensity / total for formula, intensity in ions.items()})
    return dict(mixture)


def _large_molecules() -> Ions:
    """Return even-electron ions of lipids, sterols, waxes and polyphenols from 150 to 350 u."""
    ions = {}
    for carbon in range(9, 26):
        for unsaturation in range(8):
            for oxygen in range(4):
                for nitrogen in range(2):
                    hydrogen = 2 * carbon + 1 - 2 * unsaturation + nitrogen
                    formula = f"C{carbon}H{hydrogen}" + "N" * nitrogen + (f"O{oxygen}" if oxygen else "")
                    envelope = exp(-(((monoisotopic_mass(formula) - 238) / 62) ** 2))
                    preference = exp(-(((unsaturation - 3) / 2.2) ** 2)) * 0.75**oxygen * 0.55**nitrogen
                    ions[formula] = envelope * preference
    return ions


def _metastable_floor(edges: Float64Array) -> Float64Array:
    """Return the background of ions that decay in flight: nearly flat in mass, higher at low mass."""
    centres = (edges[1:] + edges[:-1]) / 2
    floor = 1 + 1.5 * np.exp(-centres / 90)
    return np.asarray(floor / floor.sum())
