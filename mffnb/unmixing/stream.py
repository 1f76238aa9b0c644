"""Unmix an image while it is measured: rows or frames arrive, endmembers and maps follow."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr

from mffnb.cubes.as_cube import as_cube
from mffnb.cubes.layout import Layout
from mffnb.cubes.missing import check_infinite
from mffnb.cubes.pixel_rows import CubeRows
from mffnb.errors import UnsupportedCombinationError
from mffnb.estimators.fitting import Fitted
from mffnb.estimators.online import OnlineFit, as_rows
from mffnb.estimators.online_counts import online_fit
from mffnb.estimators.result_warnings import warn_if_certain, warn_if_poor
from mffnb.estimators.start_values import Init
from mffnb.io.read import read
from mffnb.keywords import checks_keywords
from mffnb.matrices import FILE_BYTES
from mffnb.matrices.local import band_limits
from mffnb.parallel.placement import Local
from mffnb.problem.compatibility import Gauge
from mffnb.problem.problem import Problem
from mffnb.protocols.similarity import Similarity
from mffnb.protocols.solver import Solver
from mffnb.protocols.terms import Term
from mffnb.typing import Array, Float64Array, Seed
from mffnb.unmixing.component_order import component_order
from mffnb.unmixing.image import Prepared
from mffnb.unmixing.label import label_solution
from mffnb.unmixing.result import Unmixing
from mffnb.unmixing.slabs import Slabs
from mffnb.unmixing.solution import Solution
from mffnb.unmixing.task import Task

__all__ = ["Stream", "stream"]


@checks_keywords()
def stream(
    k: int,
    *,
    sparsity: float = 0.0,
    volume: float = 0.0,
    sum_to_one: bool = False,
    gain: bool = False,
    known: Any = None,
    weights: Any = None,
    similarity: str | Similarity = "frobenius",
    channel: str | Sequence[str] | None = None,
    dim: str | None = None,
    init: Init = "auto",
    solver: str | Solver = "auto",
    max_iter: int = 500,
    tol: float = 1e-4,
    random_state: Seed = None,
    abundance_terms: Sequence[Term] = (),
    endmember_terms: Sequence[Term] = (),
) -> Stream:
    """Begin to unmix an image that arrives in parts: rows of a map, or frames of a movie.

    Memory holds a sample of 16 MB, and maps and gains as float32, not the data. Endmembers follow by least
    squares, see :mod:`mffnb.estimators.online`, or by counts, see :mod:`mffnb.estimators.online_counts`.

    Parameters
    ----------
    k
        Number of endmembers.
    sparsity, volume, sum_to_one, gain, known, abundance_terms, endmember_terms, init, solver, max_iter, tol, \
random_state
        As for :func:`mffnb.unmix`. A weight of a volume without ``sum_to_one`` or ``gain`` lets the first part decide
        between both. Terms that couple pixels, such as smoothness, need the whole image and are refused.
    weights
        Weights of the channels, (channels,), or None.
    similarity
        "frobenius", or "kl" for counts of at most a few in a channel, whose noise grows with the signal. "kl" takes no
        penalties, constraints or weights, and about fifty times as much processor time.
    channel
        Name(s) of the channel dimension(s); the last one if it is left out.
    dim
        Name of the dimension along which the image grows; by default that of the single scalar coordinate of a labelled
        part (``cube.isel(y=3)`` grows along "y"), else "frame".

    Returns
    -------
    Stream
        Its method :meth:`Stream.push` takes the parts.

    Examples
    --------
    >>> import mffnb as mf
    >>> cube = mf.datasets.raman_map(seed=0).cube
    >>> live = mf.stream(2, sparsity=1e-3, random_state=0)
    >>> for row in cube:
    ...     live = live.push(row)
    >>> live.endmembers.sizes["component"], live.abundances.shape[1:] == cube.shape[:2]
    (2, True)
    >>> result = live.result(cube)                # maps of all pixels for the final endmembers
    >>> result.abundances.dims == ("component", *cube.dims[:2])
    True
    """
    if isinstance(volume, str):
        raise UnsupportedCombinationError(
            f"volume={volume!r} needs all pixels at once: give a stream the weight, a number such as 1e-3"
        )
    task = Task.of(
        k=k, sparsity=sparsity, volume=volume, sum_to_one=sum_to_one, gain=gain, known=known, weights=weights,
        similarity=similarity, channel=channel, init=init, solver=solver, max_iter=max_iter, tol=tol,
        random_state=random_state, abundance_terms=abundance_terms, endmember_terms=endmember_terms,
    )  # fmt: skip
    return Stream(task.with_seed(Local()), dim)


class Stream:
    """An image that arrives in parts, with its endmembers and maps so far. :func:`mffnb.stream` creates it.

    Components keep their numbers while the image grows; those of :meth:`result` are sorted as in any result.

    Examples
    --------
    >>> import mffnb as mf
    >>> mf.stream(2, random_state=0)
    <Stream: 2 components, no data yet>
    """

    def __init__(self, task: Task, dim: str | None):
        self._task = task
        self._slabs = Slabs(task.channel, dim)
        self._online: OnlineFit | None = None
        # Of each part: maps with NaN for missing pixels, gains, and the change of basis from the endmembers before it.
        self._maps: list[Array] = []
        self._gains: list[Array] = []
        self._changes: list[Float64Array | None] = []

    def __repr__(self) -> str:
        if self._online is None:
            return f"<Stream: {self._task.k} components, no data yet>"
        sizes = " x ".join(f"{name} {size}" for name, size in self._slabs.whole().pixel_shape.items())
        return f"<Stream: {self._task.k} components, maps of {sizes}, {self._online.seen} pixels with data>"

    def push(self, part: Any) -> Stream:
        """Add the next part of the image, and update endmembers and maps.

        Parameters
        ----------
        part
            A row of pixels or a frame, (pixel dims..., channel): an array, an ``xarray.DataArray`` or a HyperSpy
            signal; or several of them along the growing dimension (DataArray). Not modified and not kept. NaN marks
            missing pixels and entries.

        Returns
        -------
        Stream
            This object.

        Raises
        ------
        ValueError
            If the part has other sizes or channels than the first one.
        UnsupportedCombinationError
            For settings that need all pixels at once.
        """
        cube = self._slabs.labelled(part)
        channels = int(np.prod(list(self._slabs.layout.channel_shape.values())))
        rows = np.asarray(cube.values).reshape(-1, channels)
        if rows.dtype.kind == "f":
            check_infinite(int(np.isinf(rows).sum()))
        seen = ~np.isnan(rows).all(axis=1) if rows.dtype.kind == "f" else np.ones(len(rows), bool)
        maps = np.full((self._task.k, len(rows)), np.nan, np.float32)
        gains = np.full(len(rows), np.nan, np.float32)
        change = None
        if seen.any():
            matrix = as_rows(rows if seen.all() else rows[seen])
            before = None if self._online is None else self._online.spectra
            online = self._begun(matrix, channels)
            online.add(matrix)
            self._online = online
            change = None if before is None else _change_of_basis(before, online.spectra)
            maps[:, seen], gain = online.unmixed(matrix)
            gains[seen] = 1.0 if gain is None else gain
        self._slabs.append(cube)
        self._maps.append(maps)
        self._gains.append(gains)
        self._changes.append(change)
        return self

    @property
    def endmembers(self) -> xr.DataArray:
        """Present endmembers, dimensions ("component", channel dims), in the units of the data."""
        return self._slabs.layout.endmembers(self._started.spectra)

    @property
    def abundances(self) -> xr.DataArray:
        """Maps so far, dimensions ("component", pixel dims), NaN where pixels are missing.

        They are those that were computed when the pixels arrived, converted to the present endmembers.
        """
        return self._slabs.whole().abundances(self._factors(self._started)[0])

    @property
    def gain(self) -> xr.DataArray | None:
        """Gains so far, dimensions (pixel dims), NaN where pixels are missing; None for a model without gain."""
        if self._started.fitted.problem.gauge is not Gauge.GAIN:
            return None
        return self._slabs.whole().map(self._factors(self._started)[1], "gain")

    @property
    def seen(self) -> int:
        """Number of pixels with data that have arrived."""
        return 0 if self._online is None else self._online.seen

    def result(self, cube: Any = None) -> Unmixing:
        """Return an ordinary result, such as :func:`mffnb.unmix` returns; the stream may go on.

        Where the data leave the endmembers undetermined, they are those of a new fit of the sample, as if the stream
        had arrived at once; see :mod:`mffnb.estimators.online`.

        Parameters
        ----------
        cube
            The whole image, or the path of its file, if it is at hand: the abundances of all pixels are then computed
            again for the present endmembers, and the result has residuals. It is read in bands; for counts up to
            four times more, which improves the endmembers. If it is left out, the maps are :attr:`abundances`, and the
            result has no cube.
        """
        online = self._started.ended()
        if cube is None:
            layout, data = self._slabs.whole(), None
            A, gain = self._factors(online)
            found = ~np.isnan(A[0])
            A, gain = A[:, found], gain[found]
        else:
            data = read(cube, lazy=True) if isinstance(cube, (str, os.PathLike)) else as_cube(cube)
            layout = replace(Layout.of(data, self._task.channel), channel_mask=None)
            rows = self._checked(CubeRows(layout, data, layout.first), online)
            online = online.after_more_passes(lambda: (as_rows(part) for _, _, part in _bands(rows)))
            A, gain = self._solved(rows, online)
            found = np.ones(0, bool) if layout.pixel_mask is None else layout.pixel_mask.ravel()
        mask = None if found.all() else found.reshape(layout.map_shape)
        channels = None if online.observed.all() else online.observed.reshape(tuple(layout.channel_shape.values()))
        layout = replace(layout, pixel_mask=mask, channel_mask=channels)
        factors = _normalized(A, gain, online.spectra[:, online.observed], online.fitted.problem)
        return self._labelled(layout, data, online.fitted, *factors)

    @property
    def _started(self) -> OnlineFit:
        if self._online is None:
            raise ValueError("no pixel with data has arrived yet: call push(part) first")
        return self._online

    def _begun(self, matrix: Any, channels: int) -> OnlineFit:
        """Return the fit of the stream, which the first part with data begins."""
        if self._online is not None:
            return self._online
        self._task = self._task.with_gain_or_sum(matrix, Local())
        image = self._task.prepare(self._slabs.layout.template)
        return online_fit(self._task.run(image), channels)

    def _factors(self, online: OnlineFit) -> tuple[Float64Array, Float64Array]:
        """Return A (k, all pixels) and gains of all parts for the endmembers of a fit, NaN for missing pixels."""
        fractions = online.fitted.problem.gauge in (Gauge.SUM, Gauge.GAIN)
        amounts, gains, basis = [], [], np.eye(self._task.k)
        if online is not self._online:
            basis = _change_of_basis(self._started.spectra, online.spectra)
        for maps, gain, change in zip(
            reversed(self._maps), reversed(self._gains), reversed(self._changes), strict=True
        ):
            A = np.maximum(basis.T @ maps.astype(np.float64), 0.0)
            if fractions:
                total = A.sum(axis=0)
                A /= np.where(total > 0, total, 1.0)
                gain = gain * total  # noqa: PLW2901
            amounts.append(A)
            gains.append(gain)
            basis = basis if change is None else change @ basis
        return np.concatenate(amounts[::-1], axis=1), np.concatenate(gains[::-1]).astype(np.float64)

    def _checked(self, rows: CubeRows, online: OnlineFit) -> CubeRows:
        """Return the pixels of an image if it has the channels of the parts."""
        if rows.shape[1] != len(online.observed):
            raise ValueError(
                f"the image has {rows.shape[1]} channels and the parts had {len(online.observed)}: pass the image "
                "whose parts were pushed"
            )
        return rows

    def _solved(self, rows: CubeRows, online: OnlineFit) -> tuple[Float64Array, Float64Array]:
        """Return A (k, used pixels) and gains of an image for the endmembers of a fit, read in bands."""
        A, gains = np.empty((self._task.k, rows.shape[0])), np.ones(rows.shape[0])
        for start, stop, part in _bands(rows):
            A[:, start:stop], gain = online.unmixed(as_rows(part))
            gains[start:stop] = 1.0 if gain is None else gain
        return A, gains

    def _labelled(
        self,
        layout: Layout,
        data: xr.DataArray | None,
        fitted: Fitted,
        abundances: Float64Array,
        endmembers: Float64Array,
        gain: Float64Array | None,
    ) -> Unmixing:
        """Return a labelled result, with the warnings of any result."""
        used = np.count_nonzero(abundances, axis=1)
        warn_if_poor(used, endmembers, fitted.outcome, fitted.negative_share)
        warn_if_certain(abundances.T, endmembers, None)
        solution = Solution(
            abundances, endmembers, fitted.outcome, fitted.trace, used, gain,
            negative_share=fitted.negative_share,
        )  # fmt: skip
        solution = solution.reordered(
            component_order(abundances.sum(axis=1), endmembers, numbers_have_meaning=self._task.numbers_have_meaning)
        )
        cube = layout.template if data is None else data
        image = Prepared(cube, layout)
        notes = {"start": fitted.start, "streamed": {"parts": len(self._maps), "pixels": self._started.seen}}
        result = label_solution(cube, image, solution, {**self._task.record(image), **notes})
        return replace(result, cube=data)


def _bands(rows: CubeRows) -> Iterator[tuple[int, int, Array]]:
    """Yield (start, stop, pixels) of bands of an image."""
    for start, stop in band_limits(rows.shape, FILE_BYTES):
        yield start, stop, np.asarray(rows[start:stop])


def _change_of_basis(before: Float64Array, after: Float64Array) -> Float64Array:
    """Return M (k, k) with E_before ~ M E_after by least squares, so that A_before M are abundances for E_after."""
    known = ~np.isnan(before).any(axis=0)
    return np.asarray(np.linalg.lstsq(after[:, known].T, before[:, known].T, rcond=None)[0].T)


def _normalized(
    A: Float64Array, gain: Float64Array, spectra: Float64Array, problem: Problem
) -> tuple[Float64Array, Float64Array, Float64Array | None]:
    """Return A, E and gain in the scale normalisation of results: mean gain 1, or abundances of mean sum 1."""
    if problem.gauge is Gauge.GAIN:
        mean = float(gain.mean()) or 1.0
        return A, spectra * mean, gain / mean
    if problem.gauge in (Gauge.SUM, Gauge.BOUNDS) or problem.pinned is not None:
        return A, spectra, None
    mean = float(A.sum(axis=0).mean()) or 1.0
    return A / mean, spectra * mean, None
