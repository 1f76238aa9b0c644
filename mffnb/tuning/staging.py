"""One weight after the other, as the method's authors advise."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from mffnb.tuning.search import tune
from mffnb.tuning.tuning import Tuning


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
    """Search for a sparsity with the smoothness at zero, then for a smoothness at that sparsity.

    Each stage tries no penalty as well, so that one that does not help is left out: the weight is a choice between
    zero and levels from the low end upwards. Source: Kannan et al. 2018, Adv. Struct. Chem. Imaging 4:6.

    Parameters
    ----------
    cube, objective, algorithm, path, options
        As for :func:`tune`; the stages keep files of their own, ``path`` with ``.sparsity`` and ``.smoothness`` added
        to its stem.
    sparsity, smoothness
        Lowest and highest weight.
    max_evals
        Trials of each stage: zero, and the rest evenly spaced in log scale.

    Returns
    -------
    Tuning, Tuning
        Of sparsity, and of smoothness, whose best settings are those of both.

    Examples
    --------
    >>> import mffnb as mf
    >>> cube = mf.datasets.tof_sims_2d(seed=0, shape=(8, 12)).cube
    >>> first, second = mf.tuning.staged(cube, k=3, max_evals=3)
    >>> first.trials[0].settings, second.settings["sparsity"] == first.settings["sparsity"]
    ({'smoothness': 0.0, 'sparsity': 0.0}, True)
    """
    first = tune(
        cube, {"sparsity": _levels(sparsity, max_evals), "smoothness": 0.0}, objective,
        algorithm=algorithm, max_evals=max_evals, path=_part(path, "sparsity"), **options,
    )  # fmt: skip
    second = tune(
        cube, {"sparsity": first.best.settings["sparsity"], "smoothness": _levels(smoothness, max_evals)}, objective,
        algorithm=algorithm, max_evals=max_evals, path=_part(path, "smoothness"), **options,
    )  # fmt: skip
    return first, second


def _levels(ends: tuple[float, float], number: int) -> list[float]:
    low, high = ends
    if not 0 < low < high:
        raise ValueError(f"{ends!r}: a weight is searched in log scale, so it needs 0 < low < high")
    return [0.0, *map(float, np.geomspace(low, high, max(number - 1, 1)))]


def _part(path: str | os.PathLike[str] | None, stage: str) -> Path | None:
    return None if path is None else Path(path).with_stem(f"{Path(path).stem}.{stage}")
