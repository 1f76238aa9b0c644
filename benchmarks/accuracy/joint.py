"""Spectra of three maps of one material system: unmixed jointly, each alone, and stacked by hand.

    python -m benchmarks accuracy.joint [--seeds 5]

Four materials with overlapping bands; the maps have other shapes, mixtures and exposures (1 : 10 : 0.3), and noise of 30 dB each.
Map A lacks material 4 and map B lacks material 1; map C has all four, but no pixel with more than 60 % of one. Spectral angle (rad)
to the truth, mean and worst over the materials that the maps of the row contain (Hungarian method), medians over seeds; "found" is
the mean number of the four materials within 0.1 rad. Each map alone gets its true number of materials.

The second table is for the same maps with all bands of map B moved by one channel: angles of the spectra that each map gets to those
of this map, over the materials that it contains, with equal spectra and with tied ones (`tie=`).

The third table says which materials the joint fit sets to exactly zero in single maps, for some weights of `sparse_images=` (0 for
none): of the two that are absent, and of the ten that are present (means over seeds). It also gives the largest share of an absent
material in its map, and angles of the shared spectra (medians over seeds).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence

import numpy as np
import xarray as xr
from scipy.ndimage import gaussian_filter

import mffnb as mf
from benchmarks.shared.command import parser, print_header, print_row
from mffnb.selection import match, spectral_angles

ONE_THREAD = True
SHAPES = {"A": (32, 40), "B": (24, 24), "C": (20, 60)}
LACKING = {"A": 3, "B": 0}
EXPOSURES = {"A": 1.0, "B": 10.0, "C": 0.3}
PUREST = {"A": 1.0, "B": 1.0, "C": 0.6}
FOUND = 0.1
TIES = (1e-2, 3e-2, 0.1)
SPARSE = (1e-3, 1e-2, 3e-2, 0.1)
MODELS = {"plain": {}, "gain": {"gain": True}, '`volume="auto"`': {"volume": "auto"}}


def spectra(generator: np.random.Generator, k: int = 4, channels: int = 120) -> np.ndarray:
    """Four bands for each material, at random positions and widths, (k, channels)."""
    axis = np.arange(channels)
    centres = generator.uniform(0, channels, (k, 4, 1))
    widths = generator.uniform(3, 10, (k, 4, 1))
    heights = generator.uniform(0.3, 1.0, (k, 4, 1))
    return (heights * np.exp(-0.5 * ((axis - centres) / widths) ** 2)).sum(axis=1) + 0.02


def fractions(name: str, generator: np.random.Generator, k: int = 4) -> np.ndarray:
    """Smooth fractions of the materials of one map, (y, x, k)."""
    fields = np.stack([gaussian_filter(generator.standard_normal(SHAPES[name]), 2.0) for _ in range(k)], axis=-1)
    amounts = np.exp(4 * fields / fields.std())
    if name in LACKING:
        amounts[..., LACKING[name]] = 0
    shares = amounts / amounts.sum(axis=-1, keepdims=True)
    excess = np.maximum(shares.max(axis=-1, keepdims=True) - PUREST[name], 0)
    mean = np.full(k, 1 / k)
    mixing = np.where(excess > 0, excess / np.maximum(shares.max(axis=-1, keepdims=True) - 1 / k, 1e-12), 0)
    return (1 - mixing) * shares + mixing * mean


def scene(seed: int, shift: int = 0) -> tuple[list[xr.DataArray], np.ndarray]:
    """The three maps and the true spectra; those of map B are moved by some channels."""
    generator = np.random.default_rng(seed)
    E = spectra(generator)
    maps = []
    for name in SHAPES:
        clean = EXPOSURES[name] * (fractions(name, generator) @ np.roll(E, shift if name == "B" else 0, axis=1))
        noise = np.sqrt((clean**2).mean()) * 10 ** (-30 / 20)
        noisy = clean + noise * generator.standard_normal(clean.shape)
        maps.append(xr.DataArray(np.maximum(noisy, 0), dims=("y", "x", "energy"), name=name))
    return maps, E


def found(E: np.ndarray, present: list[int], endmembers: np.ndarray) -> tuple[float, float, int]:
    """Mean and worst angle over the materials that are present, and the number of materials that were found."""
    order = match(E[present], endmembers)
    angles = spectral_angles(E[present], endmembers[order]).diagonal()
    return float(angles.mean()), float(angles.max()), int((angles < FOUND).sum())


def methods(maps: list[xr.DataArray], E: np.ndarray) -> dict[str, Callable[[dict], tuple[float, float, int]]]:
    """Name of each method, and the function that runs it with some options."""
    every = list(range(len(E)))
    rows = np.concatenate([one.values.reshape(-1, E.shape[1]) for one in maps])
    stacked = xr.DataArray(rows, dims=("pixel", "energy"))
    runs: dict[str, Callable[[dict], tuple[float, float, int]]] = {
        "joint": lambda options: found(E, every, mf.unmix(maps, 4, random_state=0, **options).endmembers.values),
        "stacked as measured": lambda options: found(
            E, every, mf.unmix(stacked, 4, random_state=0, **options).endmembers.values
        ),
    }
    for one in maps:
        present = [i for i in every if i != LACKING.get(str(one.name))]
        runs[f"map {one.name} alone"] = lambda options, one=one, present=present: found(
            E, present, mf.unmix(one, len(present), random_state=0, **options).endmembers.values
        )
    return runs


def own_angles(maps: list[xr.DataArray], E: np.ndarray, shift: int, tie: float | None) -> tuple[float, float]:
    """Mean and worst angle of the spectra of each map to the truth of this map, over the materials that it contains."""
    angles = []
    for result, one in zip(mf.unmix(maps, len(E), random_state=0, tie=tie), maps, strict=True):
        true, own = np.roll(E, shift if one.name == "B" else 0, axis=1), result.endmembers.values
        every = spectral_angles(true, own[match(true, own)]).diagonal()
        angles.append(np.delete(every, [LACKING[str(one.name)]] if one.name in LACKING else []))
    together = np.concatenate(angles)
    return float(together.mean()), float(together.max())


def absent_materials(maps: list[xr.DataArray], E: np.ndarray, weight: float) -> tuple[int, int, float, float, float]:
    """Right and wrong zeros of the table of shares, the largest share of an absent material, and angles of spectra."""
    joint = mf.unmix(maps, len(E), random_state=0, sparse_images=weight)
    shares = joint.table().values[:, match(E, joint.endmembers.values)]
    absent = np.zeros(shares.shape, dtype=bool)
    for number, name in enumerate(SHAPES):
        if name in LACKING:
            absent[number, LACKING[name]] = True
    mean, worst, _ = found(E, list(range(len(E))), joint.endmembers.values)
    zero = shares == 0
    return int(zero[absent].sum()), int(zero[~absent].sum()), float(shares[absent].max()), mean, worst


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser(__doc__)
    options.add_argument("--seeds", type=int, default=5, help="number of scenes")
    chosen = options.parse_args(arguments)
    seeds = range(1 if chosen.quick else chosen.seeds)
    scenes = [scene(seed) for seed in seeds]
    names = list(methods(*scenes[0]))
    print_header("model", "method", "mean angle", "worst angle", "found of 4")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", mf.errors.MffnbWarning)
        for model, keywords in MODELS.items() if not chosen.quick else [("plain", {})]:
            results = [[run(keywords) for run in methods(*one).values()] for one in scenes]
            for number, name in enumerate(names):
                means, worst, counts = zip(*(one[number] for one in results), strict=True)
                print_row(model, name, f"{np.median(means):.4f}", f"{np.median(worst):.4f}", f"{np.mean(counts):.1f}")
        print()
        print_header("spectra", "mean angle, equal bands", "worst", "mean angle, B moved by 1 channel", "worst")
        for tie in (None, *TIES) if not chosen.quick else (None, TIES[0]):
            row = []
            for shift in (0, 1):
                angles = [own_angles(*scene(seed, shift), shift, tie) for seed in seeds]
                row += [f"{np.median(column):.4f}" for column in zip(*angles, strict=True)]
            print_row("equal" if tie is None else f"`tie={tie:g}`", *row)
        print()
        _print_absent(scenes, (0.0, *SPARSE) if not chosen.quick else (0.0, SPARSE[1]))


def _print_absent(scenes: list[tuple[list[xr.DataArray], np.ndarray]], weights: Sequence[float]) -> None:
    """Print the table of components that are absent from maps, for some weights of `sparse_images`."""
    print_header("`sparse_images`", "right zeros of 2", "wrong zeros of 10", "largest share", "mean angle", "worst")
    for weight in weights:
        right, wrong, share, mean, worst = zip(*(absent_materials(*one, weight) for one in scenes), strict=True)
        print_row(
            f"{weight:g}", f"{np.mean(right):.1f}", f"{np.mean(wrong):.1f}", f"{np.median(share):.4f}",
            f"{np.median(mean):.4f}", f"{np.median(worst):.4f}",
        )  # fmt: skip


if __name__ == "__main__":
    main()
