"""`volume="auto"` on counts: Poisson weights against equal weights, on random scenes with truth.

    python -m benchmarks accuracy.auto_counts judge --scenes 60 --seed 20261130
    python -m benchmarks accuracy.auto_counts constants --scenes 80 --seed 23

Scenes of `benchmarks/shared/random_scenes.py` with 2 to 6 components and 20 to 2000 counts a pixel, with and without a gain of
each pixel; every third is multiplied by a factor, as an amplified detector does. `judge`: mean spectral angle (rad) of the plain
call, of Poisson weights alone, of `volume="auto"` with equal weights (the rule for other data), with the rule for counts, with
`weights="poisson"` given, and of `suggest(cube, k)`. Then the median, the 90 % quantile and the geometric mean, and how often the
rule for counts is better or worse than equal weights by more than 0.02 rad. `constants`: angle against the weight of the
volume (c of `mffnb/unmixing/auto_counts.py`), for scenes that need a volume, with the entropy of the fractions at c = 1/2.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

import mffnb as mf
from benchmarks.shared.command import parser, print_header, print_row
from benchmarks.shared.random_scenes import RandomScene, random_scene
from benchmarks.shared.scores import angles
from mffnb.geometry import choose_model
from mffnb.selection import match
from mffnb.unmixing.auto_counts import MIXED, Counts, entropy
from mffnb.unmixing.image import Prepared

ONE_THREAD = True
PRICES = (0.25, 0.5, 1.0, 1.5, 2.0, 4.0)
FACTOR = 0.37
CLEAR = 0.02  # rad


def unmix(cube: xr.DataArray, k: int, **settings: Any) -> mf.Unmixing:
    return mf.unmix(cube, k, random_state=0, **settings)


def suggested(cube: xr.DataArray, k: int) -> mf.Unmixing:
    return mf.unmix(cube, random_state=0, **mf.suggest(cube, k).settings)


METHODS: Mapping[str, Callable[[xr.DataArray, int], mf.Unmixing]] = {
    "plain": unmix,
    '`weights="poisson"`': partial(unmix, weights="poisson"),
    "auto, equal weights": partial(unmix, volume="auto", weights="equal"),
    "auto": partial(unmix, volume="auto"),
    'auto, `weights="poisson"`': partial(unmix, volume="auto", weights="poisson"),
    "`suggest`": suggested,
}
OLD, NEW = "auto, equal weights", "auto"


def scenes(number: int, seed: int, pixels: tuple[int, int]) -> Iterator[RandomScene]:
    drawn = (random_scene(seed, i, pixels=pixels) for i in range(100 * number))
    kept = (one for one in drawn if one.counts and len(one.endmembers) <= 6)
    for _, one in zip(range(number), kept, strict=False):
        yield one


def error(scene: RandomScene, E: np.ndarray) -> float:
    E = E.reshape(len(E), -1)
    return float(np.nan_to_num(angles(scene.endmembers, E[match(scene.endmembers, E)]), nan=np.pi / 2).mean())


def judge(number: int, seed: int, pixels: tuple[int, int]) -> None:
    print_header("scene", *METHODS, "volume")
    rows, kinds = [], []
    for i, scene in enumerate(scenes(number, seed, pixels)):
        factor = FACTOR if i % 3 == 2 else 1.0
        cube, k = scene.cube * factor, len(scene.endmembers)
        answers = {name: method(cube, k) for name, method in METHODS.items()}
        rows.append([error(scene, one.endmembers.values) for one in answers.values()])
        seen = answers[NEW].parameters
        kind = "equal weights" if seen["weights"] is None else "volume" if seen["volume_weight"] > 0 else "no volume"
        kinds.append((kind, scene.level))
        print_row(scene.name + (f", times {factor}" if factor != 1 else ""), *(f"{one:.3f}" for one in rows[-1]), kind)
    print()
    print_header("scenes", "number", *METHODS, "better", "worse")
    errors, kind, level = np.array(rows), np.array([one for one, _ in kinds]), np.array([one for _, one in kinds])
    parts = {"all": level > 0} | {name: kind == name for name in ("volume", "no volume", "equal weights")}
    parts |= {
        "20 to 100 counts": level < 100,
        "100 to 500": (level >= 100) & (level < 500),
        "500 to 2000": level >= 500,
    }
    for title, part in parts.items():
        if part.any():
            summary(title, errors[part])


def summary(title: str, errors: np.ndarray) -> None:
    cells = [
        f"{np.median(one):.3f}, {np.quantile(one, 0.9):.3f}, {np.exp(np.mean(np.log(one))):.3f}" for one in errors.T
    ]
    names = list(METHODS)
    rise = errors[:, names.index(NEW)] - errors[:, names.index(OLD)]
    print_row(title, len(errors), *cells, int(np.sum(rise < -CLEAR)), int(np.sum(rise > CLEAR)))


def constants(number: int, seed: int, pixels: tuple[int, int]) -> None:
    print_header("scene", "entropy", *(f"c = {one:g}" for one in PRICES))
    for scene in scenes(number, seed, pixels):
        image, k = Prepared.of(scene.cube, None, None, (), None), len(scene.endmembers)
        counts = Counts.of(image, k)
        if counts is None or not counts.needs_volume:
            continue
        gain = choose_model(image.matrix, k, counts=True).gain
        ends = {}
        for price in PRICES:
            *_, ends[price] = counts.run(k, 0, price * counts.noise, gain=gain).iterate(image.matrix)
        errors = [f"{error(scene, end.endmembers):.3f}" for end in ends.values()]
        print_row(scene.name, f"{entropy(ends[MIXED].abundances):.2f}", *errors)


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser(__doc__)
    options.add_argument("what", choices=("judge", "constants"), nargs="?", default="judge")
    options.add_argument("--scenes", type=int, default=60)
    options.add_argument("--seed", type=int, default=7)
    chosen = options.parse_args(arguments)
    number, pixels = (1, (150, 200)) if chosen.quick else (chosen.scenes, (1500, 2500))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of answers that are not unique
        (judge if chosen.what == "judge" else constants)(number, chosen.seed, pixels)
