"""Coverage of 90 % bands of penalised results: by noise alone, and with the bias or the freedom, on random scenes.

    python -m benchmarks accuracy.coverage --scenes 12 --seed 20261130

Scenes: `benchmarks/shared/textured_scenes.py`. Each is unmixed with each penalty and gets bands from 15 replicas by
`mffnb.selection.stability`. Judged are the channels in which a true endmember has a tenth of its maximum or more; the
truth is scaled to the result by least squares, unless fractions sum to one. Coverage is the mean over spectra of the
share of channels inside; the third column gives the share of spectra of which at least half of the channels are inside.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import mffnb as mf
from benchmarks.shared.command import parser, print_header, print_row
from benchmarks.shared.textured_scenes import TexturedScene, drawn
from mffnb.selection import match
from mffnb.stability.spread import rescaled_to

ONE_THREAD = True
RULES: tuple[dict[str, Any], ...] = (
    {"volume": "auto"},
    {"volume": 1e-3},
    {"volume": 1e-2},
    {"sparsity": 1e-3},
    {"sparsity": 1e-2},
    {"sparsity": 1e-1},
    {"smoothness": 1e-2},
    {"smoothness": 1e-1},
    {"sparsity": 1e-2, "smoothness": 1e-2},
)


@dataclass(frozen=True, eq=False)
class Judged:
    """Shares of channels inside the band of each spectrum, relative half widths, doubt, and seconds."""

    noise: np.ndarray
    whole: np.ndarray
    widths: np.ndarray
    doubt: str
    fit: float
    bands: float


def judge(scene: TexturedScene, settings: dict[str, Any], replicas: int) -> Judged:
    k = len(scene.endmembers)
    began = time.process_time()
    answer = mf.unmix(scene.cube, k, random_state=0, **settings)
    fitted = time.process_time()
    found = mf.selection.stability(scene.cube, answer, n_init=0, n_bootstrap=replicas, random_state=0)
    ended = time.process_time()
    E = answer.endmembers.values
    truth = scene.endmembers[match(E, scene.endmembers)]
    truth = truth if answer.parameters["sum_to_one"] else rescaled_to(E, truth)
    seen = truth >= 0.1 * truth.max(axis=1, keepdims=True)
    assert found.replicas is not None
    ends = [(one.lower.values, one.upper.values) for one in (found.replicas, found)]
    noise, whole = (
        np.array([within[judged].mean() for within, judged in zip((low <= truth) & (truth <= up), seen, strict=True)])
        for low, up in ends
    )
    relative = (ends[1][1] - ends[1][0]) / 2 / np.where(truth > 0, truth, 1.0)
    widths = np.array([np.median(one[judged]) for one, judged in zip(relative, seen, strict=True)])
    return Judged(noise, whole, widths, found.doubt, fitted - began, ended - fitted)


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser(__doc__)
    options.add_argument("--scenes", type=int, default=12)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--replicas", type=int, default=15)
    chosen = options.parse_args(arguments)
    rules = RULES[2:3] if chosen.quick else RULES
    replicas = 9 if chosen.quick else chosen.replicas
    scenes = [drawn(np.random.default_rng([chosen.seed, i])) for i in range(1 if chosen.quick else chosen.scenes)]
    print_header(
        "penalty", "spectra", "coverage by noise alone", "coverage", "half inside", "half width", "doubted",
        "fit (s)", "bands (s)", "bands in fits",
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for settings in rules:
            found = [judge(scene, settings, replicas) for scene in scenes]
            noise, whole, widths = (
                np.concatenate([getattr(one, what) for one in found]) for what in ("noise", "whole", "widths")
            )
            fit, bands = (float(np.median([getattr(one, what) for one in found])) for what in ("fit", "bands"))
            print_row(
                ", ".join(f"{name}={value}" for name, value in settings.items()), len(whole), f"{100 * noise.mean():.0f} %",
                f"{100 * whole.mean():.0f} %", f"{100 * np.mean(whole >= 0.5):.0f} %", f"{100 * np.median(widths):.1f} %",
                f"{100 * np.mean([bool(one.doubt) for one in found]):.0f} %", f"{fit:.2f}", f"{bands:.2f}", f"{bands / fit:.0f}",
            )  # fmt: skip
