"""Similarities: losses D(X, A E) between data and model."""

# Written by tools/generate_names.py from the declarations in the modules: do not edit below the docstring.

from mffnb.keywords import advise_all
from mffnb.similarities import angle, bernoulli, divergences, huber, least_squares
from mffnb.similarities.angle import SpectralAngle
from mffnb.similarities.bernoulli import Bernoulli
from mffnb.similarities.divergences import BetaDivergence, KullbackLeibler
from mffnb.similarities.huber import Huber
from mffnb.similarities.least_squares import Frobenius

__all__ = [
    "Bernoulli",
    "BetaDivergence",
    "Frobenius",
    "Huber",
    "KullbackLeibler",
    "SpectralAngle",
]
advise_all(globals(), __all__)

NAMED = {
    **angle.NAMED,
    **bernoulli.NAMED,
    **divergences.NAMED,
    **huber.NAMED,
    **least_squares.NAMED,
}
"""Parts of this package that can be given by name."""
