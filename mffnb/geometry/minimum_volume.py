"""Minimum-volume unmixing without tuning: model, start and weight of the volume are chosen from the data."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from mffnb.geometry.abundances import fully_constrained, non_negative
from mffnb.geometry.compression import check_components, require_one_process
from mffnb.geometry.matching import match
from mffnb.geometry.model_choice import ModelChoice, choose_model, levelled, sum_ratio
from mffnb.geometry.simplex_search import Progress, SumToOne, WithGain, mean_angle
from mffnb.protocols.matrix import Matrix
from mffnb.typing import Float64Array

__all__ = ["Geometry", "Search", "minimum_volume"]

_MISFIT_RATIO = 1.1  # two results whose misfits have at most this ratio fit equally well


@dataclass(frozen=True, eq=False)
class Geometry:
    """Result of :func:`minimum_volume`: endmembers, abundances, chosen model and its evidence.

    Attributes
    ----------
    endmembers
        E (k, channels) in data units.
    abundances
        A (k, pixels), non-negative, each pixel sums to one.
    gain
        Gain of each pixel in the model X ~ gain A E, (pixels,), on average 1; None for the model without gains.
    model
        ``"gain"`` or ``"sum to one"``.
    rho, threshold
        Evidence for the model, see :func:`mffnb.geometry.choose_model`.
    sum_ratio
        Residual of fractions that sum to one over that of free abundances; NaN where rho alone decided.
    counts
        Whether channels were scaled to equal noise because the data are counts.
    weight
        mu, final weight of the logarithm of the volume; 1 for ``"sum to one"``.
    objective
        Final value of the minimum-volume objective.
    candidates
        Name of each start, and the objective that it reached in the search.
    disagreement
        Largest mean spectral angle (rad) between this result and another that fits equally well; 0 if there is none.
    alternative
        Endmembers of that other result, in the same order and with the norms of their partners; None if there is none.
    stopped
        Whether a callback or an interrupt (Ctrl-C) ended the search; the result is then the best one found before.
    trace
        Stage, start, objective and time of every step of the search.
    interrupted
        Whether it was an interrupt (Ctrl-C) that ended the search.
    weighting
        Sentence on the Poisson weights with which the endmembers were fitted, and the reason; empty without such a fit.

    Examples
    --------
    >>> import numpy as np
    >>> from mffnb.matrices import in_memory
    >>> rng = np.random.default_rng(0)
    >>> found = minimum_volume(in_memory(rng.dirichlet([1, 1], 300) @ rng.random((2, 20))), 2)
    >>> found.model, found.endmembers.shape, found.abundances.shape
    ('sum to one', (2, 20), (2, 300))
    """

    endmembers: Float64Array
    abundances: Float64Array
    gain: Float64Array | None
    model: str
    rho: float
    threshold: float
    counts: bool
    weight: float
    objective: float
    candidates: tuple[tuple[str, float], ...]
    disagreement: float
    alternative: Float64Array | None
    stopped: bool
    trace: tuple[Progress, ...]
    interrupted: bool = False
    sum_ratio: float = np.nan
    weighting: str = ""


def minimum_volume(
    matrix: Matrix,
    components: int,
    seed: int = 0,
    gain: bool | None = None,
    callback: Callable[[Progress], object] | None = None,
) -> Geometry:
    """Estimate endmembers and abundances by minimum-volume unmixing with all settings chosen from the data.

    Parameters
    ----------
    matrix
        X (pixels, channels), in the units it was measured in. Noise may make it negative.
    components
        Number of endmembers k, at most the number of channels and a third of the number of pixels.
    seed
        Seed of all random numbers.
    gain
        Whether each pixel has its own gain; None chooses from the data.
    callback
        Called with a :class:`Progress` after each step. If it returns True, or at an interrupt (Ctrl-C), the search
        ends with the best result so far.

    Returns
    -------
    Geometry
        Endmembers and abundances, the evidence for the chosen model, and the spectral angle to the most different
        result that fits equally well.

    Raises
    ------
    ValueError
        If k is larger than the number of channels, if there are fewer than 3 k pixels, or if the data are zero.

    Examples
    --------
    >>> from mffnb.matrices import in_memory
    >>> from mffnb.selection import spectral_angles
    >>> rng = np.random.default_rng(0)
    >>> fractions = rng.dirichlet([1, 1, 1], 900)
    >>> fractions = fractions[fractions.max(axis=1) < 0.8]  # no pure pixel
    >>> spectra = rng.random((3, 50))
    >>> X = fractions @ spectra + 0.005 * rng.standard_normal((len(fractions), 50))
    >>> found = minimum_volume(in_memory(X), 3)
    >>> found.model
    'sum to one'
    >>> bool(spectral_angles(spectra, found.endmembers).min(axis=1).max() < 0.03)
    True
    """
    return Search(matrix, components, seed, gain).run(callback)


class Search:
    """Iterative search for the minimum-volume simplex of one image; :func:`minimum_volume` runs it to the end.

    The method :meth:`steps` yields every step, for progress displays.

    Attributes
    ----------
    best
        The best step so far; None before the first step.
    trace
        All steps so far; endmembers are kept only for the last step of each start.

    Examples
    --------
    >>> import numpy as np
    >>> from mffnb.matrices import in_memory
    >>> rng = np.random.default_rng(0)
    >>> search = Search(in_memory(rng.dirichlet([1, 1], 300) @ rng.random((2, 20))), 2)
    >>> for step in search.steps():
    ...     pass
    >>> search.answer().endmembers.shape
    (2, 20)
    """

    def __init__(
        self, matrix: Matrix, components: int, seed: int = 0, gain: bool | None = None, *, counts: bool = False
    ) -> None:
        _check(matrix, components)
        self.best: Progress | None = None
        self.trace: list[Progress] = []
        self._choice = choice = choose_model(matrix, components, seed, counts=counts)
        self._levelled = self._level(matrix)
        self._column_units = np.where(choice.columns > 0, 1 / np.where(choice.columns > 0, choice.columns, 1.0), 0.0)
        self._ratio_decides = gain is None and not choice.clear
        self._sum_ratio = np.nan
        self._rival: Float64Array | None = None
        self._other_runs = 0  # of the model that is not the answer's
        self._of_answer = slice(None)  # steps of the model of the answer in the trace
        self._size = components, seed
        self._begin(gain=not self._ratio_decides and (choice.gain if gain is None else gain))

    def _begin(self, *, gain: bool) -> None:
        """Begin the search with one of the two models."""
        self.with_gain, self.best = gain, None
        self._model: WithGain | SumToOne = (WithGain if gain else SumToOne)(self._levelled, *self._size)

    def steps(self) -> Iterator[Progress]:
        """Iterate over the steps of the search. The iterator may be used once and abandoned at any step."""
        begin = time.perf_counter()
        yield from self._steps_of_model(begin)
        if not self._ratio_decides:
            return
        first, steps = self._best_step, len(self.trace)
        self._sum_ratio = sum_ratio(self._levelled, first.endmembers)
        # A simplex with a vertex at the origin contains pixels of any size, so the ratio is no evidence against a gain.
        at_origin = not first.endmembers.any(axis=1).all()
        has_gain = self._sum_ratio > self._choice.sum_limit or (at_origin and self._choice.gain)
        if not has_gain and not self._choice.gain:
            return
        # Where the two kinds of evidence disagree, the answer of the other model is the alternative.
        if has_gain:
            self._other_runs, self._of_answer = self._model.runs, slice(steps, None)
            self._begin(gain=True)
            yield from self._steps_of_model(begin)
            self._rival = None if self._choice.gain else first.endmembers
        else:
            self._of_answer = slice(steps)
            yield from self._steps_of_rival(begin)

    def _steps_of_rival(self, begin: float) -> Iterator[Progress]:
        """Iterate over the steps of the search with a gain, whose answer is the alternative; the best step stays."""
        best: Progress | None = None
        other = WithGain(self._levelled, *self._size)
        self._other_runs = other.runs
        for taken in other.search():
            step = replace(taken, seconds=time.perf_counter() - begin)
            best = _better(step, best)
            self.trace.append(replace(step, endmembers=np.empty((0, 0))))
            yield step
        self._rival = None if best is None else best.endmembers

    def _steps_of_model(self, begin: float) -> Iterator[Progress]:
        """Iterate over the steps of the search with the present model."""
        for taken in self._model.search():
            step = replace(taken, seconds=time.perf_counter() - begin)
            self.best = _better(step, self.best)
            self.trace.append(step if step.settled else replace(step, endmembers=np.empty((0, 0))))
            yield step

    def factors(self, matrix: Matrix | None = None) -> tuple[Float64Array, Float64Array, Float64Array | None]:
        """Return E (k, channels), A (k, pixels) and gain of the best step, in data units.

        A and gain are those of the pixels of the search, or of a ``matrix`` of other pixels with the same channels.
        """
        of_pixels = self._levelled if matrix is None else self._level(matrix)
        return _in_data_units(of_pixels, self._best_step.endmembers, self._column_units, with_gain=self.with_gain)

    def run(self, callback: Callable[[Progress], object] | None = None) -> Geometry:
        """Run the search until it ends, the callback returns True, or an interrupt (Ctrl-C) arrives."""
        try:
            for step in self.steps():
                answer = None if callback is None else callback(step)
                if isinstance(answer, (bool, np.bool_)) and answer:
                    return self.answer(stopped=True)
            return self.answer()
        except KeyboardInterrupt:
            if self.best is None:
                raise
            return replace(self.answer(stopped=True), interrupted=True)

    def answer(self, *, stopped: bool = False) -> Geometry:
        """Return the best result so far; after a complete search, with its angle to other results of equal fit."""
        best, choice = self._best_step, self._choice
        other, disagreement = (None, 0.0) if stopped else self._other(best)
        E, A, gains = self.factors()
        nothing = np.empty((0, 0))
        searched = [step for step in self.trace[self._of_answer] if step.stage == "search" and step.settled]
        return Geometry(
            endmembers=E,
            abundances=A,
            gain=gains,
            model="gain" if self.with_gain else "sum to one",
            rho=choice.rho,
            threshold=choice.threshold,
            counts=choice.counts,
            weight=best.weight,
            objective=best.objective,
            candidates=tuple((step.start, step.objective) for step in searched),
            disagreement=disagreement,
            alternative=None if other is None else _match_lengths(other * self._column_units, E),
            stopped=stopped,
            trace=tuple(replace(step, endmembers=nothing) for step in self.trace),
            sum_ratio=self._sum_ratio,
        )

    def other_than(self, endmembers: Float64Array) -> tuple[Float64Array | None, float]:
        """Return the answer that differs most from given endmembers (k, channels) and fits as well, and its angle.

        It is None, and the mean spectral angle (rad) zero, if there is none. Call this after a complete search.
        """
        given = replace(self._best_step, endmembers=np.ascontiguousarray(endmembers * self._choice.columns))
        of_search = replace(self._best_step, stage="finish" if self.with_gain else "search", settled=True)
        other, angle = _disagreement(self._model, given, [*self.trace[self._of_answer], of_search])
        return (None if other is None else _match_lengths(other * self._column_units, endmembers)), angle

    def _other(self, best: Progress) -> tuple[Float64Array | None, float]:
        """Return the answer of the other model if the evidence for the model is not clear, else one of equal fit."""
        if self._rival is not None:
            rival = self._rival[match(best.endmembers, self._rival)]
            return rival, mean_angle(best.endmembers, rival)
        return _disagreement(self._model, best, self.trace[self._of_answer])

    def _level(self, matrix: Matrix) -> Matrix:
        """Scale the channels such that counts have equal noise in each."""
        columns = self._choice.columns
        return matrix if np.all(columns == 1) else levelled(matrix, columns)

    @property
    def choice(self) -> ModelChoice:
        """The evidence for a gain per pixel, and whether the data are counts."""
        return self._choice

    @property
    def runs(self) -> int:
        """Largest number of runs of the search, each from another start."""
        return self._other_runs + self._model.runs

    @property
    def _best_step(self) -> Progress:
        """The best step of the search so far; raises an error before the first step."""
        if self.best is None:
            raise RuntimeError("the search has taken no step")
        return self.best


def _better(step: Progress, best: Progress | None) -> Progress:
    """Return the better one of a step and the best step before it."""
    # Objectives with another weight or other pixels are not comparable; then the later step counts as better.
    later = best is None or step.weight != best.weight or step.objective <= best.objective
    return step if later or best is None else best


def _check(matrix: Matrix, components: int) -> None:
    """Raise ValueError for data that are distributed, zero, or have too few pixels or channels."""
    require_one_process(matrix)
    check_components(matrix, components)
    pixels = matrix.shape[0]
    if pixels < 3 * components:
        advice = f"request {pixels // 3} at most, or unmix without volume" if pixels >= 3 else "unmix without volume"
        raise ValueError(f"n_samples = {pixels} pixels are too few, 3 for each endmember are needed: {advice}")
    if not matrix.squared_norm > 0:
        raise ValueError("the data are zero everywhere: there is nothing to unmix")


def _match_lengths(endmembers: Float64Array, others: Float64Array) -> Float64Array:
    """Scale spectra to the norms of their partners, except for partners that are zero."""
    lengths, wanted = (np.linalg.norm(one, axis=1, keepdims=True) for one in (endmembers, others))
    return np.asarray(endmembers * np.where(wanted > 0, wanted / np.where(lengths > 0, lengths, 1.0), 1.0))


def _disagreement(
    model: WithGain | SumToOne, best: Progress, trace: list[Progress]
) -> tuple[Float64Array | None, float]:
    """Return, of all results that fit equally well, the one with the largest mean spectral angle to the best."""
    stage = "finish" if isinstance(model, WithGain) else "search"
    others = model.others() + [step.endmembers for step in trace if step.settled and step.stage == stage]
    inverted = model.fit_inverted_simplex(best.endmembers)
    if inverted is not None:
        others.append(inverted)
    enough = _MISFIT_RATIO * model.misfit(best.endmembers)
    farthest, most = None, 0.0
    for other in others:
        angle = mean_angle(best.endmembers, other)
        if angle > most and model.misfit(other) <= enough:
            farthest, most = other[match(best.endmembers, other)], angle
    return farthest, most


def _in_data_units(
    levelled: Matrix, endmembers: Float64Array, column_units: Float64Array, *, with_gain: bool
) -> tuple[Float64Array, Float64Array, Float64Array | None]:
    """Return E, A with columns that sum to one, and the gain, such that X ~ gain A E."""
    if not with_gain:
        return endmembers * column_units, fully_constrained(levelled, endmembers), None
    # Fractions depend on the scale of the endmembers, so all endmembers are scaled to the same maximum.
    highest = (endmembers * column_units).max(axis=1, keepdims=True)
    scaled = np.ascontiguousarray(endmembers / np.where(highest > 0, highest, 1.0))
    A = non_negative(levelled, scaled)
    gains = A.sum(axis=0)
    A = np.where(gains > 0, A / np.where(gains > 0, gains, 1.0), 1.0 / len(A))
    average = gains.mean()
    if average > 0:
        gains, scaled = gains / average, scaled * average
    return scaled * column_units, A, gains
