"""Count of missing and infinite values of a cube, in one pass that is divided among ranks."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mffnb.cubes.pixel_rows import CubeRows
from mffnb.cubes.sparse_map import SparseMap
from mffnb.cubes.sparse_pixels import sparse_pixels_of
from mffnb.matrices.collective_errors import run_collectively
from mffnb.protocols.communicator import SINGLE, Communicator
from mffnb.typing import Array


class MissingCounts(NamedTuple):
    """Numbers of missing (NaN) and infinite values of a cube, in total and by pixel and channel.

    Attributes
    ----------
    infinite
        Number of infinite values in the cube.
    in_pixel, in_channel
        Number of values that are not finite in each used pixel, and in each used channel.
    """

    infinite: int
    in_pixel: Array
    in_channel: Array


def check_infinite(count: int) -> None:
    """Refuse a cube with a number of infinite values."""
    if count:
        raise ValueError(f"{count} values of the cube are infinite: mask or replace them before unmixing")


class _Part(NamedTuple):
    """Numbers of missing and infinite values in the bands of the cube that one rank has counted."""

    infinite: int
    by_band: dict[int, Array]
    in_channel: Array


def count_missing(rows: CubeRows, communicator: Communicator = SINGLE) -> MissingCounts:
    """Count missing and infinite values of a cube in one pass; ranks of a communicator share the bands.

    Raises
    ------
    OSError
        On all ranks, if a part of a file cannot be read.
    ValueError
        If a sparse image holds NaN.
    """
    bands, rank, size = len(rows.limits) - 1, communicator.rank, communicator.size
    share = slice(rank * bands // size, (rank + 1) * bands // size)
    parts = communicator.allgather(run_collectively(communicator, lambda: _count_part(rows, share)))
    in_pixel, in_channel = np.zeros(rows.shape[0], int), np.zeros(rows.shape[1], int)
    for part in parts:
        in_channel += part.in_channel
        for start, counts in part.by_band.items():
            in_pixel[start : start + counts.size] = counts
    return MissingCounts(sum(part.infinite for part in parts), in_pixel, in_channel)


def _count_part(rows: CubeRows, share: slice) -> _Part:
    """Count missing and infinite values in the bands that the slice ``share`` selects."""
    infinite, by_band, in_channel = 0, {}, np.zeros(rows.shape[1], int)
    if (pixels := sparse_pixels_of(rows.data)) is not None:
        limits = rows.limits[share.start : share.stop + 1].tolist()
        if isinstance(pixels, SparseMap):
            return _count_map(pixels, rows, limits[0], limits[-1])
        data = pixels[limits[0] : limits[-1]].compressed().data
        if np.isnan(data).any():
            raise ValueError(f"{pixels.path.name} holds NaN among its counts: make it dense for missing entries")
        return _Part(int(np.isinf(data).sum()), {}, in_channel)
    for start, _, band in rows.bands(share):
        missing = ~np.isfinite(band)
        if missing.any():
            infinite += int(np.isinf(band).sum())
            by_band[start] = missing.sum(axis=1)
            in_channel += missing.sum(axis=0)
    return _Part(infinite, by_band, in_channel)


def _count_map(pixels: SparseMap, rows: CubeRows, start: int, stop: int) -> _Part:
    """Count the missing pixels among the used pixels ``start:stop`` of a sparse map."""
    mask = rows.layout.pixel_mask
    used = np.arange(pixels.absent.size) if mask is None else np.flatnonzero(mask)
    used, channels = used[start:stop], rows.shape[1]
    data = pixels.compressed()[used].data
    if np.isnan(data).any():
        raise ValueError(
            "a sparse map holds NaN among its counts: select channels and make it dense, cube.copy(data=...)"
        )
    absent = pixels.absent[used]
    by_band = {start: absent * channels} if absent.any() else {}
    return _Part(int(np.isinf(data).sum()), by_band, np.full(channels, int(absent.sum())))
