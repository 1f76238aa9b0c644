"""Similarities, transforms, solvers and starts by name, as estimators and ``unmix`` accept them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mffnb import geometry, similarities, solvers, transforms
from mffnb.problem.formulation import fitted_transform
from mffnb.protocols.similarity import Similarity
from mffnb.protocols.solver import Solver, Start
from mffnb.protocols.transform import Transform
from mffnb.registry.named_parts import NamedParts
from mffnb.transforms import Identity, Mapped
from mffnb.typing import Float64Array

SIMILARITIES: NamedParts[Similarity] = NamedParts(
    Similarity, similarities.NAMED, first=("frobenius", "kl", "itakura-saito", "huber")
)
SOLVERS: NamedParts[Solver] = NamedParts(Solver, solvers.NAMED)
STARTS: NamedParts[Start] = NamedParts(Start, geometry.NAMED)
TRANSFORMS: Mapping[str, Transform] = transforms.NAMED


def named_similarity(similarity: str | Similarity) -> Similarity:
    """Return the similarity with this name; an object is returned unchanged."""
    if isinstance(similarity, str):
        return SIMILARITIES[known_name(similarity, SIMILARITIES, "similarity")]
    check_method(similarity, "misfit", "similarity")
    return similarity


def named_transform(transform: str | Transform | None) -> Transform | None:
    """Return the transform with this name; an object, or None, is returned unchanged."""
    if isinstance(transform, str):
        return TRANSFORMS[known_name(transform, TRANSFORMS, "transform")]
    if transform is not None:
        check_method(transform, "apply", "transform")
    return transform


def named_solver(solver: str | Solver) -> Solver:
    """Return the solver with this name; an object is returned unchanged."""
    if isinstance(solver, str):
        return SOLVERS[known_name(solver, SOLVERS, "solver")]
    check_method(solver, "update", "solver")
    return solver


def mapped(
    similarity: str | Similarity, transform: str | Transform | None, intercept: Float64Array | None
) -> Mapped | None:
    """Return the transform between model and data with its intercept; None for the identity."""
    named = named_transform(transform)
    applied = fitted_transform(named_similarity(similarity), named) or named
    return None if applied is None or applied == Identity() else Mapped(applied, intercept)


def check_method(part: object, method: str, parameter: str) -> None:
    """Raise ValueError unless a part is an object with this method."""
    if isinstance(part, type) or not hasattr(part, method):
        raise ValueError(f"{parameter}={part!r} is not known: give a name, or an object with a method {method}")


def known_name(name: str, known: Mapping[str, Any], parameter: str) -> str:
    """Return the name if it is one of the known names; otherwise raise ValueError, which lists them."""
    if name not in known:
        raise ValueError(
            f"{parameter}={name!r} is not known: use {' or '.join(map(repr, sorted(known)))}, or an object"
        )
    return name
