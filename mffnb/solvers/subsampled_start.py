"""Start values for very large images: endmembers from a random subset of the pixels, then abundances of all pixels."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from mffnb.geometry.starts import NNDSVD
from mffnb.kernels.tiers.tier import on_numpy_steps
from mffnb.matrices import Dense, replicate_columns
from mffnb.problem.formulation import state_problem
from mffnb.protocols.half import Half
from mffnb.protocols.matrix import Matrix
from mffnb.protocols.solver import Chosen, Start
from mffnb.similarities import Frobenius
from mffnb.solvers import Auto, BlockPivoting, Extrapolated, Hals, drive, iterate
from mffnb.solvers.chosen_start import chosen_by
from mffnb.typing import Array, Float64Array

# Sweeps for exact abundances where block pivoting, whose code is long, is not compiled yet.
_SWEEPS = Hals(sweeps=50)


@dataclass(frozen=True)
class SubsampledStart:
    """Least-squares NMF of a random subset of the pixels, then exact abundances of all pixels.

    A small subset determines the endmembers of a large image nearly as well at a small part of the cost. The iterations
    on all pixels refine them. A material in few pixels may be missed, as from any start values; use several starts
    (``n_init``) then.

    Source: multilevel NMF, Gillis & Glineur 2012, J. Comput. Appl. Math. 236:1708, which coarsens by averaging.

    Parameters
    ----------
    pixels
        Number of pixels in the subset.
    begin
        Method that computes start values of all pixels, from which the run on the subset begins.
    max_iter, tol
        Maximum number of iterations and tolerance of the run on the subset.
    """

    pixels: int = 2**13
    begin: Start = field(default_factory=NNDSVD)
    max_iter: int = 300
    tol: float = 1e-4

    def start(self, matrix: Matrix, components: int, seed: int) -> tuple[Float64Array, Float64Array]:
        """Return A (k, own pixels) and E (k, own channels) in data units; for small images those of ``begin``."""
        abundances, endmembers, _ = self.choose(matrix, components, seed)
        return abundances, endmembers

    def choose(self, matrix: Matrix, components: int, seed: int) -> Chosen:
        """Return the start values, and the name of the method that ``begin`` has chosen."""
        begun = chosen_by(self.begin, matrix, components, seed)
        if matrix.shape[0] <= self.pixels:
            return begun
        abundances, endmembers, name = begun
        generator = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(4,)))
        drawn = np.sort(generator.choice(matrix.shape[0], self.pixels, replace=False))
        spectra, maps = np.zeros((self.pixels, matrix.shape[1])), np.zeros((components, self.pixels))
        block, own = matrix.row_axis.block, matrix.own
        in_block, here = _within(drawn, block), _within(drawn, own)
        spectra[in_block, matrix.column_axis.block] = rows_of(matrix, drawn[in_block] - block.start)
        maps[:, here] = abundances[:, drawn[here] - own.start]
        # Every rank factors the same subset and obtains the same result.
        problem = state_problem(Dense(matrix.total(spectra)), Frobenius(), (), ())
        maps = problem.scale * matrix.total(maps)
        spectra = replicate_columns(matrix, endmembers)
        states = iterate(problem, maps, spectra, Extrapolated(Auto()), self.max_iter, self.tol)
        spectra = drive(states)[0].endmembers
        endmembers = np.ascontiguousarray(spectra[:, matrix.own_columns])
        solver = _SWEEPS if on_numpy_steps() else BlockPivoting()
        solver.update(abundances, Half(spectra @ spectra.T, matrix.times(endmembers)))
        return Chosen(abundances, endmembers, name)


def _within(numbers: Array, entries: slice) -> Array:
    return np.asarray((entries.start <= numbers) & (numbers < entries.stop))


def rows_of(matrix: Matrix, rows: Array) -> Float64Array:
    """Return the rows of this rank's block of X with the given sorted indices, as an array."""
    if isinstance(matrix, Dense):
        return matrix.selected(rows)
    out = np.empty((len(rows), matrix.block.shape[1]))
    for start, stop, band in matrix.bands():
        first, last = np.searchsorted(rows, [start, stop])
        if first < last:
            some = band[rows[first:last] - start]
            out[first:last] = some if isinstance(some, np.ndarray) else some.toarray()
    return out
