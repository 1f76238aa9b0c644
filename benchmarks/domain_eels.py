"""Core-loss EELS: how close to the truth on `eels_map`, beside what no method can beat and scikit-learn.

    python benchmarks/domain_eels.py [--seed 0]

Mean spectral angle to the true spectra (Hungarian matching), root mean square error of the volume fractions, and the energy
of Mn L3 in the spectrum of the interface (maximum from 636 to 648 eV), which tells its valence. Where a power law is
subtracted from the data, it is subtracted from the true spectra as well before they are compared. The scale of a spectrum
is not in the data: each is scaled to the total of its true partner, then the maps are divided by their sum in each pixel; the
same for every method. No setting is chosen by looking at these figures.
"""

from __future__ import annotations

import argparse
import time
import warnings

import numpy as np
from sklearn.decomposition import NMF

import mffnb as mf
from mffnb.geometry.abundances import non_negative
from mffnb.matrices import in_memory
from mffnb.preprocessing import PowerLawBackground
from mffnb.selection import match, spectral_angles

K = 4
BACKGROUND = PowerLawBackground((405, 450))
VOLUMES = (5e-5, 1e-4, 2e-4, 5e-4, 1e-3)


def subtracted(cube):
    return BACKGROUND.fit(cube, ("energy_loss",)).transform(cube)


def score(truth, fractions, E, A):
    """Mean angle (rad), RMSE, and Mn L3 of the interface (eV), of E (k, channels) and A (k, pixels)."""
    order = match(truth.values, E)
    E, A = E[order], A[order]
    A = A * (E.sum(axis=1) / truth.values.sum(axis=1))[:, None]
    A = A / np.maximum(A.sum(axis=0), 1e-12)
    angles = spectral_angles(truth.values, E).diagonal()
    interface = truth.copy(data=E).sel(component="interface", energy_loss=slice(636, 648))
    return angles.mean(), np.sqrt(np.mean((A - fractions) ** 2)), float(interface.idxmax())


def ours(**options):
    def run(cube, seed):
        result = mf.unmix(cube, K, random_state=seed, **options)
        return result.endmembers.values, result.abundances.values.reshape(K, -1)

    return run


def as_noise_allows(cube, seed):
    """Go on from `volume="auto"` with more and more volume, as long as the misfit is not above that of counting.

    Electrons are counted, so the true model would leave chi square = 1 a count (Morozov's discrepancy principle).
    """
    best = start = mf.unmix(cube, K, volume="auto", random_state=seed)
    for volume in VOLUMES:
        result = mf.unmix(cube, K, gain=True, volume=volume, weights="poisson", init=start, random_state=seed)
        model = result.reconstruction()
        if float(((cube - model) ** 2 / model).mean()) > 1:
            break
        best = result
    return best.endmembers.values, best.abundances.values.reshape(K, -1)


def scikit(cube, seed):
    model = NMF(K, random_state=seed, max_iter=500)
    A = model.fit_transform(np.maximum(cube.values.reshape(-1, cube.shape[-1]), 0))
    return model.components_, A.T


METHODS = {  # name: how, and whether the background is subtracted from the data
    "`unmix(cube, 4)`": (ours(), False),
    "`unmix(cube, 4, weights='poisson')`": (ours(weights="poisson"), False),
    "`unmix(cube, 4, volume='auto')`": (ours(volume="auto"), False),
    "volume as noise allows": (as_noise_allows, False),
    "scikit-learn `NMF(4)`": (scikit, False),
    "`unmix(cube, 4, preprocess=[background])`": (ours(preprocess=[BACKGROUND]), True),
    "`unmix(cube, 4, preprocess=[background], smoothness=1e-2)`": (
        ours(preprocess=[BACKGROUND], smoothness=1e-2),
        True,
    ),
    "`unmix(cube, 4, preprocess=[background], volume='auto')`": (ours(preprocess=[BACKGROUND], volume="auto"), True),
    "scikit-learn `NMF(4)`, background subtracted, clipped at 0": (lambda c, seed: scikit(subtracted(c), seed), True),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0)
    seed = parser.parse_args().seed
    warnings.simplefilter("ignore")
    sample = mf.datasets.eels_map(seed)
    truths = {False: sample.endmembers, True: subtracted(sample.endmembers)}
    maps = sample.abundances.values.reshape(K, -1).astype(float)
    fractions = maps / maps.sum(axis=0)
    print("| | spectral angle (rad) | RMSE | Mn L3 of the interface (eV) | seconds |\n|---|---|---|---|---|")
    for name, (run, without) in METHODS.items():
        begin = time.perf_counter()
        E, A = run(sample.cube, seed)
        seconds = time.perf_counter() - begin
        angle, error, peak = score(truths[without], fractions, E, A)
        print(f"| {name} | {angle:.3f} | {error:.3f} | {peak:.1f} | {seconds:.1f} |", flush=True)
    for without, truth in truths.items():
        cube = subtracted(sample.cube) if without else sample.cube
        X = cube.values.reshape(-1, cube.shape[-1]).astype(float)
        E = np.linalg.lstsq(maps.T, X, rcond=None)[0]  # background subtracted, data are signed
        angle, _, peak = score(truth, fractions, E, maps)
        kind = ", background subtracted" if without else ""
        print(f"| floor: true maps given, spectra fitted{kind} | {angle:.4f} | | {peak:.1f} | |")
        A = non_negative(in_memory(X), truth.values)
        print(
            f"| floor: true spectra given, maps fitted{kind} | | {score(truth, fractions, truth.values, A)[1]:.3f} | | |"
        )


if __name__ == "__main__":
    main()
