"""Probabilistic latent semantic indexing (pLSI): counts as a mixture of distributions over the channels."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import scipy
from sklearn.utils.validation import check_is_fitted

from mffnb.errors import ConvergenceWarning, warn
from mffnb.estimators.base import LinearModel
from mffnb.estimators.factorization import MatrixFactorization
from mffnb.estimators.missing_data import find_unobserved, warn_if_unobserved
from mffnb.matrices.checking import as_matrix, drawn_seed
from mffnb.matrices.partial import weight_times
from mffnb.protocols.matrix import Matrix
from mffnb.similarities.log_likelihood import LogLikelihood
from mffnb.solvers import Outcome
from mffnb.typing import Array, Float64Array, Seed


class LatentClasses(LinearModel):
    r"""Model counts by latent classes z: every pixel i is a mixture of distributions over channels m.

    .. math:: \max \sum_{im} x_{im} \log \sum_z P(z)\, P(i \mid z)\, P(m \mid z)

    This is equivalent to NMF with the Kullback-Leibler divergence and normalised factors. Hofmann's EM algorithm and
    the multiplicative updates then take the same steps; the Newton steps that are used here need fewer. NaN marks
    missing entries: the likelihood is that of the others, and counts of classes include those expected in the gaps.

    Source: Hofmann 1999, UAI, 289; Gaussier & Goutte 2005, SIGIR, 601, and Ding, Li & Peng 2008, Computational
    Statistics & Data Analysis 52:3913 (both show the equivalence).

    Parameters
    ----------
    n_components
        Number of classes.
    n_init
        Number of runs, the first from ``init="auto"`` of :class:`mffnb.MatrixFactorization` and the others from random
        start values; the best one is kept.
    max_iter, tol
        As for :class:`mffnb.MatrixFactorization`.
    random_state
        Seed of the random start values.

    Attributes
    ----------
    components_ : ndarray of shape (k, channels)
        Probability P(channel | class) of each channel; rows sum to 1.
    class_probability_ : ndarray of shape (k,)
        Probability P(class) of each class.
    pixel_probability_ : ndarray of shape (pixels, k)
        Probability P(pixel | class) of each pixel; columns sum to 1.
    log_likelihood_ : float
        Maximised log-likelihood.
    n_iter_ : int
        Number of iterations of the best run.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.array([[8, 2, 0, 0], [4, 1, 0, 0], [0, 0, 3, 9]])
    >>> model = LatentClasses(2, random_state=0)
    >>> counts = model.fit_transform(X)
    >>> counts.sum(axis=1).round(6), np.sort(model.class_probability_.round(3))
    (array([10.,  5., 12.]), array([0.444, 0.556]))
    """

    missing_entries: ClassVar[bool] = True

    def __init__(
        self,
        n_components: int = 2,
        *,
        n_init: int = 1,
        max_iter: int = 2000,
        tol: float = 1e-5,
        random_state: Seed = None,
    ):
        self.n_components = n_components
        self.n_init = n_init
        self.max_iter = max_iter
        self.tol = tol
        self.random_state = random_state

    def fit_transform(self, X: Array | Matrix, y: None = None) -> Float64Array:
        """Fit to counts X (pixels, channels); return the counts of each class in each pixel, (pixels, k)."""
        matrix = as_matrix(self, X, reset=True, missing=True)
        unobserved = find_unobserved(matrix)
        warn_if_unobserved(matrix, unobserved)
        if not (isinstance(self.n_init, (int, np.integer)) and self.n_init >= 1):
            raise ValueError(f"n_init must be a whole number >= 1, got {self.n_init!r}")
        least = min((float(band.min()) for _, _, band in matrix.bands()), default=0.0)
        if float(matrix.total(np.array(float(least < 0)))) > 0:
            raise ValueError(
                f"Negative values in data passed to {type(self).__name__}, which is for counts: "
                "clip them with numpy.maximum(X, 0), or use mffnb.presets.nmf"
            )
        seed = drawn_seed(self.random_state)
        best, sizes = self._run(matrix, "auto", seed)
        for attempt in range(1, self.n_init):
            model, found = self._run(matrix, "random", seed + attempt)
            if model.objective_ < best.objective_:
                best, sizes = model, found
        if best.outcome_ is Outcome.MAX_ITER:
            warn(best.outcome_.value, ConvergenceWarning)
        self.model_, self.n_iter_ = best, best.n_iter_
        best.components_ = unobserved.blank_spectra(best.components_)
        spectra = np.nan_to_num(best.components_)
        amounts = _amounts(matrix, sizes, spectra)
        of_classes = matrix.total(amounts.sum(axis=0))
        self.class_probability_ = of_classes / (of_classes.sum() or 1.0)
        self.pixel_probability_ = amounts / np.where(of_classes > 0, of_classes, 1.0)
        self.components_ = unobserved.blank_spectra(_rows_to_one(spectra, ~unobserved.channels))
        chances = np.nan_to_num(self.components_)
        here = -LogLikelihood(matrix, chances, 1.0, of_rows=True).value(np.ascontiguousarray(amounts.T))
        counts = float(of_classes.sum() if matrix.complete else matrix.total(_totals(matrix).sum()))
        self.log_likelihood_ = float(matrix.total(np.array(here))) - scipy.special.xlogy(counts, counts)
        self.pixel_probability_ = unobserved.blank(self.pixel_probability_)
        self._n_features_out = len(of_classes)
        return unobserved.blank(amounts)

    def transform(self, X: Array | Matrix) -> Float64Array:
        """Return the counts of each fitted class in each pixel of X (pixels, channels), (pixels, k)."""
        check_is_fitted(self)
        matrix = as_matrix(self, X, reset=False, missing=True)
        sizes = np.nan_to_num(self.model_.transform(matrix))
        return find_unobserved(matrix).blank(_amounts(matrix, sizes, np.nan_to_num(self.model_.components_)))

    def __sklearn_tags__(self) -> Any:
        """Declare to scikit-learn that counts are not negative."""
        tags = super().__sklearn_tags__()
        tags.input_tags.positive_only = True
        return tags

    def _run(self, matrix: Matrix, init: str, seed: int) -> tuple[MatrixFactorization, Float64Array]:
        """Fit the factorization once; return the fitted model and its abundances (pixels, k)."""
        model = MatrixFactorization(
            self.n_components, similarity="kl", init=init, max_iter=self.max_iter, tol=self.tol, random_state=seed
        )
        return model, model.factorize(matrix)


def _totals(matrix: Matrix) -> Float64Array:
    """Return the total count of each pixel, (pixels,)."""
    return np.asarray(matrix.times(np.ones((1, matrix.shape[1])))[0])


def _amounts(matrix: Matrix, sizes: Float64Array, spectra: Float64Array) -> Float64Array:
    """Return the counts of each class in each pixel, (pixels, k), for sizes (pixels, k) of its spectra (k, channels).

    The model of a pixel has as many counts in its observed channels as the data, which maximises the likelihood.
    """
    totals, shares = _totals(matrix), sizes * spectra.sum(axis=1)
    observed = shares if matrix.complete else sizes * weight_times(matrix, spectra[:, matrix.own_columns]).T
    whole = observed.sum(axis=1)
    size = np.divide(totals, whole, out=np.zeros_like(totals), where=whole > 0)
    amounts: Float64Array = shares * size[:, None]
    amounts[whole <= 0] = (totals[whole <= 0] / shares.shape[1])[:, None]
    return amounts


def _rows_to_one(rows: Float64Array, there: Array) -> Float64Array:
    """Normalise rows to probability distributions; a class without counts gets the uniform one over these columns."""
    sums = rows.sum(axis=1, keepdims=True)
    return np.where(sums > 0, rows / np.where(sums > 0, sums, 1.0), there / np.count_nonzero(there))
