"""Restarts of one factorization on the engines of a cluster."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mffnb.model import MatrixFactorization
from mffnb.parallel import sharing
from mffnb.parallel.cluster import Cluster
from mffnb.protocols import Matrix
from mffnb.threads import at_most
from mffnb.typing import Float64Array

_TRIES = 3

Fitted = tuple[MatrixFactorization, Float64Array]


def run(models: Sequence[MatrixFactorization], matrix: Matrix, engines: Cluster) -> list[Fitted]:
    """Fit all models to one matrix, which is sent to each engine once; those of a killed engine are fitted again."""
    pool, served = engines.executor(), set[int]()
    token = sharing.share(matrix)

    def send(model: MatrixFactorization) -> Any:
        engines.revive()
        sharing.deliver(pool, token, matrix, served)
        return pool.submit(_fit, token, model)

    waiting = [send(model) for model in models]
    fitted: list[Fitted] = []
    try:
        for number, model in enumerate(models):
            fitted.append(_result(waiting[number], send, model))
    finally:
        for future in waiting:
            future.cancel()
        sharing.withdraw(pool, token)
    return fitted


def _result(future: Any, send: Any, model: MatrixFactorization) -> Fitted:
    for _ in range(_TRIES - 1):
        try:
            answer = future.result()
        except Exception as error:
            if getattr(error, "ename", type(error).__name__) != "EngineError":
                raise
            answer = None
        if answer is not None:
            return answer  # type: ignore[no-any-return]
        future = send(model)
    answer = future.result()
    if answer is None:
        raise RuntimeError("engines die before they have the data: they may need more memory than there is")
    return answer  # type: ignore[no-any-return]


def _fit(token: str, model: MatrixFactorization) -> Fitted | None:
    """Fit on an engine; None where the matrix has not arrived."""
    matrix = sharing.find(token)
    if matrix is None:
        return None
    with at_most(1):
        abundances = model.factorize(matrix)
    return model, abundances
