"""What a search for settings brings where nobody knows the truth, and what engines bring to a search.

    python benchmarks/tuning.py accuracy [--seeds 3] [--counts 200]
    python benchmarks/tuning.py engines
    python benchmarks/tuning.py algorithms [--seeds 5]

Accuracy: abundance RMSE of simulated ToF-SIMS images (48 x 64 pixels, 16 channels binned to one), as in accuracy.py: untuned,
with the likelihood of counts, and that with the smoothness that predicts held-out entries best (16 trials); `--staged` adds
what `tuning.staged` finds for least squares. Engines: 40 trials of about a second on
one engine and on two, window 4, after a trial that warms the engines up. Algorithms: the lowest loss after so many trials.
"""

from __future__ import annotations

import argparse
import time
import warnings
from dataclasses import replace

import numpy as np
from accuracy import score

import mffnb as mf
from mffnb.tuning import HeldOut, staged, tune

SPACE = {"sparsity": (1e-3, 1.0), "smoothness": (1e-3, 10.0)}
SMOOTH, LIKELY = {"smoothness": (1e-3, 1e3)}, {"k": 4, "similarity": "kl", "max_iter": 200}


def error(sample, result):
    return score(sample, result.endmembers.values, result.abundances.values.reshape(4, -1))


def binned(sample, channels=16):
    """Fewer channels with more counts in each, as a user would who has 200 counts a pixel in 1535 channels."""
    cube, spectra = (part.coarsen(mz=channels, boundary="trim").sum() for part in (sample.cube, sample.endmembers))
    return replace(sample, cube=cube, endmembers=spectra)


def accuracy(seeds, counts, *, with_stages):
    print(
        "| seed | setting | sparsity | smoothness | spectral angle (rad) | abundance RMSE | seconds |\n"
        + "|---" * 7
        + "|"
    )
    for seed in range(seeds):
        sample = binned(mf.datasets.tof_sims_2d(seed=seed, shape=(48, 64), counts=counts))
        cube = sample.cube
        ways = {
            "untuned": lambda c=cube, s=seed: mf.unmix(c, 4, random_state=s),
            "untuned, kl": lambda c=cube, s=seed: mf.unmix(c, 4, similarity="kl", random_state=s),
            "tuned, kl": lambda c=cube, s=seed: tune(c, SMOOTH, HeldOut(), max_evals=16, seed=s, **LIKELY).unmix(
                max_iter=1000
            ),
        }
        if with_stages:
            ways["staged"] = lambda c=cube, s=seed: staged(c, HeldOut(), k=4, max_evals=10, seed=s)[1].unmix()
        for name, run in ways.items():
            begin = time.perf_counter()
            result = run()
            weights = [result.parameters[key] for key in SPACE]
            angle, rmse = error(sample, result)
            seconds = time.perf_counter() - begin
            print(
                f"| {seed} | {name} | {weights[0]:.3g} | {weights[1]:.3g} | {angle:.3f} | {rmse:.3f} | {seconds:.0f} |",
                flush=True,
            )


def engines():
    # So many passes that a trial takes about a second on the machine at hand, whatever its settings.
    cube = mf.datasets.tof_sims_2d(seed=0, shape=(64, 64)).cube

    def trials(executor, number, passes):
        begin = time.perf_counter()
        found = tune(
            cube, SPACE, final_error, k=4, max_evals=number, executor=executor, algorithm="random", tol=0.0, max_iter=passes
        )  # fmt: skip
        return time.perf_counter() - begin, found

    passes = 100
    with mf.parallel.cluster(1) as one:
        trials(one, 1, 2)
        passes = max(1, round(passes / trials(one, 1, passes)[1].trials[0].seconds))
        alone, first = trials(one, 40, passes)
    with mf.parallel.cluster(2) as two:
        trials(two, 4, 2)
        together, second = trials(two, 40, passes)
    same = first.trials == second.trials
    mean = np.mean([trial.seconds for trial in first.trials])
    print(
        f"40 trials of {mean:.2f} s: one engine {alone:.1f} s, two {together:.1f} s, ratio {alone / together:.2f}, same trials: {same}"
    )


def final_error(result):
    return float(result.trace.relative_error[-1])


def algorithms(seeds, trials=60):
    """Lowest loss after so many trials; each seed is compared with random search of the same seed, which fits alike."""
    cube = mf.datasets.tof_sims_2d(seed=0, shape=(12, 16)).cube[..., ::10]
    at = [n for n in (10, 20, 30, 40, 60) if n <= trials]
    print("| algorithm |" + "".join(f" {n} trials |" for n in at) + " lower than random, the same, higher |")
    print("|---" * (len(at) + 2) + "|")
    of_random = None
    for name in ("random", "tpe", "anneal"):
        losses = [
            [np.inf if trial.loss is None else trial.loss for trial in
             tune(cube, SPACE, HeldOut(), k=4, algorithm=name, max_evals=trials, seed=seed).trials]
            for seed in range(seeds)
        ]  # fmt: skip
        best = np.minimum.accumulate(losses, axis=1)
        of_random = best if of_random is None else of_random
        signs = np.sign(best[:, -1] - of_random[:, -1])
        cells = [
            f" {np.median(best[:, n - 1]):.5f} ({best[:, n - 1].min():.5f} to {best[:, n - 1].max():.5f}) |" for n in at
        ]
        print(
            f"| {name} |" + "".join(cells) + f" {(signs < 0).sum()}, {(signs == 0).sum()}, {(signs > 0).sum()} |",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("accuracy", "engines", "algorithms"))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--counts", type=float, default=200.0, help="of a pixel")
    parser.add_argument("--staged", action="store_true")
    chosen = parser.parse_args()
    warnings.simplefilter("ignore")
    run = {
        "accuracy": lambda: accuracy(chosen.seeds, chosen.counts, with_stages=chosen.staged),
        "engines": engines,
        "algorithms": lambda: algorithms(chosen.seeds),
    }
    run[chosen.what]()


if __name__ == "__main__":
    main()
