"""The two constants of the automatic volume that come from simulated scenes, on scenes that nothing else is judged on.

    python benchmarks/calibration.py

Facets: mean spectral angle against the price of pixels outside (kappa) and the largest noise of a fraction, where
fractions sum to one. Counts: by how many times the lift that noise alone causes does rho rise, with and without a
gain; the threshold is 1.3.
"""

from __future__ import annotations

import numpy as np
from true_spectra import score, simulated

from mffnb.geometry import choose_model, facets, minimum_volume, model_choice
from mffnb.matrices import in_memory


def of_facets():
    kinds = [(k, decibel, purest) for k in (3, 4, 6) for decibel in (20, 30, 40) for purest in (1.0, 0.8)]
    scenes = [(kind, *simulated(*kind, 0.0)(100 + i, pixels=3000)) for kind in kinds for i in range(2)]
    chosen = {"_KAPPA": facets._KAPPA, "_MAX_NOISE": facets._MAX_NOISE}
    for name, values in (("_KAPPA", (1.0, 2.0, 3.0, 4.0, 6.0)), ("_MAX_NOISE", (0.03, 0.05, 0.07, 0.1, 0.2))):
        for value in values:
            setattr(facets, name, value)
            angles = []
            for (k, *_), X, E, A in scenes:
                found = minimum_volume(in_memory(X), k, 0, gain=False)
                angles.append(score(E, A, found.endmembers, found.abundances, False)[0])
            mean = np.exp(np.mean(np.log(angles)))
            print(f"{name} {value:g}: geometric mean {mean:.4f}, largest {max(angles):.4f} rad", flush=True)
        setattr(facets, name, chosen[name])


def of_counts():
    for gain in (0.0, 0.1, 0.3):
        for dose in (20, 100, 500):
            lifts = []
            for k in (3, 5):
                for i in range(3):
                    X = np.maximum(simulated(k, 200, 1.0, gain)(200 + i, pixels=4000)[0], 0)
                    X = np.random.default_rng(i).poisson(X * dose / X.sum(axis=1).mean()).astype(float)
                    choice = choose_model(in_memory(X), k)
                    noise_factor = model_choice._COUNTS_NOISE_FACTOR if choice.counts else model_choice._NOISE_FACTOR
                    lifts.append((choice.rho - 1) / (choice.threshold - 1) * noise_factor)
            print(
                f"spread of gain {gain:g}, {dose} counts a pixel: lift {min(lifts):.2f} to {max(lifts):.2f}", flush=True
            )


if __name__ == "__main__":
    of_facets()
    of_counts()
