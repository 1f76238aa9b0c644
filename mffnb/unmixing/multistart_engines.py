"""Run the starts of one factorization on the engines of a cluster, or on the workers of any executor."""

from __future__ import annotations

import concurrent.futures as cf
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from mffnb.parallel import sharing
from mffnb.parallel.cluster import Cluster, is_engine_loss
from mffnb.parallel.executors import ExecutorEngines
from mffnb.protocols.matrix import Matrix
from mffnb.solvers import Outcome, State
from mffnb.solvers.interrupts import require_uninterrupted
from mffnb.solvers.progress import Callback
from mffnb.threads import limit_threads
from mffnb.typing import Float64Array
from mffnb.unmixing.image import RemoteImage

if TYPE_CHECKING:
    from mffnb.estimators.factorization import MatrixFactorization  # scikit-learn is slow to import

_TRIES = 3


class MatrixSource(Protocol):
    """Interface of an object from which an engine makes the matrix X."""

    def matrix(self) -> Matrix:
        """Return X in the process that calls this method."""
        ...


@dataclass(frozen=True, eq=False)
class SentMatrix:
    """A matrix X in memory that is sent to each engine."""

    held: Matrix

    def matrix(self) -> Matrix:
        """Return the matrix X that was sent."""
        return self.held


@dataclass(frozen=True, eq=False)
class FittedStart:
    """The result of one random start on an engine.

    Attributes
    ----------
    model, abundances
        The fitted model, and A (pixels, k).
    data
        Text that says how the engine stored X, for example as a sparse matrix.
    """

    model: MatrixFactorization
    abundances: Float64Array
    data: str

    @property
    def state(self) -> State:
        """Return the last state of this start, with its factors."""
        A = np.ascontiguousarray(self.abundances.T)
        model = self.model
        return replace(model.trace_[-1], abundances=A, endmembers=model.components_, outcome=model.outcome_)


def run(
    models: Sequence[MatrixFactorization],
    data: Matrix | RemoteImage,
    engines: Cluster | ExecutorEngines,
    callback: Callback | None = None,
) -> FittedStart:
    """Fit one model for each start on the engines of a cluster and return the fit with the lowest objective.

    Of fits with equal objectives the first one is returned. The starts of an engine that died are fitted again. Ctrl-C,
    or a callback that returns True, ends the run with the best start so far.

    Parameters
    ----------
    models
        Unfitted models, one for each start.
    data
        A matrix, which is sent to each engine once, or the image that each engine opens.
    engines
        Running cluster of ipyparallel engines, or an executor.
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
                require_uninterrupted(fitted.model.outcome_)  # an engine may receive the Ctrl-C of its terminal
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
        # the outcome tells that the starts ended early: this is the best of the finished starts, not of all
        best.model.outcome_ = outcome
    return best


class _Queue:
    """Submits starts to engines, and sends each engine the data before its first start."""

    def __init__(self, engines: Cluster | ExecutorEngines, source: MatrixSource) -> None:
        self._engines, self._source = engines, source
        self._pool = engines.executor()
        self._served = set[int]()
        self._token = sharing.share(source)
        self._tries: dict[int, int] = {}

    def submit(self, model: MatrixFactorization, again: int | None = None) -> Any:
        """Send a start to an engine; ``again`` is the index of the start if its engine has died or lacked the data.

        The data are sent once to each engine of ipyparallel. To a worker of another executor they are sent together
        with a start, after it has reported that it lacks them.
        """
        if again is not None:
            self._tries[again] = self._tries.get(again, 1) + 1
            if self._tries[again] > _TRIES:
                raise RuntimeError("engines die before they have an answer: they may need more memory than there is")
        self._engines.revive()
        delivered = sharing.deliver(self._pool, self._token, self._source, self._served)
        sent = None if delivered or again is None else self._source
        return self._pool.submit(_fit, self._token, model, sent)

    def result(self, future: Any) -> FittedStart | None:
        """Return the fitted start of a finished call; None if its engine died or had not received the data."""
        try:
            answer: FittedStart | None = future.result()
        except Exception as error:
            if not is_engine_loss(error):
                raise
            return None
        return answer

    def close(self) -> None:
        """Delete the data in this process and on the engines."""
        sharing.withdraw(self._pool, self._token)


def _fit(token: str, model: MatrixFactorization, sent: MatrixSource | None = None) -> FittedStart | None:
    """Fit one start on an engine; return None if the data of this token are neither there nor sent with this call."""
    source: MatrixSource | None = sharing.find(token) or sent
    if source is None:
        return None
    matrix = source.matrix()
    sharing.keep(token, SentMatrix(matrix))  # X is made once, for all starts on this engine
    with limit_threads(1):
        abundances = model.factorize(matrix)
    return FittedStart(model, abundances, str(matrix))
