"""Objective of a search: error of the abundance maps, from two fits to one half of the entries each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
import xarray as xr

from mffnb.errors import UnsupportedCombinationError
from mffnb.keywords import advises_keywords
from mffnb.matrices.local import band_limits
from mffnb.stability.spread import alignment, as_matrix
from mffnb.tuning.entry_errors import drawn_entries, is_counts
from mffnb.tuning.evaluation import Fit, Measured, shared_result
from mffnb.tuning.proposal import PENALTIES
from mffnb.typing import Array, Float64Array
from mffnb.unmixing.result import Unmixing

_FLOOR = 1e-3  # lower bound of expected counts, as a fraction of the mean: it limits the weight of an entry
_FAINT = 0.05  # smallest total of a pixel, as a fraction of the mean: fractions of darker ones are only noise
_RIDGE = 1e-9  # keeps the normal equations of a pixel with few entries solvable
_BYTES = 2**24  # of the weights of a block of pixels
_GROUPS = 20  # of pixels, whose errors are recorded


@advises_keywords
@dataclass(frozen=True)
class MapError:
    r"""Error of the abundance maps, estimated without truth by cross-fitting two random halves of the entries.

    .. math:: \Bigl( \tfrac1n \sum_{ij} \tfrac12 \sum_{h} \bigl( a^{(h)}_{ij} - r^{(h)}_{ij} \bigr)^2
              - \tfrac14 \bigl( a^{(1)}_{ij} - a^{(2)}_{ij} \bigr)^2 \Bigr)^{1/2}

    where :math:`a^{(h)}` are the fractions of a fit to the entries of half h with the penalties of the trial, and
    :math:`r^{(h)}` those of the other half: unconstrained least squares with the endmembers of a fit without sparsity
    and smoothness. Their noise is independent, so that the noise of r only adds a constant. The second term
    corrects for the noise of a, which is twice as large as that of a fit to all entries. A penalty that removes
    noise from the maps lowers the error; one that blurs the maps, or turns the endmembers away from those that fit
    best, raises it. The prediction error of :class:`HeldOut` does not contain the latter, since other endmembers with
    other maps predict as well.

    The error is relative to the fit without these penalties: if its endmembers are wrong, the maps are as well, and no
    penalty is selected that would turn them back. Pixels of a list of images are weighted by ``image_weights``.

    Parameters
    ----------
    without
        Penalties that the fit of the reference leaves out: those that are searched.
    seed
        Seed of the random halves.

    Examples
    --------
    >>> import mffnb as mf
    >>> cube = mf.datasets.tof_sims_2d(seed=0, shape=(8, 12)).cube[..., ::10]
    >>> found = mf.tuning.tune(cube, {"smoothness": [0.0, 0.1]}, mf.tuning.MapError(), k=2, max_evals=2)
    >>> [trial.failed for trial in found.trials]
    [False, False]
    """

    without: tuple[str, ...] = ("sparsity", "smoothness")
    seed: int = 0

    def __post_init__(self) -> None:
        if isinstance(self.without, str) or not set(self.without) <= set(PENALTIES):
            raise ValueError(f"without must be a tuple of names among {PENALTIES}, got {self.without!r}")

    def check(self, settings: Mapping[str, Any]) -> None:
        """Raise UnsupportedCombinationError for settings with which maps cannot be compared with least squares."""
        volume, k = settings.get("volume"), settings.get("k")
        refused = {
            "several k, whose maps cannot be compared": k is not None and not isinstance(k, Integral),
            "volume='auto', which needs the geometry of complete pixels": isinstance(volume, str) and volume == "auto",
            "preprocess": bool(settings.get("preprocess")),
            "transform": settings.get("transform") not in (None, "identity"),
            "tie, with which images have spectra of their own": settings.get("tie") is not None,
        }
        for name, given in refused.items():
            if given:
                raise UnsupportedCombinationError(f"MapError does not take {name}: leave it out, or use BIC()")

    def measure(self, fit: Fit) -> Measured:
        """Fit each half of the entries and return the distance of its maps from those of the other half."""
        self.check(fit.settings)
        values = np.asarray(fit.cube.values, dtype=np.float64)
        first = drawn_entries(fit, 0.5, self.seed)
        reference = self._reference(fit, values, first)
        halves = (first, ~first)
        results = [
            fit.unmix(
                xr.DataArray(np.where(half, values, np.nan), fit.cube.coords, fit.cube.dims, attrs=fit.cube.attrs)
            )
            for half in halves
        ]
        maps = np.stack([reference.fractions(shared_result(result)) for result in results])
        apart = ((maps - reference.halves) ** 2).sum(axis=1).mean(axis=0)
        each = (apart - ((maps[0] - maps[1]) ** 2).sum(axis=0) / 4) * reference.weights
        return Measured(float(np.sign(each.mean()) * np.sqrt(abs(each.mean()))), results[0], _parts(each))

    def _reference(self, fit: Fit, values: Float64Array, first: Array) -> Reference:
        """Return the maps without penalties, which are computed once per worker."""
        bare = dict.fromkeys(self.without, 0.0)
        key = (type(self), self.seed, repr(sorted({**fit.settings, **bare}.items())))
        if key not in fit.memory:
            fit.memory[key] = Reference.of(shared_result(fit.unmix(**bare)), fit, first)
        found: Reference = fit.memory[key]
        return found


@dataclass(frozen=True, eq=False)
class Reference:
    """Fractions of each half of the entries by least squares, with the endmembers of a fit without penalties.

    Attributes
    ----------
    endmembers
        These endmembers (k, used channels).
    halves
        Fractions of the entries outside of the first and outside of the second half, (2, k, used pixels).
    pixels, channels
        Boolean masks of the used pixels and channels.
    weights
        Weight of each used pixel, with a mean of one: that of its image in a list.
    fixed
        Whether abundances sum to one, so that endmembers are not rescaled.
    """

    endmembers: Float64Array
    halves: Float64Array
    pixels: Array
    channels: Array
    weights: Float64Array
    fixed: bool

    @classmethod
    def of(cls, bare: Unmixing, fit: Fit, first: Array) -> Reference:
        """Compute both references from the fit without penalties; ``first`` masks the entries of the first half."""
        cube = fit.cube
        E, A = as_matrix(bare.endmembers), as_matrix(bare.abundances)
        channels, pixels = (np.asarray(np.isfinite(one).all(axis=0)) for one in (E, A))
        E, A = E[:, channels], A[:, pixels]
        if bare.gain is not None:
            A = A * np.asarray(bare.gain.values, dtype=np.float64).ravel()[pixels]
        dims = (*bare.abundances.dims[1:], *bare.endmembers.dims[1:])
        shape = len(pixels), len(channels)
        used = np.ix_(pixels, channels)
        X = cube.transpose(*dims).values.reshape(shape)[used]
        inside = cube.copy(data=first).transpose(*dims).values.reshape(shape)[used]
        outer = (~inside, inside)
        ends = np.cumsum([0, *(np.count_nonzero(pixels[rows]) for rows in fit.rows)]).tolist()
        halves = np.empty((2, *A.shape))
        for image in map(slice, ends[:-1], ends[1:]):  # images of a list may differ in brightness
            total = A[:, image].sum(axis=0)
            total = np.maximum(total, _FAINT * total.mean()) if total.size else total
            each = [_least_squares(X[image], part[image], E, A[:, image], counts=is_counts(fit)) for part in outer]
            halves[:, :, image] = np.stack(each) / total
        given = fit.settings.get("image_weights")
        weights = np.repeat(np.ones(len(fit.rows)) if given is None else np.asarray(given, float), np.diff(ends))
        return cls(E, halves, pixels, channels, weights / weights.mean(), bool(bare.parameters.get("sum_to_one")))

    def fractions(self, result: Unmixing) -> Float64Array:
        """Return the fractions of another fit, (k, used pixels), with components in the order of the reference."""
        E, A = as_matrix(result.endmembers)[:, self.channels], as_matrix(result.abundances)[:, self.pixels]
        order, factors = alignment(self.endmembers, E)
        A = A[order] if self.fixed else A[order] / factors[:, None]
        total = A.sum(axis=0)
        return np.asarray(A / np.where(total > 0, total, 1.0))


def _least_squares(X: Array, seen: Array, E: Float64Array, A: Float64Array, *, counts: bool) -> Float64Array:
    """Estimate abundances (k, pixels) from some entries by least squares without constraints.

    For counts, entries are weighted by their inverse expectation A E.
    """
    found = np.empty_like(A)
    floor = _FLOOR * float((A.mean(axis=1) @ E).mean())
    for start, stop in band_limits(X.shape, _BYTES):
        values = np.asarray(X[start:stop], dtype=np.float64)
        weights = (seen[start:stop] & np.isfinite(values)).astype(np.float64)
        if counts:
            weights /= np.maximum(A[:, start:stop].T @ E, floor or 1.0)
        gram = np.einsum("jc,pc,lc->pjl", E, weights, E, optimize=True)
        scale = np.maximum(np.trace(gram, axis1=1, axis2=2), np.finfo(float).tiny)[:, None, None]
        cross = (weights * np.nan_to_num(values)) @ E.T
        found[:, start:stop] = np.linalg.solve(gram / scale + _RIDGE * np.eye(len(E)), cross[:, :, None] / scale)[
            ..., 0
        ].T
    return found


def _parts(each: Float64Array) -> tuple[float, ...]:
    """Return the mean of each of some groups of pixels, for the comparison of trials."""
    return tuple(float(each[group::_GROUPS].mean()) for group in range(min(_GROUPS, len(each))))
