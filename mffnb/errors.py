"""The package's own warnings and errors; each text says what to do."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_quiet: ContextVar[bool] = ContextVar("mffnb_quiet", default=False)


class MffnbWarning(UserWarning):
    """Every warning this package raises; filter on this class."""


class DegenerateWarning(MffnbWarning):
    """The answer is finite but carries less than was asked for, a component that died, say."""


class ConvergenceWarning(MffnbWarning):
    """The iteration stopped before the requested tolerance was met."""


class DisagreementWarning(MffnbWarning):
    """Two answers that fit the data as well are far apart."""


class NoiseWarning(MffnbWarning):
    """The noise is of another kind than the fit takes it for: how uncertain it is said to be is not to be trusted."""


class SlowReadingWarning(MffnbWarning):
    """A file is stored in such pieces that much more has to be read than is used."""


class CheckpointWarning(MffnbWarning):
    """A checkpoint could not be written, or the newest one not be read."""


class PluginWarning(MffnbWarning):
    """A part or reader of another distribution could not be loaded."""


class DatasetUnavailableError(OSError):
    """A real data set is neither in the cache nor within reach."""


class UnsupportedCombinationError(ValueError):
    """No solver can take this combination of parts."""


def warn(message: str, category: type[MffnbWarning], stacklevel: int = 1) -> None:
    """As :func:`warnings.warn`, counted from the caller; says nothing inside of :func:`without_warnings`."""
    if not _quiet.get():
        warnings.warn(message, category, stacklevel=stacklevel + 1)


@contextmanager
def without_warnings() -> Iterator[None]:
    """Keep this package's own warnings back where nobody is to read them, on this thread only.

    Filters of :mod:`warnings` belong to all threads of a process, and a search on one of them must not take the
    warnings of a cell that runs meanwhile.

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
