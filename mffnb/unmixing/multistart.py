"""Several starts of one problem, and the best of their runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mffnb.estimators.factorization import MatrixFactorization
from mffnb.parallel import Cluster
from mffnb.protocols.matrix import Matrix
from mffnb.solvers import Outcome
from mffnb.solvers.checkpoint import Keeper
from mffnb.solvers.progress import Callback, bar, both, counted
from mffnb.typing import Float64Array
from mffnb.unmixing import multistart_engines as restarts


def several(model: MatrixFactorization, n_init: int, seed: int) -> list[MatrixFactorization]:
    """The model with that many random starts.

    Raises
    ------
    ValueError
        If that is no number of starts.
    """
    if not (isinstance(n_init, (int, np.integer)) and n_init >= 1):
        raise ValueError(f"n_init must be a whole number >= 1, got {n_init!r}")
    init = "random" if model.init in ("auto", "nndsvd") else model.init
    seeds = np.random.SeedSequence(seed).generate_state(n_init)
    parameters = model.get_params(deep=False)
    return [MatrixFactorization(**{**parameters, "init": init, "random_state": int(s % 2**31)}) for s in seeds]


def solved(
    starts: Sequence[MatrixFactorization],
    matrix: Any,
    engines: Cluster | None,
    callback: Callback | None,
    progress: bool,
    keeper: Keeper | None,
) -> tuple[MatrixFactorization, Float64Array, str]:
    """The best of all starts: the model, A (own pixels, k), and how X was kept."""
    if engines is None or len(starts) == 1:
        with bar(progress, len(starts) * starts[0].max_iter) as show:
            return *_best(starts, matrix, both(show, callback), keeper), str(matrix)
    with counted(progress, len(starts)) as show:
        best = restarts.run(starts, matrix, engines, both(show, callback))
    return best.model, best.abundances, best.data


def _best(
    starts: Sequence[MatrixFactorization], matrix: Matrix, callback: Callback | None, keeper: Keeper | None
) -> tuple[MatrixFactorization, Float64Array]:
    best: tuple[MatrixFactorization, Float64Array] | None = None
    for number, model in enumerate(starts):
        of_this = keeper if keeper is None or len(starts) == 1 else keeper.of_start(number)
        A = model.factorize(matrix, callback, of_this)
        ended = model.outcome_ in (Outcome.INTERRUPTED, Outcome.STOPPED)
        outcome = model.outcome_
        if best is None or model.objective_ < best[0].objective_:
            best = model, A
        if ended:
            best[0].outcome_ = outcome  # the best so far, but not of all that was asked for
            break
    if best is None:
        raise ValueError("n_init must be a whole number >= 1")
    return best
