"""Isotopes and peak shapes against known numbers."""

from __future__ import annotations

import numpy as np
import pytest

from mffnb.datasets.mass_spectra import ISOTOPES, isotopologues, monoisotopic_mass, time_of_flight_spectrum


@pytest.mark.parametrize("element", ISOTOPES)
def test_abundances_sum_to_one(element):
    assert sum(abundance for _, abundance in ISOTOPES[element]) == pytest.approx(1, abs=2e-4)


@pytest.mark.parametrize(
    ("formula", "mass"),
    [
        ("Na", 22.9892), ("Si", 27.9764), ("K", 38.9632), ("Ca", 39.9620), ("SiOH", 44.9791),
        ("C3H7", 43.0542), ("C3H5O", 57.0335), ("Cs", 132.9049), ("SiC3H9", 73.0468), ("C5H15NO4P", 184.0733),
        ("Cs2O", 281.805), ("Cs2OH", 282.813), ("Cs2CN", 291.813),
    ],
)  # fmt: skip
def test_masses_of_known_ions(formula, mass):
    assert monoisotopic_mass(formula) == pytest.approx(mass, abs=6e-4)


def test_isotope_patterns_of_known_ions():
    _, chloride = isotopologues("Na2Cl")
    masses, _ = isotopologues("Na2Cl")
    assert chloride[1] / chloride[0] == pytest.approx(0.2424 / 0.7576)
    assert masses[1] - masses[0] == pytest.approx(1.99705, abs=1e-4)
    _, carbon = isotopologues("C20")
    assert carbon[1] / carbon[0] == pytest.approx(20 * 0.0107 / 0.9893, rel=1e-6)
    _, silicon = isotopologues("Si2")
    assert silicon.sum() == pytest.approx(1, abs=1e-4)
    assert silicon[1] == pytest.approx(2 * 0.92223 * 0.04685)


@pytest.mark.parametrize("formula", ["", "h2", "C3H5+", "3C", "(CH3)3Si"])
def test_unreadable_formula(formula):
    with pytest.raises(ValueError, match="not a chemical formula"):
        isotopologues(formula)


def test_unknown_element():
    with pytest.raises(ValueError, match="Xe"):
        isotopologues("CXe2")


def test_a_peak_keeps_its_counts_and_its_mass_and_leans_to_high_mass():
    edges = np.arange(100, 160, 0.01)
    centres = (edges[1:] + edges[:-1]) / 2
    spectrum = time_of_flight_spectrum({"Cs": 1000.0}, edges)
    assert np.all(spectrum >= 0)
    assert spectrum.sum() == pytest.approx(1000, rel=1e-5)
    assert centres[spectrum.argmax()] == pytest.approx(monoisotopic_mass("Cs"), abs=0.011)
    assert centres @ spectrum / spectrum.sum() > monoisotopic_mass("Cs") + 0.02


def test_width_grows_with_the_square_root_of_mass():
    edges = np.arange(1, 400, 0.01)
    centres = (edges[1:] + edges[:-1]) / 2
    widths = []
    for formula in ("Na", "Cs2"):
        spectrum = time_of_flight_spectrum({formula: 1.0}, edges)
        mean = centres @ spectrum / spectrum.sum()
        widths.append(np.sqrt((centres - mean) ** 2 @ spectrum / spectrum.sum()))
    ratio = np.sqrt(monoisotopic_mass("Cs2") / monoisotopic_mass("Na"))
    assert widths[1] / widths[0] == pytest.approx(ratio, rel=0.01)


def test_peaks_beyond_the_axis_are_lost_without_harm():
    edges = np.arange(30, 60, 0.25)
    assert time_of_flight_spectrum({"Cs": 5.0, "H": 5.0}, edges).sum() == 0
    halved = time_of_flight_spectrum({"K": 1.0}, np.append(edges[edges < 39], 39.0))
    assert 0.1 < halved.sum() < 0.9
