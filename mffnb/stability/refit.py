"""How an answer was found, to be followed again on another cube or from another start."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr

from mffnb.estimators.factorization import MatrixFactorization
from mffnb.estimators.names import SIMILARITIES, SOLVERS, TRANSFORMS
from mffnb.geometry.starts import RandomStart
from mffnb.matrices import sparse_if_smaller
from mffnb.preprocessing import Step
from mffnb.protocols.misfit import Similarity
from mffnb.protocols.solver import Solver
from mffnb.unmixing.auto_volume import evidence, find_volume
from mffnb.unmixing.image import Prepared, weights_of
from mffnb.unmixing.label import assemble, matrices
from mffnb.unmixing.result import Unmixing
from mffnb.unmixing.task import Physics

_PHYSICS = ("sparsity", "smoothness", "volume", "sum_to_one", "gain", "known", "abundance_terms", "endmember_terms")
_OTHERS = (
    "similarity",
    "weights",
    "transform",
    "mask",
    "preprocess",
    "channel",
    "solver",
    "max_iter",
    "tol",
    "init",
    "n_init",
)


@dataclass(frozen=True, eq=False)
class Recipe:
    """Settings of :func:`mffnb.unmix`, by which it found an answer.

    Attributes
    ----------
    k
        Number of endmembers.
    physics
        Penalties and constraints, as they were decided where the data decided.
    similarity, weights, transform, mask, preprocess, channel, solver, max_iter, tol
        As for :func:`mffnb.unmix`.
    init
        Where fresh starts come from: random ones where a name was given.
    """

    k: int
    physics: Physics
    similarity: str | Similarity = "frobenius"
    weights: Any = None
    transform: Any = None
    mask: Any = None
    preprocess: Sequence[Step] = ()
    channel: Any = None
    solver: str | Solver = "auto"
    max_iter: int = 500
    tol: float = 1e-4
    init: Any = None

    @classmethod
    def of(cls, answer: Unmixing, given: dict[str, Any]) -> Recipe:
        """The settings of an answer, as far as it holds them, and those that are given again.

        Raises
        ------
        ValueError
            If the answer came from something that it does not hold, and which is not given.
        """
        noted = answer.parameters
        _check_complete(noted, given)
        held = (*_PHYSICS[:5], "weights", "transform", "channel", "max_iter", "tol")
        settings = {name: noted[name] for name in held if name in noted}
        settings["similarity"] = noted.get("similarity", "frobenius")
        settings["solver"] = noted.get("solver", "auto")
        settings["mask"] = [answer.abundances[0].notnull(), answer.endmembers[0].notnull()]
        if answer.processed is not None:
            settings["preprocess"] = answer.processed.chain.steps
        settings |= given
        for name in ("sum_to_one", "gain"):  # decided once, for all replicas
            settings[name] = bool(noted.get(name, False))
        init = settings.pop("init", None)
        settings.pop("n_init", None)
        physics = Physics(**{name: settings.pop(name) for name in _PHYSICS if name in settings})
        fresh = RandomStart() if init is None or isinstance(init, (str, tuple, Unmixing)) else init
        return cls(len(answer.endmembers), physics, init=fresh, **settings)

    def follow(self, cube: xr.DataArray, seed: int, start: Unmixing | None = None) -> Unmixing:
        """Find an answer for a cube, without a word of warning.

        Parameters
        ----------
        cube
            Labelled data, on the grid of the answer.
        seed
            Of a fresh start.
        start
            Where to start from; afresh if None, or where the rule for volume="auto" finds its own start.
        """
        image = Prepared.of(cube, self.channel, self.mask, self.preprocess)
        matrix = image.layout.matrix(image.cube)
        asked: dict[str, Any] = {"k": self.k} | self.physics.record()
        if self.physics.volume == "auto":
            found, outcome, trace = find_volume(matrix, self.k, seed, self.physics, None)
            asked |= evidence(found)
            return assemble(cube, image, found.abundances, found.endmembers, outcome, trace, asked, found.gain)
        model = MatrixFactorization(
            self.k,
            similarity=self.similarity,
            abundance_terms=self.physics.of_abundances(image),
            endmember_terms=self.physics.of_endmembers(image),
            weights=weights_of(self.weights, image.layout),
            transform=self.transform,
            init=self.init if start is None else _non_negative(matrices(start, image)),
            solver=self.solver,
            max_iter=self.max_iter,
            tol=self.tol,
            random_state=seed,
        )
        A = model.factorize(sparse_if_smaller(matrix))
        outcome, trace = model.outcome_, model.trace_
        return assemble(cube, image, A.T, model.components_, outcome, trace, asked, model.gain_, mapped=model.mapped_)


def check_names(given: dict[str, Any]) -> None:
    """Refuse a setting by which nothing can be found again."""
    for name in given:
        if name not in (*_PHYSICS, *_OTHERS):
            raise TypeError(f"there is no setting {name!r} here: use {', '.join((*_PHYSICS, *_OTHERS))}")


def without_data(answer: Unmixing) -> Unmixing:
    """The answer without its cube: light enough to be sent to every process."""
    return replace(answer, cube=None)


def _non_negative(factors: tuple[Any, Any]) -> tuple[Any, Any]:
    """Preprocessing and its way back may leave rounding below zero, or nothing where there is no gain."""
    A, E = (np.maximum(np.nan_to_num(part, posinf=0.0), 0.0) for part in factors)
    return A, E


def _check_complete(noted: dict[str, Any], given: dict[str, Any]) -> None:
    """Refuse to guess what a result names but does not hold."""
    missing = {
        "known": noted.get("known", 0) and "known" not in given,
        "abundance_terms or endmember_terms": noted.get("terms")
        and not (given.get("abundance_terms") or given.get("endmember_terms")),
        "weights": noted.get("weights") not in (None, "poisson") and "weights" not in given,
        "similarity": noted.get("similarity", "frobenius") not in SIMILARITIES and "similarity" not in given,
        "transform": noted.get("transform") not in (None, *TRANSFORMS) and "transform" not in given,
        "solver": noted.get("solver", "auto") not in SOLVERS and "solver" not in given,
    }
    for name, gone in missing.items():
        if gone:
            raise ValueError(f"the answer does not hold its {name}: pass {name} again, as for mffnb.unmix")
