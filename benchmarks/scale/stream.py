"""Streamed frames against the batch fit of all: spectral angles, processor time, and memory along the stream (Linux).

python -m benchmarks scale.stream [--frames 500] [--side 64] [--channels 128] [--mean 3] [--models L1 volume gain plain]

A simulated movie of four components, whose maps drift, with noise of 5 % of the brightest channel. In the second case
the fourth component appears half-way (its share is below 1 % in the first third). `MatrixFactorization.partial_fit`
receives the frames one by one, each made when it is needed, in a process of its own: the peak of its memory (VmHWM)
after a tenth of the frames and at the end is to differ by less than 50 MB. `mf.stream` gets the same frames in one row;
it also keeps maps and gains, 4 (k + 1) bytes a pixel; with a late component, "result()" is its answer at the end.

Three models have Poisson counts, `--mean` in a channel of a pixel, and the Kullback-Leibler divergence without
penalties. The peaks of "counts" have no background, and those of "background" have that of the other models. "gaps"
is "counts" with an empty frame in ten, four channels of 128 that are always zero, and sixteen that are zero in the first
tenth of the frames. The late component of these models is exactly zero in the first half.

The batch fit gets all frames as one float32 array, in another process. Angles in rad between the endmembers: largest
and mean; goal 0.01. "own freedom" is the largest angle between batch fits with tol 1e-4 (the default) and 1e-6: where
it is large, the data do not determine the endmembers, and an angle to the batch fit measures little.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

import mffnb as mf
from benchmarks.shared.command import parser, print_header, print_row
from benchmarks.shared.processes import benchmark_command, memory_status, output, start
from mffnb.geometry.matching import match, spectral_angles

ONE_THREAD = True
K, MB = 4, 1e6
NAMES = {"maps": ", mf.stream", "result": ", result() of mf.stream"}
MODELS: dict[str, dict[str, Any]] = {
    "L1": {"abundance_terms": [mf.Sparsity(1e-3)]},
    "volume": {"abundance_terms": [mf.Simplex()], "endmember_terms": [mf.MinimumVolume(1e-3)]},
    "gain": {"abundance_terms": [mf.Simplex(gain=True)], "endmember_terms": [mf.MinimumVolume(1e-3)]},
    "plain": {},
    "counts": {"similarity": "kl"},
    "background": {"similarity": "kl"},
    "gaps": {"similarity": "kl"},
}
COUNTS = ("counts", "background", "gaps")  # models with counts


def movie(
    frames: int, side: int, channels: int, late: bool, seed: int = 0, *, model: str = "plain", mean: float = 3.0
) -> Iterator[np.ndarray]:
    """Frames (pixels, channels) of a movie, float32; for models of counts with a mean number of counts in a channel."""
    rng = np.random.default_rng(seed)
    centres = np.linspace(0.15, 0.85, K)[:, None] * channels
    E = np.exp(-0.5 * ((np.arange(channels) - centres) / (0.07 * channels)) ** 2)
    background = 0.15 + 0.1 * rng.random((K, channels))
    E += 0 if model in ("counts", "gaps") else background
    y, x = np.mgrid[:side, :side] / side
    waves = [(1, 0.5, 1, 0), (0.5, 1, 2, 1), (1.5, 1, 3, 2), (1, 2, 1.5, 3)]
    for number in range(frames):
        t = number / frames
        logits = np.stack([2 * np.sin(2 * np.pi * (a * x + b * y + c * t) + d) for a, b, c, d in waves])
        if late:
            logits[3] += 16 * t - 8 if model not in COUNTS else 0 if t >= 0.5 else -np.inf
        A = np.exp(1.5 * logits)
        A = (A / A.sum(axis=0)).reshape(K, -1)
        if model not in COUNTS:
            yield (A.T @ E + 0.05 * rng.standard_normal((side * side, channels))).astype(np.float32)
            continue
        X = rng.poisson(mean * channels * A.T @ (E / E.sum(axis=1, keepdims=True))).astype(np.float32)
        if model == "gaps":
            X[:, : channels // 32] = 0
            X[:, channels // 2 : channels * 5 // 8] *= t >= 0.1
            X *= number % 10 > 0
        yield X


def measure(how: str, model: str, late: bool, sizes: Sequence[int], mean: float) -> None:
    """Run in a fresh process: print endmembers, processor seconds and memory as JSON."""
    settings = dict(MODELS[model], random_state=0)
    factorization: Any = mf.MatrixFactorization(K, **settings)
    frames, memory = movie(*sizes, late, model=model, mean=mean), []
    if how in ("stream", "maps", "result"):
        live = mf.stream(K, **settings)
        first = list(movie(2, *sizes[1:], late, model=model, mean=mean))[1]
        mf.MatrixFactorization(K, **settings).fit(first)  # loads libraries and kernels
        seconds = 0.0
        for number, frame in enumerate(frames, 1):
            begin = time.process_time()
            if how != "stream":
                live = live.push(frame.reshape(sizes[1], sizes[1], -1))
            else:
                factorization.partial_fit(frame)
            seconds += time.process_time() - begin
            if number == max(sizes[0] // 10, 1):
                memory.append(memory_status("VmHWM"))
        begin = time.process_time()
        if how == "stream":
            E = factorization.components_
        else:
            E = (live if how == "maps" else live.result()).endmembers.values
        seconds += time.process_time() - begin
        memory.append(memory_status("VmHWM"))
    else:
        tight = {"tol": 1e-6, "max_iter": 3000} if how == "tight" else {}
        X = np.empty((sizes[0], sizes[1] ** 2, sizes[2]), np.float32)
        for place, frame in zip(X, frames, strict=True):
            place[:] = frame
        begin = time.process_time()
        factorization.set_params(**tight).fit(X.reshape(-1, sizes[2]))
        seconds = time.process_time() - begin
        E = factorization.components_
    print(json.dumps({"E": E.tolist(), "seconds": seconds, "memory": memory}))


def angles(one: list[list[float]], other: list[list[float]]) -> np.ndarray:
    a, b = np.array(one), np.array(other)
    return np.diag(spectral_angles(a, b[match(a, b)]))


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser(__doc__)
    options.add_argument("--frames", type=int, default=500)
    options.add_argument("--side", type=int, default=64, help="pixels of a frame in each direction")
    options.add_argument("--channels", type=int, default=128)
    options.add_argument("--mean", type=float, default=3.0, help="mean number of counts in a channel of a pixel")
    options.add_argument("--models", nargs="+", default=list(MODELS), choices=MODELS)
    options.add_argument("--measure", nargs=3, metavar=("HOW", "MODEL", "LATE"), help="used by the benchmark itself")
    chosen = options.parse_args(arguments)
    sizes = (8, 12, 24) if chosen.quick else (chosen.frames, chosen.side, chosen.channels)
    if chosen.measure:
        how, model, late = chosen.measure
        measure(how, model, late == "late", (chosen.frames, chosen.side, chosen.channels), chosen.mean)
        return
    given = ("--frames", sizes[0], "--side", sizes[1], "--channels", sizes[2], "--mean", chosen.mean)
    print_header(
        f"{sizes[0]} frames of {sizes[1]} x {sizes[1]} x {sizes[2]}", "largest angle", "mean", "own freedom",
        "ms a frame", "stream / batch, processor time", "memory at a tenth, MB", "growth, MB",
    )  # fmt: skip

    def run(how: str, model: str, late: str) -> Any:
        return json.loads(output(start(benchmark_command("scale.stream", *given, "--measure", how, model, late))))

    for late in ("", "late"):
        for model in chosen.models[:1] if chosen.quick else chosen.models:
            batch, tight = run("batch", model, late), run("tight", model, late)
            own = angles(batch["E"], tight["E"]).max()
            for how in (
                ("stream", "result") if late else ("stream", "maps") if model == chosen.models[0] else ("stream",)
            ):
                stream = run(how, model, late)
                off = angles(batch["E"], stream["E"])
                early, end = (value / MB for value in stream["memory"])
                print_row(
                    f"{model}{', late component' if late else ''}{NAMES.get(how, '')}",
                    f"{off.max():.4f}", f"{off.mean():.4f}", f"{own:.4f}",
                    f"{1e3 * stream['seconds'] / sizes[0]:.0f}", f"{stream['seconds'] / batch['seconds']:.2f}", f"{early:.0f}", f"{end - early:.1f}",
                )  # fmt: skip
