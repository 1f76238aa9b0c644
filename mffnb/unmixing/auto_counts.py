r"""The rule for ``volume="auto"`` on counts: Poisson weights, and a volume where spectra are not unique without it.

Noise of counts differs from entry to entry, so the smallest simplex around few counts is mostly that of the noise. Here
the endmembers minimise

.. math:: \tfrac{1}{n} \bigl[ \tfrac12 \sum_{ij} w_i v_j (x_{ij} - g_i a_i e_j)^2 \bigr]
          + \tfrac{c \sigma^2}{2} \log\det(E E^T + \delta I)

with the Poisson weights w of pixels and v of channels (Keenan & Kotula 2004, Surf. Interface Anal. 36:203) and the
variance :math:`\sigma^2` of the weighted noise. At c = 1 the volume has the weight of the likelihood of pixels that are
uniformly distributed in the simplex. Noise then shrinks the simplex, so c = 1/2; where most pixels are nearly pure, the
simplex is too large at 1/2, so c = 3/2. Where spectra of a plain fit are nearly unique, as with many zeros, c = 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from scipy.special import xlogy

from mffnb.constraints import Simplex
from mffnb.estimators.run import FactorizationRun
from mffnb.geometry import Geometry, Search, choose_model
from mffnb.matrices import sparse_if_smaller
from mffnb.penalties import MinimumVolume
from mffnb.protocols.matrix import Matrix
from mffnb.solvers import Outcome, State
from mffnb.typing import Float64Array
from mffnb.unmixing.image import Prepared
from mffnb.unmixing.search_states import SearchStates
from mffnb.unmixing.suggestion.constraints import Constraints
from mffnb.unmixing.suggestion.noise import Noise
from mffnb.unmixing.suggestion.sample import Sample

POISSON, EQUAL = "poisson", "equal"
# c of the module for mixed and for nearly pure pixels, and the mean entropy of the fractions, relative to its largest
# value log(k), below which pixels are nearly pure. Constants: ``python -m benchmarks accuracy.auto_counts constants``.
MIXED, PURE = 0.5, 1.5
_ENTROPY = 0.55
_FLOOR = 1e-6  # smallest entry of a start, relative to the largest: an entry that starts at zero may stay there


@dataclass(frozen=True, eq=False)
class Counts:
    """What the rule for ``volume="auto"`` found in data that are counts, from a sample of the pixels.

    Attributes
    ----------
    needs_volume
        Whether a volume has to choose the spectra, because those of a plain fit are not unique.
    noise
        Variance of the weighted noise of an entry, where the mean squared norm of a pixel is 1.
    reason
        Why the data count as counts.
    evidence
        Freedom (rad) of a plain fit, and the share of its entries near zero.
    """

    needs_volume: bool
    noise: float
    reason: str
    evidence: tuple[float, float]

    @classmethod
    def of(cls, image: Prepared, k: int) -> Counts | None:
        """Examine an image; return None if its values are no counts, or if the user wants equal weights.

        Raises
        ------
        ValueError
            If the user demands Poisson weights for data with negative values.
        """
        named = image.weights if isinstance(image.weights, str) else ""
        if named == EQUAL:
            return None
        sample = Sample.of(image)
        demanded = named == POISSON
        if sample.gaps > 0 or not sample.values.any() or k > min(sample.values.shape):
            return None  # the rule refuses such data in its own words
        if sample.values.min() < 0:
            if demanded:
                raise ValueError("weights='poisson' is for counts, and some values are negative: clip them first")
            return None
        reason = "weights='poisson' was given" if demanded else _reason(image, sample, k)
        if not reason:
            return None
        found = Constraints.of(sample, k, POISSON)
        return cls(found.needs_volume, found.noise, reason, (found.freedom, found.empty))

    @property
    def sentence(self) -> str:
        """One sentence on the choice of the weights and of the volume, with the reasons."""
        turn, empty = int(np.ceil(np.rad2deg(self.evidence[0]))), self.evidence[1]
        about = f"a plain fit could turn by {turn} degrees and has {empty:.0%} of its entries near zero"
        volume = "so the volume chooses the spectra" if self.needs_volume else "so no volume is needed"
        return f"Poisson weights, because {self.reason}; {about}, {volume}"

    def run(self, k: int, seed: int, weight: float, *, gain: bool, start: Any = "auto") -> FactorizationRun:
        """Return the fit with Poisson weights; with a volume, or without a gain, fractions sum to one."""
        return FactorizationRun(
            k,
            abundance_terms=() if gain and weight == 0 else (Simplex(gain=gain),),
            endmember_terms=(MinimumVolume(weight),) if weight > 0 else (),
            weights=POISSON,
            init=start,
            random_state=seed,
        )


def _reason(image: Prepared, sample: Sample, k: int) -> str:
    """Return why values are counts; empty if they are not."""
    chain = image.chain
    if image.weights is not None or (chain is not None and (chain.bends or image.has_windows)):
        return ""
    noise = Noise.of(sample)
    if noise.relative == 0:
        return ""
    if noise.like_counts:
        return f"variance grows like the mean (power {noise.power:.2f}, {noise.per_count:.3g} times as large): counts"
    return "variance equals the mean in each channel: counts" if choose_model(sample.matrix, k).counts else ""


@dataclass(eq=False)
class CountsSearch:
    """Search of the rule on counts: the smallest simplex as a rival where a volume is needed, then the weighted fit.

    Attributes
    ----------
    matrix, components, seed
        X (pixels, channels), k, and the seed of all random numbers.
    gain
        Whether each pixel has a gain; None if the data decide.
    counts
        What the data showed.
    search, last, weight
        Search for the smallest simplex, last state of the fit, and the weight of its volume.
    """

    matrix: Matrix
    components: int
    seed: int
    gain: bool | None
    counts: Counts
    search: Search = field(init=False)
    last: State | None = field(init=False, default=None)
    weight: float = field(init=False, default=0.0)

    def __post_init__(self) -> None:
        self.search = Search(self.matrix, self.components, self.seed, self.gain, counts=True)

    @property
    def with_gain(self) -> bool:
        """Whether the fit has a gain per pixel; without a volume it has one, unless the user requested sums of one."""
        return self.search.with_gain if self.counts.needs_volume else self.gain is not False

    def steps(self, *, live: bool, report: Callable[[int, int], object] | None = None) -> Iterator[State]:
        """Iterate over the states of search and fit; where ``live``, all have factors of all pixels.

        ``report(done, most)`` is called with the number of searches that have ended, and the largest possible one.
        """
        progress = SearchStates(self.search, self.matrix)
        if not self.counts.needs_volume:
            yield from self._fit(progress, 0.0, "auto")
            return
        done = 0
        for step in self.search.steps():
            done += step.settled
            if report is not None:
                report(done, self.search.runs)
            yield progress.state(step) if live else progress.without_factors(step)
        last: State | None = None
        for state in self._fit(progress, MIXED, self._start()):
            if last is not None:
                yield last
            last = state
        assert last is not None, "a fit has a state at least"
        if entropy(last.abundances) >= _ENTROPY:
            yield last
            return
        yield replace(last, outcome=Outcome.RUNNING)
        amounts = last.abundances if last.gain is None else last.abundances * last.gain
        yield from self._fit(progress, PURE, (amounts.T, last.endmembers))

    def _fit(self, progress: SearchStates, price: float, start: Any) -> Iterator[State]:
        """Iterate over the states of a fit, which continue those of the search; ``price`` is c of the module."""
        self.weight = price * self.counts.noise
        run = self.counts.run(self.components, self.seed, self.weight, gain=self.with_gain, start=start)
        seconds = 0.0 if self.last is None else self.last.seconds
        for state in run.iterate(sparse_if_smaller(self.matrix)):
            if state.whole:
                progress.number += 1
                numbered = replace(state, iteration=progress.number, seconds=seconds + state.seconds, iterates=None)
                self.last = _with_gain(numbered) if self.with_gain and price == 0 else numbered
                yield self.last

    def _start(self) -> Any:
        """Return the factors of the search, without zeros."""
        E, A, gain = self.search.factors()
        A = A if gain is None else A * gain
        return np.maximum(A, _FLOOR * A.max()).T, np.maximum(E, _FLOOR * E.max(axis=1, keepdims=True))

    def answer(self, *, stopped: bool = False) -> Geometry:
        """Return the result so far; after a complete run, with its angle to other results of equal fit."""
        if self.last is None:
            return self.search.answer(stopped=stopped)
        rival, angle = None, 0.0
        if self.counts.needs_volume and not stopped:
            rival, angle = self.search.other_than(self.last.endmembers)
        choice, nothing = self.search.choice, np.empty((0, 0))
        return Geometry(
            endmembers=self.last.endmembers,
            abundances=self.last.abundances,
            gain=self.last.gain,
            model="gain" if self.with_gain else "sum to one",
            rho=choice.rho,
            threshold=choice.threshold,
            counts=True,
            weight=self.weight,
            objective=self.last.objective,
            candidates=(),
            disagreement=angle,
            alternative=rival,
            stopped=stopped,
            trace=tuple(replace(step, endmembers=nothing) for step in self.search.trace),
            weighting=self.counts.sentence,
        )


def _with_gain(state: State) -> State:
    """Return a state with fractions that sum to one and a gain, on average 1; endmembers have the same maximum."""
    highest = state.endmembers.max(axis=1, keepdims=True)
    highest[highest <= 0] = 1.0
    amounts = state.abundances * highest
    gain = amounts.sum(axis=0)
    mean = float(gain.mean()) or 1.0
    fractions = np.where(gain > 0, amounts / np.where(gain > 0, gain, 1.0), 1 / len(amounts))
    return replace(state, abundances=fractions, endmembers=state.endmembers / highest * mean, gain=gain / mean)


def entropy(A: Float64Array) -> float:
    """Return the mean entropy of the fractions of pixels, (k, pixels), relative to its largest value; 1 for k = 1."""
    if len(A) < 2:
        return 1.0
    fractions = A / np.maximum(A.sum(axis=0), np.finfo(float).tiny)
    return float(-xlogy(fractions, fractions).sum(axis=0).mean() / np.log(len(A)))
