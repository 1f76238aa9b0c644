"""Statistical efficiency of least squares on counts, compared with the Poisson likelihood."""

from __future__ import annotations

import numpy as np

from mffnb.stability.replicas import Noise, PoissonCounts, uses_count_likelihood
from mffnb.typing import Float64Array
from mffnb.unmixing.result import Unmixing

_LEAST = 0.5  # least efficiency without a warning: below it, the Poisson likelihood needs less than half of the data
# lower bound of an expectation, as a fraction of the mean one, so that no channel gets an infinite weight
_FLOOR = 1e-3


def efficiency_warning(answer: Unmixing, noise: Noise) -> str:
    """Return a warning that the noise bands may be too narrow, with advice; empty if there is no reason to warn.

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
    r"""Return the efficiency of least squares on counts, relative to the Poisson likelihood, for the worst component.

    .. math:: \min_j \frac{[(E V^{-1} E^T)^{-1}]_{jj}}{[E^+ V {E^+}^T]_{jj}}

    with V the diagonal matrix of the expected counts of the mean pixel. It is at most 1 (Gauss-Markov theorem).

    Examples
    --------
    >>> import mffnb as mf
    >>> answer = mf.unmix(mf.datasets.tof_sims_2d(seed=0, shape=(16, 24)).cube, 3, similarity="kl", random_state=0)
    >>> efficiency(answer) < 0.5
    True
    """
    A, E = (np.nan_to_num(one.values.reshape(len(one), -1)) for one in (answer.abundances, answer.endmembers))
    V: Float64Array = np.maximum(A.mean(axis=1) @ E, 0.0)
    V = np.maximum(V, max(_FLOOR * V.mean(), np.finfo(float).tiny))
    inverse = np.linalg.pinv(E)
    best, plain = np.diag(np.linalg.pinv((E / V) @ E.T, hermitian=True)), (inverse**2 * V[:, None]).sum(axis=0)
    return float(np.min(best[plain > 0] / plain[plain > 0], initial=1.0))
