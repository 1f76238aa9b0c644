r"""Endmembers of all counts of a stream from sums over past pixels and a random sample (variance reduction).

The EM step of the Kullback-Leibler divergence, for abundances A that are solved for the endmembers E, is

.. math:: E_{jm} = E_{jm} R_{jm} / D_{jm}, \qquad R_{jm} = \sum_i A_{ji} x_{im} / (A^T E)_{im}, \qquad
          D_{jm} = \sum_i A_{ji}

where D leaves out missing entries. A batch fit stops where both sides agree. A stream knows R and D of all N pixels for
one E only. Those for another E are estimated with a random sample of n pixels:

.. math:: R(E') \approx R(E) + \tfrac{N}{n} \bigl[ R^{sample}(E') - R^{sample}(E) \bigr]

The error of this estimate is the sampling error times the distance of E' from E, so it is of second order. Source:
Chen, Zhu, Teh & Zhang 2018, NeurIPS, "Stochastic expectation maximization with variance reduction".

The gradient in E is D - R. So the divergence of the sample plus a linear term of E has the estimated gradient of all
pixels, and Newton steps minimise it. EM steps become small far from the minimum where the data hardly determine E.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from mffnb.kernels.divergence import as_compressed_rows
from mffnb.problem.problem import Problem
from mffnb.solvers import Newton
from mffnb.typing import Array, Float64Array

_STEP = 1e-5  # relative step of E in one iteration at which the iterations stop
_RARE = 100  # number of pixels of the sample with counts in a channel, below which no Newton step is made there
_FAR = 3.0  # ratio R / D above which an entry of E is far too small: it is 1 or less where the iterations stop
_LEAST = 0.01  # smallest D and linear term of E, relative to those of the sample, so that the subproblem is bounded
_ABSENT = 1e-9  # share of the counts below which a component keeps its spectrum
_SMALLEST = 1e-100  # smallest divisor
_LARGEST_FALL = 0.1  # by which an extrapolation may lower an entry


@dataclass(frozen=True, eq=False)
class CountSums:
    """Sums over pixels on which the EM step of E depends, for spectra of sum 1 and abundances in counts.

    Attributes
    ----------
    ratios, denominator
        R and D, (k, channels).
    amounts
        Sum of the abundances, (k,).
    pixels
        Number of pixels.
    """

    ratios: Float64Array
    denominator: Float64Array
    amounts: Float64Array
    pixels: float

    @classmethod
    def of(cls, problem: Problem, abundances: Float64Array, endmembers: Float64Array) -> CountSums:
        """Return the sums of the pixels of a problem with scale 1."""
        half, n = problem.misfit.endmember_half(abundances, endmembers), problem.pixels
        assert half.log is not None
        return cls(-n * half.log.gradient(endmembers), -n * half.cross, abundances.sum(axis=1), n)

    @classmethod
    def zero(cls, shape: tuple[int, ...]) -> CountSums:
        """Return the sums of no pixels, for endmembers of a shape (k, channels)."""
        return cls(np.zeros(shape), np.zeros(shape), np.zeros(shape[0]), 0)

    def __add__(self, other: CountSums) -> CountSums:
        return CountSums(
            self.ratios + other.ratios,
            self.denominator + other.denominator,
            self.amounts + other.amounts,
            self.pixels + other.pixels,
        )

    def __sub__(self, other: CountSums) -> CountSums:
        return self + other.times(-1.0)

    def times(self, factor: float) -> CountSums:
        """Return the sums of ``factor`` times as many similar pixels."""
        return CountSums(factor * self.ratios, factor * self.denominator, factor * self.amounts, factor * self.pixels)


def spectra_of_sum_one(endmembers: Float64Array) -> Float64Array:
    """Return spectra divided by their sums; a spectrum of zeros stays as it is."""
    total = endmembers.sum(axis=1, keepdims=True)
    return np.asarray(endmembers / np.where(total > 0, total, 1.0))


def solve_with_sample(
    problem: Problem, past: CountSums, endmembers: Float64Array, abundances: Float64Array, max_iter: int
) -> tuple[Float64Array, CountSums]:
    """Return the endmembers of all pixels, and their sums.

    Alternates a Newton step of the abundances of the sample and one of E with extrapolation (Nesterov's, which restarts
    where it opposes the step: O'Donoghue & Candes 2015, Found. Comput. Math. 15:715). E then minimises the divergence
    of the sample plus a linear term, which makes its gradient that of all pixels. Channels of which the sample holds
    few counts do not determine a Newton step, so an EM step is made there.

    Parameters
    ----------
    problem
        The sample, with scale 1.
    past
        Sums of all pixels for ``endmembers``.
    endmembers
        Present spectra of sum 1, (k, channels).
    abundances
        Those of the sample for the present spectra, (k, pixels of the sample). Overwritten.
    max_iter
        Largest number of iterations.
    """
    estimate = _Estimate.of(problem, past, endmembers, abundances)
    E = tried = endmembers
    momentum = 1.0
    for _ in range(max_iter):
        Newton().update(abundances, problem.misfit.abundance_half(abundances, tried))
        after = estimate.step(abundances, tried)
        if np.linalg.norm(after - tried) <= _STEP * np.linalg.norm(after):
            break
        if np.vdot(tried - after, after - E) > 0:
            momentum, tried, E = 1.0, after, after
            continue
        faster = 0.5 * (1.0 + np.sqrt(1.0 + 4.0 * momentum**2))
        tried = after + (momentum - 1.0) / faster * (after - E)
        tried = spectra_of_sum_one(np.maximum(tried, _LARGEST_FALL * after))
        momentum, E = faster, after
    return tried, estimate.sums(abundances, tried)


@dataclass(frozen=True, eq=False)
class _Estimate:
    """Sums of all pixels as a function of E: those for one E, plus the change in the sample.

    Attributes
    ----------
    problem
        The sample, with scale 1.
    ratio
        Number of all pixels over that of the sample.
    rest
        Sums of all pixels minus those of the sample times ``ratio``, for the E at which all sums are known.
    counts
        The same difference for the counts E R that EM assigns to each component, (k, channels).
    rare
        Entries of E for which the change of E R is estimated instead of that of R, (k, channels). There the sample
        holds few counts, or E is far too small, so that R is large and varies strongly from pixel to pixel.
    """

    problem: Problem
    ratio: float
    rest: CountSums
    counts: Float64Array
    rare: Array

    @classmethod
    def of(cls, problem: Problem, past: CountSums, endmembers: Float64Array, abundances: Float64Array) -> _Estimate:
        """Return the estimate from the sums of all pixels (``past``) for E and the abundances of the sample."""
        ratio, sample = past.pixels / problem.pixels, CountSums.of(problem, abundances, endmembers)
        rest = past - sample.times(ratio)
        rare = _pixels_with_counts(problem, abundances, endmembers) < _RARE
        rare = rare | (past.ratios > _FAR * past.denominator) | (sample.ratios > _FAR * sample.denominator)
        return cls(problem, ratio, rest, endmembers * rest.ratios, rare)

    def sums(self, abundances: Float64Array, endmembers: Float64Array) -> CountSums:
        """Return the sums of all pixels for other factors; abundances are those of the sample."""
        sample = CountSums.of(self.problem, abundances, endmembers)
        sums, smallest = self.rest + sample.times(self.ratio), _LEAST * self.ratio
        return CountSums(
            np.where(self.rare, self._rare_ratios(sample.ratios, endmembers), sums.ratios),
            np.maximum(sums.denominator, smallest * sample.denominator),
            np.maximum(sums.amounts, smallest * sample.amounts),
            sums.pixels,
        )

    def step(self, abundances: Float64Array, endmembers: Float64Array) -> Float64Array:
        """Return the spectra after a Newton step, and an EM step of rare entries, with sum 1, (k, channels)."""
        half, n = self.problem.misfit.endmember_half(abundances, endmembers), self.problem.pixels
        shift = (self.rest.denominator - self.rest.ratios) / (self.ratio * n)
        stepped = endmembers.copy()
        Newton().update(stepped, replace(half, cross=np.minimum(half.cross - shift, _LEAST * half.cross)))
        if self.rare.any():
            sums = self.sums(abundances, endmembers)
            np.divide(endmembers * sums.ratios, sums.denominator, out=stepped, where=self.rare & (sums.denominator > 0))
        amounts = abundances.sum(axis=1, keepdims=True)
        return spectra_of_sum_one(np.where(amounts > _ABSENT * amounts.sum(), stepped, endmembers))

    def _rare_ratios(self, of_sample: Float64Array, endmembers: Float64Array) -> Float64Array:
        """Return R of all pixels for other endmembers by the change of the assigned counts E R of the sample."""
        counts = np.maximum(self.counts + self.ratio * endmembers * of_sample, 0.0)
        return counts / np.maximum(endmembers, _SMALLEST)


def _pixels_with_counts(problem: Problem, abundances: Float64Array, endmembers: Float64Array) -> Array:
    """Return the number of pixels with counts in each channel, (channels,)."""
    log = problem.misfit.endmember_half(abundances, endmembers).log
    assert log is not None
    bands = log.bands()
    assert bands is not None  # a sample is held in memory
    return np.concatenate([np.diff(as_compressed_rows(band)[0]) for _, _, band in bands])
