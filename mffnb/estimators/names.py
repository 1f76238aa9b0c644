"""Similarities, transforms, solvers and starts by name, as estimators and ``unmix`` accept them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mffnb import geometry, similarities, solvers, transforms
from mffnb.problem.problem import bends
from mffnb.protocols import Similarity, Solver, Start
from mffnb.registry.named_parts import NamedParts
from mffnb.transforms import Identity, Mapped
from mffnb.typing import Float64Array

SIMILARITIES = NamedParts(Similarity, similarities.NAMED, first=("frobenius", "kl", "itakura-saito", "huber"))
SOLVERS = NamedParts(Solver, solvers.NAMED)
STARTS = NamedParts(Start, geometry.NAMED)
TRANSFORMS: Mapping[str, Any] = transforms.NAMED


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


def _known(name: str, known: Mapping[str, Any], parameter: str) -> str:
    if name not in known:
        raise ValueError(
            f"{parameter}={name!r} is not known: use {' or '.join(map(repr, sorted(known)))}, or an object"
        )
    return name
