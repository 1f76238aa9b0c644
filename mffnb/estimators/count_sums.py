r"""Endmembers of all counts of a stream from sums over past pixels and a random sample (variance-reduced EM).

The EM step of the Kullback-Leibler divergence, for abundances A that are solved for the endmembers E, is

.. math:: E_{jm} = E_{jm} R_{jm} / D_{jm}, \qquad R_{jm} = \sum_i A_{ji} x_{im} / (A^T E)_{im}, \qquad
          D_{jm} = \sum_i A_{ji}

where D leaves out missing entries. A batch fit stops where both sides agree. A stream knows R and D of all N pixels for
one E only. Those for another E are estimated with a random sample of n pixels:

.. math:: R(E') \approx R(E) + \tfrac{N}{n} \bigl[ R^{sample}(E') - R^{sample}(E) \bigr]

The error of this estimate is the sampling error times the distance of E' from E, so it is of second order. Source:
Chen, Zhu, Teh & Zhang 2018, NeurIPS, "Stochastic expectation maximization with variance reduction".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mffnb.problem.problem import Problem
from mffnb.solvers import Newton
from mffnb.typing import Float64Array

_STEP = 1e-6  # relative step of E in one iteration at which the iterations stop
_FAINT = 1e-3  # smallest start value relative to the mean of a spectrum, because EM keeps zeros
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

    def step(self, endmembers: Float64Array) -> Float64Array:
        """Return the spectra after one EM step, with sum 1, (k, channels)."""
        smallest = np.finfo(float).tiny
        return spectra_of_sum_one(endmembers * np.maximum(self.ratios, 0.0) / np.maximum(self.denominator, smallest))


def spectra_of_sum_one(endmembers: Float64Array) -> Float64Array:
    """Return spectra divided by their sums; a spectrum of zeros stays as it is."""
    total = endmembers.sum(axis=1, keepdims=True)
    return np.asarray(endmembers / np.where(total > 0, total, 1.0))


def solve_with_sample(
    problem: Problem, past: CountSums, endmembers: Float64Array, abundances: Float64Array, max_iter: int
) -> tuple[Float64Array, CountSums]:
    """Return the endmembers of all pixels, and their sums.

    Alternates a Newton step of the abundances of the sample and an EM step of E with extrapolation (Nesterov's, which
    restarts where it opposes the step: O'Donoghue & Candes 2015, Found. Comput. Math. 15:715).

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
    ratio = past.pixels / problem.pixels
    rest = past - CountSums.of(problem, abundances, endmembers).times(ratio)
    E = spectra_of_sum_one(np.maximum(endmembers, _FAINT / endmembers.shape[1]))
    tried, momentum = E, 1.0
    for _ in range(max_iter):
        Newton().update(abundances, problem.misfit.abundance_half(abundances, tried))
        after = (rest + CountSums.of(problem, abundances, tried).times(ratio)).step(tried)
        if np.linalg.norm(after - tried) <= _STEP * np.linalg.norm(after):
            break
        if np.vdot(tried - after, after - E) > 0:
            momentum, tried, E = 1.0, after, after
            continue
        faster = 0.5 * (1.0 + np.sqrt(1.0 + 4.0 * momentum**2))
        tried = after + (momentum - 1.0) / faster * (after - E)
        tried = spectra_of_sum_one(np.maximum(tried, _LARGEST_FALL * after))
        momentum, E = faster, after
    return tried, rest + CountSums.of(problem, abundances, tried).times(ratio)
