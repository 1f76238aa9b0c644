"""Channels that an explorer leaves out of the fit: patterns, spectra, patterns that a preprocessing step computes."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import mffnb as mf

SQUARE = [(0.2, 0.2), (0.2, 0.8), (0.8, 0.8), (0.8, 0.2)]  # the middle of a pattern, as the page draws it


@pytest.fixture
def patterns():
    generator = np.random.default_rng(0)
    spectra = generator.random((2, 5, 5))
    spectra[:, 2, 2] = 50.0  # the central beam
    values = np.einsum("yxk,kab->yxab", generator.random((6, 7, 2)), spectra)
    coords = {name: (name, np.linspace(-1, 1, 5), {"units": "1/nm"}) for name in ("ky", "kx")}
    return xr.DataArray(values, dims=("y", "x", "ky", "kx"), coords=coords)


@pytest.fixture
def explore():
    opened = []

    def make(cube, **options):
        opened.append(mf.explore(cube, k=2, tol=1e-4, **options))
        opened[-1].wait()
        return opened[-1]

    yield make
    for one in opened:
        one.close()


def call(explorer, tool, **arguments):
    explorer.view._receive(explorer.view, {"type": "call", "tool": tool, "arguments": arguments}, [])
    assert explorer.view.failure is None
    explorer.wait()


def result_of(code, cube):
    """Run the code of an explorer, for a cube from memory."""
    names = {}
    lines = [line for line in code.splitlines() if not line.startswith("cube = ")]
    exec("\n".join(lines), {"__builtins__": __builtins__, "cube": cube}, names)
    return names["result"]


def test_a_shape_on_a_pattern_leaves_its_channels_out_and_undo_uses_them_again(explore, patterns):
    explorer = explore(patterns, channel=["ky", "kx"])
    before = explorer.result
    call(explorer, "leave_out_channels", outline=SQUARE)
    inside = np.zeros((5, 5), dtype=bool)
    inside[1:4, 1:4] = True
    missing = explorer.result.endmembers.isnull()
    np.testing.assert_array_equal(missing, np.broadcast_to(inside, (2, 5, 5)))
    expected = mf.unmix(patterns, 2, channel=["ky", "kx"], mask=xr.DataArray(~inside, dims=("ky", "kx")))
    best = float(expected.trace.relative_error[-1])
    assert float(explorer.result.trace.relative_error[-1]) == pytest.approx(best, abs=1e-3)
    assert explorer.view.encoded["header"]["parameters"]["area"]["channels"] == ["M1"]
    sent = np.frombuffer(explorer.view.encoded["patterns"], "<f4").reshape(2, 5, 5)
    assert np.isnan(sent[:, inside]).all()
    explorer.undo()
    explorer.wait()
    np.testing.assert_array_equal(explorer.result.endmembers, before.endmembers)
    explorer.redo()
    explorer.wait()
    assert explorer.result.endmembers.isnull().sum() == 2 * inside.sum()
    call(explorer, "use_channels", name="M1")
    assert explorer.settings.area is None
    assert np.isfinite(explorer.result.endmembers).all()


def test_components_keep_their_numbers_and_names_when_channels_go(explore, patterns):
    explorer = explore(patterns, channel=["ky", "kx"])
    explorer.rename(1, "phase")
    maps = explorer.result.abundances
    explorer.leave_out_channels([(-0.1, -0.1), (-0.1, 0.1), (0.1, 0.1), (0.1, -0.1)], name="beam")
    explorer.wait()
    after = explorer.result.abundances
    np.testing.assert_array_equal(after.label, maps.label)
    likeness = np.corrcoef(np.vstack([maps.values.reshape(2, -1), after.values.reshape(2, -1)]))
    assert likeness[0, 2] > likeness[0, 3]
    assert likeness[1, 3] > likeness[1, 2]


def test_code_with_channels_left_out_repeats_what_rerun_shows(explore, patterns):
    explorer = explore(patterns, channel=["ky", "kx"], mask=np.arange(42).reshape(6, 7) > 3)
    call(explorer, "leave_out_channels", outline=SQUARE)
    explorer.rerun()
    explorer.wait()
    code = explorer.code()
    assert "without the channels M1" in code
    np.testing.assert_array_equal(result_of(code, patterns).endmembers, explorer.result.endmembers.values)


def test_channels_that_a_sliding_fft_computes_are_left_out_by_a_step(explore):
    fft = mf.preprocessing.SlidingFFT(size=32, step=16)
    image = mf.datasets.stem_catalyst(seed=0, shape=(256, 256), fft=fft).cube
    explorer = explore(image, preprocess=[fft])
    assert explorer.result.endmembers.shape == (2, 32, 32)
    left_out = explorer.leave_out_channels([(-0.5, -0.5), (-0.5, 0.5), (0.5, 0.5), (0.5, -0.5)])
    explorer.rerun()
    explorer.wait()
    missing = explorer.result.endmembers.isnull()
    assert 0 < int(left_out.sum()) < left_out.size
    np.testing.assert_array_equal(missing, np.broadcast_to(left_out, missing.shape))
    assert np.isfinite(explorer.probe(pixel=[2, 3]).measured.where(~left_out, 0)).all()
    code = explorer.code()
    assert "mf.preprocessing.LeaveOutChannels(" in code
    np.testing.assert_array_equal(result_of(code, image).endmembers, explorer.result.endmembers.values)


def test_channels_of_spectra_are_left_out_by_position_or_mask(explore, cube):
    explorer = explore(cube)
    low, high = float(cube.energy[3]), float(cube.energy[6])
    left_out = explorer.leave_out_channels(between=(high, low))
    assert left_out.values.nonzero()[0].tolist() == [3, 4, 5, 6]
    explorer.wait()
    explorer.leave_out_channels(mask=np.arange(cube.sizes["energy"]) == 0, name="first")
    explorer.wait()
    assert explorer.result.endmembers[0].isnull().values.nonzero()[0].tolist() == [0, 3, 4, 5, 6]
    explorer.use_channels()
    explorer.wait()
    assert np.isfinite(explorer.result.endmembers).all()


def test_what_leaves_nothing_or_fits_nothing_is_refused(explore, cube, patterns):
    explorer = explore(cube)
    with pytest.raises(ValueError, match="no channel is inside"):
        explorer.leave_out_channels(between=(0.0, 1.0))
    with pytest.raises(ValueError, match="no channel is left"):
        explorer.leave_out_channels(between=(0.0, 1e6))
    with pytest.raises(ValueError, match="two channel dimensions"):
        explorer.leave_out_channels(SQUARE)
    with pytest.raises(ValueError, match="give one of"):
        explorer.leave_out_channels()
    with pytest.raises(KeyError, match="none"):
        explorer.use_channels(name="beam")
    with pytest.raises(ValueError, match="one channel dimension"):
        explore(patterns, channel=["ky", "kx"]).leave_out_channels(between=(0, 1))
    binned = explore(cube, preprocess=[mf.preprocessing.Bin(channel=2)])
    with pytest.raises(mf.errors.UnsupportedCombinationError, match="has changed the channels"):
        binned.leave_out_channels(mask=np.arange(cube.sizes["energy"] // 2) == 0)
    assert explorer.settings.area is None


def test_a_session_keeps_the_channels_that_are_left_out(explore, patterns, tmp_path):
    explorer = explore(patterns, channel=["ky", "kx"])
    call(explorer, "leave_out_channels", outline=SQUARE)
    explorer.save(tmp_path / "session.zip")
    again = mf.explore(tmp_path / "session.zip")
    again.wait()
    assert again.settings == explorer.settings
    np.testing.assert_array_equal(again.result.endmembers, explorer.result.endmembers)
    again.close()
