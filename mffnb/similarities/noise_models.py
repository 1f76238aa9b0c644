"""Robust estimate of the noise level, and removal of outliers."""

from __future__ import annotations

import numpy as np

from mffnb.matrices import Capped
from mffnb.protocols.matrix import Matrix
from mffnb.similarities.banded_misfit import dense_bands
from mffnb.typing import Float64Array

_SAMPLE = 2**19  # largest number of entries in the sample of rows
_RANK, _ROUNDS = 8, 10  # rank of the reference model, and number of fits
_QUANTILES = (0.1, 0.9)  # quantiles of each channel at which the data of the first fit are clipped
_CLIP = 2.0  # threshold for residuals, in units of the noise level
_TO_DEVIATION = 1.4826  # ratio of standard deviation to median absolute deviation for normal noise


def robust_noise_level(matrix: Matrix) -> float:
    r"""Estimate the standard deviation of the noise from data with outliers.

    A model of rank 8 (at most a quarter of the smaller dimension) is fitted ten times to a sample of rows: first to
    data that are clipped at the 10 % and 90 % quantiles of each channel, then to data whose residuals are clipped at
    twice the previous noise level. The estimate is :math:`\hat\sigma = 1.4826 \operatorname{median} |r|`, divided by
    the square root of the fraction of degrees of freedom that the model leaves. The noise must be nearly constant.
    Where more than half of the residuals are zero, the estimate is their root mean square; where all are zero, it is a
    thousandth of the root mean square of the data.

    Parameters
    ----------
    matrix
        X, (pixels, channels); about half a million entries are used.

    Examples
    --------
    >>> import numpy as np
    >>> from mffnb.matrices import Dense
    >>> rng = np.random.default_rng(0)
    >>> X = rng.random((200, 3)) @ rng.random((3, 60)) + rng.normal(0, 0.1, (200, 60))
    >>> X[rng.random(X.shape) < 0.05] = 50.0
    >>> bool(0.08 < robust_noise_level(Dense(X)) < 0.12)
    True
    """
    X, w = sample_rows(matrix)
    rank = max(1, min(_RANK, min(X.shape) // 4))
    freedom = np.sqrt(max(1 - rank / X.shape[0], 0.1) * max(1 - rank / X.shape[1], 0.1))
    seen = np.where(w > 0, X, np.median(X[w > 0]))
    kept = np.clip(seen, *np.quantile(seen, _QUANTILES, axis=0))
    for _ in range(_ROUNDS):
        model = _of_rank(kept, rank)
        residual = X - model
        sigma = float(_TO_DEVIATION * np.median(np.abs(residual[w > 0])) / freedom)
        kept = model + np.where(w > 0, np.clip(residual, -_CLIP * sigma, _CLIP * sigma), 0.0)
    if sigma > 0:
        return sigma
    spread, size = (float(np.sqrt(np.mean(part[w > 0] ** 2))) for part in (residual, X))
    return spread if spread > 1e-12 * size else 1e-3 * size or 1.0


def without_outliers(matrix: Matrix, sigma: float) -> Matrix:
    """Return data with the outliers of each channel clipped, from which start values are computed.

    The limits are the median plus or minus three times its distance from the 10 % and 90 % quantiles, plus or minus
    five times the noise level.

    Parameters
    ----------
    matrix
        Data matrix X without missing entries.
    sigma
        Standard deviation of the noise.
    """
    low, middle, high = np.quantile(sample_rows(matrix)[0], (_QUANTILES[0], 0.5, _QUANTILES[1]), axis=0)
    low, high = middle - 3 * (middle - low) - 5 * sigma, middle + 3 * (high - middle) + 5 * sigma
    columns = matrix.column_axis.block
    return matrix.with_block(Capped(matrix.block, low[columns], high[columns]))


def sample_rows(matrix: Matrix) -> tuple[Float64Array, Float64Array]:
    """Return a sample of evenly spaced rows of X and their entry weights, the same on all ranks."""
    rows, columns = matrix.shape
    stride = max(1, rows * columns // _SAMPLE)
    found = np.zeros((2, -(-rows // stride), columns))
    of_block = found[..., matrix.column_axis.block]
    for here, x, w in dense_bands(matrix):
        start = here.start + matrix.row_axis.block.start
        first = -start % stride
        part = x[first::stride]
        place = slice((start + first) // stride, (start + first) // stride + len(part))
        of_block[0, place], of_block[1, place] = part, 1.0 if w is None else w[first::stride]
    X, w = matrix.total(found)
    return X, w


def _of_rank(X: Float64Array, rank: int) -> Float64Array:
    """Return the best approximation of an array by one of lower rank, by eigenvectors of the smaller Gram matrix."""
    wide = X.shape[1] > X.shape[0]
    vectors = np.linalg.eigh(X @ X.T if wide else X.T @ X)[1][:, -rank:]
    nearest: Float64Array = vectors @ (vectors.T @ X) if wide else (X @ vectors) @ vectors.T
    return nearest
