"""All penalties, constraints, similarities, transforms and solvers of the package, found automatically."""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass, fields
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np

from mffnb import constraints, penalties, similarities, solvers, transforms
from mffnb.graphs import grid
from mffnb.protocols import (
    Similarity,
    SimilarityTraits,
    Solver,
    SolverTraits,
    Term,
    TermTraits,
    Transform,
    TransformTraits,
    declares_traits,
)
from mffnb.solvers import Extrapolated, Hals

#: Arguments of parts that have no useful defaults, for factors of shape (k, 6).
ARGUMENTS: dict[type, dict[str, Any]] = {
    penalties.Smoothness: {"graph": grid((2, 3))},
    penalties.TotalVariation: {"graph": grid((2, 3))},
    constraints.Fixed: {"where": np.arange(6) < 2},
    constraints.PatternSymmetry: {"order": 4, "axes": (2, 3)},
    constraints.Pinned: {"values": np.array([[0.5, np.nan, 1.0, 2.0, np.nan, 0.0]])},
    Extrapolated: {"solver": Hals()},
}


@dataclass(frozen=True)
class Kind:
    """One kind of part: where its classes are, the protocol that they have, and the traits that they declare."""

    packages: tuple[ModuleType, ...]
    protocol: Any
    traits: type


TERMS = Kind((penalties, constraints), Term, TermTraits)
SIMILARITIES = Kind((similarities,), Similarity, SimilarityTraits)
TRANSFORMS = Kind((transforms,), Transform, TransformTraits)
SOLVERS = Kind((solvers,), Solver, SolverTraits)
KINDS = (TERMS, SIMILARITIES, TRANSFORMS, SOLVERS)


def classes(kind: Kind) -> list[type]:
    """All classes of a kind that are defined in its packages."""
    found = {
        part
        for module in _modules(kind.packages)
        for _, part in inspect.getmembers(module, inspect.isclass)
        if part.__module__ == module.__name__ and isinstance(part, kind.protocol) and part is not transforms.Mapped
    }
    return sorted(found, key=lambda part: part.__name__)


def instance(part: type) -> Any:
    """A part with its defaults, or with arguments that fit factors of shape (k, 6)."""
    return part(**ARGUMENTS.get(part, {}))


def check_declared(part: Any, kind: Kind) -> None:
    """Raise TypeError, with the names of the fields, unless a part declares its traits."""
    names = ", ".join(one.name for one in fields(kind.traits))
    if not declares_traits(part):
        raise TypeError(f"{type(part).__name__} declares no traits: add traits = {kind.traits.__name__}({names})")
    if not isinstance(part.traits, kind.traits):
        raise TypeError(f"{type(part).__name__}.traits must be {kind.traits.__name__}({names})")


def check_complete(part: Any, protocol: Any) -> None:
    """Raise TypeError if a part has some, but not all methods that an optional protocol adds to that of its kind."""
    bases = {name for base in protocol.__mro__[1:] for name in vars(base)}
    methods = [name for name in vars(protocol) if not name.startswith("_") and name not in bases]
    missing = [name for name in methods if not hasattr(part, name)]
    if 0 < len(missing) < len(methods):
        raise TypeError(
            f"{type(part).__name__} has {', '.join(set(methods) - set(missing))} without {', '.join(missing)}, so it "
            f"is not recognised as {protocol.__name__}: define both, see {protocol.__module__.replace('.', '/')}.py"
        )


def _modules(packages: tuple[ModuleType, ...]) -> Iterator[ModuleType]:
    for package in packages:
        yield package
        for info in pkgutil.iter_modules(getattr(package, "__path__", [])):
            yield import_module(f"{package.__name__}.{info.name}")
