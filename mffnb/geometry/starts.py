"""First guesses of both factors, and the small factorizations they are made of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mffnb.matrices.svd import _uniform, sketched_svd
from mffnb.protocols.matrix import Matrix
from mffnb.protocols.solver import Start
from mffnb.typing import Float64Array

_FAINT = 1e-12  # of the mean of a factor


@dataclass(frozen=True)
class RandomStart:
    """Uniform random maps and spectra, scaled together to fit the data as well as they can.

    The random numbers of a pixel depend on the seed and on its number alone, not on how pixels are shared
    out, so that a split image starts from the same place.
    """

    def start(self, matrix: Matrix, components: int, seed: int) -> tuple[Float64Array, Float64Array]:
        """A (k, own pixels) and E (k, own channels), uniform in [0, 1) times one common factor."""
        abundances = _uniform(seed, 1, matrix.own, components)
        endmembers = _uniform(seed, 2, matrix.own_columns, components)
        fit = matrix.total(np.array(np.vdot(matrix.times(endmembers), abundances)))
        size = np.vdot(matrix.total(abundances @ abundances.T), matrix.total(endmembers @ endmembers.T))
        factor = np.sqrt(max(float(fit / size), np.finfo(float).tiny))
        return abundances * factor, endmembers * factor


@dataclass(frozen=True)
class NNDSVD:
    """Non-negative double singular value decomposition, zeros filled with the mean of each factor.

    Each pair of singular vectors is split into its positive and its negative part, and the heavier pair of parts
    is kept. Deterministic up to the seed of the sketch of X that they come from.

    Source: Boutsidis & Gallopoulos 2008, Pattern Recognition 41:1350.
    """

    def start(self, matrix: Matrix, components: int, seed: int) -> tuple[Float64Array, Float64Array]:
        """A (k, own pixels) and E (k, own channels), sharing the singular values evenly."""
        left, values, right = sketched_svd(matrix, min(components, *matrix.shape), seed)
        abundances = np.zeros((components, left.shape[1]))
        endmembers = np.zeros((components, right.shape[1]))
        for j in range(len(values)):
            halves = [(np.maximum(s * left[j], 0), np.maximum(s * right[j], 0)) for s in (1.0, -1.0)]
            norms = [matrix.total(np.array([a @ a, e @ e])) ** 0.5 for a, e in halves]
            best = int(np.argmax([a * e for a, e in norms]))
            (a, e), (of_a, of_e) = halves[best], norms[best]
            if of_a * of_e > 0:
                root = np.sqrt(values[j] * of_a * of_e)
                abundances[j], endmembers[j] = root * a / of_a, root * e / of_e
        # A zero of both factors could never leave zero; what is zero but for rounding is zero.
        for factor, entries in ((abundances, matrix.shape[0]), (endmembers, matrix.shape[1])):
            mean = float(matrix.total(np.array(factor.sum()))) / (components * entries)
            factor[factor <= _FAINT * mean] = mean
        return abundances, endmembers


STARTS: dict[str, Start] = {"random": RandomStart(), "nndsvd": NNDSVD()}
