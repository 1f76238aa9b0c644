"""Score of a fitted linear model: prediction of channels that the abundances were not fitted to."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from scipy import special

from mffnb.typing import Array, Float64Array

FOLDS = 5
"""Number of groups of channels; each is predicted from the others, so abundances see four fifths of the channels."""

Predict = Callable[[Float64Array, Array], Float64Array]
"""Function of X with NaN in the held-out channels, and of a mask of the others, that returns the model of X."""


def held_out(X: Float64Array, predict: Predict) -> Float64Array:
    """Return the model of each entry of X (pixels, channels), predicted without the data of its group of channels."""
    model = np.full(X.shape, np.nan)
    for kept in _groups(X.shape[1]):
        if kept.any():
            given = np.where(kept, X, np.nan)
            model[:, ~kept] = predict(given, kept)[:, ~kept]
    return model


def _groups(channels: int) -> Iterator[Array]:
    """Yield a mask of the kept channels for each group; a group has every FOLDS-th channel."""
    for first in range(min(FOLDS, channels)):
        kept = np.ones(channels, dtype=bool)
        kept[first::FOLDS] = False
        yield kept


def explained_variance(X: Float64Array, model: Float64Array) -> float:
    r"""Return the explained variance :math:`1 - \sum (x - m)^2 / \sum (x - \bar x)^2` over entries with data.

    The mean spectrum is that of the pixels of X. It is 0 for a model as good as the mean, and 1 for a perfect one.
    """
    used = np.isfinite(X) & np.isfinite(model)
    mean = np.nansum(np.where(used, X, 0.0), axis=0) / np.maximum(used.sum(axis=0), 1)
    missed, spread = (float(np.sum(np.where(used, X - one, 0.0) ** 2)) for one in (model, mean))
    if spread == 0:
        return 1.0 if missed == 0 else 0.0
    return 1.0 - missed / spread


def poisson_log_likelihood(X: Float64Array, model: Float64Array) -> float:
    """Return the mean logarithm of the Poisson probability of the entries of X with data.

    A rate below 1 / pixels counts as 1 / pixels: so many pixels cannot tell a smaller one from zero, and a single count
    where the model is zero would make the score of all pixels infinite.
    """
    used = np.isfinite(X) & np.isfinite(model)
    counts, rates = X[used], np.maximum(model[used], 1.0 / max(1, len(X)))
    terms = special.xlogy(counts, rates) - rates - special.gammaln(counts + 1)
    return float(terms.mean()) if terms.size else 0.0
