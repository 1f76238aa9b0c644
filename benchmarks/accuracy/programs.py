"""Plain call, volume="auto" and `suggest` next to scikit-learn, pyMCR and pure pixels with NNLS, on scenes with truth.

    python -m benchmarks accuracy.programs named [--seeds 5] [--file no_pure_pixels.npz]
    python -m benchmarks accuracy.programs random --scenes 200 --seed 20261130

All methods get the true k and the same data; `suggest(cube, k)` finds all other settings. Mean spectral angle (rad) / RMSE of the
fractions, each endmember scaled to maximum 1 and each pixel to sum 1 in truth and answer (the maps of `xdm_film` are no fractions:
angle only). `named`: medians over seeds of the methods. `random`: median and 90 % quantile for each family; "better" counts
the scenes in which `suggest` is at least as good as every peer, within 0.005 rad. "Silent": answers of mffnb that are more than 0.1 rad off,
without a warning and with a freedom below the error. pyMCR takes part if it is installed, with its defaults, from the spectra
of SPA. VCA and SPA are those of this package.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib import import_module, util
from typing import Any

import numpy as np
import xarray as xr

import mffnb as mf
from benchmarks.shared.command import parser, print_header, print_row
from benchmarks.shared.factorizers import Factors, matrix, scikit_learn_nmf
from benchmarks.shared.named_scenes import NamedScene, named_scenes
from benchmarks.shared.random_scenes import MAPS, SPECTRA, RandomScene, random_scene
from benchmarks.shared.scores import angles, in_order_of, rmse, with_unit_maximum
from mffnb.errors import MffnbWarning
from mffnb.geometry import SPA, VCA
from mffnb.geometry.abundances import non_negative
from mffnb.matrices import in_memory

ONE_THREAD = True
WRONG = 0.1  # rad
EQUAL = 0.005  # rad
NO_FRACTIONS = ("`xdm_film`",)


def ours(cube: xr.DataArray, k: int, seed: int, **settings: Any) -> mf.Unmixing:
    return mf.unmix(cube, k, random_state=seed, **settings)


def suggested(cube: xr.DataArray, k: int, seed: int) -> mf.Unmixing:
    return mf.unmix(cube, random_state=seed, **mf.suggest(cube, k).settings)


OURS: dict[str, Callable[[xr.DataArray, int, int], mf.Unmixing]] = {
    "`unmix(cube, k)`": ours,
    '`volume="auto"`': partial(ours, volume="auto"),
    "`suggest`": suggested,
}


def pure_pixels(finder: VCA | SPA, X: np.ndarray, k: int, seed: int) -> Factors:
    E = np.ascontiguousarray(finder.start(in_memory(X), k, seed)[1])
    return E, non_negative(in_memory(X), E)


def mcr(X: np.ndarray, k: int, seed: int) -> Factors:
    model = import_module("pymcr.mcr").McrAR()
    logging.getLogger("pymcr.mcr").disabled = True  # it prints a line for each run
    model.fit(X, ST=SPA().start(in_memory(X), k, seed)[1])
    return model.ST_opt_, model.C_opt_.T


def peers() -> dict[str, Callable[[np.ndarray, int, int], Factors]]:
    found = {
        "scikit-learn `NMF`": scikit_learn_nmf,
        "VCA + NNLS": partial(pure_pixels, VCA()),
        "SPA + NNLS": partial(pure_pixels, SPA()),
    }
    return found | ({"pyMCR": mcr} if util.find_spec("pymcr") else {})


class Judged:
    """Mean angle and RMSE of an answer, and whether it is wrong without a warning or a sufficient freedom."""

    def __init__(self, truth: np.ndarray, maps: np.ndarray, E: np.ndarray, A: np.ndarray) -> None:
        E, A = in_order_of(truth, E, A)
        self.angle = float(np.nan_to_num(angles(truth, E), nan=np.pi / 2).mean())
        self.rmse = rmse(with_unit_maximum(E, A), with_unit_maximum(truth, maps))
        self.silent = False


def judge_ours(name: str, scene: NamedScene | RandomScene, maps: np.ndarray, seed: int) -> Judged:
    k = len(scene.endmembers)
    with warnings.catch_warnings(record=True) as raised:
        warnings.simplefilter("always")
        result = OURS[name](scene.cube, k, seed)
    pixels = [axis for axis in scene.cube.dims if axis != "channel"]
    A = result.abundances.transpose("component", *pixels).values.reshape(k, -1)
    found = Judged(scene.endmembers, maps, result.endmembers.values, A)
    if found.angle > WRONG and not any(issubclass(one.category, MffnbWarning) for one in raised):
        freedom = result.freedom
        found.silent = freedom is None or float(np.nanmean(freedom.angle.values)) < found.angle
    return found


def judge(scene: NamedScene | RandomScene, maps: np.ndarray, seed: int) -> dict[str, Judged]:
    """Score all methods on a scene."""
    found = {name: judge_ours(name, scene, maps, seed) for name in OURS}
    X = matrix(scene.cube)
    for name, method in peers().items():
        with np.errstate(all="ignore"):
            found[name] = Judged(scene.endmembers, maps, *method(X, len(scene.endmembers), seed))
    return found


def compare_named(path: str | None, seeds: int) -> None:
    print_header("scene", *OURS, *peers())
    for scene in named_scenes(path):
        runs = [judge(scene, scene.abundances, seed) for seed in range(seeds)]
        cells = []
        for name in runs[0]:
            angle, error = np.median([(run[name].angle, run[name].rmse) for run in runs], axis=0)
            silent = ", silent" if any(run[name].silent for run in runs) else ""
            cells.append(f"{angle:.3f} / " + ("-" if scene.name in NO_FRACTIONS else f"{error:.3f}") + silent)
        print_row(scene.name, *cells)


def row(title: str, runs: Sequence[Mapping[str, Judged]]) -> None:
    if not runs:
        return
    cells = []
    for name in runs[0]:
        half, most = np.quantile([run[name].angle for run in runs], (0.5, 0.9))
        error = np.median([run[name].rmse for run in runs])
        cells.append(f"{half:.3f}, {most:.3f} / {error:.3f}")
    best = sum(run["`suggest`"].angle <= min(run[name].angle for name in peers()) + EQUAL for run in runs)
    print_row(title, len(runs), *cells, best)


def compare_random(number: int, seed: int, pixels: tuple[int, int], *, show: bool) -> None:
    scenes, runs = [], []
    for i in range(number):
        scene = random_scene(seed, i, pixels=pixels)
        scenes.append(scene)
        runs.append(judge(scene, scene.fractions, 0))
        if show:
            print(i, scene.name, *(f"{one.angle:.3f}{'!' * one.silent}" for one in runs[-1].values()), flush=True)
    print_header("scenes", "number", *OURS, *peers(), "better")
    families: dict[str, Callable[[RandomScene], bool]] = {"all": lambda _: True}
    families |= {name: lambda one, name=name: one.spectra == name for name in SPECTRA}  # type: ignore[misc]
    families |= {f"maps {name}": lambda one, name=name: one.maps == name for name in MAPS}  # type: ignore[misc]
    families |= {"white noise": lambda one: not one.counts, "counts": lambda one: one.counts}
    families |= {"no gain": lambda one: not one.gain, "gain": lambda one: one.gain}
    families |= {"k = 2 to 4": lambda one: len(one.endmembers) < 5, "k = 5 to 8": lambda one: len(one.endmembers) > 4}
    for title, belongs in families.items():
        row(title, [run for scene, run in zip(scenes, runs, strict=True) if belongs(scene)])
    for name in OURS:
        wrong, silent = (
            sum(getattr(run[name], what) > level for run in runs) for what, level in (("angle", WRONG), ("silent", 0))
        )
        print(f"{name}: {wrong} of {number} more than {WRONG} rad off, {silent} of these silent")


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser(__doc__)
    options.add_argument("what", choices=("named", "random"), nargs="?", default="named")
    options.add_argument("--seeds", type=int, default=5)
    options.add_argument("--file", help="simulation without pure pixels (.npz)")
    options.add_argument("--scenes", type=int, default=200)
    options.add_argument("--seed", type=int, default=20261130)
    options.add_argument("--show", action="store_true", help="print a line for each random scene")
    chosen = options.parse_args(arguments)
    if chosen.what == "named" and not chosen.quick:
        compare_named(chosen.file, chosen.seeds)
        return
    number, pixels = (1, (150, 200)) if chosen.quick else (chosen.scenes, (1500, 2500))
    compare_random(number, chosen.seed, pixels, show=chosen.show)
