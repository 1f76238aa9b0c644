"""ToF-SIMS depth profile `tof_sims_3d`: spectra, fractions and depth of the buffer layer at a few dozen counts a voxel.

    python -m benchmarks domains.tof_sims_3d

Mean spectral angle (rad), RMSE of the fractions (each endmember scaled to the sum of the true one, each voxel to sum 1), and the
depth of the buffer layer: the middle of where its mean profile is above half its maximum. Voxels are binned 2 x 2 laterally in all rows,
to 240 counts a voxel. Oracles: the true maps given, least squares for the spectra; the true spectra given, fully
constrained maps.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

import mffnb as mf
from benchmarks.shared.command import parser, print_header, print_row
from benchmarks.shared.factorizers import Factors, matrix, scikit_learn_nmf, unmix
from benchmarks.shared.scores import angles, fractions, in_order_of, rmse, with_true_sums
from benchmarks.shared.timing import timed
from mffnb.datasets import tof_sims_3d
from mffnb.geometry.abundances import fully_constrained
from mffnb.matrices import in_memory

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


def main(arguments: Sequence[str] | None = None) -> None:
    chosen = parser(__doc__).parse_args(arguments)
    sample = tof_sims_3d(**({"shape": (20, 8, 8)} if chosen.quick else {}))
    z, k = sample.cube.z.values, sample.endmembers.sizes["component"]
    X = matrix(sample.cube.coarsen(y=2, x=2).sum())
    E = 4 * sample.endmembers.values
    A = sample.abundances.coarsen(y=2, x=2).mean().values.reshape(k, -1)

    def depth(layer: np.ndarray) -> float:
        profile = layer.reshape(z.size, -1).mean(axis=1)
        return float(z[profile > profile.max() / 2].mean())

    def row(name: str, factors: Factors, seconds: float) -> None:
        spectra, maps = in_order_of(E, *factors)
        maps = fractions(with_true_sums(E, spectra, maps))
        angle, shift = angles(E, spectra), depth(maps[2]) - depth(A[2])
        figures = (f"{value:.3f}" for value in (angle.mean(), angle.max(), rmse(maps, A)))
        print_row(name, *figures, f"{shift:+.1f}", f"{seconds:.0f}")

    print_header("method", "mean angle", "worst angle", "RMSE", "buffer's depth off by (nm)", "seconds")
    oracle = np.linalg.lstsq(A.T, X, rcond=None)[0], fully_constrained(in_memory(X), E)
    row("oracle (each given the other)", oracle, 0)
    for name, settings in SETTINGS.items():
        row(name, *timed(lambda settings=settings: unmix(k, preprocess=[BIN], **settings)(sample.cube, 0)))
    row("scikit-learn `NMF`", *timed(lambda: scikit_learn_nmf(X, k, 0)))
