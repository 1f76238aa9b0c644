"""Check of Bruker files (SFS container) before RosettaSciIO reads them: sizes, folders and compressed blocks.

The layout is that of RosettaSciIO's reader: chunks of one size, one of which holds the table of files and folders.
"""

from __future__ import annotations

import binascii
import io
import re
import struct
from pathlib import Path
from typing import Any

from mffnb.io.expansion import Inflated, can_expand, check_expansion

_SIGNATURE, _HEADER, _ITEM, _CHUNK_HEAD = b"AAMVHFSS", 0x118, 0x200, 0x20
_LARGEST_ITEM = 100  # times the size of the file, which may be truncated
_LAYERS = re.compile(rb"<DetLayers>([^<]*)</DetLayers>")
_ADVICE = "export it without compression, if you trust it"


def check_bruker(path: Path) -> None:
    """Raise ValueError if an SFS container states impossible sizes or folders, or expands beyond the limits.

    Other files pass.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(0x14C)
        if len(head) < 0x14C or not head.startswith(_SIGNATURE):
            return
        chunk, (address, count) = struct.unpack_from("<I", head, 0x128)[0], struct.unpack_from("<II", head, 0x140)
        if chunk < _ITEM + _CHUNK_HEAD or count * _ITEM > size:
            raise ValueError(
                f"{path.name} states {count} files in chunks of {chunk} bytes: it is damaged, copy it again"
            )
        table = b""
        each = (chunk - _CHUNK_HEAD) // _ITEM
        for _ in range(-(-count // each)):
            file.seek(chunk * address + _HEADER)
            address = struct.unpack("<I", file.read(4).ljust(4, b"\0"))[0]
            file.seek(_CHUNK_HEAD - 4, 1)
            table += file.read(each * _ITEM)
    parents = []
    for begin in range(0, min(len(table), count * _ITEM) - _ITEM + 1, _ITEM):
        length = struct.unpack_from("<Q", table, begin + 4)[0]
        if length > _LARGEST_ITEM * size:
            raise ValueError(f"{path.name} states a file of {length} bytes in it: it is damaged, copy it again")
        parents.append(struct.unpack_from("<i", table, begin + 40)[0])
    _check_parents(path, parents)
    if can_expand(size):
        _check_blocks(path, size)


def _check_parents(path: Path, parents: list[int]) -> None:
    """Raise ValueError if a folder lies in itself, which would be followed for ever."""
    whole = {-1}  # items from which the parents lead to the root
    for number in range(len(parents)):
        place, passed = number, set[int]()
        while place not in whole:
            if not 0 <= place < len(parents):
                raise ValueError(f"{path.name} names a folder that it does not have: it is damaged, copy it again")
            if place in passed:
                raise ValueError(f"{path.name} has a folder that lies in itself: it is damaged, copy it again")
            passed.add(place)
            place = parents[place]
        whole |= passed


def _check_blocks(path: Path, size: int) -> None:
    """Raise ValueError if the compressed blocks of a container, or the description of its detector, expand."""
    from rsciio.bruker._api import SFS_reader  # noqa: PLC0415  an extra

    reader = SFS_reader(str(path))
    count = 0
    for item in _items(reader.vfs):
        if reader.compression != "zlib":
            break
        offset = 0x80
        for _ in range(item.no_of_compr_blk):
            length = struct.unpack("<I", item.read_piece(offset, 4))[0]
            count = _counted(path, item.read_piece(offset + 16, length), count, size)
            offset += 16 + length
    header = reader.get_file("EDSDatabase/HeaderData").get_as_BytesIO_string().getvalue()
    for layers in _LAYERS.findall(header):
        count = _counted(path, binascii.a2b_base64(layers), count, size)


def _counted(path: Path, packed: bytes, count: int, size: int) -> int:
    """Return the sum of bytes after a block is inflated; raise ValueError if it is beyond the limits."""
    stream = Inflated(io.BytesIO(packed), len(packed))
    while block := stream.read(1 << 20):
        count += len(block)
        check_expansion(path, count, size, _ADVICE)
    return count


def _items(folder: dict[str, Any]) -> list[Any]:
    """Return all files below a folder of a container."""
    found = [_items(one) if isinstance(one, dict) else [one] for one in folder.values()]
    return [item for some in found for item in some]
