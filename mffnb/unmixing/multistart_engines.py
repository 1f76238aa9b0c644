"""Run the starts of one factorization on the engines of a cluster, one start on each engine at a time."""

from __future__ import annotations

import concurrent.futures as cf
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from mffnb.estimators.factorization import MatrixFactorization
from mffnb.parallel import sharing
from mffnb.parallel.cluster import Cluster, is_engine_loss
from mffnb.protocols.matrix import Matrix
from mffnb.solvers import Outcome, State
from mffnb.solvers.progress import Callback
from mffnb.threads import limit_threads
from mffnb.typing import Float64Array
from mffnb.unmixing.image import RemoteImage

_TRIES = 3


class MatrixSource(Protocol):
    """An object from which an engine makes the matrix X."""

    def matrix(self) -> Matrix:
        """Return X in the process where this is called."""
        ...


@dataclass(frozen=True, eq=False)
class SentMatrix:
    """A matrix that is sent to each engine."""

    held: Matrix

    def matrix(self) -> Matrix:
        """Return the matrix."""
        return self.held


@dataclass(frozen=True, eq=False)
class FittedStart:
    """One start after its fit.

    Attributes
    ----------
    model, abundances
        The fitted model, and A (pixels, k).
    data
        How the engine stored X.
    """

    model: MatrixFactorization
    abundances: Float64Array
    data: str

    @property
    def state(self) -> State:
        """The last state of the run, with its factors."""
        A = np.ascontiguousarray(self.abundances.T)
        model = self.model
        return replace(model.trace_[-1], abundances=A, endmembers=model.components_, outcome=model.outcome_)


def run(
    models: Sequence[MatrixFactorization],
    data: Matrix | RemoteImage,
    engines: Cluster,
    callback: Callback | None = None,
) -> FittedStart:
    """Fit all models to one matrix and return the fit with the lowest objective, the first one of equals.

    The starts of an engine that died are fitted again. Ctrl-C, or a callback that returns True, ends the run with the
    best start so far.

    Parameters
    ----------
    models
        One for each start.
    data
        A matrix, which is sent to each engine once, or the image that each engine opens.
    engines
        Running engines.
    callback
        Called with the last state of each start, in the order in which they end.
    """
    queue = _Queue(engines, data if isinstance(data, RemoteImage) else SentMatrix(data))
    waiting: dict[Any, int] = {}
    ended: dict[int, FittedStart] = {}
    outcome: Outcome | None = None
    try:
        for number, model in enumerate(models):
            waiting[queue.submit(model)] = number
        while waiting and outcome is None:
            ready, _ = cf.wait(waiting, return_when=cf.FIRST_COMPLETED)
            for future in ready:
                number = waiting.pop(future)
                fitted = queue.result(future)
                if fitted is None:
                    waiting[queue.submit(models[number], number)] = number
                    continue
                ended[number] = fitted
                if callback is not None and callback(fitted.state) is True and waiting:
                    outcome = Outcome.STOPPED
    except KeyboardInterrupt:
        outcome = Outcome.INTERRUPTED
        if not ended:
            raise
    finally:
        for future in waiting:
            future.cancel()
        queue.close()
    best = min(sorted(ended.items()), key=lambda one: one[1].model.objective_)[1]
    if outcome is not None:
        best.model.outcome_ = outcome  # the best of the starts that have ended, not of all
    return best


class _Queue:
    """Starts that are submitted to engines, and the data that these need for them."""

    def __init__(self, engines: Cluster, source: MatrixSource) -> None:
        self._engines, self._source = engines, source
        self._pool = engines.executor()
        self._served = set[int]()
        self._token = sharing.share(source)
        self._tries: dict[int, int] = {}

    def submit(self, model: MatrixFactorization, again: int | None = None) -> Any:
        """Send a start to an engine; ``again`` is its number if an engine has lost it before."""
        if again is not None:
            self._tries[again] = self._tries.get(again, 1) + 1
            if self._tries[again] > _TRIES:
                raise RuntimeError("engines die before they have an answer: they may need more memory than there is")
        self._engines.revive()
        sharing.deliver(self._pool, self._token, self._source, self._served)
        return self._pool.submit(_fit, self._token, model)

    def result(self, future: Any) -> FittedStart | None:
        """Return the fitted start; None if its engine died or had no data."""
        try:
            answer: FittedStart | None = future.result()
        except Exception as error:
            if not is_engine_loss(error):
                raise
            return None
        return answer

    def close(self) -> None:
        """Delete the data here and on the engines."""
        sharing.withdraw(self._pool, self._token)


def _fit(token: str, model: MatrixFactorization) -> FittedStart | None:
    """Fit one start on an engine; None if the data have not arrived."""
    source: MatrixSource | None = sharing.find(token)
    if source is None:
        return None
    matrix = source.matrix()
    sharing.keep(token, SentMatrix(matrix))  # made once, for all starts on this engine
    with limit_threads(1):
        abundances = model.factorize(matrix)
    return FittedStart(model, abundances, str(matrix))
