"""Warnings and errors of this package; every message says what to do."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

# Packages whose lines are not the user's: this one, and scikit-learn, which wraps the methods of estimators.
_PACKAGES = (__name__.partition(".")[0], "sklearn")
_quiet: ContextVar[bool] = ContextVar("mffnb_quiet", default=False)
_collected: ContextVar[list[tuple[str, type[Warning]]] | None] = ContextVar("mffnb_collected", default=None)


class MffnbWarning(UserWarning):
    """Base class of all warnings of this package, for filters of :mod:`warnings`."""


class DegenerateWarning(MffnbWarning):
    """The result is finite but degenerate: a component is zero, for example.

    What to do: look at the number of components first, because a zero component is often one too many. Then lower
    the weight of the penalty that the message names, or change ``random_state``.
    """


class ConvergenceWarning(MffnbWarning):
    """The iteration ended before it reached the requested tolerance.

    What to do: raise ``max_iter``, or raise ``tol`` if the maps no longer change. ``result.outcome.value`` says why
    the run ended.
    """


class DisagreementWarning(MffnbWarning):
    """Two results that fit the data equally well differ strongly.

    What to do: compare both solutions (``result.alternative``). Choose by what is known of the sample, and give it
    to the fit: a known spectrum, a pure region, or the sum to one.
    """


class NoiseWarning(MffnbWarning):
    """The noise does not follow the noise model of the fit, so its uncertainties are not reliable.

    What to do: choose the similarity of the detector, such as ``similarity="kl"`` for counts. Look for components
    that the fit lacks in the map of the misfit.
    """


class SlowReadingWarning(MffnbWarning):
    """The chunks of a file do not fit the bands that are read, so each pass reads much more data than it uses.

    What to do: store the file again with chunks of whole spectra, or load it into memory if it fits.
    """


class CheckpointWarning(MffnbWarning):
    """A checkpoint could not be written, or the newest checkpoint could not be read.

    What to do: free space on the disk, or name another folder. The run itself continues.
    """


class FileWarning(MffnbWarning):
    """A file seems to be incomplete, or its reader reported a problem.

    What to do: compare the size and the axes of the cube with those of the measurement. Copy the file again if it
    is shorter than expected.
    """


class PictureWarning(MffnbWarning):
    """The data look like a plain picture, whose last dimension holds no spectra.

    What to do: put the channel last. One picture without spectra needs ``mffnb.preprocessing.SlidingFFT`` first.
    """


class PluginWarning(MffnbWarning):
    """A part or reader of another distribution could not be loaded.

    What to do: update or remove the distribution that the message names. All other parts and readers work.
    """


class DatasetUnavailableError(OSError):
    """A measured data set is neither in the cache nor available for download.

    What to do: set the environment variable ``MFFNB_DATA`` to a folder with the file, or use the simulated data of
    :mod:`mffnb.datasets`.
    """


class UnsupportedCombinationError(ValueError):
    """No solver supports this combination of similarity, penalties, constraints and data.

    What to do: leave out the part that the message names, or use ``solver="auto"``. The page on solvers lists all
    combinations.
    """


def warn(message: str, category: type[Warning]) -> None:
    """Issue a warning that points to the line of the user; do nothing inside of :func:`without_warnings`.

    The line of the user is the innermost one of the call stack outside of this package and of scikit-learn.

    Examples
    --------
    >>> with warnings.catch_warnings(record=True) as told:
    ...     warnings.simplefilter("always")
    ...     warn("a loose fit", ConvergenceWarning)
    >>> str(told[0].message)
    'a loose fit'
    """
    if _quiet.get():
        return
    collected = _collected.get()
    if collected is not None:
        collected.append((message, category))
        return
    frame, level = sys._getframe(1), 2
    # Names of modules, because generated code (the constructor of a dataclass) has no file.
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] in _PACKAGES:
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)


@contextmanager
def collected_warnings() -> Iterator[list[tuple[str, type[Warning]]]]:
    """Collect messages and categories of the warnings of this package inside the context, on this thread only.

    They are not issued.

    Examples
    --------
    >>> with collected_warnings() as found:
    ...     warn("a loose fit", ConvergenceWarning)
    >>> found
    [('a loose fit', <class 'mffnb.errors.ConvergenceWarning'>)]
    """
    found: list[tuple[str, type[Warning]]] = []
    token = _collected.set(found)
    try:
        yield found
    finally:
        _collected.reset(token)


@contextmanager
def without_warnings() -> Iterator[None]:
    """Suppress the warnings of this package inside the context, on the current thread only.

    Filters of :mod:`warnings` apply to all threads of a process, so they would also suppress warnings of other threads.

    Examples
    --------
    >>> with without_warnings():
    ...     warn("a loose fit", ConvergenceWarning)
    """
    token = _quiet.set(True)
    try:
        yield
    finally:
        _quiet.reset(token)
