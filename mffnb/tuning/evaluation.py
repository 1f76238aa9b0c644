"""Evaluate one trial of a search on a worker: fit with its settings and compute the loss."""

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
from mffnb.kernels.tiers.tier import await_kernels
from mffnb.parallel import sharing
from mffnb.solvers.interrupts import require_uninterrupted
from mffnb.threads import limit_threads
from mffnb.tuning.listed_images import ListedImages
from mffnb.unmixing.joint import JointUnmixing
from mffnb.unmixing.result import Unmixing
from mffnb.unmixing.unmix import unmix

Report = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Fit:
    """The cube and the settings of one trial; the objective receives it and calls :meth:`unmix` to run the fit.

    Attributes
    ----------
    cube
        The spectral image.
    settings
        Keywords of :func:`mffnb.unmix`, including k.
    memory
        Cache of the worker, kept between trials; its values may depend on the cube and the settings only.
    images
        The images of a list, whose pixels are the cube, ("pixel", channel dims); None for one image.

    Examples
    --------
    >>> import mffnb as mf
    >>> cube = mf.datasets.cits_pnictide(seed=0, shape=(20, 24, 60)).cube
    >>> fit = mf.tuning.Fit(cube, {"k": 3, "sparsity": 1e-2, "random_state": 0})
    >>> fit.unmix().endmembers.shape, fit.unmix(k=2).endmembers.shape
    ((3, 60), (2, 60))
    """

    cube: xr.DataArray
    settings: Mapping[str, Any]
    memory: dict[Any, Any] = field(default_factory=dict)
    images: ListedImages | None = None

    @property
    def rows(self) -> tuple[slice, ...]:
        """The part of each image along the first dimension of the cube; all of it for one image."""
        joint = None if self.images is None else self.images.joint
        return (slice(None),) if joint is None else joint.stack.rows

    def unmix(self, cube: Any = None, **changes: Any) -> Any:
        """Call :func:`mffnb.unmix` with the settings of the trial, optionally with another cube or other settings.

        Returns
        -------
        Unmixing or JointUnmixing
            The latter for a list of images; :func:`shared_result` is its result for the pixels of all.
        """
        data = self.cube if cube is None else cube
        if self.images is not None:
            data = self.images.given(data)
        with await_kernels():  # so that equal settings give equal losses
            result = unmix(data, **{**self.settings, **changes})
        require_uninterrupted(result.outcome)
        return result


def shared_result(result: Unmixing | JointUnmixing) -> Unmixing:
    """Return a result for the pixels of :attr:`Fit.cube`: that of all images if it is joint."""
    return result.shared if isinstance(result, JointUnmixing) else result


@dataclass(frozen=True, eq=False)
class Measured:
    """The loss of a trial, with the fit that it was computed from.

    Attributes
    ----------
    loss
        Value of the objective.
    result
        The fit.
    parts
        Errors of parts of the data, the same for all trials, from which the significance of a difference is computed.

    Examples
    --------
    >>> import mffnb as mf
    >>> cube = mf.datasets.cits_pnictide(seed=0, shape=(20, 24, 60)).cube
    >>> measured = mf.tuning.HeldOut().measure(mf.tuning.Fit(cube, {"k": 3, "random_state": 0}))
    >>> 0 < measured.loss < 1, measured.result.endmembers.shape
    (True, (3, 60))
    """

    loss: float
    result: Unmixing | JointUnmixing
    parts: tuple[float, ...] = ()


@runtime_checkable
class Objective(Protocol):
    """Interface of an objective: computes the loss that the search minimises.

    An objective may also have a method ``check(settings)``, called before the first trial, that raises an error for
    unsupported settings. It receives the keywords of :func:`mffnb.unmix`; a searched keyword has its part of the space
    as value.

    Examples
    --------
    >>> import mffnb as mf
    >>> class Overlap:
    ...     def measure(self, fit):
    ...         result = fit.unmix()
    ...         return mf.tuning.Measured(float(result.abundances.prod("component").mean()), result)
    >>> isinstance(Overlap(), mf.tuning.Objective)
    True
    """

    def measure(self, fit: Fit) -> Measured:
        """Fit with the settings of the trial and return the loss."""


@dataclass(frozen=True, eq=False)
class Job:
    """Inputs common to all trials, sent to each worker once.

    Attributes
    ----------
    source
        The cube, or a path that each worker reads; :class:`ListedImages` for a list of them.
    options
        Keywords of :func:`mffnb.unmix` that are not searched.
    memory
        Cache of the worker, see :class:`Fit`.
    """

    source: Any
    options: Mapping[str, Any]
    memory: dict[Any, Any] = field(default_factory=dict)

    def __getstate__(self) -> dict[str, Any]:
        """Return what is sent to a worker, which reads the cube itself if the source is a path."""
        return {name: getattr(self, name) for name in ("source", "options", "memory")}

    @property
    def images(self) -> ListedImages | None:
        """The images of a list; None for one image."""
        return self.source if isinstance(self.source, ListedImages) else None

    @property
    def given(self) -> Any:
        """The cube, or the list of images, as :func:`mffnb.unmix` takes it."""
        return self.cube if self.images is None else list(self.images.sources)

    @cached_property
    def cube(self) -> xr.DataArray:
        """The spectral image, or the pixels of all images of a list; a path is read once per process."""
        if self.images is not None:
            return self.images.cube
        return read(self.source) if isinstance(self.source, (str, os.PathLike)) else as_cube(self.source)


def evaluate(
    token: str, job: Job | None, objective: Objective | Callable[[Any], float], settings: Mapping[str, Any]
) -> Report:
    """Run one trial and return its report as a dict; {"status": "absent"} if the job has not reached this worker yet.

    An exception in the trial becomes a report with the status "failed".
    """
    if job is not None and not sharing.is_from_here(token):
        sharing.keep(token, job)
    job = sharing.find(token)
    if job is None:
        return {"status": "absent"}
    begin = time.perf_counter()
    try:
        with limit_threads(1), without_warnings():  # one thread, so that sums are identical on all workers
            fit = Fit(job.cube, {**job.options, **settings}, job.memory, job.images)
            if isinstance(objective, Objective):
                measured = objective.measure(fit)
            else:
                result = fit.unmix()
                measured = Measured(float(objective(result)), result)
            report = _report(measured)
    except Exception as error:  # any failure of a trial is recorded as its message, and the search continues
        report = failure_report(f"{type(error).__name__}: {error}")
    return report | {"seconds": time.perf_counter() - begin}


def failure_report(message: str) -> Report:
    """Return the report of a failed trial."""
    return {"status": "failed", "message": message[:500]}


def sparseness(abundances: xr.DataArray) -> float:
    r"""Return the Hoyer sparseness of the abundances, averaged over pixels.

    For one pixel it is :math:`(\sqrt k - \lVert a \rVert_1 / \lVert a \rVert_2) / (\sqrt k - 1)`.

    Parameters
    ----------
    abundances
        Abundance maps, dimensions ("component", pixel dims).

    Returns
    -------
    float
        0 if all k abundances are equal in every pixel, 1 if every pixel has one component (or k = 1). Source: Hoyer
        2004, J. Mach. Learn. Res. 5:1457, section 3.1.

    Examples
    --------
    >>> import xarray as xr
    >>> round(sparseness(xr.DataArray([[1.0, 0.5], [0.0, 0.5]], dims=("component", "x"))), 6)
    0.5
    """
    A = abundances.values.reshape(len(abundances), -1)
    size = np.linalg.norm(A, axis=0)
    there = size > 0  # masked and empty pixels do not count
    if len(A) == 1 or not there.any():
        return 1.0
    root = np.sqrt(len(A))
    each = (root - np.abs(A[:, there]).sum(axis=0) / size[there]) / (root - 1)
    return float(np.clip(each, 0.0, 1.0).mean())


def _report(measured: Measured) -> Report:
    """Return the report of a finished trial; a loss that is not finite makes it a failed trial."""
    loss, result = float(measured.loss), shared_result(measured.result)
    if not np.isfinite(loss):
        return failure_report(f"the loss is not finite: {loss}")
    error = float(result.trace.relative_error[-1])
    return {
        "status": "done",
        "loss": loss,
        "error": error if np.isfinite(error) else None,
        "sparseness": sparseness(result.abundances),
        "outcome": result.outcome.name,
        "parts": list(measured.parts),
    }
