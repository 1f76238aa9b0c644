"""Problems P1 to P6 (least squares) and K1, K2 (Kullback-Leibler divergence of counts) that the benchmarks of speed share.

They are the paper's images and those of its users, always the same data. A tolerance is an excess over the minimum, relative
to it, that does not show in a map.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

import mffnb as mf


@dataclass(frozen=True, eq=False)
class Problem:
    """X (pixels, channels) in float64, shape of the map, k, tolerances, and the forms in which methods get X."""

    name: str
    X: np.ndarray
    shape: tuple[int, int]
    k: int
    tolerances: tuple[float, ...]
    forms: tuple[str, ...]
    similarity: str = "frobenius"

    def form(self, name: str) -> np.ndarray | sparse.csr_array:
        """X as ``"float64"``, ``"float32"`` or ``"CSR"``."""
        return sparse.csr_array(self.X) if name == "CSR" else self.X.astype(name, copy=False)

    def with_components(self, k: int) -> Problem:
        """The same problem with another number of components, which the name tells."""
        return replace(self, name=f"{self.name} k = {k}", k=k)

    def only(self, forms: list[str]) -> Problem:
        """The same problem, handed over in some of its forms only."""
        return replace(self, forms=tuple(form for form in self.forms if form in forms))


DENSE = ("float64", "float32")
COUNTS = (*DENSE, "CSR")  # nine entries in ten, or more, are zero


def problem(name, sample, k, tolerances, forms, similarity="frobenius", side=None) -> Problem:
    cube = sample.cube.values[:side, :side]
    X = np.ascontiguousarray(cube.reshape(-1, cube.shape[-1]), dtype=np.float64)
    return Problem(name, X, cube.shape[:2], k, tolerances, forms, similarity)


def tof_sims(small: bool) -> Problem:
    sample = mf.datasets.tof_sims_2d(seed=0, shape=(24, 24) if small else (128, 128))
    return problem("P1", sample, 4, (1e-4,), COUNTS)


def poplar(small: bool) -> Problem:
    return problem("P2", mf.datasets.poplar(), 5, (1e-4,), COUNTS, side=32 if small else None)


def diffraction_microscopy(small: bool) -> Problem:
    side = 24 if small else 700
    sample = mf.datasets.xdm_film(seed=0, shape=(side, side), field_of_view=0.1 * side)
    return problem("P3", sample, 6, (1e-2,), DENSE)


def tunnelling(small: bool) -> Problem:
    sample = mf.datasets.cits_pnictide(seed=0, shape=(12, 16, 40) if small else (80, 100, 220))
    return problem("P4", sample, 3, (1e-4,), DENSE)


def samson(small: bool) -> Problem:
    return problem("P5", mf.datasets.samson(), 4, (1e-3,), DENSE, side=20 if small else None)


def mineral(small: bool) -> Problem:
    return problem("P6", mf.datasets.mineral_edx(), 3, (1e-4,), COUNTS, side=20 if small else None)


def tof_sims_counts(small: bool) -> Problem:
    sample = mf.datasets.tof_sims_2d(seed=0, shape=(24, 24) if small else (128, 128))
    return problem("K1", sample, 4, (1e-2, 1e-3), ("CSR",), "kl")


def poplar_counts(small: bool) -> Problem:
    """Counts of a quarter of the poplar image."""
    return problem("K2", mf.datasets.poplar(), 5, (1e-2, 1e-3), ("CSR",), "kl", side=32 if small else 128)


PROBLEMS: dict[str, Callable[[bool], Problem]] = {
    "P1": tof_sims,
    "P2": poplar,
    "P3": diffraction_microscopy,
    "P4": tunnelling,
    "P5": samson,
    "P6": mineral,
    "K1": tof_sims_counts,
    "K2": poplar_counts,
}


def mixture(pixels: int, channels: int, k: int) -> np.ndarray:
    """Poisson counts of random mixtures."""
    rng = np.random.default_rng(0)
    endmembers, X = rng.gamma(0.5, 2.0, (k, channels)), np.empty((pixels, channels))
    for start in range(0, pixels, 2**14):
        rows = X[start : start + 2**14]
        rows[:] = rng.poisson(rng.dirichlet(np.full(k, 0.5), len(rows)) @ endmembers)
    return X
