"""How close a depth profile of a few dozen counts a voxel comes to its truth.

    python benchmarks/domain_tof_sims_3d.py

Mean spectral angle (rad, Hungarian matching), RMSE of the fractions (every endmember scaled to the true one's sum, every
voxel to sum 1), and the depth of the buffer layer (the
middle of where its mean profile is above half its maximum). Voxels are binned 2 x 2 laterally first, for every row of the
table: 240 counts a voxel. Oracles: the true maps given, least squares for the spectra; the true spectra given, fully
constrained maps.
"""

from __future__ import annotations

import time
import warnings

import numpy as np
from sklearn.decomposition import NMF

import mffnb as mf
from mffnb.datasets import tof_sims_3d
from mffnb.geometry.abundances import fully_constrained
from mffnb.matrices import in_memory
from mffnb.selection import match, spectral_angles

BIN = mf.preprocessing.Bin({"y": 2, "x": 2})
SETTINGS = {
    "`unmix`": {},
    '`unmix`, `weights="poisson"`': {"weights": "poisson"},
    '`unmix`, `weights="poisson", smoothness=1e-3`': {"weights": "poisson", "smoothness": 1e-3},
    '`unmix`, `similarity="kl"`': {"similarity": "kl"},
    '`unmix`, `similarity="kl", sum_to_one=True, smoothness=1e-3`': {
        "similarity": "kl",
        "sum_to_one": True,
        "smoothness": 1e-3,
    },
    '`unmix`, `volume="auto"`': {"volume": "auto"},
}


def main() -> None:
    warnings.simplefilter("ignore")
    sample = tof_sims_3d()
    z = sample.cube.z.values
    counts = sample.cube.coarsen(y=2, x=2).sum()
    X = counts.values.reshape(-1, counts.sizes["mz"]).astype(np.float64)
    E = 4 * sample.endmembers.values
    A = sample.abundances.coarsen(y=2, x=2).mean().values.reshape(len(E), -1)

    def depth(layer):
        profile = layer.reshape(z.size, -1).mean(axis=1)
        return z[profile > profile.max() / 2].mean()

    def row(name, spectra, maps, seconds):
        order = match(E, spectra)
        spectra, maps = spectra[order], maps[order]
        maps = maps * (spectra.sum(axis=1) / E.sum(axis=1))[:, None]
        total = maps.sum(axis=0)
        maps = maps / np.where(total > 0, total, 1)
        angle = spectral_angles(E, spectra).diagonal()
        error = np.sqrt(np.mean((maps - A) ** 2))
        shift = depth(maps[2]) - depth(A[2])
        print(
            f"| {name} | {angle.mean():.3f} | {angle.max():.3f} | {error:.3f} | {shift:+.1f} | {seconds:.0f} |",
            flush=True,
        )

    print("| method | mean angle | worst angle | RMSE | buffer's depth off by (nm) | seconds |")
    print("|---" * 6 + "|")
    row("oracle (each given the other)", np.linalg.lstsq(A.T, X, rcond=None)[0], fully_constrained(in_memory(X), E), 0)
    for name, settings in SETTINGS.items():
        begin = time.perf_counter()
        result = mf.unmix(sample.cube, len(E), preprocess=[BIN], random_state=0, **settings)
        found = result.abundances.transpose("component", "z", "y", "x").values.reshape(len(E), -1)
        row(name, result.endmembers.values, found, time.perf_counter() - begin)
    begin = time.perf_counter()
    model = NMF(len(E), random_state=0, max_iter=500)
    found = model.fit_transform(X).T
    row("scikit-learn `NMF`", model.components_, found, time.perf_counter() - begin)


if __name__ == "__main__":
    main()
