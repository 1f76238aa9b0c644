"""Chunks of an HDF5 dataset decompressed on several threads, which the HDF5 library does one after the other."""

from __future__ import annotations

import zlib
from itertools import product
from math import prod
from typing import Any

import numpy as np

from mffnb.matrices.threaded import threaded_map
from mffnb.typing import Array

_DEFLATE, _SHUFFLE = 1, 2  # numbers of the filters in the HDF5 specification
_PIPELINES = ((_DEFLATE,), (_SHUFFLE, _DEFLATE))


class CompressedDataset:
    """A dataset of chunks that gzip compressed, with or without shuffled bytes; it is indexed as h5py's dataset is.

    Chunks are read by :meth:`h5py.h5d.DatasetID.read_direct_chunk`. Decompression and unshuffling release the
    interpreter lock. A chunk for which this fails, and any selection that is not of whole steps, is read by h5py.

    Parameters
    ----------
    dataset
        The open dataset, for which :func:`is_gzip` is true.
    """

    def __init__(self, dataset: Any):
        self._dataset = dataset
        self.shape: tuple[int, ...] = dataset.shape
        self.dtype: np.dtype[Any] = dataset.dtype
        self.chunks: tuple[int, ...] = dataset.chunks
        self._shuffled = _pipeline(dataset)[0] == _SHUFFLE

    def __getitem__(self, key: tuple[Any, ...]) -> Array:
        """Read the part of the dataset that integers and slices select, one for each dimension."""
        limits = [_limits(one, length) for one, length in zip(key, self.shape, strict=True)]
        if any(step != 1 for _, _, step in limits) or any(start >= stop for start, stop, _ in limits):
            return np.asarray(self._dataset[key])
        starts, stops, _ = zip(*limits, strict=True)
        found = np.empty([stop - start for start, stop in zip(starts, stops, strict=True)], self.dtype)
        grid = [range(a // c * c, b, c) for a, b, c in zip(starts, stops, self.chunks, strict=True)]
        of_bytes = found.view(np.uint8).reshape(*found.shape, -1)

        def place(corner: tuple[int, ...]) -> None:
            bounds = zip(corner, self.chunks, starts, stops, strict=True)
            low_high = [(max(at, start), min(at + length, stop)) for at, length, start, stop in bounds]
            there = tuple(slice(low - start, high - start) for (low, high), start in zip(low_high, starts, strict=True))
            inside = tuple(slice(low - at, high - at) for (low, high), at in zip(low_high, corner, strict=True))
            content = self._content(corner)
            if content is None:
                found[there] = self._dataset[tuple(slice(low, high) for low, high in low_high)]
            elif self._shuffled:  # byte by byte into the result: a copy of the chunk would take a fifth of the time
                for byte, plane in enumerate(np.frombuffer(content, np.uint8).reshape(-1, *self.chunks)):
                    of_bytes[there][..., byte] = plane[inside]
            else:
                found[there] = np.frombuffer(content, self.dtype).reshape(self.chunks)[inside]

        for _ in threaded_map(place, product(*grid)):
            pass
        return found[tuple(slice(None) if isinstance(one, slice) else 0 for one in key)]

    def _content(self, corner: tuple[int, ...]) -> bytes | None:
        """Return the decompressed chunk with this first index; None if h5py must read it, as one never written."""
        size = prod(self.chunks) * self.dtype.itemsize
        try:
            skipped, raw = self._dataset.id.read_direct_chunk(corner)
            content = zlib.decompress(raw, bufsize=size)
        except (OSError, RuntimeError, ValueError, zlib.error):
            return None
        return None if skipped or len(content) != size else content


def is_gzip(dataset: Any) -> bool:
    """Return whether an open h5py dataset holds plain numbers in chunks that only gzip and shuffle have changed."""
    import h5py  # noqa: PLC0415  slow import, needed for HDF5 only

    if not dataset.chunks or dataset.dtype.kind not in "iuf" or _pipeline(dataset) not in _PIPELINES:
        return False
    return bool(dataset.id.get_type().equal(h5py.h5t.py_create(dataset.dtype)))


def _pipeline(dataset: Any) -> tuple[int, ...]:
    """Return the numbers of the filters of a dataset, in the order in which they were applied."""
    made = dataset.id.get_create_plist()
    return tuple(made.get_filter(position)[0] for position in range(made.get_nfilters()))


def _limits(one: Any, length: int) -> tuple[int, int, int]:
    """Return start, stop and step of an index along a dimension of a given length."""
    if isinstance(one, slice):
        return one.indices(length)
    at = int(one) % length
    return at, at + 1, 1
