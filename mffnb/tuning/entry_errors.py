"""Errors of a model at some entries of the data of a search; those of several images are weighted as in their fit."""

from __future__ import annotations

import numpy as np
from scipy import special

from mffnb.estimators.names import named_similarity
from mffnb.similarities import KullbackLeibler
from mffnb.tuning.evaluation import Fit
from mffnb.typing import Array, Float64Array

# lower bound of the model, as a fraction of the mean: the divergence of a positive count from zero is infinite
_FLOOR = 1e-3


def drawn_entries(fit: Fit, share: float, seed: int) -> Array:
    """Return a boolean mask of random entries of the cube; each image of a list has its own random numbers.

    The entries of an image do not depend on the images before it, and those of the first one are those of a search of
    this image alone.
    """
    drawn = np.empty(fit.cube.shape, dtype=bool)
    for number, rows in enumerate(fit.rows):
        random = np.random.default_rng((seed, number) if number else seed)
        drawn[rows] = random.random(drawn[rows].shape) < share
    return drawn


def prediction_error(fit: Fit, values: Array, model: Array, there: Array) -> float:
    """Return the mean Poisson divergence of entries for counts, else the relative error |x - r| / |x|.

    Parameters
    ----------
    values, model, there
        Data x, their prediction r and the mask of the compared entries, all like the cube of the fit.
    """
    parts = _of_images(fit, values, model, there)
    weights = _weights(fit, parts)
    if is_counts(fit):
        return _divergence(weights, parts) / int(there.sum())
    if len(parts) == 1:
        x, r = parts[0]
        return float(np.linalg.norm(x - r) / (np.linalg.norm(x) or 1.0))
    error = sum(weight * float(np.sum((x - r) ** 2)) for weight, (x, r) in zip(weights, parts, strict=True))
    whole = sum(weight * float(np.sum(x**2)) for weight, (x, _) in zip(weights, parts, strict=True))
    return float(np.sqrt(error / (whole or 1.0)))


def misfit(fit: Fit, residual: Array, model: Array, there: Array) -> float:
    r"""Return minus twice the log-likelihood up to a constant: 2 D for counts, else :math:`N \log(RSS / N)`.

    Parameters
    ----------
    residual, model, there
        Data minus the model, the model, and the mask of the measured entries, all like the cube of the fit.
    """
    parts, number = _of_images(fit, residual, model, there), int(there.sum())
    whole = [(d + r, r) for d, r in parts]
    weights = _weights(fit, whole)
    if is_counts(fit):
        return 2 * _divergence(weights, whole)
    square = sum(weight * float(np.sum(d**2)) for weight, (d, _) in zip(weights, parts, strict=True))
    # A perfect fit leaves only rounding errors, whose logarithm has no meaning: bound it from below.
    return number * float(np.log(max(square / number, np.finfo(np.float64).tiny)))


def is_counts(fit: Fit) -> bool:
    """Return whether the fit uses the Kullback-Leibler divergence (Poisson noise), so that the data are counts."""
    return isinstance(named_similarity(fit.settings.get("similarity", "frobenius")), KullbackLeibler)


def _of_images(fit: Fit, values: Array, model: Array, there: Array) -> list[tuple[Array, Array]]:
    """Return values and model at the compared entries of each image."""
    return [(values[rows][there[rows]], model[rows][there[rows]]) for rows in fit.rows]


def _weights(fit: Fit, parts: list[tuple[Array, Array]]) -> Float64Array:
    """Return the weight of the errors of each image; 1 for a single one."""
    if fit.images is None or len(parts) == 1:
        return np.ones(1)
    return fit.images.error_weights(fit.settings, [x for x, _ in parts])


def _divergence(weights: Float64Array, parts: list[tuple[Array, Array]]) -> float:
    """Return the weighted sum over images of the Poisson divergence ``x log(x / r) - x + r`` of their entries."""
    total = 0.0
    for weight, (x, model) in zip(weights, parts, strict=True):
        if x.size:
            r = np.maximum(model, _FLOOR * float(np.mean(model)) or np.finfo(float).tiny)
            total += float(weight) * float(np.sum(special.kl_div(x, r)))
    return total
