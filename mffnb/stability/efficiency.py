"""How much of what counts tell least squares makes use of."""

from __future__ import annotations

import numpy as np

from mffnb.stability.replicas import Noise, PoissonCounts, likelihood_of_counts
from mffnb.typing import Float64Array
from mffnb.unmixing.result import Unmixing

_LEAST = 0.5  # below that, the likelihood of counts does with half of the data what least squares does with all
_FLOOR = 1e-3  # of the mean: no channel is known for certain


def doubt_about(answer: Unmixing, noise: Noise) -> str:
    """One sentence on why bands are not to be trusted, with what to do, or none.

    Least squares on few counts of very different expectation follows the noise of the strongest channels. It has
    many minima then, and answers to other noise lie in others, while a replica stays in that of its answer.
    """
    if not isinstance(noise, PoissonCounts) or likelihood_of_counts(answer) or answer.parameters.get("weights"):
        return ""
    share = efficiency(answer)
    if share >= _LEAST:
        return ""
    return (
        f"least squares uses {100 * share:.0f} % of what these counts tell about a component, so that bands may be far "
        "too narrow: use similarity='kl'"
    )


def efficiency(answer: Unmixing) -> float:
    r"""Variance of abundances by the likelihood of counts, as a share of that by least squares, where it is smallest.

    .. math:: \min_j \frac{[(E V^{-1} E^T)^{-1}]_{jj}}{[E^+ V {E^+}^T]_{jj}}

    for the expectation V (diagonal) of the mean pixel (Gauss-Markov: 1 at most).

    Examples
    --------
    >>> import mffnb as mf
    >>> answer = mf.unmix(mf.datasets.tof_sims_2d(seed=0, shape=(16, 24)).cube, 4, similarity="kl", random_state=0)
    >>> efficiency(answer) < 0.5
    True
    """
    A, E = (np.nan_to_num(one.values.reshape(len(one), -1)) for one in (answer.abundances, answer.endmembers))
    V: Float64Array = np.maximum(A.mean(axis=1) @ E, 0.0)
    V = np.maximum(V, max(_FLOOR * V.mean(), np.finfo(float).tiny))
    inverse = np.linalg.pinv(E)
    best, plain = np.diag(np.linalg.pinv((E / V) @ E.T, hermitian=True)), (inverse**2 * V[:, None]).sum(axis=0)
    return float(np.min(best[plain > 0] / plain[plain > 0], initial=1.0))
