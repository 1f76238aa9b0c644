"""Warnings about a degenerate factorization: unused components, diverging log-odds."""

from __future__ import annotations

import numpy as np

from mffnb.errors import ConvergenceWarning, DegenerateWarning, warn
from mffnb.matrices.local import CACHE_BYTES, band_limits
from mffnb.solvers import Outcome
from mffnb.transforms import CERTAIN, Logistic, Mapped
from mffnb.typing import Array

_NEGATIVE = 0.01  # share of negative energy that is reported; below, it is the noise of signals near zero


def warn_if_poor(used: Array, endmembers: Array, outcome: Outcome, negative_share: float = 0.0) -> None:
    """Warn about negative data, components that are zero everywhere, and a run that did not converge.

    Parameters
    ----------
    used
        Number of pixels in which each component is present, (k,).
    endmembers
        Endmembers E, (k, channels).
    outcome
        Outcome of the run.
    negative_share
        Sum of squares of negative values of the data, relative to that of all values.
    """
    dead = np.flatnonzero((used == 0) | ~endmembers.any(axis=1))
    if negative_share > _NEGATIVE:
        zero = f", and component {', '.join(map(str, dead))} is zero everywhere" if dead.size else ""
        warn(
            f"{negative_share:.0%} of the energy of the data (sum of squares) is negative: the factors are not, so "
            f"this part stays in the residual{zero}; subtract the offset, take the absolute value or the power of "
            "lock-in channels, or use a similarity that suits the data",
            DegenerateWarning,
        )
    elif dead.size == len(endmembers):
        warn(
            "all components are zero: the data hold nothing positive, or the weights of penalties are too large; "
            "look at the data with cube.max(), or lower the weights",
            DegenerateWarning,
        )
    elif dead.size:
        warn(
            f"component {', '.join(map(str, dead))} is zero everywhere: the penalties outweigh what it explains, there "
            "are fewer endmembers than components, or the data hold nothing positive; lower the weights or k",
            DegenerateWarning,
        )
    if outcome is Outcome.MAX_ITER:
        warn(outcome.value, ConvergenceWarning)


def warn_if_certain(abundances: Array, endmembers: Array, mapped: Mapped | None) -> None:
    """Warn about diverging log-odds: without a penalty the likelihood of Boolean data may have no maximum.

    Parameters
    ----------
    abundances, endmembers
        Abundances A (pixels, k) and endmembers E (k, channels).
    mapped
        Transform of the model; None for the identity.
    """
    if mapped is None or not isinstance(mapped.transform, Logistic):
        return
    offset, largest = 0.0 if mapped.intercept is None else np.asarray(mapped.intercept), 0.0
    for start, stop in band_limits((len(abundances), endmembers.shape[1]), CACHE_BYTES):
        largest = max(largest, float(np.abs(abundances[start:stop] @ endmembers + offset).max(initial=0.0)))
    if largest > CERTAIN:
        warn(
            f"some chances are certain, with log-odds of {largest:.0e}: the data let the factors grow without end, and "
            "their sizes mean nothing; add abundance_terms=[mffnb.Ridge(0.01)], or raise the penalty that is there",
            DegenerateWarning,
        )
