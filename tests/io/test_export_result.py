"""A whole result for HyperSpy, sidpy and pyNSID, opened with these programs."""

from __future__ import annotations

import h5py
import hyperspy.api as hs
import matplotlib.pyplot as plt
import numpy as np
import pytest
import xarray as xr
from pyNSID.io.hdf_utils import get_all_main, read_h5py_dataset

import mffnb as mf
from mffnb.errors import UnsupportedCombinationError
from tests.io.test_export import ENERGY, made


@pytest.fixture
def rng():
    return np.random.default_rng(3)


def opened(result, folder):
    """The signal as HyperSpy opens it, and the one made without a file."""
    (path,) = result.export(folder / "run.hspy")
    return [hs.load(path), result.to_hyperspy()]


@pytest.mark.parametrize(("pixels", "channels"), [((7,), (9,)), ((4, 7), (9,)), ((3, 4, 7), (9,)), ((4, 7), (9, 3))])
def test_hyperspy_finds_maps_spectra_and_data(rng, tmp_path, pixels, channels):
    result = made(rng.random((2, *pixels)), rng.random((2, *channels)))
    for signal in opened(result, tmp_path):
        np.testing.assert_array_equal(signal.data, result.cube.values)
        loadings, factors = signal.get_decomposition_loadings(), signal.get_decomposition_factors()
        np.testing.assert_array_equal(loadings.data.reshape(2, *pixels), result.abundances.values)
        np.testing.assert_array_equal(factors.data.reshape(2, *channels), result.endmembers.values)
        np.testing.assert_allclose(signal.get_decomposition_model().data, result.cube.values)
        axes = {axis.name: axis for axis in signal.axes_manager._axes}
        assert (axes["x"].scale, axes["x"].offset, axes["x"].units, axes["x"].navigate) == (0.5, 2.0, "µm", True)
        assert (axes["energy"].units, axes["energy"].navigate) == ("eV", False)
        np.testing.assert_allclose(axes["energy"].axis, ENERGY)


METADATA = {
    "General": {"title": "grain 7", "authors": "a microscopist", "date": "2026-01-31"},
    "Signal": {"signal_type": "", "quantity": "Intensity (Counts)"},
    "Acquisition_instrument": {"TEM": {"beam_energy": 200.0, "Detector": {"elevation_angle": 18}}},
    "Sample": {"elements": ["Fe", "O"], "noise": np.ones(4)},
}


def test_hyperspy_gets_the_metadata_of_what_was_unmixed(rng, tmp_path):
    measured = hs.signals.Signal1D(rng.random((4, 7, 2)) @ rng.random((2, 9)), metadata=METADATA)
    measured.save(tmp_path / "measured.hspy")
    saved = mf.unmix(mf.read(tmp_path / "measured.hspy"), 2, random_state=0)
    saved.save(tmp_path / "run.nc")
    loaded = mf.load(tmp_path / "run.nc")
    copies = [
        mf.unmix(measured, 2, random_state=0).to_hyperspy(),
        *opened(saved, tmp_path),
        loaded.to_hyperspy(mf.read(tmp_path / "measured.hspy")),
        loaded.to_hyperspy(measured),
    ]
    for signal in copies:
        found = signal.metadata.as_dictionary()
        assert {**found["General"], **METADATA["General"]} == found["General"]
        assert found["Acquisition_instrument"] == METADATA["Acquisition_instrument"]
        assert found["Sample"] == {"elements": ["Fe", "O"]}


def test_the_signal_type_goes_with_spectra_of_the_same_kind_only(rng):
    cube = xr.DataArray(rng.random((12, 14, 2)) @ rng.random((2, 9)), dims=("y", "x", "energy"))
    cube.attrs["metadata"] = '{"Signal": {"signal_type": "EELS"}}'
    assert mf.unmix(cube, 2, random_state=0).to_hyperspy().metadata.Signal.signal_type == "EELS"
    image = cube.isel(energy=0, drop=True)
    windows = mf.preprocessing.SlidingFFT(size=6, step=2)
    assert mf.unmix(image, 2, preprocess=[windows], random_state=0).to_hyperspy().metadata.Signal.signal_type == ""


def test_hyperspy_plots_the_results(rng, tmp_path):
    for signal in opened(made(rng.random((2, 4, 7)), rng.random((2, 9))), tmp_path):
        signal.plot_decomposition_loadings()
        signal.plot_decomposition_factors()
        signal.plot_decomposition_results()
        plt.close("all")


def test_an_uneven_channel_axis_keeps_its_values(rng, tmp_path):
    uneven = ("energy", ENERGY**2, {"units": "eV"})
    for signal in opened(made(rng.random((2, 4, 7)), rng.random((2, 9)), energy=uneven), tmp_path):
        np.testing.assert_array_equal(signal.axes_manager.signal_axes[0].axis, ENERGY**2)


def test_a_gain_is_part_of_the_loadings(tmp_path):
    sample = mf.datasets.tof_sims_2d(seed=0, shape=(12, 16))
    result = mf.unmix(sample.cube, 2, gain=True, random_state=0)
    for signal in opened(result, tmp_path):
        np.testing.assert_allclose(signal.get_decomposition_model().data, result.reconstruction().values, rtol=1e-9)


def test_a_model_with_an_offset_is_refused(tmp_path):
    rng = np.random.default_rng(0)
    cube = 5 + rng.random((6, 7, 2)) @ rng.random((2, 12))
    result = mf.unmix(cube, 2, preprocess=[mf.preprocessing.Range()], random_state=0)
    with pytest.raises(UnsupportedCombinationError, match="products of maps and spectra"):
        result.export(tmp_path / "run.hspy")


def test_a_loaded_result_needs_its_data(rng, tmp_path):
    result = made(rng.random((2, 4, 7)), rng.random((2, 9)))
    result.save(tmp_path / "run.nc")
    loaded = mf.load(tmp_path / "run.nc")
    with pytest.raises(ValueError, match="does not hold its cube"):
        loaded.export(tmp_path / "run.hspy")
    (path,) = loaded.export(tmp_path / "run.hspy", cube=result.cube)
    np.testing.assert_array_equal(hs.load(path).data, result.cube.values)


@pytest.mark.parametrize(("pixels", "channels"), [((7,), (9,)), ((4, 7), (9,)), ((3, 4, 7), (9, 3))])
def test_pynsid_and_sidpy_read_maps_and_spectra(rng, tmp_path, pixels, channels):
    result = made(rng.random((2, *pixels)), rng.random((2, *channels)))
    (path,) = result.export(tmp_path / "run.hf5")
    with h5py.File(path) as file:
        found = {main.name.rpartition("/")[2]: read_h5py_dataset(main) for main in get_all_main(file)}
    for datasets in (found, result.to_sidpy()):
        assert set(datasets) == {"abundances", "endmembers"}
        np.testing.assert_array_equal(np.asarray(datasets["abundances"]), result.abundances.values)
        np.testing.assert_array_equal(np.asarray(datasets["endmembers"]), result.endmembers.values)
        spectra, maps = datasets["endmembers"], datasets["abundances"]
        assert (spectra.units, spectra._axes[1].name, spectra._axes[1].units) == ("counts", "energy", "eV")
        np.testing.assert_array_equal(np.asarray(spectra._axes[1].values), ENERGY)
        assert spectra._axes[1].dimension_type.name == "SPECTRAL"
        last = maps._axes[len(pixels)]
        assert (last.name, last.units, last.dimension_type.name) == ("x", "um", "SPATIAL")
        assert list(maps.metadata["components"]) == result.endmembers.label.values.tolist()


def test_a_dimension_with_a_slash_is_read_back(tmp_path):
    rng = np.random.default_rng(0)
    result = mf.unmix(mf.datasets.tof_sims_2d(seed=0, shape=(12, 16)).cube.rename(mz="m/z"), 2, random_state=rng)
    (path,) = result.export(tmp_path / "run.hf5")
    with h5py.File(path) as file:
        axes = [read_h5py_dataset(main)._axes for main in get_all_main(file)]
    assert [axis.name for axis in axes[1].values()] == ["component", "m_z"]
