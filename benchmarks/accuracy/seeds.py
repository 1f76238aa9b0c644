"""Choice of model and spectra of `volume="auto"` from many seeds of the method, on scenes with truth.

    python -m benchmarks accuracy.seeds --seeds 40 [--file no_pure_pixels.npz]

The data stay the same, only `random_state` changes. Changes: seeds whose model (sum to one or gain) differs from the most frequent
one, and seeds with a spectrum more than 0.01 rad from that of the seed with the median error. Scenes: those of `accuracy.programs named`, and
simulated ones (bands without pure pixels or with them, with and without a gain, 30 and 20 dB).
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
import xarray as xr

import mffnb as mf
from benchmarks.shared.command import parser, print_header, print_row
from benchmarks.shared.named_scenes import NamedScene, named_scenes
from benchmarks.shared.scenes import simulated
from benchmarks.shared.scores import angles
from mffnb.errors import DisagreementWarning
from mffnb.selection import match

ONE_THREAD = True
SAME = 0.01  # rad


def in_bands(k: int, decibel: float, purest: float, gain: float, pixels: int = 5000) -> NamedScene:
    X, E, A = simulated(k, decibel, purest, gain)(0, pixels=pixels)
    name = f"simulated, k = {k}, {decibel:g} dB, purest {purest:g}{', gain' if gain else ''}"
    return NamedScene(name, xr.DataArray(X[None], dims=("y", "x", "channel")), E, A)


def scenes(path: str | None) -> Iterator[NamedScene]:
    for gain in (0.0, 0.3):
        for purest in (1.0, 0.8):
            for k, decibel in ((3, 30), (5, 30), (5, 20)):
                yield in_bands(k, decibel, purest, gain)
    yield from named_scenes(path)


def row(scene: NamedScene, seeds: int) -> tuple[int, int]:
    """Print the row of a scene; return the numbers of seeds with another model and with other spectra."""
    E, found, warned, models = scene.endmembers, [], 0, []
    for seed in range(seeds):
        with warnings.catch_warnings(record=True) as raised:
            warnings.simplefilter("always")
            result = mf.unmix(scene.cube, len(E), volume="auto", random_state=seed)
        warned += any(issubclass(one.category, DisagreementWarning) for one in raised)
        models.append(result.parameters["model"])
        found.append(result.endmembers.values[match(E, result.endmembers.values)])
    errors = np.array([angles(E, one).mean() for one in found])
    typical = found[int(np.argsort(errors)[len(errors) // 2])]
    apart = np.array([angles(typical, one[match(typical, one)]).max() for one in found])
    counted = Counter(models)
    others, moved = seeds - max(counted.values()), int(np.sum(apart > SAME))
    said = ", ".join(f"{name} {number}" for name, number in counted.most_common())
    print_row(
        scene.name, len(E), said, others, moved, f"{apart.max():.4f}",
        f"{np.median(errors):.4f}", f"{errors.max():.4f}", warned,
    )  # fmt: skip
    return others, moved


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser(__doc__)
    options.add_argument("--seeds", type=int, default=40)
    options.add_argument("--file", help="simulation without pure pixels (.npz)")
    options.add_argument("--only", nargs="+", help="scenes whose name contains one of these")
    chosen = options.parse_args(arguments)
    seeds = 2 if chosen.quick else chosen.seeds
    print_header(
        "scene", "k", "model", "other model", f"other spectra (> {SAME} rad)", "largest angle between seeds", "median error", "worst error", "warned",
    )  # fmt: skip
    total, judged = np.zeros(2, dtype=int), 0
    for scene in [in_bands(3, 30, 1.0, 0.0, 300)] if chosen.quick else scenes(chosen.file):
        if chosen.only and not any(part in scene.name for part in chosen.only):
            continue
        total += row(scene, seeds)
        judged += seeds
    print(f"of {judged} runs, {total[0]} chose another model, and {total[1]} had other spectra")
