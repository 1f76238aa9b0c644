"""Check of MATLAB files up to version 7.2 before SciPy reads them: arrays and cells must not fill the memory.

The walk follows the published "MAT-File Format" and, as SciPy does, the counts of cells and fields instead of the
sizes that elements state. Numbers are not inflated unless cells follow them.
"""

from __future__ import annotations

import struct
from math import prod
from pathlib import Path
from typing import IO

from mffnb.io.expansion import Inflated, check_expansion

_HEAD = 128
_MATRIX, _COMPRESSED = 14, 15
_CELL, _STRUCT, _OBJECT, _CHAR, _SPARSE, _FUNCTION = 1, 2, 3, 4, 5, 16
_COMPLEX = 0x0800
_OF_CELL = 1024  # as if a cell took so many bytes: empty cells take 64, but the time of a thousand numbers
_DEEPEST = 50


def check_matlab(path: Path) -> None:
    """Raise ValueError if a MATLAB file of version 5 to 7.2 holds arrays or cells beyond the limits.

    Other files pass, and so do those that end early: SciPy refuses them.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD)
        if len(head) < _HEAD or head[124:128] not in (b"\0\x01IM", b"\x01\0MI"):
            return
        order = "<" if head.endswith(b"IM") else ">"
        walk = _Walk(path, order)
        size = path.stat().st_size
        while len(tag := file.read(8)) == 8:
            kind, length = struct.unpack(f"{order}II", tag)
            following = file.tell() + length
            try:
                if kind == _COMPRESSED:
                    stream = Inflated(file, length)
                    if struct.unpack(f"{order}II", stream.read(8))[0] == _MATRIX:
                        walk.matrix(stream, 0, last=True)
                elif kind == _MATRIX:
                    walk.matrix(_Plain(file), 0, last=True)
            except struct.error:
                return
            if following >= size:
                return
            file.seek(following)


class _Plain:
    """Bytes of a file, with the methods of :class:`mffnb.io.expansion.Inflated`."""

    def __init__(self, file: IO[bytes]):
        self._file = file

    def read(self, count: int) -> bytes:
        return self._file.read(min(count, 1 << 20))

    def skip(self, count: int) -> None:
        self._file.seek(count, 1)


class _Walk:
    """Sum of the memory that the arrays of a file need."""

    def __init__(self, path: Path, order: str):
        self._path, self._order, self._stored, self._needed = path, order, path.stat().st_size, 0

    def _need(self, size: int) -> None:
        self._needed += size
        advice = "save its arrays one by one, or as version 7.3, if you trust it"
        check_expansion(self._path, self._needed, self._stored, advice)

    def _element(self, stream: Inflated | _Plain) -> bytes:
        """Return the content of a short element."""
        kind, length = struct.unpack(f"{self._order}II", stream.read(8))
        if kind >> 16:  # up to four bytes are stored in the tag itself
            return struct.pack(f"{self._order}I", length)[: kind >> 16]
        content = stream.read(min(length, 1 << 20))
        stream.skip(length - len(content) + -length % 8)
        return content

    def _numbers(self, stream: Inflated | _Plain, last: bool) -> None:
        """Pass over an element of numbers."""
        kind, length = struct.unpack(f"{self._order}II", stream.read(8))
        if not kind >> 16:
            self._need(length)
            if not last:
                stream.skip(length + -length % 8)

    def matrix(self, stream: Inflated | _Plain, depth: int, last: bool) -> None:
        """Pass over a matrix after its tag; ``last`` says that nothing after its numbers is needed."""
        if depth > _DEEPEST:
            raise ValueError(f"{self._path.name} has cells in cells, {depth} deep: save the array by itself")
        kind, flags = struct.unpack(f"{self._order}IIII", stream.read(16))[2], 0
        flags, kind = kind & 0xFF00, kind & 0xFF
        sizes = self._element(stream)
        count = prod(struct.unpack(f"{self._order}{len(sizes) // 4}i", sizes[: len(sizes) // 4 * 4]))
        if count < 0:
            raise ValueError(f"{self._path.name} states a negative size of an array: it is damaged, copy it again")
        self._element(stream)  # name
        if kind in (_CELL, _STRUCT, _OBJECT, _FUNCTION):
            fields = self._fields(stream, kind)
            self._need(_OF_CELL * count * fields)
            for number in range(1 if kind == _FUNCTION else count * fields):
                self._child(stream, depth, last and number == count * fields - 1)
        elif kind in (_CHAR, _SPARSE) or 6 <= kind <= 15:
            if kind != _SPARSE:
                self._need(8 * count if kind != _CHAR else 4 * count)
            parts = (3 if kind == _SPARSE else 1) + bool(flags & _COMPLEX)
            for number in range(parts):
                self._numbers(stream, last and number == parts - 1)

    def _fields(self, stream: Inflated | _Plain, kind: int) -> int:
        """Return the number of fields of a structure; 1 for cells."""
        if kind in (_CELL, _FUNCTION):
            return 1
        if kind == _OBJECT:
            self._element(stream)
        length = self._element(stream)
        each = int(struct.unpack(f"{self._order}i", length[:4])[0])
        return len(self._element(stream)) // max(1, each)

    def _child(self, stream: Inflated | _Plain, depth: int, last: bool) -> None:
        """Pass over an element that must be a matrix."""
        kind, length = struct.unpack(f"{self._order}II", stream.read(8))
        if kind == _MATRIX and length:
            self.matrix(stream, depth + 1, last)
