"""Similarities bound to data: the half problems that they present, and their value."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from scipy import special

from mffnb.kernels import divergence
from mffnb.matrices import Sparse, partial
from mffnb.protocols.half import Half
from mffnb.protocols.matrix import AxisDistribution, Descent, Matrix
from mffnb.protocols.misfit import Step
from mffnb.typing import Float64Array, Total


@dataclass(frozen=True, eq=False)
class LeastSquares:
    r""":math:`\tfrac{1}{2n} \sum_{im} w_{im} (s x_{im} - g_i a_i e_m)^2` over n pixels.

    Where some entries count less than in full (w < 1, or missing), the half problems are those of the data completed
    by the model as it stands: a quadratic that touches the true one there and lies above it elsewhere.
    Source: Srebro & Jaakkola 2003, ICML, section 3 (expectation maximisation).
    """

    matrix: Matrix
    gain: Float64Array | None
    scale: float
    barrier: ClassVar[bool] = False

    @property
    def touching(self) -> bool:
        """Where data are completed by the model."""
        return not self.matrix.complete

    @property
    def zero(self) -> float:
        """D of a model that is zero."""
        return self.scale**2 * self.matrix.squared_norm / self.matrix.shape[0] / 2

    def abundance_half(self, abundances: Float64Array, endmembers: Float64Array) -> Half:
        """N D as a function of A (k, pixels)."""
        data = self._complete(abundances, endmembers)
        cross = _times_gain(self.scale * data.times(endmembers), self.gain)
        weights = None if self.gain is None else self.gain**2
        gram = self.matrix.total(endmembers @ endmembers.T)
        return Half(gram, cross, weights=weights, factor=abundances, total=_sums(self.matrix))

    def endmember_half(self, abundances: Float64Array, endmembers: Float64Array) -> Half:
        """D as a function of E (k, channels)."""
        n = self.matrix.shape[0]
        data = self._complete(abundances, endmembers)
        amounts = _times_gain(abundances, self.gain)
        gram = self.matrix.total(amounts @ amounts.T) / n
        cross = (self.scale / n) * data.transposed_times(amounts)
        return Half(gram, cross, factor=endmembers, total=_sums(self.matrix))

    def in_one_look(self, abundances: Float64Array, endmembers: Float64Array, step: Step) -> tuple[float, Half] | None:
        """Move A block by block of pixels; what moved, and D as a function of E. None where data are not complete."""
        if not self.matrix.complete:
            return None
        move = _Moving(self, abundances, self.matrix.total(endmembers @ endmembers.T), step)
        cross = self.matrix.fused_products(endmembers, move)
        moved, here = move.total()
        n = self.matrix.shape[0]
        square = self.matrix.total(here)
        return moved, Half(square / n, (self.scale / n) * cross, factor=endmembers, total=_sums(self.matrix))

    def at_abundances(self, half: Half, abundances: Float64Array, endmembers: Float64Array) -> float:
        """D from the half problem of A: no other look at complete data."""
        if not self.matrix.complete:
            return self._partial(abundances, endmembers)
        return self.zero + float(self.matrix.total(np.array(half.value(abundances)))) / self.matrix.shape[0]

    def at_endmembers(self, half: Half, abundances: Float64Array, endmembers: Float64Array) -> float:
        """D from the half problem of E: no other look at complete data."""
        if not self.matrix.complete:
            return self._partial(abundances, endmembers)
        return self.zero + float(self.matrix.total(np.array(half.value(endmembers))))

    def _model(self, abundances: Float64Array) -> Float64Array:
        return _times_gain(abundances, self.gain) / self.scale

    def _complete(self, abundances: Float64Array, endmembers: Float64Array) -> Matrix:
        if self.matrix.complete:
            return self.matrix
        return partial.impute_model(self.matrix, self._model(abundances), endmembers)

    def _partial(self, abundances: Float64Array, endmembers: Float64Array) -> float:
        squares = partial.squared_residual(self.matrix, self._model(abundances), endmembers)
        return self.scale**2 * squares / self.matrix.shape[0] / 2


class _Moving:
    """The step of A (k, pixels) for least squares, block by block: a :class:`mffnb.protocols.KnownMove`."""

    def __init__(self, misfit: LeastSquares, abundances: Float64Array, gram: Float64Array, step: Step):
        self._gain, self._scale, self._sums = misfit.gain, misfit.scale, _sums(misfit.matrix)
        self._abundances, self._gram, self._step = abundances, gram, step
        self._seen: dict[int, tuple[float, Float64Array]] = {}  # by block, since they may be done in any order

    def begin(self, rows: slice) -> None:
        """Bring the abundances of these rows to where the step begins."""
        self._step.begin(rows)

    def __call__(self, rows: slice, cross: Float64Array) -> Float64Array:
        """Move the abundances of these rows."""
        self.begin(rows)
        gain = None if self._gain is None else self._gain[rows]
        part = np.ascontiguousarray(self._abundances[:, rows])
        weights = None if gain is None else gain**2
        cross *= self._scale
        half = Half(self._gram, _times_gain(cross, gain), weights=weights, factor=part, total=self._sums)
        moved = self._step(part, half)
        self._abundances[:, rows] = part
        amounts = _times_gain(part, gain)
        self.made(rows, moved, amounts @ amounts.T)
        return amounts

    @cached_property
    def descent(self) -> Descent | None:
        """What the step is for all pixels, if they are all treated alike."""
        if self._gain is not None or not self._abundances.flags.c_contiguous:
            return None
        nothing = np.zeros((len(self._gram), 1))
        half, sweeps = self._step.descent(Half(self._gram, nothing, factor=nothing))
        return Descent(self._abundances, half.gram, self._scale, half.cross[:, 0], sweeps) if sweeps else None

    def made(self, rows: slice, moved: float, square: Float64Array) -> None:
        """Keep what moved, and the Gram matrix of the rows."""
        self._seen[rows.start] = moved, square

    def total(self) -> tuple[float, Float64Array]:
        """What moved, and the Gram matrix, of all rows that are here."""
        parts = [self._seen[start] for start in sorted(self._seen)]
        squares = sum((square for _, square in parts), np.zeros_like(self._gram))  # a rank may have no pixels
        return sum(moved for moved, _ in parts), squares


class Counts(Sparse):
    """Sparse counts, which are looked at where they lie: as one band."""

    @cached_property
    def transposed(self) -> Counts:
        """X^T."""
        return Counts(self.array.T)

    def bands(self) -> Iterator[tuple[int, int, Any]]:
        """Yield (start, stop, rows), all of them."""
        yield 0, self.shape[0], self._rows


@dataclass(frozen=True, eq=False)
class Divergence:
    r""":math:`\tfrac1n \sum_{im} w_{im} [s x_{im} \log (s x_{im} / r_{im}) - s x_{im} + r_{im}]`, r_im = g_i a_i e_m.

    Only entries above zero enter the logarithm, so nothing of the size of X is built, be it dense or sparse.
    """

    matrix: Matrix
    gain: Float64Array | None
    scale: float
    barrier: ClassVar[bool] = True
    touching: ClassVar[bool] = False

    @cached_property
    def zero(self) -> float:
        """D of the best model with a single component: the mean spectrum, at the size of each pixel."""
        if not self.matrix.complete:
            size, spectrum = partial.mean_model(self.matrix)
            A = self.scale * size if self.gain is None else self.scale * size / self.gain
            return self.at_abundances(self.abundance_half(A, spectrum), A, spectrum)
        pixels, spectrum = self._pixel_sums, self.matrix.transposed_times(np.ones((1, len(self._pixel_sums))))[0]
        total = float(self.matrix.total(np.array(spectrum.sum()))) or 1.0
        of_pixels = special.xlogy(pixels, self.scale * pixels).sum()
        of_channels = special.xlogy(spectrum, spectrum / total).sum()
        explained = float(self.matrix.total(np.array(of_pixels + of_channels))) - total
        return self._entropy - self.scale / self.matrix.shape[0] * explained

    @cached_property
    def counts(self) -> Matrix:
        """X, entries times their weight: all that a logarithm sees. Sparse where few of them are not zero."""
        block = self.matrix.block if self.matrix.complete else Sparse.compress_if_small(self.matrix.block)
        return self.matrix.with_block(Counts(block.as_scipy()) if isinstance(block, Sparse) else block)

    def abundance_half(self, abundances: Float64Array, endmembers: Float64Array) -> Half:
        """N D as a function of A (k, pixels), but for a constant."""
        if self.matrix.complete:
            sums = np.repeat(self.matrix.total(endmembers.sum(axis=1))[:, None], abundances.shape[1], axis=1)
        else:
            sums = partial.weight_times(self.matrix, endmembers)
        log = Logarithm(self.counts, self.matrix.column_axis.gather(endmembers), self.scale, of_rows=True)
        return Half(
            _no_gram(endmembers), -_times_gain(sums, self.gain), log=log, factor=abundances, total=_sums(self.matrix)
        )

    def endmember_half(self, abundances: Float64Array, endmembers: Float64Array) -> Half:
        """D as a function of E (k, channels), but for a constant."""
        n = self.matrix.shape[0]
        amounts = _times_gain(abundances, self.gain)
        if self.matrix.complete:
            sums = np.repeat(self.matrix.total(amounts.sum(axis=1))[:, None], endmembers.shape[1], axis=1)
        else:
            sums = partial.weight_times(self.matrix.transposed, amounts)  # type: ignore[arg-type]
        # The gain multiplies the model, which in the logarithm is a constant.
        log = Logarithm(self.counts, self.matrix.row_axis.gather(abundances), self.scale / n, of_rows=False)
        return Half(_no_gram(abundances), -sums / n, log=log, factor=endmembers, total=_sums(self.matrix))

    def in_one_look(self, abundances: Float64Array, endmembers: Float64Array, step: Step) -> None:
        """A likelihood looks at X in its half steps, more than once."""

    def at_abundances(self, half: Half, abundances: Float64Array, endmembers: Float64Array) -> float:
        """D from the half problem of A."""
        value = float(self.matrix.total(np.array(half.value(abundances)))) / self.matrix.shape[0]
        return max(0.0, self._constant + value)

    def at_endmembers(self, half: Half, abundances: Float64Array, endmembers: Float64Array) -> float:
        """D from the half problem of E."""
        return max(0.0, self._constant + float(self.matrix.total(np.array(half.value(endmembers)))))

    @cached_property
    def _constant(self) -> float:
        """What the half problems leave out."""
        if self.gain is None:
            return self._entropy
        of_gain = float(self.matrix.total(np.array(special.xlogy(self._pixel_sums, self.gain).sum())))
        return self._entropy - self.scale * of_gain / self.matrix.shape[0]

    @cached_property
    def _pixel_sums(self) -> Float64Array:
        """Sum over the channels of each own pixel."""
        channels = self.matrix.own_columns.stop - self.matrix.own_columns.start
        return np.asarray(self.matrix.times(np.ones((1, channels)))[0])

    @cached_property
    def _entropy(self) -> float:
        """``sum w (s x log(s x) - s x)``, divided by the number of pixels."""
        here = 0.0
        for of_logarithm, total in self._sums():
            here += of_logarithm + (np.log(self.scale) - 1.0) * total
        return self.scale * float(self.matrix.total(np.array(here))) / self.matrix.shape[0]

    def _sums(self) -> Iterator[tuple[float, float]]:
        """Yield the sums of w x log x and of w x, band by band."""
        if self.matrix.complete:
            for _, _, band in self.counts.bands():
                x = band.ravel() if isinstance(band, np.ndarray) else band.data
                yield divergence.x_log_x(x), float(x.sum())
        else:
            for band, weights in partial.iter_rows_and_weights(self.matrix):
                x = np.nan_to_num(band)
                yield float(special.xlogy(weights * x, x).sum()), float((weights * x).sum())


@dataclass(frozen=True, eq=False)
class Logarithm:
    """The logarithm in a Poisson likelihood, for either factor: see :class:`mffnb.protocols.LogTerm`.

    Parameters
    ----------
    matrix
        X, (pixels, channels).
    basis
        The factor that is held, of all entries of the block.
    weight
        Multiplies the term.
    of_rows
        Whether the factor that moves belongs to the rows of X; else to its columns.
    """

    matrix: Matrix
    basis: Float64Array
    weight: float
    of_rows: bool

    @property
    def share(self) -> AxisDistribution:
        """Whose entries of the factor are whose."""
        return self.matrix.row_axis if self.of_rows else self.matrix.column_axis

    def value(self, factor: Float64Array) -> float:
        """``-w sum x log(F^T B)`` over the counts of the block; infinite where one is given no chance."""
        moving = self.share.gather(factor)
        pixels, channels = (moving, self.basis) if self.of_rows else (self.basis, moving)
        right, total = np.ascontiguousarray(channels.T), 0.0
        for start, _, band in self.matrix.bands():
            total += divergence.log_likelihood(*divergence.as_compressed_rows(band), pixels, start, right)
        return -self.weight * total

    def ratios(self, factor: Float64Array) -> Float64Array:
        """``w f_ji sum_m B_jm x_im / (F^T B)_im``, (k, entries)."""
        return -factor * self.gradient(factor)

    def gradient(self, factor: Float64Array) -> Float64Array:
        """``-w sum_m B_jm x_im / (F^T B)_im``, (k, entries)."""
        moving = self.share.gather(factor)
        out = np.zeros(moving.shape[::-1])
        for pixels, left, right, (indptr, indices, data) in self._aligned(moving):
            model = divergence.model_at_nonzeros(indptr, indices, left, right)
            ratio = np.divide(data, model, out=np.zeros_like(model), where=model > 0)
            if self.of_rows:
                divergence.add_to_rows(indptr, indices, ratio, right, out[pixels])
            else:
                divergence.add_to_columns(indptr, indices, ratio, left, out)
        return -self.weight * self.share.sum_scatter(out.T)

    def bands(self) -> Iterator[tuple[int, int, Any]] | None:
        """Rows of X, or of X^T, one for each entry of the block."""
        oriented = self.matrix if self.of_rows else self.matrix.transposed
        return None if oriented is None else oriented.bands()

    def _aligned(self, factor: Float64Array) -> Iterator[tuple[slice, Float64Array, Float64Array, tuple[Any, ...]]]:
        """Yield (pixels of a band, their factor, the factor of the channels, the band in compressed rows)."""
        pixels, channels = (factor, self.basis) if self.of_rows else (self.basis, factor)
        left, right = np.ascontiguousarray(pixels.T), np.ascontiguousarray(channels.T)
        for start, stop, band in self.matrix.bands():
            yield slice(start, stop), left[start:stop], right, divergence.as_compressed_rows(band)


def _sums(matrix: Matrix) -> Total | None:
    return matrix.total if matrix.shared else None


def _times_gain(factor: Float64Array, gain: Float64Array | None) -> Float64Array:
    return factor if gain is None else factor * gain


def _no_gram(factor: Float64Array) -> Float64Array:
    return np.zeros((len(factor), len(factor)))
