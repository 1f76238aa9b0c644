"""Objectives of a search for the weight of a penalty: error of the maps that they select, on random scenes with truth.

    python -m benchmarks accuracy.map_error --scenes 8 --seed 20261130

Scenes: `benchmarks/shared/textured_scenes.py`; counts are fitted by Kullback-Leibler with 200 iterations. A grid search selects the
weight of smoothness (0, 1e-3 to 100) or of sparsity (0, 1e-3 to 1). The error is the RMSE of the fractions of the fit with the
proposed weight, relative to that of the best weight of the grid.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import mffnb as mf
from benchmarks.shared.command import parser, print_header, print_row
from benchmarks.shared.scores import fractions, in_order_of, rmse, with_true_sums
from benchmarks.shared.textured_scenes import TexturedScene, drawn
from mffnb.tuning import HeldOut, MapError, tune

ONE_THREAD = True
LEVELS = {
    "smoothness": [0.0, 1e-3, 1e-2, 1e-1, 1.0, 10.0, 100.0],
    "sparsity": [0.0, 1e-3, 1e-2, 1e-1, 0.3, 1.0],
}
OBJECTIVES = {"HeldOut": HeldOut(), "MapError": MapError()}


@dataclass(frozen=True)
class Judged:
    """Error of the proposed weight over that of the best one and of zero, whether no penalty was proposed, seconds."""

    over_best: float
    over_zero: float
    none: bool
    seconds: float


def error(scene: TexturedScene, settings: dict[str, Any]) -> float:
    result = mf.unmix(scene.cube, len(scene.endmembers), **settings)
    E, A = in_order_of(
        scene.endmembers, result.endmembers.values, result.abundances.values.reshape(len(result.endmembers), -1)
    )
    return rmse(fractions(with_true_sums(scene.endmembers, E, A)), scene.fractions)


def judge(scene: TexturedScene, penalty: str) -> dict[str, Judged]:
    settings = {"similarity": "kl", "max_iter": 200} if scene.counts else {}
    levels = LEVELS[penalty]
    errors = {weight: error(scene, {**settings, penalty: weight, "random_state": 0}) for weight in levels}
    found = {}
    for name, objective in OBJECTIVES.items():
        began = time.process_time()
        search = tune(
            scene.cube, {penalty: levels}, objective,
            k=len(scene.endmembers), algorithm="grid", max_evals=len(levels), **settings,
        )  # fmt: skip
        weight = search.settings[penalty]
        seconds = time.process_time() - began
        mine = errors[weight]
        found[name] = Judged(mine / min(errors.values()), mine / errors[0.0], weight == 0.0, seconds)
        print(f"{scene.name}, {penalty}: {name} {weight:g}, errors {np.round(list(errors.values()), 3)}", flush=True)
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser(__doc__)
    options.add_argument("--scenes", type=int, default=8)
    options.add_argument("--seed", type=int, default=1)
    chosen = options.parse_args(arguments)
    penalties = list(LEVELS)[1:] if chosen.quick else list(LEVELS)
    number = 1 if chosen.quick else chosen.scenes
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scenes = [
            drawn(np.random.default_rng([chosen.seed, i]), counts=False if chosen.quick else None)
            for i in range(number)
        ]
        found = [(penalty, judge(scene, penalty)) for scene in scenes for penalty in penalties]
    print_header(
        "penalty", "objective", "within 10 % of the best", "median", "worst", "worse than without by 10 %", "proposes none", "s",
    )  # fmt: skip
    for penalty in penalties:
        pairs = [one["MapError"] for what, one in found if what == penalty]
        none = np.array([one.over_best / one.over_zero for one in pairs])  # error without penalty over the best one
        some = f"{len(none)} of {len(none)}"
        print_row(
            penalty, "no penalty", f"{np.sum(none <= 1.1)} of {len(none)}", f"{np.median(none):.2f}", f"{none.max():.2f}", "-", some, "",
        )  # fmt: skip
        for name in OBJECTIVES:
            judged = [one[name] for what, one in found if what == penalty]
            best, zero = (np.array([getattr(one, what) for one in judged]) for what in ("over_best", "over_zero"))
            print_row(
                penalty, name, f"{np.sum(best <= 1.1)} of {len(judged)}", f"{np.median(best):.2f}", f"{best.max():.2f}",
                f"{np.sum(zero > 1.1)} of {len(judged)}", f"{sum(one.none for one in judged)} of {len(judged)}",
                f"{np.median([one.seconds for one in judged]):.1f}",
            )  # fmt: skip
