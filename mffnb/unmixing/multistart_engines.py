"""Restarts of one factorization on the engines of a cluster."""

from __future__ import annotations

import concurrent.futures as cf
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from mffnb.estimators.factorization import MatrixFactorization
from mffnb.parallel import sharing
from mffnb.parallel.cluster import Cluster
from mffnb.protocols.matrix import Matrix
from mffnb.solvers import Outcome
from mffnb.solvers.progress import Callback
from mffnb.threads import limit_threads
from mffnb.typing import Float64Array

_TRIES = 3


class Recipe(Protocol):
    """How an engine gets a matrix without being sent it."""

    def matrix(self) -> Matrix:
        """The matrix, made where this is called."""
        ...


@dataclass(frozen=True, eq=False)
class Fitted:
    """A start that has been led to its end.

    Attributes
    ----------
    model, abundances
        The model after its fit, and A (pixels, k).
    data
        How the engine kept X.
    """

    model: MatrixFactorization
    abundances: Float64Array
    data: str


def run(
    models: Sequence[MatrixFactorization],
    data: Matrix | Recipe,
    engines: Cluster,
    callback: Callback | None = None,
) -> Fitted:
    """Fit all models to one matrix and return the best fit, the first one of equals.

    What a killed engine had is fitted again. Ctrl-C, or a callback that returns True, ends it with the best so far.

    Parameters
    ----------
    models
        One for each start.
    data
        A matrix, which is sent to each engine once, or how to make it there.
    engines
        They must run.
    callback
        Called with the last state of each start, in the order in which they end.
    """
    sent = _Sent(engines, data)
    waiting: dict[Any, int] = {}
    ended: dict[int, Fitted] = {}
    outcome: Outcome | None = None
    try:
        for number, model in enumerate(models):
            waiting[sent.submit(model)] = number
        while waiting and outcome is None:
            ready, _ = cf.wait(waiting, return_when=cf.FIRST_COMPLETED)
            for future in ready:
                number = waiting.pop(future)
                fitted = sent.result(future)
                if fitted is None:
                    waiting[sent.submit(models[number], number)] = number
                    continue
                ended[number] = fitted
                if callback is not None and callback(_last(fitted)) is True and waiting:
                    outcome = Outcome.STOPPED
    except KeyboardInterrupt:
        outcome = Outcome.INTERRUPTED
        if not ended:
            raise
    finally:
        for future in waiting:
            future.cancel()
        sent.close()
    best = min(sorted(ended.items()), key=lambda one: one[1].model.objective_)[1]
    if outcome is not None:
        best.model.outcome_ = outcome  # of those that have ended, but not of all that was asked for
    return best


class _Sent:
    """Starts on their way, and the data that they need."""

    def __init__(self, engines: Cluster, data: Matrix | Recipe) -> None:
        self._engines, self._data = engines, data
        self._pool = engines.executor()
        self._served = set[int]()
        self._token = sharing.share(data)
        self._tries: dict[int, int] = {}

    def submit(self, model: MatrixFactorization, again: int | None = None) -> Any:
        if again is not None:
            self._tries[again] = self._tries.get(again, 1) + 1
            if self._tries[again] > _TRIES:
                raise RuntimeError("engines die before they have an answer: they may need more memory than there is")
        self._engines.revive()
        sharing.deliver(self._pool, self._token, self._data, self._served)
        return self._pool.submit(_fit, self._token, model)

    def result(self, future: Any) -> Fitted | None:
        """What an engine found; None where it was lost, or had no data."""
        try:
            answer: Fitted | None = future.result()
        except Exception as error:
            if getattr(error, "ename", type(error).__name__) != "EngineError":
                raise
            return None
        return answer

    def close(self) -> None:
        sharing.withdraw(self._pool, self._token)


def _fit(token: str, model: MatrixFactorization) -> Fitted | None:
    """Fit on an engine; None where the data have not arrived."""
    data = sharing.find(token)
    if data is None:
        return None
    if hasattr(data, "matrix"):  # made once, for all starts that come here
        data = data.matrix()
        sharing.keep(token, data)
    with limit_threads(1):
        abundances = model.factorize(data)
    return Fitted(model, abundances, str(data))


def _last(fitted: Fitted) -> Any:
    model = fitted.model
    A = np.ascontiguousarray(fitted.abundances.T)
    return replace(model.trace_[-1], abundances=A, endmembers=model.components_, outcome=model.outcome_)
