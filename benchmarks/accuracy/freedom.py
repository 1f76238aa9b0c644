"""Freedom of spectra against their true error, on random scenes: coverage, false comfort, residual patterns, time.

    python -m benchmarks accuracy.freedom --scenes 80 --seed 20261130

Each scene has 2 to 8 components, with or without pure pixels and a gain, and white noise of 15 to 40 dB or 20 to 2000
counts a pixel. It is unmixed by plain `unmix`, without penalties. A true spectrum is covered if its angle to the
answer is at most the freedom. False comfort: more than 0.1 rad off, with a freedom below 0.1 rad. Patterns are those of
the residual, also with one component less: the limit above which a result doubts its range lies between both.

    python -m benchmarks accuracy.freedom sparsity --scenes 40 --seed 20261130

Scenes in which each pixel has one or two of 2 to 5 components, with a sparsity of random weight: the freedom that
respects this penalty, and beside it that of the same answer without the penalty.

    python -m benchmarks accuracy.freedom constraints --scenes 30 --seed 20261130

Scenes with a gain of spread 0 to 0.3 in each pixel, unmixed with a sum of one, with a gain and with `volume="auto"`: how
often the doubt names the constraint, where it holds and where it does not (a sum of one where there is a gain).
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr
from scipy.stats import spearmanr

import mffnb as mf
from benchmarks.shared.command import parser
from benchmarks.shared.scenes import noisy, simulated
from benchmarks.shared.scores import angles
from mffnb.selection import match
from mffnb.unmixing.freedom import PATTERN

ONE_THREAD = True
PIXELS, CHANNELS = 3000, 150
MOST = 8  # components


@dataclass(frozen=True, eq=False)
class Judged:
    """Errors and freedoms of the spectra of one scene (rad), patterns in its residuals, and the processor time."""

    kind: str
    k: int
    errors: np.ndarray
    freedoms: np.ndarray
    pattern: float
    pattern_of_fewer: float
    seconds: float


def judge(rng: np.random.Generator, pixels: int) -> Judged:
    k, decibel = int(rng.integers(2, MOST + 1)), float(rng.uniform(15, 40))
    purest = float(rng.choice([1.0, 0.9, 0.75])) if k > 2 else 1.0
    gain = float(rng.choice([0.0, 0.3]))
    counts = rng.random() < 0.4
    X, E, _ = simulated(k, 200.0 if counts else decibel, purest, gain)(int(rng.integers(2**31)), pixels, CHANNELS)
    if counts:
        dose = np.exp(rng.uniform(np.log(20), np.log(2000)))
        X = rng.poisson(np.maximum(X, 0) * dose / X.sum(axis=1).mean()).astype(float)
    answer, fewer = (mf.unmix(cube_of(X), number, random_state=0) for number in (k, k - 1))
    began = time.process_time()
    free = answer.freedom
    seconds = time.process_time() - began
    found = answer.endmembers.values
    order = match(E, found)
    return Judged(
        "counts" if counts else "white noise", k, angles(E, found[order]), free.angle.values[order],
        free.pattern, fewer.freedom.pattern, seconds,
    )  # fmt: skip


def judge_sparse(rng: np.random.Generator, pixels: int) -> tuple[Judged, Judged]:
    k = int(rng.integers(2, 6))
    _, E, A = simulated(k, 200.0, 1.0, 0.0)(int(rng.integers(2**31)), pixels, CHANNELS)
    A[np.argsort(A, axis=0) < k - rng.integers(1, 3, A.shape[1])] = 0
    A *= np.exp(0.2 * rng.standard_normal(A.shape[1])) / np.maximum(A.sum(axis=0), 1e-12)
    X, counts, weight = A.T @ E, rng.random() < 0.4, 10 ** rng.uniform(-4, -1)
    if counts:
        X = rng.poisson(X * np.exp(rng.uniform(np.log(50), np.log(2000))) / X.sum(axis=1).mean()).astype(float)
    else:
        X = noisy(X, float(rng.uniform(15, 40)), rng)
    likely = bool(counts and rng.random() < 0.5)
    answer = mf.unmix(cube_of(X), k, sparsity=weight, similarity="kl" if likely else "frobenius", random_state=0)
    whole = replace(answer, parameters={**answer.parameters, "sparsity": 0.0})
    order = match(E, answer.endmembers.values)
    error = angles(E, answer.endmembers.values[order])
    found = []
    for kind, one in (("with sparsity", answer), ("without", whole)):
        began = time.process_time()
        free = one.freedom
        seconds = time.process_time() - began
        found.append(Judged(kind, k, error, free.angle.values[order], free.pattern, free.pattern, seconds))
    return found[0], found[1]


def constrained(rng: np.random.Generator, pixels: int) -> list[tuple[str, float, float, bool, bool]]:
    """Return settings, spread of the gain, largest error, whether the doubt names a constraint, or another k."""
    k = int(rng.integers(2, 7))
    purest, gain = float(rng.choice([1.0, 0.9, 0.75])) if k > 2 else 1.0, float(rng.choice([0.0, 0.0, 0.03, 0.1, 0.3]))
    counts, decibel = rng.random() < 0.4, float(rng.uniform(15, 40))
    X, E, _ = simulated(k, 200.0 if counts else decibel, purest, gain)(int(rng.integers(2**31)), pixels, CHANNELS)
    if counts:
        dose = np.exp(rng.uniform(np.log(50), np.log(5000)))
        X = rng.poisson(np.maximum(X, 0) * dose / X.sum(axis=1).mean()).astype(float)
    found = []
    settings: tuple[dict[str, object], ...] = ({"sum_to_one": True}, {"gain": True}, {"volume": "auto"})
    for chosen in settings:
        answer = mf.unmix(cube_of(X), k, random_state=0, **chosen)
        E_found = answer.endmembers.values
        doubt, error = answer.freedom.doubt, float(angles(E, E_found[match(E, E_found)]).max())
        found.append((next(iter(chosen)), gain, error, "without" in doubt, "another k" in doubt))
    return found


def table_of_constraints(found: list[tuple[str, float, float, bool, bool]]) -> None:
    print(
        "| settings | spread of the gain | answers | constraint doubted | k doubted | largest error, not doubted, doubted |"
    )
    print("|---|---|---|---|---|---|")
    for settings, gain in sorted({one[:2] for one in found}):
        chosen = [one[2:] for one in found if one[:2] == (settings, gain)]
        error, doubted, few = map(np.array, zip(*chosen, strict=True))
        means = [f"{np.median(error[one]):.3f}" if one.any() else "-" for one in (~doubted, doubted)]
        print(f"| {settings} | {gain} | {len(error)} | {doubted.sum()} | {few.sum()} | {', '.join(means)} |")


def cube_of(X: np.ndarray) -> xr.DataArray:
    return xr.DataArray(X[None], dims=("y", "x", "channel"))


def table(name: str, found: Sequence[Judged]) -> None:
    if not found:
        return
    error, free = (np.concatenate([getattr(one, what) for one in found]) for what in ("errors", "freedoms"))
    comfort = np.mean((error > 0.1) & (free < 0.1))
    print(
        f"| {name} | {len(error)} | {np.mean(free >= error):.3f} | {comfort:.3f} | {np.median(error):.3f} | "
        f"{np.median(free):.3f} | {spearmanr(error, free).statistic:.2f} | "
        f"{1e3 * np.median([one.seconds for one in found]):.0f} |",
        flush=True,
    )


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser(__doc__)
    options.add_argument("what", nargs="?", choices=("plain", "sparsity", "constraints"), default="plain")
    options.add_argument("--scenes", type=int, default=60)
    options.add_argument("--seed", type=int, default=20261129)
    chosen = options.parse_args(arguments)
    rng, scenes, pixels = np.random.default_rng(chosen.seed), chosen.scenes, PIXELS
    if chosen.quick:
        scenes, pixels = 2, 300
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of answers that are not unique, which are the subject
        if chosen.what == "constraints":
            table_of_constraints([one for _ in range(scenes) for one in constrained(rng, pixels)])
            return
        if chosen.what == "sparsity":
            found = [one for _ in range(scenes) for one in judge_sparse(rng, pixels)]
        else:
            found = [judge(rng, pixels) for _ in range(scenes)]
    print("| scenes | spectra | covered | false comfort | median error | median freedom | rank correlation | ms |")
    print("|---|---|---|---|---|---|---|---|")
    if chosen.what == "sparsity":
        for kind in ("with sparsity", "without"):
            table(kind, [one for one in found if one.kind == kind])
        return
    table("all", found)
    for kind in ("white noise", "counts"):
        table(kind, [one for one in found if one.kind == kind])
    for k in range(2, MOST + 1):
        table(f"k = {k}", [one for one in found if one.k == k])
    for name in ("pattern", "pattern_of_fewer"):
        values = np.array([getattr(one, name) for one in found])
        quantiles = np.quantile(values, (0.05, 0.5, 0.9, 0.97)).round(2)
        print(f"{name}: quantiles 5, 50, 90, 97 %: {quantiles}, {np.mean(values > PATTERN):.2f} above {PATTERN}")
