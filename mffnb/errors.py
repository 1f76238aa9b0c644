"""The package's own warnings and errors; each text says what to do."""

from __future__ import annotations


class MffnbWarning(UserWarning):
    """Every warning this package raises; filter on this class."""


class DegenerateWarning(MffnbWarning):
    """The answer is finite but carries less than was asked for, a component that died, say."""


class ConvergenceWarning(MffnbWarning):
    """The iteration stopped before the requested tolerance was met."""


class DisagreementWarning(MffnbWarning):
    """Two answers that fit the data as well are far apart."""


class DatasetUnavailableError(OSError):
    """A real data set is neither in the cache nor within reach."""


class UnsupportedCombinationError(ValueError):
    """No solver can take this combination of parts."""
