from __future__ import annotations

import os

import numpy as np
import pytest
import xarray as xr
from scipy import sparse

import mffnb as mf
from mffnb.solvers import Outcome


@pytest.fixture
def result(cube):
    return mf.unmix(cube, 3, sparsity=1e-3, smoothness=1e-2, random_state=0)


def test_result_is_labelled_and_in_the_units_of_the_data(cube, result):
    assert result.abundances.dims == ("component", "y", "x")
    assert result.endmembers.dims == ("component", "energy")
    xr.testing.assert_equal(result.endmembers["energy"], cube["energy"])
    assert result.endmembers.attrs["units"] == "counts"
    assert float(result.abundances.sum("component").mean()) == pytest.approx(1)
    assert result.endmembers.values.max() < 2 * cube.values.max()


def test_reconstruction_and_residual_add_up(cube, result):
    total = result.reconstruction() + result.residual()
    np.testing.assert_allclose(total.transpose(*cube.dims), cube, atol=1e-12)
    relative = float(np.linalg.norm(result.residual()) / np.linalg.norm(cube))
    assert relative == pytest.approx(float(result.trace.relative_error[-1]), rel=1e-9)
    assert result.residual().dims == cube.dims


def test_components_come_in_falling_order_of_share(result):
    share = result.abundances.sum(("y", "x")) * (result.endmembers**2).sum("energy") ** 0.5
    assert (np.diff(share) <= 0).all()


@pytest.mark.parametrize(
    ("how", "size"),
    [
        ("max", lambda e: e.max("energy")),
        ("sum", lambda e: e.sum("energy")),
        ("norm", lambda e: (e**2).sum("energy") ** 0.5),
        ("area", lambda e: e.integrate("energy")),
    ],
)
def test_normalized_keeps_the_product(result, how, size):
    scaled = result.normalized(how)
    np.testing.assert_allclose(size(scaled.endmembers), 1)
    xr.testing.assert_allclose(scaled.reconstruction(), result.reconstruction())
    assert scaled.abundances.dims == result.abundances.dims
    with pytest.raises(ValueError, match="'max', 'sum', 'norm' or 'area'"):
        result.normalized("total")


def test_save_and_load_keep_everything(tmp_path, cube, result):
    cube["energy"].attrs.update(units="s", calibration={"by": "hand"})
    result = mf.unmix(cube, 2, random_state=3, max_iter=50, tol=1e-3)
    result.save(tmp_path / "run.nc")
    loaded = mf.load(tmp_path / "run.nc")
    xr.testing.assert_equal(loaded.endmembers, result.endmembers)
    xr.testing.assert_equal(loaded.abundances, result.abundances)
    xr.testing.assert_equal(loaded.trace, result.trace)
    assert loaded.outcome is result.outcome
    assert loaded.parameters == result.parameters
    assert loaded.endmembers["energy"].attrs["units"] == "s"
    assert loaded.endmembers.attrs["units"] == "counts"
    assert cube["energy"].attrs["calibration"] == {"by": "hand"}
    with pytest.raises(ValueError, match=r"residual\(cube\)"):
        loaded.residual()
    xr.testing.assert_allclose(loaded.residual(cube), result.residual())


def test_parameters_reproduce_the_run(cube):
    first = mf.unmix(cube, 3, init="random")  # the seed is drawn, and kept
    again = mf.unmix(cube, 3, init="random", random_state=first.parameters["random_state"])
    xr.testing.assert_identical(first.endmembers, again.endmembers)
    assert first.parameters["versions"]["numpy"] == np.__version__
    assert first.parameters["versions"]["mffnb"] == mf.__version__


def test_path_array_and_any_axis_order_give_the_same(tmp_path, cube):
    expected = mf.unmix(cube, 3, random_state=0)
    np.save(tmp_path / "a.npy", cube.values)
    from_file = mf.unmix(tmp_path / "a.npy", 3, random_state=0)
    np.testing.assert_array_equal(from_file.abundances, expected.abundances)
    assert from_file.parameters["source"].endswith("a.npy")
    moved = mf.unmix(cube.transpose("energy", "x", "y"), 3, channel="energy", random_state=0)
    assert moved.abundances.dims == ("component", "x", "y")
    np.testing.assert_allclose(moved.abundances.transpose("component", "y", "x"), expected.abundances, atol=1e-9)


def test_smoothness_knows_which_pixels_are_neighbours():
    """Rows and columns of a non-square map must not be mixed up: stripes along x smooth along x for free."""
    rng = np.random.default_rng(0)
    spectra = rng.random((2, 15))
    stripes = np.repeat(rng.random((5, 1)), 12, axis=1)  # constant along x
    data = stripes[..., None] * spectra[0] + (1 - stripes[..., None]) * spectra[1]
    result = mf.unmix(data, 2, smoothness=1.0, random_state=0, max_iter=2000)
    assert np.ptp(result.abundances.values, axis=2).max() < 1e-3
    assert np.ptp(result.abundances.values, axis=1).max() > 0.02


def test_warm_start_goes_on_where_the_first_run_ended(cube):
    first = mf.unmix(cube, 3, random_state=0, tol=1e-6, max_iter=3000)
    second = mf.unmix(cube, 3, init=first, tol=1e-6)
    assert second.trace.sizes["iteration"] <= 3
    np.testing.assert_allclose(second.endmembers, first.endmembers, atol=1e-4)
    assert second.parameters["init"] == "given"


def test_several_starts_keep_the_best(cube):
    settings = {"tol": 1e-2, "max_iter": 30}  # early enough for the starts to differ
    winners = set()
    for seed in range(4):
        best = mf.unmix(cube, 3, n_init=4, random_state=seed, **settings)
        seeds = np.random.SeedSequence(seed).generate_state(4) % 2**31
        single = [mf.unmix(cube, 3, init="random", random_state=int(s), **settings) for s in seeds]
        objectives = [float(r.trace.objective[-1]) for r in single]
        assert float(best.trace.objective[-1]) == min(objectives)
        winners.add(int(np.argmin(objectives)))
    assert len(winners) > 1  # not always the first, not always the last
    with pytest.raises(ValueError, match="n_init"):
        mf.unmix(cube, 3, n_init=0)


def test_interrupt_keeps_the_result_so_far(cube):
    def interrupt(state):
        if state.iteration == 4:
            raise KeyboardInterrupt

    result = mf.unmix(cube, 3, random_state=0, tol=0, callback=interrupt)
    assert result.outcome is Outcome.INTERRUPTED
    assert result.trace.iteration[-1] == 4
    assert np.isfinite(result.abundances).all()


def test_progress_and_callback_both_run(cube, capsys):
    seen = []
    mf.unmix(cube, 2, random_state=0, progress=True, callback=lambda state: seen.append(state.iteration))
    assert seen[0] == 0
    assert seen == sorted(set(seen))
    assert "error" in capsys.readouterr().err


def test_integer_counts_and_line_scans():
    counts = np.random.default_rng(0).poisson(3, (7, 12)).astype(np.uint16)
    kept = counts.copy()
    result = mf.unmix(counts, 2, smoothness=0.01, random_state=0)
    assert result.abundances.dims == ("component", "x")
    np.testing.assert_array_equal(counts, kept)


def test_parameters_that_mean_nothing_are_refused(cube):
    with pytest.raises(ValueError, match="finite number >= 0"):
        mf.unmix(cube, 2, sparsity=-1)
    with pytest.raises(TypeError):
        mf.unmix(cube, 2, spasity=1)
    with pytest.raises(ValueError, match="whole number"):
        mf.unmix(cube, 0)


def test_fractions_sum_to_one_exactly(cube):
    result = mf.unmix(cube, 3, sum_to_one=True, smoothness=0.01, random_state=0)
    np.testing.assert_allclose(result.abundances.sum("component"), 1, rtol=0, atol=1e-12)
    assert float(result.abundances.min()) >= 0
    with pytest.raises(ValueError, match="same L1 norm"):
        mf.unmix(cube, 3, sum_to_one=True, sparsity=0.1)


def test_going_on_with_fractions_starts_where_the_first_run_ended(cube):
    first = mf.unmix(cube, 3, sum_to_one=True, random_state=0, tol=1e-6, max_iter=3000)
    second = mf.unmix(cube, 3, sum_to_one=True, init=first, tol=1e-6)
    assert float(second.trace.objective[0]) == pytest.approx(float(first.trace.objective[-1]), rel=1e-12)


def test_a_warning_names_the_component_of_the_result():
    data = np.outer(np.arange(1.0, 21), [1, 0, 2, 0.5]).reshape(4, 5, 4)
    with pytest.warns(mf.errors.DegenerateWarning) as caught:
        result = mf.unmix(data, 4, sparsity=0.01, random_state=0)
    dead = np.flatnonzero((result.abundances == 0).all(("y", "x")) | (result.endmembers == 0).all("channel"))
    assert dead.size
    assert str(caught[0].message).startswith(f"component {', '.join(map(str, dead))} is zero")
    assert caught[0].filename == __file__


def test_lazy_cubes_give_the_answer_of_those_in_memory(cube):
    dask = pytest.importorskip("dask.array", reason="the test extra is not installed")
    lazy = cube.copy(data=dask.from_array(cube.values, chunks=(2, 5, 20)))
    expected = mf.unmix(cube, 3, smoothness=0.1, random_state=0)
    got = mf.unmix(lazy, 3, smoothness=0.1, random_state=0)
    np.testing.assert_allclose(got.endmembers, expected.endmembers, atol=1e-9)
    np.testing.assert_allclose(got.residual(), expected.residual(), atol=1e-9)


def test_unusual_coordinates_survive_saving(tmp_path, cube):
    cube = cube.assign_coords(
        time=("y", np.datetime64("2026-01-01", "ns") + np.arange(6) * np.timedelta64(1, "h")),
        grain=("x", list("abcdefghij")),
    )
    cube["energy"].attrs["calibrated"] = True
    result = mf.unmix(cube, 2, random_state=0, max_iter=np.int64(300))
    result.save(tmp_path / "run.nc")
    loaded = mf.load(tmp_path / "run.nc")
    np.testing.assert_array_equal(loaded.abundances["time"], cube["time"])
    np.testing.assert_array_equal(loaded.abundances["grain"], cube["grain"])
    assert loaded.parameters["max_iter"] == 300
    stacked = mf.unmix(cube.stack(pixel=("y", "x")).transpose("pixel", "energy"), 2, random_state=0)
    stacked.save(tmp_path / "stacked.nc")
    np.testing.assert_array_equal(mf.load(tmp_path / "stacked.nc").abundances, stacked.abundances)


def test_residual_takes_a_bare_array(tmp_path, cube, result):
    result.save(tmp_path / "run.nc")
    np.testing.assert_allclose(mf.load(tmp_path / "run.nc").residual(cube.values), result.residual())


def test_names_that_a_file_has_no_room_for_come_back(tmp_path, cube):
    odd = cube.rename(energy="m/z", y="iteration", x="gain").assign_coords(abundances=("iteration", np.arange(6.0)))
    odd["gain"].encoding.update(dtype="i2", _FillValue=-1)
    odd["gain"].attrs["scale_factor"] = 10.0
    result = mf.unmix(odd, 2, random_state=0)
    result.save(tmp_path / "run.nc")
    loaded = mf.load(tmp_path / "run.nc")
    xr.testing.assert_equal(loaded.abundances, result.abundances)
    xr.testing.assert_equal(loaded.endmembers, result.endmembers)
    xr.testing.assert_equal(loaded.trace, result.trace)
    assert loaded.gain is None


def test_saving_follows_links_and_spares_what_is_no_file(tmp_path, result):
    (tmp_path / "real.nc").write_bytes(b"old")
    (tmp_path / "real.nc").chmod(0o640)
    (tmp_path / "link.nc").symlink_to(tmp_path / "real.nc")
    result.save(tmp_path / "link.nc")
    assert (tmp_path / "link.nc").is_symlink()
    assert (tmp_path / "real.nc").stat().st_mode & 0o777 == 0o640
    mf.load(tmp_path / "real.nc")
    os.mkfifo(tmp_path / "pipe.nc")
    with pytest.raises(OSError, match="not a file that could be replaced"):
        result.save(tmp_path / "pipe.nc")
    assert (tmp_path / "pipe.nc").is_fifo()


def test_a_callback_may_answer_with_numpy(cube):
    result = mf.unmix(cube, 2, random_state=0, tol=0, callback=lambda state: np.bool_(state.iteration > 2))
    assert result.outcome is Outcome.STOPPED


def test_masked_channels_have_no_area(cube):
    result = mf.unmix(cube, 2, random_state=0, mask=np.arange(20) != 4)
    assert np.isfinite(result.normalized("area").abundances).all()


def test_what_is_no_weight_and_no_image_is_refused_in_words(cube):
    for name in ("sparsity", "smoothness", "volume"):
        with pytest.raises(TypeError, match=f"{name} must be a number >= 0, got None"):
            mf.unmix(cube, 2, **{name: None})
    for data in (None, sparse.csr_array(np.eye(4))):
        with pytest.raises(TypeError, match=r"use mffnb\.MatrixFactorization"):
            mf.unmix(data, 2)


def test_terms_of_ones_own_keep_their_components(cube):
    E = np.abs(np.random.default_rng(0).normal(size=(1, 20)))
    result = mf.unmix(cube, 3, random_state=0, endmember_terms=[mf.Pinned(E)])
    np.testing.assert_allclose(result.endmembers[0], E[0])
