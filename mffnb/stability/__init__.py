"""How far an answer moves when the noise is drawn again, or when it is looked for from elsewhere."""

from mffnb.stability.ambiguity import Reach, reach_of
from mffnb.stability.assessment import Stability, stability
from mffnb.stability.efficiency import doubt_about
from mffnb.stability.replicas import PoissonCounts, SignFlips, noise_of
from mffnb.stability.spread import Runs, Spread, match_quality

__all__ = [
    "PoissonCounts",
    "Reach",
    "Runs",
    "SignFlips",
    "Spread",
    "Stability",
    "doubt_about",
    "match_quality",
    "noise_of",
    "reach_of",
    "stability",
]
