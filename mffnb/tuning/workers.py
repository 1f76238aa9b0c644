"""Submit trials to an executor and collect their reports; resubmit trials of lost engines."""

from __future__ import annotations

import concurrent.futures as cf
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mffnb.parallel import sharing
from mffnb.tuning.evaluation import Job, Report, evaluate, failure_report

_TRIES = 3  # after this many lost engines, the trial itself is assumed to be the cause


class SerialExecutor(cf.Executor):
    """Executor that runs each task immediately in the calling thread."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **options: Any) -> cf.Future[Any]:
        """Call the function immediately and return a finished future."""
        future: cf.Future[Any] = cf.Future()
        try:
            future.set_result(fn(*args, **options))
        except Exception as error:  # the error is stored in the future, as other executors do
            future.set_exception(error)
        return future


@dataclass(frozen=True)
class _SubmittedTrial:
    """A trial that has been submitted to a worker, with the number of attempts."""

    number: int
    settings: Mapping[str, Any]
    tries: int = 1


@dataclass(eq=False)
class TrialDispatcher:
    """Submits the trials of a search to an executor and collects their reports.

    Attributes
    ----------
    executor
        Any ``concurrent.futures`` executor. An engine of ipyparallel receives the job before its first trial.
    job, objective
        Inputs common to all trials; the job is sent to each worker once.
    token
        Key under which the job is stored on the workers.
    served
        Engines that have received the job.
    pending
        Submitted trials that have not finished, by their future.
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
        """Submit the trial with this number and these settings to the executor."""
        self._send(_SubmittedTrial(number, settings))

    def collect(self, timeout: float | None) -> dict[int, Report]:
        """Return the reports of finished trials by number; wait at most ``timeout`` seconds for the first one."""
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
                lost = f"its engine was lost {_TRIES} times: the trial may need more memory than is available"
                report = failure_report(lost if name == "EngineError" else f"{name}: {error}")
            if report["status"] == "absent":
                # The worker started later, or belongs to a process pool: send the job together with the trial.
                self._send(sent, with_job=True)
            else:
                reports[sent.number] = report
        return reports

    def close(self) -> None:
        """Cancel trials that have not started, and delete the job on the workers."""
        for future in self.pending:
            future.cancel()
        self.pending.clear()
        sharing.withdraw(self.executor, self.token)

    def _send(self, sent: _SubmittedTrial, with_job: bool = False) -> None:
        """Submit a trial, together with the job if the worker does not have it."""
        sharing.deliver(self.executor, self.token, self.job, self.served)
        job = self.job if with_job else None
        self.pending[self.executor.submit(evaluate, self.token, job, self.objective, dict(sent.settings))] = sent
