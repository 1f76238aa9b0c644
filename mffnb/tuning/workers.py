"""Trials on their way: submitted to an executor, submitted again where a worker was lost."""

from __future__ import annotations

import concurrent.futures as cf
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mffnb.parallel import sharing
from mffnb.tuning.evaluation import Job, Report, evaluate, failed

_TRIES = 3  # a trial that takes its engine down each time is at fault itself


class SerialExecutor(cf.Executor):
    """Does the work at once, in this thread."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **options: Any) -> cf.Future[Any]:
        """Call the function; the future is done."""
        future: cf.Future[Any] = cf.Future()
        try:
            future.set_result(fn(*args, **options))
        except Exception as error:  # as other executors do
            future.set_exception(error)
        return future


@dataclass(frozen=True)
class _SubmittedTrial:
    number: int
    settings: Mapping[str, Any]
    tries: int = 1


@dataclass(eq=False)
class TrialDispatcher:
    """Trials that are being worked on.

    Attributes
    ----------
    executor
        Any of ``concurrent.futures``; ipyparallel's are known, and get the job by themselves before their first trial.
    job, objective
        What all trials share; the job is sent once.
    """

    executor: Any
    job: Job
    objective: Any
    token: str = field(init=False)
    served: set[int] = field(default_factory=set)
    pending: dict[Any, _SubmittedTrial] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.token = sharing.share(self.job)

    def submit(self, number: int, settings: Mapping[str, Any]) -> None:
        """Send a trial."""
        self._send(_SubmittedTrial(number, settings))

    def finished(self, timeout: float | None) -> dict[int, Report]:
        """Reports of the trials that have ended, waiting for the first one as long as is said."""
        ready, _ = cf.wait(list(self.pending), timeout=timeout, return_when=cf.FIRST_COMPLETED)
        reports: dict[int, Report] = {}
        for future in ready:
            sent = self.pending.pop(future)
            try:
                report = future.result()
            except cf.BrokenExecutor:
                raise
            except Exception as error:
                name = getattr(error, "ename", type(error).__name__)
                if name == "EngineError" and sent.tries < _TRIES:
                    self._send(_SubmittedTrial(sent.number, sent.settings, sent.tries + 1))
                    continue
                lost = f"its engine was lost, {_TRIES} times: it may need more memory than there is"
                report = failed(lost if name == "EngineError" else f"{name}: {error}")
            if report["status"] == "absent":
                # A worker that came later, or one that nobody but its pool can reach: the job goes with the trial.
                self._send(sent, with_job=True)
            else:
                reports[sent.number] = report
        return reports

    def close(self) -> None:
        """Give up what has not begun, and let go of the job."""
        for future in self.pending:
            future.cancel()
        self.pending.clear()
        sharing.withdraw(self.executor, self.token)

    def _send(self, sent: _SubmittedTrial, with_job: bool = False) -> None:
        sharing.deliver(self.executor, self.token, self.job, self.served)
        job = self.job if with_job else None
        self.pending[self.executor.submit(evaluate, self.token, job, self.objective, dict(sent.settings))] = sent
