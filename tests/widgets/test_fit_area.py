"""Regions that are left out of the fit of an explorer, and regions to which it is restricted."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import mffnb as mf
from mffnb.widgets.literals import mask_lines

pytestmark = pytest.mark.filterwarnings("ignore::mffnb.errors.ConvergenceWarning")


@pytest.fixture
def explore(cube):
    opened = []
    yield lambda given=cube, **options: opened.append(mf.explore(given, **{"k": 3, **options})) or opened[-1]
    for one in opened:
        one.close()


@pytest.fixture
def explorer(explore):
    one = explore()
    one.wait()
    return one


def mask_of(cube, rows, columns):
    mask = np.zeros(cube.shape[:2], dtype=bool)
    mask[rows, columns] = True
    return mask


def test_region_that_is_left_out_has_gaps_and_no_influence_on_the_fit(explore, cube):
    dusty = cube.copy()
    dust = mask_of(cube, slice(0, 2), slice(0, 2))
    dusty.values[dust] *= 30
    explorer = explore(dusty)
    explorer.wait()
    explorer.region(mask=dust, name="dust")
    explorer.leave_out("dust")
    explorer.wait()
    assert explorer.view.encoded["header"]["parameters"]["area"] == {"left_out": ["dust"], "only": []}
    np.testing.assert_array_equal(explorer.result.abundances[0].isnull(), dust)
    explorer.rerun()
    explorer.wait()
    clean = explore(cube, mask=~dust)
    clean.wait()
    assert sorted(map(tuple, explorer.result.endmembers.values)) == sorted(map(tuple, clean.result.endmembers.values))
    np.testing.assert_allclose(explorer.regions["dust"].mean_spectrum, dusty.values[dust].mean(axis=0), rtol=1e-12)
    assert np.isfinite(explorer.probe(pixel=[0, 0]).measured).all()


def test_components_keep_their_numbers_when_pixels_are_left_out_and_come_back(explorer, cube):
    before = explorer.result
    explorer.region(mask=mask_of(cube, slice(0, 1), slice(0, 3)), name="R")
    explorer.leave_out("R")
    explorer.wait()
    angles = mf.geometry.matching.spectral_angles(explorer.result.endmembers.values, before.endmembers.values)
    np.testing.assert_array_equal(angles.argmin(axis=1), [0, 1, 2])
    explorer.leave_out("R", on=False)
    explorer.wait()
    assert explorer.settings.area is None
    assert explorer.result.abundances.notnull().all()
    explorer.undo()
    explorer.wait()
    explorer.undo()
    explorer.wait()
    xr.testing.assert_identical(explorer.result.abundances, before.abundances)
    assert explorer.session.data is explorer.session.last.data


def test_fit_only_takes_the_union_and_left_out_pixels_are_subtracted(explorer, cube):
    explorer.region(mask=mask_of(cube, slice(0, 3), slice(0, 4)), name="a")
    explorer.region(mask=mask_of(cube, slice(3, 6), slice(0, 4)), name="b")
    explorer.region(mask=mask_of(cube, slice(2, 4), slice(0, 2)), name="c")
    for name in "ab":
        explorer.fit_only(name)
    explorer.leave_out("c")
    explorer.wait()
    used = mask_of(cube, slice(0, 6), slice(0, 4)) & ~mask_of(cube, slice(2, 4), slice(0, 2))
    np.testing.assert_array_equal(explorer.result.abundances[0].notnull(), used)
    explorer.fit_only("b", on=False)
    explorer.wait()
    np.testing.assert_array_equal(explorer.result.abundances[0].notnull(), used & mask_of(cube, slice(0, 3), slice(10)))


def test_region_that_is_drawn_again_or_dropped_changes_the_fit(explorer, cube):
    explorer.region(mask=mask_of(cube, slice(0, 1), slice(0, 3)), name="R")
    explorer.leave_out("R")
    explorer.region(mask=mask_of(cube, slice(4, 6), slice(0, 3)), name="R")
    explorer.wait()
    np.testing.assert_array_equal(explorer.result.abundances[0].isnull(), mask_of(cube, slice(4, 6), slice(0, 3)))
    explorer.drop_region(name="R")
    explorer.wait()
    assert explorer.result.abundances.notnull().all()


def test_mask_and_held_spectra_of_the_user_stay(explore, cube):
    mask = mask_of(cube, slice(1, 6), slice(0, 10))
    channels = np.arange(cube.sizes["energy"]) > 2
    explorer = explore(mask=[mask, channels], known=cube[2, [3]].values)
    explorer.wait()
    explorer.region(mask=mask_of(cube, slice(5, 6), slice(0, 10)), name="R")
    explorer.leave_out("R")
    explorer.wait()
    np.testing.assert_array_equal(
        explorer.result.abundances[0].notnull(), mask & mask_of(cube, slice(0, 5), slice(0, 10))
    )
    np.testing.assert_array_equal(explorer.result.endmembers[0].notnull(), channels)
    np.testing.assert_allclose(explorer.result.endmembers[0][channels], cube[2, 3][channels], rtol=1e-12)


@pytest.mark.parametrize("channels", [False, True])
def test_code_with_a_mask_repeats_what_rerun_shows(explore, cube, channels):
    options = {"mask": np.arange(cube.sizes["energy"]) > 2} if channels else {}
    explorer = explore(**options)
    explorer.wait()
    explorer.region(mask=mask_of(cube, slice(1, 3), slice(2, 5)), name="R")
    explorer.leave_out("R")
    explorer.hold(1)
    explorer.wait()
    explorer.rerun()
    explorer.wait()
    text = explorer.code()
    assert "# pixels of the fit: without R" in text
    scope = {"given": cube}
    exec(text.replace("cube = ...", "cube = given"), scope)
    np.testing.assert_array_equal(scope["result"].endmembers[0], explorer.result.endmembers.sel(component=1))
    np.testing.assert_array_equal(scope["result"].abundances[0], explorer.result.abundances.sel(component=1))


def test_mask_lines_build_any_mask():
    mask = xr.DataArray(np.random.default_rng(0).random((7, 9)) > 0.5, dims=("y", "x"))
    scope = {"np": np, "xr": xr}
    exec("\n".join(mask_lines(mask, "")), scope)
    xr.testing.assert_identical(scope["mask"], mask)


def test_refusals(explorer, explore, cube):
    with pytest.raises(KeyError, match="the names are none"):
        explorer.leave_out("R")
    explorer.region(mask=np.ones(cube.shape[:2], dtype=bool), name="all")
    with pytest.raises(ValueError, match="no pixel is left"):
        explorer.leave_out("all")
    assert explorer.settings.area is None
    binned = explore(preprocess=[mf.preprocessing.Bin(space=2)])
    binned.wait()
    binned.region(mask=np.eye(3, 5, dtype=bool), name="R")
    with pytest.raises(mf.errors.UnsupportedCombinationError, match="apply that step first"):
        binned.leave_out("R")
    scaled = explore(preprocess=[mf.preprocessing.UnitSum()])
    scaled.wait()
    scaled.region(mask=mask_of(cube, slice(0, 2), slice(0, 2)), name="R")
    scaled.leave_out("R")
    scaled.wait()
    assert int(scaled.result.abundances[0].isnull().sum()) == 4


def test_history_drops_images_of_earlier_masks_beyond_its_memory(explorer, cube, monkeypatch):
    monkeypatch.setattr("mffnb.widgets.history._MOST_BYTES", 4 * cube.size * 8)
    for column in range(1, 9):
        explorer.region(mask=mask_of(cube, slice(0, 1), slice(0, column)), name="R")
        explorer.leave_out("R")
        explorer.wait()
    assert 2 <= len(explorer.history.entries) <= 5


def test_another_name_of_a_region_keeps_the_channels_that_are_left_out(explorer, cube):
    channel = cube.energy.values
    explorer.leave_out_channels(between=(channel[1] - 0.5, channel[2] + 0.5), name="M1")
    explorer.region(mask=mask_of(cube, slice(0, 1), slice(0, 3)), name="R")
    explorer.wait()
    before = explorer.settings
    explorer.rename_region("R", "edge")
    assert explorer.settings == before
    explorer.leave_out("edge")
    explorer.rename_region("edge", "dust")
    assert explorer.settings.area.as_dict() == {"left_out": ["dust"], "only": [], "channels": ["M1"]}
