"""Calls of the widgets without a browser: sliders are moved from Python, and every run is waited for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import mffnb as mf
from mffnb.preprocessing import Bin, UnitSum

from . import inputs

_PATIENCE = 120.0  # seconds


def moved(cube: Any, moves: list[dict[str, Any]], **options: Any) -> dict[str, Any]:
    """Open an explorer, move its sliders one after the other, and keep the result of each run."""
    explorer = mf.explore(cube, **options)
    try:
        explorer.wait(_PATIENCE)
        found = {"0": without_times(explorer.result)}
        for number, move in enumerate(moves, 1):
            explorer.controls.set(**move)
            explorer.wait(_PATIENCE)
            found[str(number)] = without_times(explorer.result)
        explorer.start_afresh()
        explorer.wait(_PATIENCE)
        found["afresh"] = without_times(explorer.result)
        return found
    finally:
        explorer.close()


def without_times(result: Any) -> Any:
    """Drop the errors of a run with ``volume="auto"``: they depend on which states were drawn, by the clock."""
    if result.parameters["volume"] != "auto":
        return result
    return replace(result, trace=result.trace.drop_vars("relative_error"))


def explorer() -> dict[str, Any]:
    """Number of components, penalties, fractions and noise."""
    moves: list[dict[str, Any]] = [
        {"sparsity": 1e-2},
        {"smoothness": 0.1},
        {"k": 4},
        {"k": 2, "sparsity": 0.0},
        {"sum_to_one": True, "volume": 1e-3},
        {"gain": True, "sum_to_one": False},
        {"volume": "auto"},
        {"volume": 0.0, "gain": False, "similarity": "kl", "k": 3},
    ]
    return moved(inputs.cube(), moves, k=3)


def explorer_of_known_spectra() -> dict[str, Any]:
    """A known endmember, weights, a mask, and steps that are switched off."""
    mask = inputs.rng(8).random(inputs.SHAPE) < 0.9
    moves: list[dict[str, Any]] = [{"steps": (False,)}, {"k": 4}, {"smoothness": 1.0}]
    known = {"known": inputs.known(), "mask": mask, "preprocess": [Bin(space=3)]}
    return {
        "known": moved(inputs.cube(), moves, k=3, **known),
        "weights": moved(inputs.counts(), [{"k": 2}], k=3, weights="poisson", preprocess=[UnitSum()]),
    }


def explorer_of_terms() -> dict[str, Any]:
    """Terms that are added in the explorer, terms of the user's own, and an answer to go on from."""
    start = mf.unmix(inputs.cube(), 3, max_iter=20, random_state=0)
    moves: list[dict[str, Any]] = [{"total_variation": 0.05}, {"one_peak": 1}]
    own = [mf.SpectralSmoothness(0.1)]
    return {
        "added": moved(inputs.cube(), moves, k=3),
        "own": moved(inputs.cube(), [{"k": 4}], k=3, endmember_terms=own, start=start),
    }


def rank_explorer() -> dict[str, Any]:
    """A scan in the background, a chosen k, and the explorer that goes on from it."""
    ranks = mf.RankExplorer(inputs.cube(), range(2, 5), n_init=2, splits=1, max_iter=30, random_state=0)
    try:
        ranks.wait(_PATIENCE)
        scan: Any = ranks.scan
        found: dict[str, Any] = {"k": ranks.k, "evidence": scan.evidence, "recommended": ranks.result}
        ranks.choose(4)
        found["chosen"] = ranks.result
        explorer = ranks.explore()
        explorer.wait(_PATIENCE)
        found["explored"] = explorer.result
        return found
    finally:
        ranks.close()


def tuning_monitor() -> dict[str, Any]:
    """A search in the background, and the maps of two of its trials."""
    space, objective = {"sparsity": (1e-3, 1.0)}, mf.tuning.BIC()
    monitor = mf.TuningMonitor(inputs.cube(), space, objective, k=3, algorithm="grid", max_evals=3, max_iter=40)
    try:
        monitor.wait(_PATIENCE)
        found: dict[str, Any] = {"table": monitor.search.table(), "best": monitor.result}
        monitor.choose(0)
        monitor.wait(_PATIENCE)
        found["first"] = monitor.result
        return found
    finally:
        monitor.close()


CALLS: dict[str, Callable[[], dict[str, Any]]] = {
    "explorer": explorer,
    "explorer_known_and_steps": explorer_of_known_spectra,
    "explorer_terms": explorer_of_terms,
    "rank_explorer": rank_explorer,
    "tuning_monitor": tuning_monitor,
}
