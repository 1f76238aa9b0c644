"""How much pixels, channels and entries count, and entries that are not there."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from scipy import sparse

import mffnb as mf
from mffnb import MatrixFactorization, Sparsity
from mffnb.errors import UnsupportedCombinationError
from mffnb.matrices import Chunked, Dense, Partial, Scaled
from mffnb.matrices.weighting import Weighting
from mffnb.protocols.traits import SimilarityTraits
from mffnb.similarities import Frobenius

pytestmark = [
    pytest.mark.filterwarnings("ignore::mffnb.errors.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::mffnb.errors.DegenerateWarning"),
]
MAP = (6, 8)


@pytest.fixture(scope="module")
def X():
    rng = np.random.default_rng(0)
    return rng.dirichlet(np.full(3, 0.5), 48) @ rng.random((3, 14)) + 0.02 * rng.random((48, 14))


@pytest.fixture(scope="module")
def start():
    rng = np.random.default_rng(1)
    return rng.random((48, 3)) + 0.1, rng.random((3, 14)) + 0.1


def loss(X, W, A, E):
    return float(np.nansum(W * (X - A @ E) ** 2))


def by_alternating_least_squares(X, W, A, E, sweeps):
    """Weighted NMF entry by entry, as the formula says: slow, and nothing shared with the package."""
    A, E, X = A.copy(), E.copy(), np.nan_to_num(X)
    for _ in range(sweeps):
        for factor, other, data, weights in ((A, E, X, W), (E.T, A.T, X.T, W.T)):
            for i, row in enumerate(factor):
                for j in range(len(other)):
                    curvature = np.sum(weights[i] * other[j] ** 2)
                    slope = np.sum(weights[i] * other[j] * (row @ other - data[i]))
                    row[j] = max(0.0, row[j] - slope / curvature)
    return loss(X, W, A, E)


@pytest.mark.parametrize("kind", ["pixels", "channels", "rank one", "entries", "missing"])
def test_reaches_the_minimum_of_the_weighted_loss(X, start, kind):
    rng = np.random.default_rng(2)
    u, v = rng.uniform(0.2, 3, (48, 1)), rng.uniform(0.2, 3, (1, 14))
    W = np.ones_like(X)
    given = None
    data = X
    if kind in ("pixels", "rank one"):
        W, given = W * u, [u]
    if kind in ("channels", "rank one"):
        W, given = W * v, [*(given or []), v]
    if kind == "entries":
        W = given = rng.uniform(0.1, 2, X.shape)
    if kind == "missing":
        W = (rng.random(X.shape) < 0.8).astype(float)
        data = np.where(W > 0, X, np.nan)
    model = MatrixFactorization(3, weights=given, init=start, max_iter=2000, tol=1e-8)
    ours = loss(X, W, model.fit_transform(data), model.components_)
    assert ours <= by_alternating_least_squares(X, W, *start, 400) * (1 + 1e-4)


def test_only_ratios_of_weights_matter(X, start):
    W = np.random.default_rng(3).random(X.shape)
    options = {"abundance_terms": [Sparsity(0.01)], "init": start, "max_iter": 20, "tol": 0}
    once, thrice = (MatrixFactorization(3, weights=w, **options).fit(X).components_ for w in (W, 3 * W))
    np.testing.assert_allclose(once, thrice, rtol=1e-10)


@pytest.mark.parametrize(
    "terms", [{"sparsity": 0.05}, {"smoothness": 0.1}, {"sum_to_one": True, "volume": 1e-2}], ids=str
)
def test_penalties_mean_the_same_in_any_unit_of_data_and_weights(X, terms):
    cube, u = X.reshape(*MAP, -1), np.random.default_rng(4).uniform(0.5, 2, MAP)

    def model(unit, weights):
        return mf.unmix(unit * cube, 3, weights=weights, random_state=0, max_iter=50, **terms).reconstruction() / unit

    np.testing.assert_allclose(model(1e3, "poisson"), model(1.0, "poisson"), atol=1e-9)
    np.testing.assert_allclose(model(1e3, 1e3 * u), model(1.0, u), atol=1e-9)


def test_poisson_scaling_is_that_of_keenan_and_kotula(X):
    weighting = Weighting.of("poisson", Dense(X), Frobenius())
    scaled = np.vstack([band for _, _, band in weighting.matrix.bands()])
    expected = X / np.sqrt(X.mean(axis=1, keepdims=True)) / np.sqrt(X.mean(axis=0))
    np.testing.assert_allclose(scaled / scaled.sum(), expected / expected.sum())


def test_poisson_scaling_takes_empty_pixels_and_channels():
    counts = np.random.default_rng(0).poisson(2.0, (30, 9)).astype(float)
    counts[4], counts[:, 2] = 0, 0
    model = MatrixFactorization(2, weights="poisson", random_state=0, max_iter=50)
    A = model.fit_transform(sparse.csr_array(counts))
    assert np.isfinite(A).all()
    assert (A[4] == 0).all()
    np.testing.assert_allclose(A @ model.components_, model.fit_transform(counts) @ model.components_, atol=1e-8)


def test_scaled_matrices_are_what_their_product_says(X):
    rng = np.random.default_rng(0)
    r, c = rng.random(48), rng.random(14)
    full = r[:, None] * X * c
    for inner in (Dense(X), Chunked(X, band_bytes=1000), mf.matrices.Sparse(sparse.csr_array(X))):
        scaled = Scaled(inner, r, c)
        for matrix, expected in ((scaled, full), (scaled.transposed, full.T)):
            if matrix is None:
                continue
            B, F = rng.random((2, expected.shape[1])), rng.random((2, expected.shape[0]))
            np.testing.assert_allclose(matrix.times(B), B @ expected.T)
            np.testing.assert_allclose(matrix.transposed_times(F), F @ expected)
            np.testing.assert_allclose(matrix.row_squares, (expected**2).sum(axis=1))
            assert matrix.squared_norm == pytest.approx(np.sum(expected**2))
            bands = [band if isinstance(band, np.ndarray) else band.toarray() for _, _, band in matrix.bands()]
            np.testing.assert_allclose(np.vstack(bands), expected)


def test_missing_entries_are_predicted_and_left_alone_in_the_data():
    rng = np.random.default_rng(1)
    values = rng.dirichlet(np.full(3, 0.5), 12 * 14) @ rng.random((3, 20))
    cube = xr.DataArray(values.reshape(12, 14, 20), dims=("y", "x", "energy"))
    holed = cube.where(np.random.default_rng(0).random(cube.shape) > 0.2)
    kept = holed.copy(deep=True)
    result = mf.unmix(holed, 3, max_iter=2000, tol=1e-6, random_state=0)
    gone = holed.isnull().values
    model = result.reconstruction().values
    assert np.linalg.norm(model[gone] - cube.values[gone]) < 0.02 * np.linalg.norm(cube.values[gone])
    assert np.isnan(result.residual().values[gone]).all()
    xr.testing.assert_identical(holed, kept)


def test_weights_of_an_image_come_with_its_dimensions():
    rng = np.random.default_rng(0)
    cube = xr.DataArray(rng.random((4, 5, 7)), dims=("y", "x", "energy"))
    u, v = rng.uniform(1, 2, (4, 5)), rng.uniform(1, 2, 7)
    matrix = cube.values.reshape(20, 7)
    weights = [xr.DataArray(u.T, dims=("x", "y")), v]
    result = mf.unmix(cube, 2, weights=weights, random_state=0)
    model = MatrixFactorization(2, weights=[u.reshape(20, 1), v[None]], random_state=0)
    product = (model.fit_transform(matrix) @ model.components_).reshape(cube.shape)
    np.testing.assert_allclose(result.reconstruction().values, product)
    assert result.parameters["weights"] == ["array (20, 1)", "array (1, 7)"]


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (np.ones(5), "fit neither 48 pixels nor 14 channels"),
        (np.zeros(48), "exclude a pixel or channel with a mask"),
        (-np.ones((48, 14)), "finite and not negative"),
        (np.zeros((48, 14)), "no entry contributes"),
        ("poison", "not known: use 'poisson'"),
    ],
)
def test_errors_say_what_to_do(X, weights, message):
    with pytest.raises(ValueError, match=message):
        MatrixFactorization(2, weights=weights).fit(X)


def test_errors_of_kinds_of_data(X):
    with pytest.raises(ValueError, match="as many pixels as channels"):
        MatrixFactorization(2, weights=np.ones(14)).fit(X[:14])
    with pytest.raises(ValueError, match="need a dense image in memory"):
        MatrixFactorization(2, weights=np.ones(X.shape)).fit(sparse.csr_array(X))
    with pytest.raises(ValueError, match="must not contain NaN"):
        MatrixFactorization(2).fit(sparse.csr_array(np.where(X > 0.5, np.nan, X)))
    assert Partial(X).squared_norm == pytest.approx(np.sum(X**2))


def test_weights_need_a_similarity_that_declares_how_they_act(X):
    class Undeclared:
        def misfit(self, matrix, gain=None, scale=None):
            return Frobenius().misfit(matrix, gain, scale)

        def distance(self, scale):
            return Frobenius().distance(scale)

    class Declared(Undeclared):
        traits = SimilarityTraits(
            label=None, weight_power=0.5, distributed=False, scale_invariant=False, transform=None
        )

    weights = np.random.default_rng(2).random((48, 1)) + 0.1
    with pytest.raises(
        UnsupportedCombinationError, match=r"Undeclared declares no traits.*SimilarityTraits\(weight_power"
    ):
        MatrixFactorization(3, similarity=Undeclared(), weights=weights).fit(X)
    MatrixFactorization(3, similarity=Undeclared(), random_state=0).fit(X)
    as_advised, expected = (
        MatrixFactorization(3, similarity=one, weights=weights, random_state=0).fit(X).components_
        for one in (Declared(), Frobenius())
    )
    np.testing.assert_array_equal(as_advised, expected)
