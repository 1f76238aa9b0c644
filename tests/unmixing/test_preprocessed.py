"""Unmixing after preprocessing: what comes back has the units of the data."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import mffnb as mf
from mffnb.preprocessing import (
    Anscombe,
    Bin,
    ConstantBackground,
    Crop,
    Log1p,
    MeanCentre,
    PoissonScaling,
    Range,
    SlidingFFT,
    UnitNorm,
    UnitSum,
    fit_chain,
)
from mffnb.unmixing import image
from mffnb.unmixing.task import Task

pytestmark = pytest.mark.filterwarnings("ignore::mffnb.errors.ConvergenceWarning")


@pytest.fixture(scope="module")
def cube():
    rng = np.random.default_rng(0)
    E = 5 + 60 * rng.random((3, 18)) ** 3
    A = rng.dirichlet(np.full(3, 0.4), 10 * 12)
    counts = rng.poisson(A @ E).reshape(10, 12, 18)
    coords = {"y": np.arange(10) * 0.5, "x": np.arange(12) * 0.5, "energy": 100 + 2.0 * np.arange(18)}
    return xr.DataArray(counts, coords=coords, dims=("y", "x", "energy"), attrs={"units": "counts"})


LINEAR = {
    "range": [Range()],
    "sum": [UnitSum()],
    "norm": [UnitNorm()],
    "poisson": [PoissonScaling()],
    "crop": [Crop({"energy": (104, 124), "x": slice(2, 9)})],
    "bin": [Bin(space=2)],
    "background": [ConstantBackground()],
    "several": [Crop({"energy": (104, 124)}), Bin(space=2), UnitSum(), PoissonScaling()],
}


@pytest.mark.parametrize("fractions", [{}, {"sum_to_one": True}, {"gain": True, "volume": 1e-3}], ids=str)
@pytest.mark.parametrize("steps", LINEAR.values(), ids=LINEAR)
def test_reconstruction_is_near_the_data_in_their_units(cube, steps, fractions):
    result = mf.unmix(cube, 3, preprocess=steps, max_iter=200, random_state=0, **fractions)
    model, residual = result.reconstruction(), result.residual()
    data = residual + model
    assert model.attrs["units"] == "counts"
    assert np.linalg.norm(residual) < (0.6 if fractions else 0.4) * np.linalg.norm(data)
    assert set(model.dims) == set(cube.dims)
    if fractions:
        np.testing.assert_allclose(result.abundances.sum("component"), 1)
    if steps[0].__class__ in (UnitSum, PoissonScaling, UnitNorm):
        product = xr.dot(result.abundances, result.endmembers, dim="component")
        product = product if result.gain is None else product * result.gain
        np.testing.assert_allclose(product.transpose(*model.dims), model, rtol=1e-9)
    assert len(result.parameters["preprocess"]) == len(steps)


@pytest.mark.parametrize("step", [Log1p(), Anscombe()], ids=repr)
def test_bent_values_are_unbent(cube, step):
    result = mf.unmix(cube, 3, preprocess=[step], max_iter=300, random_state=0)
    assert np.linalg.norm(result.residual()) < 0.4 * np.linalg.norm(cube)


@pytest.mark.parametrize("steps", [[Log1p()], [Crop({"x": slice(2, 9)}), UnitSum()]], ids=["bent", "scaled"])
def test_a_file_keeps_the_way_back(cube, steps, tmp_path):
    result = mf.unmix(cube, 3, preprocess=steps, max_iter=50, random_state=0)
    result.save(tmp_path / "run.nc")
    loaded = mf.load(tmp_path / "run.nc")
    np.testing.assert_allclose(loaded.reconstruction(), result.reconstruction(), rtol=1e-12)
    np.testing.assert_allclose(loaded.residual(cube), result.residual(), rtol=1e-12, atol=1e-9)


def test_a_run_goes_on_from_a_result(cube):
    steps = [UnitSum(), PoissonScaling()]
    first = mf.unmix(cube, 3, preprocess=steps, max_iter=50, random_state=0)
    more = mf.unmix(cube, 3, preprocess=steps, init=first, max_iter=1, random_state=0)
    assert more.trace.objective.values[0] == pytest.approx(first.trace.objective.values[-1], rel=1e-9)


def test_known_spectra_of_an_image_are_refused_in_one_sentence():
    image = np.random.default_rng(0).random((64, 64))
    for known in (np.ones((1, 256)), np.ones((1, 16, 16)), np.ones(16)):
        with pytest.raises(ValueError, match=r"known endmembers need a cube with spectra.*apply that step first"):
            mf.unmix(image, 3, known=known, preprocess=[SlidingFFT(16, step=4)])


def test_known_spectra_keep_their_units(cube):
    known = mf.unmix(cube, 3, random_state=0).endmembers[:1]
    result = mf.unmix(cube, 3, known=known, preprocess=[PoissonScaling()], random_state=0)
    np.testing.assert_allclose(result.endmembers[:1].values, known.values, rtol=1e-12)


def test_masked_pixels_have_no_part(cube):
    spoiled = cube.copy(deep=True)
    spoiled[0] = 10**6
    mask = np.ones((10, 12), bool)
    mask[0] = False
    a, b = (mf.unmix(c, 3, mask=mask, preprocess=[Range()], random_state=0) for c in (cube, spoiled))
    np.testing.assert_array_equal(a.endmembers, b.endmembers)
    assert np.isnan(a.abundances[:, 0]).all()


def test_an_image_becomes_a_map_of_local_spectra():
    y, x = np.mgrid[:96, :120]
    image = np.where(x < 60, 2 + np.cos(0.9 * x), 2 + np.cos(0.9 * y))
    image = xr.DataArray(image, coords={"y": 0.1 * np.arange(96), "x": 0.1 * np.arange(120)}, dims=("y", "x"))
    result = mf.unmix(image, 2, preprocess=[SlidingFFT(size=24, step=12)], random_state=0)
    assert result.endmembers.dims == ("component", "ky", "kx")
    assert result.abundances.dims == ("component", "y", "x")
    left = result.abundances.isel(x=slice(0, 3)).mean(("x", "y"))
    right = result.abundances.isel(x=slice(-3, None)).mean(("x", "y"))
    assert {int(left.values.argmax()), int(right.values.argmax())} == {0, 1}


def test_a_movie_is_unmixed_with_endmembers_of_all_frames(tmp_path):
    """A front moves by one window step in each frame; windows on one side of it hold one lattice."""
    y, x = np.mgrid[:48, :96]
    frames = [np.where(x < edge, np.cos(0.9 * x), np.cos(0.9 * y)) for edge in (24, 48, 72)]
    movie = xr.DataArray(np.stack(frames), dims=("time", "y", "x"), coords={"time": [0.0, 0.5, 1.0]})
    terms = [mf.Smoothness(1e-3, along="time")]
    result = mf.unmix(movie, 2, preprocess=[SlidingFFT(24, 12)], abundance_terms=terms, random_state=0)
    assert result.abundances.dims == ("component", "time", "y", "x")
    assert result.endmembers.dims == ("component", "ky", "kx")
    share = result.abundances / result.abundances.sum("component")
    first = share[int(share[:, 0, 0, 0].values.argmax())]
    whole = first.mean("y").values > 0.9  # windows from 0, 12, ... to 72: those that end before the front
    assert whole.sum(axis=1).tolist() == [1, 3, 5]
    result.save(tmp_path / "movie.nc")
    xr.testing.assert_allclose(mf.load(tmp_path / "movie.nc").abundances, result.abundances)


def test_errors_say_what_to_do(cube):
    with pytest.raises(ValueError, match=r"mffnb\.presets\.pca"):
        mf.unmix(cube, 2, preprocess=[MeanCentre()])
    with pytest.raises(ValueError, match="no counts any more"):
        mf.unmix(cube, 2, similarity="kl", preprocess=[Anscombe()])
    with pytest.raises(TypeError, match="pass objects such as"):
        mf.unmix(cube, 2, preprocess=[UnitSum])


def dense_image(dtype):
    rng = np.random.default_rng(3)
    A, E = rng.dirichlet(np.full(3, 0.4), 10 * 12), 5 + 60 * rng.random((3, 18)) ** 3
    counts = rng.poisson(A @ E).reshape(10, 12, 18) + 1
    return xr.DataArray(counts.astype(dtype), dims=("y", "x", "energy"))


SCALED = {"sum": [UnitSum()], "norm": [UnitNorm()], "crop": [Crop({"x": slice(2, 9)}), UnitSum()]}
POISSON = {"poisson": [PoissonScaling()]}
OPTIONS = {"plain": {}, "gain": {"volume": 1e-3, "gain": True}}
# Scaled by their standard deviation, values are no counts, so the likelihood is refused.
LARGE = [(steps, options) for steps in SCALED | POISSON for options in OPTIONS] + [(steps, "kl") for steps in SCALED]


@pytest.mark.parametrize("gaps", [False, True], ids=["complete", "gaps"])
@pytest.mark.parametrize(("steps", "options"), LARGE)
def test_a_large_image_is_scaled_without_a_copy_and_gives_the_same_result(monkeypatch, steps, options, gaps):
    steps, options = (SCALED | POISSON)[steps], (OPTIONS | {"kl": {"similarity": "kl"}})[options]
    cube = dense_image(float)
    if gaps:
        cube[3, 4, 5] = np.nan
    keywords = {"preprocess": steps, "max_iter": 20, "tol": 0.0, "random_state": 0, **options}
    copied = mf.unmix(cube, 3, **keywords)
    monkeypatch.setattr(image, "LARGE_BYTES", 0)
    prepared = Task.of(k=3, **keywords).prepare(cube)
    assert prepared.scales is not None
    assert len(steps) > 1 or np.shares_memory(prepared.cube.values, cube.values)
    scaled = mf.unmix(cube, 3, **keywords)
    for name in ("endmembers", "abundances"):
        np.testing.assert_allclose(getattr(scaled, name), getattr(copied, name), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("steps", [[Range()], [Log1p()], [ConstantBackground()], [UnitSum(), Log1p()]])
def test_steps_that_do_more_than_scale_rows_and_columns_are_applied(monkeypatch, steps):
    monkeypatch.setattr(image, "LARGE_BYTES", 0)
    cube = dense_image("uint8")
    prepared = Task.of(k=3, preprocess=steps).prepare(cube)
    assert prepared.scales is None
    xr.testing.assert_equal(prepared.cube, fit_chain(cube, steps).cube)


def test_the_matrix_of_a_large_scaled_image_is_that_of_its_copy(monkeypatch):
    cube = dense_image("uint8")
    copied = Task.of(k=3, preprocess=[PoissonScaling()]).prepare(cube).matrix
    monkeypatch.setattr(image, "LARGE_BYTES", 0)
    scaled = Task.of(k=3, preprocess=[PoissonScaling()]).prepare(cube).matrix
    for one, other in zip(scaled.bands(), copied.bands(), strict=True):
        np.testing.assert_allclose(one[2], other[2], rtol=1e-14)
