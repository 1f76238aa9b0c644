"""Constants and warnings of `volume="auto"`, on simulated scenes that are used for nothing else.

    python -m benchmarks accuracy.volume_rule constants
    python -m benchmarks accuracy.volume_rule model
    python -m benchmarks accuracy.volume_rule warnings

`constants`: for facets, the mean spectral angle against the price of pixels outside (kappa) and the largest noise of a fraction,
where fractions sum to one; for counts, by how many times rho rises above what noise alone causes, with and without a gain (the
threshold is 1.3). `model`: rise of rho in units of its threshold, and the residual of fractions that sum to one over that of free
abundances, for the endmembers of the smallest simplex. `warnings`: angle to the truth against the angle to the other answer that fits as well; a result warns where the
latter is above 0.1 rad. Scenes have a gain or none, pure pixels or none, much noise or little; some cannot be unmixed well.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.stats import spearmanr

from benchmarks.accuracy.volume import score
from benchmarks.shared.command import parser
from benchmarks.shared.scenes import simulated
from mffnb.geometry import Search, choose_model, facets, minimum_volume, model_choice
from mffnb.matrices import in_memory

FACETS = [(k, decibel, purest) for k in (3, 4, 6) for decibel in (20, 30, 40) for purest in (1.0, 0.8)]
TRIED = {"_KAPPA": (1.0, 2.0, 3.0, 4.0, 6.0), "_MAX_NOISE": (0.03, 0.05, 0.07, 0.1, 0.2)}
DOUBTFUL = [
    (k, snr, purest, gain) for k in (3, 5) for snr in (30, 20, 10) for purest in (1.0, 0.8, 0.6) for gain in (0, 0.3)
]


def facet_constants(kinds: Sequence[tuple[int, float, float]], tried: dict[str, Sequence[float]], pixels: int) -> None:
    scenes = [simulated(*kind, 0.0)(100 + i, pixels=pixels) for kind in kinds for i in range(2)]
    for name, values in tried.items():
        chosen = getattr(facets, name)
        for value in values:
            setattr(facets, name, value)
            found = [minimum_volume(in_memory(X), len(E), 0, gain=False) for X, E, _ in scenes]
            angles = [
                score(scene, one.endmembers, one.abundances, gain=False)[0]
                for scene, one in zip(scenes, found, strict=True)
            ]
            mean = np.exp(np.mean(np.log(angles)))
            print(f"{name} {value:g}: geometric mean {mean:.4f}, largest {max(angles):.4f} rad", flush=True)
        setattr(facets, name, chosen)


def gain_threshold() -> None:
    for gain in (0.0, 0.1, 0.3):
        for dose in (20, 100, 500):
            rises = [rise_of_rho(k, gain, dose, i) for k in (3, 5) for i in range(3)]
            print(
                f"spread of gain {gain:g}, {dose} counts a pixel: rise {min(rises):.2f} to {max(rises):.2f}", flush=True
            )


def rise_of_rho(k: int, gain: float, dose: float, i: int) -> float:
    """Rise of rho on a scene of counts, in units of the rise that noise alone causes."""
    X = np.maximum(simulated(k, 200, 1.0, gain)(200 + i, pixels=4000)[0], 0)
    X = np.random.default_rng(i).poisson(X * dose / X.sum(axis=1).mean()).astype(float)
    choice = choose_model(in_memory(X), k)
    noise_factor = model_choice._COUNTS_NOISE_FACTOR if choice.counts else model_choice._NOISE_FACTOR
    return (choice.rho - 1) / (choice.threshold - 1) * noise_factor


def model_evidence(pixels: int, kinds: Sequence[tuple[int, float, float]]) -> None:
    for gain in (0.0, 0.03, 0.1, 0.3):
        rises, ratios = [], []
        for number, kind in enumerate(kinds):
            matrix = in_memory(simulated(*kind, gain)(700 + number, pixels=pixels)[0])
            choice = choose_model(matrix, kind[0])
            rises.append((choice.rho - 1) / (choice.threshold - 1))
            search = Search(matrix, kind[0], 0, gain=False)
            for _ in search.steps():
                pass
            ratios.append(model_choice.sum_ratio(matrix, search.factors()[0]))
        print(
            f"spread of gain {gain:g}: rho {min(rises):.2f} to {max(rises):.2f} of the threshold, "
            f"residual ratio {min(ratios):.3f} to {max(ratios):.3f}",
            flush=True,
        )


def warnings(kinds: Sequence[tuple[int, float, float, float]], pixels: int) -> None:
    errors, distances = [], []
    for kind in kinds:
        for seed in range(2):
            scene = simulated(*kind)(300 + seed, pixels=pixels)
            found = minimum_volume(in_memory(scene[0]), kind[0], seed)
            errors.append(score(scene, found.endmembers, found.abundances, gain=True)[0])
            distances.append(found.disagreement)
            print(f"{kind}: {errors[-1]:.3f} rad off, other answer {distances[-1]:.3f} rad away", flush=True)
    error, distance = np.array(errors), np.array(distances)
    warned = distance > 0.1
    typical = np.median(error[warned]) if warned.any() else np.nan
    print(f"warned in {warned.sum()} of {len(warned)}: median error {typical:.3f} rad")
    print(f"not warned: median error {np.median(error[~warned]):.3f} rad, largest {error[~warned].max():.3f} rad")
    print(f"of {np.sum(error > 0.1)} answers more than 0.1 rad off, {np.sum(warned & (error > 0.1))} had a warning")
    print(f"rank correlation {spearmanr(error, distance).statistic:.2f}")


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser(__doc__)
    options.add_argument("what", choices=("constants", "model", "warnings"))
    chosen = options.parse_args(arguments)
    if chosen.what == "model":
        model_evidence(300 if chosen.quick else 1500, FACETS[:1] if chosen.quick else FACETS)
    elif chosen.what == "warnings":
        warnings(DOUBTFUL[:1] if chosen.quick else DOUBTFUL, 300 if chosen.quick else 2000)
    elif chosen.quick:
        facet_constants(FACETS[:1], {"_KAPPA": (3.0,)}, 300)
    else:
        facet_constants(FACETS, TRIED, 3000)
        gain_threshold()
