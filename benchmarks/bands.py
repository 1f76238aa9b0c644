"""How often bands of 90 % hold what they are to hold, on simulated data with truth.

    python benchmarks/bands.py [--draws 20] [--replicas 20] [--scenes open-80 open-300 ... tof]

Scenes of three endmembers, with the number of pixels behind their name; without noise, the truth is found exactly from where
searches start here, but not in all of them is it the only answer:

- `unique`: bands apart, maps with pure pixels and zeros: non-negative factorization has one answer.
- `open`: the same, measured over fewer channels, so that the second endmember is nowhere zero where the third is not, and up
  to 9 % of the third may be taken off it.
- `overlap`: broad bands, of which each endmember shares most with the next one.
- `mixed`: the endmembers of `unique`, and no pure pixels.
- `lines`: a few narrow lines each, all else zero, some lines shared; many zeros in the maps.
- `tof`: `tof_sims_2d`, four components on 32 x 48 pixels, 200 counts each.

Channels in which an endmember has 20 counts or more (where it covers a pixel alone; for `tof` in the whole image) are looked
at. Noise is drawn anew for each of so many data sets: counts, or even noise of 3. Each is unmixed from the same start and
given its bands by `mffnb.selection.stability`. Coverage of the mean: how often the band holds the mean of the answers to all
data sets, which is what the method finds on average. Coverage of the truth, and by the band without what data leave open
(`mffnb.stability.ambiguity`). Beside them how far that mean is from the truth, how large the standard deviation of the answers
is, and the half width of the bands, all in per cent of the endmember (medians); and which share of data sets had a doubt.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

import mffnb as mf
from mffnb.stability.spread import rescaled_to

SEEN, PEAK = 20.0, 100.0
SCENES = ["open-80", "open-300", "open-1200", "unique-80", "unique-300", "unique-1200"]
SCENES += ["overlap-300", "mixed-300", "lines-300", "tof"]


@dataclass(frozen=True, eq=False)
class Scene:
    """Abundances (rows, columns, k), endmembers (k, channels) in counts, and which entries of these are looked at."""

    abundances: np.ndarray
    endmembers: np.ndarray
    seen: np.ndarray


def scene(abundances: np.ndarray, endmembers: np.ndarray, pixels: int) -> Scene:
    """Fractions on a map of so many pixels, and spectra whose largest values are as many counts."""
    rows = max(4, round((0.75 * pixels) ** 0.5))
    maps = (abundances / abundances.sum(axis=1, keepdims=True)).reshape(rows, -1, len(endmembers))
    return Scene(maps, PEAK * endmembers, PEAK * endmembers >= SEEN)


def sparse_maps(pixels: int, seed: int = 5) -> np.ndarray:
    """Pure pixels, and zeros."""
    rows = max(4, round((0.75 * pixels) ** 0.5))
    abundances = np.random.default_rng(seed).dirichlet(np.full(3, 0.3), rows * (pixels // rows))
    return np.where(abundances < 0.05, 0.0, abundances)


def curves(channels: int, bands: Iterable[Iterable[tuple[float, float, float]]]) -> np.ndarray:
    """Sums of Gaussian bands (centre, width, height), zero below a thousandth."""
    position = np.arange(channels)
    sums = [sum(h * np.exp(-0.5 * ((position - c) / w) ** 2) for c, w, h in one) for one in bands]
    return np.where(np.array(sums) < 1e-3, 0.0, sums)


def apart(pixels: int, channels: int) -> Scene:
    """Bands of each endmember that no other has, as far as channels go."""
    bands = [[(5 + 17 * j, 1.5, 1.0), (11 + 17 * j, 2.0, 0.6), (22 + 17 * j, 4.0, 0.3)] for j in range(3)]
    return scene(sparse_maps(pixels), curves(channels, bands), pixels)


def overlap(pixels: int) -> Scene:
    """Each endmember shares most of its channels with the next one."""
    bands = [[(20 + 12 * j, 7.0, 1.0), (26 + 9 * j, 3.0, 0.4)] for j in range(3)]
    return scene(sparse_maps(pixels, 11), curves(64, bands), pixels)


def mixed(pixels: int) -> Scene:
    """No pixel is purer than 80 %."""
    abundances = 0.1 + 0.7 * np.random.default_rng(12).dirichlet(np.full(3, 0.5), len(sparse_maps(pixels)))
    return scene(abundances, apart(pixels, 70).endmembers / PEAK, pixels)


def lines(pixels: int) -> Scene:
    """Sparse spectra, some lines of which two endmembers have."""
    rng = np.random.default_rng(13)
    spectra = np.where(rng.random((3, 60)) < 0.2, rng.uniform(0.1, 1.0, (3, 60)), 0.0)
    return scene(sparse_maps(pixels, 14), spectra / spectra.max(axis=1, keepdims=True), pixels)


def tof() -> Scene:
    """Few counts and endmembers that overlap."""
    sample = mf.datasets.tof_sims_2d(seed=0, shape=(32, 48))
    endmembers, abundances = sample.endmembers.values, sample.abundances.transpose("y", "x", "component").values
    return Scene(abundances, endmembers, abundances.sum(axis=(0, 1))[:, None] * endmembers >= SEEN)


def named(name: str) -> Scene:
    """A scene by its name, with the number of pixels behind."""
    if name == "tof":
        return tof()
    kind, pixels = name.split("-")
    makers = {"unique": partial(apart, channels=70), "open": partial(apart, channels=50)}
    return (makers | {"overlap": overlap, "mixed": mixed, "lines": lines})[kind](int(pixels))


@dataclass(frozen=True)
class Coverage:
    """Shares of channels whose band holds the target, and what decides them."""

    mean: float
    truth: float
    noise_only: float
    bias: float
    deviation: float
    width: float
    replicated: float
    doubted: float


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
    estimates = np.array([rescaled_to(endmembers, one.answer.endmembers.values) for one in found])
    mean, deviation = estimates.mean(axis=0), estimates.std(axis=0, ddof=1)

    def held(target: np.ndarray, bands: list[tuple[Any, Any]]) -> float:
        wanted = [rescaled_to(one.answer.endmembers.values, target) for one in found]
        return float(
            np.mean([((low <= one) & (one <= up))[seen].mean() for one, (low, up) in zip(wanted, bands, strict=True)])
        )

    bands = [(one.lower.values, one.upper.values) for one in found]
    plain = [(one.replicas.lower.values, one.replicas.upper.values) for one in found]
    half, noise_half = (np.mean([up - low for low, up in ends], axis=0)[seen] / 2 for ends in (bands, plain))
    known, spread = endmembers[seen], deviation[seen]
    return Coverage(
        held(mean, bands),
        held(endmembers, bands),
        held(endmembers, plain),
        float(np.median(np.abs(mean[seen] / known - 1))),
        float(np.median(spread / known)),
        float(np.median(half / known)),
        # Under a normal distribution a band of 90 % is 2 x 1.645 standard deviations wide.
        float(np.median(noise_half[spread > 0] / spread[spread > 0] / 1.645)),
        float(np.mean([bool(one.doubt) for one in found])),
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--replicas", type=int, default=20)
    parser.add_argument("--scenes", nargs="+", default=SCENES)
    options = parser.parse_args()
    warnings.simplefilter("ignore", mf.errors.MffnbWarning)
    print(
        "| scene | noise | similarity | coverage of the mean | of the truth | without what is open | off the truth "
        "| standard deviation | half width | doubts | s |\n|---|---|---|---|---|---|---|---|---|---|---|"
    )
    for name in options.scenes:
        for noise, similarity in (("counts", "kl"), ("counts", "frobenius"), ("even", "frobenius")):
            if name == "tof" and noise == "even":
                continue
            begin, even = time.perf_counter(), noise == "even"
            got = coverage(named(name), similarity, gaussian=even, draws=options.draws, replicas=options.replicas)
            shares = " | ".join(f"{100 * share:.0f} %" for share in (got.mean, got.truth, got.noise_only))
            sizes = " | ".join(f"{100 * size:.2f} %" for size in (got.bias, got.deviation, got.width))
            seconds = time.perf_counter() - begin
            print(
                f"| {name} | {noise} | {similarity} | {shares} | {sizes} | {100 * got.doubted:.0f} % | {seconds:.0f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
