"""Images that arrive in parts: the result against that of the whole image, labels, missing pixels, refusals."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import mffnb as mf
from benchmarks.scale.stream import movie as movie_of_benchmark
from mffnb.errors import UnsupportedCombinationError
from mffnb.geometry.matching import match, spectral_angles

K = 3


@pytest.fixture
def movie():
    """A cube (time, y, x, energy) of three components, the third of which appears at half of the time."""
    rng = np.random.default_rng(0)
    energy = np.linspace(1.0, 4.0, 30)
    E = np.exp(-0.5 * ((energy - np.array([[1.5], [2.5], [3.5]])) / 0.25) ** 2) + 0.05
    A = np.concatenate([rng.dirichlet(share, (8, 12, 15)) for share in ([0.4, 0.4, 1e-3], [0.4, 0.4, 0.4])])
    data = np.maximum(A @ E + 0.02 * rng.standard_normal((16, 12, 15, 30)), 0.0)
    coords = {
        "time": ("time", 0.5 * np.arange(16), {"units": "s"}),
        "x": 2.0 * np.arange(15),
        "energy": ("energy", energy, {"units": "eV"}),
    }
    return xr.DataArray(data, dims=("time", "y", "x", "energy"), coords=coords, attrs={"units": "counts"})


SETTINGS = {
    "L1": {"sparsity": 1e-3},
    "sum": {"sum_to_one": True, "volume": 1e-3},
    "gain": {"gain": True, "volume": 1e-3},
}


@pytest.mark.parametrize("name", SETTINGS)
def test_the_result_is_that_of_the_whole_image(movie, name):
    if name == "gain":
        movie = movie * xr.DataArray(np.random.default_rng(1).uniform(0.5, 2.0, (16, 12, 15)), dims=("time", "y", "x"))
    live = mf.stream(K, random_state=0, **SETTINGS[name])
    for frame in movie:
        live = live.push(frame)
    whole = mf.unmix(movie, K, random_state=0, **SETTINGS[name])
    for result, limit in ((live.result(movie), 0.01), (live.result(), 0.03)):
        assert np.diag(spectral_angles(whole.endmembers, result.endmembers)).max() < 0.01  # in the same order
        assert result.abundances.dims == whole.abundances.dims
        xr.testing.assert_equal(result.abundances.time, whole.abundances.time)
        xr.testing.assert_equal(result.endmembers.energy, whole.endmembers.energy)
        assert result.endmembers.attrs == whole.endmembers.attrs
        assert float(np.abs(result.abundances - whole.abundances).mean()) < limit
        assert float(result.abundances.sum("component").mean()) == pytest.approx(1.0, abs=1e-6)
        assert (result.gain is None) == (whole.gain is None)
        if result.gain is not None:
            change = np.abs(result.gain / whole.gain - 1)
            assert float(change.median() if result.cube is None else change.max()) < limit
    result = live.result(movie)
    np.testing.assert_allclose(float((result.residual() ** 2).sum()), float((whole.residual() ** 2).sum()), rtol=1e-3)


def test_maps_so_far_follow_the_present_endmembers(movie):
    live = mf.stream(K, sparsity=1e-3, random_state=0)
    for number, frame in enumerate(movie, 1):
        live.push(frame)
        assert live.abundances.sizes == {"component": K, "time": number, "y": 12, "x": 15}
    exact = live.result(movie).abundances
    maps = live.abundances
    order = match(live.result(movie).endmembers, live.endmembers)
    assert float(np.abs(maps.values[order] - exact.values).mean()) < 0.02
    assert repr(live) == "<Stream: 3 components, maps of time 16 x y 12 x x 15, 2880 pixels with data>"


def test_rows_of_a_map_and_missing_pixels(movie):
    cube = movie[-1].values.copy()
    cube[3, 4:7] = np.nan
    cube[5] = np.nan
    cube[7, 2, 3] = np.nan
    cube[0] = np.nan
    live = mf.stream(K, sparsity=1e-3, random_state=0)
    for row in cube:
        live.push(row)
    result, whole = live.result(), mf.unmix(cube, K, sparsity=1e-3, random_state=0)
    assert result.abundances.dims == whole.abundances.dims
    np.testing.assert_array_equal(np.isnan(result.abundances), np.isnan(whole.abundances))
    exact = live.result(cube)
    np.testing.assert_array_equal(np.isnan(exact.abundances), np.isnan(whole.abundances))
    assert np.diag(spectral_angles(whole.endmembers, exact.endmembers)).max() < 0.02


def test_a_result_is_saved_read_and_plotted(movie, tmp_path):
    live = mf.stream(K, sparsity=1e-3, random_state=0)
    for frame in movie[:4]:
        live.push(frame)
    result = live.result()
    result.save(tmp_path / "run.nc")
    again = mf.load(tmp_path / "run.nc")
    xr.testing.assert_allclose(again.abundances, result.abundances)
    assert again.parameters["streamed"] == {"parts": 4, "pixels": 720}
    assert live.push(movie[4]).result().abundances.sizes["time"] == 5  # the stream goes on


def test_a_file_gives_the_final_maps(movie, tmp_path):
    movie.to_netcdf(tmp_path / "movie.nc", engine="h5netcdf")
    live = mf.stream(K, sparsity=1e-3, random_state=0)
    for start in range(0, 16, 4):
        live.push(movie[start : start + 4])  # several frames at once
    expected = live.result(movie)
    found = live.result(tmp_path / "movie.nc")
    np.testing.assert_allclose(found.abundances.values, expected.abundances.values, atol=1e-9)


def test_known_endmembers_and_weights_of_channels(movie):
    known = mf.unmix(movie, K, sparsity=1e-3, random_state=0).endmembers[1:2]
    live = mf.stream(K, sparsity=1e-3, known=known, weights=np.linspace(1, 2, 30), random_state=0)
    for frame in movie[::2]:
        live.push(frame)
        np.testing.assert_allclose(live.endmembers[0], known[0])


def test_several_channel_dimensions(movie):
    data = movie.values[:, :, :, :].reshape(16, 12, 15, 6, 5)
    cube = xr.DataArray(data, dims=("frame", "y", "x", "ky", "kx"))
    live = mf.stream(K, channel=("ky", "kx"), sparsity=1e-3, random_state=0)
    for frame in cube:
        live.push(frame)
    assert live.result().endmembers.dims == ("component", "ky", "kx")
    assert live.result(cube).abundances.dims == ("component", "frame", "y", "x")


def test_parts_that_do_not_fit_are_refused(movie):
    live = mf.stream(K, random_state=0)
    with pytest.raises(ValueError, match="call push"):
        live.result()
    live.push(movie[0])
    with pytest.raises(ValueError, match="grows along 'time', all other sizes stay"):
        live.push(movie[1, :5])
    with pytest.raises(ValueError, match=r"slab.interp\(energy="):
        live.push(movie[1].assign_coords(energy=movie.energy + 0.1))
    with pytest.raises(ValueError, match="29 channels"):
        live.result(movie[..., 1:])
    assert live.push(movie[1]).abundances.sizes["time"] == 2
    with pytest.raises(ValueError, match="infinite"):
        live.push(movie[2].where(movie[2] < 0.5, np.inf))
    assert live.push(movie[2]).abundances.sizes["time"] == 3  # a refused part leaves no trace


def test_a_first_part_that_is_refused_leaves_no_trace(movie):
    live = mf.stream(K, sparsity=1e-3, random_state=0)
    with pytest.raises(ValueError, match="negative"):
        live.push(-movie[0])
    with pytest.raises(ValueError, match="call push"):
        live.result()
    assert live.push(movie[1]).result().abundances.sizes["time"] == 1


def test_frames_of_hyperspy(movie):
    hs = pytest.importorskip("hyperspy.api")
    one, other = (mf.stream(K, sparsity=1e-3, random_state=0) for _ in range(2))
    for frame in movie.values[:3]:
        one.push(hs.signals.Signal1D(frame))
        other.push(frame)
    np.testing.assert_array_equal(one.abundances.values, other.abundances.values)


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"volume": "auto"}, "number such as 1e-3"),
        ({"abundance_terms": [mf.Smoothness(1e-3, "grid")]}, "Smoothness refers to the pixels"),
        ({"weights": "poisson"}, "weights of channels only"),
    ],
)
def test_settings_that_need_the_whole_image_are_refused(movie, settings, reason):
    with pytest.raises(UnsupportedCombinationError, match=reason):
        mf.stream(K, **settings).push(movie[0])
    with pytest.raises(TypeError, match="smoothness"):
        mf.stream(K, smoothness=1e-3)


def streamed(frames):
    live = mf.stream(K, random_state=0)
    for frame in frames:
        live.push(frame)
    return live


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_end_does_not_depend_on_the_order_of_undetermined_data(seed):
    """Without penalties many endmembers fit these frames; the last component appears at half of the time."""
    frames = np.stack(list(movie_of_benchmark(60, 16, 64, True, seed))).reshape(60, 16, 16, 64)
    whole = mf.unmix(frames, 4, random_state=0)
    live = mf.stream(4, random_state=0)
    for frame in frames:
        live.push(frame)
    before = live.endmembers.copy()
    order = match(whole.endmembers, before)
    assert spectral_angles(whole.endmembers, before)[range(4), order].max() > 0.02  # else there is nothing to correct
    for result in (live.result(), live.result(frames)):
        assert np.diag(spectral_angles(whole.endmembers, result.endmembers)).max() < 0.01
        assert float(np.abs(result.abundances.values - whole.abundances.values).mean()) < 0.02
    xr.testing.assert_identical(live.endmembers, before)  # the stream may go on


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_better_fit_is_kept_at_the_end(seed):
    """The fit of all pixels at once stops early here; the stream got further, and does not go back."""
    rng = np.random.default_rng(seed)
    energy = np.linspace(0.0, 1.0, 24)
    E = np.exp(-0.5 * ((energy - np.array([[0.2], [0.5], [0.8]])) / 0.12) ** 2) + 0.2
    A = np.concatenate([rng.dirichlet(share, (20, 256)) for share in ([2, 2, 0.02], [2, 2, 2])])
    frames = np.maximum(A @ E + 0.03 * rng.standard_normal((40, 256, 24)), 0).reshape(40, 16, 16, 24)
    misfits = [
        float((result.residual() ** 2).sum())
        for result in (mf.unmix(frames, K, random_state=0), streamed(frames).result(frames))
    ]
    assert misfits[1] <= misfits[0] * (1 + 1e-4)
