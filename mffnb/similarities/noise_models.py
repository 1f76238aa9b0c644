"""How large the noise of data is, whatever outliers there are."""

from __future__ import annotations

import numpy as np

from mffnb.matrices import Capped
from mffnb.protocols.matrix import Matrix
from mffnb.similarities.banded_misfits import looks
from mffnb.typing import Float64Array

_SAMPLE = 2**19  # entries of the rows in which noise is looked for
_RANK, _ROUNDS = 8, 10  # of the model that it is measured against, and how often that is fitted
_ORDINARY = (0.1, 0.9)  # quantiles of each channel, beyond which nothing is believed at first
_CUT = 2.0  # of the noise, where residuals are cut
_TO_DEVIATION = 1.4826  # from the median modulus of normal noise to its standard deviation


def noise_level(matrix: Matrix) -> float:
    r"""Standard deviation of the noise, from the data alone.

    A model of rank 8 (a quarter of the smaller side at most) is fitted ten times to a part of the rows, first to data
    that are cut at the outer tenths of each channel, then to data whose residuals are cut at twice the noise found
    before; :math:`\hat\sigma = 1.4826 \operatorname{median} |r|`,
    divided by the root of the share of freedom that the model leaves. It is meant for noise that is much the same
    everywhere. Where more than half of the residuals vanish,
    their root mean square stands in, and where all do, a thousandth of that of the data.

    Parameters
    ----------
    matrix
        X, (pixels, channels); rows with about half a million entries are used.

    Examples
    --------
    >>> import numpy as np
    >>> from mffnb.matrices import Dense
    >>> rng = np.random.default_rng(0)
    >>> X = rng.random((200, 3)) @ rng.random((3, 60)) + rng.normal(0, 0.1, (200, 60))
    >>> X[rng.random(X.shape) < 0.05] = 50.0
    >>> bool(0.08 < noise_level(Dense(X)) < 0.12)
    True
    """
    X, w = _sample(matrix)
    rank = max(1, min(_RANK, min(X.shape) // 4))
    freedom = np.sqrt(max(1 - rank / X.shape[0], 0.1) * max(1 - rank / X.shape[1], 0.1))
    seen = np.where(w > 0, X, np.median(X[w > 0]))
    kept = np.clip(seen, *np.quantile(seen, _ORDINARY, axis=0))  # what sticks out of its channel comes back by and by
    for _ in range(_ROUNDS):
        model = _of_rank(kept, rank)
        residual = X - model
        sigma = float(_TO_DEVIATION * np.median(np.abs(residual[w > 0])) / freedom)
        kept = model + np.where(w > 0, np.clip(residual, -_CUT * sigma, _CUT * sigma), 0.0)
    if sigma > 0:
        return sigma
    spread, size = (float(np.sqrt(np.mean(part[w > 0] ** 2))) for part in (residual, X))
    return spread if spread > 1e-12 * size else 1e-3 * size or 1.0


def tamed(matrix: Matrix, sigma: float) -> Capped:
    """The data without what sticks far out of its channel, to start from.

    Channels are cut at three times the way from their median to their outer tenths, and five times the noise more.

    Parameters
    ----------
    matrix
        X, complete.
    sigma
        Standard deviation of the noise.
    """
    low, middle, high = np.quantile(_sample(matrix)[0], (_ORDINARY[0], 0.5, _ORDINARY[1]), axis=0)
    return Capped(matrix, middle - 3 * (middle - low) - 5 * sigma, middle + 3 * (high - middle) + 5 * sigma)


def _sample(matrix: Matrix) -> tuple[Float64Array, Float64Array]:
    """Evenly spaced rows and the weights there, the same in all processes."""
    rows, columns = matrix.shape
    stride = max(1, rows * columns // _SAMPLE)
    found = np.zeros((2, -(-rows // stride), columns))
    for here, x, w in looks(matrix):
        start = here.start + matrix.own.start
        first = -start % stride
        part = x[first::stride]
        place = slice((start + first) // stride, (start + first) // stride + len(part))
        found[0, place], found[1, place] = part, 1.0 if w is None else w[first::stride]
    X, w = matrix.total(found)
    return X, w


def _of_rank(X: Float64Array, rank: int) -> Float64Array:
    """The nearest matrix of that rank, by the eigenvectors of the smaller side."""
    wide = X.shape[1] > X.shape[0]
    vectors = np.linalg.eigh(X @ X.T if wide else X.T @ X)[1][:, -rank:]
    nearest: Float64Array = vectors @ (vectors.T @ X) if wide else (X @ vectors) @ vectors.T
    return nearest
