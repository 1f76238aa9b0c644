"""How often bands of 90 % hold what they are to hold, on simulated data with truth.

    python benchmarks/bands.py [--draws 20] [--replicas 20] [--scenes 80 300 1200 tof]

Numbers are pixels of a scene made for this: three endmembers with bands apart and maps with pure pixels and zeros, so that
non-negative factorization is unique and, without noise, finds the truth from where it starts here. Channels in which an
endmember has 20 counts or more (where it covers a pixel alone) are looked at. `tof` is `tof_sims_2d` on 32 x 48 pixels, 200
counts each, and channels in which a component has 20 counts or more in the whole image.

Noise is drawn anew for each of so many data sets; each is unmixed from the same start and given its bands by
`mffnb.selection.stability`. Coverage of the mean: how often the band holds the mean of the answers to all data sets, which is
what the method finds on average. Coverage of the truth. Beside them how far that mean is from the truth, and how large the
standard deviation of the answers is, both in per cent of the endmember (medians), and the half width of the bands in units
of 1.645 such deviations: 1 for normal noise without bias.
"""

from __future__ import annotations

import argparse
import time
import warnings
from dataclasses import dataclass

import numpy as np

import mffnb as mf
from mffnb.bootstrap.spread import sized_like

CHANNELS, SEEN = 50, 20.0


@dataclass(frozen=True, eq=False)
class Scene:
    """Abundances (rows, columns, k), endmembers (k, channels) in counts, and which entries of these are looked at."""

    abundances: np.ndarray
    endmembers: np.ndarray
    seen: np.ndarray


def apart(pixels: int, peak: float = 100.0) -> Scene:
    """Pure pixels, zeros, and a band that each endmember has alone."""
    rng = np.random.default_rng(5)
    rows = max(4, round((0.75 * pixels) ** 0.5))
    position = np.arange(CHANNELS)
    endmembers = np.zeros((3, CHANNELS))
    for j in range(3):
        for centre, width, height in ((5 + 17 * j, 1.5, 1.0), (11 + 17 * j, 2.0, 0.6), (22 + 17 * j, 4.0, 0.3)):
            endmembers[j] += height * np.exp(-0.5 * ((position - centre) / width) ** 2)
    endmembers[endmembers < 1e-3] = 0.0
    abundances = rng.dirichlet(np.full(3, 0.3), (rows, pixels // rows))
    abundances[abundances < 0.05] = 0.0
    return Scene(abundances / abundances.sum(axis=2, keepdims=True), peak * endmembers, peak * endmembers >= SEEN)


def tof() -> Scene:
    """Few counts and endmembers that overlap."""
    sample = mf.datasets.tof_sims_2d(seed=0, shape=(32, 48))
    endmembers, abundances = sample.endmembers.values, sample.abundances.transpose("y", "x", "component").values
    return Scene(abundances, endmembers, abundances.sum(axis=(0, 1))[:, None] * endmembers >= SEEN)


@dataclass(frozen=True)
class Coverage:
    """Shares of channels whose band holds the target, and what decides them."""

    mean: float
    truth: float
    bias: float
    deviation: float
    replicated: float


def coverage(scene: Scene, similarity: str, *, gaussian: bool, draws: int, replicas: int, seed: int = 100) -> Coverage:
    """Draw noise so many times, unmix, give bands, and count."""
    endmembers, seen, k = scene.endmembers, scene.seen, len(scene.endmembers)
    expected = scene.abundances @ endmembers
    start = scene.abundances.reshape(-1, k), endmembers
    found = []
    for draw in range(draws):
        rng = np.random.default_rng([seed, draw])
        noise = rng.poisson(expected) if not gaussian else expected + 3.0 * rng.standard_normal(expected.shape)
        answer = mf.unmix(noise, k, similarity=similarity, init=start, tol=1e-5, max_iter=3000, random_state=0)
        found.append(mf.selection.stability(noise, answer, n_init=0, n_bootstrap=replicas, random_state=draw))
    estimates = np.array([sized_like(endmembers, one.answer.endmembers.values) for one in found])
    mean, deviation = estimates.mean(axis=0), estimates.std(axis=0, ddof=1)
    shares = []
    for target in (mean, endmembers):
        held = []
        for one in found:
            wanted = sized_like(one.answer.endmembers.values, target)
            held.append(((one.lower.values <= wanted) & (wanted <= one.upper.values))[seen].mean())
        shares.append(float(np.mean(held)))
    # Under a normal distribution a band of 90 % is 2 x 1.645 standard deviations wide.
    width = np.mean([(one.upper - one.lower).values for one in found], axis=0) / 3.29
    return Coverage(
        *shares,
        float(np.median(np.abs(mean / np.where(seen, endmembers, 1.0) - 1)[seen])),
        float(np.median((deviation / np.where(seen, endmembers, 1.0))[seen])),
        float(np.median((width / np.where(deviation > 0, deviation, np.inf))[seen & (deviation > 0)])),
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--replicas", type=int, default=20)
    parser.add_argument("--scenes", nargs="+", default=["80", "300", "1200", "tof"])
    options = parser.parse_args()
    warnings.simplefilter("ignore", mf.errors.ConvergenceWarning)
    print(
        "| noise | similarity | scene | coverage of the mean | of the truth | off the truth | standard deviation "
        "| half width / 1.645 standard deviations | s |\n|---|---|---|---|---|---|---|---|---|"
    )
    for noise, similarity in (("counts", "kl"), ("counts", "frobenius"), ("even", "frobenius")):
        for name in options.scenes:
            begin = time.perf_counter()
            scene = tof() if name == "tof" else apart(int(name))
            if name == "tof" and noise == "even":
                continue
            got = coverage(scene, similarity, gaussian=noise == "even", draws=options.draws, replicas=options.replicas)
            print(
                f"| {noise} | {similarity} | {name} | {100 * got.mean:.0f} % | {100 * got.truth:.0f} % | "
                f"{100 * got.bias:.2f} % | {100 * got.deviation:.2f} % | {got.replicated:.2f} | "
                f"{time.perf_counter() - begin:.0f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
