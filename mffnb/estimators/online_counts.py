"""Online factorization of counts by the Kullback-Leibler divergence, in constant memory.

The method is that of :mod:`mffnb.estimators.online`, with other sums: :mod:`mffnb.estimators.count_sums`. The
endmembers change only when the sample is used, so the sums of all pixels belong to the present ones. Whenever the
number of pixels has grown by a tenth, the endmembers are solved again from the sums and the sample. Whenever it has
grown by a quarter, the sample alone is fitted, from the present endmembers and from a new start, since a component may
have appeared in the meantime. If the new start is better, or if the present endmembers fit the sample worse than its
size explains, the endmembers and sums begin again at a fit of the sample.

A second pass over the data, where they are at hand, computes the sums for the last endmembers without an estimate.

With few counts in a pixel the likelihood has many maxima, and a stream may end at another one than a fit of all pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from copy import copy
from typing import ClassVar

import numpy as np
from scipy import sparse

from mffnb.errors import UnsupportedCombinationError, without_warnings
from mffnb.estimators.count_sums import CountSums, solve_with_sample, spectra_of_sum_one
from mffnb.estimators.fitting import Fitted
from mffnb.estimators.names import named_similarity
from mffnb.estimators.online import OnlineFit, as_rows
from mffnb.estimators.run import FactorizationRun
from mffnb.geometry.matching import spectral_angles
from mffnb.matrices import Dense, Sparse, sparse_if_smaller
from mffnb.problem.formulation import for_new_pixels
from mffnb.problem.problem import Problem
from mffnb.protocols.matrix import Matrix
from mffnb.similarities import KullbackLeibler
from mffnb.threads import single_threaded_blas
from mffnb.typing import Float64Array

_GROWTH = 1.1  # of the number of pixels from one solution for E to the next one
_ITERATIONS = 300  # of one solution for E
# A fit lowers the divergence of its n pixels by the fraction k / n on average, compared with the true endmembers.
_OVERFIT = 4.0  # multiple of k / n from which on the endmembers of all pixels contradict the sample
_PASSES, _AGREE = 4, 0.001  # more passes over a file, until the endmembers change by less than these radians
_FAINT = 1e-9  # smallest entry relative to the mean of a spectrum: a count where all spectra are zero is impossible


class OnlineCounts(OnlineFit):
    """Endmembers that follow a stream of counts; see the module. Parameters are those of :class:`OnlineFit`.

    Raises
    ------
    UnsupportedCombinationError
        For penalties, constraints and weights.
    """

    _lower: ClassVar[float] = 1e-4
    _growth_of_starts: ClassVar[float] = 1.25
    _scale = 1.0  # of the data in the sums

    def __init__(self, run: FactorizationRun, channels: int):
        super().__init__(run, channels)
        terms = [type(term).__name__ for term in (*run.abundance_terms, *run.endmember_terms)]
        given = terms[0] if terms else "weights" if run.weights is not None else ""
        if given:
            raise UnsupportedCombinationError(
                f"a stream of counts takes no penalties, constraints or weights, and {given} was given: leave it out, "
                "use similarity='frobenius', or load the data and call fit"
            )
        self._next_solution = 0

    @property
    def _mean_abundances(self) -> Float64Array:
        return super()._mean_abundances * self.fitted.problem.scale / self._scale

    def add(self, batch: Matrix) -> bool:
        """Process the next pixels, (pixels, channels); return whether the sample was fitted again."""
        if super().add(batch):
            return True
        if self._sums is not None and self.seen >= self._next_solution:
            with single_threaded_blas(), without_warnings():
                self._solve_endmembers(self._sample_matrix())
        return False

    def ended(self) -> OnlineCounts:
        """Return the fit at the end of the stream; this one is not changed, so the stream may go on."""
        if self._sums is None:
            return self
        end = copy(self)
        end._sample, end._next_start = copy(self._sample), 0
        with single_threaded_blas(), without_warnings():
            end._fit_sample()
        return end

    def after_more_passes(self, parts: Callable[[], Iterable[Matrix]]) -> OnlineCounts:
        """Return the fit after more passes over all pixels, until the endmembers of two passes agree."""
        fitted = self
        for _ in range(_PASSES if not self._sample.complete else 0):
            before, fitted = fitted._endmembers, fitted._after_a_pass(parts())
            if np.diag(spectral_angles(before, fitted._endmembers)).max() <= _AGREE:
                break
        return fitted

    def _after_a_pass(self, parts: Iterable[Matrix]) -> OnlineCounts:
        """Return the fit with the sums of all pixels for the present endmembers."""
        end, sums = copy(self), CountSums.zero(self._endmembers.shape)
        end._sample = copy(self._sample)
        with single_threaded_blas(), without_warnings():
            for part in parts:
                rows = self._rows(part)
                if rows.shape[0]:
                    sums = sums + self._solved(as_rows(rows))[1]
            end._sums = sums
            end._solve_endmembers(self._sample_matrix())
        return end

    def _sample_matrix(self) -> Matrix:
        return sparse_if_smaller(as_rows(self._sample.rows))

    def _follow(self, matrix: Matrix) -> Float64Array:
        """Solve the abundances (pixels, k) of new pixels, add these to the sums, and return them."""
        assert isinstance(self._sums, CountSums)
        A, sums = self._solved(matrix)
        self._sums = self._sums + sums
        return np.ascontiguousarray(A.T)

    def _solved(self, matrix: Matrix) -> tuple[Float64Array, CountSums]:
        """Return the abundances (k, pixels) of pixels for the present endmembers, and their sums."""
        problem = self._in_counts(matrix)
        A = self._abundances(problem, self._endmembers)
        return A, CountSums.of(problem, A, self._endmembers)

    def _in_counts(self, matrix: Matrix) -> Problem:
        """Return the problem of pixels with the scale of the sums."""
        if isinstance(matrix, Dense):  # else each half step would search for the counts again
            matrix = Sparse(sparse.csr_array(np.asarray(matrix.array, np.float64)))
        return for_new_pixels(matrix, KullbackLeibler(), (), None, self._scale)

    def _begin(self, fitted: Fitted, matrix: Matrix) -> None:
        """Begin the sums again with a fit of the sample."""
        self._scale = fitted.problem.scale
        E = _positive(fitted.state.endmembers)
        problem = self._in_counts(matrix)
        A = self._abundances(problem, E)
        self._take(fitted, CountSums.of(problem, A, E).times(self.seen / problem.pixels), matrix)
        self._endmembers, self._sample.abundances = E, np.ascontiguousarray(A.T)
        self._next_solution = int(np.ceil(_GROWTH * self.seen))

    def _continue(self, fitted: Fitted, matrix: Matrix) -> None:
        """Solve for the endmembers of all pixels; a fit of a complete sample is that of all pixels."""
        if self._sample.complete:
            self._begin(fitted, matrix)
            return
        self.fitted = fitted
        self._solve_endmembers(matrix)
        problem = self._in_counts(matrix)
        of_all, of_sample = (self._divergence(problem, E) for E in (self._endmembers, fitted.state.endmembers))
        if of_all > (1.0 + _OVERFIT * len(self._endmembers) / problem.pixels) * of_sample:
            self._begin(fitted, matrix)

    def _divergence(self, problem: Problem, endmembers: Float64Array) -> float:
        """Return the divergence of pixels at the best abundances for these endmembers."""
        E = _positive(endmembers)
        A = self._abundances(problem, E)
        return problem.misfit.at_abundances(problem.misfit.abundance_half(A, E), A, E)

    def _solve_endmembers(self, matrix: Matrix) -> None:
        """Set the endmembers of all pixels from their sums and the sample."""
        assert isinstance(self._sums, CountSums)
        self._next_solution = int(np.ceil(_GROWTH * self.seen))
        if self._sample.complete:
            return  # the next fit of the sample is that of all pixels
        # The abundances of the sample are those for the present endmembers, which change here only.
        A = np.ascontiguousarray(self._sample.abundances.T)
        E, self._sums = solve_with_sample(self._in_counts(matrix), self._sums, self._endmembers, A, _ITERATIONS)
        self._endmembers = _positive(E)
        self._sample.abundances = np.ascontiguousarray(A.T)


def _positive(endmembers: Float64Array) -> Float64Array:
    """Return positive spectra of sum 1."""
    E = spectra_of_sum_one(endmembers)
    return spectra_of_sum_one(np.maximum(E, _FAINT / E.shape[1]))


def online_fit(run: FactorizationRun, channels: int) -> OnlineFit:
    """Return the fit of a stream: of counts for the Kullback-Leibler divergence, else of least squares."""
    counts = isinstance(named_similarity(run.similarity), KullbackLeibler)
    return OnlineCounts(run, channels) if counts else OnlineFit(run, channels)
