"""Edited states of an explorer: two components merged, or one component split, as starts of the next run."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mffnb.geometry.matching import spectral_angles
from mffnb.solvers import Outcome
from mffnb.solvers.subsampled_start import rows_of
from mffnb.typing import Float64Array
from mffnb.widgets.session.solved import Solved, in_order, lowest_free

_PIXELS = 4096  # pixels that determine along which spectrum a component is split
_STEPS = 50  # power iterations; the direction need not be precise, because the run continues
_SMALLEST_ANGLE = 1e-6  # between the two parts, in rad: less is the rounding error of equal spectra


def merged(solved: Solved, kept: int, other: int) -> Solved:
    """Merge two components: the sum of their contributions, as well as one component can represent it.

    Maps are added in units of signal, abundance times the sum of the spectrum, so that the result does not depend on
    how a component is scaled; abundances that are fractions are added as they are. The spectrum is the mean of both,
    weighted by their total amount. The mean spectrum of the model stays the same.

    Parameters
    ----------
    solved
        A state.
    kept, other
        Rows of the components; the merged one has the number of the first.
    """
    A, E = solved.state.abundances, solved.state.endmembers
    gain = 1.0 if solved.state.gain is None else solved.state.gain
    pair = [kept, other]
    size = np.ones(2) if solved.parameters.fractions else np.abs(E[pair]).sum(axis=1)
    size[size <= 0] = 1.0
    maps, spectra = A[pair] * size[:, None], E[pair] / size[:, None]
    totals = np.array([(one * gain).sum() for one in maps])
    unit = totals.sum() / ((A[pair] * gain).sum() or 1.0) or 1.0  # the merged map keeps the total abundance
    share = totals / totals.sum() if totals.sum() > 0 else np.full(2, 0.5)
    A, E = A.copy(), E.copy()
    A[kept], E[kept] = maps.sum(axis=0) / unit, unit * (share @ spectra)
    names = tuple(number for row, number in enumerate(solved.names) if row != other)
    return _edited(solved, np.delete(A, other, axis=0), np.delete(E, other, axis=0), names)


def split(solved: Solved, row: int) -> tuple[Solved, int]:
    """Split a component in two along the largest variation that its residual has where the component is.

    With y = x - (contributions of the other components), the pixels are divided by the sign of the residual along this
    variation. Each part begins with the least-squares spectrum of its pixels, and with non-negative least-squares
    abundances of y. This is the division of a cluster along its first principal direction (Boley 1998, Data Min. Knowl.
    Discov. 2:325).

    Parameters
    ----------
    solved
        A state.
    row
        Row of the component; its larger part keeps its number.

    Returns
    -------
    Solved
        The state with one more component.
    int
        Number of the new component.

    Raises
    ------
    ValueError
        If the residual of the component has no such variation.
    """
    data, state = solved.data, solved.state
    gain = 1.0 if state.gain is None else state.gain
    A, E, matrix = state.abundances * gain, state.endmembers, data.complete
    own, others = A[row], np.delete(np.arange(len(A)), row)
    direction = _variation(solved, A, row)
    above = (matrix.times(direction[None])[0] - (E @ direction) @ A) > 0
    parts = np.stack([own * above, own * ~above])
    weight = parts @ own
    label = f"component {solved.names[row]}"
    if not (weight > 0).all():
        raise ValueError(f"{label} cannot be split: its residual is the same in all of its pixels")
    spectra = matrix.transposed_times(parts) - (parts @ A[others].T) @ E[others]
    spectra = np.maximum(spectra / weight[:, None], 0.0)
    if not spectral_angles(spectra[:1], spectra[1:])[0, 0] > _SMALLEST_ANGLE:
        raise ValueError(f"{label} cannot be split: no residual is left from which a second spectrum could start")
    amounts = _pair_abundances(spectra, matrix.times(spectra) - (spectra @ E[others].T) @ A[others])
    larger = int(np.argmax(amounts.sum(axis=1) * spectra.sum(axis=1)))
    new = lowest_free(list(solved.names))
    A, E = A.copy(), E.copy()
    A[row], E[row] = amounts[larger], spectra[larger]
    A, E = np.vstack([A, amounts[1 - larger]]), np.vstack([E, spectra[1 - larger]])
    A = A if state.gain is None else A / np.where(gain > 0, gain, 1.0)
    return _edited(solved, A, E, (*solved.names, new)), new


def _variation(solved: Solved, A: Float64Array, row: int) -> Float64Array:
    """Return the spectrum of norm 1 along which the residual varies most in the pixels of a component."""
    E, own = solved.state.endmembers, A[row]
    strongest = np.sort(np.argsort(own, kind="stable")[-_PIXELS:])
    size = np.linalg.norm(E, axis=1)
    here = A[:, strongest]
    share = here[row] * size[row] / np.maximum(size @ here, np.finfo(np.float64).tiny)
    residual: Float64Array = share[:, None] * (rows_of(solved.data.complete, strongest) - here.T @ E)
    direction: Float64Array = np.random.default_rng(0).standard_normal((E.shape[1],))
    for _ in range(_STEPS):
        direction = residual.T @ (residual @ direction)
        norm = float(np.linalg.norm(direction))
        if not norm > 0:
            break
        direction = direction / norm
    return direction


def _pair_abundances(spectra: Float64Array, cross: Float64Array) -> Float64Array:
    """Return non-negative least-squares abundances (2, pixels) of two spectra; ``cross`` is spectra times data."""
    gram = spectra @ spectra.T
    both = np.linalg.solve(gram, cross)
    alone = np.maximum(cross / np.diag(gram)[:, None], 0.0)
    # Where a minimiser is negative, one of the two is zero: the one that leaves the larger misfit alone.
    better = np.argmax(alone * cross, axis=0) == np.arange(2)[:, None]
    found: Float64Array = np.where((both < 0).any(axis=0), np.where(better, alone, 0.0), both)
    return found


def _edited(solved: Solved, A: Float64Array, E: Float64Array, names: tuple[int, ...]) -> Solved:
    """Return a state with other factors, in the order of their numbers, from which a run can start."""
    state = replace(
        solved.state, abundances=A, endmembers=np.ascontiguousarray(E), outcome=Outcome.RUNNING, iterates=None
    )
    parameters = replace(solved.parameters, k=len(names))
    edited = replace(
        solved, state=state, names=names, parameters=parameters, found=None, bands=None, pixels=0, from_data=False
    )
    return in_order(edited)
