"""How close geometry comes to the true spectra and maps, beside what else there is.

    python benchmarks/true_spectra.py [--seeds 20] [--file no_pure_pixels.npz]

Mean spectral angle (rad, Hungarian matching) / root mean square error of the abundances. Where a pixel may have a gain,
abundances are compared after scaling every endmember to maximum 1 and then every pixel to sum 1, since the scale of an
endmember is not in the data; where fractions sum to one they are compared as they are. The same for every method, and
no method is shown the truth: settings are the defaults. `--file` names a simulation without pure pixels: arrays
`abundances` (y, x, k) and `endmembers` (k, channels), to which noise of 30 and 20 dB is added.
"""

from __future__ import annotations

import argparse
import time
import warnings

import numpy as np
from sklearn.decomposition import NMF

from mffnb.datasets import samson, tof_sims_2d
from mffnb.geometry import NFINDR, SPA, VCA, Archetypal, minimum_volume
from mffnb.geometry.abundances import fully_constrained, non_negative
from mffnb.matrices import in_memory
from mffnb.selection import match, spectral_angles


def score(truth, fractions, E, A, scaled):
    """Mean angle (rad) and RMSE of E (k, channels) and A (k, pixels)."""
    order = match(truth, E)
    E, A = E[order], A[order]
    if scaled:
        A = shared(A * E.max(axis=1, keepdims=True))
        fractions = shared(fractions * truth.max(axis=1, keepdims=True))
    return spectral_angles(truth, E).diagonal().mean(), np.sqrt(np.mean((A - fractions) ** 2))


def shared(A):
    total = A.sum(axis=0)
    return A / np.where(total > 0, total, 1.0)


def ours(X, k, seed):
    found = minimum_volume(in_memory(X), k, seed)
    return found.endmembers, found.abundances


def scikit(X, k, seed):
    model = NMF(k, random_state=seed, max_iter=500)
    A = model.fit_transform(np.maximum(X, 0)).T
    return model.components_, A


def pure(finder):
    def run(X, k, seed):
        E = finder.start(in_memory(X), k, seed)[1]
        return E, fully_constrained(in_memory(X), E)

    return run


def archetypes(X, k, seed):
    E = Archetypal().start(in_memory(X), k, seed)[1]
    E = E / E.max(axis=1, keepdims=True)
    return E, shared(non_negative(in_memory(X), E))


METHODS = {
    "minimum volume, automatic": ours,
    "scikit-learn `NMF`": scikit,
    "VCA + fully constrained": pure(VCA()),
    "SPA + fully constrained": pure(SPA()),
    "N-FINDR + fully constrained": pure(NFINDR()),
    "archetypal analysis": archetypes,
}


def from_samson(seed):
    sample = samson()
    return sample.cube.values.reshape(-1, 156), sample.endmembers.values, sample.abundances.values.reshape(3, -1)


def from_tof_sims(seed):
    sample = tof_sims_2d(seed=seed)
    X = sample.cube.values.reshape(-1, sample.cube.sizes["mz"]).astype(np.float64)
    return X, sample.endmembers.values, sample.abundances.values.reshape(4, -1)


def noisy(X, decibel, rng):
    return X + np.sqrt(np.mean(X**2) / 10 ** (decibel / 10)) * rng.standard_normal(X.shape)


def from_file(path, decibel):
    def load(seed):
        content = np.load(path)
        E = content["endmembers"].astype(np.float64)
        A = content["abundances"].reshape(-1, len(E)).T.astype(np.float64)
        return noisy(A.T @ E, decibel, np.random.default_rng(seed)), E, A

    return load


def simulated(k, decibel, purest, gain):
    def load(seed, pixels=5000, channels=150):
        rng = np.random.default_rng(seed)
        position = np.linspace(0, 1, channels)
        width = 0.04 + 0.16 * rng.random((k, 6, 1))
        bands = np.exp(-(((position - rng.random((k, 6, 1))) / width) ** 2))
        E = 0.1 + (rng.random((k, 6, 1)) * bands).sum(axis=1)
        A = rng.dirichlet(np.full(k, 0.7), 10 * pixels)
        A = A[A.max(axis=1) <= purest][:pixels].T
        gains = np.exp(gain * rng.standard_normal(A.shape[1]))
        return noisy((gains * A).T @ E, decibel, rng), E, A

    return load


def scenes(path):
    """Name, loader, whether a gain is there, and most seeds."""
    yield "Samson", from_samson, True, 100
    if path:
        yield "no pure pixels, 30 dB", from_file(path, 30), False, 5
        yield "no pure pixels, 20 dB", from_file(path, 20), False, 5
    for gain in (0.0, 0.3):
        for purest in (1.0, 0.8):
            for k, decibel in ((3, 30), (5, 30), (5, 20)):
                name = f"simulated, k = {k}, {decibel} dB, purest {purest:g}{', gain' if gain else ''}"
                yield name, simulated(k, decibel, purest, gain), gain > 0, 5
    yield "`tof_sims_2d`, 200 counts a pixel", from_tof_sims, False, 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--file", help="simulation without pure pixels (.npz)")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    print("| scene | seeds | " + " | ".join(METHODS) + " | worst seed of the first | seconds of the first |")
    print("|---" * (len(METHODS) + 4) + "|")
    for name, load, gain, most in scenes(options.file):
        cells, worst, seconds = [], 0.0, 0.0
        seeds = range(min(options.seeds, most))
        for method in METHODS.values():
            rows = []
            for seed in seeds if method is ours else seeds[:5]:
                X, truth, fractions = load(seed)
                begin = time.perf_counter()
                E, A = method(X, len(truth), seed)
                if method is ours:
                    seconds = max(seconds, time.perf_counter() - begin)
                rows.append(score(truth, fractions, E, A, gain))
            if method is ours:
                worst = max(angle for angle, _ in rows)
            angle, error = np.median(rows, axis=0)
            cells.append(f"{angle:.4f} / {error:.3f}")
        print(f"| {name} | {len(seeds)} | {' | '.join(cells)} | {worst:.4f} | {seconds:.1f} |", flush=True)


if __name__ == "__main__":
    main()
