"""Settings of `suggest` against settings made by hand, on the simulated experiments; and the constants of its rule.

    python -m benchmarks accuracy.suggest domains
    python -m benchmarks accuracy.suggest rule --scenes 60 --seed 7
    python -m benchmarks accuracy.suggest sparse --scenes 60 --seed 20261130

`domains`: mean spectral angle (rad) / RMSE of the abundances of `unmix(cube, **suggest(cube).settings)` and of the settings of
docs/domains.md, by one measure for all: endmembers scaled to the sum of the true ones, pixels to sum 1 (not in diffraction
microscopy, where maps are no fractions). Rows with steps pass them to both. Samson is judged too. The choice of a measure for the
volume was made with these experiments in view (docs/accuracy.md), so only `rule` with a new seed is a judgement of it. `rule`: random scenes of broad bands or of narrow peaks, with 2 to 6 components, white noise or counts, with and without gain
and pure pixels; for each the freedom of a quick plain fit, the share of its entries near zero, and the error of plain least squares
(with Poisson weights for counts) and of `volume="auto"`. `sparse`: the number of components of random maps of few counts.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr

import mffnb as mf
from benchmarks.domains.eels_map import volume_up_to_noise
from benchmarks.domains.raman_map import BASELINE
from benchmarks.domains.tof_sims_3d import BIN
from benchmarks.domains.xdm_film import then_all_six
from benchmarks.shared.command import parser, print_header, print_row
from benchmarks.shared.factorizers import Factors, unmix
from benchmarks.shared.scenes import peaks, simulated
from benchmarks.shared.scores import angles, fractions, rmse, with_true_sums
from benchmarks.shared.sparse_scenes import sparse_scene
from mffnb.datasets.mixed_oxide import PAPER_WINDOW
from mffnb.selection import match
from mffnb.unmixing.image import Prepared
from mffnb.unmixing.suggestion.constraints import Constraints
from mffnb.unmixing.suggestion.noise import Noise
from mffnb.unmixing.suggestion.sample import Sample


@dataclass(frozen=True, eq=False)
class Experiment:
    """A sample, the settings made by hand, and the steps that both get."""

    name: str
    draw: Callable[[], mf.datasets.Sample]
    by_hand: Callable[[xr.DataArray, int], Factors]
    steps: Sequence[Any] = ()
    are_fractions: bool = True
    bins: dict[str, int] = field(default_factory=dict)


EXPERIMENTS = (
    Experiment("`tof_sims_2d`", lambda: mf.datasets.tof_sims_2d(seed=0), unmix(4, weights="poisson")),
    Experiment("`cits_pnictide`", lambda: mf.datasets.cits_pnictide(0), unmix(3, volume="auto")),
    Experiment("`eels_map`", lambda: mf.datasets.eels_map(0), volume_up_to_noise),
    Experiment("`raman_map`", mf.datasets.raman_map, unmix(4, preprocess=[BASELINE], sum_to_one=True)),
    Experiment(
        "`raman_map`, baseline", mf.datasets.raman_map, unmix(4, preprocess=[BASELINE], sum_to_one=True), [BASELINE]
    ),
    Experiment("`tof_sims_3d`", mf.datasets.tof_sims_3d, unmix(4, weights="poisson")),
    Experiment(
        "`tof_sims_3d`, binned", mf.datasets.tof_sims_3d, unmix(4, weights="poisson", preprocess=[BIN]), [BIN],
        bins={"y": 2, "x": 2},
    ),
    Experiment(
        "`xdm_film`, 200 x 200", lambda: mf.datasets.xdm_film(0, shape=(200, 200), field_of_view=20.0, counts=1e4),
        then_all_six, are_fractions=False,
    ),
    Experiment("`stem_catalyst`", lambda: mf.datasets.stem_catalyst(0), unmix(2, preprocess=[PAPER_WINDOW])),
    Experiment(
        "`stem_catalyst`, windows", lambda: mf.datasets.stem_catalyst(0), unmix(2, preprocess=[PAPER_WINDOW]),
        [PAPER_WINDOW],
    ),
    Experiment("Samson", mf.datasets.samson, unmix(3, volume="auto")),
)  # fmt: skip


def score(experiment: Experiment, sample: mf.datasets.Sample, E: np.ndarray, A: np.ndarray) -> str:
    """Mean angle / RMSE, or the number of components if there are too few, and `-` where grids differ."""
    truth, maps = sample.endmembers, sample.abundances
    if experiment.bins:
        maps = maps.coarsen(experiment.bins).mean()
    true, shares = (one.values.reshape(len(one), -1).astype(float) for one in (truth, maps))
    if len(E) < len(true) or E.shape[1] != true.shape[1]:
        return f"k = {len(E)}, {E.shape[1]} channels"
    order = match(true, E)
    angle = angles(true, E[order]).mean()
    if experiment.are_fractions:
        # Components that are no material, such as fluorescence, do not count in the fractions.
        A, shares = fractions(with_true_sums(true, E[order], A[order])), fractions(shares)
    else:
        A = with_true_sums(true, E[order], A[order])
    return f"{angle:.3f} / {rmse(A, shares):.3f}" if A.shape == shares.shape else f"{angle:.3f} / -"


def compare(experiment: Experiment) -> None:
    sample = experiment.draw()
    cube = sample.cube
    began = time.process_time()
    found = mf.suggest(cube, preprocess=experiment.steps)
    seconds = time.process_time() - began
    result = mf.unmix(cube, random_state=0, **found.settings)
    A = result.abundances if result.gain is None else result.abundances * result.gain
    pixels = [name for name in A.dims if name != "component"]
    k = len(A)
    ours = result.endmembers.values.reshape(k, -1), A.transpose("component", *pixels).values.reshape(k, -1)
    settings = ", ".join(str(one) for one in found.line.split(", preprocess")[:1])
    scores = [score(experiment, sample, *factors) for factors in (ours, experiment.by_hand(cube, 0))]
    print_row(experiment.name, f"`{settings}`", f"{found.between[0]} to {found.between[1]}", *scores, f"{seconds:.1f}")


def scenes(number: int, seed: int, pixels: int) -> Iterator[tuple[str, np.ndarray, np.ndarray, bool]]:
    rng = np.random.default_rng(seed)
    for _ in range(number):
        k, decibel = int(rng.integers(2, 7)), float(rng.uniform(15, 40))
        purest, gain = float(rng.choice([1.0, 0.9, 0.75])) if k > 2 else 1.0, float(rng.choice([0.0, 0.3]))
        counts, family = rng.random() < 0.5, (peaks if rng.random() < 0.5 else simulated)
        X, E, _ = family(k, 200.0 if counts else decibel, purest, gain)(int(rng.integers(2**31)), pixels, 120)
        dose = float(np.exp(rng.uniform(np.log(20), np.log(1e5))))
        if counts:
            X = rng.poisson(np.maximum(X, 0) * dose / X.sum(axis=1).mean()).astype(float)
        noise = f"{dose:.0f} counts" if counts else f"{decibel:.0f} dB"
        name = f"{'peaks' if family is peaks else 'bands'}, k = {k}, {noise}, purest {purest:g}, gain {gain:g}"
        yield name, X, E, counts


def rule(number: int, seed: int, pixels: int) -> None:
    print_header("scene", "freedom", "near zero", "plain", "volume", "chosen")
    chosen_errors, best_errors = [], []
    for name, X, E, _ in scenes(number, seed, pixels):
        cube, k = xr.DataArray(X[None], dims=("y", "x", "channel")), len(E)
        sample = Sample.of(Prepared.of(cube, None, None, (), None))
        weights = "poisson" if Noise.of(sample).like_counts else None
        found = Constraints.of(sample, k, weights)
        answers = mf.unmix(cube, k, weights=weights, random_state=0), mf.unmix(cube, k, volume="auto", random_state=0)
        plain, volume = (angles(E, one.values[match(E, one.values)]).mean() for one in (a.endmembers for a in answers))
        chosen_errors.append(volume if found.needs_volume else plain)
        best_errors.append(min(plain, volume))
        which = "volume" if found.needs_volume else "plain"
        print_row(name, f"{found.freedom:.2f}", f"{found.empty:.2f}", f"{plain:.3f}", f"{volume:.3f}", which)
    chosen, best = np.array(chosen_errors), np.array(best_errors)
    print(f"the worse one was chosen, by more than 0.02 rad, in {np.sum(chosen > best + 0.02)} of {len(best)}")
    print(f"median angle {np.median(chosen):.3f}, of the better ones {np.median(best):.3f}")


def sparse(number: int, seed: int) -> None:
    print_header("scene", "k", "between")
    tally = dict.fromkeys(("right", "wrong", "open", "brackets that hold", "most likely k is right"), 0)
    for i in range(number):
        counts, k, name = sparse_scene(seed, i)
        found = mf.suggest(counts)
        (low, high), named = found.between, found.settings["k"]
        tally["open" if low < high else "right" if low == k else "wrong"] += 1
        tally["brackets that hold"] += low <= k <= high
        tally["most likely k is right"] += named == k
        print_row(name, str(named), f"{low} to {high}")
    print(", ".join(f"{count} {what}" for what, count in tally.items()), f"of {number}")


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser(__doc__)
    options.add_argument("what", choices=("domains", "rule", "sparse"), nargs="?", default="domains")
    options.add_argument("--scenes", type=int, default=60)
    options.add_argument("--seed", type=int, default=7)
    options.add_argument("--only", help="part of the name of an experiment")
    chosen = options.parse_args(arguments)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of answers that are not unique
        if chosen.what == "sparse":
            sparse(1 if chosen.quick else chosen.scenes, chosen.seed)
            return
        if chosen.what == "rule" or chosen.quick:
            rule(1 if chosen.quick else chosen.scenes, chosen.seed, 200 if chosen.quick else 2000)
            return
        print_header("experiment", "suggested", "k between", "found", "by hand", "processor s of suggest")
        for one in EXPERIMENTS:
            if chosen.only is None or chosen.only in one.name:
                compare(one)
