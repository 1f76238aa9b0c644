"""Similarities: losses D(X, A E) between data and model."""

from mffnb.similarities.angle import SpectralAngle
from mffnb.similarities.bernoulli import Bernoulli
from mffnb.similarities.divergences import BetaDivergence, KullbackLeibler
from mffnb.similarities.least_squares import Frobenius, Huber

__all__ = ["Bernoulli", "BetaDivergence", "Frobenius", "Huber", "KullbackLeibler", "SpectralAngle"]
