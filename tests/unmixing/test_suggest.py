"""Suggested settings: the noise, the number of components and the constraints of data whose properties are known."""

from __future__ import annotations

import logging
import re

import numpy as np
import pytest
import scipy.ndimage
import xarray as xr

import mffnb as mf
from mffnb.cli import main
from mffnb.selection import match

SHAPE = (24, 30)
CHANNELS = 60


def smooth(components=3, seed=0, floor=0.1, width=0.12):
    """Maps (components, y, x) that sum to one and have pure pixels, and spectra (components, channels)."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]] / SHAPE[0]
    centres = rng.permutation([(0.2, 0.2), (0.2, 1.0), (0.8, 0.3), (0.8, 1.0)])[:components]
    maps = np.stack([np.exp(-((y - a) ** 2 + (x - b) ** 2) / 0.03) for a, b in centres]) + 1e-6
    position = np.linspace(0, 1, CHANNELS)
    bands = np.exp(-(((position - rng.random((components, 4, 1))) / width) ** 2))
    return maps / maps.sum(axis=0), floor + (rng.random((components, 4, 1)) * bands).sum(axis=1)


def noisy(noise=0.01, components=3, seed=0):
    maps, spectra = smooth(components, seed)
    cube = np.einsum("kyx,kc->yxc", maps, spectra)
    return cube + noise * np.random.default_rng(seed).standard_normal(cube.shape)


def counted(dose=300, components=3, seed=0):
    """Counts of narrow peaks."""
    maps, spectra = smooth(components, seed, floor=0.0, width=0.02)
    cube = np.einsum("kyx,kc->yxc", maps, spectra)
    return np.random.default_rng(seed).poisson(cube * dose / cube.sum(axis=-1).mean())


def reason(found, topic):
    (one,) = [one for one in found.reasons if one.topic == topic]
    return one


def doubts(found):
    return " ".join(found.doubts)


@pytest.mark.parametrize("components", [2, 3, 4])
@pytest.mark.parametrize("draw", [noisy, counted])
def test_components_of_smooth_maps_are_counted(draw, components):
    found = mf.suggest(draw(components=components))
    assert found.settings["k"] == components
    assert found.between == (components, components)


@pytest.mark.parametrize("dose", [100, 1000, 100_000])
def test_counts_are_recognised_at_any_dose(dose):
    noise = reason(mf.suggest(counted(dose)), "noise")
    assert noise.figure == pytest.approx(1, abs=0.3)
    assert "counts" in noise.text


def test_noise_of_one_size_and_of_the_size_of_the_signal_are_told_from_counts():
    clean = noisy(0.0)
    rng = np.random.default_rng(0)
    level = reason(mf.suggest(clean + 0.02 * rng.standard_normal(clean.shape)), "noise")
    in_proportion = reason(mf.suggest(clean * (1 + 0.05 * rng.standard_normal(clean.shape))), "noise")
    assert level.figure < 0.4
    assert in_proportion.figure > 1.6
    assert not level.settings
    assert "weights" not in mf.suggest(clean + 0.02 * rng.standard_normal(clean.shape)).settings


@pytest.mark.parametrize(("draw", "components"), [(noisy, 3), (counted, 2)])
def test_components_are_those_of_a_rank_scan(draw, components):
    cube = draw(components=components)
    found = mf.suggest(cube)
    scan = mf.selection.scan_rank(cube, range(2, 6), n_init=1, splits=0, held_out=0, random_state=0)
    assert found.between == scan.recommend().between == (components, components)


def test_sparse_counts_have_the_components_of_a_rank_scan():
    """Steps between the directions of noise of rare channels were counted as components, or left all k open."""
    maps, spectra = smooth(3, floor=0.0, width=0.02)
    spectra = np.repeat(spectra, 6, axis=1) + 0.02
    mean = np.einsum("kyx,kc->yxc", np.repeat(np.repeat(maps, 2, axis=1), 2, axis=2), spectra)
    cube = np.random.default_rng(0).poisson(0.06 * mean / mean.mean()).astype(np.uint8)
    found = mf.suggest(cube)
    scan = mf.selection.scan_rank(cube, range(1, 5), n_init=1, splits=0, held_out=0, random_state=0, max_iter=5)
    assert found.settings["k"] == 3
    assert found.between == scan.recommend().between


def test_an_open_k_says_that_the_scan_may_differ_and_the_scan_says_it_of_the_suggestion():
    cube = counted(12, components=4)
    found = mf.suggest(cube)
    assert found.between[0] < found.between[1]
    assert "another range open because" in doubts(found)
    scan = mf.selection.scan_rank(cube, range(1, 6), n_init=1, splits=0, held_out=0, random_state=0, max_iter=5)
    assert "mf.suggest may name another k" in str(scan.recommend())


def test_one_material_with_a_tilt_is_no_second_one():
    """The count of images alone counted the tilt of one spectrum as a component."""
    maps, spectra = smooth(3)
    tilt = 1 + 0.5 * np.mgrid[-1 : 1 : SHAPE[0] * 1j, -1 : 1 : SHAPE[1] * 1j][1][..., None] * np.linspace(
        -1, 1, CHANNELS
    )
    first = np.einsum("yx,c->yxc", maps[0], spectra[0]) * tilt
    cube = first + np.einsum("kyx,kc->yxc", maps[1:], spectra[1:])
    found = mf.suggest(cube + 0.002 * np.random.default_rng(0).standard_normal(cube.shape))
    assert found.settings["k"] == 3
    assert "tilted" in reason(found, "components").text


def test_weights_of_counts_are_for_the_values_after_the_steps():
    cube = counted(300)
    before = mf.suggest(cube, 3)
    assert before.settings["weights"] == "poisson"
    assert "not those after a background is subtracted" in reason(before, "noise").text
    after = mf.suggest(cube, 3, preprocess=[mf.preprocessing.AsymmetricBaseline(1e4)])
    assert "weights" not in after.settings
    assert "subtract a mean and leave its noise" in reason(after, "noise").text
    assert "subtract a mean" not in reason(mf.suggest(noisy(), 3), "noise").text


@pytest.mark.parametrize("by", ["step", "values"])
def test_windows_of_a_picture_are_no_counts(by):
    y, x = np.mgrid[:500, :520]
    lattice = np.cos(2 * np.pi * x / 9) + np.where(x < 250, np.cos(2 * np.pi * y / 7), np.cos(2 * np.pi * (x + y) / 13))
    picture = np.random.default_rng(1).poisson(20 + 5 * lattice)
    step = mf.preprocessing.SlidingFFT(size=48, step=16, log=False)
    image = xr.DataArray(picture.astype(float), dims=("y", "x"))
    if by == "step":
        found = mf.suggest(image, preprocess=[step])
    else:
        windows = step.fit(image, ()).transform(image)
        found = mf.suggest(windows, channel=["ky", "kx"])
    assert "weights" not in found.settings


def test_speckle_is_no_count():
    """Its variance seems to grow with a power of 1.3, since few singular vectors follow it."""
    maps, spectra = smooth(3)
    clean = np.einsum("kyx,kc->yxc", maps, spectra)
    found = mf.suggest(np.random.default_rng(0).gamma(10, 0.1, clean.shape) * clean)
    assert "weights" not in found.settings
    assert "in proportion" in reason(found, "noise").text


def test_the_level_of_the_noise_is_found():
    cube = noisy(0.05)
    text = reason(mf.suggest(cube), "noise").text
    level = float(re.search(r"noise is ([\d.e-]+) of the signal", text).group(1))
    assert level == pytest.approx(0.05 / np.sqrt(np.mean(cube**2)), rel=0.1)


def test_counts_of_peaks_get_weights_and_broad_bands_a_volume():
    assert mf.suggest(counted(100)).settings["weights"] == "poisson"
    clear = mf.suggest(noisy(0.005))
    assert clear.settings["volume"] == "auto"
    assert "degrees" in reason(clear, "volume").text
    assert "volume" not in mf.suggest(noisy(0.005), volume=False).settings


def test_a_gain_of_each_pixel_is_found():
    cube = noisy(0.005)
    gain = np.exp(0.3 * np.random.default_rng(1).standard_normal(SHAPE))[..., None]
    assert "gain" in reason(mf.suggest(cube * gain), "fractions").text
    assert "may sum to one" in reason(mf.suggest(cube), "fractions").text


def test_a_given_k_is_not_counted_again():
    found = mf.suggest(noisy(), 2)
    assert (found.settings["k"], found.between) == (2, (2, 2))


def test_dead_noisy_and_saturated_parts_are_reported():
    cube = noisy(0.01)
    cube[..., 7] = 0.25
    cube[..., 9] += np.random.default_rng(1).standard_normal(SHAPE)
    found = mf.suggest(cube)
    assert reason(found, "dead channels").figure == 1
    assert "channels 9 " in doubts(found)
    full = noisy(0.01)
    assert "saturated" in doubts(mf.suggest(np.minimum(full, np.quantile(full, 0.98))))
    clean = doubts(mf.suggest(noisy(0.01)))
    assert "saturated" not in clean
    assert "noisier" not in clean


@pytest.mark.parametrize(
    ("draw", "share"), [(noisy, 0.9999), (noisy, 0.6), (noisy, 0.2), (counted, 0.9999), (counted, 0.9)]
)
def test_few_and_many_saturated_pixels_are_named_with_their_number_and_a_mask(draw, share):
    full = draw(dose=100_000) if draw is counted else draw(0.01)
    limit = np.quantile(full, share)
    cube = xr.DataArray(np.minimum(full, limit), dims=("y", "x", "energy"))
    pixels = int((cube.max("energy") == limit).sum())
    text = doubts(mf.suggest(cube))
    assert f"{pixels} of {cube[..., 0].size} pixels ({pixels / cube[..., 0].size:.2g} of them) are saturated" in text
    used = "cube.where(cube < " if pixels > cube[..., 0].size / 2 else "mask=cube.max('energy') < "
    assert f"{used}{limit:.10g}" in text


def test_saturation_is_seen_before_the_preprocessing_and_outside_of_masked_pixels():
    full = counted(100_000)
    cube = np.minimum(full, np.quantile(full, 0.999))
    saturated = (cube == cube.max()).any(axis=-1)
    assert "are saturated" in doubts(mf.suggest(cube, preprocess=[mf.preprocessing.UnitSum()]))
    assert "saturated" not in doubts(mf.suggest(cube, mask=~saturated))


def test_natural_largest_values_are_no_saturation():
    rng = np.random.default_rng(0)
    maps, _ = smooth(3)
    bright = np.moveaxis(np.round(maps, 2), 0, -1)
    spectra = noisy(0.01)
    natural = {
        "fractions": bright,
        "independent fractions": np.clip(rng.normal(0.5, 0.5, (*SHAPE, 20)), 0, 1),
        "zero or one": (rng.random((*SHAPE, 20)) < 0.4).astype(float),
        "zero or 255": np.where(rng.random((*SHAPE, 20)) < 0.4, 255, 0).astype(np.uint8),
        "few counts": rng.poisson(0.4, (*SHAPE, 20)),
        "some counts": rng.poisson(20, (*SHAPE, 20)),
        "uniform": rng.integers(0, 256, (*SHAPE, 20)).astype(np.uint8),
        "largest value of a pixel is one": spectra / spectra.max(axis=-1, keepdims=True),
        "sparse counts": counted(12),
        "spectra": spectra.astype(np.float32),
    }
    for name, cube in natural.items():
        assert "saturated" not in doubts(mf.suggest(cube)), name


def test_values_are_described():
    found = mf.suggest(counted(50) * 0.125)
    assert reason(found, "steps").figure == 0.125
    assert reason(found, "zeros").figure == pytest.approx(np.mean(counted(50) == 0))
    negative = mf.suggest(noisy() - 0.5)
    assert "is negative" in doubts(negative)
    assert "weights" not in negative.settings


def test_noise_shared_by_neighbours_is_a_doubt():
    from scipy.ndimage import uniform_filter

    rng = np.random.default_rng(0)
    noise = uniform_filter(rng.standard_normal((*SHAPE, CHANNELS)), (3, 3, 1))
    assert "neighbouring pixels" in doubts(mf.suggest(noisy(0.0) + 0.05 * noise))
    assert "neighbouring pixels" not in doubts(mf.suggest(noisy(0.05)))


@pytest.mark.parametrize("value", [0.0, 3.0, -1.0])
def test_constant_data_are_said_to_be_constant(value):
    found = mf.suggest(np.full((6, 7, 8), value))
    assert found.settings["k"] == 1
    assert "nothing to unmix" in doubts(found)


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 5, 1), (2, 3, 4), (6, 8, 20), (1, 40), (40, 2)])
@pytest.mark.parametrize("size", [1.0, 1e-160, 1e160])
@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_small_extreme_and_noiseless_data_get_settings_that_can_be_used(shape, size):
    rng = np.random.default_rng(0)
    product = rng.random((*shape[:-1], 2)) @ rng.random((2, shape[-1]))
    for data in (size * rng.random(shape), size * product, size * (product > 0.5)):
        found = mf.suggest(data)
        assert 1 <= found.between[0] <= found.settings["k"] <= found.between[1]
        assert found.settings["k"] <= shape[-1]


def test_missing_values_are_left_out_and_reported():
    cube = noisy()
    cube[:3] = np.nan
    cube[..., 5] = np.nan
    assert mf.suggest(cube).settings["k"] == 3
    assert not mf.suggest(cube).doubts
    cube[np.random.default_rng(0).random(cube.shape) < 0.05] = np.nan
    gappy = mf.suggest(cube)
    assert gappy.settings["k"] == 3
    assert "missing" in doubts(gappy)
    assert "volume" not in gappy.settings
    with pytest.raises(ValueError, match="no pixel is left"):
        mf.suggest(np.full((3, 4, 5), np.nan))


def test_masks_and_steps_are_among_the_settings():
    cube = xr.DataArray(noisy(), dims=("y", "x", "mz"))
    mask = np.ones(SHAPE, dtype=bool)
    mask[:, :4] = False
    cube.values[:, :4] = 1e3
    steps = [mf.preprocessing.UnitSum()]
    found = mf.suggest(cube, mask=mask, preprocess=steps)
    assert found.settings["mask"] is mask
    assert found.settings["preprocess"] == steps
    assert found.settings["k"] == 3


@pytest.mark.parametrize("kind", ["stack", "line", "row", "two channel axes"])
def test_other_shapes_are_counted(kind):
    cube = noisy()
    if kind == "stack":
        found = mf.suggest(np.stack([cube, np.roll(cube, 1, axis=1)]))
    elif kind == "line":
        found = mf.suggest(cube.reshape(-1, CHANNELS))
    elif kind == "row":
        found = mf.suggest(cube.reshape(1, -1, CHANNELS))
    else:
        pattern = xr.DataArray(cube.reshape(*SHAPE, 6, 10), dims=("y", "x", "ky", "kx"))
        found = mf.suggest(pattern, channel=["ky", "kx"])
        assert "ky x kx" in reason(found, "channels").text
        assert found.settings["channel"] == ["ky", "kx"]
    assert found.settings["k"] == 3


def test_a_lazy_cube_is_read_in_part():
    dask = pytest.importorskip("dask.array", reason="the test extra is not installed")
    maps, spectra = smooth()
    rows, wide = 2000, 40
    whole = np.resize(maps, (3, rows, wide))
    read = []

    def block(block_info=None):
        (top, bottom), (left, right), _ = block_info[None]["array-location"]
        read.append((bottom - top) * (right - left))
        noise = np.random.default_rng(top).standard_normal((bottom - top, right - left, 800))
        stretched = np.repeat(spectra, 14, axis=1)[:, :800]
        return np.einsum("kyx,kc->yxc", whole[:, top:bottom, left:right], stretched) + 0.01 * noise

    lazy = dask.map_blocks(
        block, chunks=((10,) * 200, (wide,), (800,)), dtype=np.int32, meta=np.empty((0, 0, 0), np.int32)
    )
    mf.suggest(xr.DataArray(lazy, dims=("y", "x", "mz")))
    assert 0 < sum(read) < rows * wide / 4


def test_sparse_files_are_read(tmp_path):
    from scipy import sparse

    counts = counted(20).reshape(-1, CHANNELS)
    sparse.save_npz(tmp_path / "counts.npz", sparse.csr_array(counts))
    found = mf.suggest(tmp_path / "counts.npz")
    assert found.settings["weights"] == "poisson"
    assert reason(found, "zeros").figure == pytest.approx(np.mean(counts == 0))


def test_a_plain_picture_becomes_windows_over_several_periods():
    y, x = np.mgrid[:300, :320]
    left = np.cos(2 * np.pi * x / 10) + np.cos(2 * np.pi * y / 10)
    right = np.cos(2 * np.pi * x / 14) + np.cos(2 * np.pi * (x + y) / 8)
    picture = np.where(x < 160, left, right) + 0.1 * np.random.default_rng(0).standard_normal(x.shape)
    found = mf.suggest(xr.DataArray(picture, dims=("y", "x")))
    (step,) = found.settings["preprocess"]
    assert isinstance(step, mf.preprocessing.SlidingFFT)
    assert step.size >= 4 * 14
    assert found.settings["k"] in (2, 3)  # windows across the border have wider spots


def test_unmix_without_k_uses_the_suggestion_and_says_so(caplog):
    cube = noisy(0.01)
    suggestion = mf.suggest(cube)
    with caplog.at_level(logging.INFO, logger="mffnb"):
        result = mf.unmix(cube, random_state=0)
    expected = mf.unmix(cube, random_state=0, **suggestion.settings)
    np.testing.assert_array_equal(result.endmembers, expected.endmembers)
    np.testing.assert_array_equal(result.abundances, expected.abundances)
    assert result.parameters["suggested"]["settings"] == suggestion.line
    assert suggestion.line in repr(result)
    assert suggestion.line in caplog.text
    assert "suggested" not in expected.parameters


def test_what_the_user_sets_is_kept():
    result = mf.unmix(noisy(0.005), sparsity=1e-2, random_state=0)
    assert result.parameters["sparsity"] == 1e-2
    assert result.parameters["volume"] == 0
    counts = mf.unmix(counted(100), similarity="kl", random_state=0, max_iter=20)
    assert counts.parameters["similarity"] == "kl"
    assert counts.parameters["weights"] is None
    assert counts.parameters["k"] == 3


def test_a_saved_result_keeps_the_reasons(tmp_path):
    result = mf.unmix(counted(100), random_state=0)
    result.save(tmp_path / "run.nc")
    assert mf.load(tmp_path / "run.nc").parameters["suggested"] == result.parameters["suggested"]


def test_the_command_line_prints_settings_and_reasons(tmp_path, capsys):
    np.save(tmp_path / "map.npy", counted(100))
    assert main(["suggest", str(tmp_path / "map.npy")]) == 0
    printed = capsys.readouterr().out
    assert "mf.unmix(cube, k=3, weights='poisson')" in printed
    assert "- noise: " in printed
    assert main(["suggest", str(tmp_path / "no.npy")]) == 2


def test_text_html_and_picture_show_the_same_settings():
    found = mf.suggest(counted(100))
    assert found.line in repr(found)
    assert "weights=&#x27;poisson&#x27;" in found._repr_html_()
    left, right = found.plot().axes
    assert left.get_title(loc="left").startswith("k = 3")
    assert len(left.patches) > 3
    assert len(right.lines) == 2


def peaks_and_background(own: bool, seed=3):
    """Narrow peaks of two materials, on two backgrounds that vary on their own or that each belong to a material."""
    rng = np.random.default_rng(seed)
    maps, _ = smooth(2, seed)
    x = np.arange(240)
    heights, centres = rng.lognormal(size=(2, 14, 1)), rng.uniform(0, 240, (2, 14, 1))
    peaks = (heights * np.exp(-(((x - centres) / 2.5) ** 2) / 2)).sum(axis=1)
    slow = 2 * np.stack([np.exp(-2 * x / 240), np.exp(-(((x / 240 - 0.6) / 0.5) ** 2))])
    y = np.mgrid[: SHAPE[0], : SHAPE[1]] / SHAPE[0]
    own_maps = 1 + 0.6 * np.stack([np.sin(5 * y[0] + 3 * y[1]), np.cos(7 * y[1] - 2 * y[0])])
    cube = np.einsum("kyx,kc->yxc", maps, peaks) + np.einsum("kyx,kc->yxc", own_maps if own else maps, slow)
    return cube + 0.02 * rng.standard_normal(cube.shape), peaks


def test_a_background_that_varies_on_its_own_is_subtracted():
    cube, peaks = peaks_and_background(own=True)
    found = mf.suggest(cube)
    (step,) = found.settings["preprocess"]
    assert step == mf.preprocessing.AsymmetricBaseline(30.0**4)
    assert "volume" not in found.settings
    assert reason(found, "background").figure == 2
    result = mf.unmix(cube, random_state=0)
    assert result.parameters["preprocess"][0]["step"] == "AsymmetricBaseline"
    spectra = result.endmembers.values
    spectra = spectra[match(peaks, spectra)]
    cosines = np.sum(spectra * peaks, axis=1) / np.linalg.norm(spectra, axis=1) / np.linalg.norm(peaks, axis=1)
    assert (np.arccos(cosines) < 0.1).all()


def test_a_background_below_much_noise_is_kept_without_a_volume():
    cube, _ = peaks_and_background(own=True)
    found = mf.suggest(cube + 1.5 * np.random.default_rng(0).standard_normal(cube.shape))
    assert "too high for a baseline" in reason(found, "background").text
    assert "volume" not in found.settings
    assert "preprocess" not in found.settings


def test_a_background_of_the_materials_is_kept():
    assert "preprocess" not in mf.suggest(peaks_and_background(own=False)[0]).settings


def test_broad_bands_are_no_background():
    maps, spectra = smooth(4)
    spectra = scipy.ndimage.zoom(spectra, (1, 4), order=3)
    cube = np.einsum("kyx,kc->yxc", maps, spectra)
    found = mf.suggest(cube + 0.05 * np.random.default_rng(0).standard_normal(cube.shape))
    assert found.settings["k"] == 4
    assert "preprocess" not in found.settings


def test_given_components_and_given_steps_leave_the_background_to_the_user():
    cube, _ = peaks_and_background(own=True)
    assert "preprocess" not in mf.suggest(cube, 4).settings
    step = mf.preprocessing.ConstantBackground()
    found = mf.suggest(cube, preprocess=[step])
    assert found.settings["preprocess"] == [step]
    assert "volume" not in found.settings
