"""Spectra and maps of a result as files, read back with the reader of another program."""

from __future__ import annotations

import jcamp
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from rsciio import msa

import mffnb as mf
from mffnb.errors import FileWarning
from mffnb.io.export import choose_writer, writers
from mffnb.solvers import Outcome
from mffnb.unmixing.result import Unmixing
from mffnb.unmixing.written_call import written_call

ENERGY = np.linspace(100.0, 108.0, 9)


def made(maps, spectra, **coords):
    """A result with these factors; its data are their product."""
    pixels = ("t", "z", "y", "x")[-(np.ndim(maps) - 1) :]
    channels = ("energy", "angle")[: np.ndim(spectra) - 1]
    names = {"label": ("component", ["lignin", 'µ, "cell": wall'])}
    A = xr.DataArray(maps, dims=("component", *pixels), coords=names, name="abundance")
    E = xr.DataArray(spectra, dims=("component", *channels), coords=names, attrs={"units": "counts"}, name="endmember")
    for name in pixels:
        A = A.assign_coords({name: (name, 2.0 + 0.5 * np.arange(A.sizes[name]), {"units": "µm"})})
    if "energy" not in coords:
        coords["energy"] = ("energy", ENERGY, {"units": "eV", "long_name": "energy loss"})
    E = E.assign_coords(coords)
    cube = xr.dot(A, E, dim="component").drop_vars("label", errors="ignore")
    return Unmixing(
        E, A, Outcome.CONVERGED, xr.Dataset({"relative_error": ("iteration", [0.1])}, {"iteration": [7]}), {"k": 2, "random_state": 0},
        cube=cube.assign_attrs(units="counts"),
    )  # fmt: skip


@pytest.fixture
def result(rng):
    return made(rng.random((2, 4, 7)), rng.random((2, 9)))


@pytest.fixture
def rng():
    return np.random.default_rng(3)


HEADERS = ["energy loss (eV)", "lignin (counts)", 'µ, "cell": wall (counts)']


@pytest.mark.parametrize("suffix", [".csv", ".xlsx", ".CSV"])
def test_pandas_reads_the_table(result, tmp_path, suffix):
    (path,) = result.export(tmp_path / f"spectra{suffix}")
    table = pd.read_excel(path, sheet_name="spectra") if suffix == ".xlsx" else pd.read_csv(path)
    assert list(table) == HEADERS
    # A workbook has 16 digits.
    wanted = np.column_stack([ENERGY, *result.endmembers.values])
    np.testing.assert_allclose(table.to_numpy(), wanted, rtol=1e-15, atol=0)


def test_a_table_has_one_row_for_each_pair_of_two_channel_axes(rng, tmp_path):
    result = made(rng.random((2, 4, 7)), rng.random((2, 9, 3)))
    (path,) = result.export(tmp_path / "spectra.csv")
    table = pd.read_csv(path).set_index(["energy loss (eV)", "angle"])
    assert table["lignin (counts)"].loc[(102.0, 1)] == result.endmembers.values[0, 2, 1]


def test_excel_holds_the_settings_and_no_formula(result, tmp_path):
    result.endmembers.coords["label"] = ("component", ["=1+1", "b"])
    (path,) = result.export(tmp_path / "spectra.xlsx")
    assert pd.read_excel(path, sheet_name="settings").set_index("setting")["value"]["k"] == 2
    assert list(pd.read_excel(path))[1] == "=1+1 (counts)"


def test_hyperspys_reader_opens_msa(result, tmp_path):
    paths = result.export(tmp_path / "spectra.msa")
    assert [path.name for path in paths] == ["spectra-lignin.msa", "spectra-µ_cell_wall.msa"]
    for path, values in zip(paths, result.endmembers.values, strict=True):
        (signal,) = msa.file_reader(path)
        np.testing.assert_array_equal(signal["data"], values)
        axis = signal["axes"][0]
        np.testing.assert_allclose(axis["offset"] + axis["scale"] * np.arange(9), ENERGY)
        assert (axis["name"], axis["units"], axis["size"]) == ("energy", "eV", 9)


def test_msa_warns_of_an_uneven_axis(rng, tmp_path):
    uneven = ("energy", ENERGY**2, {"units": "eV"})
    with pytest.warns(FileWarning, match="the channel axis is not even"):
        made(rng.random((2, 4, 7)), rng.random((2, 9)), energy=uneven).export(tmp_path / "spectra.msa")


def test_jcamp_reads_all_components(rng, tmp_path):
    spectra = rng.random((2, 9))
    spectra[:, 4] = np.nan  # a masked channel
    falling = ("energy", ENERGY[::-1], {"units": "1/cm"})
    (path,) = made(rng.random((2, 4, 7)), spectra, energy=falling).export(tmp_path / "spectra.jdx")
    blocks = jcamp.readfile(path)["children"]
    assert [block["title"] for block in blocks] == ["lignin", 'u, "cell": wall']
    for block, values in zip(blocks, spectra, strict=True):
        np.testing.assert_array_equal(block["y"], np.delete(values, 4))
        np.testing.assert_array_equal(block["x"], np.delete(ENERGY[::-1], 4))
        assert (block["xunits"], block["yunits"], block["npoints"]) == ("1/CM", "counts", 8)


@pytest.mark.parametrize("suffix", [".msa", ".jdx"])
def test_formats_of_one_axis_refuse_two(rng, tmp_path, suffix):
    result = made(rng.random((2, 4, 7)), rng.random((2, 9, 3)))
    with pytest.raises(ValueError, match=r"2 \(energy, angle\): export them as \.csv"):
        result.export(tmp_path / f"spectra{suffix}")
    assert not list(tmp_path.iterdir())


def test_an_unknown_suffix_is_refused_with_the_list(result, tmp_path):
    with pytest.raises(ValueError, match=r"'run\.nc' has no suffix of an export format \(spectra: \.csv"):
        result.export(tmp_path / "run.nc")


@pytest.mark.parametrize("suffix", sorted({suffix for one in writers() for suffix in one.suffixes}))
def test_each_writer_keeps_an_older_file_after_an_error(result, tmp_path, suffix, monkeypatch):
    path = tmp_path / f"one{suffix}"
    path.write_text("older")
    record = {"k": 1, "similarity": "frobenius"}
    one = Unmixing(result.endmembers[:1], result.abundances[:1], result.outcome, result.trace, record, cube=result.cube)
    one.export(path)
    assert path.stat().st_size > 5
    path.write_text("older")

    def fail(*_):
        raise RuntimeError("full disk")

    monkeypatch.setattr("pathlib.Path.replace", fail)
    with pytest.raises(RuntimeError, match="full disk"):
        one.export(path)
    assert path.read_text() == "older"
    assert [part.name for part in tmp_path.iterdir()] == [path.name]


def test_hidden_components_are_left_out(result, tmp_path):
    for part in (result.endmembers, result.abundances):
        part.coords["hidden"] = ("component", [True, False])
    (path,) = result.export(tmp_path / "spectra.csv")
    assert list(pd.read_csv(path)) == [HEADERS[0], HEADERS[2]]


def test_every_suffix_belongs_to_one_writer():
    suffixes = [suffix for one in writers() for suffix in one.suffixes]
    assert len(suffixes) == len(set(suffixes))
    assert all(choose_writer(f"x{suffix}")[1] == suffix for suffix in suffixes)


def test_a_run_is_exported_with_the_call_that_repeats_it(tmp_path):
    sample = mf.datasets.tof_sims_2d(seed=0, shape=(12, 16))
    result = mf.unmix(sample.cube, 2, sparsity=1e-3, similarity="kl", random_state=5)
    text = written_call(result.parameters).replace("cube = ...", "cube = sample.cube").replace("import mffnb as mf", "")
    names = {"mf": mf, "sample": sample}
    exec(text, names)
    xr.testing.assert_identical(names["result"].endmembers, result.endmembers)


def test_the_written_call_names_the_keyword_of_terms():
    cube = mf.datasets.tof_sims_2d(seed=0, shape=(12, 16)).cube
    terms = [mf.Smoothness(1e-2, along="y")]
    result = mf.unmix(cube, 2, abundance_terms=terms, random_state=5, max_iter=20)
    lines = written_call(result.parameters).splitlines()
    assert lines[-2].startswith("abundance_terms = ...  # [Smoothness(weight=0.01")
    names = {"mf": mf, "cube": cube, "abundance_terms": terms}
    exec(lines[-1], names)
    xr.testing.assert_identical(names["result"].abundances, result.abundances)
