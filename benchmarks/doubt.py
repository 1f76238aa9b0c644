"""Is the answer farther from the truth where another one fits as well? `volume="auto"` on simulated scenes.

    python benchmarks/doubt.py

Mean spectral angle to the truth against the angle to the other answer, from which a result warns above 0.1 rad. Scenes
with and without a gain, pure pixels and little noise; the last are ones that cannot be unmixed well.
"""

from __future__ import annotations

import warnings

import numpy as np
from scipy.stats import spearmanr
from true_spectra import score, simulated

from mffnb.geometry import minimum_volume
from mffnb.matrices import in_memory

KINDS = [
    (k, snr, purest, gain) for k in (3, 5) for snr in (30, 20, 10) for purest in (1.0, 0.8, 0.6) for gain in (0, 0.3)
]


def main() -> None:
    warnings.simplefilter("ignore")
    errors, doubts = [], []
    for kind in KINDS:
        for seed in range(2):
            X, E, A = simulated(*kind)(300 + seed, pixels=2000)
            found = minimum_volume(in_memory(X), kind[0], seed)
            errors.append(score(E, A, found.endmembers, found.abundances, True)[0])
            doubts.append(found.disagreement)
            print(f"{kind}: {errors[-1]:.3f} rad off, another answer {doubts[-1]:.3f} rad away", flush=True)
    error, doubt = np.array(errors), np.array(doubts)
    told = doubt > 0.1
    print(
        f"warned in {told.sum()} of {len(told)}: median error {np.median(error[told]) if told.any() else np.nan:.3f} rad, "
        f"not warned: {np.median(error[~told]):.3f} rad, largest {error[~told].max():.3f}"
    )
    print(f"of {np.sum(error > 0.1)} answers more than 0.1 rad off, {np.sum(told & (error > 0.1))} were warned of")
    print(f"rank correlation {spearmanr(error, doubt).statistic:.2f}")


if __name__ == "__main__":
    main()
