"""The sliding FFT against a loop over windows, its coordinates, its memory."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from scipy.signal import get_window

from mffnb.preprocessing import SlidingFFT, sliding_fft

UNITS = {"units": "nm"}


def an_image(shape=(45, 70), spacing=(0.2, 0.1), seed=0):
    rng = np.random.default_rng(seed)
    y, x = (s * np.arange(n) + 3 for s, n in zip(spacing, shape, strict=True))
    wave = np.cos(2 * np.pi * (0.7 * y[:, None] + 1.9 * x))
    coords = {"y": ("y", y, UNITS), "x": ("x", x, UNITS)}
    return xr.DataArray(100 + 5 * wave + rng.normal(size=shape), dims=("y", "x"), coords=coords)


def transformed(step, image):
    return step.fit(image, ()).transform(image)


def direct(image, size, step, window, zoom, log, dc):
    """One window after the other, in double precision."""
    taper = np.outer(get_window(window, size[0]), get_window(window, size[1]))
    rows = range(0, image.shape[0] - size[0] + 1, step[0])
    columns = range(0, image.shape[1] - size[1] + 1, step[1])
    kept = [max(1, round(n / zoom)) for n in size]
    found = np.empty((len(rows), len(columns), *kept))
    for i, top in enumerate(rows):
        for j, left in enumerate(columns):
            part = image[top : top + size[0], left : left + size[1]]
            if dc == "mean":
                part = part - np.average(part, weights=taper)
            modulus = np.fft.fftshift(np.abs(np.fft.fft2(part * taper)))
            if dc == "mask":
                modulus[size[0] // 2, size[1] // 2] = 0
            starts = [n // 2 - k // 2 for n, k in zip(size, kept, strict=True)]
            found[i, j] = modulus[starts[0] : starts[0] + kept[0], starts[1] : starts[1] + kept[1]]
    return np.log1p(found / (image.std() * np.sqrt((taper**2).sum()))) if log else found


@pytest.mark.parametrize(
    ("size", "step", "window", "zoom", "log", "dc"),
    [
        (16, 8, "hann", 1.0, True, "mean"),
        (15, 7, "hann", 1.0, False, "mean"),
        ((16, 21), (5, 9), "hamming", 1.0, True, "keep"),
        ((13, 20), 1, "boxcar", 2.0, True, "mask"),
        (16, (45, 3), ("kaiser", 6.0), 3.0, False, "mask"),
        ((45, 70), 1, "blackman", 1.5, True, "mean"),
        (1, 10, "boxcar", 1.0, True, "keep"),
        (2, 11, "hann", 5.0, False, "keep"),
    ],
)
@pytest.mark.parametrize("band", [1, 2**24])
def test_against_a_loop_over_windows(size, step, window, zoom, log, dc, band, monkeypatch):
    monkeypatch.setattr(sliding_fft, "_BAND_BYTES", band)
    image = an_image()
    there = transformed(SlidingFFT(size, step, window, zoom, log, dc), image)
    both = [(n, n) if isinstance(n, int) else n for n in (size, step)]
    expected = direct(image.values, *both, window, zoom, log, dc)
    assert there.dims == ("y", "x", "ky", "kx")
    assert there.dtype == np.float32
    np.testing.assert_allclose(there, expected, rtol=1e-4, atol=1e-5 * expected.max())


def test_windows_lie_at_their_centres():
    image = an_image()
    there = transformed(SlidingFFT((16, 21), (5, 9)), image)
    for name, size, step in (("y", 16, 5), ("x", 21, 9)):
        position = image[name].values
        expected = [position[s : s + size].mean() for s in range(0, len(position) - size + 1, step)]
        np.testing.assert_allclose(there[name], expected)
        assert there[name].attrs == UNITS


@pytest.mark.parametrize("size", [(40, 50), (35, 51)])
@pytest.mark.parametrize("zoom", [1.0, 1.3])
def test_a_wave_peaks_at_its_frequency(size, zoom):
    """A wave whose cycles fit the window, along both axes with their own spacing."""
    shape, spacing, cycles = (90, 140), (0.2, 0.1), (4, 9)
    frequency = [c / (n * s) for c, n, s in zip(cycles, size, spacing, strict=True)]
    y, x = (s * np.arange(n) for s, n in zip(spacing, shape, strict=True))
    wave = np.cos(2 * np.pi * (frequency[0] * y[:, None] + frequency[1] * x))
    coords = {"y": ("y", y, UNITS), "x": ("x", x, UNITS)}
    image = xr.DataArray(7 + wave, dims=("y", "x"), coords=coords)
    there = transformed(SlidingFFT(size, 10, zoom=zoom), image).mean(("y", "x"))
    positive = there.where(there["kx"] > 0, 0)
    peak = positive.argmax(("ky", "kx"))
    assert float(there["ky"][peak["ky"]]) == pytest.approx(frequency[0])
    assert float(there["kx"][peak["kx"]]) == pytest.approx(frequency[1])
    assert there["kx"].attrs == {"long_name": "spatial frequency along x", "units": "1/nm"}
    assert float(there["ky"][there.sizes["ky"] // 2]) == 0
    # The other half of the plane holds the same wave, mirrored through the origin.
    opposite = there.sel(ky=-frequency[0], kx=-frequency[1], method="nearest")
    assert float(opposite) == pytest.approx(float(positive.max()), rel=1e-5)
    aside = there.sel(ky=frequency[0], kx=-frequency[1], method="nearest")
    assert float(aside) < 0.1 * float(opposite)


def test_an_image_without_coordinates_counts_pixels():
    there = transformed(
        SlidingFFT(8, 4), xr.DataArray(np.random.default_rng(0).random((20, 30)), dims=("row", "column"))
    )
    assert there.dims == ("row", "column", "krow", "kcolumn")
    np.testing.assert_array_equal(there["column"][:2], [3.5, 7.5])
    assert there["kcolumn"].attrs["units"] == "1/px"
    assert float(there["kcolumn"][0]) == -0.5
    assert there.attrs["channel"] == ["krow", "kcolumn"]


def test_the_units_of_the_image_do_not_matter():
    image = an_image()
    there = transformed(SlidingFFT(16, 8, log=True), image)
    np.testing.assert_allclose(transformed(SlidingFFT(16, 8, log=True), 1e-9 * image + 3), there, rtol=1e-3, atol=1e-4)


def test_noise_lies_about_one():
    noise = xr.DataArray(np.random.default_rng(0).normal(50, 7, (128, 128)), dims=("y", "x"))
    modulus = np.expm1(transformed(SlidingFFT(32, 16, log=True), noise))
    assert float(np.sqrt((modulus**2).mean())) == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("dc", ["mean", "mask"])
def test_zero_frequency_is_empty_unless_kept(dc):
    image = an_image()
    assert float(abs(transformed(SlidingFFT(16, 8, dc=dc), image).sel(ky=0, kx=0)).max()) == 0
    kept = transformed(SlidingFFT(16, 8, dc="keep"), image)
    assert float(kept.sel(ky=0, kx=0).min()) == pytest.approx(float(kept.max()), rel=0.01)


def test_a_window_with_a_missing_value_is_missing():
    image = an_image()
    image[20, 30] = np.nan
    there = transformed(SlidingFFT(16, 8), image)
    covers = [[(r * 8 <= 20 < r * 8 + 16) and (c * 8 <= 30 < c * 8 + 16) for c in range(7)] for r in range(4)]
    np.testing.assert_array_equal(there.isnull().all(("ky", "kx")), covers)
    np.testing.assert_array_equal(there.isnull().any(("ky", "kx")), covers)


def test_lazy_and_integer_images_are_read():
    image = (10 * an_image()).astype("u2")
    xr.testing.assert_identical(
        transformed(SlidingFFT(16, 8), image.chunk(20)), transformed(SlidingFFT(16, 8), image.astype("f8"))
    )


def test_memory_is_estimated_and_refused_before_anything_runs(monkeypatch):
    image = an_image((600, 500))
    step = SlidingFFT(64, 4, zoom=2)
    stack = transformed(step, image)
    assert stack.nbytes < step.required_bytes(image.shape) < stack.nbytes + 2**27
    monkeypatch.setattr(sliding_fft, "available_bytes", lambda: stack.nbytes)
    monkeypatch.setattr(sliding_fft, "_fill", None)
    message = r"135 x 110 windows with 32 x 32 frequencies needs 0\.1 GiB and 0\.1 GiB are left: raise step or zoom"
    with pytest.raises(MemoryError, match=message):
        step.fit(image, ())
    monkeypatch.setattr(sliding_fft, "available_bytes", lambda: None)
    step.fit(image, ())  # where nobody knows, it is tried


def test_images_that_make_no_sense():
    image = an_image()
    with pytest.raises(ValueError, match="needs an image of two dimensions, got 3"):
        SlidingFFT(8).fit(image.expand_dims("energy"), ())
    with pytest.raises(ValueError, match=r"DataArray\(movie, dims=\('time', 'y', 'x'\)\)"):
        SlidingFFT(8).fit(image.expand_dims("channel", axis=-1), ())  # the names of an array without labels
    with pytest.raises(ValueError, match="needs an image of two dimensions, got 1"):
        SlidingFFT(8).fit(image[0], ())
    with pytest.raises(ValueError, match=r"a window of \(64, 64\) pixels does not fit into an image of \(45, 70\)"):
        SlidingFFT(64).fit(image, ())
    with pytest.raises(ValueError, match="'x' is not evenly spaced"):
        SlidingFFT(8).fit(image.assign_coords(x=np.arange(70.0) ** 2), ())
    with pytest.raises(ValueError, match="'y' is not evenly spaced"):
        SlidingFFT(8).fit(image.assign_coords(y=np.zeros(45)), ())
    SlidingFFT(8).fit(image.assign_coords(x=np.float32(1000 + 0.01 * np.arange(70))), ())


@pytest.mark.parametrize(
    "wrong", [{"size": 0}, {"size": (4, 5, 6)}, {"step": 2.5}, {"zoom": 0.5}, {"dc": "drop"}, {"zoom": np.nan}]
)
def test_parameters_are_checked(wrong):
    with pytest.raises(ValueError, match=r"got|not known"):
        SlidingFFT(**wrong)


def test_a_number_is_no_taper():
    with pytest.raises(ValueError, match="side of the window is size="):
        SlidingFFT(window=64)


def a_movie():
    frames = [an_image(seed=seed) * (1 + seed) for seed in range(3)]
    return xr.concat(frames, xr.Variable("time", [0.0, 1.0, 5.0], {"units": "s"}))


def test_windows_of_a_movie_lie_within_one_frame():
    movie, step = a_movie(), SlidingFFT(16, 8)
    fitted = step.fit(movie, ())
    there = fitted.transform(movie)
    assert there.dims == ("time", "y", "x", "ky", "kx")
    xr.testing.assert_identical(there["time"], movie["time"])
    assert fitted.new_channel == ("ky", "kx")
    assert fitted.scale == pytest.approx(float(movie.std()) * np.linalg.norm(step.taper()), rel=1e-12)
    for number in range(3):
        frame = movie.isel(time=number, drop=True)
        alone = replace(step.fit(frame, ()), scale=fitted.scale).transform(frame)
        np.testing.assert_array_equal(there[number], alone)
    changed = movie.copy()
    changed[1] = changed.values[1, ::-1] * 3
    linear = SlidingFFT(16, 8, log=False)
    differs = (transformed(linear, changed) != transformed(linear, movie)).any(("y", "x", "ky", "kx"))
    assert differs.values.tolist() == [False, True, False]


def test_missing_values_of_one_frame_leave_the_others():
    movie = a_movie()
    movie[1] = np.nan
    movie[2, 20, 30] = np.nan
    fitted = SlidingFFT(16, 8).fit(movie, ())
    missing = fitted.transform(movie).isnull().any(("ky", "kx"))
    assert missing.sum(("y", "x")).values.tolist() == [0, 28, 4]
    assert fitted.scale == pytest.approx(float(movie.std()) * np.linalg.norm(fitted.step.taper()), rel=1e-12)


def test_a_movie_of_counts_is_read_frame_by_frame():
    movie = (10 * a_movie()).astype("u2")
    lazy = movie.chunk({"time": 1, "y": 20})
    xr.testing.assert_identical(
        transformed(SlidingFFT(16, 8), lazy), transformed(SlidingFFT(16, 8), movie.astype("f8"))
    )


def test_frames_without_coordinates_and_stacks_of_stacks_are_numbered():
    there = transformed(SlidingFFT(16, 8), a_movie().drop_vars("time").expand_dims({"tilt": 2}))
    assert there.dims == ("tilt", "time", "y", "x", "ky", "kx")
    assert there["time"].values.tolist() == [0, 1, 2]


def test_one_frame_is_the_image():
    image = an_image()
    movie = image.expand_dims("frame")
    np.testing.assert_allclose(
        transformed(SlidingFFT(16, 8), movie)[0], transformed(SlidingFFT(16, 8), image), rtol=1e-6
    )


def test_the_default_mixes_in_proportion_to_areas_and_the_logarithm_does_not():
    """A window across the border of two lattices: the modulus at a spot is the tapered area of its lattice."""
    x, y = np.meshgrid(np.arange(64.0), np.arange(64.0))
    left, right = np.cos(2 * np.pi * x / 8), np.cos(2 * np.pi * y / 8)
    image = xr.DataArray(np.where(x < 32, left, right), dims=("y", "x"))
    for step, shares in ((SlidingFFT(64, 1), (0.4, 0.6)), (SlidingFFT(64, 1, log=True), (0.7, 1.0))):
        spot = {"ky": 0.0, "kx": 0.125}
        mixed, pure = (float(transformed(step, one).sel(spot).item()) for one in (image, image.copy(data=left)))
        assert shares[0] < mixed / pure < shares[1]
