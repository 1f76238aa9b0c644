r"""Online matrix factorization: pixels arrive in batches, endmembers follow, memory does not grow with the stream.

Batches are seen once. The misfit of all pixels, as a function of E for abundances A that are held, depends on the data
through two sums only:

.. math:: \tfrac1n \Bigl[ \tfrac12 \operatorname{tr}(E^T G E) - \langle C, E \rangle \Bigr],
          \qquad G = \sum_t A_t^T A_t, \quad C = \sum_t A_t^T X_t

A batch is processed in two steps: its abundances are solved for the current E, then E is updated by the solver's half
step with the sums. Source: Mairal, Bach, Ponce & Sapiro 2010, JMLR 11:19, "Online learning for matrix factorization and
sparse coding", algorithm 1.

The abundances in these sums are those of past endmembers, which would slow E down. So a uniform random sample of all
pixels is kept (:class:`mffnb.estimators.reservoir.Reservoir`) with their abundances in the sums. Whenever the number of
pixels has grown by a quarter, the sample is fitted to convergence from the present factors, and the sums are corrected
by the change of the abundances in the sample, extrapolated to all pixels (a control variate). Whenever the number of
pixels has doubled, the sample is fitted from a new start as well, since a component may have appeared in the meantime.
If that fit is better, it replaces E, with its components in their old order, and the sums.

Without penalties, many E fit the data equally well, and E then depends on the order in which pixels arrived. At the end
of the stream (:meth:`OnlineFit.ended`) the sample is therefore fitted from a new start once more. If its objective is
the same within ``tol``, or lower, and its endmembers differ, it is taken: the answer is then the one at which a fit of
all pixels stops, and does not depend on the order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from copy import copy
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from scipy import sparse

from mffnb.constraints import Fixed, Pinned
from mffnb.errors import UnsupportedCombinationError, without_warnings
from mffnb.estimators.ball_constraint import ball_multipliers
from mffnb.estimators.count_sums import CountSums
from mffnb.estimators.fitting import Fitted, fit
from mffnb.estimators.names import named_similarity, named_solver, named_transform
from mffnb.estimators.new_pixels import solve_abundances
from mffnb.estimators.reservoir import Reservoir
from mffnb.estimators.run import FactorizationRun
from mffnb.geometry.matching import match, spectral_angles
from mffnb.matrices import Chunked, Dense, Partial, Sparse, in_memory, sparse_if_smaller
from mffnb.matrices.block_products import CompressedRows
from mffnb.matrices.checking import drawn_seed
from mffnb.problem.compatibility import Gauge
from mffnb.problem.formulation import fitted_transform, for_new_pixels
from mffnb.problem.normalisation import in_data_units
from mffnb.problem.problem import Problem
from mffnb.protocols.capabilities import traits_of
from mffnb.protocols.half import Half
from mffnb.protocols.matrix import Matrix
from mffnb.protocols.part_results import is_own, update_factor
from mffnb.similarities import Frobenius, KullbackLeibler
from mffnb.solvers import Extrapolated
from mffnb.threads import single_threaded_blas
from mffnb.typing import Array, Float64Array

_UPDATES = 10  # half steps of E after each batch; they cost nothing beside the abundances of the batch
_GROWTH = 1.25  # of the number of pixels from one fit of the sample to the next one
_SAME = 0.01  # rad, difference of endmembers up to which two fits are the same solution


@dataclass(frozen=True, eq=False)
class Sums:
    """Sums over the pixels of a stream on which the half step of E depends.

    Attributes
    ----------
    gram, cross
        G (k, k) and C (k, channels), in the units of the scaled problem.
    amounts
        Sum of the abundances, (k,).
    pixels
        Number of pixels.
    """

    gram: Float64Array
    cross: Float64Array
    amounts: Float64Array
    pixels: float

    @classmethod
    def of(cls, problem: Problem, abundances: Float64Array, endmembers: Float64Array, pixels: int) -> Sums:
        """Return the sums of a problem and its factors, scaled to another number of pixels."""
        half = problem.misfit.endmember_half(abundances, endmembers)
        return cls(pixels * half.gram, pixels * half.cross, pixels * abundances.mean(axis=1), pixels)

    def __add__(self, other: Sums) -> Sums:
        return Sums(
            self.gram + other.gram, self.cross + other.cross, self.amounts + other.amounts, self.pixels + other.pixels
        )

    def __sub__(self, other: Sums) -> Sums:
        return Sums(
            self.gram - other.gram, self.cross - other.cross, self.amounts - other.amounts, self.pixels - other.pixels
        )

    def rescaled(self, scale: float, sizes: Float64Array) -> Sums:
        """Return the sums for data multiplied by ``scale``, and abundances multiplied by ``sizes``, (k,)."""
        return replace(
            self,
            gram=sizes[:, None] * self.gram * sizes,
            cross=scale * sizes[:, None] * self.cross,
            amounts=sizes * self.amounts,
        )

    def times(self, factor: float) -> Sums:
        """Return the sums with the weight of all data multiplied by a factor."""
        return replace(self, gram=factor * self.gram, cross=factor * self.cross)


class OnlineFit:
    """Endmembers that follow a stream of pixels by least squares; see the module.

    Parameters
    ----------
    run
        Settings of the factorization.
    channels
        Number of channels.

    Attributes
    ----------
    fitted
        Last fit of the sample, with its problem, scale and outcome.
    seen
        Number of pixels with data so far.

    Raises
    ------
    UnsupportedCombinationError
        If the settings need all pixels at once.
    """

    fitted: Fitted
    _endmembers: Float64Array
    _growth_of_starts: ClassVar[float] = 2.0  # of the number of pixels from one new start to the next one
    _lower: ClassVar[float] = 1e-6  # relative difference by which the objective of a new start must be lower

    def __init__(self, run: FactorizationRun, channels: int):
        check_streamable(run, channels)
        self._run = replace(run, random_state=drawn_seed(run.random_state))
        self._sample = Reservoir(int(self._run.random_state))  # type: ignore[arg-type]
        self._observed = np.zeros(channels, bool)
        self._next_fit = self._next_start = 0
        self._sums: Sums | CountSums | None = None

    @property
    def seen(self) -> int:
        """Number of pixels with data so far."""
        return self._sample.seen

    @property
    def spectra(self) -> Float64Array:
        """Endmembers in the units of the data, (k, channels); NaN in channels without any data so far."""
        columns = self.fitted.problem.columns
        spectra = self._endmembers * self.size[:, None] / (1.0 if columns is None else columns)
        return np.where(self._observed, spectra, np.nan)

    @property
    def size(self) -> Float64Array:
        """Factors that convert the endmembers of the scaled problem to the units of the data, (k,)."""
        problem = self.fitted.problem
        assert self._sums is not None
        if problem.gauge is Gauge.GAIN:  # the largest value of each spectrum is that of the last fit
            largest = (self._fitted_endmembers * self.fitted.factors.size[:, None]).max()
            peaks = self._endmembers.max(axis=1)
            return np.asarray(largest / np.where(peaks > 0, peaks, 1.0))
        return in_data_units(self._mean_abundances[:, None] * problem.pixels, self._endmembers, problem).size

    @property
    def _mean_abundances(self) -> Float64Array:
        """Mean abundances of all pixels in the units of the scaled problem, (k,)."""
        assert self._sums is not None
        return np.asarray(self._sums.amounts / self._sums.pixels)

    def add(self, batch: Matrix) -> bool:
        """Process the next pixels, (pixels, channels); return whether the sample was fitted again.

        Pixels without data are left out.
        """
        rows = self._rows(batch)
        if rows.shape[0] == 0 and self._sums is not None:
            return False
        with single_threaded_blas(), without_warnings():
            amounts = np.zeros((rows.shape[0], self._run.n_components))
            if self._sums is not None:
                amounts = self._follow(as_rows(rows))
            self._sample.add(rows, amounts)
            if self.seen < self._next_fit:
                return False
            self._fit_sample()
        return True

    def unmixed(self, matrix: Matrix) -> tuple[Float64Array, Float64Array | None]:
        """Return the abundances (k, pixels) of pixels with data for the present endmembers, and their gain or None."""
        with single_threaded_blas(), without_warnings():
            new = self._new_pixels(matrix)
            A = self._abundances(new, self._endmembers)
        if new.gauge is not Gauge.GAIN:
            return A / (self.size * new.scale)[:, None], None
        assert new.misfit.gain is not None
        assert new.rows is not None
        amounts = A / self.size[:, None]
        total = amounts.sum(axis=0)
        gain = np.where(matrix.row_squares > 0, new.misfit.gain / new.rows * total / new.scale, 0.0)
        return amounts / total, gain

    def ended(self) -> OnlineFit:
        """Return the fit at the end of the stream, see the module; this one is not changed, so the stream may go on."""
        if self._sums is None or isinstance(self._run.init, (tuple, list)):
            return self
        end = copy(self)
        end._sample = copy(self._sample)
        with single_threaded_blas(), without_warnings():
            matrix = sparse_if_smaller(as_rows(end._sample.rows))
            old, followed, fresh = np.nan_to_num(end.spectra), end._followed(matrix), fit(end._run, matrix)
            if fresh.objective > followed.objective + self._run.tol * abs(followed.objective):
                return self
            fresh = fresh if self._numbers_have_meaning else _ordered(fresh, old)
            if np.diag(spectral_angles(old, np.nan_to_num(fresh.endmembers))).max() <= _SAME:
                return self  # the sums of all pixels are more accurate than the sample
            end._begin(fresh, matrix)
        return end

    def after_more_passes(self, parts: Callable[[], Iterable[Matrix]]) -> OnlineFit:
        """Return the fit after more passes over all pixels: for least squares this one, without reading any."""
        return self

    @property
    def observed(self) -> Array:
        """Boolean, True for channels that had data so far, (channels,)."""
        return self._observed

    def _rows(self, batch: Matrix) -> Any:
        """Return the pixels of a batch that hold data, as an array or a sparse array."""
        if isinstance(batch, Sparse):
            self._observed[:] = True
            return as_scipy(batch)
        if isinstance(batch, Partial):
            rows = np.asarray(batch.array)
            known = ~np.isnan(rows)
            self._observed |= known.any(axis=0)
            return rows[known.any(axis=1)]
        if not isinstance(batch, (Dense, Chunked)):
            raise TypeError(f"partial_fit takes an array or a sparse matrix, not {type(batch).__name__}")
        self._observed[:] = True
        return np.asarray(batch.array if isinstance(batch, Dense) else batch.rows)

    def _follow(self, matrix: Matrix) -> Float64Array:
        """Solve the abundances (pixels, k) of new pixels, add these to the sums, update E, and return them."""
        problem, E = self.fitted.problem, self._endmembers
        new = self._new_pixels(matrix)
        A = self._abundances(new, E)
        sums = Sums.of(new, A, E, matrix.shape[0])
        if problem.gauge is Gauge.GAIN:  # weights of pixels are relative to the mean norm of the batch, see pixel_gain
            sums = sums.times(_mean_norm(matrix) / self._norm)
        assert isinstance(self._sums, Sums)
        self._sums = sums = self._sums + sums
        solver = named_solver(self._run.solver)
        solver = solver.solver if isinstance(solver, Extrapolated) else solver
        for _ in range(_UPDATES):
            half = Half(sums.gram / sums.pixels, sums.cross / sums.pixels, factor=E)
            update_factor(solver, E, problem.with_endmember_terms(half))
        return np.ascontiguousarray(A.T)

    def _new_pixels(self, matrix: Matrix) -> Problem:
        """Return the problem of other pixels, with the scale and the terms of the last fit."""
        problem, terms = self.fitted.problem, tuple(self._run.abundance_terms)
        return for_new_pixels(
            matrix, named_similarity(self._run.similarity), (*terms, *self._multipliers), problem.columns, problem.scale
        )

    def _abundances(self, problem: Problem, endmembers: Float64Array) -> Float64Array:
        """Return the abundances of new pixels, (k, pixels), in the units of the scaled problem."""
        A = np.full((len(endmembers), problem.matrix.shape[0]), 1.0 / len(endmembers))
        solve_abundances(
            A, endmembers, problem, solver=self._run.solver, max_iter=self._run.max_iter, tol=self._run.tol
        )
        return A

    def _fit_sample(self) -> None:
        """Fit the sample, and update E and the sums."""
        matrix = sparse_if_smaller(as_rows(self._sample.rows))
        if self._sums is None:
            self._begin(fit(self._run, matrix), matrix)
        else:
            old, best = np.nan_to_num(self.spectra), self._followed(matrix)
            fresh = self._fresh(matrix)
            if fresh is not None and fresh.objective < best.objective - self._lower * abs(best.objective):
                self._begin(fresh if self._numbers_have_meaning else _ordered(fresh, old), matrix)
            else:
                self._continue(best, matrix)
        self._next_fit = int(np.ceil(_GROWTH * self.seen))

    def _followed(self, matrix: Matrix) -> Fitted:
        """Fit the sample from the present endmembers."""
        A = self._abundances(self._new_pixels(matrix), self._endmembers)
        start = (A / (self.size * self.fitted.problem.scale)[:, None]).T, np.nan_to_num(self.spectra)
        return fit(replace(self._run, init=start), matrix)

    def _fresh(self, matrix: Matrix) -> Fitted | None:
        """Fit the sample from a new start, if one is due."""
        if self.seen < self._next_start or isinstance(self._run.init, (tuple, list)):
            return None
        self._next_start = int(np.ceil(self._growth_of_starts * self.seen))
        return fit(self._run, matrix)

    def _begin(self, fitted: Fitted, matrix: Matrix) -> None:
        """Begin the sums again with a fit of the sample."""
        A, E = fitted.state.abundances, np.array(fitted.state.endmembers)
        self._take(fitted, Sums.of(fitted.problem, A, E, self.seen), matrix)

    def _continue(self, fitted: Fitted, matrix: Matrix) -> None:
        """Correct the sums by the change of the abundances of the sample."""
        if self._sample.complete:
            self._begin(fitted, matrix)
            return
        assert isinstance(self._sums, Sums)
        old, new, A, E = self.fitted.problem, fitted.problem, fitted.state.abundances, fitted.state.endmembers
        # The fit of the sample has another scale s, and where nothing else fixes it, another size of the endmembers.
        scale, sizes = new.scale / old.scale, np.ones(len(E))
        if new.gauge not in (Gauge.SUM, Gauge.GAIN):
            lengths = np.linalg.norm(E, axis=1)
            sizes = scale * np.linalg.norm(self._endmembers, axis=1) / np.where(lengths > 0, lengths, 1.0)
        past = self._sums.rescaled(scale, sizes)
        if new.gauge is Gauge.GAIN:
            past = past.times(self._norm / _mean_norm(matrix))
        sampled = np.ascontiguousarray(self._sample.abundances.T * sizes[:, None])
        change = Sums.of(new, A, E, self.seen) - Sums.of(new, sampled, E, self.seen)
        self._take(fitted, past + replace(change, pixels=0), matrix)

    def _take(self, fitted: Fitted, sums: Sums | CountSums, matrix: Matrix) -> None:
        """Set a fit of the sample, and the sums that belong to its endmembers."""
        self.fitted, self._sums, self._norm = fitted, sums, _mean_norm(matrix)
        self._multipliers = ball_multipliers(fitted.problem, fitted.state)
        self._endmembers = np.array(fitted.state.endmembers)
        self._fitted_endmembers = self._endmembers.copy()
        self._sample.abundances = np.ascontiguousarray(fitted.state.abundances.T)
        if self.seen and not self._next_start:
            self._next_start = int(np.ceil(self._growth_of_starts * self.seen))

    @property
    def _numbers_have_meaning(self) -> bool:
        """Whether terms refer to components by their number: known endmembers, and perhaps terms of the user."""
        terms = (*self._run.abundance_terms, *self._run.endmember_terms)
        return any(isinstance(term, Pinned) or not is_own(term) for term in terms)


def check_streamable(run: FactorizationRun, channels: int) -> None:
    """Refuse settings that need all pixels at once, with the reason."""
    similarity = named_similarity(run.similarity)
    if not isinstance(similarity, (Frobenius, KullbackLeibler)):
        raise UnsupportedCombinationError(
            f"{type(similarity).__name__} needs all pixels at once, because a stream keeps sums of least squares or of "
            "counts only: use similarity='frobenius' or 'kl', or load the data (signal.compute() in HyperSpy) and call "
            "fit"
        )
    if fitted_transform(similarity, named_transform(run.transform)) is not None:
        raise UnsupportedCombinationError(
            "a fitted transform needs all pixels at once: leave it out, or load the data and call fit"
        )
    for term in run.abundance_terms:
        if isinstance(term, Fixed) or not traits_of(term).pixelwise:
            raise UnsupportedCombinationError(
                f"{type(term).__name__} refers to the pixels of one image, which a stream does not have: leave it out, "
                "or load the data and call fit"
            )
    if run.weights is not None and not _are_of_channels(run.weights, channels):
        raise UnsupportedCombinationError(
            f"a stream takes weights of channels only, of shape (1, {channels}): leave other weights out, or load the "
            "data and call fit"
        )


def _are_of_channels(weights: Any, channels: int) -> bool:
    return not isinstance(weights, (str, list, tuple)) and np.shape(weights) == (1, channels)


def as_rows(rows: Any) -> Matrix:
    """Return rows of a stream as a matrix of :mod:`mffnb.matrices`, partial if entries are missing."""
    if sparse.issparse(rows):
        return Sparse(rows)
    rows = np.ascontiguousarray(rows)
    missing = rows.dtype.kind == "f" and bool(np.isnan(rows).any())
    return Partial(rows) if missing else in_memory(rows)


def as_scipy(matrix: Sparse) -> Any:
    """Return a sparse matrix as a SciPy array in compressed rows."""
    parts = matrix.array
    if isinstance(parts, CompressedRows):
        return sparse.csr_array((parts.data, parts.indices, parts.indptr), shape=matrix.shape)
    return sparse.csr_array(parts)


def _mean_norm(matrix: Matrix) -> float:
    """Return the mean norm of the pixels; 1 for pixels that are all zero."""
    return float(np.sqrt(matrix.row_squares).mean()) or 1.0


def _ordered(fitted: Fitted, spectra: Float64Array) -> Fitted:
    """Return a fit with its components in the order of the spectra (k, channels) that they resemble most."""
    order = match(spectra, np.nan_to_num(fitted.endmembers))
    state, factors = fitted.state, fitted.factors
    return replace(
        fitted,
        state=replace(state, abundances=state.abundances[order], endmembers=state.endmembers[order], iterates=None),
        factors=replace(
            factors,
            abundances=factors.abundances[order],
            endmembers=factors.endmembers[order],
            size=factors.size[order],
        ),
    )
