"""Spikes are found and replaced; noise and narrow peaks that neighbours share are kept."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import mffnb as mf
from mffnb.preprocessing import Bin, SpikeRemoval, UnitSum, fit_chain, spikes

SHIFT = ("shift",)


def scene(level=200.0, shape=(15, 20), spiked=40, seed=0, noise="poisson"):
    """A map with a peak of one channel, and spikes elsewhere of 8 to 60 times the noise. Returns data, clean, spikes."""
    rng = np.random.default_rng(seed)
    channel = np.arange(200)
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    weights = np.stack([rows / shape[0], columns / shape[1], (rows // 5 + columns // 5) % 2 * 0.9 + 0.1], axis=-1)
    spectra = np.stack([np.exp(-(((channel - at) / wide) ** 2)) for at, wide in [(40, 8), (90, 12), (150, 1.0)]]) + 0.2
    mean = level * weights @ spectra
    clean = rng.poisson(mean) if noise == "poisson" else mean + 0.3 * level**0.5 * rng.standard_normal(mean.shape)
    data, hit = clean.astype(float), np.zeros(mean.shape, bool)
    for pixel in rng.choice(shape[0] * shape[1], spiked, replace=False):
        first = rng.choice(np.delete(channel, np.arange(140, 160)))
        place = (*np.unravel_index(pixel, shape), slice(first, first + rng.integers(1, 4)))
        data[place] += rng.uniform(8, 60) * level**0.5
        hit[place] = True
    coords = {"shift": ("shift", 500 + 2.0 * channel, {"units": "1/cm"})}
    cube = xr.DataArray(data, dims=("y", "x", "shift"), coords=coords, attrs={"units": "counts"})
    return cube, cube.copy(data=clean.astype(float)), hit


def marked(fitted, shape):
    found = np.zeros(shape, bool)
    found[tuple(fitted.positions.values)] = True
    return found


@pytest.mark.parametrize("noise", ["poisson", "constant"])
@pytest.mark.parametrize("level", [20.0, 200.0, 5000.0])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_spikes_are_found_and_nothing_else(level, noise, seed):
    cube, clean, hit = scene(level, noise=noise, seed=seed)
    fitted = SpikeRemoval().fit(cube, SHIFT)
    found = marked(fitted, cube.shape)
    assert (found & hit).sum() > 0.95 * hit.sum()
    assert (found & ~hit).sum() <= 2
    there = fitted.transform(cube)
    np.testing.assert_array_equal(there.values[~found], cube.values[~found])
    error, before = (np.linalg.norm((one - clean).values[hit]) for one in (there, cube))
    assert error < 0.15 * before
    assert fitted.found["spikes"] == pytest.approx(40, abs=2)


@pytest.mark.parametrize("level", [0.5, 5.0, 200.0])
@pytest.mark.parametrize("seed", [0, 1])
def test_counts_without_spikes_are_not_changed(level, seed):
    cube = scene(level, spiked=0, seed=seed)[0]
    assert SpikeRemoval().fit(cube, SHIFT).spikes == 0


def test_a_narrow_peak_that_neighbours_share_is_kept():
    """A peak one channel wide, 10 times weaker in the other squares of a chess board; a single spectrum has no neighbours."""
    cube = scene(1000.0, spiked=0)[0]
    kept = SpikeRemoval().fit(cube, SHIFT)
    assert kept.spikes == 0
    alone = [SpikeRemoval().fit(cube[row : row + 1, column : column + 1], SHIFT) for row, column in ((6, 1), (11, 6))]
    assert all(150 in one.positions.values[2] for one in alone)


def test_the_threshold_follows_the_noise_of_the_data():
    """Noise with heavy tails has dips as large as its peaks, which raise the threshold; a threshold may be given."""
    rng = np.random.default_rng(0)
    heavy = xr.DataArray(100 + rng.standard_t(4, (12, 15, 200)), dims=("y", "x", "shift"))
    automatic, given = SpikeRemoval().fit(heavy, SHIFT), SpikeRemoval(threshold=4.5).fit(heavy, SHIFT)
    assert automatic.threshold > 6
    assert automatic.spikes <= 3
    assert given.spikes > 20
    assert given.threshold == 4.5


def test_a_spike_at_an_end_or_beside_a_gap_is_replaced():
    cube = scene(spiked=0)[0]
    clean = cube.copy(deep=True)
    cube[2, 3, 0] = cube[4, 5, -2:] = cube[7, 7, 101] = 4000.0
    cube[7, 7, 100] = cube[9, :, 30] = np.nan
    cube[5, 5] = np.nan
    there = SpikeRemoval().fit(cube, SHIFT).transform(cube)
    assert float(there.max()) < 1.5 * float(clean.max())
    np.testing.assert_array_equal(there.isnull(), cube.isnull())


def test_blocks_give_the_spikes_of_the_whole_cube(monkeypatch):
    cube = scene()[0]
    whole = SpikeRemoval().fit(cube, SHIFT)
    monkeypatch.setattr(spikes, "_BLOCK", 3 * 20 * 200)
    parts = SpikeRemoval().fit(cube.chunk({"y": 5, "shift": 70}), SHIFT)
    np.testing.assert_array_equal(marked(parts, cube.shape), marked(whole, cube.shape))
    lazy = parts.transform(cube.chunk({"y": 5, "shift": 70}))
    assert lazy.chunks is not None
    np.testing.assert_array_equal(lazy, whole.transform(cube))


def test_line_scans_and_stacks():
    cube, _, hit = scene(shape=(1, 60))
    found = marked(SpikeRemoval().fit(cube[0], SHIFT), cube[0].shape)
    assert (found & hit[0]).sum() > 0.9 * hit.sum()
    stack = xr.concat([cube, cube, cube], "z")
    stack[1, 0, 30, 100] += 3000.0
    assert marked(SpikeRemoval().fit(stack, SHIFT), stack.shape)[1, 0, 30, 100]


def test_factors_are_those_of_the_cube_without_spikes(tmp_path):
    cube, clean, _ = scene(spiked=120)
    result = mf.unmix(cube, 3, preprocess=[SpikeRemoval(), UnitSum()], random_state=0, max_iter=300)
    expected = mf.unmix(clean, 3, preprocess=[UnitSum()], random_state=0, max_iter=300)
    raw = mf.unmix(cube, 3, preprocess=[UnitSum()], random_state=0, max_iter=300)
    error = [np.linalg.norm(one.reconstruction() - expected.reconstruction()) for one in (result, raw)]
    assert error[0] < 0.2 * error[1]
    assert np.linalg.norm(result.residual()) < 1.1 * np.linalg.norm(expected.residual())
    assert result.parameters["preprocess"][0]["found"]["spikes"] == pytest.approx(120, abs=3)
    result.save(tmp_path / "run.nc")
    loaded = mf.load(tmp_path / "run.nc")
    np.testing.assert_allclose(loaded.residual(cube), result.residual())
    assert loaded.parameters["preprocess"][0]["found"] == result.parameters["preprocess"][0]["found"]


def test_a_file_keeps_that_there_were_no_spikes(tmp_path):
    cube = scene(spiked=0)[0]
    result = mf.unmix(cube, 3, preprocess=[SpikeRemoval()], random_state=0, max_iter=20)
    result.save(tmp_path / "run.nc")
    np.testing.assert_allclose(mf.load(tmp_path / "run.nc").residual(cube), result.residual())


def test_masked_pixels_and_what_is_refused():
    cube = scene()[0]
    mask = np.ones((15, 20), bool)
    mask[3:6, 4:9] = False
    result = mf.unmix(cube, 3, preprocess=[SpikeRemoval()], mask=mask, random_state=0, max_iter=20)
    assert np.isfinite(result.abundances.values[:, mask]).all()
    with pytest.raises(ValueError, match="put SpikeRemoval before UnitSum"):
        fit_chain(cube, [UnitSum(), SpikeRemoval()])
    assert fit_chain(cube, [SpikeRemoval(), Bin()]).cube.shape == (7, 10, 200)
    with pytest.raises(ValueError, match="compares 7 channels, 'shift' has 6: lower width"):
        SpikeRemoval().fit(cube[..., :6], SHIFT)
    with pytest.raises(ValueError, match="threshold is a positive number"):
        SpikeRemoval(threshold=0)
    with pytest.raises(ValueError, match="width is a whole number"):
        SpikeRemoval(width=0)
