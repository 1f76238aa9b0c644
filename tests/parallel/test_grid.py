"""Grids of ranks: their shape, and tests/parallel/test_on_ranks.py on two, three and four of them."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import mffnb as mf
from mffnb.graphs import grid as neighbours
from mffnb.parallel.grid import Grid, best_shape, even_cuts
from mffnb.parallel.ranks import pixel_limits
from tests.parallel.pretend import Pretend
from tests.parallel.test_ranks import mpiexec


@pytest.mark.ranks
@pytest.mark.parametrize("ranks", [2, 3, 4])
def test_everything_on_ranks(ranks, tmp_path, monkeypatch):
    root = Path(mf.__file__).parents[1]
    options = ["-q", "-p", "no:cacheprovider", "--rootdir", str(root), "-c", str(root / "pyproject.toml")]
    # Each rank starts pytest: without the plugins of notebooks, xdist and others that takes half as long.
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    options += ["-o", "addopts=--strict-markers --import-mode=importlib"]
    run = mpiexec(ranks, "-m", "pytest", *options, str(root / "tests/parallel/test_on_ranks.py"), cwd=tmp_path)
    assert run.returncode == 0, run.stdout[-5000:] + run.stderr[-2000:]
    assert len(re.findall(r"\d+ passed", run.stdout)) == ranks


@given(size=st.integers(1, 64), pixels=st.integers(1, 10**6), channels=st.integers(1, 10**6))
def test_the_best_shape_moves_fewest_numbers(size, pixels, channels):
    rows, columns = best_shape(size, pixels, channels)
    assert rows * columns == size
    moved = (rows - 1) * channels + (columns - 1) * pixels
    for other in range(1, size + 1):
        if size % other == 0:
            assert moved <= (size // other - 1) * channels + (other - 1) * pixels


@given(rows=st.integers(2, 200), columns=st.integers(1, 300), shape=st.tuples(st.integers(1, 3), st.integers(1, 4)))
def test_pixels_of_a_grid_are_whole_bands_and_all_of_them(rows, columns, shape):
    bands = neighbours((rows, columns)).bands
    if bands.size - 1 < shape[0]:
        with pytest.raises(ValueError, match="start at most"):
            pixel_limits(bands, shape)
        return
    limits = pixel_limits(bands, shape)
    assert limits.size == shape[0] * shape[1] + 1
    assert (limits[0], limits[-1]) == (0, rows * columns)
    assert np.isin(limits, bands).all()
    assert (np.diff(limits) >= 0).all()
    assert (np.diff(limits[:: shape[1]]) > 0).all()  # each row of ranks has pixels


@given(st.lists(st.integers(1, 50), min_size=1, max_size=20), st.integers(1, 30))
def test_even_cuts_are_limits_and_cover_everything(lengths, parts):
    limits = np.concatenate(([0], np.cumsum(lengths)))
    cuts = even_cuts(limits, parts)
    assert cuts.size == parts + 1
    assert (cuts[0], cuts[-1]) == (0, limits[-1])
    assert np.isin(cuts, limits).all()
    assert (np.diff(cuts) >= 0).all()


def test_a_grid_needs_as_many_ranks_as_it_has_places():
    with pytest.raises(ValueError, match="2 x 3 ranks needs 6 of them and there are 4"):
        Grid(Pretend(0, 4), (2, 3))
    assert Grid(Pretend(3, 4), (2, 2)).place == (1, 1)
    assert Grid(Pretend(0, 4)).of_shape_for(64, 20000).shape == (1, 4)
