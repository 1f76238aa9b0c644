"""Uncertainty of a factorization: bootstrap over the noise, restarts of the solver, and rotational ambiguity."""

from mffnb.stability.agreement import Agreement, agreement_of
from mffnb.stability.ambiguity import Reach, reach_of
from mffnb.stability.assessment import Stability, stability
from mffnb.stability.bias import Bias, bias_of, weaker_fit, weaker_weights
from mffnb.stability.efficiency import efficiency_warning
from mffnb.stability.replicas import PoissonCounts, SignFlips, noise_of
from mffnb.stability.spread import RunSpread, RunStatistics, match_quality

__all__ = [
    "Agreement",
    "Bias",
    "PoissonCounts",
    "Reach",
    "RunSpread",
    "RunStatistics",
    "SignFlips",
    "Stability",
    "agreement_of",
    "bias_of",
    "efficiency_warning",
    "match_quality",
    "noise_of",
    "reach_of",
    "stability",
    "weaker_fit",
    "weaker_weights",
]
