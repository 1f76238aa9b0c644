"""Statistical efficiency of least squares on counts, compared with the Poisson likelihood."""

from __future__ import annotations

import numpy as np

from mffnb.stability.replicas import Noise, PoissonCounts, uses_count_likelihood
from mffnb.typing import Float64Array
from mffnb.unmixing.result import Unmixing

_LEAST = 0.5  # below this efficiency, the Poisson likelihood needs less than half of the data for the same variance
_FLOOR = 1e-3  # fraction of the mean expectation: lower bound, so that no channel gets an infinite weight


def efficiency_warning(answer: Unmixing, noise: Noise) -> str:
    """Warning that noise bands may be too narrow, with advice, or an empty string.

    Least squares on few counts with a wide range of expectations follows the noise of the strongest channels. The
    objective then has many local minima. A repeated measurement can end in another minimum, but a replica with a warm
    start stays in the minimum of the result.
    """
    if not isinstance(noise, PoissonCounts) or uses_count_likelihood(answer) or answer.parameters.get("weights"):
        return ""
    share = efficiency(answer)
    if share >= _LEAST:
        return ""
    return (
        f"least squares has a statistical efficiency of {100 * share:.0f} % on these counts, so that bands may be far "
        "too narrow: use similarity='kl'"
    )


def efficiency(answer: Unmixing) -> float:
    r"""Efficiency of least squares on counts: Poisson-likelihood variance over its variance, worst component.

    .. math:: \min_j \frac{[(E V^{-1} E^T)^{-1}]_{jj}}{[E^+ V {E^+}^T]_{jj}}

    with V the diagonal matrix of the expected counts of the mean pixel. It is at most 1 (Gauss-Markov theorem).

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
