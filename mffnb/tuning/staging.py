"""Staged search: first the sparsity weight, then the smoothness weight (Kannan et al. 2018)."""

from __future__ import annotations

import os
from collections.abc import Generator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from mffnb.tuning.search import tune
from mffnb.tuning.search_loop import SettingsSearch
from mffnb.tuning.tuning import Ended, Tuning


def staged(
    cube: Any,
    objective: Any = None,
    *,
    sparsity: tuple[float, float] = (1e-3, 1.0),
    smoothness: tuple[float, float] = (1e-3, 10.0),
    max_evals: int = 15,
    algorithm: str = "line",
    path: str | os.PathLike[str] | None = None,
    **options: Any,
) -> tuple[Tuning, Tuning]:
    """Search for the sparsity weight without smoothness, then for the smoothness weight at the best sparsity.

    Without an objective, sparsity has the lowest error of held-out entries, and smoothness the lowest error of the maps
    at that sparsity: held-out entries would select a smoothness that blurs them. Each stage includes the weight zero,
    so that a penalty without benefit is omitted. The weight is a choice between zero and levels from the lower end
    upwards. Source: Kannan et al. 2018, Adv. Struct. Chem. Imaging 4:6.

    Parameters
    ----------
    cube, objective, algorithm, path, options
        As for :func:`tune`; each stage has its own file: ``path`` with ``.sparsity`` or ``.smoothness`` added to its
        stem.
    sparsity, smoothness
        Lowest and highest weight of each penalty, apart from zero.
    max_evals
        Trials of each stage: the weight zero, and weights evenly spaced in log scale.

    Returns
    -------
    Tuning, Tuning
        The search for sparsity and the search for smoothness. The best settings of the second contain both weights.

    Examples
    --------
    >>> import mffnb as mf
    >>> cube = mf.datasets.tof_sims_2d(seed=0, shape=(8, 12)).cube
    >>> first, second = mf.tuning.staged(cube, k=3, max_evals=3)
    >>> first.trials[0].settings, second.settings["sparsity"] == first.settings["sparsity"]
    ({'smoothness': 0.0, 'sparsity': 0.0}, True)
    """
    first = tune(
        cube, _sparsity_space(sparsity, max_evals), objective,
        algorithm=algorithm, max_evals=max_evals, path=_stage_path(path, "sparsity"), **options,
    )  # fmt: skip
    second = tune(
        cube, _smoothness_space(first, smoothness, max_evals), objective,
        algorithm=algorithm, max_evals=max_evals, path=_stage_path(path, "smoothness"), **options,
    )  # fmt: skip
    return first, second


@dataclass(frozen=True, eq=False)
class StagedSearch:
    """A staged search that yields its state while it runs; ``search`` holds all settings except the space."""

    search: SettingsSearch
    sparsity: tuple[float, float] = (1e-3, 1.0)
    smoothness: tuple[float, float] = (1e-3, 10.0)

    def __post_init__(self) -> None:
        for ends in (self.sparsity, self.smoothness):
            # compute the levels now, so that an invalid range raises an error before the search starts
            _levels(ends, 2)

    def states(self) -> Generator[tuple[Tuning, ...]]:
        """Run the search; after each step, yield the results of all stages so far.

        The second stage starts only if the first one was not stopped and has a best trial.
        """
        number, path = self.search.max_evals, self.search.path
        space = _sparsity_space(self.sparsity, number)
        first = None
        for first in replace(self.search, space=space, path=_stage_path(path, "sparsity")).states():
            yield (first,)
        if first is None or first.ended not in (Ended.FINISHED, Ended.SETTLED) or all(t.failed for t in first.trials):
            return
        space = _smoothness_space(first, self.smoothness, number)
        for second in replace(self.search, space=space, path=_stage_path(path, "smoothness")).states():
            yield first, second


def _sparsity_space(ends: tuple[float, float], number: int) -> dict[str, Any]:
    """Return the search space of the first stage: the sparsity weight."""
    return {"sparsity": _levels(ends, number), "smoothness": 0.0}


def _smoothness_space(first: Tuning, ends: tuple[float, float], number: int) -> dict[str, Any]:
    """Return the search space of the second stage: the smoothness weight, with the best sparsity of the first stage."""
    return {"sparsity": first.settings["sparsity"], "smoothness": _levels(ends, number)}


def _levels(ends: tuple[float, float], number: int) -> list[float]:
    """Return zero and ``number - 1`` weights that are evenly spaced in log scale."""
    low, high = ends
    if not 0 < low < high:
        raise ValueError(f"{ends!r}: a weight is searched in log scale, so it needs 0 < low < high")
    return [0.0, *map(float, np.geomspace(low, high, max(number - 1, 1)))]


def _stage_path(path: str | os.PathLike[str] | None, stage: str) -> Path | None:
    """Return the path of the journal file of a stage; None if the search has no journal."""
    return None if path is None else Path(path).with_stem(f"{Path(path).stem}.{stage}")
