"""X-ray diffraction microscopy `xdm_film`: rocking curves, maps and Bragg peaks, next to lower bounds and scikit-learn.

    python -m benchmarks domains.xdm_film [--side 200] [--counts 10000] [--seed 0]
    python -m benchmarks domains.xdm_film --side 700 --films     # the paper's size, best methods only

Mean spectral angle to the true rocking curves, RMSE of the maps (each curve scaled to the total of the true one, its map inversely),
and largest distance of a Bragg peak (maximum of a curve) from the true one, in steps of the scan. No setting was chosen
by these figures. "Film by film": the peaks of the films are apart, so each film is unmixed in its own part of the scan, into
three, by the automatic rule. "Over its sum": each pixel is divided by its photons in this part, which removes the loss of intensity
at dislocations. "Then all six": that answer is the start of a joint fit with a penalty on the overlap of curves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr

import mffnb as mf
from benchmarks.shared.command import parser, print_header, print_row
from benchmarks.shared.factorizers import Factors, matrix, scikit_learn, unmix
from benchmarks.shared.scores import angles, in_order_of, rmse, with_true_sums
from benchmarks.shared.timing import timed
from mffnb.geometry.abundances import non_negative
from mffnb.matrices import in_memory
from mffnb.preprocessing import UnitSum

K = 6


def score(truth: np.ndarray, maps: np.ndarray, E: np.ndarray, A: np.ndarray) -> tuple[float, float, int]:
    """Mean angle (rad), RMSE and largest shift of a peak (steps)."""
    E, A = in_order_of(truth, E, A)
    shift = np.abs(E.argmax(axis=1) - truth.argmax(axis=1)).max()
    return angles(truth, E).mean(), rmse(with_true_sums(truth, E, A), maps), shift


def film_by_film(cube: xr.DataArray, seed: int, preprocess: Sequence[object] = ()) -> Factors:
    mean = cube.mean(("y", "x"))
    between = float(mean.sel(qz=slice(4.55, 4.76)).idxmin())  # the lowest point between the two peaks
    E, A = np.zeros((K, cube.sizes["qz"])), np.zeros((K, cube.sizes["y"] * cube.sizes["x"]))
    for rows, film in ((slice(0, 3), slice(between, None)), (slice(3, 6), slice(None, between))):
        part = cube.sel(qz=film)
        result = mf.unmix(part, 3, volume="auto", random_state=seed, preprocess=preprocess)
        E[rows, np.isin(cube.qz, part.qz)] = result.endmembers
        gain = 1.0 if result.gain is None else result.gain.values.reshape(-1)
        A[rows] = gain * result.abundances.values.reshape(3, -1)
        A[rows] *= float(part.sum("qz").mean()) / np.mean(E[rows].sum(axis=1) @ A[rows])  # a film's photons
    return E, A


def over_its_sum(cube: xr.DataArray, seed: int) -> Factors:
    return film_by_film(cube, seed, [UnitSum()])


@dataclass(frozen=True)
class Overlap:
    """Penalty on the sum of the scalar products of different rows."""

    weight: float = 1e-3

    def value(self, factor):
        return self.weight / 2 * float(np.sum(factor.sum(axis=0) ** 2) - np.sum(factor**2))

    def fold(self, half):
        return replace(half, gram=half.gram + self.weight * (1 - np.eye(len(half.gram))))


def then_all_six(cube: xr.DataArray, seed: int) -> Factors:
    E, A = over_its_sum(cube, seed)
    return unmix(K, weights="poisson", endmember_terms=[Overlap()], init=(A.T, E))(cube, seed)


METHODS = {
    "`unmix(cube, 6)`": unmix(K),
    "`unmix(cube, 6, weights='poisson')`": unmix(K, weights="poisson"),
    "`unmix(cube, 6, weights='poisson', sparsity=1e-3)`": unmix(K, weights="poisson", sparsity=1e-3),
    "`unmix(cube, 6, weights='poisson', smoothness=1e-2)`": unmix(K, weights="poisson", smoothness=1e-2),
    "`unmix(cube, 6, weights='poisson', sum_to_one=True)`": unmix(K, weights="poisson", sum_to_one=True),
    "`unmix(cube, 6, volume='auto')`": unmix(K, volume="auto"),
    "film by film, `unmix(part, 3, volume='auto')`": film_by_film,
    "film by film, each pixel over its sum": over_its_sum,
    "then all six, `weights='poisson'`, overlap 1e-3": then_all_six,
    "scikit-learn `NMF(6)`": scikit_learn(K),
}
FILMS = (film_by_film, over_its_sum, then_all_six)


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser(__doc__)
    options.add_argument("--side", type=int, default=200)
    options.add_argument("--counts", type=float, default=10000.0)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--films", action="store_true", help="film by film and the lower bounds only")
    chosen = options.parse_args(arguments)
    side = 24 if chosen.quick else chosen.side
    sample = mf.datasets.xdm_film(chosen.seed, shape=(side, side), field_of_view=0.1 * side, counts=chosen.counts)
    cube, truth, X = sample.cube, sample.endmembers.values, matrix(sample.cube)
    maps = sample.abundances.values.reshape(K, -1).astype(float)
    print(f"{' x '.join(map(str, cube.shape))}, {X.sum(axis=1).mean():.0f} photons a pixel\n")
    print_header("", "spectral angle (rad)", "RMSE", "Bragg peak off by (steps)", "seconds")
    for name, run in METHODS.items():
        if run in FILMS or not chosen.films:
            factors, seconds = timed(lambda run=run: run(cube, chosen.seed))
            angle, error, shift = score(truth, maps, *factors)
            print_row(name, f"{angle:.3f}", f"{error:.3f}", shift, f"{seconds:.0f}")
    angle, _, shift = score(truth, maps, non_negative(in_memory(X.T.copy()), maps), maps)
    print_row("floor: true maps given, curves fitted", f"{angle:.4f}", "", shift, "")
    _, error, _ = score(truth, maps, truth, non_negative(in_memory(X), truth))
    print_row("floor: true curves given, maps fitted", "", f"{error:.3f}", "", "")
