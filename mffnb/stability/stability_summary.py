"""Summary of a stability assessment in a few lines of text: scores, angles, width of the bands, and the verdict."""

from __future__ import annotations

import textwrap
from typing import Protocol

import numpy as np
import xarray as xr

from mffnb.plots.labels import identity
from mffnb.stability.agreement import Agreement
from mffnb.stability.spread import RunSpread, as_matrix
from mffnb.unmixing.result import Unmixing

_ROWS = 5  # of the table
_WIDTH = 100


class Assessment(Protocol):
    """Protocol of an assessment, see :class:`mffnb.stability.Stability`."""

    @property
    def answer(self) -> Unmixing:
        """The result."""

    @property
    def replicas(self) -> RunSpread | None:
        """Spread over replicas."""

    @property
    def restarts(self) -> RunSpread | None:
        """Spread over restarts."""

    @property
    def noise(self) -> str:
        """Noise model of the replicas."""

    @property
    def level(self) -> float:
        """Confidence level."""

    @property
    def score(self) -> xr.DataArray:
        """Reproducibility of each component."""

    @property
    def lower(self) -> xr.DataArray:
        """Lower end of the band."""

    @property
    def upper(self) -> xr.DataArray:
        """Upper end of the band."""

    @property
    def agreement(self) -> Agreement | None:
        """Comparison of the restarts with the result."""

    @property
    def verdict(self) -> str:
        """Sentence on the restarts."""

    @property
    def doubt(self) -> str:
        """Why the bands may be unreliable."""


def summary(found: Assessment) -> str:
    """Return a table with a row for each component, the verdict on the restarts, doubts, and where the details are.

    Examples
    --------
    >>> import mffnb as mf
    >>> cube = mf.datasets.cits_pnictide(seed=0, shape=(20, 24, 60)).cube
    >>> found = mf.selection.stability(cube, 2, n_init=2, n_bootstrap=9, random_state=0)
    >>> print(summary(found).splitlines()[0])
    Stability of 2 components over 2 restarts and 9 replicas of the noise (residual), bands of 90 %
    """
    k = len(found.answer.endmembers)
    runs = [] if found.restarts is None else [f"{len(found.restarts.angles)} restarts"]
    runs += [] if found.replicas is None else [f"{len(found.replicas.angles)} replicas of the noise ({found.noise})"]
    bands = "" if found.replicas is None else f", bands of {100 * found.level:g} %"
    agreement = found.agreement
    doubt = found.doubt if agreement is None else found.doubt.removeprefix(agreement.doubt).removeprefix("; ")
    return "\n".join(
        [
            f"Stability of {k} component{'s' * (k > 1)} over {' and '.join(runs)}{bands}",
            *_table(found),
            *_wrapped(f"verdict: {found.verdict}", "found.verdict", 3),
            *(_wrapped(f"doubt: {doubt}", "found.doubt", 2) if doubt else []),
            "details: found.score, found.restarts, found.replicas, found.lower, found.upper, found.plot()",
        ]
    )


def _wrapped(text: str, attribute: str, lines: int) -> list[str]:
    """Return at most so many lines of text; the last one names the attribute with the rest."""
    return textwrap.wrap(text, _WIDTH, max_lines=lines, placeholder=f" ... ({attribute})")


def _table(found: Assessment) -> list[str]:
    """Return the lines of the table: largest angle over restarts, quantile of angles over replicas, half a band."""
    labels, _ = identity(found.answer.endmembers)
    columns = {"score": [f"{one:.2f}" for one in found.score.values]}
    if found.restarts is not None:
        columns["restarts (deg)"] = [f"{one:.1f}" for one in np.degrees(found.restarts.angles.values.max(axis=0))]
    if found.replicas is not None:
        turned = np.quantile(found.replicas.angles.values, found.level, axis=0, method="weibull")
        columns["replicas (deg)"] = [f"{one:.1f}" for one in np.degrees(turned)]
        half, spectra = (np.nan_to_num(as_matrix(one)) for one in (found.upper - found.lower, found.answer.endmembers))
        sizes = np.linalg.norm(spectra, axis=1)
        widths = np.linalg.norm(half, axis=1) / 2 / np.where(sizes > 0, sizes, np.inf)
        columns["half band (%)"] = [f"{100 * one:.1f}" for one in widths]
    shown = labels[:_ROWS]
    first = max(len(label) for label in shown)
    lines = [f"  {'':<{first}}" + "".join(f"{head:>16}" for head in columns)]
    lines += [
        f"  {label:<{first}}" + "".join(f"{values[row]:>16}" for values in columns.values())
        for row, label in enumerate(shown)
    ]
    return lines if len(labels) <= _ROWS else [*lines, f"  and {len(labels) - _ROWS} more"]
