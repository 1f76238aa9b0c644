"""Spectra of the plain call `unmix(cube, k)` from different starts, on scenes with truth.

    python -m benchmarks accuracy.plain_start [--first 20261130] [--scenes 5] [--file no_pure_pixels.npz]

Mean spectral angle (rad) to the true spectra, mean over the scenes of a family; and the largest excess of the objective over the
lowest of all starts. Starts: NNDSVD, pure pixels by SPA and by VCA, and the default. Families are simulated, see
`benchmarks/shared/start_scenes.py`. No constant was fitted to Samson, to the simulations of experiments, or to the file without
pure pixels (30 and 20 dB).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import xarray as xr

import mffnb as mf
from benchmarks.shared.command import parser, print_header, print_row
from benchmarks.shared.scenes import without_pure_pixels
from benchmarks.shared.scores import angles
from benchmarks.shared.start_scenes import FAMILIES, Scene, draw
from mffnb.geometry import SPA, VCA
from mffnb.selection import match

ONE_THREAD = True
STARTS = {"NNDSVD": "nndsvd", "SPA": SPA(), "VCA": VCA(), "default": "auto"}


def of_sample(sample: mf.datasets.Sample) -> Scene:
    cube, E = sample.cube, sample.endmembers
    channels = E.dims[1:]
    values = cube.stack(channel=channels).values if len(channels) > 1 else cube.values
    return np.asarray(values, dtype=np.float64).reshape(-1, values.shape[-1]), E.values.reshape(len(E), -1)


def unseen(path: str | None) -> Iterator[tuple[str, Callable[[], Scene]]]:
    """Scenes that were used for no choice."""
    sets = mf.datasets
    yield "Samson", lambda: of_sample(sets.samson())
    for decibel in (30, 20) if path else ():
        yield f"no pure pixels, {decibel} dB", lambda d=decibel: without_pure_pixels(path, d)(0)[:2]
    yield "`tof_sims_2d`", lambda: of_sample(sets.tof_sims_2d(seed=0, shape=(64, 64)))
    yield "`tof_sims_3d`", lambda: of_sample(sets.tof_sims_3d(seed=0, shape=(25, 16, 16)))
    yield "`cits_pnictide`", lambda: of_sample(sets.cits_pnictide(seed=0))
    yield "`eels_map`", lambda: of_sample(sets.eels_map(seed=0))
    yield "`raman_map`", lambda: of_sample(sets.raman_map(seed=0))
    yield "`xdm_film`", lambda: of_sample(sets.xdm_film(seed=0, shape=(100, 100), field_of_view=10.0))


def ends(scene: Scene) -> tuple[list[float], list[float]]:
    """Mean angle and objective from each start."""
    X, E = scene
    cube, errors, objectives = xr.DataArray(X[None], dims=("y", "x", "channel")), [], []
    for init in STARTS.values():
        result = mf.unmix(cube, len(E), init=init, random_state=0)
        found = result.endmembers.values
        errors.append(float(angles(E, found[match(E, found)]).mean()))
        objectives.append(float(result.trace.objective[-1]))
    return errors, objectives


def row(name: str, scenes: Sequence[Scene]) -> np.ndarray:
    """Print the row of a family; return the mean angles."""
    errors, objectives = (np.array(part) for part in zip(*map(ends, scenes), strict=True))
    excess = (objectives / objectives.min(axis=1, keepdims=True) - 1).max(axis=0)
    means = errors.mean(axis=0)
    print_row(name, *(f"{one:.3f}" for one in means), *(f"{one:.0e}" for one in excess))
    return means


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser(__doc__)
    options.add_argument("--first", type=int, default=20261130, help="first seed")
    options.add_argument("--scenes", type=int, default=5, help="scenes of each family")
    options.add_argument("--file", default=None)
    chosen = options.parse_args(arguments)
    print_header("scenes", *STARTS, *(f"{name}: excess" for name in STARTS))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of answers that are not unique, which are the subject
        if chosen.quick:
            row("bands", [draw("bands", 0, (100, 200))])
            return
        seeds = range(chosen.first, chosen.first + chosen.scenes)
        means = [row(name, [draw(name, seed) for seed in seeds]) for name in FAMILIES]
        print_row("mean of the families", *(f"{one:.3f}" for one in np.mean(means, axis=0)), *[""] * len(STARTS))
        for name, make in unseen(chosen.file):
            row(name, [make()])
