"""Summary of a rank scan in a few lines of text: the criteria that count, and the advice."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Protocol

import numpy as np
import pandas as pd

from mffnb.selection.recommendation import Recommendation

_COLUMNS = {
    "relative_error": ("error", 1.0, "{:.4f}"),
    "held_out": ("held-out", 1.0, "{:.4f}"),
    "split_half": ("halves (deg)", 180 / np.pi, "{:.1f}"),
    "dispersion": ("restarts", 1.0, "{:.2f}"),
}
"""Criterion, its header, the factor to its unit, and its format."""
_ROWS = 7  # of the table
_WIDTH = 100
_ADVICE_LINES = 2


class Scan(Protocol):
    """Protocol of a rank scan, see :class:`mffnb.selection.RankScan`."""

    @property
    def ks(self) -> list[int]:
        """Numbers of components."""

    @property
    def interrupted(self) -> bool:
        """Whether the scan was interrupted."""

    @property
    def table(self) -> pd.DataFrame:
        """All criteria, one row for each k."""

    def recommend(self) -> Recommendation:
        """Return the recommended k with reasons."""


def summary(scan: Scan) -> str:
    """Return the summary of a scan: a table, the advice with its main reasons, and where the details are.

    Examples
    --------
    >>> import mffnb as mf
    >>> sample = mf.datasets.cits_pnictide(seed=0, shape=(20, 24, 60))
    >>> scan = mf.selection.scan_rank(sample.cube, range(2, 5), n_init=2, splits=0, random_state=0)
    >>> print(summary(scan).splitlines()[0])
    Rank scan of k = 2 to 4: k = 3 is recommended
    """
    advice = scan.recommend()
    low, high = advice.between
    head = f"k = {advice.k} is recommended" if advice.k is not None else f"k is undetermined, between {low} and {high}"
    ks = scan.ks
    tried = (f"k = {ks[0]} to {ks[-1]}" if len(ks) > 1 else f"k = {ks[0]}") + ", interrupted" * scan.interrupted
    reasons, left = _main_reasons(advice)
    more = f" ({left} more)" if left else ""
    return "\n".join(
        [
            f"Rank scan of {tried}: {head}",
            *_table(scan.table, _shown_rows(ks, low, high), low, high),
            *reasons,
            f"details: scan.recommend().reasons{more}, scan.table, scan.results[k], scan.plot()",
        ]
    )


def _table(values: pd.DataFrame, ks: Sequence[int], low: int, high: int) -> list[str]:
    """Return the lines of the table; ">" marks the k that remain possible."""
    used = {name: one for name, one in _COLUMNS.items() if values[name].notna().any()}
    lines = ["    k" + "".join(f"{head:>14}" for head, *_ in used.values())]
    for k in ks:
        mark = ">" if low <= k <= high else " "
        cells = (
            f"{form.format(factor * values[name][k]) if pd.notna(values[name][k]) else '-':>14}"
            for name, (_, factor, form) in used.items()
        )
        lines.append(f"{mark}{k:>4}{''.join(cells)}")
    return lines


def _shown_rows(ks: Sequence[int], low: int, high: int) -> list[int]:
    """Return the k of the table: all, or those nearest to the range that remains possible."""
    nearest = sorted(ks, key=lambda k: (max(low - k, k - high, 0), k))
    return sorted(nearest[:_ROWS])


def _main_reasons(advice: Recommendation) -> tuple[list[str], int]:
    """Return the lines of the reasons that have space, and the number of the others.

    The last reason of an undetermined k says what decides, and comes first.
    """
    reasons = list(advice.reasons) if advice.k is not None else [*advice.reasons[-1:], *advice.reasons[:-1]]
    lines: list[str] = []
    for number in range(1, len(reasons) + 1):
        longer = textwrap.wrap("; ".join(reasons[:number]), _WIDTH)
        if lines and len(longer) > _ADVICE_LINES:
            return lines, len(reasons) - number + 1
        lines = longer
    return lines, 0
