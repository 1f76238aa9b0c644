"""Search for settings (tuning): errors of tuned maps, time on two engines, and algorithms of the search.

    python -m benchmarks accuracy.tuning accuracy [--seeds 3] [--counts 200] [--staged]
    python -m benchmarks accuracy.tuning engines
    python -m benchmarks accuracy.tuning algorithms [--seeds 5]

`accuracy`: abundance RMSE of simulated ToF-SIMS images (48 x 64 pixels, 16 channels binned to one) as in `domains.tof_sims_2d`: untuned,
with the likelihood of counts, and with the smoothness that predicts held-out entries best (16 trials); `--staged` adds what
`tuning.staged` finds for least squares. `engines`: 40 trials of about a second on one engine and on two, window 4, after a
warm-up trial. `algorithms`: the lowest loss after a number of trials.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import replace

import numpy as np

import mffnb as mf
from benchmarks.domains.tof_sims_2d import score
from benchmarks.shared.command import parser, print_header, print_row
from benchmarks.shared.timing import timed
from mffnb.tuning import HeldOut, staged, tune

SPACE = {"sparsity": (1e-3, 1.0), "smoothness": (1e-3, 10.0)}
SMOOTH, LIKELY = {"smoothness": (1e-3, 1e3)}, {"k": 4, "similarity": "kl", "max_iter": 200}


def binned(sample: mf.datasets.Sample, channels: int = 16) -> mf.datasets.Sample:
    """Sum neighbouring channels, as a user would do with 200 counts a pixel in 1535 channels."""
    cube, spectra = (part.coarsen(mz=channels, boundary="trim").sum() for part in (sample.cube, sample.endmembers))
    return replace(sample, cube=cube, endmembers=spectra)


def accuracy(seeds: int, counts: float, *, with_stages: bool, shape: tuple[int, int], trials: int) -> None:
    print_header("seed", "setting", *SPACE, "spectral angle (rad)", "abundance RMSE", "seconds")
    for seed in range(seeds):
        sample = binned(mf.datasets.tof_sims_2d(seed=seed, shape=shape, counts=counts))
        ways = {
            "untuned": lambda c, s: mf.unmix(c, 4, random_state=s),
            "untuned, kl": lambda c, s: mf.unmix(c, 4, similarity="kl", random_state=s),
            "tuned, kl": lambda c, s: tune(c, SMOOTH, HeldOut(), max_evals=trials, seed=s, **LIKELY).unmix(
                max_iter=1000
            ),
        }
        if with_stages:
            ways["staged"] = lambda c, s: staged(c, HeldOut(), k=4, max_evals=10, seed=s)[1].unmix()
        for name, run in ways.items():
            result, seconds = timed(lambda run=run, c=sample.cube, s=seed: run(c, s))
            weights = [f"{result.parameters[key]:.3g}" for key in SPACE]
            angle, error = score(sample, result.endmembers.values, result.abundances.values.reshape(4, -1))
            print_row(seed, name, *weights, f"{angle:.3f}", f"{error:.3f}", f"{seconds:.0f}")


def engines(count: int) -> None:
    """Passes are chosen such that a trial takes about a second on this machine, whatever its settings."""
    cube = mf.datasets.tof_sims_2d(seed=0, shape=(64, 64)).cube

    def search(executor: Executor, number: int, passes: int) -> mf.tuning.Tuning:
        settings = {"k": 4, "algorithm": "random", "tol": 0.0, "max_iter": passes}
        return tune(cube, SPACE, final_error, max_evals=number, executor=executor, **settings)

    passes = 100
    with mf.parallel.cluster(1) as one:
        search(one, 1, 2)
        passes = max(1, round(passes / search(one, 1, passes).trials[0].seconds))
        first, alone = timed(lambda: search(one, count, passes))
    with mf.parallel.cluster(2) as two:
        search(two, 4, 2)
        second, together = timed(lambda: search(two, count, passes))
    mean = np.mean([trial.seconds for trial in first.trials])
    print(
        f"{count} trials of {mean:.2f} s: one engine {alone:.1f} s, two {together:.1f} s, ratio {alone / together:.2f}"
    )
    print(f"the same trials: {first.trials == second.trials}")


def final_error(result: mf.Unmixing) -> float:
    return float(result.trace.relative_error[-1])


def algorithms(seeds: int, trials: int) -> None:
    """Seeds are compared one by one: for one seed the fits are the same whatever the algorithm."""
    cube = mf.datasets.tof_sims_2d(seed=0, shape=(12, 16)).cube[..., ::10]
    counts = [n for n in (10, 20, 30, 40, 60) if n <= trials] or [trials]
    print_header("algorithm", *(f"{n} trials" for n in counts), "lower than random, the same, higher")
    of_random = None
    for name in ("random", "tpe", "anneal"):
        found = [
            tune(cube, SPACE, HeldOut(), k=4, algorithm=name, max_evals=trials, seed=seed) for seed in range(seeds)
        ]
        losses = [[np.inf if trial.loss is None else trial.loss for trial in one.trials] for one in found]
        best = np.minimum.accumulate(losses, axis=1)
        of_random = best if of_random is None else of_random
        signs = np.sign(best[:, -1] - of_random[:, -1])
        after = [best[:, n - 1] for n in counts]
        cells = [f"{np.median(loss):.5f} ({loss.min():.5f} to {loss.max():.5f})" for loss in after]
        print_row(name, *cells, f"{(signs < 0).sum()}, {(signs == 0).sum()}, {(signs > 0).sum()}")


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser(__doc__)
    options.add_argument("what", choices=("accuracy", "engines", "algorithms"))
    options.add_argument("--seeds", type=int, default=3)
    options.add_argument("--counts", type=float, default=200.0, help="counts of a pixel")
    options.add_argument("--staged", action="store_true")
    chosen = options.parse_args(arguments)
    seeds, trials = (1, 2) if chosen.quick else (chosen.seeds, None)
    if chosen.what == "accuracy":
        shape = (8, 8) if chosen.quick else (48, 64)
        accuracy(seeds, chosen.counts, with_stages=chosen.staged, shape=shape, trials=trials or 16)
    elif chosen.what == "engines":
        engines(trials or 40)
    else:
        algorithms(seeds, trials or 60)
