"""How close a Raman map without pure pixels comes to its truth, once its fluorescence is subtracted.

    python benchmarks/domain_raman_map.py

Mean spectral angle (rad, Hungarian matching) and RMSE of the fractions (every endmember scaled to maximum 1, every
pixel to sum 1, in truth and answer). The baseline, the same for every row of the table, has a reason that needs no
truth: `AsymmetricBaseline(1e8)` bends over 2 pi 1e8^(1/4) = 630 channels, 1260 1/cm, more than the widest group of bands.
Oracles: the true maps given, least squares for the spectra; the true spectra given, fully constrained maps.
"""

from __future__ import annotations

import time
import warnings

import numpy as np
from sklearn.decomposition import NMF

import mffnb as mf
from mffnb.datasets import raman_map
from mffnb.geometry.abundances import fully_constrained
from mffnb.matrices import in_memory
from mffnb.preprocessing import AsymmetricBaseline, fit_chain
from mffnb.selection import match, spectral_angles

BASELINE = AsymmetricBaseline(1e8)
SETTINGS = {
    "`unmix`": {},
    "`unmix`, `sparsity=1e-3, smoothness=1e-3`": {"sparsity": 1e-3, "smoothness": 1e-3},
    "`unmix`, `sum_to_one=True`": {"sum_to_one": True},
    '`unmix`, `volume="auto"`': {"volume": "auto"},
}


def shared(maps, spectra):
    maps = maps * spectra.max(axis=1, keepdims=True)
    return maps / maps.sum(axis=0)


def main() -> None:
    warnings.simplefilter("ignore")
    sample = raman_map()
    E, A = sample.endmembers.values, sample.abundances.values.reshape(4, -1)
    above, _ = fit_chain(sample.cube, [BASELINE])
    X = above.values.reshape(-1, E.shape[1]).astype(np.float64)

    def row(name, spectra, maps, seconds):
        order = match(E, spectra)
        angle = spectral_angles(E, spectra[order]).diagonal()
        error = np.sqrt(np.mean((shared(maps[order], spectra[order]) - shared(A, E)) ** 2))
        each = ", ".join(f"{one:.2f}" for one in angle)
        print(f"| {name} | {angle.mean():.3f} | {each} | {error:.3f} | {seconds:.0f} |", flush=True)

    print(f"| method | mean angle | {', '.join(sample.endmembers.component.values)} | RMSE | seconds |")
    print("|---" * 5 + "|")
    given = np.linalg.lstsq(A.T, X, rcond=None)[0]
    maps = fully_constrained(in_memory(X), E)
    angle = spectral_angles(E, given).diagonal()
    error = np.sqrt(np.mean((shared(maps, E) - shared(A, E)) ** 2))
    each = ", ".join(f"{one:.2f}" for one in angle)
    print(f"| oracle (each given the other) | {angle.mean():.3f} | {each} | {error:.3f} | 0 |", flush=True)
    for name, settings in SETTINGS.items():
        begin = time.perf_counter()
        result = mf.unmix(sample.cube, 4, preprocess=[BASELINE], random_state=0, **settings)
        row(name, result.endmembers.values, result.abundances.values.reshape(4, -1), time.perf_counter() - begin)
    begin = time.perf_counter()
    model = NMF(4, random_state=0, max_iter=500)
    found = model.fit_transform(np.maximum(X, 0)).T
    row("scikit-learn `NMF`", model.components_, found, time.perf_counter() - begin)


if __name__ == "__main__":
    main()
