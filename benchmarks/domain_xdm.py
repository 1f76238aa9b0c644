"""X-ray diffraction microscopy: how close to the truth on `xdm_film`, beside what no method can beat and scikit-learn.

    python benchmarks/domain_xdm.py [--side 200] [--counts 10000] [--seed 0]
    python benchmarks/domain_xdm.py --side 700 --films  # the paper's size; only the last rows of ours

Mean spectral angle to the true rocking curves (Hungarian matching), root mean square error of the maps, and the largest
distance of a recovered Bragg peak (maximum of the curve) from the true one, in steps of the scan. The scale of a curve is
not in the data: each is scaled to the total of its true partner, and its map inversely; the same for every method. No
setting is chosen by looking at these figures. "Film by film": the peaks of the films are well apart, so each is unmixed in
its own part of the scan, into three, by the automatic rule; which model each obeys is for the data to say. "Over its sum":
each pixel divided by its photons in this part, so that what dislocations throw away drops out. "Then all six": that answer is
the start of a joint fit with a price on the overlap of curves.
"""

from __future__ import annotations

import argparse
import time
import warnings
from dataclasses import dataclass, replace

import numpy as np
from sklearn.decomposition import NMF

import mffnb as mf
from mffnb.geometry.abundances import non_negative
from mffnb.matrices import in_memory
from mffnb.preprocessing import UnitSum
from mffnb.selection import match, spectral_angles

K = 6


def score(truth, maps, E, A):
    """Mean angle (rad), RMSE and largest shift of a peak (steps) of E (k, channels) and A (k, pixels)."""
    order = match(truth, E)
    E, A = E[order], A[order]
    A = A * (E.sum(axis=1) / truth.sum(axis=1))[:, None]
    angle = spectral_angles(truth, E).diagonal().mean()
    shift = np.abs(E.argmax(axis=1) - truth.argmax(axis=1)).max()
    return angle, np.sqrt(np.mean((A - maps) ** 2)), shift


def ours(**options):
    def run(cube, X, seed):
        result = mf.unmix(cube, K, random_state=seed, **options)
        return result.endmembers.values, result.abundances.values.reshape(K, -1)

    return run


def film_by_film(cube, X, seed, preprocess=()):
    mean = cube.mean(("y", "x"))
    between = float(mean.sel(qz=slice(4.55, 4.76)).idxmin())  # the lowest point between the two peaks
    E, A = np.zeros((K, cube.sizes["qz"])), np.zeros((K, len(X)))
    for rows, film in ((slice(0, 3), slice(between, None)), (slice(3, 6), slice(None, between))):
        part = cube.sel(qz=film)
        result = mf.unmix(part, 3, volume="auto", random_state=seed, preprocess=preprocess)
        E[rows, np.isin(cube.qz, part.qz)] = result.endmembers
        gain = 1.0 if result.gain is None else result.gain.values.reshape(-1)
        A[rows] = gain * result.abundances.values.reshape(3, -1)
        A[rows] *= float(part.sum("qz").mean()) / np.mean(E[rows].sum(axis=1) @ A[rows])  # a film's photons
    return E, A


def over_its_sum(cube, X, seed):
    return film_by_film(cube, X, seed, [UnitSum()])


@dataclass(frozen=True)
class Overlap:
    """Sum of the scalar products of different rows."""

    weight: float = 1e-3

    def value(self, factor):
        return self.weight / 2 * float(np.sum(factor.sum(axis=0) ** 2) - np.sum(factor**2))

    def fold(self, half):
        return replace(half, gram=half.gram + self.weight * (1 - np.eye(len(half.gram))))


def then_all_six(cube, X, seed):
    E, A = over_its_sum(cube, X, seed)
    return ours(weights="poisson", endmember_terms=[Overlap()], init=(A.T, E))(cube, X, seed)


def scikit(cube, X, seed):
    model = NMF(K, random_state=seed, max_iter=500)
    A = model.fit_transform(X)
    return model.components_, A.T


METHODS = {
    "`unmix(cube, 6)`": ours(),
    "`unmix(cube, 6, weights='poisson')`": ours(weights="poisson"),
    "`unmix(cube, 6, weights='poisson', sparsity=1e-3)`": ours(weights="poisson", sparsity=1e-3),
    "`unmix(cube, 6, weights='poisson', smoothness=1e-2)`": ours(weights="poisson", smoothness=1e-2),
    "`unmix(cube, 6, weights='poisson', sum_to_one=True)`": ours(weights="poisson", sum_to_one=True),
    "`unmix(cube, 6, volume='auto')`": ours(volume="auto"),
    "film by film, `unmix(part, 3, volume='auto')`": film_by_film,
    "film by film, each pixel over its sum": over_its_sum,
    "then all six, `weights='poisson'`, overlap 1e-3": then_all_six,
    "scikit-learn `NMF(6)`": scikit,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--side", type=int, default=200)
    parser.add_argument("--counts", type=float, default=10000.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--films", action="store_true", help="only film by film, and the floors")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    side = options.side
    sample = mf.datasets.xdm_film(options.seed, shape=(side, side), field_of_view=0.1 * side, counts=options.counts)
    cube, truth = sample.cube, sample.endmembers.values
    maps = sample.abundances.values.reshape(K, -1).astype(float)
    X = cube.values.reshape(-1, cube.sizes["qz"]).astype(float)
    print(f"{' x '.join(map(str, cube.shape))}, {X.sum(axis=1).mean():.0f} photons a pixel\n")
    print("| | spectral angle (rad) | RMSE | Bragg peak off by (steps) | seconds |\n|---|---|---|---|---|")
    for name, run in METHODS.items():
        if options.films and run not in (film_by_film, over_its_sum, then_all_six):
            continue
        begin = time.perf_counter()
        E, A = run(cube, X, options.seed)
        seconds = time.perf_counter() - begin
        angle, error, shift = score(truth, maps, E, A)
        print(f"| {name} | {angle:.3f} | {error:.3f} | {shift} | {seconds:.0f} |", flush=True)
    angle, _, shift = score(truth, maps, non_negative(in_memory(X.T.copy()), maps), maps)
    print(f"| floor: true maps given, curves fitted | {angle:.4f} | | {shift} | |")
    error = score(truth, maps, truth, non_negative(in_memory(X), truth))[1]
    print(f"| floor: true curves given, maps fitted | | {error:.3f} | | |")


if __name__ == "__main__":
    main()
