"""How far an answer moves when the noise is drawn again, or when it is looked for from elsewhere."""

from mffnb.bootstrap.efficiency import doubt_about
from mffnb.bootstrap.measure import Stability, stability
from mffnb.bootstrap.mixing import Reach, reach_of
from mffnb.bootstrap.noise import PoissonCounts, SignFlips, noise_of
from mffnb.bootstrap.spread import Runs, Spread, match_quality

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
