"""Candidates for a peak: tables, their choice by the channel, and tolerances."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr

from mffnb.identification import PeakTable, choose_table, identify, ion_masses, read_peak_table, xray_lines
from mffnb.identification.ions import isotopes


def spectra(name, start, stop, step, **attrs):
    channel = np.arange(start, stop, step)
    return xr.DataArray(np.ones((1, channel.size)), dims=("component", name), coords={name: (name, channel, attrs)})


MASSES = spectra("mz", 0.0, 300.0, 0.01, units="u", long_name="mass-to-charge ratio")


def test_isotopes_of_each_element_are_complete():
    for element, all_of in isotopes().items():
        assert sum(one.abundance for one in all_of) == pytest.approx(1, abs=2e-3), element
        assert all(abs(one.mass - one.nucleons) < 0.12 for one in all_of)
        assert [one.abundance for one in all_of] == sorted((one.abundance for one in all_of), reverse=True)


@pytest.mark.parametrize(
    ("ion", "mass"),
    # published masses of the positive ions, in u
    [("Na⁺", 22.98922), ("C₂H₃O⁺", 43.01784), ("⁴¹K⁺", 40.96128), ("C₃H₉Si⁺", 73.04680), ("FeOH⁺", 72.93713)],
)
def test_masses_of_ions_are_those_of_their_atoms_without_an_electron(ion, mass):
    table = ion_masses()
    assert table.positions[table.assignments.index(ion)] == pytest.approx(mass, abs=2e-5)


def test_negative_ions_have_one_electron_more():
    positive, negative = ion_masses(1), ion_masses(-1)
    difference = np.subtract(negative.positions, positive.positions)
    np.testing.assert_allclose(difference, 2 * 5.48579909e-4, rtol=1e-6)
    assert "Cl⁻" in negative.assignments
    with pytest.raises(ValueError, match="charge=2"):
        ion_masses(2)


def test_ions_of_a_table_are_listed_once():
    for table in (ion_masses(), choose_table("raman", "", ""), choose_table("eels", "", "")):
        rows = list(zip(np.round(table.positions, 6), table.assignments, table.notes, strict=True))
        assert len(set(rows)) == len(rows), table.name


def test_the_likeliest_candidate_comes_first_and_the_channel_width_is_the_tolerance():
    found = identify(MASSES, 23.0)
    assert found.attrs["table"] == "ions"
    assert found.attrs["tolerance"] == pytest.approx(0.01)
    coarse = identify(spectra("mz", 0.0, 100.0, 1.0, units="u"), 23.0)
    assert coarse.assignment[0] == "Na⁺"
    assert coarse.attrs["tolerance"] == 1.0
    fine = identify(MASSES, 43.018)
    assert fine.assignment[0] == "C₂H₃O⁺"
    assert fine.difference[0] == pytest.approx(43.018 - fine.position[0])
    assert (fine.difference.abs() <= 0.01 + 1e-9).all()


def test_a_tolerance_of_the_user_and_the_number_of_candidates():
    assert len(identify(MASSES, 43.0, tolerance=0.2, most=3)) == 3
    assert identify(MASSES, 43.0179, tolerance=1e-3).assignment.tolist() == ["C₂H₃O⁺"]
    with pytest.raises(ValueError, match="larger than 0"):
        identify(MASSES, 43.0, tolerance=0)
    nothing = identify(MASSES, 0.5)
    assert nothing.empty
    assert list(nothing.columns) == ["assignment", "position", "difference", "note"]


@pytest.mark.parametrize(
    ("name", "units", "table"),
    [
        ("mz", "u", "ions"),
        ("m/z", "", "ions"),
        ("wavenumber Raman shift", "1/cm", "Raman bands"),
        ("Raman shift", "cm-1", "Raman bands"),
        ("energy_loss", "eV", "EELS edges"),
    ],
)
def test_the_table_is_chosen_by_name_and_unit(name, units, table):
    assert choose_table(None, name, units).name == table


@pytest.mark.parametrize(
    ("name", "units", "message"),
    [
        ("energy", "eV", "table='eels' or table='xray'"),
        ("wavenumber", "1/cm", "Raman or infrared"),
        ("bias", "V", "no table fits the channel 'bias' in 'V'"),
        ("channel", "", "without a unit"),
    ],
)
def test_without_a_fitting_table_the_user_is_told(name, units, message):
    with pytest.raises(ValueError, match=message):
        choose_table(None, name, units)


def test_an_edge_lies_below_its_maximum_and_in_the_unit_of_the_channel():
    loss = spectra("energy_loss", 400.0, 900.0, 1.0, units="eV")
    assert "Mn L3" in identify(loss, 642.0).assignment.tolist()
    assert "O K" in identify(loss, 540.0).assignment.tolist()
    assert "O K" not in identify(loss, 528.0).assignment.tolist()
    kilo = spectra("energy_loss", 0.4, 0.9, 0.001, units="keV")
    assert identify(kilo, 0.642).assignment.tolist() == identify(loss, 642.0).assignment.tolist()


def test_lines_of_exspy(monkeypatch):
    lines = {"Ka": {"weight": 1.0, "energy (keV)": 6.4039}, "Kb": {"weight": 0.1272, "energy (keV)": 7.058}}
    entries = {"Fe": {"Atomic_properties": {"Xray_lines": lines}}, "H": {"Atomic_properties": {}}}
    elements = SimpleNamespace(as_dictionary=lambda: entries)
    monkeypatch.setitem(sys.modules, "exspy", SimpleNamespace(material=SimpleNamespace(elements=elements)))
    energies = spectra("energy", 0.0, 10.0, 0.01, units="keV", long_name="X-ray energy")
    assert identify(energies, 6.41).assignment.tolist() == ["Fe Ka"]
    in_ev = spectra("x-ray energy", 0.0, 10000.0, 10.0, units="eV")
    assert identify(in_ev, 7050.0).assignment.tolist() == ["Fe Kb"]
    assert xray_lines().near(6.4, 1.0)[0][0] == 0


def test_without_exspy_the_user_is_told_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "exspy", None)
    with pytest.raises(ImportError, match="pip install exspy"):
        xray_lines()


def test_a_table_of_the_user(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("# my lines\nposition,assignment\n1.0,one\n\n1.1,other\n", encoding="utf-8")
    bias = spectra("bias", 0.0, 3.0, 0.05, units="V")
    found = identify(bias, 1.02, table=path)
    assert found.assignment.tolist() == ["one"]
    assert found.attrs["table"] == "mine"
    assert identify(bias, 1.02, table=PeakTable("t", [1.0], ("one",), ("",), 0.0)).note.tolist() == [""]


@pytest.mark.parametrize(
    ("text", "message"),
    [("mass,ion\n1,a\n", "no column 'position'"), ("position,assignment\nx,a\n", "no number"), ("", "no peaks")],
)
def test_a_file_that_is_no_table_is_refused(tmp_path, text, message):
    path = tmp_path / "mine.csv"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        read_peak_table(path)


def test_names_and_positions_that_do_not_exist_are_refused():
    with pytest.raises(ValueError, match="'ions', 'raman', 'eels', 'xray'"):
        identify(MASSES, 43.0, table="masses")
    with pytest.raises(ValueError, match="outside of the channels"):
        identify(MASSES, 400.0)
    with pytest.raises(ValueError, match="different lengths"):
        PeakTable("t", [1.0, 2.0], ("a",), ("",), 0.0)
    with pytest.raises(ValueError, match="not finite"):
        PeakTable("t", [np.nan], ("a",), ("",), 0.0)
