"""Splits of one material into two components are found, and true pairs are not taken for splits."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import xarray as xr

import mffnb as mf
from mffnb.errors import DegenerateWarning
from mffnb.unmixing.splits import find_splits, warn_if_split

NAMES = ("component", "y", "x")
SPECTRA = np.array([[1, 1, 0.1, 0.3], [1, 0.8, 0.1, 0.2], [0.1, 0.2, 1, 0.5]])


def maps(ratio):
    """One phase at the left that two components share by a ratio, another phase at the right."""
    phase = np.broadcast_to(np.linspace(1.2, -0.2, 36).clip(0, 1), (24, 36))
    return np.stack([phase * ratio, phase * (1 - ratio), 1 - phase])


def pairs(ratio, spectra=SPECTRA):
    found = find_splits(xr.DataArray(spectra, dims=("component", "mz")), xr.DataArray(maps(ratio), dims=NAMES))
    return [(one.first, one.second) for one in found]


def test_a_ratio_that_is_grain_is_a_split_and_one_that_is_an_image_is_none():
    grain = np.random.default_rng(0).random((24, 36))
    image = np.broadcast_to(np.linspace(0, 1, 24)[:, None], (24, 36))
    assert pairs(grain) == [(0, 1)]
    assert pairs(image) == []


def test_different_spectra_and_traces_are_no_split():
    grain = np.random.default_rng(0).random((24, 36))
    assert pairs(grain, np.eye(4)[:3]) == []
    assert pairs(0.02 * grain) == []


def test_random_maps_are_no_split():
    rng = np.random.default_rng(0)
    fractions = rng.dirichlet([1, 1, 1], (24, 36)).transpose(2, 0, 1)
    assert find_splits(xr.DataArray(SPECTRA, dims=("component", "mz")), xr.DataArray(fractions, dims=NAMES)) == []


def test_equal_spectra_are_one_material_wherever_they_are_and_three_of_them_are_one_too():
    spectra = np.array([[1, 1, 0.1, 0.3], [2, 2.02, 0.2, 0.6], [0.1, 0.2, 1, 0.5], [1, 0.99, 0.1, 0.3], [0, 0, 0, 0]])
    corners = np.zeros((5, 4, 6))
    for one, (row, column) in enumerate([(0, 0), (2, 3), (0, 3), (2, 0), (1, 1)]):
        corners[one, row : row + 2, column : column + 3] = 1
    found = find_splits(xr.DataArray(spectra, dims=("component", "mz")), xr.DataArray(corners, dims=NAMES))
    assert [(one.first, one.second) for one in found] == [(0, 1), (0, 3), (1, 3)]
    with pytest.warns(DegenerateWarning, match="components 0 and 1 have nearly equal spectra .*; try k=3$"):
        warn_if_split(found, 5)


def test_masked_pixels_do_not_count():
    grain = np.random.default_rng(0).random((24, 36))
    masked = maps(grain)
    masked[:, :, :20] = np.nan
    spectra = xr.DataArray(SPECTRA, dims=("component", "mz"))
    assert find_splits(spectra, xr.DataArray(masked, dims=NAMES)) == []


def test_windows_of_few_unit_cells_split_a_phase_and_unmix_says_so():
    image = mf.datasets.stem_catalyst(0, shape=(1000, 1000)).cube
    step = mf.preprocessing.SlidingFFT(192, 64, zoom=4)
    with pytest.warns(DegenerateWarning, match=r"shown twice.*try k=2.*larger windows"):
        result = mf.unmix(image, 3, preprocess=[step], random_state=0)
    (split,) = result.splits
    assert {split.first, split.second} == {1, 2}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert mf.unmix(image, 2, preprocess=[step], random_state=0).splits == []


def test_one_component_too_many_is_said_to_be_a_split():
    cube = mf.datasets.cits_pnictide(0, shape=(40, 50, 110)).cube
    with pytest.warns(DegenerateWarning, match="try k=3"):
        mf.unmix(cube, 4, volume="auto", random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        mf.unmix(cube, 3, volume="auto", random_state=0)
