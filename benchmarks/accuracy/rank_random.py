"""Share of right recommendations of k on scenes drawn at random: number, maps, spectra, noise and gain.

    python -m benchmarks accuracy.rank_random [--first 300] [--scenes 100]

2 to 7 components in 30 to 69 by 30 to 69 pixels and 40 to 400 channels; maps smooth, in grains with a blurred edge, or
without any order (each pixel drawn for itself); noise even (20 to 40 dB), uneven over the channels, or of 300 to 5000
counts a pixel; no gain, a smooth one, or one drawn for each pixel. Endmembers of split halves, which take most of the time
of a scan, are left out: the evidence is images above the noise and directions that halves share.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import xarray as xr
from scipy.ndimage import gaussian_filter

from benchmarks.shared.command import parser, print_header, print_row
from mffnb.cubes.as_cube import as_cube
from mffnb.cubes.layout import Layout
from mffnb.geometry.coherence import noise_whitened
from mffnb.matrices import Scaled, sparse_if_smaller
from mffnb.selection import independent_images
from mffnb.selection.recommendation import Recommendation, is_spatially_correlated, recommend
from mffnb.selection.split_half import SplitHalves

KS, MOST = range(2, 9), 12


def maps(kind: str, k: int, shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Abundances (rows, columns, k)."""
    if kind == "no order":
        return rng.dirichlet(np.full(k, 0.7), shape)
    if kind == "smooth":
        hills = [gaussian_filter(rng.standard_normal(shape), rng.uniform(2, 6)) for _ in range(k)]
        A = np.exp(1.5 * np.stack([one / one.std() for one in hills], -1))
        return A / A.sum(-1, keepdims=True)
    seeds = rng.random((rng.integers(20, 60), 2)) * shape
    y, x = np.mgrid[: shape[0], : shape[1]]
    nearest = ((y[..., None] - seeds[:, 0]) ** 2 + (x[..., None] - seeds[:, 1]) ** 2).argmin(-1)
    grains = np.eye(k)[rng.integers(0, k, len(seeds))[nearest]]
    return np.stack([gaussian_filter(grains[..., j], 1) for j in range(k)], -1)


def scene(seed: int) -> tuple[np.ndarray, int, str]:
    """A cube, the number of materials that occur in it, and the kind of its maps."""
    rng = np.random.default_rng(seed)
    k, shape = int(rng.integers(2, 8)), (int(rng.integers(30, 70)), int(rng.integers(30, 70)))
    channels = int(rng.choice([40, 100, 200, 400]))
    kind, noise, gain = (str(rng.choice(names)) for names in (
        ["smooth", "grains", "no order"], ["even", "counts", "uneven"], ["none", "smooth", "each pixel"]))  # fmt: skip
    A = maps(kind, k, shape, rng)
    position, width = np.linspace(0, 1, channels), rng.uniform(0.02, 0.2, (k, 5, 1))
    bands = np.exp(-(((position - rng.random((k, 5, 1))) / width) ** 2))
    X = A @ (0.05 + (rng.random((k, 5, 1)) * bands).sum(1))
    if gain == "smooth":
        field = gaussian_filter(rng.standard_normal(shape), 5)
        X = X * np.exp(0.3 * field / field.std())[..., None]
    elif gain == "each pixel":
        X = X * np.exp(0.2 * rng.standard_normal(shape))[..., None]
    if noise == "counts":
        X = rng.poisson(X / X.sum(-1).mean() * rng.choice([300, 1000, 5000])).astype(np.float64)
    else:
        size = np.sqrt(np.mean(X**2) / 10 ** (rng.choice([20, 30, 40]) / 10))
        spread = rng.uniform(0.2, 2, channels) if noise == "uneven" else 1.0
        X = X + size * spread * rng.standard_normal(X.shape)
    return X, int((A.max(axis=(0, 1)) > 0).sum()), kind


def recommendation(X: np.ndarray) -> Recommendation:
    """Recommend k from the number of images above the noise and the directions that halves share."""
    cube = as_cube(X)
    layout = Layout.of(cube)
    matrix = sparse_if_smaller(layout.matrix(cube))
    images = independent_images(matrix, layout.graph, MOST, 0)
    halves = SplitHalves.of(matrix, KS, 1, 1500, 0)
    alike = is_spatially_correlated(images)
    level = noise_whitened(matrix, layout.graph, 0) if alike else Scaled(matrix, columns=halves.columns)
    unknown = (("k", "split"), np.full((len(KS), 1), np.nan))
    evidence = {"images": ("image", images), "shared": ("direction", halves.shared_directions(level, MOST))}
    return recommend(xr.Dataset({**evidence, "angles": unknown, "within": unknown}, coords={"k": list(KS)}))


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser(__doc__)
    options.add_argument("--first", type=int, default=300, help="first seed")
    options.add_argument("--scenes", type=int, default=100)
    chosen = options.parse_args(arguments)
    found: dict[str, Counter[str]] = {}
    for seed in range(chosen.first, chosen.first + (1 if chosen.quick else chosen.scenes)):
        X, k, kind = scene(seed)
        answer = recommendation(X)
        verdict = "open" if answer.k is None else "right" if answer.k == k else "wrong"
        found.setdefault(kind, Counter())[verdict] += 1
        if verdict == "wrong":
            print(f"seed {seed}, {k} components: {answer}", flush=True)
    print_header("maps", "right", "wrong", "left open")
    for kind, counts in found.items():
        print_row(kind, counts["right"], counts["wrong"], counts["open"])
