"""One trial where it is worked on: in this process, on a thread, an engine or an MPI rank."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol, runtime_checkable

import numpy as np
import xarray as xr

from mffnb.cubes.as_cube import as_cube
from mffnb.errors import without_warnings
from mffnb.io.read import read
from mffnb.parallel import sharing
from mffnb.solvers import Outcome
from mffnb.threads import at_most
from mffnb.unmixing.result import Unmixing
from mffnb.unmixing.unmix import unmix

Report = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Fit:
    """What an objective may do with a trial: unmix its cube with its settings, as they are or changed.

    Attributes
    ----------
    cube
        The spectral image.
    settings
        Keywords of :func:`mffnb.unmix`, k among them.
    memory
        Kept by a worker from trial to trial; what is in it must depend on cube and settings alone.
    """

    cube: xr.DataArray
    settings: Mapping[str, Any]
    memory: dict[Any, Any] = field(default_factory=dict)

    def unmix(self, cube: Any = None, **changes: Any) -> Unmixing:
        """Unmix, the cube or the settings changed."""
        result = unmix(self.cube if cube is None else cube, **{**self.settings, **changes})
        if result.outcome is Outcome.INTERRUPTED:  # unmix keeps what it has; a search has to know
            raise KeyboardInterrupt
        return result


@dataclass(frozen=True, eq=False)
class Measured:
    """A loss, and the fit that it speaks of."""

    loss: float
    result: Unmixing


@runtime_checkable
class Objective(Protocol):
    """What a search makes small.

    One with a method ``check(settings)`` may refuse what it cannot judge before there is a first trial: it is given the
    keywords of :func:`mffnb.unmix`, and for those that are searched the part of the space.
    """

    def measure(self, fit: Fit) -> Measured:
        """Fit, and judge."""


@dataclass(frozen=True, eq=False)
class Job:
    """What all trials share: sent to a worker once.

    Attributes
    ----------
    source
        The cube, or the path from which each worker reads it.
    options
        Keywords of :func:`mffnb.unmix` that are not searched.
    """

    source: Any
    options: Mapping[str, Any]
    memory: dict[Any, Any] = field(default_factory=dict)

    @cached_property
    def cube(self) -> xr.DataArray:
        """Read once in each process."""
        return read(self.source) if isinstance(self.source, (str, os.PathLike)) else as_cube(self.source)


def evaluate(
    token: str, job: Job | None, objective: Objective | Callable[[Unmixing], float], settings: Mapping[str, Any]
) -> Report:
    """Run a trial and say what came of it; {"status": "absent"} where the job has not arrived yet.

    Whatever goes wrong in the trial is a report as well.
    """
    if job is not None and not sharing.is_from_here(token):
        sharing.keep(token, job)
    job = sharing.find(token)
    if job is None:
        return {"status": "absent"}
    begin = time.perf_counter()
    try:
        with at_most(1), without_warnings():  # one thread, so that sums are the same everywhere; outcomes are reported
            fit = Fit(job.cube, {**job.options, **settings}, job.memory)
            if isinstance(objective, Objective):
                measured = objective.measure(fit)
            else:
                result = fit.unmix()
                measured = Measured(float(objective(result)), result)
            report = _report(measured)
    except Exception as error:  # a trial may go wrong in any way, and the search goes on
        report = failed(f"{type(error).__name__}: {error}")
    return report | {"seconds": time.perf_counter() - begin}


def failed(message: str) -> Report:
    """The report of a trial that went wrong."""
    return {"status": "failed", "message": message[:500]}


def sparseness(abundances: xr.DataArray) -> float:
    r"""Mean over pixels of :math:`(\sqrt k - \lVert a \rVert_1 / \lVert a \rVert_2) / (\sqrt k - 1)`.

    Parameters
    ----------
    abundances
        ("component", pixel dims).

    Returns
    -------
    float
        0 where all k components are alike in every pixel, 1 where there is one component a pixel (or one in all).
        Source: Hoyer 2004, J. Mach. Learn. Res. 5:1457, section 3.1.

    Examples
    --------
    >>> import xarray as xr
    >>> round(sparseness(xr.DataArray([[1.0, 0.5], [0.0, 0.5]], dims=("component", "x"))), 6)
    0.5
    """
    A = abundances.values.reshape(len(abundances), -1)
    size = np.linalg.norm(A, axis=0)
    there = size > 0  # neither masked nor empty
    if len(A) == 1 or not there.any():
        return 1.0
    root = np.sqrt(len(A))
    each = (root - np.abs(A[:, there]).sum(axis=0) / size[there]) / (root - 1)
    return float(np.clip(each, 0.0, 1.0).mean())


def _report(measured: Measured) -> Report:
    loss, result = float(measured.loss), measured.result
    if not np.isfinite(loss):
        return failed(f"the loss is not finite: {loss}")
    error = float(result.trace.relative_error[-1])
    return {
        "status": "done",
        "loss": loss,
        "error": error if np.isfinite(error) else None,
        "sparseness": sparseness(result.abundances),
        "outcome": result.outcome.name,
    }
