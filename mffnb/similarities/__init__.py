"""How well a model describes the data: D(X, A E)."""

from mffnb.similarities.angle import SpectralAngle
from mffnb.similarities.bernoulli import Bernoulli, through
from mffnb.similarities.divergences import BetaDivergence, KullbackLeibler
from mffnb.similarities.least_squares import Frobenius, Huber

__all__ = ["Bernoulli", "BetaDivergence", "Frobenius", "Huber", "KullbackLeibler", "SpectralAngle", "through"]
