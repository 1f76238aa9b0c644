"""Calls that unmix many times: number of components, stability, settings by search."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import mffnb as mf
from mffnb.graphs import grid
from mffnb.matrices import in_memory

from . import inputs


def of_scan(scan: Any) -> dict[str, Any]:
    """Evidence, recommendation, tree and answers of a scan."""
    advice = scan.recommend()
    return {
        "evidence": scan.evidence,
        "k": advice.k,
        "between": advice.between,
        "elbow": scan.elbow,
        "families": scan.lineage().families(),
        "results": scan.results,
    }


def of_search(found: Any) -> dict[str, Any]:
    """Trials, the best of them, and the answer at its settings."""
    return {
        "table": found.table(),
        "best": found.best.number,
        "ended": found.ended.name,
        "points": [dict(trial.point) for trial in found.trials],
        "front": [trial.number for trial in found.pareto()],
        "settings": {key: value for key, value in found.settings.items() if isinstance(value, (int, float, str))},
        "result": found.unmix(max_iter=40),
    }


def scan() -> dict[str, Any]:
    """Two to four components with restarts, held-out entries and halves."""
    found = mf.selection.scan_rank(inputs.cube(), range(2, 5), n_init=3, splits=2, max_iter=40, random_state=0)
    return of_scan(found)


def scan_of_counts() -> dict[str, Any]:
    """The same for counts, smooth maps and threads, whose number must not matter."""
    with ThreadPoolExecutor(2) as threads:
        found = mf.selection.scan_rank(
            inputs.counts(), range(2, 4), n_init=2, splits=1, max_iter=30, random_state=0, similarity="kl",
            smoothness=0.1, executor=threads,
        )  # fmt: skip
    return of_scan(found)


def parts_of_selection() -> dict[str, Any]:
    """Images above the noise, consensus of labels, one component more and one less."""
    X, result = in_memory(inputs.matrix()), mf.unmix(inputs.cube(), 3, max_iter=20, random_state=0)
    A, E = result.abundances.values.reshape(3, -1), result.endmembers.values
    labels = inputs.rng(18).integers(0, 3, (4, 180))
    selection = mf.selection
    return {
        "images": selection.independent_images(X, grid(inputs.SHAPE), 6),
        "dispersion": selection.dispersion(labels),
        "cophenetic": selection.cophenetic_correlation(labels),
        "grown": selection.grow(X, A, E),
        "shrunk": selection.shrink(A, E),
    }


def of_stability(found: Any) -> dict[str, Any]:
    """Bands, deviations and scores."""
    spreads = {"replicas": found.replicas, "restarts": found.restarts}
    parts = ("lower", "upper", "deviation", "angles", "score")
    return {
        **{part: getattr(found, part) for part in ("lower", "upper", "deviation", "score", "noise", "level")},
        **{name: {part: getattr(one, part) for part in parts} for name, one in spreads.items()},
        "reach": {"below": found.reach.below, "above": found.reach.above},
        "answer": found.answer,
    }


def stability_of_k() -> dict[str, Any]:
    """Restarts and replicas of counts."""
    found = mf.selection.stability(
        inputs.counts(), 3, n_init=3, n_bootstrap=9, similarity="kl", max_iter=40, random_state=0
    )
    return of_stability(found)


def stability_of_a_result() -> dict[str, Any]:
    """Replicas with random signs of an answer with fractions."""
    result = mf.unmix(inputs.cube(), 3, sum_to_one=True, volume=1e-3, max_iter=60, random_state=0)
    return of_stability(mf.selection.stability(inputs.cube(), result, n_init=2, n_bootstrap=9, random_state=0))


def tune_by_tpe() -> dict[str, Any]:
    """Two weights and k, by held-out entries, resumed from the file of a shorter search."""
    space = {"sparsity": (1e-3, 1.0), "smoothness": (1e-3, 10.0), "k": [2, 3]}
    options: dict[str, Any] = {"seed": 0, "max_iter": 30, "path": "search.jsonl"}
    mf.tuning.tune(inputs.cube(), space, mf.tuning.HeldOut(), max_evals=5, **options)
    return of_search(mf.tuning.tune(inputs.cube(), space, mf.tuning.HeldOut(), max_evals=24, **options))


def tune_by_other_algorithms() -> dict[str, Any]:
    """Grid, line, random and annealing, each with another objective."""

    def roughness(result: Any) -> float:
        return float(result.abundances.diff("x").std())

    objectives = {
        "grid": mf.tuning.BIC(),
        "line": mf.tuning.Repeatability(2),
        "random": mf.tuning.TargetSparsity(0.7),
        "anneal": roughness,
    }
    space, cube = {"sparsity": (1e-3, 1.0), "smoothness": (1e-3, 1.0)}, inputs.cube()
    return {
        name: of_search(mf.tuning.tune(cube, space, objective, algorithm=name, max_evals=4, k=3, max_iter=30))
        for name, objective in objectives.items()
    }


def tune_in_stages() -> dict[str, Any]:
    """First the sparsity, then the smoothness, of counts."""
    stages = mf.tuning.staged(inputs.counts(), mf.tuning.BIC(), max_evals=4, k=3, similarity="kl", max_iter=30)
    return dict(zip(("sparsity", "smoothness"), map(of_search, stages), strict=True))


CALLS: dict[str, Callable[[], dict[str, Any]]] = {
    "scan_rank": scan,
    "scan_rank_counts": scan_of_counts,
    "selection_parts": parts_of_selection,
    "stability_of_k": stability_of_k,
    "stability_of_a_result": stability_of_a_result,
    "tune_tpe": tune_by_tpe,
    "tune_other_algorithms": tune_by_other_algorithms,
    "tune_staged": tune_in_stages,
}
