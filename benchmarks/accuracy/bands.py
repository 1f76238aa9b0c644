"""Coverage of 90 % stability bands: how often they contain the mean result and the truth, on simulated scenes.

    python -m benchmarks accuracy.bands [--draws 20] [--replicas 20] [--scenes open-80 open-300 ... tof]

`benchmarks/shared/band_scenes.py` describes the scenes; the number after the name is that of pixels. Judged are the channels in which
an endmember has 20 counts or more (in a pixel that it covers alone; for `tof` in the whole image). New noise is drawn for each data
set: counts, or even noise of 3. Each data set is unmixed from the same start and gets its bands by `mffnb.selection.stability`.

Columns: how often the band contains the mean of the results of all data sets; how often it contains the truth, and the same for
the band of noise alone, without the ambiguity of the data; how far the mean is from the truth, standard deviation of the results
and half width of the bands, in per cent of the endmember (medians); share of data sets with a doubt.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

import mffnb as mf
from benchmarks.shared.band_scenes import Scene, named
from benchmarks.shared.command import parser, print_header, print_row
from benchmarks.shared.timing import timed
from mffnb.stability.spread import rescaled_to

SCENES = ["open-80", "open-300", "open-1200", "unique-80", "unique-300", "unique-1200"]
SCENES += ["overlap-300", "mixed-300", "lines-300", "tof"]
NOISE = [("counts", "kl"), ("counts", "frobenius"), ("even", "frobenius")]


@dataclass(frozen=True)
class Coverage:
    """Shares of judged channels whose band contains a target, and the sizes behind them."""

    mean: float
    truth: float
    noise_only: float
    bias: float
    deviation: float
    width: float
    doubted: float


def results(
    scene: Scene, similarity: str, *, gaussian: bool, draws: int, replicas: int
) -> list[mf.selection.Stability]:
    """Draw noise, unmix from the true factors, and compute bands, for each data set."""
    k = len(scene.endmembers)
    expected = scene.abundances @ scene.endmembers
    start = scene.abundances.reshape(-1, k), scene.endmembers
    found = []
    for draw in range(draws):
        rng = np.random.default_rng([100, draw])
        noise = rng.poisson(expected) if not gaussian else expected + 3.0 * rng.standard_normal(expected.shape)
        answer = mf.unmix(noise, k, similarity=similarity, init=start, tol=1e-5, max_iter=3000, random_state=0)
        found.append(mf.selection.stability(noise, answer, n_init=0, n_bootstrap=replicas, random_state=draw))
    return found


def coverage(scene: Scene, found: Sequence[mf.selection.Stability]) -> Coverage:
    endmembers, seen = scene.endmembers, scene.seen
    estimates = np.array([rescaled_to(endmembers, one.answer.endmembers.values) for one in found])
    mean, deviation = estimates.mean(axis=0), estimates.std(axis=0, ddof=1)
    bands = [(one.lower.values, one.upper.values) for one in found]
    of_noise = [(one.replicas.lower.values, one.replicas.upper.values) for one in found]

    def contained(target: np.ndarray, bands: Sequence[tuple[Any, Any]]) -> float:
        scaled = [rescaled_to(one.answer.endmembers.values, target) for one in found]
        inside = [((low <= one) & (one <= up))[seen].mean() for one, (low, up) in zip(scaled, bands, strict=True)]
        return float(np.mean(inside))

    width = np.mean([up - low for low, up in bands], axis=0)[seen] / 2
    return Coverage(
        contained(mean, bands),
        contained(endmembers, bands),
        contained(endmembers, of_noise),
        float(np.median(np.abs(mean[seen] / endmembers[seen] - 1))),
        float(np.median(deviation[seen] / endmembers[seen])),
        float(np.median(width / endmembers[seen])),
        float(np.mean([bool(one.doubt) for one in found])),
    )


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser(__doc__)
    options.add_argument("--draws", type=int, default=20)
    options.add_argument("--replicas", type=int, default=20)
    options.add_argument("--scenes", nargs="+", default=SCENES)
    chosen = options.parse_args(arguments)
    if chosen.quick:
        chosen.draws, chosen.replicas, chosen.scenes = 2, 9, ["unique-80"]
    shares = ("coverage of the mean", "of the truth", "by noise alone")
    print_header(
        "scene", "noise", "similarity", *shares, "off the truth", "standard deviation", "half width", "doubts", "s"
    )
    for name, (noise, similarity) in product(chosen.scenes, NOISE[:1] if chosen.quick else NOISE):
        if name == "tof" and noise == "even":
            continue
        scene = named(name)
        options_of = {"gaussian": noise == "even", "draws": chosen.draws, "replicas": chosen.replicas}
        found, seconds = timed(lambda scene=scene, s=similarity, o=options_of: results(scene, s, **o))
        got = coverage(scene, found)
        parts = [f"{100 * share:.0f} %" for share in (got.mean, got.truth, got.noise_only)]
        sizes = [f"{100 * size:.2f} %" for size in (got.bias, got.deviation, got.width)]
        print_row(name, noise, similarity, *parts, *sizes, f"{100 * got.doubted:.0f} %", f"{seconds:.0f}")
