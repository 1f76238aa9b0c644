"""Kinematic rocking curves of two epitaxial films on SrTiO3, with Laue fringes and the truncation rod."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.ndimage import gaussian_filter

from mffnb.typing import Float64Array

SUBSTRATE = 3.905
"""Lattice parameter of SrTiO3 in angstrom (Okazaki & Kawaminami 1973)."""

SUBSTRATE_FACTOR = 38 + 22 - 8

POISSON_RATIO = 0.3
"""Perovskite oxides have 0.2 to 0.4. With it PZT strained to SrTiO3 gets c/a = 1.07; 1.06 has been measured."""

RESOLUTION = 0.008
"""Full width at half maximum of the scan's resolution in 1/angstrom (bandwidth and divergence)."""

FWHM = 2.3548
"""Full width at half maximum of a Gaussian, in standard deviations."""

_FINE = 32  # points of the rocking curve per point of the scan


@dataclass(frozen=True)
class Film:
    """An epitaxial film of a perovskite.

    Parameters
    ----------
    in_plane, out_of_plane
        Lattice parameters a and c of the bulk in angstrom.
    cells
        Thickness in unit cells.
    structure_factor
        Structure factor of the reflection 103, with atomic numbers for scattering factors: A + B - O.
    """

    in_plane: float
    out_of_plane: float
    cells: int
    structure_factor: float

    def with_thickness(self, nanometres: float) -> Film:
        """Return the film with the number of unit cells of the bulk that is nearest to a thickness."""
        return replace(self, cells=max(1, round(10 * nanometres / self.out_of_plane)))

    def lattice_parameter(self, relaxation: float) -> float:
        """Return the parameter c in angstrom for a relaxation from 0 (coherent with SrTiO3) to 1 (bulk)."""
        strain = (1 - relaxation) * (SUBSTRATE / self.in_plane - 1)
        return self.out_of_plane * (1 - 2 * POISSON_RATIO / (1 - POISSON_RATIO) * strain)

    def bragg_peak(self, relaxation: float) -> float:
        """Qz of the reflection 103 in 1/angstrom.

        Examples
        --------
        >>> [round(PZT.bragg_peak(relaxation), 3) for relaxation in RELAXATIONS]
        [4.497, 4.521, 4.544]
        """
        return 6 * np.pi / self.lattice_parameter(relaxation)

    def amplitude(self, qz: Float64Array, relaxation: float) -> Float64Array:
        """Return the complex scattered amplitude: a sum over the unit cells from the lower interface."""
        phase = qz * self.lattice_parameter(relaxation)
        # Term by term: the closed form is 0 / 0 at the Bragg peak.
        return np.asarray(self.structure_factor * np.exp(1j * np.multiply.outer(np.arange(self.cells), phase)).sum(0))


SRO = Film(in_plane=3.93, out_of_plane=3.93, cells=76, structure_factor=38 + 44 - 8)
"""30 nm SrRuO3 (Gan et al. 1998), pseudocubic."""

PZT = Film(in_plane=3.953, out_of_plane=4.148, cells=48, structure_factor=82 + 0.2 * 40 + 0.8 * 22 - 8)
"""20 nm PbZr0.2Ti0.8O3 (powder diffraction file 70-4261)."""

RELAXATIONS = (0.0, 0.5, 1.0)
"""The three strained states of each film: coherent with the substrate, half relaxed, relaxed."""


def rocking_curves(qz: Float64Array, sro: Film = SRO, pzt: Film = PZT) -> Float64Array:
    """Return the rocking curves of the six states, up to a common factor.

    Parameters
    ----------
    qz
        Points of the scan in 1/angstrom, equidistant.
    sro, pzt
        The lower and the upper film.

    Returns
    -------
    ndarray (6, n)
        Intensities, the three states of SRO first.
    """
    step = qz[1] - qz[0]
    margin = int(np.ceil(4 * RESOLUTION / step))
    fine = qz[0] + step / _FINE * np.arange(-margin * _FINE, (qz.size - 1 + margin) * _FINE + 1)
    rod = SUBSTRATE_FACTOR / (1 - np.exp(-1j * fine * SUBSTRATE))
    curves = []
    for relaxation in RELAXATIONS:
        gap = (SUBSTRATE + sro.lattice_parameter(relaxation)) / 2
        curves.append(np.abs(rod * np.exp(-1j * fine * gap) + sro.amplitude(fine, relaxation)) ** 2)
    curves += [np.abs(pzt.amplitude(fine, relaxation)) ** 2 for relaxation in RELAXATIONS]
    blurred = gaussian_filter(np.stack(curves), (0, RESOLUTION / FWHM * _FINE / step), mode="nearest")
    return np.asarray(blurred[:, margin * _FINE : fine.size - margin * _FINE : _FINE])
