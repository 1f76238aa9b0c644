"""Repeat the fit of a result: on replicas of the data with a warm start, or on the same data from random starts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr

from mffnb.estimators.names import SIMILARITIES, SOLVERS, TRANSFORMS
from mffnb.geometry.starts import RandomStart
from mffnb.matrices import sparse_if_smaller
from mffnb.protocols.matrix import Matrix
from mffnb.solvers.interrupts import require_uninterrupted
from mffnb.stability.replica_rows import is_large, small_replica
from mffnb.stability.replicas import Noise
from mffnb.unmixing.image import Prepared
from mffnb.unmixing.result import Unmixing
from mffnb.unmixing.solve import solve
from mffnb.unmixing.task import AUTO, Task
from mffnb.unmixing.warm_start import non_negative_factors_of

# Settings that the record of a result stores as they were given, or by name.
_HELD = (
    "sparsity", "smoothness", "volume", "weights", "transform", "channel", "max_iter", "tol", "similarity", "solver",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Refit:
    """The unmixing task that produced a result, ready to be solved again.

    Attributes
    ----------
    task
        Settings of the result. If the data decided between sum-to-one and gain, the task holds that decision. The start
        is random if the result started from a named method or from factors.
    """

    task: Task

    @classmethod
    def of(cls, answer: Unmixing, given: dict[str, Any]) -> Refit:
        """Create the task from the record of a result, and from settings that the user gives again.

        Raises
        ------
        ValueError
            If the result was made with a setting that its record does not hold, and the user has not repeated it.
        """
        noted = answer.parameters
        _check_complete(noted, given)
        held = ("volume", "channel") if noted.get("volume") == AUTO else _HELD
        settings = {name: noted[name] for name in held if name in noted}
        settings["mask"] = [answer.abundances[0].notnull(), answer.endmembers[0].notnull()]
        if answer.processed is not None:
            settings["preprocess"] = answer.processed.chain.steps
        settings |= given
        if noted.get("volume") == AUTO and settings.get("volume") == AUTO:
            # The weights hold for all replicas; for counts, the rule has found the settings of an ordinary fit.
            settings["weights"] = "equal"
            if noted.get("weights") == "poisson":
                settings |= {"volume": noted["volume_weight"], "weights": "poisson"}
        for name in ("sum_to_one", "gain"):  # the decision of the result holds for all replicas
            settings[name] = bool(noted.get(name, False))
        init = settings.pop("init", None)
        fresh = RandomStart() if init is None or isinstance(init, (str, tuple, Unmixing)) else init
        return cls(Task.of(**settings | {"k": len(answer.endmembers), "init": fresh, "n_init": 1}))

    def solve(
        self, cube: xr.DataArray, seed: int, start: Unmixing | None = None, noise: Noise | None = None
    ) -> Unmixing:
        """Fit a cube, or a replica of it, with the settings of the result, without warnings.

        Parameters
        ----------
        cube
            Labelled data, on the grid of the result.
        seed
            Seed of a random start and of the noise.
        start
            The result to start from; None for a random start. The rule for volume="auto" always finds its own start.
        noise
            Noise model of the replica around ``start``; None for the cube itself.

        Raises
        ------
        KeyboardInterrupt
            If Ctrl-C ended the fit.
        """
        task = replace(self.task, seed=seed)
        image, matrix = self._data(cube) if start is None or noise is None else self._replica(cube, seed, start, noise)
        if not task.automatic:
            matrix = sparse_if_smaller(matrix)
            task = task if start is None else replace(task, init=non_negative_factors_of(start, image))
        solution = solve(task, image, matrix)
        require_uninterrupted(solution.outcome)
        return task.label(cube, image, solution)

    def _data(self, cube: xr.DataArray) -> tuple[Prepared, Matrix]:
        """Return the prepared cube and its matrix."""
        image = self.task.prepare(cube)
        return image, image.matrix

    def _replica(self, cube: xr.DataArray, seed: int, answer: Unmixing, noise: Noise) -> tuple[Prepared, Matrix]:
        """Return a prepared replica of the cube and its matrix; that of a large cube is not stored as a second cube."""
        if is_large(cube) and answer.processed is None:
            image = self.task.prepare(cube)
            matrix = small_replica(noise, cube, image, answer, np.random.default_rng(seed))
            if matrix is not None:
                return image, matrix
        return self._data(noise.draw(cube, answer, np.random.default_rng(seed)))


def without_data(answer: Unmixing) -> Unmixing:
    """Return a result without its cube, so that it is small enough to be sent to other processes."""
    return replace(answer, cube=None)


def _check_complete(noted: dict[str, Any], given: dict[str, Any]) -> None:
    """Raise ValueError if the record names a setting that it does not hold, and the user has not repeated it."""
    missing = {
        "known": noted.get("known", 0) and "known" not in given,
        "abundance_terms or endmember_terms": noted.get("terms")
        and not (given.get("abundance_terms") or given.get("endmember_terms")),
        "weights": noted.get("weights") not in (None, "poisson") and "weights" not in given,
        "similarity": noted.get("similarity", "frobenius") not in SIMILARITIES and "similarity" not in given,
        "transform": noted.get("transform") not in (None, *TRANSFORMS) and "transform" not in given,
        "solver": noted.get("solver", "auto") not in SOLVERS and "solver" not in given,
    }
    if noted.get("volume") == AUTO:
        missing = {}  # the rule for volume="auto" uses none of these settings
    for name, gone in missing.items():
        if gone:
            raise ValueError(f"the answer does not hold its {name}: pass {name} again, as for mffnb.unmix")
