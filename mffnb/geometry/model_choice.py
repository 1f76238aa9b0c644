r"""Do abundances sum to one, or only up to a gain per pixel? And are the data counts? The data say.

.. math:: \rho = \frac{\text{residual of the best affine (k-1)-flat}}{\text{residual of the best rank-k subspace}}

Where fractions sum to one, pixels lie on a (k-1)-flat and both residuals are noise, the first one with one more
direction of it. With v the residual variance per channel and :math:`m = (\sum v)^2 / \sum v^2` effective channels,
noise alone lifts rho to about 1 + 1 / (m - k); a gain per pixel lifts it further.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import linalg

from mffnb.geometry.compression import check_components, compress, one_process
from mffnb.matrices import Scaled
from mffnb.protocols.matrix import Matrix
from mffnb.typing import Float64Array

#: So many times the lift that noise alone causes still counts as noise: real data bend a little.
_TOLERATED = 3.0
#: The same for counts, whose noise is known and has been levelled.
_TOLERATED_COUNTS = 1.3
_PROBES, _PROBES_AT_ONCE = 64, 16
_RANK = 30
_DIGITS = 1e-9  # a difference of sums of squares smaller than this part of them is better found directly


@dataclass(frozen=True, eq=False)
class ModelChoice:
    """What the data say about the model.

    Attributes
    ----------
    gain
        Whether fractions sum to one only up to a gain per pixel.
    rho, threshold
        The ratio above, and the value from which on a gain is assumed.
    counts
        Whether the noise is that of counts: in each channel a variance equal to the mean.
    columns
        Factors of the channels that level the noise of counts; ones otherwise.
    """

    gain: bool
    rho: float
    threshold: float
    counts: bool
    columns: Float64Array


def choose_model(matrix: Matrix, components: int, seed: int = 0) -> ModelChoice:
    """Decide by the residuals of a flat and of a subspace.

    Parameters
    ----------
    matrix
        X, (pixels, channels), in the units it was measured in: counts are recognised by their noise.
    components
        Number of endmembers k.
    seed
        Of the random directions in which X is looked at.

    Examples
    --------
    >>> from mffnb.matrices import in_memory
    >>> rng = np.random.default_rng(0)
    >>> fractions, noise = rng.dirichlet([1, 1, 1], 500), 0.01 * rng.standard_normal((500, 40))
    >>> X = fractions @ rng.random((3, 40))
    >>> choose_model(in_memory(X + noise), 3).gain
    False
    >>> choose_model(in_memory(X * rng.uniform(0.5, 2, (500, 1)) + noise), 3).gain
    True
    """
    one_process(matrix)
    check_components(matrix, components)
    mean = matrix.transposed_times(np.full((1, matrix.shape[0]), 1.0))[0] / matrix.shape[0]
    first = _residuals(matrix, components, mean, matrix.squared_norm, seed)
    if not _is_counts(first.variances, mean):
        return _choice(first, components, _TOLERATED, np.ones(matrix.shape[1]), counts=False)
    # Keenan & Kotula 2004, Surf. Interface Anal. 36:203: counts divided by the root of their mean.
    columns = np.where(mean > 0, 1 / np.sqrt(np.where(mean > 0, mean, 1.0)), 0.0)
    level = Scaled(matrix, columns=columns)
    second = _residuals(level, components, mean * columns, None, seed)
    return _choice(second, components, _TOLERATED_COUNTS, columns, counts=True)


@dataclass(frozen=True, eq=False)
class _Residuals:
    flat: float
    subspace: float
    held: float
    variances: Float64Array


def _residuals(matrix: Matrix, components: int, mean: Float64Array, total: float | None, seed: int) -> _Residuals:
    """Squared residuals of the flat and of the subspace, and those of the subspace per channel and pixel."""
    pixels = matrix.shape[0]
    data = compress(matrix, max(_RANK, components + 5), seed)
    squares = np.einsum("ri,ri->r", data.left, data.left)
    centred = data.left - data.left.mean(axis=1, keepdims=True)
    of_flat = linalg.eigvalsh(centred @ centred.T)[::-1]
    variances = _residual_variances(matrix, data.left[:components], data.right[:components], seed)
    subspace = float(pixels * variances.sum())
    if total is not None and total - squares[:components].sum() > _DIGITS * total:
        subspace = float(total - squares[:components].sum())
    # Both leave the same total, so that their difference needs leading values only.
    excess = float(squares[:components].sum() - of_flat[: components - 1].sum()) - pixels * float(mean @ mean)
    return _Residuals(subspace + max(excess, 0.0), subspace, float(squares.sum()), variances)


def _residual_variances(matrix: Matrix, left: Float64Array, right: Float64Array, seed: int) -> Float64Array:
    """Mean square per channel of what ``left^T right`` leaves, (channels,), from random sums of pixels."""
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(16,)))
    squares = np.zeros(matrix.shape[1])
    for _ in range(0, _PROBES, _PROBES_AT_ONCE):
        signs = np.asarray(rng.integers(0, 2, (_PROBES_AT_ONCE, matrix.shape[0])) * 2.0 - 1.0, dtype=np.float64)
        rest = matrix.transposed_times(signs) - (signs @ left.T) @ right
        squares += np.einsum("pc,pc->c", rest, rest)
    return squares / (_PROBES * matrix.shape[0])


def _is_counts(variances: Float64Array, mean: Float64Array) -> bool:
    """Whether the variance is the mean, within the tenth or two to which it is known."""
    if np.any(mean < 0) or mean.sum() <= 0:
        return False
    unlike = float(np.abs(variances - mean).sum() / mean.sum())
    return bool(abs(variances.sum() / mean.sum() - 1) < 0.2 and unlike < 0.3)


def _choice(
    found: _Residuals, components: int, tolerated: float, columns: Float64Array, *, counts: bool
) -> ModelChoice:
    nothing = 1e-12 * found.held
    flat, subspace = (value if value > nothing else 0.0 for value in (found.flat, found.subspace))
    rho = flat / subspace if subspace > 0 else (np.inf if flat > 0 else 1.0)
    shares = found.variances / max(float(found.variances.sum()), np.finfo(float).tiny)
    squares = float((shares**2).sum())
    # Sixty-four random sums overestimate the sum of squared variances by one part in thirty-two.
    effective = (1 + 2 / _PROBES) / squares if squares > 0 else np.inf
    threshold = 1 + tolerated / max(effective - components, 0.5)
    return ModelChoice(bool(rho >= threshold), float(rho), float(threshold), counts, columns)
