"""Misfit of data that the model describes through a fitted transform: X ~ f(b + A E)."""

from __future__ import annotations

import numpy as np

from mffnb.errors import UnsupportedCombinationError
from mffnb.protocols.distance import Measure
from mffnb.protocols.matrix import Matrix
from mffnb.protocols.similarity import EntrywiseSimilarity, Similarity
from mffnb.protocols.transform import FittedTransform
from mffnb.similarities.banded_misfit import BandedMisfit, dense_bands
from mffnb.similarities.bernoulli import Bernoulli
from mffnb.similarities.divergences import BetaDivergence
from mffnb.similarities.measures import Entrywise, LogOdds
from mffnb.transforms import Logistic
from mffnb.typing import Float64Array


def transformed_misfit(
    similarity: Similarity,
    transform: FittedTransform,
    matrix: Matrix,
    gain: Float64Array | None = None,
    offset: Float64Array | None = None,
) -> BandedMisfit:
    """Return the misfit of a similarity for the model X ~ f(b + A E) of given data, which are not scaled.

    Parameters
    ----------
    similarity
        Similarity that is a sum of losses of single entries.
    transform
        Transform f.
    matrix, gain
        Data X and pixel gains, as for :meth:`mffnb.protocols.Similarity.misfit`.
    offset
        Intercept b, (channels,); None to start from the intercept that gives the mean spectrum.

    Raises
    ------
    UnsupportedCombinationError
        If the similarity is not a sum over single entries, or the model has a gain of pixels.
    ValueError
        If data are outside the limits of f.
    """
    name = type(transform).__name__.lower()
    if isinstance(similarity, BetaDivergence):
        similarity.check(matrix)
    _measure(similarity, transform, None)
    if gain is not None:
        raise UnsupportedCombinationError(f"a {name} model has no gain of pixels: leave out the gain")
    start = transform.inverse(_mean_spectrum(matrix, transform))
    zero_model = (
        np.zeros((1, matrix.own.stop - matrix.own.start)),
        np.zeros((1, matrix.own_columns.stop - matrix.own_columns.start)),
    )
    zero = BandedMisfit(matrix, None, 1.0, _measure(similarity, transform, start)).distance(*zero_model)
    intercept = (start if offset is None else offset) if transform.intercept else None
    return BandedMisfit(matrix, None, 1.0, _measure(similarity, transform, intercept), zero)


def _measure(similarity: Similarity, transform: FittedTransform, offset: Float64Array | None) -> Measure:
    """Return the loss of rows between data and transformed model."""
    if isinstance(similarity, Bernoulli) and isinstance(transform, Logistic):
        return LogOdds(offset)
    if isinstance(similarity, EntrywiseSimilarity):
        return Entrywise(similarity.distance(1.0), transform, offset)
    name = type(similarity).__name__
    raise UnsupportedCombinationError(f"{name} looks at whole spectra: leave out the transformation")


def _mean_spectrum(matrix: Matrix, transform: FittedTransform) -> Float64Array:
    """Return the mean of the observed entries of each channel; raise ValueError for data outside the limits of f."""
    sums = np.zeros((2, matrix.shape[1]))
    columns = sums[:, matrix.column_axis.block]
    outside = 0.0
    low, high = transform.limits
    for _, x, w in dense_bands(matrix):
        seen = np.ones_like(x) if w is None else w
        outside += float(((x < low) | (x > high))[seen > 0].sum())
        columns += (x * seen).sum(axis=0), seen.sum(axis=0)
    if float(matrix.total(np.array(outside))) > 0:
        raise ValueError(
            f"a {type(transform).__name__.lower()} model is for data between {low:g} and {high:g}: "
            "divide them by their maximum, or threshold them"
        )
    total, counted = matrix.total(sums)
    return np.asarray(total / np.maximum(counted, 1e-300))
