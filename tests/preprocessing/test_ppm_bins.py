"""Bins of a constant relative width: exact totals, right labels, sparse cubes that stay sparse."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from scipy import sparse

import mffnb as mf
from mffnb.cubes.sparse_map import SparseMap
from mffnb.cubes.sparse_pixels import sparse_pixels_of
from mffnb.preprocessing import LeaveOutChannels, PpmBins, UnitSum, fit_chain

pytestmark = pytest.mark.filterwarnings("ignore::mffnb.errors.ConvergenceWarning")

MZ = ("mz",)


def dense(channels=900, shape=(6, 7), seed=0):
    rng = np.random.default_rng(seed)
    mz = np.sort(rng.uniform(100, 101, channels))
    counts = rng.poisson(rng.gamma(0.2, 2.0, channels), (*shape, channels)).astype(np.uint8)
    coords = {"mz": ("mz", mz, {"units": "m/z"}), "x": ("x", 0.5 * np.arange(shape[1]), {"units": "µm"})}
    return xr.DataArray(counts, dims=("y", "x", "mz"), coords=coords, attrs={"units": "counts"}, name="ions")


def sparse_cube(cube, absent=()):
    missing = np.zeros(cube.shape[0] * cube.shape[1], bool)
    missing[list(absent)] = True
    rows = sparse.csr_array(np.where(missing[:, None], 0, cube.values.reshape(-1, cube.shape[-1])))
    held = SparseMap(rows, cube.shape[:-1], missing)
    return xr.DataArray(xr.Variable(cube.dims, held), coords=cube.coords, attrs=cube.attrs, name=cube.name)


def by_hand(cube, ppm):
    """Sums and mean m/z of the bins, one channel after the other."""
    mz, sums, members = cube["mz"].values, {}, {}
    for at, value in enumerate(mz):
        number = int(np.floor(np.log(value / mz[0]) / np.log(1 + 1e-6 * ppm)))
        sums[number] = sums.get(number, 0) + cube.values[..., at].astype(int)
        members.setdefault(number, []).append(value)
    return np.stack([sums[one] for one in sorted(sums)], axis=-1), [np.mean(members[one]) for one in sorted(members)]


@pytest.mark.parametrize("ppm", [3.0, 50.0, 2e4])
def test_bins_against_sums_by_hand(ppm):
    cube = dense()
    fitted = PpmBins(ppm).fit(cube, MZ)
    binned = fitted.transform(cube)
    sums, centres = by_hand(cube, ppm)
    np.testing.assert_array_equal(binned, sums)
    np.testing.assert_allclose(binned["mz"], centres, rtol=1e-14)
    assert binned.dtype == np.int64  # 8 bits of the detector overflow in a sum
    assert int(binned.sum()) == int(cube.sum(dtype=np.int64))
    assert (binned.attrs, binned.name, binned["mz"].attrs) == (cube.attrs, cube.name, cube["mz"].attrs)
    xr.testing.assert_identical(binned["x"], cube["x"])
    assert fitted.found == {"groups": len(centres), "channels": 900}
    np.testing.assert_array_equal(np.bincount(fitted.new_positions("mz", 900)), np.bincount(fitted.group.values))


def test_the_relative_width_of_the_bins():
    mz = np.geomspace(100, 1000, 200_000)
    cube = xr.DataArray(np.ones((1, mz.size)), dims=("x", "mz"), coords={"mz": mz})
    binned = PpmBins(100.0).fit(cube, MZ).transform(cube)
    apart = np.diff(binned["mz"].values) / binned["mz"].values[:-1]
    np.testing.assert_allclose(apart[:-1], 1e-4, rtol=0.12)  # a channel of 11.5 ppm is in one bin or the next


@pytest.mark.parametrize("kind", [np.uint8, np.float32, np.float64])
def test_sparse_stays_sparse_and_gives_the_same(kind):
    cube = dense().astype(kind)
    held = sparse_cube(cube, absent=(3, 17))
    binned = PpmBins(50.0).fit(held, MZ).transform(held)
    pixels = sparse_pixels_of(binned)
    assert isinstance(pixels, SparseMap)
    assert pixels.rows.has_canonical_format
    assert pixels.rows.nnz <= held.variable._data.rows.nnz
    expected = PpmBins(50.0).fit(cube, MZ).transform(cube).astype(float)
    expected[0, 3] = expected[2, 3] = np.nan
    xr.testing.assert_allclose(binned.astype(float), expected)
    xr.testing.assert_identical(binned["mz"], expected["mz"])
    assert pixels.rows.sum() == held.variable._data.rows.sum(dtype=float)


def test_a_wide_sparse_cube_is_never_dense():
    """A dense copy of this cube would hold 4e9 numbers, which is refused."""
    rng = np.random.default_rng(0)
    rows = sparse.random_array((20_000, 200_000), density=2e-5, format="csr", rng=rng)
    held = SparseMap(rows, (200, 100), np.zeros(20_000, bool))
    coords = {"mz": np.geomspace(100, 1000, 200_000)}
    cube = xr.DataArray(xr.Variable(("y", "x", "mz"), held), coords=coords)
    binned = fit_chain(cube, [PpmBins(5000.0)]).cube
    assert sparse_pixels_of(binned).rows.shape == (20_000, 462)
    assert float(sparse_pixels_of(binned).rows.sum()) == pytest.approx(float(rows.sum()), rel=1e-12)


def test_missing_values_count_as_the_mean_of_their_bin():
    cube = dense().astype(float)
    cube[1, 2, 5] = np.nan
    cube[3, 3] = np.nan
    fitted = PpmBins(100.0).fit(cube, MZ)
    binned = fitted.transform(cube)
    members = np.flatnonzero(fitted.group.values == fitted.group.values[5])
    seen = cube.values[1, 2, members]
    assert float(binned[1, 2, fitted.group.values[5]]) == pytest.approx(np.nanmean(seen) * members.size)
    assert bool(binned[3, 3].isnull().all())
    assert int(binned.isnull().any("mz").sum()) == 1


@pytest.mark.parametrize("make", [lambda cube: cube, sparse_cube, lambda cube: cube.chunk({"y": 3})])
def test_factors_have_the_channels_of_the_bins(make, tmp_path):
    """A Poisson fit to the binned counts is the fit to counts that were binned before."""
    cube = make(dense())
    options = {"similarity": "kl", "random_state": 0, "max_iter": 5}
    result = mf.unmix(cube, 2, preprocess=[PpmBins(50.0)], **options)
    before = mf.unmix(PpmBins(50.0).fit(dense(), MZ).transform(dense()), 2, **options)
    np.testing.assert_allclose(result.reconstruction(), before.reconstruction(), rtol=1e-6)
    np.testing.assert_allclose(result.residual(), before.residual(), rtol=1e-6, atol=1e-9)
    assert result.endmembers["mz"].attrs["units"] == "m/z"
    result.save(tmp_path / "run.nc")
    np.testing.assert_allclose(mf.load(tmp_path / "run.nc").residual(dense()), result.residual())


def test_known_spectra_and_weights_are_binned():
    cube = dense().astype(float) + 0.1
    known = cube[0, :2].rename(x="component").drop_vars(("component",))
    fitted = PpmBins(50.0).fit(cube, MZ)
    np.testing.assert_allclose(fitted.prepare_known(known).values, fitted.transform(cube)[0, :2].values)
    result = mf.unmix(cube, 3, known=known, preprocess=[PpmBins(50.0), UnitSum()], random_state=0, max_iter=20)
    ratio = result.endmembers[:2].values / fitted.transform(cube)[0, :2].values
    np.testing.assert_allclose(ratio, ratio[:, :1] * np.ones(ratio.shape), rtol=1e-9)
    weights = xr.DataArray(np.linspace(0, 2, 900), dims="mz")
    harmonic = fitted.prepare_weights(weights).values
    group = fitted.group.values
    assert harmonic[0] == 0
    last = weights.values[group == group[-1]]
    assert harmonic[-1] == pytest.approx(last.size / (1 / last).sum())
    pixels = weights[:6].rename(mz="y")
    xr.testing.assert_identical(fitted.prepare_weights(pixels), pixels)


def test_what_is_refused():
    cube = dense()
    with pytest.raises(ValueError, match="positive and ascending"):
        PpmBins().fit(cube[..., ::-1], MZ)
    with pytest.raises(ValueError, match="positive and ascending"):
        PpmBins().fit(cube.drop_vars("mz"), MZ)
    with pytest.raises(ValueError, match="along one channel dimension"):
        PpmBins().fit(cube, ("x", "mz"))
    with pytest.raises(ValueError, match="above zero; got 0"):
        PpmBins(0)
    with pytest.raises(ValueError, match="put PpmBins before LeaveOutChannels"):
        fit_chain(cube, [LeaveOutChannels([(0, 5)]), PpmBins()])
