"""Selected rows and columns of an array: equal to the bit to a copy of them, without a copy in memory."""

import tracemalloc

import numpy as np
import pytest
import xarray as xr

import mffnb as mf
from mffnb.cubes.layout import Layout
from mffnb.matrices import Gathered, Partial, Selection, gathered, in_memory, selected
from mffnb.matrices.block_products import native
from mffnb.protocols.row_update import Move

ROWS, COLUMNS = 700, 900  # several blocks of each type of number


@pytest.fixture
def never_copied(monkeypatch):
    """Gather every selection, however small it is."""
    monkeypatch.setattr(gathered, "_COPY_BYTES", 0)
    monkeypatch.setattr(gathered, "_COPY_FRACTION", 0.0)
    monkeypatch.setattr(gathered, "BLOCK_BYTES", 2**17)
    monkeypatch.setattr("mffnb.matrices.dense.BLOCK_BYTES", 2**17)


def numbers(kind):
    rng = np.random.default_rng(0)
    return rng.poisson(3.0, (ROWS, COLUMNS)).astype(kind), rng.random(ROWS) < 0.7, rng.random(COLUMNS) < 0.7


def of(mask, mode, which):
    return mask if mode in (which, "both") else None


@pytest.mark.parametrize("kind", ["uint8", "uint16", "float32", "float64", "int32"])
@pytest.mark.parametrize("mode", ["rows", "columns", "both"])
@pytest.mark.parametrize("turned", [False, True])
def test_products_have_the_bits_of_those_of_a_copy(never_copied, kind, mode, turned):
    X, rows, columns = numbers(kind)
    some = selected(X, of(rows, mode, "rows"), of(columns, mode, "columns"))
    assert isinstance(some, Selection)
    copy = X[of(rows, mode, "rows") if mode != "columns" else slice(None)]
    copy = np.ascontiguousarray(native(copy[:, columns] if mode != "rows" else copy))
    here, there = Gathered(some), in_memory(copy)
    if turned:
        here, there = here.transposed, in_memory(np.ascontiguousarray(copy.T))
    assert here.shape == there.shape
    rng = np.random.default_rng(1)
    E, A = rng.random((3, here.shape[1])), rng.random((3, here.shape[0]))
    move: Move = lambda rows, cross: np.maximum(cross, 1.0)  # noqa: E731
    for one, other in zip(
        (here.times(E), here.transposed_times(A), here.fused_products(E, move), here.row_squares),
        (there.times(E), there.transposed_times(A), there.fused_products(E, move), there.row_squares),
        strict=True,
    ):
        np.testing.assert_array_equal(one, other)
    assert (here.squared_norm, here.negative_squares()) == (there.squared_norm, there.negative_squares())


def test_a_small_selection_is_copied_and_all_of_an_array_is_the_array():
    X, rows, columns = numbers("float32")
    assert selected(X, None, None) is X
    np.testing.assert_array_equal(selected(X, rows, columns), X[np.ix_(rows, columns)])
    np.testing.assert_array_equal(np.asarray(Selection(X, np.flatnonzero(rows))), X[rows])
    assert selected(X.astype(int), None, None).dtype == np.float64


def masked_cube(kind, gaps=False):
    rng = np.random.default_rng(3)
    X = rng.dirichlet(np.ones(3), 600) @ rng.gamma(0.5, 20.0, (3, 80))
    X = rng.poisson(X).astype(kind).reshape(20, 30, 80)
    if gaps:
        X[::3, ::4, ::7] = np.nan
    mask = rng.random((20, 30)) < 0.8
    return xr.DataArray(X, dims=("y", "x", "mass")), [mask, rng.random(80) < 0.8]


@pytest.mark.filterwarnings("ignore::mffnb.errors.MffnbWarning")  # runs end early
@pytest.mark.parametrize("order", [("y", "x", "mass"), ("mass", "y", "x")])
@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("float32", {}),
        ("float32", {"smoothness": 1e-3}),
        ("int32", {"weights": "poisson"}),
        ("float64", {"similarity": "kl"}),
        ("float32", {"volume": "auto"}),
        ("float64", {"weights": "entries"}),
        ("float64", {"gaps": True}),
    ],
)
def test_a_masked_cube_is_unmixed_as_its_copy_is(kind, settings, order, monkeypatch):
    settings = dict(settings)
    cube, mask = masked_cube(kind, settings.pop("gaps", False))
    if settings.get("weights") == "entries":
        settings["weights"] = xr.DataArray(np.random.default_rng(4).uniform(0.5, 1.0, cube.shape), dims=cube.dims)
    mask = [xr.DataArray(one, dims=dims) for one, dims in zip(mask, (("y", "x"), "mass"), strict=True)]
    cube = cube.transpose(*order)
    options = {"mask": mask, "channel": "mass", "max_iter": 20, "random_state": 0, **settings}
    before = mf.unmix(cube, 3, **options)
    monkeypatch.setattr(gathered, "_COPY_BYTES", 0)
    monkeypatch.setattr(gathered, "_COPY_FRACTION", 0.0)
    after = mf.unmix(cube, 3, **options)
    np.testing.assert_allclose(after.endmembers, before.endmembers, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(after.abundances, before.abundances, rtol=1e-9, atol=1e-12)
    if order[-1] == "mass":
        np.testing.assert_array_equal(after.endmembers, before.endmembers)


def test_missing_entries_of_a_masked_cube_are_not_copied(never_copied):
    cube, mask = masked_cube("float32", gaps=True)
    matrix = Layout.of(cube, mask=mask).matrix(cube)
    assert isinstance(matrix, Partial)
    assert isinstance(matrix.array, Selection)


def test_a_large_masked_cube_is_not_copied(monkeypatch):
    monkeypatch.setattr(gathered, "_COPY_BYTES", 2**26)
    X = np.ones((40, 50, 12000), np.float32)  # 96 MB
    cube = xr.DataArray(X, dims=("y", "x", "mass"))
    mask = np.ones((40, 50), bool)
    mask[::4, ::3] = False
    tracemalloc.start()
    try:
        matrix = Layout.of(cube, mask=mask).matrix(cube)
        matrix.times(np.ones((2, 12000)))
        beyond = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert isinstance(matrix, Gathered)
    assert beyond < 0.3 * X.nbytes
