"""Least-squares misfit bound to data, with its half-step subproblems."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar

import numpy as np

from mffnb.matrices import partial
from mffnb.protocols.half import Half
from mffnb.protocols.matrix import Matrix
from mffnb.protocols.misfit import FactorUpdate
from mffnb.protocols.row_update import Descent
from mffnb.typing import Float64Array


@dataclass(frozen=True, eq=False)
class QuadraticMisfit:
    r"""Least squares, :math:`\tfrac{1}{2n} \sum_{im} w_{im} (s x_{im} - g_i a_i e_m)^2` over n pixels.

    Where entries have weights w < 1 or are missing, the half-step subproblems are those of data completed by the
    current model: quadratic majorizers of the true ones.
    Source: Srebro & Jaakkola 2003, ICML, section 3 (expectation maximisation).
    """

    matrix: Matrix
    gain: Float64Array | None
    scale: float
    barrier: ClassVar[bool] = False
    intercept: ClassVar[Float64Array | None] = None

    @property
    def majorized(self) -> bool:
        """Whether missing or weighted data are completed by the model, so that subproblems are majorizers."""
        return not self.matrix.complete

    @property
    def zero(self) -> float:
        """Value D of the zero model, to which errors are relative."""
        return self.scale**2 * self.matrix.squared_norm / self.matrix.shape[0] / 2

    def abundance_half(self, abundances: Float64Array, endmembers: Float64Array) -> Half:
        """Return the subproblem of A (k, pixels): n D as a function of A, up to a constant."""
        data = self._complete(abundances, endmembers)
        cross = times_gain(self.scale * data.times(endmembers), self.gain)
        weights = None if self.gain is None else self.gain**2
        gram = self.matrix.total(endmembers @ endmembers.T)
        return over_ranks(Half(gram, cross, weights=weights, factor=abundances), self.matrix)

    def endmember_half(self, abundances: Float64Array, endmembers: Float64Array) -> Half:
        """Return the subproblem of E (k, channels): D as a function of E, up to a constant."""
        n = self.matrix.shape[0]
        data = self._complete(abundances, endmembers)
        amounts = times_gain(abundances, self.gain)
        gram = self.matrix.total(amounts @ amounts.T) / n
        cross = (self.scale / n) * data.transposed_times(amounts)
        return over_ranks(Half(gram, cross, factor=endmembers), self.matrix)

    def in_one_pass(
        self, abundances: Float64Array, endmembers: Float64Array, update: FactorUpdate
    ) -> tuple[float, Half] | None:
        """Update A block by block and form the subproblem of E in the same pass; None for incomplete data."""
        if not self.matrix.complete:
            return None
        move = _BlockUpdate(self, abundances, self.matrix.total(endmembers @ endmembers.T), update)
        cross = self.matrix.fused_products(endmembers, move)
        moved, here = move.total()
        n = self.matrix.shape[0]
        square = self.matrix.total(here)
        return moved, over_ranks(Half(square / n, (self.scale / n) * cross, factor=endmembers), self.matrix)

    def at_abundances(self, half: Half, abundances: Float64Array, endmembers: Float64Array) -> float:
        """Return D(A, E) from the subproblem of A, without another pass over X if the data are complete."""
        if not self.matrix.complete:
            return self._partial(abundances, endmembers)
        return self.zero + float(self.matrix.total(np.array(half.value(abundances)))) / self.matrix.shape[0]

    def at_endmembers(self, half: Half, abundances: Float64Array, endmembers: Float64Array) -> float:
        """Return D(A, E) from the subproblem of E, without another pass over X if the data are complete."""
        if not self.matrix.complete:
            return self._partial(abundances, endmembers)
        return self.zero + float(self.matrix.total(np.array(half.value(endmembers))))

    def _model(self, abundances: Float64Array) -> Float64Array:
        return times_gain(abundances, self.gain) / self.scale

    def _complete(self, abundances: Float64Array, endmembers: Float64Array) -> Matrix:
        if self.matrix.complete:
            return self.matrix
        return partial.impute_model(self.matrix, self._model(abundances), endmembers)

    def _partial(self, abundances: Float64Array, endmembers: Float64Array) -> float:
        squares = partial.squared_residual(self.matrix, self._model(abundances), endmembers)
        return self.scale**2 * squares / self.matrix.shape[0] / 2


class _BlockUpdate:
    """Update of A (k, pixels) for least squares, block by block: a :class:`mffnb.protocols.KnownMove`."""

    def __init__(self, misfit: QuadraticMisfit, abundances: Float64Array, gram: Float64Array, update: FactorUpdate):
        self._gain, self._scale, self._matrix = misfit.gain, misfit.scale, misfit.matrix
        self._abundances, self._gram, self._update = abundances, gram, update
        # Results are stored by the first row of a block, because blocks may be processed in any order.
        self._done: dict[int, tuple[float, Float64Array]] = {}

    def begin(self, rows: slice) -> None:
        """Set the abundances of these rows (pixels) to their values at the start of the update."""
        self._update.begin(rows)

    def __call__(self, rows: slice, cross: Float64Array) -> Float64Array:
        """Update the abundances of these rows (pixels), given their cross product, and return them."""
        self.begin(rows)
        gain = None if self._gain is None else self._gain[rows]
        part = np.ascontiguousarray(self._abundances[:, rows])
        weights = None if gain is None else gain**2
        cross *= self._scale
        half = over_ranks(Half(self._gram, times_gain(cross, gain), weights=weights, factor=part), self._matrix)
        moved = self._update(part, half)
        self._abundances[:, rows] = part
        amounts = times_gain(part, gain)
        self.record(rows, moved, amounts @ amounts.T)
        return amounts

    @cached_property
    def descent(self) -> Descent | None:
        """The update as coordinate descent, if it has this form, the same for all pixels; otherwise None."""
        if self._gain is not None or not self._abundances.flags.c_contiguous:
            return None
        zeros = np.zeros((len(self._gram), 1))
        half, sweeps = self._update.descent(Half(self._gram, zeros, factor=zeros))
        return Descent(self._abundances, half.gram, self._scale, half.cross[:, 0], sweeps) if sweeps else None

    def record(self, rows: slice, moved: float, square: Float64Array) -> None:
        """Record the squared step and the Gram matrix of the abundances of these rows."""
        self._done[rows.start] = moved, square

    def total(self) -> tuple[float, Float64Array]:
        """Return the sum of the squared steps, and the Gram matrix of A, over all rows of this rank."""
        parts = [self._done[start] for start in sorted(self._done)]
        squares = sum((square for _, square in parts), np.zeros_like(self._gram))  # zeros if a rank has no pixels
        return sum(moved for moved, _ in parts), squares


def over_ranks(half: Half, matrix: Matrix) -> Half:
    """Return a half-step subproblem with the sum and the minimum over all ranks; unchanged if there is one process."""
    return replace(half, total=matrix.total, minimum=matrix.minimum) if matrix.shared else half


def times_gain(factor: Float64Array, gain: Float64Array | None) -> Float64Array:
    """Return a factor (k, pixels) multiplied by the gain of each pixel, or unchanged without gains."""
    return factor if gain is None else factor * gain
