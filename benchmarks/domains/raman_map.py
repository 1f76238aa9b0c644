"""Raman map `raman_map`, without pure pixels: spectra and fractions after its fluorescence is subtracted.

    python -m benchmarks domains.raman_map

Mean spectral angle (rad), and RMSE of the fractions (each endmember scaled to maximum 1, each pixel to sum 1, in truth and answer).
All rows have the same baseline, which is chosen without the truth: `AsymmetricBaseline(1e8)` bends over 2 pi 1e8^(1/4) = 630
channels, 1260 1/cm, more than the widest group of bands. Oracles: the true maps given, least squares for the spectra;
the true spectra given, fully constrained maps.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchmarks.shared.command import parser, print_header, print_row
from benchmarks.shared.factorizers import matrix, scikit_learn_nmf, unmix
from benchmarks.shared.scores import angles, in_order_of, rmse, with_unit_maximum
from benchmarks.shared.timing import timed
from mffnb.datasets import raman_map
from mffnb.geometry.abundances import fully_constrained
from mffnb.matrices import in_memory
from mffnb.preprocessing import AsymmetricBaseline, fit_chain

BASELINE = AsymmetricBaseline(1e8)
SETTINGS = {
    "`unmix`": {},
    "`unmix`, `sparsity=1e-3, smoothness=1e-3`": {"sparsity": 1e-3, "smoothness": 1e-3},
    "`unmix`, `sum_to_one=True`": {"sum_to_one": True},
    '`unmix`, `volume="auto"`': {"volume": "auto"},
}


def main(arguments: Sequence[str] | None = None) -> None:
    chosen = parser(__doc__).parse_args(arguments)
    sample = raman_map(**({"shape": (12, 12)} if chosen.quick else {}))
    E, A = sample.endmembers.values, sample.abundances.values.reshape(4, -1)
    X = matrix(fit_chain(sample.cube, [BASELINE])[0])

    def row(name: str, spectra: np.ndarray, maps: np.ndarray, seconds: float) -> None:
        angle, error = angles(E, spectra), rmse(maps, with_unit_maximum(E, A))
        print_row(
            name, f"{angle.mean():.3f}", ", ".join(f"{one:.2f}" for one in angle), f"{error:.3f}", f"{seconds:.0f}"
        )

    print_header("method", "mean angle", ", ".join(sample.endmembers.component.values), "RMSE", "seconds")
    fitted, shares = np.linalg.lstsq(A.T, X, rcond=None)[0], fully_constrained(in_memory(X), E)
    row("oracle (each given the other)", fitted, with_unit_maximum(E, shares), 0)
    runs = {
        name: lambda settings=settings: unmix(4, preprocess=[BASELINE], **settings)(sample.cube, 0)
        for name, settings in SETTINGS.items()
    }
    for name, run in (runs | {"scikit-learn `NMF`": lambda: scikit_learn_nmf(X, 4, 0)}).items():
        factors, seconds = timed(run)
        spectra, maps = in_order_of(E, *factors)
        row(name, spectra, with_unit_maximum(spectra, maps), seconds)
