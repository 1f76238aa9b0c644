"""Spectra and maps by the automatic minimum volume (`volume="auto"`), next to other methods, on scenes with truth.

    python -m benchmarks accuracy.volume [--seeds 20] [--file no_pure_pixels.npz]

Mean spectral angle (rad) / RMSE of the abundances, medians over seeds. Where pixels have a gain, each endmember is scaled to
maximum 1 and each pixel to sum 1 first, in truth and answer; where fractions sum to one they are compared as they are. No
method is given the truth: settings are the defaults. `--file` names a simulation without pure pixels, with arrays `abundances`
(y, x, k) and `endmembers` (k, channels), to which noise of 30 and 20 dB is added.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from benchmarks.shared.command import parser, print_header, print_row
from benchmarks.shared.factorizers import Factors, matrix, scikit_learn_nmf
from benchmarks.shared.scenes import Scene, simulated, without_pure_pixels
from benchmarks.shared.scores import angles, fractions, in_order_of, rmse, with_unit_maximum
from benchmarks.shared.timing import timed
from mffnb.datasets import samson, tof_sims_2d
from mffnb.geometry import NFINDR, SPA, VCA, Archetypal, minimum_volume
from mffnb.geometry.abundances import fully_constrained, non_negative
from mffnb.matrices import in_memory


def score(scene: Scene, E: np.ndarray, A: np.ndarray, *, gain: bool) -> tuple[float, float]:
    """Mean angle (rad) and RMSE of the abundances."""
    _, truth, maps = scene
    E, A = in_order_of(truth, E, A)
    if gain:
        A, maps = with_unit_maximum(E, A), with_unit_maximum(truth, maps)
    return float(angles(truth, E).mean()), rmse(A, maps)


def automatic(X: np.ndarray, k: int, seed: int) -> Factors:
    found = minimum_volume(in_memory(X), k, seed)
    return found.endmembers, found.abundances


def pure_pixels(finder: VCA | SPA | NFINDR, X: np.ndarray, k: int, seed: int) -> Factors:
    E = finder.start(in_memory(X), k, seed)[1]
    return E, fully_constrained(in_memory(X), E)


def archetypes(X: np.ndarray, k: int, seed: int) -> Factors:
    E = Archetypal().start(in_memory(X), k, seed)[1]
    E = E / E.max(axis=1, keepdims=True)
    return E, fractions(non_negative(in_memory(X), E))


METHODS: dict[str, Callable[[np.ndarray, int, int], Factors]] = {
    "minimum volume, automatic": automatic,
    "scikit-learn `NMF`": scikit_learn_nmf,
    "VCA + fully constrained": partial(pure_pixels, VCA()),
    "SPA + fully constrained": partial(pure_pixels, SPA()),
    "N-FINDR + fully constrained": partial(pure_pixels, NFINDR()),
    "archetypal analysis": archetypes,
}
OTHERS_SEEDS = 5  # most seeds of the other methods


def of_sample(make: Callable[[int], object]) -> Callable[[int], Scene]:
    def draw(seed: int) -> Scene:
        sample = make(seed)
        E = sample.endmembers.values
        return matrix(sample.cube), E, sample.abundances.values.reshape(len(E), -1)

    return draw


@dataclass(frozen=True)
class Case:
    """Name of a scene, the function that draws it, whether pixels have a gain, and the most seeds."""

    name: str
    draw: Callable[[int], Scene]
    gain: bool
    seeds: int


def cases(path: str | None) -> Iterator[Case]:
    yield Case("Samson", of_sample(lambda _: samson()), True, 100)
    for decibel in (30, 20) if path else ():
        yield Case(f"no pure pixels, {decibel} dB", without_pure_pixels(path, decibel), False, 5)
    for gain in (0.0, 0.3):
        for purest in (1.0, 0.8):
            for k, decibel in ((3, 30), (5, 30), (5, 20)):
                name = f"simulated, k = {k}, {decibel} dB, purest {purest:g}{', gain' if gain else ''}"
                yield Case(name, simulated(k, decibel, purest, gain), gain > 0, 5)
    yield Case("`tof_sims_2d`, 200 counts a pixel", of_sample(lambda seed: tof_sims_2d(seed=seed)), False, 1)


def compare(case: Case, most: int) -> None:
    """Print a row: medians of all methods, the worst angle and the longest time of the automatic one."""
    cells, worst, longest = [], 0.0, 0.0
    seeds = range(min(most, case.seeds))
    for method in METHODS.values():
        rows, times = [], []
        for seed in seeds if method is automatic else seeds[:OTHERS_SEEDS]:
            scene = case.draw(seed)
            factors, seconds = timed(
                lambda method=method, scene=scene, seed=seed: method(scene[0], len(scene[1]), seed)
            )
            rows.append(score(scene, *factors, gain=case.gain))
            times.append(seconds)
        if method is automatic:
            worst, longest = max(angle for angle, _ in rows), max(times)
        angle, error = np.median(rows, axis=0)
        cells.append(f"{angle:.4f} / {error:.3f}")
    print_row(case.name, len(seeds), *cells, f"{worst:.4f}", f"{longest:.1f}")


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser(__doc__)
    options.add_argument("--seeds", type=int, default=5)
    options.add_argument("--file", help="simulation without pure pixels (.npz)")
    chosen = options.parse_args(arguments)
    print_header("scene", "seeds", *METHODS, "worst seed of the first", "seconds of the first")
    if chosen.quick:
        compare(Case("simulated", lambda seed: simulated(3, 30, 1.0, 0.0)(seed, pixels=300), False, 1), 1)
        return
    for case in cases(chosen.file):
        compare(case, chosen.seeds)
