"""Asymmetric least-squares baselines of spectra, by repeated pentadiagonal solves.

Source: Eilers & Boelens 2005, Baseline correction with asymmetric least squares smoothing (report, Leiden University).
"""

from __future__ import annotations

import numpy as np

from mffnb.kernels.compile import kernel
from mffnb.typing import Array

# Number of spectra solved together. The recursion along the channels is sequential, so the solution for a single
# spectrum would leave the vector units of the processor idle.
_LANES = 8


def asymmetric_baselines(spectra: Array, smoothness: float, asymmetry: float, iterations: int) -> Array:
    """Compute asymmetric least-squares baselines z of spectra y, (n, channels).

    Each iteration solves ``(W + s D^T D) z = W y``, where D takes second differences, s is ``smoothness``, and W is
    diagonal with ``asymmetry`` a where y > z and 1 - a elsewhere. NaN gets weight zero, so the baseline is interpolated
    there. A spectrum with fewer than two observed values gives NaN. The iteration stops when no weight changes, or
    after ``iterations``.
    """
    n, m = spectra.shape
    baselines, bands = np.empty((n, m)), np.zeros((3, m))
    main, first, second = bands  # main diagonal and two subdiagonals of s D^T D
    if m > 2:
        main[2:] += smoothness
        main[1:-1] += 4 * smoothness
        main[:-2] += smoothness
        first[:-2] -= 2 * smoothness
        first[1:-1] -= 2 * smoothness
        second[:-2] = smoothness
    _solve_groups(spectra, bands, asymmetry, iterations, np.zeros((8, m + 4, _LANES)), baselines)
    return baselines


@kernel()
def _solve_groups(
    spectra: Array, bands: Array, asymmetry: float, iterations: int, work: Array, baselines: Array
) -> None:
    """Compute :func:`asymmetric_baselines` in groups of spectra, given the bands of s D^T D and an array of zeros."""
    n, m = spectra.shape
    main, first, second = bands[0], bands[1], bands[2]
    y, observed, weight, seen = work[0], work[1], work[2], work[3, 0]
    # A = L diag(d) L^T, where L has a unit diagonal and the subdiagonals `one` and `two`. Row i is stored at index i +
    # 2, after two zero rows.
    d, one, two, z = work[4], work[5], work[6], work[7]
    for begin in range(0, n, _LANES):
        for s in range(_LANES):
            seen[s] = 0.0
            row = min(begin + s, n - 1)  # unused lanes of the last group repeat the last spectrum
            for i in range(m):
                missing = np.isnan(spectra[row, i])
                y[i, s] = 0.0 if missing else spectra[row, i]
                observed[i, s] = 0.0 if missing else 1.0
                seen[s] += observed[i, s]
            for i in range(m):
                observed[i, s] = 1.0 if seen[s] < 2 else observed[i, s]
                weight[i, s] = observed[i, s]
        for _ in range(iterations):
            for i in range(m):
                for s in range(_LANES):
                    pivot = weight[i, s] + main[i] - one[i + 1, s] ** 2 * d[i + 1, s] - two[i, s] ** 2 * d[i, s]
                    d[i + 2, s] = pivot
                    z[i + 2, s] = weight[i, s] * y[i, s] - one[i + 1, s] * z[i + 1, s] - two[i, s] * z[i, s]
                    one[i + 2, s] = (first[i] - two[i + 1, s] * d[i + 1, s] * one[i + 1, s]) / pivot
                    two[i + 2, s] = second[i] / pivot
            for i in range(m - 1, -1, -1):
                for s in range(_LANES):
                    later = one[i + 2, s] * z[i + 3, s] + two[i + 2, s] * z[i + 4, s]
                    z[i + 2, s] = z[i + 2, s] / d[i + 2, s] - later
            changed = 0
            for i in range(m):
                for s in range(_LANES):
                    new = observed[i, s] * (asymmetry if y[i, s] > z[i + 2, s] else 1.0 - asymmetry)
                    changed += new != weight[i, s]
                    weight[i, s] = new
            if changed == 0:
                break
        for s in range(min(_LANES, n - begin)):
            for i in range(m):
                baselines[begin + s, i] = z[i + 2, s] if seen[s] >= 2 else np.nan
