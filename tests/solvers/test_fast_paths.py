"""However X is kept and read, the default solver goes as low as plain coordinate descent on float64."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

import mffnb as mf
from mffnb import MatrixFactorization
from mffnb.matrices import Chunked, Dense, sparse_if_smaller
from mffnb.selection import match, spectral_angles

pytestmark = [
    pytest.mark.filterwarnings("ignore::mffnb.errors.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::mffnb.errors.DegenerateWarning"),
]


def rows(sample):
    return sample.cube.values.reshape(-1, sample.cube.shape[-1]).astype(float)


def alike():
    """Spectra 0.1 rad apart, as of a remote-sensing scene."""
    rng = np.random.default_rng(0)
    spectra = 1 + 0.3 * np.sin(np.linspace(0, 3, 60)[None] * np.arange(1, 5)[:, None])
    return rng.dirichlet(np.full(4, 0.5), 500) @ spectra + 0.01 * rng.random((500, 60))


PROBLEMS = {
    "counts": lambda: (np.ascontiguousarray(rows(mf.datasets.tof_sims_2d(seed=0, shape=(24, 32)))[:, :300]), 4),
    "diffraction": lambda: (rows(mf.datasets.xdm_film(seed=0, shape=(40, 40))), 6),
    "tunnelling": lambda: (rows(mf.datasets.cits_pnictide(seed=0, shape=(20, 24, 60))), 3),
    "alike": lambda: (alike(), 4),
}


class FromAFile:
    """Rows that are read where they are asked for."""

    def __init__(self, X):
        self.X, self.shape = X, X.shape

    def __getitem__(self, wanted):
        return self.X[wanted]


# What X becomes, and how far above plain coordinate descent the answer may be.
PATHS = {
    "float64": (Dense, 1e-8),
    "float32": (lambda X: Dense(X.astype(np.float32)), 1e-5),
    "by columns": (lambda X: Dense(np.asfortranarray(X)), 1e-8),
    "sparse rows": (sparse.csr_array, 1e-8),
    "sparse columns": (sparse.csc_array, 1e-8),
    "few bytes": (lambda X: sparse_if_smaller(Dense(X)), 1e-8),
    "from a file": (lambda X: Chunked(FromAFile(X), band_bytes=X.nbytes // 4), 1e-8),
}


def objective(X, model):
    """Squared residual in float64, maps fitted anew: what counts are the spectra."""
    A = mf.presets.known_endmembers(model.components_).fit_transform(X)
    return np.sum((X - A @ model.components_) ** 2)


def fitted(X, k, solver, init, max_iter):
    return MatrixFactorization(k, solver=solver, init=init, tol=0, max_iter=max_iter, random_state=0).fit(X)


@pytest.fixture(scope="module")
def plain(request):
    """X, a start, and where 3000 iterations of plain coordinate descent lead from there."""
    X, k = PROBLEMS[request.param]()
    first = MatrixFactorization(k, max_iter=0, random_state=0)
    start = (first.fit_transform(X), first.components_)
    return X, k, start, fitted(Dense(X), k, "hals", start, 3000)


@pytest.mark.parametrize(
    ("plain", "path"),
    [
        pytest.param(name, path, marks=() if name == "counts" or path == "float64" else pytest.mark.slow)
        for name in PROBLEMS
        for path in PATHS
    ],
    indirect=["plain"],
)
def test_as_low_as_plain_coordinate_descent(plain, path):
    X, k, start, slow = plain
    turned, tolerance = PATHS[path]
    fast = fitted(turned(X), k, "auto", start, 1000)
    lowest, reached = objective(X, slow), objective(X, fast)
    apart = spectral_angles(slow.components_, fast.components_[match(slow.components_, fast.components_)]).diagonal()
    if reached > lowest * (1 + tolerance) and apart.max() > 0.01:  # another basin: it must not be worse by habit
        rng = np.random.default_rng(1)
        ratios = []
        for _ in range(10):
            random = rng.random((len(X), k)), rng.random((k, X.shape[1]))
            ends = [fitted(M, k, s, random, n) for M, s, n in ((turned(X), "auto", 300), (Dense(X), "hals", 900))]
            ratios.append(objective(X, ends[0]) / objective(X, ends[1]))
        assert np.median(ratios) <= 1.001
    else:
        assert reached <= lowest * (1 + tolerance)
