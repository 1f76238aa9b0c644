"""Run several random starts of one model and keep the one with the lowest objective."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mffnb.parallel import Cluster
from mffnb.protocols.matrix import Matrix
from mffnb.solvers import Outcome
from mffnb.solvers.checkpoint import Keeper
from mffnb.solvers.progress import Callback, bar, both, counting_callback
from mffnb.typing import Float64Array
from mffnb.unmixing import multistart_engines

if TYPE_CHECKING:
    from mffnb.estimators.factorization import MatrixFactorization  # scikit-learn is slow to import


def several(model: MatrixFactorization, n_init: int, seed: Any) -> list[MatrixFactorization]:
    """Return ``n_init`` copies of a model, each with a random start from a seed of its own.

    Raises
    ------
    ValueError
        If ``n_init`` is not a whole number >= 1.
    """
    if not (isinstance(n_init, (int, np.integer)) and n_init >= 1):
        raise ValueError(f"n_init must be a whole number >= 1, got {n_init!r}")
    init = "random" if model.init in ("auto", "nndsvd") else model.init
    seeds = np.random.SeedSequence(seed).generate_state(n_init)
    parameters = model.get_params(deep=False)
    return [type(model)(**{**parameters, "init": init, "random_state": int(s % 2**31)}) for s in seeds]


def best_start(
    starts: Sequence[MatrixFactorization],
    matrix: Any,
    engines: Cluster | None,
    callback: Callback | None,
    progress: bool,
    keeper: Keeper | None,
) -> tuple[MatrixFactorization, Float64Array, str]:
    """Fit all starts, here or on engines; return the best model, its abundances, and how X was stored."""
    if engines is None or len(starts) == 1:
        with bar(progress, len(starts) * starts[0].max_iter) as show:
            return *_best_here(starts, matrix, both(show, callback), keeper), str(matrix)
    with counting_callback(progress, len(starts)) as show:
        best = multistart_engines.run(starts, matrix, engines, both(show, callback))
    return best.model, best.abundances, best.data


def _best_here(
    starts: Sequence[MatrixFactorization], matrix: Matrix, callback: Callback | None, keeper: Keeper | None
) -> tuple[MatrixFactorization, Float64Array]:
    """Fit one start after the other in this process; after an interrupt, return the best start so far."""
    best: tuple[MatrixFactorization, Float64Array] | None = None
    for number, model in enumerate(starts):
        own_keeper = keeper if keeper is None or len(starts) == 1 else keeper.of_start(number)
        A = model.factorize(matrix, callback, own_keeper)
        outcome = model.outcome_
        whole = outcome is not Outcome.INTERRUPTED  # a start cut short by Ctrl-C counts only if there is no other
        if best is None or (whole and model.objective_ < best[0].objective_):
            best = model, A
        if outcome in (Outcome.INTERRUPTED, Outcome.STOPPED):
            # the outcome tells that the starts ended early: this is the best of the finished starts, not of all
            best[0].outcome_ = outcome
            break
    if best is None:
        raise ValueError("n_init must be a whole number >= 1")
    return best
