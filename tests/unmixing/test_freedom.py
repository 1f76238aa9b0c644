"""The freedom of a result: labels, units, constraints, files and sentences."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

import mffnb as mf
from mffnb.errors import UnsupportedCombinationError
from mffnb.geometry.freedom import EntryNoise
from mffnb.geometry.matching import spectral_angles
from mffnb.geometry.noise_angles import noise_angles
from mffnb.preprocessing import UnitSum
from mffnb.selection import match
from mffnb.unmixing.freedom import Freedom, freedom_of


@pytest.fixture(scope="module")
def cube() -> xr.DataArray:
    """A noisy image of three components without pure pixels, with a masked corner as NaN."""
    rng = np.random.default_rng(0)
    A = 0.1 + 0.7 * rng.dirichlet(np.ones(3), (12, 17))
    E = 0.3 + rng.random((3, 25))
    data = A @ E + 0.003 * rng.standard_normal((12, 17, 25))
    return xr.DataArray(
        data, dims=("y", "x", "energy"), coords={"energy": np.linspace(100, 200, 25)}, attrs={"units": "counts"}
    )


@pytest.fixture(scope="module")
def answer(cube) -> mf.Unmixing:
    return mf.unmix(cube, 3, random_state=0)


def test_labels_are_those_of_the_endmembers(answer):
    free = answer.freedom
    assert free.angle.dims == ("component",)
    assert free.lower.dims == answer.endmembers.dims
    np.testing.assert_array_equal(free.upper.energy, answer.endmembers.energy)
    assert (free.lower <= answer.endmembers + 1e-12).all()
    assert (free.upper >= answer.endmembers - 1e-12).all()
    assert (free.angle > 0.05).all(), "without pure pixels spectra are open"
    assert set(free.partner.values.tolist()) <= {0, 1, 2}


def test_it_is_the_same_for_other_scales_and_layouts(cube, answer):
    scaled = mf.unmix(1000 * cube, 3, random_state=0)
    np.testing.assert_allclose(scaled.freedom.angle, answer.freedom.angle, rtol=0.02)
    turned = mf.unmix(cube.transpose("energy", "x", "y"), 3, channel="energy", random_state=0)
    assert turned.freedom.lower.dims == ("component", "energy")


def test_masked_pixels_and_channels_are_left_out(cube):
    mask = np.ones((12, 17), bool)
    mask[:3] = False
    masked = mf.unmix(cube, 3, mask=mask, random_state=0)
    alone = mf.unmix(cube[3:], 3, random_state=0)
    np.testing.assert_allclose(masked.freedom.angle, alone.freedom.angle, rtol=1e-6)


def test_missing_entries(cube):
    holes = cube.where(np.random.default_rng(1).random(cube.shape) > 0.1)
    assert np.isfinite(mf.unmix(holes, 3, random_state=0).freedom.angle).all()


def test_known_endmembers_do_not_turn(cube, answer):
    fitted = mf.unmix(cube, 3, known=answer.endmembers[:1].values, random_state=0)
    assert fitted.freedom.angle[0] == 0
    assert (fitted.freedom.angle[1:] > 0).all()


def test_the_sentence_names_what_chose_the_spectra(cube):
    fitted = mf.unmix(cube, 3, volume=1e-3, random_state=0)
    assert "the smallest volume chose these spectra" in str(fitted.freedom)
    assert "could turn by up to" in repr(fitted)


@pytest.mark.parametrize("similarity", ["frobenius", "kl"])
def test_sparsity_narrows_the_freedom_and_leaves_the_true_spectra_in_it(similarity):
    """The maps are sparse, so the penalty is true: each pixel has one or two of three components."""
    rng = np.random.default_rng(5)
    A = np.zeros((3, 600))
    for pixel in A.T:
        there = rng.permutation(3)[: rng.integers(1, 3)]
        pixel[there] = rng.dirichlet(np.ones(len(there)))
    E = 0.3 + rng.random((3, 40))
    X = rng.poisson(5000 * (A.T @ E)).astype(float)
    cube = xr.DataArray(X.reshape(20, 30, 40), dims=("y", "x", "channel"))
    narrowed = {}
    for weight in (1e-4, 1e-2):
        result = mf.unmix(cube, 3, sparsity=weight, similarity=similarity, random_state=0)
        whole = replace(result, parameters={**result.parameters, "sparsity": 0.0})
        assert (result.freedom.pairs <= whole.freedom.pairs + 1e-9).all()
        found = result.endmembers.values
        found = found[match(E, found)]
        cosines = np.sum(E * found, axis=1) / np.linalg.norm(E, axis=1) / np.linalg.norm(found, axis=1)
        assert (result.freedom.angle.values[match(E, result.endmembers.values)] >= np.arccos(cosines)).all()
        narrowed[weight] = float((result.freedom.pairs / whole.freedom.pairs).min())
        assert "the range respects the sparsity penalty" in str(result.freedom)
    assert narrowed[1e-2] < 0.95
    assert narrowed[1e-2] < narrowed[1e-4] + 1e-9


def test_with_weights_the_sparsity_does_not_narrow_the_freedom(cube):
    weights = np.ones(cube.sizes["energy"])
    fitted = mf.unmix(cube, 3, sparsity=1e-2, weights=weights, random_state=0)
    without = replace(fitted, parameters={**fitted.parameters, "sparsity": 0.0})
    np.testing.assert_array_equal(fitted.freedom.angle, without.freedom.angle)
    assert "and may leave less" in str(fitted.freedom)


def test_a_component_too_few_is_doubted(cube):
    right, fewer = (mf.unmix(cube, k, random_state=0) for k in (3, 2))
    assert not right.freedom.doubt
    assert "try another k" not in repr(right)
    assert "try another k" in str(fewer.freedom)
    assert "try another k" in repr(fewer)


def test_a_constraint_that_does_not_hold_is_named():
    """Each pixel has a gain, so fractions do not sum to one; the same number of components fits without."""
    rng = np.random.default_rng(3)
    maps, spectra = rng.dirichlet(np.ones(3), (12, 17)), 0.3 + rng.random((3, 25))
    gain = rng.uniform(0.6, 1.4, (12, 17, 1))
    cube = gain * (maps @ spectra) + 0.003 * rng.standard_normal((12, 17, 25))
    wrong, right, plain = (mf.unmix(cube, 3, random_state=0, **kw) for kw in ({"sum_to_one": True}, {"gain": True}, {}))
    assert "without the sum of one" in wrong.freedom.doubt
    assert "without the sum of one" in repr(wrong)
    assert right.freedom.doubt == plain.freedom.doubt == ""
    assert right.freedom.subspace_pattern == pytest.approx(1, abs=0.15)
    assert np.isnan(plain.freedom.subspace_pattern)


def test_the_doubt_of_a_strong_volume_names_its_weight_before_the_constraint():
    rng = np.random.default_rng(3)
    maps, spectra = rng.dirichlet(np.ones(3), (12, 17)), 0.3 + rng.random((3, 25))
    cube = maps @ spectra + 0.003 * rng.standard_normal((12, 17, 25))
    doubts = [mf.unmix(cube, 3, sum_to_one=True, volume=one, random_state=0).freedom.doubt for one in (3e-2, 1e-6)]
    assert "the weight of the volume may be too high, so lower it first" in doubts[0]
    assert "the sum of one may not hold, so compare with a result without" in doubts[0]
    assert not doubts[1]


def test_too_few_components_are_not_blamed_on_the_constraint(cube):
    fewer = mf.unmix(cube, 2, sum_to_one=True, random_state=0)
    assert "try another k" in fewer.freedom.doubt


def test_the_doubt_of_a_constraint_is_stored_and_older_files_have_none(answer, cube, tmp_path):
    fitted = mf.unmix(cube * np.linspace(0.5, 1.5, 17)[:, None], 3, sum_to_one=True, random_state=0)
    assert "without the sum of one" in fitted.freedom.doubt
    fitted.save(tmp_path / "run.nc")
    assert str(mf.load(tmp_path / "run.nc").freedom) == str(fitted.freedom)
    arrays = answer.freedom.arrays()
    for name in ("subspace_pattern", "requested"):
        del arrays["freedom_angle"].attrs[name]
    assert str(Freedom.from_arrays(arrays)) == str(answer.freedom)


def test_a_component_that_is_zero_has_no_angle():
    rng = np.random.default_rng(2)
    data = rng.random((8, 9, 1)) * rng.random(10)
    A, E = rng.random((72, 2)), rng.random((2, 10))
    A[:, 1] = 0
    with pytest.warns(mf.errors.DegenerateWarning):
        fitted = mf.unmix(data, 2, init=(A, E), max_iter=200, tol=0.1, similarity="kl", solver="multiplicative")
    angle = fitted.freedom.angle.values
    assert np.isnan(angle[1])
    assert len(fitted.freedom.in_degrees) == 1


def test_with_preprocessing_the_band_is_in_the_units_of_the_data(cube):
    fitted = mf.unmix(cube, 3, preprocess=[UnitSum()], random_state=0)
    assert (fitted.freedom.angle > 0.05).all()
    assert (fitted.freedom.lower <= fitted.endmembers * 1.0001 + 1e-9).all()
    assert (fitted.freedom.upper >= fitted.endmembers * 0.9999 - 1e-9).all()


def test_it_is_stored_with_the_result(answer, tmp_path):
    assert answer.freedom is answer.freedom
    answer.save(tmp_path / "run.nc")
    loaded = mf.load(tmp_path / "run.nc")
    assert str(loaded.freedom) == str(answer.freedom)
    xr.testing.assert_allclose(loaded.freedom.lower, answer.freedom.lower)
    np.testing.assert_array_equal(loaded.freedom.partner, answer.freedom.partner)
    half = loaded.normalized("max")
    assert float(half.endmembers.max()) == 1
    assert (half.freedom.upper >= half.endmembers - 1e-9).all()


def test_a_file_without_it_says_what_to_do(cube, tmp_path):
    mf.unmix(cube, 3, random_state=0).save(tmp_path / "run.nc")
    loaded = mf.load(tmp_path / "run.nc")
    with pytest.raises(ValueError, match="before saving"):
        _ = loaded.freedom
    assert "turn" not in repr(loaded)


def test_other_models_are_refused(cube):
    with pytest.raises(UnsupportedCombinationError, match="linear model"):
        _ = mf.unmix(cube.clip(0), 2, transform="rounding", tol=0.1, random_state=0).freedom


def test_degrees_are_rounded_up():
    angle = xr.DataArray([0.0, 0.001, np.deg2rad(12.2), np.nan], dims="component")
    spectra = xr.zeros_like(angle)
    free = Freedom(angle, angle, angle, spectra, spectra, 10, 1.0)
    assert free.in_degrees == [0, 1, 13]


def test_noise_that_turns_spectra_farther_than_the_range_is_doubted(tmp_path):
    """Counts of one spectrum, far too few for three: components fit single counts, which nothing else replaces."""
    rng = np.random.default_rng(0)
    cube = xr.DataArray(rng.poisson(0.02, (24, 24, 300)).astype(np.float64), dims=("y", "x", "energy"))
    result = mf.unmix(cube, 3, random_state=0)
    found = result.freedom
    assert (found.noise > found.angle).any()
    assert "noise alone turns component" in found.doubt
    assert "noise alone" in repr(result)
    result.save(tmp_path / "a.nc")
    loaded = mf.load(tmp_path / "a.nc").freedom
    np.testing.assert_array_equal(loaded.noise, found.noise)
    assert loaded.doubt == found.doubt


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_noise_angles_are_those_of_repeated_noise(scale):
    """The spread of least-squares spectra over draws of the noise, for known maps."""
    rng = np.random.default_rng(0)
    A, E = rng.dirichlet([1, 1, 1], 400).T, scale * rng.random((3, 50))
    noise = EntryNoise(np.linspace(0.5, 1.5, 400), np.full(50, (0.1 * scale) ** 2))
    sigma = np.sqrt(noise.pixels[:, None] * noise.channels)
    draws = [np.linalg.lstsq(A.T, A.T @ E + sigma * rng.standard_normal(sigma.shape))[0] for _ in range(200)]
    angles = np.sqrt(np.mean([np.arcsin(spectral_angles(E, one).diagonal()) ** 2 for one in draws], axis=0))
    np.testing.assert_allclose(noise_angles(A, E, noise), angles, rtol=0.1)


def test_clear_spectra_are_not_doubted_for_noise():
    rng = np.random.default_rng(0)
    A, E = rng.dirichlet([0.3, 0.3, 0.3], (24, 24)), rng.random((3, 50)) ** 4
    cube = xr.DataArray(A @ E + 1e-3 * rng.standard_normal((24, 24, 50)), dims=("y", "x", "energy"))
    assert "noise" not in mf.unmix(cube.clip(0), 3, random_state=0).freedom.doubt


def test_known_spectra_are_not_turned_by_noise():
    rng = np.random.default_rng(0)
    cube = xr.DataArray(rng.poisson(0.02, (24, 24, 300)).astype(np.float64), dims=("y", "x", "energy"))
    result = mf.unmix(cube, 3, known=rng.random((2, 300)), random_state=0)
    assert result.freedom.noise.values[:2].tolist() == [0, 0]
    assert "components 0" not in result.freedom.doubt


def test_the_freedom_of_an_image_on_disk_reads_single_pixels(tmp_path):
    rng = np.random.default_rng(0)
    values = rng.random((30, 60, 3)) @ rng.random((3, 20))
    xr.DataArray(values, dims=("y", "x", "energy"), name="data").to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
    lazy, whole = (
        mf.unmix(mf.read(tmp_path / "a.nc", lazy=on_disk), 3, random_state=0).freedom for on_disk in (True, False)
    )
    np.testing.assert_allclose(lazy.angle, whole.angle, atol=1e-8)
    assert lazy.pattern == pytest.approx(whole.pattern, rel=1e-6)


def test_a_dask_image_is_computed_once(cube):
    """Its chunks are computed together, not again for each pixel."""
    counted = []
    lazy = cube.chunk({cube.dims[0]: 3})
    lazy = lazy.copy(
        data=lazy.data.map_blocks(lambda block: counted.append(1) or block, dtype=lazy.dtype, meta=lazy.data._meta)
    )
    result = mf.unmix(cube, 3, random_state=0)
    found = freedom_of(result.endmembers, result.abundances, lazy, result.parameters)
    assert len(counted) == lazy.data.numblocks[0]
    np.testing.assert_array_equal(found.angle, result.freedom.angle)
