"""Replicas of large cubes: the values of the stored replica, in little memory."""

import numpy as np
import pytest
import xarray as xr

import mffnb as mf
from mffnb.stability import PoissonCounts, SignFlips, replica_rows
from mffnb.stability.reconstructed_bands import ReplicaValues
from mffnb.unmixing.image import Prepared

pytestmark = pytest.mark.filterwarnings("ignore::mffnb.errors.MffnbWarning")  # runs end early


def scene(kind="float32", counts=False):
    rng = np.random.default_rng(0)
    X = rng.dirichlet(np.ones(3), 23 * 17) @ rng.gamma(0.5, 9.0, (3, 61))
    X = rng.poisson(X) if counts else X + 0.5 + 0.1 * rng.standard_normal(X.shape)
    return xr.DataArray(X.reshape(23, 17, 61).astype(kind), dims=("y", "x", "mass"))


def masks():
    rng = np.random.default_rng(1)
    return [rng.random((23, 17)) < 0.8, rng.random(61) < 0.8]


def rows_of(matrix):
    return np.concatenate([band for _, _, band in matrix.bands()])


@pytest.mark.parametrize("kind", ["float32", "float64"])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("gain", [False, True])
def test_flipped_residuals_are_those_of_the_stored_replica(kind, masked, gain):
    cube, mask = scene(kind), masks() if masked else None
    volume = {"volume": 0.1, "gain": True} if gain else {}
    answer = mf.unmix(cube, 3, mask=mask, max_iter=10, random_state=0, **volume)
    image = Prepared.of(cube, None, mask, ())
    found = replica_rows.small_replica(SignFlips(), cube, image, answer, np.random.default_rng(5))
    stored = SignFlips().draw(cube, answer, np.random.default_rng(5))
    assert isinstance(found.array, replica_rows.FlippedResiduals)
    assert found.array.dtype == cube.dtype
    wanted = rows_of(image.layout.matrix(stored))
    np.testing.assert_allclose(rows_of(found), wanted, rtol=3e-7 if kind == "float32" else 1e-13, atol=1e-13)
    assert not np.allclose(wanted, rows_of(image.layout.matrix(cube)), rtol=1e-3)
    assert found.array.signs.nbytes <= cube.size / 8 + 8 * 23 * 17


@pytest.mark.parametrize(("scale", "kind"), [(1, np.uint8), (30, np.uint16), (1e5, np.float32)])
def test_counts_take_the_smallest_type_that_holds_them(scale, kind):
    cube = scene(counts=True)
    answer = mf.unmix(cube * np.float32(scale), 3, max_iter=10, random_state=0)
    small, stored = (
        PoissonCounts().draw(cube, answer, np.random.default_rng(5), smallest=smallest) for smallest in (True, False)
    )
    assert (small.dtype, stored.dtype) == (kind, np.float32)
    np.testing.assert_array_equal(small.values.astype(np.float32), stored.values)


def test_a_value_that_does_not_fit_in_the_last_band_widens_the_counts_before():
    cube = scene(counts=True)
    for last, kind in ((255, np.uint8), (256, np.uint16), (2**16, np.float32), (0.5, np.float32)):
        values = ReplicaValues(cube, smallest=True)
        values.write(slice(0, 20), np.full((20, 17, 61), 7), cube.values[:20], np.zeros((20, 17, 61), bool))
        values.write(slice(20, 23), np.full((3, 17, 61), last), cube.values[20:], np.zeros((3, 17, 61), bool))
        assert values.cube.dtype == kind
        assert (values.cube.values[:20] == 7).all()
        assert (values.cube.values[20:] == last).all()


@pytest.mark.parametrize(
    ("counts", "settings"),
    [(True, {"similarity": "kl"})]
    + [(counts, one) for counts in (False, True) for one in ({}, {"mask": True}, {"sum_to_one": True}, {"gaps": True})],
)
def test_uncertainty_is_the_same_with_small_replicas(counts, settings, monkeypatch):
    settings = dict(settings)
    cube = scene(counts=counts)
    if settings.pop("gaps", False):
        cube = cube.copy()
        cube[::3, ::4, ::5] = np.nan
    if settings.get("mask"):
        settings["mask"] = masks()
    answer = mf.unmix(cube, 3, max_iter=30, random_state=0, **settings)

    def found():
        return mf.selection.stability(cube, answer, 0, 4, level=0.5, random_state=0)

    before = found()
    monkeypatch.setattr(replica_rows, "_LARGE_BYTES", 0)
    after = found()
    assert after.noise == ("poisson" if counts else "residual")
    for name in ("lower", "upper", "deviation", "score"):
        np.testing.assert_allclose(getattr(after, name), getattr(before, name), rtol=1e-4, atol=1e-6)
