"""Cross-validation of the number of components: prediction error of entries that are hidden from the fit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import xlogy

from mffnb.estimators.factorization import MatrixFactorization
from mffnb.estimators.names import named_similarity
from mffnb.matrices import Partial
from mffnb.matrices.partial import select_rows_and_weights
from mffnb.protocols.matrix import Matrix
from mffnb.similarities.poisson_misfit import PoissonMisfit
from mffnb.solvers.interrupts import require_uninterrupted
from mffnb.solvers.subsampled_start import rows_of
from mffnb.typing import Array, Float64Array

_FLOOR = 1e-3  # fraction of the mean spectrum added to a model of counts: the divergence of x > 0 from zero is infinite


@dataclass(frozen=True, eq=False)
class HeldOutEntries:
    """Random entries of randomly drawn pixels that are hidden from the fit and predicted by the model.

    Attributes
    ----------
    values
        Rows of X for the drawn pixels, (pixels, channels); NaN for missing entries.
    hidden
        Boolean, (pixels, channels): True for hidden entries.
    weights
        Weights of the entries, (pixels, channels); None for equal weights.
    """

    values: Float64Array
    hidden: Array
    weights: Float64Array | None = None

    @classmethod
    def of(cls, matrix: Matrix, share: float, pixels: int, seed: int) -> HeldOutEntries:
        """Draw pixels at random and hide a fraction of their entries.

        Parameters
        ----------
        matrix
            Data matrix X, (pixels, channels), multiplied by its weights.
        share
            Fraction of the entries to hide, between 0 and 1.
        pixels
            Largest number of pixels that are drawn; more pixels take longer and hardly change the estimate.
        seed
            Seed of the random draws of pixels and of entries.
        """
        if not 0 < share < 1:
            raise ValueError(f"the fraction of held-out entries must be between 0 and 1, got {share!r}")
        generator = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(33,)))
        drawn = np.arange(matrix.shape[0])
        if len(drawn) > pixels:
            drawn = np.sort(generator.choice(len(drawn), pixels, replace=False))
        if matrix.complete:
            values = rows_of(matrix, drawn)
            return cls(values, generator.random(values.shape) < share)
        values, weights = select_rows_and_weights(matrix, drawn)
        return cls(values, (generator.random(values.shape) < share) & (weights > 0), weights)

    def error(self, model: MatrixFactorization) -> float:
        """Fit a model to the visible entries and return the relative error of the hidden ones.

        Parameters
        ----------
        model
            Unfitted estimator with k, similarity and penalties.

        Returns
        -------
        float
            |X - A E| / |X| over the hidden entries. For counts: square root of their Kullback-Leibler divergence
            relative to that of the mean spectrum scaled to each pixel. Lower is better.
        """
        shown = Partial(np.where(self.hidden, np.nan, self.values), self.weights)
        A = model.factorize(shown)
        require_uninterrupted(model.outcome_)
        A = A if model.gain_ is None else A * model.gain_[:, None]
        predicted = (A @ model.components_)[self.hidden]
        x, w = self.values[self.hidden], 1.0 if self.weights is None else self.weights[self.hidden]
        if not isinstance(named_similarity(model.similarity).misfit(shown, scale=1.0), PoissonMisfit):
            root = np.sqrt(w)
            size = float(np.linalg.norm(root * x))
            return float(np.linalg.norm(root * (x - predicted))) / size if size > 0 else np.nan
        flat = self._mean_spectrum()[self.hidden]
        flat_divergence = _divergence(x, flat, w)
        predicted = (1 - _FLOOR) * predicted + _FLOOR * flat
        return float(np.sqrt(_divergence(x, predicted, w) / flat_divergence)) if flat_divergence > 0 else np.nan

    def _mean_spectrum(self) -> Float64Array:
        """Return the mean spectrum of the visible entries, scaled to the sum of each pixel, (pixels, channels).

        Half a count is added to each channel, so that no channel has the expectation zero.
        """
        shown = ~self.hidden & np.isfinite(self.values)
        counts = np.where(shown, self.values, 0.0)
        spectrum = (counts.sum(axis=0) + 0.5) / np.maximum(shown.sum(axis=0), 1)
        size = (counts.sum(axis=1) + 0.5) / np.maximum((shown * spectrum).sum(axis=1), np.finfo(np.float64).tiny)
        return np.asarray(size[:, None] * spectrum)


def _divergence(x: Float64Array, model: Float64Array, weights: Float64Array | float) -> float:
    """Return the weighted Kullback-Leibler divergence (half the Poisson deviance) of x from a model, summed."""
    return float(np.sum(weights * (xlogy(x, x / model) - x + model)))
