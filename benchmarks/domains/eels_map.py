"""Core-loss EELS map `eels_map`: spectra, fractions and the Mn L3 energy, next to lower bounds and scikit-learn.

    python -m benchmarks domains.eels_map [--seed 0]

Mean spectral angle, RMSE of the volume fractions (each endmember scaled to the total of the true one, each pixel to sum 1), and the
energy of Mn L3 in the spectrum of the interface (maximum from 636 to 648 eV), which shows its valence. Where a power law
is subtracted from the data, it is subtracted from the true spectra as well. No setting was chosen by these figures.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

import mffnb as mf
from benchmarks.shared.command import parser, print_header, print_row
from benchmarks.shared.factorizers import Factors, matrix, scikit_learn, unmix
from benchmarks.shared.scores import angles, fractions, in_order_of, rmse, with_true_sums
from benchmarks.shared.timing import timed
from mffnb.geometry.abundances import non_negative
from mffnb.matrices import in_memory
from mffnb.preprocessing import PowerLawBackground

K = 4
BACKGROUND = PowerLawBackground((405, 450))
VOLUMES = (5e-5, 1e-4, 2e-4, 5e-4, 1e-3)


def subtracted(cube: xr.DataArray) -> xr.DataArray:
    return BACKGROUND.fit(cube, ("energy_loss",)).transform(cube)


def score(truth: xr.DataArray, shares: np.ndarray, E: np.ndarray, A: np.ndarray) -> tuple[float, float, float]:
    """Mean angle (rad), RMSE of the fractions, and Mn L3 of the interface (eV)."""
    E, A = in_order_of(truth.values, E, A)
    interface = truth.copy(data=E).sel(component="interface", energy_loss=slice(636, 648))
    error = rmse(fractions(with_true_sums(truth.values, E, A)), shares)
    return angles(truth.values, E).mean(), error, float(interface.idxmax())


def volume_up_to_noise(cube: xr.DataArray, seed: int) -> Factors:
    """Continue from `volume="auto"` with larger and larger volume penalties while the misfit is that of counting noise.

    Electrons are counted, so the true model leaves chi square = 1 (discrepancy principle of Morozov).
    """
    best = start = mf.unmix(cube, K, volume="auto", random_state=seed)
    for volume in VOLUMES:
        result = mf.unmix(cube, K, gain=True, volume=volume, weights="poisson", init=start, random_state=seed)
        model = result.reconstruction()
        if float(((cube - model) ** 2 / model).mean()) > 1:
            break
        best = result
    return best.endmembers.values, best.abundances.values.reshape(K, -1)


METHODS = {  # name: method, and whether the background is subtracted from the data
    "`unmix(cube, 4)`": (unmix(K), False),
    "`unmix(cube, 4, weights='poisson')`": (unmix(K, weights="poisson"), False),
    "`unmix(cube, 4, volume='auto')`": (unmix(K, volume="auto"), False),
    "volume as noise allows": (volume_up_to_noise, False),
    "scikit-learn `NMF(4)`": (scikit_learn(K), False),
    "`unmix(cube, 4, preprocess=[background])`": (unmix(K, preprocess=[BACKGROUND]), True),
    "`unmix(cube, 4, preprocess=[background], smoothness=1e-2)`": (
        unmix(K, preprocess=[BACKGROUND], smoothness=1e-2),
        True,
    ),
    "`unmix(cube, 4, preprocess=[background], volume='auto')`": (
        unmix(K, preprocess=[BACKGROUND], volume="auto"),
        True,
    ),
    "scikit-learn `NMF(4)`, background subtracted, clipped at 0": (
        lambda cube, seed: scikit_learn(K)(subtracted(cube), seed),
        True,
    ),
}


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser(__doc__)
    options.add_argument("--seed", type=int, default=0)
    chosen = options.parse_args(arguments)
    sample = mf.datasets.eels_map(chosen.seed, **({"shape": (16, 16)} if chosen.quick else {}))
    truths = {False: sample.endmembers, True: subtracted(sample.endmembers)}
    maps = sample.abundances.values.reshape(K, -1).astype(float)
    shares = maps / maps.sum(axis=0)
    print_header("", "spectral angle (rad)", "RMSE", "Mn L3 of the interface (eV)", "seconds")
    for name, (run, without) in METHODS.items():
        factors, seconds = timed(lambda run=run: run(sample.cube, chosen.seed))
        angle, error, peak = score(truths[without], shares, *factors)
        print_row(name, f"{angle:.3f}", f"{error:.3f}", f"{peak:.1f}", f"{seconds:.1f}")
    for without, truth in truths.items():
        kind = ", background subtracted" if without else ""
        X = matrix(subtracted(sample.cube) if without else sample.cube)
        E = np.linalg.lstsq(maps.T, X, rcond=None)[0]  # signed: after the subtraction the data are
        angle, _, peak = score(truth, shares, E, maps)
        print_row(f"floor: true maps given, spectra fitted{kind}", f"{angle:.4f}", "", f"{peak:.1f}", "")
        _, error, _ = score(truth, shares, truth.values, non_negative(in_memory(X), truth.values))
        print_row(f"floor: true spectra given, maps fitted{kind}", "", f"{error:.3f}", "", "")
