"""Asymmetric least squares along spectra: a pentadiagonal system for each spectrum, solved again and again."""

from __future__ import annotations

import numpy as np

from mffnb.kernels.compile import kernel
from mffnb.typing import Array


@kernel()
def asymmetric_baselines(spectra: Array, smoothness: float, asymmetry: float, iterations: int) -> Array:
    """Baselines z (n, channels) of spectra y: ``(W + s D^T D) z = W y`` with W = a above z and 1 - a below.

    D takes second differences. NaN has weight zero, so the baseline runs through; with fewer than two observed values
    it is NaN. Ends early where no weight changes.
    """
    n, m = spectra.shape
    baselines = np.empty((n, m))
    main, first = np.zeros(m), np.zeros(m)
    for i in range(m - 2):
        main[i] += smoothness
        main[i + 1] += 4 * smoothness
        main[i + 2] += smoothness
        first[i] -= 2 * smoothness
        first[i + 1] -= 2 * smoothness
    observed, y, weight = np.empty(m), np.empty(m), np.empty(m)
    # A = L diag(d) L^T, L having ones on its diagonal, and below it one and two.
    d, one, two = np.empty(m), np.zeros(m), np.zeros(m)
    for row in range(n):
        z = baselines[row]
        seen = 0
        for i in range(m):
            missing = np.isnan(spectra[row, i])
            observed[i] = 0.0 if missing else 1.0
            y[i] = 0.0 if missing else spectra[row, i]
            weight[i] = observed[i]
            seen += 0 if missing else 1
        if seen < 2:
            z[:] = np.nan
            continue
        for _ in range(iterations):
            for i in range(m):
                d[i] = weight[i] + main[i]
                z[i] = weight[i] * y[i]
                below = first[i]
                if i > 0:
                    d[i] -= one[i - 1] * one[i - 1] * d[i - 1]
                    below -= two[i - 1] * d[i - 1] * one[i - 1]
                    z[i] -= one[i - 1] * z[i - 1]
                if i > 1:
                    d[i] -= two[i - 2] * two[i - 2] * d[i - 2]
                    z[i] -= two[i - 2] * z[i - 2]
                one[i] = below / d[i]
                two[i] = smoothness / d[i] if i < m - 2 else 0.0
            for i in range(m - 1, -1, -1):
                z[i] /= d[i]
                if i < m - 1:
                    z[i] -= one[i] * z[i + 1]
                if i < m - 2:
                    z[i] -= two[i] * z[i + 2]
            changed = False
            for i in range(m):
                new = observed[i] * (asymmetry if y[i] > z[i] else 1.0 - asymmetry)
                changed = changed or new != weight[i]
                weight[i] = new
            if not changed:
                break
    return baselines
