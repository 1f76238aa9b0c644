"""Entries that a model was not shown, and how well it foretells them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import xlogy

from mffnb.estimators.factorization import MatrixFactorization
from mffnb.estimators.names import named_similarity
from mffnb.matrices import Partial
from mffnb.matrices.partial import partial_rows
from mffnb.protocols.matrix import Matrix
from mffnb.similarities.misfits import Divergence
from mffnb.solvers.subsampled_start import rows_of
from mffnb.typing import Array, Float64Array

_FLOOR = 1e-3  # share of the mean spectrum in every model of counts: a zero where one is hidden is infinitely bad


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Random entries of some pixels, hidden.

    Attributes
    ----------
    values
        X, (pixels, channels), of pixels drawn at random; NaN where missing.
    hidden
        True where hidden, of that shape.
    weights
        How much entries count, of that shape; None where all count alike.
    """

    values: Float64Array
    hidden: Array
    weights: Float64Array | None = None

    @classmethod
    def of(cls, matrix: Matrix, share: float, pixels: int, seed: int) -> HeldOut:
        """Draw pixels, and of their entries a share.

        Parameters
        ----------
        matrix
            X, (pixels, channels), with its weights in it.
        share
            Of the entries, between 0 and 1.
        pixels
            Most pixels: more cost time and change little.
        seed
            Of both draws.
        """
        if not 0 < share < 1:
            raise ValueError(f"the share of entries that are held out is between 0 and 1, got {share!r}")
        generator = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(33,)))
        drawn = np.arange(matrix.shape[0])
        if len(drawn) > pixels:
            drawn = np.sort(generator.choice(len(drawn), pixels, replace=False))
        if matrix.complete:
            values = rows_of(matrix, drawn)
            return cls(values, generator.random(values.shape) < share)
        values, weights = partial_rows(matrix, drawn)
        return cls(values, (generator.random(values.shape) < share) & (weights > 0), weights)

    def error(self, model: MatrixFactorization) -> float:
        """Fit a model to what is shown, and compare it with what is hidden.

        Parameters
        ----------
        model
            Unfitted; k, similarity and penalties are its own.

        Returns
        -------
        float
            |X - A E| / |X| over hidden entries; for counts the root of their Kullback-Leibler divergence relative to
            that of the mean spectrum at the size of each pixel. Lower is better.
        """
        shown = Partial(np.where(self.hidden, np.nan, self.values), self.weights)
        A = model.factorize(shown)
        A = A if model.gain_ is None else A * model.gain_[:, None]
        found = (A @ model.components_)[self.hidden]
        x, w = self.values[self.hidden], 1.0 if self.weights is None else self.weights[self.hidden]
        if not isinstance(named_similarity(model.similarity).misfit(shown, scale=1.0), Divergence):
            root = np.sqrt(w)
            size = float(np.linalg.norm(root * x))
            return float(np.linalg.norm(root * (x - found))) / size if size > 0 else np.nan
        flat = self._mean_spectrum()[self.hidden]
        of_flat = _divergence(x, flat, w)
        found = (1 - _FLOOR) * found + _FLOOR * flat
        return float(np.sqrt(_divergence(x, found, w) / of_flat)) if of_flat > 0 else np.nan

    def _mean_spectrum(self) -> Float64Array:
        """At the size of each pixel, from what is shown; half a count in each channel, so that none is impossible."""
        shown = ~self.hidden & np.isfinite(self.values)
        counts = np.where(shown, self.values, 0.0)
        spectrum = (counts.sum(axis=0) + 0.5) / np.maximum(shown.sum(axis=0), 1)
        size = (counts.sum(axis=1) + 0.5) / np.maximum((shown * spectrum).sum(axis=1), np.finfo(np.float64).tiny)
        return np.asarray(size[:, None] * spectrum)


def _divergence(x: Float64Array, model: Float64Array, weights: Float64Array | float) -> float:
    return float(np.sum(weights * (xlogy(x, x / model) - x + model)))
