"""Similarities, transforms and solvers by name, as estimators and ``unmix`` accept them."""

from __future__ import annotations

from typing import Any

from mffnb.problem.problem import bends
from mffnb.protocols.misfit import Similarity
from mffnb.protocols.solver import Solver
from mffnb.similarities import Bernoulli, BetaDivergence, Frobenius, Huber, KullbackLeibler, SpectralAngle
from mffnb.solvers import (
    Auto,
    BlockPivoting,
    Extrapolated,
    Hals,
    Multiplicative,
    Newton,
    ProximalGradient,
)
from mffnb.transforms import TRANSFORMS, Identity, Mapped
from mffnb.typing import Float64Array

SIMILARITIES: dict[str, Similarity] = {
    "frobenius": Frobenius(),
    "kl": KullbackLeibler(),
    "itakura-saito": BetaDivergence(0.0),
    "huber": Huber(),
    "angle": SpectralAngle(),
    "bernoulli": Bernoulli(),
}


SOLVERS: dict[str, Solver] = {
    "auto": Extrapolated(Auto()),
    "hals": Hals(),
    "multiplicative": Multiplicative(),
    "newton": Newton(),
    "pivoting": BlockPivoting(),
    "proximal": Extrapolated(ProximalGradient()),
}


def named_similarity(similarity: str | Similarity) -> Similarity:
    """The similarity of that name; an object is handed back."""
    if isinstance(similarity, str):
        return SIMILARITIES[_known(similarity, SIMILARITIES, "similarity")]
    _check_has(similarity, "misfit", "similarity")
    return similarity


def named_transform(transform: Any) -> Any:
    """The transformation of that name; an object, or None, is handed back."""
    if isinstance(transform, str):
        return TRANSFORMS[_known(transform, TRANSFORMS, "transform")]
    if transform is not None:
        _check_has(transform, "apply", "transform")
    return transform


def mapped(similarity: str | Similarity, transform: Any, intercept: Float64Array | None) -> Mapped | None:
    """What a model goes through before it is compared with data, or shown; None for the identity."""
    named = named_transform(transform)
    applied = bends(named_similarity(similarity), named) or named
    return None if applied is None or applied == Identity() else Mapped(applied, intercept)


def _check_has(part: object, method: str, parameter: str) -> None:
    if isinstance(part, type) or not hasattr(part, method):
        raise ValueError(f"{parameter}={part!r} is not known: give a name, or an object with a method {method}")


def _known(name: str, known: dict[str, Any], parameter: str) -> str:
    if name not in known:
        raise ValueError(
            f"{parameter}={name!r} is not known: use {' or '.join(map(repr, sorted(known)))}, or an object"
        )
    return name
