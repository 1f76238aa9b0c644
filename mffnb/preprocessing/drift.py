"""Correction of drift between frames of a series of spectral images, by whole pixels."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from mffnb.cubes.sparse_map import SparseMap
from mffnb.cubes.sparse_pixels import sparse_pixels_of
from mffnb.preprocessing.frame_shifts import relative_shift
from mffnb.preprocessing.step import Fitted, Step, pixels
from mffnb.typing import Array, Float64Array

__all__ = ["DriftCorrection"]

_ROUNDS = 10


@dataclass(frozen=True, eq=False)
class AlignedFrames(Fitted):
    """Fitted drift correction: first kept row and column of each frame, and the lengths of the common area."""

    frame: Hashable
    start: xr.Variable  # (frame, 2)
    dims: tuple[Hashable, ...]  # of rows and columns
    lengths: tuple[int, ...]
    similarity: float  # smallest correlation of a frame with the mean of the others

    @property
    def found(self) -> dict[str, Any]:
        """Largest shift in pixels, common area, and the smallest correlation of a frame with the mean of the others."""
        return {
            "largest shift": int(np.ptp(self.start.values, axis=0).max(initial=0)),
            "common area": {str(name): length for name, length in zip(self.dims, self.lengths, strict=True)},
            "smallest correlation": round(self.similarity, 4),
        }

    def transform(self, cube: xr.DataArray) -> xr.DataArray:
        """Return the common area of all frames, at the coordinates of the first frame; a sparse cube stays sparse."""
        areas = [self._area(i) for i in range(cube.sizes[self.frame])]
        held = sparse_pixels_of(cube)
        if isinstance(held, SparseMap):
            number = xr.Variable(cube.dims[:-1], np.arange(held.absent.size).reshape(held.map_shape))
            taken = self._joined(number, areas).values
            flat = taken.ravel()
            data: Any = SparseMap(held.compressed()[flat], taken.shape, held.absent[flat])
        else:
            data = self._joined(cube.variable, areas).data
        first = cube.isel(areas[0]).coords
        coords = {name: one.variable for name, one in first.items()}
        return xr.DataArray(xr.Variable(cube.dims, data), coords=coords, name=cube.name, attrs=cube.attrs)

    def prepare_weights(self, weights: xr.DataArray) -> xr.DataArray:
        """Return the weights of the common area of all frames."""
        if not set(self.dims) & set(weights.dims):
            return weights
        wanted = [self.frame, *self.dims]
        lengths = {self.frame: self.start.shape[0]}
        missing = {name: length for name, length in lengths.items() if name not in weights.dims}
        if any(name not in weights.dims for name in self.dims):
            raise ValueError("DriftCorrection needs weights of whole frames: give them over rows and columns")
        return self.transform(weights.expand_dims(missing).transpose(*wanted, ...))

    def new_positions(self, dim: Hashable, length: int) -> Array:
        """Return the positions of a dimension that does not move.

        Raises
        ------
        ValueError
            For rows and columns, which move by another distance in each frame.
        """
        if dim in self.dims:
            raise ValueError(
                "DriftCorrection moves each frame by another distance: apply it first, "
                "mf.preprocessing.fit_chain(cube, steps).cube, and explore its result"
            )
        return np.arange(length)

    def _area(self, frame: int) -> dict[Hashable, slice]:
        begin = self.start.values[frame]
        return {
            name: slice(int(at), int(at) + length)
            for name, at, length in zip(self.dims, begin, self.lengths, strict=True)
        }

    def _joined(self, values: xr.Variable, areas: list[dict[Hashable, slice]]) -> xr.Variable:
        """Return the areas of all frames as one variable."""
        parts = [values.isel({self.frame: slice(i, i + 1), **area}) for i, area in enumerate(areas)]
        joined: xr.Variable = xr.Variable.concat(parts, self.frame)  # type: ignore[no-untyped-call]
        return joined.transpose(*values.dims)


@dataclass(frozen=True)
class DriftCorrection(Step):
    r"""Shift the frames of a series by whole pixels onto each other, and crop them to their common area.

    .. math:: x_t(p) = X_t(p + s_t)

    with the shift s of frame t, in pixels p.

    The image of a frame is the sum of its channels. Its shift maximises the normalised cross-correlation with the mean
    of the other aligned frames, at first with the first frame. No value is interpolated, so counts stay counts. Follow
    with ``Bin(space={"frame": n})`` to add the frames.

    There is no inverse: results have the common area, at the coordinates of the first frame. The record of the result
    holds the largest shift and the lengths of the area.

    Parameters
    ----------
    frame
        Name of the dimension of the frames; None for the first dimension of the cube.
    overlap
        Smallest share of a frame that overlaps with the other one, which limits the shifts.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> scene = np.random.default_rng(0).random((30, 30, 4))
    >>> frames = np.stack([scene[:24, 2:26], scene[3:27, 3:27], scene[5:29, :24]])
    >>> cube = xr.DataArray(frames, dims=("frame", "y", "x", "energy"))
    >>> fitted = DriftCorrection().fit(cube, ("energy",))
    >>> fitted.found["largest shift"], fitted.found["common area"]
    (5, {'y': 19, 'x': 21})
    >>> aligned = fitted.transform(cube)
    >>> bool((aligned[0] == aligned[2]).all())
    True
    """

    frame: str | None = None
    overlap: float = 0.5

    def __post_init__(self) -> None:
        if not 0 < self.overlap <= 1:
            raise ValueError(f"overlap is a share of a frame above 0, at most 1; got {self.overlap!r}")

    @property
    def undone(self) -> bool:
        """Whether the inverse undoes the step: never, results have the common area of the frames."""
        return False

    def fit(self, cube: xr.DataArray, channel: tuple[Hashable, ...]) -> AlignedFrames:
        """Find the shifts of the frames; a lazy cube is read once.

        Raises
        ------
        ValueError
            If the pixels have not three dimensions, frames, rows and columns, or the frames have no common area.
        """
        spatial = pixels(cube, channel)
        frame = spatial[0] if self.frame is None and spatial else self.frame
        if len(spatial) != 3 or frame not in spatial:
            raise ValueError(
                f"DriftCorrection needs frames of rows and columns, and the pixels of this cube have the dimensions "
                f"{tuple(map(str, spatial))}: name the dimension of the frames, frame=..., or stack the frames"
            )
        dims = tuple(name for name in spatial if name != frame)
        images = _images(cube, channel).transpose(frame, *dims).values.astype(np.float64)
        shift, similarity = _shifts(images, self.overlap)
        start = shift - shift.min(axis=0)
        lengths = np.array(images.shape[1:]) - start.max(axis=0)
        if (lengths < 1).any():
            raise ValueError(
                f"the frames of {images.shape[1]} x {images.shape[2]} pixels drift by {start.max(axis=0).tolist()} "
                "pixels and have no common area: leave out the frames at an end"
            )
        return AlignedFrames(
            frame, xr.Variable((frame, "axis"), start), dims, tuple(int(one) for one in lengths), similarity
        )


def _images(cube: xr.DataArray, channel: tuple[Hashable, ...]) -> xr.DataArray:
    """Return the sum of the channels of each pixel; NaN for pixels without values."""
    held = sparse_pixels_of(cube)
    if isinstance(held, SparseMap):
        sums = np.asarray(held.compressed().sum(axis=1, dtype=np.float64)).ravel()
        return xr.DataArray(np.where(held.absent, np.nan, sums).reshape(held.map_shape), dims=cube.dims[:-1])
    return cube.sum(list(channel), dtype=np.float64, min_count=1 if cube.dtype.kind == "f" else None).compute()


def _shifts(images: Float64Array, overlap: float) -> tuple[Array, float]:
    """Return the position of the first frame's origin in each frame (frames, 2), and the smallest correlation."""
    found = [relative_shift(images[0], one, overlap) for one in images]
    for _ in range(_ROUNDS):
        shift = np.array([one.shift for one in found])
        found = [relative_shift(one, images[i], overlap) for i, one in enumerate(_means_of_others(images, shift))]
        if np.array_equal([one.shift for one in found], shift):
            break
    shift = np.array([one.shift for one in found])
    return shift - shift[0], min(one.correlation for one in found)


def _means_of_others(images: Float64Array, shift: Array) -> Iterator[Float64Array]:
    """Yield for each frame the mean of the other frames on the grid of the reference; NaN where none has values.

    The noise of the frame itself would hold it at its present shift.
    """
    rows, columns = images.shape[1:]
    total, count = np.zeros((2, rows, columns))
    places = []
    for down, right in shift:
        here = (slice(max(0, -down), min(rows, rows - down)), slice(max(0, -right), min(columns, columns - right)))
        there = (slice(max(0, down), min(rows, rows + down)), slice(max(0, right), min(columns, columns + right)))
        places.append((here, there))
    for image, (here, there) in zip(images, places, strict=True):
        total[here] += np.nan_to_num(image[there])
        count[here] += np.isfinite(image[there])
    for image, (here, there) in zip(images, places, strict=True):
        others, seen = total.copy(), count.copy()
        if len(images) > 1:
            others[here] -= np.nan_to_num(image[there])
            seen[here] -= np.isfinite(image[there])
        yield np.divide(others, seen, out=np.full(others.shape, np.nan), where=seen > 0)
