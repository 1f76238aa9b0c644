"""Table of peak positions with their assignments: masses, Raman bands, ionisation edges, X-ray lines, or a CSV file."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mffnb.typing import Array

__all__ = ["PeakTable", "read_peak_table"]


@dataclass(frozen=True, eq=False)
class PeakTable:
    """Positions of peaks along a channel axis, and what they may be.

    Parameters
    ----------
    name
        Name of the table in results.
    positions
        Position of each peak, (peaks,).
    assignments
        What each peak is, such as an ion or a material.
    notes
        More about each peak, such as its mode.
    accuracy
        Typical difference of a measured peak from the table beyond the channel width, in the unit of the positions.
    penalties
        How unlikely each peak is, in decades of its expected intensity; zeros if omitted.
    delay
        How far above its position the maximum of a peak may lie, as for an ionisation edge, which rises at its onset.

    Examples
    --------
    >>> table = PeakTable("lines", [1.0, 2.0], ("a", "b"), ("", ""), 0.1)
    >>> table.near(1.05, 0.2)
    [(0, 0.05)]
    """

    name: str
    positions: Sequence[float] | Array
    assignments: tuple[str, ...]
    notes: tuple[str, ...]
    accuracy: float
    penalties: Sequence[float] | Array | None = None
    delay: float = 0.0

    def __post_init__(self) -> None:
        counts = {len(self.positions), len(self.assignments), len(self.notes)}
        if len(counts) > 1:
            raise ValueError(f"table {self.name!r} has columns of different lengths, {sorted(counts)}")
        if not np.isfinite(np.asarray(self.positions, dtype=np.float64)).all():
            raise ValueError(f"table {self.name!r} has positions that are not finite numbers")

    def near(self, position: float, tolerance: float) -> list[tuple[int, float]]:
        """Return index and difference (position minus table) of the peaks within a tolerance, the likeliest first.

        The order is that of the squared difference in units of the tolerance plus the penalty.
        """
        difference = position - np.asarray(self.positions, dtype=np.float64)
        reach = tolerance * (1 + 1e-9)
        found = np.flatnonzero((difference >= -reach) & (difference <= reach + self.delay))
        penalty = np.zeros(len(difference)) if self.penalties is None else np.asarray(self.penalties)
        order = np.argsort((difference[found] / tolerance) ** 2 + penalty[found], kind="stable")
        return [(int(index), round(float(difference[index]), 12)) for index in found[order]]


def read_peak_table(path: str | os.PathLike[str], accuracy: float = 0.0) -> PeakTable:
    r"""Read a table of peaks from a CSV file with the columns ``position``, ``assignment`` and, optionally, ``note``.

    Lines that start with ``#`` are comments. Positions are in the unit of the channel axis.

    Parameters
    ----------
    path
        The file.
    accuracy
        As for :class:`PeakTable`.

    Raises
    ------
    ValueError
        If a column is missing, or a position is no number.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "lines.csv"
    >>> _ = path.write_text("position,assignment\n43.0,acetyl\n")
    >>> read_peak_table(path).assignments
    ('acetyl',)
    """
    file = Path(path)
    with file.open(encoding="utf-8-sig", newline="") as lines:
        rows = list(csv.DictReader(_content(lines)))
    missing = [name for name in ("position", "assignment") if rows and name not in rows[0]]
    if missing or not rows:
        problem = f"no column {missing[0]!r}" if missing else "no peaks"
        raise ValueError(f"{file.name} has {problem}: write a CSV file with the columns position, assignment, note")
    try:
        positions = [float(row["position"]) for row in rows]
    except (TypeError, ValueError) as error:
        raise ValueError(f"{file.name} has a position that is no number: {error}") from error
    notes = tuple(row.get("note") or "" for row in rows)
    return PeakTable(file.stem, positions, tuple(row["assignment"] or "" for row in rows), notes, accuracy)


def _content(lines: Iterable[str]) -> Iterable[str]:
    """Yield the lines of a CSV file that are neither empty nor comments."""
    return (line for line in lines if line.strip() and not line.startswith("#"))
