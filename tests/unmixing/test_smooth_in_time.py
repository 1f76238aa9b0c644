"""Smoothness along named dimensions: couples neighbours in time, never in space, never across a gap."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import mffnb as mf
from mffnb.cubes.layout import Layout
from mffnb.cubes.step_weights import step_weights
from mffnb.parallel.distributed_graph import graph_of_rank

SPECTRA = np.array([[1.0, 0.2, 0.0, 0.4, 0.1], [0.0, 0.3, 1.0, 0.1, 0.6]])


def movie(frames=8, shape=(3, 4), seed=0):
    rng = np.random.default_rng(seed)
    amounts = rng.random((frames, *shape, 2))
    values = amounts @ SPECTRA + 0.05 * rng.random((frames, *shape, 5))
    return xr.DataArray(values, dims=("time", "y", "x", "energy"))


def maps_of(cube, *, along="time", weight=0.3, **keywords):
    terms = [mf.Smoothness(weight, along=along)]
    result = mf.unmix(
        cube, 2, known=SPECTRA, abundance_terms=terms, random_state=0, tol=1e-13, max_iter=5000, **keywords
    )
    return result.abundances.values


def adjacency(graph):
    dense = np.zeros((graph.pixels, graph.pixels))
    dense[np.repeat(np.arange(graph.pixels), np.diff(graph.indptr)), graph.indices] = graph.weights
    np.testing.assert_allclose(graph.degree, dense.sum(axis=1), rtol=1e-14)
    return dense


def test_edges_are_between_frames_only_and_the_degree_is_one():
    W = adjacency(Layout.of(movie(4, (2, 3))).graph_along({"time": 1.0}))
    where = np.array(list(np.ndindex(4, 2, 3)))
    apart = np.abs(where[:, None] - where[None])
    neighbours = (apart[..., 0] == 1) & (apart[..., 1:] == 0).all(axis=-1)
    np.testing.assert_array_equal(W, np.where(neighbours, 0.5, 0.0))


def test_all_dimensions_with_one_weight_are_the_ordinary_graph():
    layout = Layout.of(movie(4, (2, 3)))
    named = layout.graph_along({"time": 2.0, "y": 2.0, "x": 2.0})
    np.testing.assert_allclose(adjacency(named), adjacency(layout.graph), rtol=1e-15)
    np.testing.assert_array_equal(named.indices, layout.graph.indices)
    np.testing.assert_array_equal(named.bands, layout.graph.bands)


def test_relative_weights_scale_the_edges_of_each_dimension():
    W = adjacency(Layout.of(movie(4, (2, 3))).graph_along({"time": 3.0, "x": 1.0})).reshape(4, 2, 3, 4, 2, 3)
    assert (W[0, 0, 0, 1, 0, 0], W[0, 0, 0, 0, 0, 1], W[0, 0, 0, 0, 1, 0]) == (3 / 8, 1 / 8, 0.0)


def test_pixels_of_a_frame_may_be_shuffled():
    cube = movie()
    order = np.random.default_rng(1).permutation(12)
    shuffled = cube.copy(data=cube.values.reshape(8, 12, 5)[:, order].reshape(cube.shape))
    maps = maps_of(cube)
    np.testing.assert_allclose(maps_of(shuffled).reshape(2, 8, 12), maps.reshape(2, 8, 12)[..., order], atol=1e-7)
    assert np.abs(maps_of(cube, along=("time", "x")) - maps).max() > 1e-2  # the ordinary penalty is another one


def test_nothing_crosses_a_missing_frame():
    """Frames behind a gap are shuffled in another way than those before it, and no map changes but by the shuffle."""
    cube = movie()
    cube[3] = np.nan
    values = cube.values.reshape(8, 12, 5).copy()
    order = np.random.default_rng(1).permutation(12)
    values[4:] = values[4:, order]
    maps, shuffled = maps_of(cube).reshape(2, 8, 12), maps_of(cube.copy(data=values.reshape(cube.shape)))
    shuffled = shuffled.reshape(2, 8, 12)
    assert np.isnan(maps[:, 3]).all()
    np.testing.assert_allclose(shuffled[:, :3], maps[:, :3], atol=1e-7)
    np.testing.assert_allclose(shuffled[:, 4:], maps[:, 4:][..., order], atol=1e-7)


def test_nothing_crosses_a_masked_pixel():
    mask = np.ones((5, 2, 2), bool)
    mask[2, 0, 1] = False
    layout = Layout.of(movie(5, (2, 2)), mask=mask)
    where = np.argwhere(mask)
    rows, columns = np.nonzero(adjacency(layout.graph_along({"time": 1.0})))
    np.testing.assert_array_equal(np.abs(where[rows] - where[columns]), [[1, 0, 0]] * len(rows))


def test_maps_solve_the_linear_system_of_each_pixel():
    cube = movie(6, (1, 2)) + 1.0  # far from zero, so that no bound is active
    alone = mf.unmix(cube, 1, known=SPECTRA.sum(0)[None], random_state=0, tol=1e-14, max_iter=5000)
    terms = [mf.Smoothness(0.7, along="time")]
    calm = mf.unmix(
        cube, 1, known=SPECTRA.sum(0)[None], random_state=0, tol=1e-14, max_iter=9000, abundance_terms=terms
    )
    chain = np.diag([0.5, 1, 1, 1, 1, 0.5]) - 0.5 * (np.eye(6, k=1) + np.eye(6, k=-1))
    free, smooth = alone.abundances.values[0, :, 0, :], calm.abundances.values[0, :, 0, :]
    # (g + weight L) a = g a_free for one number g, the squared norm of the spectrum in the scaled problem.
    pull, gap = 0.7 * chain @ smooth, free - smooth
    g = float((pull * gap).sum() / (gap**2).sum())
    assert g > 0
    np.testing.assert_allclose(pull, g * gap, atol=1e-5 * np.abs(pull).max())


def test_uneven_frame_times_weigh_each_step_by_its_length():
    cube = movie(5, (2, 2)).assign_coords(time=[0.0, 1.0, 2.0, 10.0, 11.0])
    steps = step_weights({"time": 5, "y": 2, "x": 2}, Layout.of(cube).coords, {"time": 1.0})
    np.testing.assert_allclose(steps[0], [0.5, 0.5, 0.5 / 8, 0.5])
    dates = cube.assign_coords(time=np.array([0, 1, 2, 10, 11], "m8[s]") + np.datetime64("2020-01-01", "ns"))
    np.testing.assert_allclose(
        step_weights({"time": 5, "y": 2, "x": 2}, Layout.of(dates).coords, {"time": 1.0})[0], steps[0]
    )
    maps, even = maps_of(cube, weight=5.0), maps_of(cube.drop_vars("time"), weight=5.0)
    assert np.abs(np.diff(maps[:, 2:4], axis=1)).sum() > np.abs(np.diff(even[:, 2:4], axis=1)).sum()


def test_rounded_times_count_as_even():
    coords = {"time": xr.Variable(("time",), np.round(np.arange(50) / 3, 4))}
    np.testing.assert_array_equal(step_weights({"time": 50}, coords, {"time": 1.0})[0], 0.5)


@pytest.mark.parametrize("along", ["tim", {"time": 0.0}, {"time": -1.0}, (), {"time": np.nan}])
def test_names_and_weights_are_checked(along):
    with pytest.raises(ValueError, match="along"):
        maps_of(movie(), along=along)


def test_a_clock_that_goes_back_is_refused():
    with pytest.raises(ValueError, match="sort the image by it"):
        maps_of(movie(4).assign_coords(time=[0, 2, 1, 3]))


def test_a_list_and_a_second_smoothness_and_a_matrix_are_refused():
    with pytest.raises(ValueError, match="a list of images"):
        maps_of([movie(), movie(seed=1)])
    with pytest.raises(ValueError, match="give one term weights by dimension"):
        maps_of(movie(), smoothness=0.1)
    with pytest.raises(ValueError, match=r"mf\.unmix\(image"):
        mf.MatrixFactorization(2, abundance_terms=[mf.Smoothness(0.1, along="time")]).fit(movie().values.reshape(-1, 5))


class _Rank:
    """A communicator of two ranks that exchanges nothing: enough to build the part of a graph."""

    size = 2

    def __init__(self, rank):
        self.rank = rank

    def allgather(self, value):
        return [value] * 2

    def Split(self, *_):
        return self


@pytest.mark.parametrize("missing", [False, True])
def test_ranks_hold_the_rows_of_the_whole_graph(missing):
    cube = movie(40, (20, 8)).assign_coords(time=np.r_[0:30, 50:60].astype(float))
    if missing:
        cube[:, 3, 2] = np.nan
    layout, along = Layout.of(cube), {"time": 1.0}
    whole = layout.graph_along(along)
    parts = [graph_of_rank(layout, mf.parallel.Grid(_Rank(rank), (2, 1)), along) for rank in (0, 1)]
    assert sum(part.pixels for part in parts) == whole.pixels
    np.testing.assert_array_equal(np.concatenate([part.weights for part in parts]), whole.weights)
    np.testing.assert_array_equal(np.concatenate([part.degree for part in parts]), whole.degree)
    assert all(part.ghosts == cube[0, ..., 0].notnull().sum() for part in parts)


def test_a_still_scene_gets_less_noise_and_stays_sharp():
    """A random map that does not change: smoothness in time lowers its error, smoothness in space adds to it."""
    rng = np.random.default_rng(2)
    still = rng.random((6, 6, 1)) < 0.5
    truth = np.concatenate([still, ~still], axis=-1).astype(float)
    spectra = SPECTRA + 1  # far above the noise, so that no value is negative
    frames = np.broadcast_to(truth @ spectra, (16, 6, 6, 5)) + 0.2 * rng.standard_normal((16, 6, 6, 5))
    cube = xr.DataArray(frames, dims=("time", "y", "x", "energy"))
    errors = []
    for along in (None, "time", ("y", "x")):
        terms = [] if along is None else [mf.Smoothness(1.0, along=along)]
        result = mf.unmix(cube, 2, known=spectra, abundance_terms=terms, random_state=0)
        errors.append(float(np.sqrt(((result.abundances.transpose(..., "component").values - truth) ** 2).mean())))
    none, in_time, in_space = errors
    assert in_time < 0.6 * none
    assert in_space > none
