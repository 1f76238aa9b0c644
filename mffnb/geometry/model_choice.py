r"""Choice between the sum-to-one model and the model with a gain per pixel; detection of counts.

.. math:: \rho = \frac{\text{residual of the best affine (k-1)-flat}}{\text{residual of the best rank-k subspace}}

If fractions sum to one, pixels lie on a (k-1)-dimensional flat. Both residuals are then noise, and that of the flat has
one more direction. With v the residual variance per channel and :math:`m = (\sum v)^2 / \sum v^2` the effective number
of channels, noise alone gives rho of about 1 + 1 / (m - k). A gain per pixel makes rho larger.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import linalg, sparse

from mffnb.geometry.abundances import fully_constrained, non_negative
from mffnb.geometry.compression import check_components, compress, require_one_process
from mffnb.matrices import Scaled
from mffnb.matrices.cancellation import checked
from mffnb.matrices.root_view import RootView
from mffnb.protocols.matrix import Matrix
from mffnb.typing import Float64Array

__all__ = ["ModelChoice", "choose_model"]

#: Threshold of rho - 1 for the gain model, in multiples of its expectation for noise. It is well above 1 because real
#: data are slightly nonlinear.
_NOISE_FACTOR = 3.0
#: The same threshold for counts, whose noise is known and was scaled to be uniform.
_COUNTS_NOISE_FACTOR = 1.3
# Rise of `sum_ratio` above 1 at which each pixel has a gain. On 72 simulated scenes (``python -m benchmarks
# accuracy.volume_rule model``: 3 to 6 components, 20 to 40 dB) it was at most 0.008 without a gain, and at least 0.037
# with one of spread 0.03 or more.
_SUM_RISE = 0.03
_SUM_NOISE_FACTOR = 2.0  # the same in multiples of its expectation for noise, for few independent channels
# Up to this multiple of the rise of rho at the threshold, the endmembers found decide, since real data are slightly
# nonlinear and have few independent channels.
_NEAR = 3.0
_RANK = 30
# A smaller relative difference of two sums of squares is dominated by rounding, so the residual is then computed
# directly.
_MIN_RELATIVE_DIFFERENCE = 1e-9


@dataclass(frozen=True, eq=False)
class ModelChoice:
    """Chosen model, and the evidence for it.

    Attributes
    ----------
    gain
        Whether fractions sum to one only up to a gain per pixel.
    rho, threshold
        Ratio of the residuals of flat and subspace (see the module), and the threshold above which a gain is assumed.
    counts
        Whether the data are counts: the variance of the noise equals the mean in each channel.
    columns
        Factors of the channels that make the noise of counts uniform; ones otherwise.

    Examples
    --------
    >>> import numpy as np
    >>> from mffnb.matrices import in_memory
    >>> rng = np.random.default_rng(0)
    >>> X = rng.dirichlet([1, 1], 300) @ rng.random((2, 20)) + 0.01 * rng.standard_normal((300, 20))
    >>> choice = choose_model(in_memory(X), 2)  # fractions that sum to one
    >>> choice.gain, bool(choice.rho < choice.threshold)
    (False, True)
    """

    gain: bool
    rho: float
    threshold: float
    counts: bool
    columns: Float64Array

    @property
    def clear(self) -> bool:
        """Whether rho alone decides: far above the threshold, or for counts, whose noise is known."""
        return self.counts or self.rho - 1 >= _NEAR * (self.threshold - 1)

    @property
    def sum_limit(self) -> float:
        """Value of :func:`sum_ratio` above which each pixel has a gain."""
        return 1 + max(_SUM_RISE, _SUM_NOISE_FACTOR / _NOISE_FACTOR * (self.threshold - 1))


def sum_ratio(matrix: Matrix, endmembers: Float64Array) -> float:
    r"""Compute how much better free abundances fit than fractions that sum to one, for the same endmembers.

    .. math:: \min_{A \ge 0,\, A 1 = 1} \lVert X - A E \rVert^2 \Big/ \min_{A \ge 0} \lVert X - A E \rVert^2

    Examples
    --------
    >>> from mffnb.matrices import in_memory
    >>> E, rng = np.eye(2, 30) + 0.1, np.random.default_rng(0)
    >>> X = rng.dirichlet([1, 1], 400) @ E + 0.01 * rng.standard_normal((400, 30))
    >>> sum_ratio(in_memory(X), E) < 1.1 < sum_ratio(in_memory(2 * X), E)
    True
    """
    E = np.ascontiguousarray(np.maximum(endmembers, 0.0))
    norm, gram, cross = matrix.squared_norm, E @ E.T, matrix.times(E)

    def residual(A: Float64Array) -> float:
        return norm - 2 * float(np.vdot(A, cross)) + float(np.vdot(A @ A.T, gram))

    free = max(residual(non_negative(matrix, E)), _MIN_RELATIVE_DIFFERENCE * norm)
    return residual(fully_constrained(matrix, E)) / free


def choose_model(matrix: Matrix, components: int, seed: int = 0, *, counts: bool = False) -> ModelChoice:
    """Choose between sum-to-one and gain per pixel by the residuals of an affine flat and of a linear subspace.

    Parameters
    ----------
    matrix
        X, (pixels, channels), in the measured units: counts are recognised by their noise.
    components
        Number of endmembers k.
    seed
        Seed of the randomized SVD of X, on which the choice hardly depends.
    counts
        Whether the data are known to be counts, possibly with a factor; False if their noise decides.

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
    require_one_process(matrix)
    check_components(matrix, components)
    mean = matrix.transposed_times(np.full((1, matrix.shape[0]), 1.0))[0] / matrix.shape[0]
    first = _residuals(matrix, components, mean, matrix.squared_norm, seed)
    if not counts and not _is_counts(first.variances, mean):
        return _choice(first, components, _NOISE_FACTOR, np.ones(matrix.shape[1]), counts=False)
    # counts are divided by the square root of their mean.
    columns = np.where(mean > 0, 1 / np.sqrt(np.where(mean > 0, mean, 1.0)), 0.0)
    second = _residuals(levelled(matrix, columns), components, mean * columns, None, seed)
    return _choice(second, components, _COUNTS_NOISE_FACTOR, columns, counts=True)


def levelled(matrix: Matrix, columns: Float64Array) -> Matrix:
    """Return X diag(columns): counts with equal noise in each channel."""
    return matrix.scaled_columns(columns) if isinstance(matrix, RootView) else Scaled(matrix, columns=columns)


@dataclass(frozen=True, eq=False)
class _Residuals:
    """Squared residuals of the affine flat and of the linear subspace, squared scores, and variances per channel."""

    flat: float
    subspace: float
    held: float
    variances: Float64Array


def _residuals(matrix: Matrix, components: int, mean: Float64Array, total: float | None, seed: int) -> _Residuals:
    """Compute squared residuals of the affine flat and of the subspace, and the variance of the latter by channel."""
    pixels = matrix.shape[0]
    data = compress(matrix, max(_RANK, components + 5), seed)
    squares = np.einsum("ri,ri->r", data.left, data.left)
    centred = data.left - data.left.mean(axis=1, keepdims=True)
    flat_values = linalg.eigvalsh(centred @ centred.T)[::-1]
    variances = residual_variances(matrix, data.left[:components], data.right[:components])
    subspace = float(pixels * variances.sum())
    if total is not None and total - squares[:components].sum() > _MIN_RELATIVE_DIFFERENCE * total:
        subspace = float(total - squares[:components].sum())
    # Both residuals are differences from the same total sum of squares, so their difference needs only the leading
    # singular values.
    excess = float(squares[:components].sum() - flat_values[: components - 1].sum()) - pixels * float(mean @ mean)
    return _Residuals(subspace + max(excess, 0.0), subspace, float(squares.sum()), variances)


def residual_variances(matrix: Matrix, left: Float64Array, right: Float64Array) -> Float64Array:
    r"""Compute the mean square of ``R = X - left^T right`` in each channel, (channels,).

    .. math:: \sum_p R_{pc}^2 = \sum_p X_{pc}^2 - 2 \sum_r Y_{rc} (L X)_{rc} + \sum_{rs} Y_{rc} (L L^T)_{rs} Y_{sc}

    with Y = ``right`` and L = ``left``. Where rounding errors dominate this difference, residuals are summed. With X
    distributed over ranks, Y, L and the result have the entries that this rank owns.
    """
    if isinstance(matrix, RootView):
        return matrix.compute(residual_variances, left, right)
    share = matrix.column_axis
    squares = np.zeros(share.block.stop - share.block.start)
    for _, _, band in checked(matrix.bands()):
        # The sum of a scipy matrix, unlike that of an array, has two dimensions.
        band_squares = band.power(2).sum(axis=0) if sparse.issparse(band) else np.einsum("pc,pc->c", band, band)
        squares += np.asarray(band_squares).ravel()
    squares = share.sum_scatter(squares)
    held = np.einsum("rc,rc->c", right, 2 * matrix.transposed_times(left) - matrix.total(left @ left.T) @ right)
    rest = squares - held
    cancelled = np.array(float(np.any(rest <= _MIN_RELATIVE_DIFFERENCE * squares)))
    if float(matrix.total(cancelled)) > 0:  # the same decision on all ranks
        rest = _summed_residuals(matrix, left, right)
    variances: Float64Array = rest / matrix.shape[0]
    return variances


def _summed_residuals(matrix: Matrix, left: Float64Array, right: Float64Array) -> Float64Array:
    """Sum the squares of ``X - left^T right`` in each channel from the residual of each entry, (own channels,)."""
    share = matrix.column_axis
    left, right = matrix.row_axis.gather(left), share.gather(right)
    rest = np.zeros(right.shape[1])
    for start, stop, band in checked(matrix.bands()):
        residual = (band.toarray() if sparse.issparse(band) else band) - left[:, start:stop].T @ right
        rest += np.einsum("pc,pc->c", residual, residual)
    return share.sum_scatter(rest)


def _is_counts(variances: Float64Array, mean: Float64Array) -> bool:
    """Return whether data are counts: variance equals mean in each channel, within the accuracy of the estimate."""
    if np.any(mean < 0) or mean.sum() <= 0:
        return False
    unlike = float(np.abs(variances - mean).sum() / mean.sum())
    return bool(abs(variances.sum() / mean.sum() - 1) < 0.2 and unlike < 0.3)


def _choice(
    found: _Residuals, components: int, noise_factor: float, columns: Float64Array, *, counts: bool
) -> ModelChoice:
    """Return the model choice: compare rho with its threshold, which depends on the effective number of channels."""
    nothing = 1e-12 * found.held
    flat, subspace = (value if value > nothing else 0.0 for value in (found.flat, found.subspace))
    rho = flat / subspace if subspace > 0 else (np.inf if flat > 0 else 1.0)
    shares = found.variances / max(float(found.variances.sum()), np.finfo(float).tiny)
    squares = float((shares**2).sum())
    effective = 1 / squares if squares > 0 else np.inf
    threshold = 1 + noise_factor / max(effective - components, 0.5)
    return ModelChoice(bool(rho >= threshold), float(rho), float(threshold), counts, columns)
