"""Limits on the expansion of compressed files, so that a small file cannot fill the memory."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from math import prod
from pathlib import Path
from typing import IO, Any

from mffnb.io.choose import keep_on_disk

LARGEST = 1 << 29  # bytes that any file may fill
RATIO = 100  # times that larger numbers may exceed their compressed size; an EDX map of 112 counts a pixel reaches 18
_MOST_OF_DEFLATE = 1032
_BLOCK = 1 << 20


def expands(size: float, stored: int) -> bool:
    """Return whether data of ``size`` bytes, compressed to ``stored`` bytes, are suspected to be a decompression bomb.

    Examples
    --------
    >>> expands(10**8, 10), expands(10**10, 10**9), expands(10**10, 10**7)
    (False, False, True)
    """
    return size > LARGEST and size > RATIO * stored


def check_expansion(path: Path, size: float, stored: int, advice: str) -> None:
    """Raise ValueError with advice if the numbers of a file expand beyond the limits."""
    if expands(size, stored):
        raise ValueError(
            f"{path.name} expands from {stored} to {size:.0f} bytes, as files made to fill the memory do, and is not "
            f"read: {advice}"
        )


def kept_on_disk(path: Path, requested: bool | None, shape: tuple[int, ...], itemsize: int, stored: int) -> bool:
    """Return whether an array stays on disk: as requested, if it is large, or if it expands beyond the limits.

    Raises
    ------
    ValueError
        If it expands and ``requested`` is False.
    """
    size = prod(shape)
    if not expands(size * itemsize, stored):
        return keep_on_disk(requested, size)
    if requested is False:
        check_expansion(path, size * itemsize, stored, "read it with lazy=True if you trust it")
    return True


def check_chunk(path: Path, chunks: Any, itemsize: int, stored: int) -> None:
    """Raise ValueError if a single chunk, which is decompressed as a whole, expands beyond the limits."""
    if chunks:
        check_expansion(path, prod(chunks) * itemsize, stored, "write it with smaller chunks if you trust it")


def hdf5_datasets(stored: Any) -> Iterator[tuple[str, Any]]:
    """Yield name and dataset of all datasets of an open HDF5 file."""
    import h5py  # noqa: PLC0415  slow import, needed for HDF5 only

    found: list[tuple[str, Any]] = []
    stored.visititems(lambda name, item: found.append((name, item)) if isinstance(item, h5py.Dataset) else None)
    yield from found


def stored_size(item: Any) -> int:
    """Return the bytes of an HDF5 dataset in its file; of a virtual one and of external storage, those in memory."""
    outside = item.is_virtual or item.external
    return int(item.size * item.dtype.itemsize if outside else item.id.get_storage_size())


def hdf5_expands(path: Path) -> bool:
    """Return whether an HDF5 file has an array that expands beyond the limits and must stay on disk.

    Raises
    ------
    ValueError
        If this is a vector, such as the coordinates of an axis, or has a chunk that expands beyond the limits.
    """
    import h5py  # noqa: PLC0415  slow import, needed for HDF5 only

    found = False
    with h5py.File(path, "r") as stored:
        for _, item in hdf5_datasets(stored):
            if item.shape is None or not expands(prod(item.shape) * item.dtype.itemsize, LARGEST // RATIO):
                continue
            held = stored_size(item)
            if not expands(prod(item.shape) * item.dtype.itemsize, held):
                continue
            found = True
            check_chunk(path, item.chunks, item.dtype.itemsize, held)
            if item.ndim < 2:
                check_expansion(path, item.size * item.dtype.itemsize, held, "delete that vector if you trust the file")
    return found


def chunk_bytes(array: Any) -> int:
    """Return the bytes of the chunks of a zarr array, if they matter for the limits of expansion."""
    return int(array.nbytes_stored()) if expands(array.nbytes, 0) else 0


def zarr_expands(path: Path, arrays: Mapping[str, Any]) -> bool:
    """Return whether an array of a zarr store expands beyond the limits and must stay on disk.

    Raises
    ------
    ValueError
        If this is a vector, such as the coordinates of an axis, or has a chunk that expands beyond the limits.
    """
    found = False
    for array in arrays.values():
        stored = chunk_bytes(array)
        if expands(array.nbytes, max(1, stored)):
            found = True
            check_chunk(path, array.chunks, array.dtype.itemsize, stored)
            if array.ndim < 2:
                check_expansion(path, array.nbytes, stored, "delete that vector if you trust the store")
    return found


def check_stream(path: Path, file: IO[bytes], advice: str, factor: int = 1) -> None:
    """Raise ValueError if a decompressed stream, read in blocks, expands beyond the limits.

    Parameters
    ----------
    path
        The file.
    file
        Stream that decompresses.
    advice
        What to do instead.
    factor
        Bytes of memory that the reader takes for each byte of the stream.
    """
    stored, count = path.stat().st_size, 0
    while block := file.read(_BLOCK):
        count += len(block)
        check_expansion(path, factor * count, stored, advice)


def can_expand(stored: int, factor: int = 1) -> bool:
    """Return whether deflated data of some bytes can expand beyond the limits at all."""
    return stored * _MOST_OF_DEFLATE * factor > LARGEST


class Inflated:
    """Bytes of a zlib stream in a file, inflated in small pieces."""

    def __init__(self, file: IO[bytes], length: int):
        self._file, self._left, self._inflater = file, length, zlib.decompressobj()

    def read(self, count: int) -> bytes:
        """Return the next bytes, fewer at the end of the stream."""
        parts = bytearray()
        while len(parts) < count and not self._inflater.eof:
            packed = self._inflater.unconsumed_tail or self._file.read(min(_BLOCK, self._left))
            if not packed:
                break
            if not self._inflater.unconsumed_tail:
                self._left -= len(packed)
            parts += self._inflater.decompress(packed, count - len(parts))
        return bytes(parts)

    def skip(self, count: int) -> None:
        """Skip bytes."""
        while count > 0 and (block := self.read(min(count, _BLOCK))):
            count -= len(block)
