"""Run several random starts of one model and keep the one with the lowest objective."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np

from mffnb.estimators.fitting import Fitted, fit
from mffnb.estimators.run import FactorizationRun
from mffnb.parallel import Cluster
from mffnb.parallel.executors import ExecutorEngines
from mffnb.protocols.matrix import Matrix
from mffnb.solvers import Outcome
from mffnb.solvers.checkpoint import Keeper
from mffnb.solvers.progress import Callback, bar, both, counting_callback
from mffnb.unmixing import multistart_engines
from mffnb.unmixing.solution import Solution


def several(run: FactorizationRun, n_init: int, seed: Any) -> list[FactorizationRun]:
    """Return ``n_init`` copies of a run, each with a random start from a seed of its own.

    Raises
    ------
    ValueError
        If ``n_init`` is not a whole number >= 1.
    """
    if not (isinstance(n_init, (int, np.integer)) and n_init >= 1):
        raise ValueError(f"n_init must be a whole number >= 1, got {n_init!r}")
    init = "random" if run.init in ("auto", "nndsvd") else run.init
    seeds = np.random.SeedSequence(seed).generate_state(n_init)
    return [replace(run, init=init, random_state=int(s % 2**31)) for s in seeds]


def best_start(
    starts: Sequence[FactorizationRun],
    matrix: Any,
    engines: Cluster | ExecutorEngines | None,
    callback: Callback | None,
    progress: bool,
    keeper: Keeper | None,
) -> tuple[Solution, str]:
    """Fit all starts, here or on engines; return the best solution, and the description of its start."""
    if engines is None or len(starts) == 1:
        with bar(progress, len(starts) * starts[0].max_iter) as show:
            best = _best_here(starts, matrix, both(show, callback), keeper)
        return Solution.of(best, notes={"data": str(matrix)}), best.start
    from mffnb.estimators.factorization import MatrixFactorization  # noqa: PLC0415  scikit-learn is slow to import

    models = [MatrixFactorization(**{one.name: getattr(run, one.name) for one in fields(run)}) for run in starts]
    with counting_callback(progress, len(starts)) as show:
        found = multistart_engines.run(models, matrix, engines, both(show, callback))
    return Solution.of_model(found.model, found.abundances, notes={"data": found.data}), found.model.start_


def _best_here(
    starts: Sequence[FactorizationRun], matrix: Matrix, callback: Callback | None, keeper: Keeper | None
) -> Fitted:
    """Fit one start after the other in this process; after an interrupt, return the best start so far."""
    best: Fitted | None = None
    for number, run in enumerate(starts):
        own_keeper = keeper if keeper is None or len(starts) == 1 else keeper.of_start(number)
        fitted = fit(run, matrix, callback, own_keeper)
        outcome = fitted.outcome
        whole = outcome is not Outcome.INTERRUPTED  # a start cut short by Ctrl-C counts only if there is no other
        if best is None or (whole and fitted.objective < best.objective):
            best = fitted
        if outcome in (Outcome.INTERRUPTED, Outcome.STOPPED):
            # the outcome tells that the starts ended early: this is the best of the finished starts, not of all
            best = best.ended(outcome)
            break
    if best is None:
        raise ValueError("n_init must be a whole number >= 1")
    return best
