"""Repeat the fit of an answer: on replicas of the data from the answer, or on the same data from random starts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import xarray as xr

from mffnb.estimators.names import SIMILARITIES, SOLVERS, TRANSFORMS
from mffnb.geometry.starts import RandomStart
from mffnb.matrices import sparse_if_smaller
from mffnb.unmixing.result import Unmixing
from mffnb.unmixing.solve import solve
from mffnb.unmixing.task import AUTO, Task
from mffnb.unmixing.warm_start import non_negative_factors_of

# Settings that the record of a result holds as they were given, or by name.
_HELD = (
    "sparsity", "smoothness", "volume", "weights", "transform", "channel", "max_iter", "tol", "similarity", "solver",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Refit:
    """The task by which an answer was found, ready to be solved again.

    Attributes
    ----------
    task
        Its settings, with sum-to-one and gain as they were decided if the data decided. Its start is random if the
        answer started from a name or from factors.
    """

    task: Task

    @classmethod
    def of(cls, answer: Unmixing, given: dict[str, Any]) -> Refit:
        """Make the task from the record of an answer, and from settings that are given again.

        Raises
        ------
        ValueError
            If the answer was made with something that its record does not hold, and that is not given.
        """
        noted = answer.parameters
        _check_complete(noted, given)
        held = ("volume", "channel") if noted.get("volume") == AUTO else _HELD
        settings = {name: noted[name] for name in held if name in noted}
        settings["mask"] = [answer.abundances[0].notnull(), answer.endmembers[0].notnull()]
        if answer.processed is not None:
            settings["preprocess"] = answer.processed.chain.steps
        settings |= given
        for name in ("sum_to_one", "gain"):  # decided once, for all replicas
            settings[name] = bool(noted.get(name, False))
        init = settings.pop("init", None)
        fresh = RandomStart() if init is None or isinstance(init, (str, tuple, Unmixing)) else init
        return cls(Task.of(**settings | {"k": len(answer.endmembers), "init": fresh, "n_init": 1}))

    def solve(self, cube: xr.DataArray, seed: int, start: Unmixing | None = None) -> Unmixing:
        """Fit a cube again, without warnings.

        Parameters
        ----------
        cube
            Labelled data, on the grid of the answer.
        seed
            Seed of a random start.
        start
            The answer to start from; None for a random start. The rule for volume="auto" always finds its own start.
        """
        task = replace(self.task, seed=seed)
        image = task.prepared(cube)
        matrix = image.layout.matrix(image.cube)
        if not task.automatic:
            matrix = sparse_if_smaller(matrix)
            task = task if start is None else replace(task, init=non_negative_factors_of(start, image))
        return task.label(cube, image, solve(task, image, matrix))


def without_data(answer: Unmixing) -> Unmixing:
    """Return the answer without its cube, so that it is small enough to be sent to other processes."""
    return replace(answer, cube=None)


def _check_complete(noted: dict[str, Any], given: dict[str, Any]) -> None:
    """Refuse an answer whose record names a part that it does not hold, and that is not given again."""
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
        missing = {}  # the rule uses none of these
    for name, gone in missing.items():
        if gone:
            raise ValueError(f"the answer does not hold its {name}: pass {name} again, as for mffnb.unmix")
