"""Files that are made to harm: small files that fill the memory, and files that lead elsewhere or run a program.

Each function writes one file into a folder and returns the path to open. A secret of value `OUTSIDE` lies beside this folder.
"""

from __future__ import annotations

import base64
import json
import os
import pickle
import shutil
import struct
import zlib
from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from pathlib import Path

import numpy as np

from benchmarks.shared.limited_opening import OUTSIDE
from mffnb.datasets.fetch import data_folder

GIGABYTES = 5 << 29  # bytes to which the bombs expand: 2.7e9
_BLOCK = 1 << 24
_TEXT = OUTSIDE.hex()


def deflated_zeros(size: int, head: bytes = b"", raw: bool = False, repeated: bytes = b"\0") -> bytes:
    """Return the zlib stream of a head and of zeros, made from one block that is repeated, without the true checksum."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    start = packer.compress(head) + packer.flush(zlib.Z_FULL_FLUSH)
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = packer.compress(repeated * (_BLOCK // len(repeated))) + packer.flush(zlib.Z_FULL_FLUSH)
    body = start + block * (size // _BLOCK) + zlib.compressobj(9, zlib.DEFLATED, -15).flush()
    return body if raw else b"\x78\x9c" + body + b"\0\0\0\0"


def npy_head(shape: tuple[int, ...], kind: str = "<f8") -> bytes:
    text = repr({"descr": kind, "fortran_order": False, "shape": shape}).encode()
    text += b" " * (-(len(text) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text


def deflated(content: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(content) + packer.flush()


@cache
def checksum(head: bytes, repeated: bytes, size: int) -> int:
    value, block = zlib.crc32(head), repeated * (_BLOCK // len(repeated))
    for _ in range(size // _BLOCK):
        value = zlib.crc32(block, value)
    return value


def write_zip(path: Path, members: dict[str, tuple[bytes, int, int]]) -> Path:
    """Write a zip file from raw deflate streams with the sizes and checksums to be stated."""
    body, entries = b"", b""
    for name, (packed, size, check) in members.items():
        fields = struct.pack("<HHHHHIIIHH", 20, 0, 8, 0, 0, check, len(packed), min(size, 2**32 - 1), len(name), 0)
        entries += b"PK\x01\x02" + struct.pack("<H", 20) + fields + struct.pack("<HHHII", 0, 0, 0, 0, len(body))
        entries += name.encode()
        body += b"PK\x03\x04" + fields + name.encode() + packed
    count = len(members)
    end = b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, count, count, len(entries), len(body), 0)
    path.write_bytes(body + entries + end)
    return path


def npz_bomb(folder: Path, stated: float = 1.0) -> Path:
    head = npy_head((GIGABYTES // 8192, 16, 64))
    size = GIGABYTES + len(head)
    packed = deflated_zeros(GIGABYTES, head, raw=True)
    return write_zip(folder / "bomb.npz", {"cube.npy": (packed, int(stated * size), checksum(head, b"\0", GIGABYTES))})


def npz_bomb_with_a_false_size(folder: Path) -> Path:
    return npz_bomb(folder, 1e-4)


def sparse_npz_bomb(folder: Path) -> Path:
    count = GIGABYTES // 8
    members = {
        name: (deflated_zeros(size, head, raw=True), size + len(head), checksum(head, b"\0", size))
        for name, head, size in (
            ("indptr.npy", npy_head((count,), "<i8"), GIGABYTES),
            ("indices.npy", npy_head((0,), "<i4"), 0),
            ("data.npy", npy_head((0,)), 0),
        )
    }
    for name, value in (("format", np.array(b"csr")), ("shape", np.array([count - 1, 5]))):
        np.save(folder / f"{name}.npy", value)
        content = (folder / f"{name}.npy").read_bytes()
        (folder / f"{name}.npy").unlink()
        members[f"{name}.npy"] = (deflated(content), len(content), zlib.crc32(content))
    return write_zip(folder / "rows.npz", members)


def npz_of_a_large_shape(folder: Path) -> Path:
    head = npy_head((1 << 20, 1 << 10, 1 << 10))
    packed = deflated_zeros(_BLOCK, head, raw=True)
    return write_zip(folder / "shape.npz", {"cube.npy": (packed, _BLOCK + len(head), checksum(head, b"\0", _BLOCK))})


def npy_of_a_large_shape(folder: Path) -> Path:
    (folder / "shape.npy").write_bytes(npy_head((1 << 20, 1 << 10, 1 << 10)) + b"\0" * 800)
    return folder / "shape.npy"


class Program:
    """An object that starts a program when it is unpickled."""

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
        return os.system, ("true",)


def pickled_npy(folder: Path) -> Path:
    (folder / "a.npy").write_bytes(npy_head((1, 1, 2), "|O") + pickle.dumps(np.array([[[Program(), 1]]], object)))
    return folder / "a.npy"


def pickled_npz(folder: Path) -> Path:
    np.savez(folder / "a.npz", cube=np.array([[[Program(), 1]]], object))
    return folder / "a.npz"


def pickled_zarr(folder: Path, kind: str = "|O") -> Path:
    store = folder / "a.zarr"
    store.mkdir()
    described = {
        "zarr_format": 2,
        "shape": [2, 3, 4],
        "chunks": [2, 3, 4],
        "dtype": kind,
        "fill_value": None,
        "order": "C",
        "compressor": None,
    }
    described["filters"] = [{"id": "pickle", "protocol": 5}]
    (store / ".zarray").write_text(json.dumps(described))
    (store / "0.0.0").write_bytes(pickle.dumps(Program()))
    return store


def pickled_zarr_of_numbers(folder: Path) -> Path:
    return pickled_zarr(folder, "<f8")


def zarr_compressed_by_pickle(folder: Path) -> Path:
    store = pickled_zarr(folder, "<f8")
    described = json.loads((store / ".zarray").read_text()) | {"filters": None, "compressor": {"id": "pickle"}}
    (store / ".zarray").write_text(json.dumps(described))
    return store


def pickled_zspy(folder: Path) -> Path:
    return pickled_zarr(folder, "<f8").rename(folder / "a.zspy")


def _mat(path: Path, *elements: bytes) -> Path:
    head = b"MATLAB 5.0 MAT-file".ljust(124) + struct.pack("<H", 0x0100) + b"IM"
    path.write_bytes(head + b"".join(elements))
    return path


def _matrix(kind: int, shape: tuple[int, ...], body: bytes, stated: int | None = None) -> bytes:
    """Return a matrix element of a MATLAB file: flags, dimensions, name and body."""
    sizes = struct.pack(f"<II{len(shape)}i", 5, 4 * len(shape), *shape)
    sizes += b"\0" * (-len(sizes) % 8)
    inner = struct.pack("<IIII", 6, 8, kind, 0) + sizes + struct.pack("<HH4s", 1, 1, b"a") + body
    return struct.pack("<II", 14, stated or len(inner)) + inner


def mat_bomb(folder: Path) -> Path:
    count = GIGABYTES // 8
    head = _matrix(6, (count // 1024, 16, 64), struct.pack("<II", 9, GIGABYTES), GIGABYTES + 64)
    packed = deflated_zeros(GIGABYTES, head)
    return _mat(folder / "bomb.mat", struct.pack("<II", 15, len(packed)) + packed)


def mat_of_bytes_as_numbers(folder: Path) -> Path:
    """A matrix of doubles that is stored as bytes, as MATLAB does: it expands by 8 after the decompression."""
    count = GIGABYTES // 4
    head = _matrix(6, (count // 1024, 16, 64), struct.pack("<II", 2, count), count + 64)
    packed = deflated_zeros(count, head)
    return _mat(folder / "bytes.mat", struct.pack("<II", 15, len(packed)) + packed)


def mat_of_many_cells(folder: Path) -> Path:
    return _mat(folder / "cells.mat", _matrix(1, (1 << 15, 1 << 14), b""))


def mat_of_many_empty_cells(folder: Path) -> Path:
    packed = deflated_zeros(1 << 26, _matrix(1, (1 << 20, 8), b"", 1 << 26))
    return _mat(folder / "empty.mat", struct.pack("<II", 15, len(packed)) + packed)


def mat_of_nested_cells(folder: Path) -> Path:
    inside = _matrix(1, (1 << 15, 1 << 14), b"")
    return _mat(folder / "nested.mat", _matrix(1, (1, 1), inside))


def mat_of_a_large_shape(folder: Path) -> Path:
    return _mat(folder / "shape.mat", _matrix(6, (1 << 15, 1 << 14), struct.pack("<II", 9, 8) + b"\0" * 8))


def mat4_of_a_large_shape(folder: Path) -> Path:
    (folder / "four.mat").write_bytes(struct.pack("<iiiii", 0, 1 << 14, 1 << 14, 0, 2) + b"a\0" + b"\0" * 64)
    return folder / "four.mat"


def _hdf5_bomb(path: Path, name: str = "cube", **attributes: str) -> Path:
    """Write a dataset of deflated chunks of zeros, each of which takes the same few bytes."""
    edge = GIGABYTES >> 25
    with import_module("h5py").File(path, "w", userblock_size=512 if path.suffix == ".mat" else 0) as file:
        shape, chunk = (edge * 4, 1024, 1024), (4, 1024, 1024)
        made = file.create_dataset(name, shape, "<f8", chunks=chunk, compression="gzip")
        packed = zlib.compress(bytes(8 * 4 << 20), 9)
        for number in range(edge):
            made.id.write_direct_chunk((4 * number, 0, 0), packed)
        file.attrs.update(attributes)
    if path.suffix == ".mat":
        with path.open("r+b") as file:
            file.write(b"MATLAB 7.3 MAT-file".ljust(124) + struct.pack("<H", 0x0200) + b"IM")
    return path


def hdf5_bomb(folder: Path) -> Path:
    return _hdf5_bomb(folder / "bomb.h5")


def netcdf_bomb(folder: Path) -> Path:
    return _hdf5_bomb(folder / "bomb.nc")


def mat73_bomb(folder: Path) -> Path:
    return _hdf5_bomb(folder / "seven.mat")


def hspy_bomb(folder: Path) -> Path:
    from benchmarks.shared.own_files import numbers, write_hspy  # noqa: PLC0415

    path = write_hspy(folder / "bomb.hspy", numbers())
    with import_module("h5py").File(path, "r+") as file:
        group = next(iter(file["Experiments"].values()))
        del group["data"]
        for number, length in enumerate((GIGABYTES >> 23, 1024, 1024)):
            group[f"axis-{number}"].attrs["size"] = length
        edge = GIGABYTES >> 25
        made = group.create_dataset("data", (edge * 4, 1024, 1024), "<f8", chunks=(4, 1024, 1024), compression="gzip")
        packed = zlib.compress(bytes(8 * 4 << 20), 9)
        for number in range(edge):
            made.id.write_direct_chunk((4 * number, 0, 0), packed)
    return path


def hdf5_of_a_large_shape(folder: Path) -> Path:
    with import_module("h5py").File(folder / "shape.h5", "w") as file:
        file.create_dataset("cube", (1 << 20, 1 << 10, 1 << 10), "<f8", chunks=(1, 64, 1024))
    return folder / "shape.h5"


def hdf5_of_one_large_chunk(folder: Path) -> Path:
    with import_module("h5py").File(folder / "chunk.h5", "w") as file:
        length = (GIGABYTES >> 23, 1024, 1024)
        made = file.create_dataset("cube", length, "<f8", chunks=length, compression="gzip")
        made.id.write_direct_chunk((0, 0, 0), deflated_zeros(GIGABYTES))
    return folder / "chunk.h5"


def hdf5_of_a_long_axis(folder: Path) -> Path:
    with import_module("h5py").File(folder / "axis.h5", "w") as file:
        file["cube"] = np.ones((2, 3, 4))
        file.create_dataset("x", (GIGABYTES // 8,), "<f8", chunks=(1 << 20,))
        file["x"].make_scale("x")
        file["cube"].dims[1].attach_scale(file["x"])
    return folder / "axis.h5"


def _secret(folder: Path) -> Path:
    """Write files with a secret beside the folder, and return that of them which is HDF5."""
    outside = folder.parent / "outside"
    outside.mkdir(exist_ok=True)
    values = np.full((4, 6, 20), OUTSIDE)
    np.save(outside / "secret.npy", values)
    values.tofile(outside / "secret.raw")
    import_module("tifffile").imwrite(outside / "secret.ome.tif", np.moveaxis(values, 2, 0), metadata={"axes": "CYX"})
    (outside / "secret.txt").write_text(str(OUTSIDE))
    with import_module("h5py").File(outside / "secret.h5", "w") as file:
        file["cube"] = values
    return outside / "secret.h5"


def external_link(folder: Path) -> Path:
    h5py = import_module("h5py")
    _secret(folder)
    with h5py.File(folder / "link.h5", "w") as file:
        file["cube"] = h5py.ExternalLink("../outside/secret.h5", "/cube")
    return folder / "link.h5"


def external_link_in_hspy(folder: Path) -> Path:
    from benchmarks.shared.own_files import numbers, write_hspy  # noqa: PLC0415

    h5py = import_module("h5py")
    _secret(folder)
    path = write_hspy(folder / "link.hspy", numbers())
    with h5py.File(path, "r+") as file:
        group = next(iter(file["Experiments"].values()))
        del group["data"]
        group["data"] = h5py.ExternalLink("../outside/secret.h5", "/cube")
    return path


def external_storage(folder: Path) -> Path:
    place = _secret(folder).with_suffix(".raw")
    with import_module("h5py").File(folder / "storage.h5", "w") as file:
        file.create_dataset("cube", (4, 6, 20), "<f8", external=[(str(place), 0, 3840)])
    return folder / "storage.h5"


def virtual_dataset(folder: Path) -> Path:
    h5py = import_module("h5py")
    place = _secret(folder)
    layout = h5py.VirtualLayout((4, 6, 20), "<f8")
    layout[:] = h5py.VirtualSource(str(place), "cube", (4, 6, 20))
    with h5py.File(folder / "virtual.h5", "w") as file:
        file.create_virtual_dataset("cube", layout)
    return folder / "virtual.h5"


def link_in_a_store(folder: Path) -> Path:
    """A zarr store whose chunk is a symbolic link to a file elsewhere."""
    secret = _secret(folder).with_suffix(".raw")
    store = folder / "a.zarr"
    store.mkdir()
    described = {
        "zarr_format": 2,
        "shape": [4, 6, 20],
        "chunks": [4, 6, 20],
        "dtype": "<f8",
        "fill_value": 0,
        "order": "C",
        "compressor": None,
        "filters": None,
    }
    (store / ".zarray").write_text(json.dumps(described))
    (store / "0.0.0").symlink_to(secret)
    return store


def zarr_bomb(folder: Path) -> Path:
    store = folder / "bomb.zarr"
    store.mkdir()
    count = GIGABYTES >> 25
    described = {
        "zarr_format": 2,
        "shape": [4 * count, 1024, 1024],
        "chunks": [4, 1024, 1024],
        "dtype": "<f8",
        "fill_value": 0,
        "order": "C",
        "compressor": {"id": "zlib", "level": 1},
        "filters": None,
    }
    (store / ".zarray").write_text(json.dumps(described))
    packed = zlib.compress(bytes(32 << 20), 9)
    for number in range(count):
        (store / f"{number}.0.0").write_bytes(packed)
    return store


def zspy_bomb(folder: Path) -> Path:
    from benchmarks.shared.own_files import numbers, write_zspy  # noqa: PLC0415

    path = write_zspy(folder / "a.zspy", numbers())
    data = next((path / "Experiments").glob("*/data"))
    shutil.rmtree(data)
    shutil.move(zarr_bomb(folder), data)
    for number, length in enumerate(((GIGABYTES >> 25) * 4, 1024, 1024)):
        place = data.parent / f"axis-{number}" / ".zattrs"
        place.write_text(json.dumps(json.loads(place.read_text()) | {"size": length}))
    return path


def zarr_of_one_large_chunk(folder: Path) -> Path:
    store = folder / "chunk.zarr"
    store.mkdir()
    shape = [GIGABYTES >> 23, 1024, 1024]
    described = {
        "zarr_format": 2,
        "shape": shape,
        "chunks": shape,
        "dtype": "<f8",
        "fill_value": 0,
        "order": "C",
        "compressor": {"id": "zlib", "level": 1},
        "filters": None,
    }
    (store / ".zarray").write_text(json.dumps(described))
    (store / "0.0.0").write_bytes(deflated_zeros(GIGABYTES))
    return store


def zarr_of_a_large_shape(folder: Path) -> Path:
    store = folder / "shape.zarr"
    store.mkdir()
    shape = [1 << 20, 1 << 10, 1 << 10]
    described = {
        "zarr_format": 2,
        "shape": shape,
        "chunks": shape,
        "dtype": "<f8",
        "fill_value": 0,
        "order": "C",
        "compressor": None,
        "filters": None,
    }
    (store / ".zarray").write_text(json.dumps(described))
    return store


def _book(path: Path, sheet: bytes, count: int = 0, repeated: bytes = b" ", head: bytes = b"") -> Path:
    """Write an Excel file whose sheet has some rows, repeated to a size; ``head`` comes before the sheet."""
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    packages = "http://schemas.openxmlformats.org/package/2006"
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    types = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{packages}/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/xl/workbook.xml" ContentType="{types}.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="{types}.worksheet+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{packages}/relationships"><Relationship Id="r1" Type="{kind}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{kind}"><sheets><sheet name="a" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{packages}/relationships"><Relationship Id="r1" Type="{kind}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
    }
    members = {}
    for name, text in parts.items():
        members[name] = (deflated(text.encode()), len(text), zlib.crc32(text.encode()))
    begin = head + f'<worksheet xmlns="{main}"><sheetData>'.encode() + sheet
    whole = begin + b"</sheetData></worksheet>"
    members["xl/worksheets/sheet1.xml"] = (
        (
            deflated_zeros(count, begin, raw=True, repeated=repeated),
            len(begin) + count,
            checksum(begin, repeated, count),
        )
        if count
        else (deflated(whole), len(whole), zlib.crc32(whole))
    )
    return write_zip(path, members)


def xlsx_bomb(folder: Path) -> Path:
    return _book(folder / "bomb.xlsx", b"", 896 << 20, b"<row><c><v>1</v></c><c><v>2</v></c></row>".ljust(64))


def xlsx_with_a_far_cell(folder: Path) -> Path:
    rows = b'<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
    return _book(folder / "far.xlsx", rows)


LAUGHS = (
    '<!DOCTYPE a [<!ENTITY b0 "haha">' + "".join(f'<!ENTITY b{n + 1} "{f"&b{n};" * 10}">' for n in range(10)) + "]>"
)


def xlsx_of_entities(folder: Path) -> Path:
    return _book(folder / "laughs.xlsx", b"<row><c><v>&b10;</v></c></row>", head=LAUGHS.encode())


def _imzml(folder: Path, doctype: str) -> Path:
    from tests.io.imzml_files import write_imzml  # noqa: PLC0415

    spectrum = (np.linspace(100, 200, 5), np.arange(5))
    path = write_imzml(folder / "a.imzML", {(1, 1): spectrum, (2, 1): spectrum}, doctype=doctype)
    path.write_text(
        path.read_text().replace('id="s0"', 'id="&b10;"')
        if "b10" in doctype
        else path.read_text().replace('id="s0"', 'id="&b;"')
    )
    return path


def imzml_of_entities(folder: Path) -> Path:
    return _imzml(folder, LAUGHS)


def imzml_with_an_external_entity(folder: Path) -> Path:
    secret = _secret(folder).with_suffix(".txt")
    return _imzml(folder, f'<!DOCTYPE a [<!ENTITY b SYSTEM "file://{secret}">]>')


def imzml_whose_numbers_are_elsewhere(folder: Path) -> Path:
    path = _imzml(folder, "")
    path.write_text(path.read_text().replace("&b;", "s0"))
    _secret(folder)
    shutil.move(path.with_suffix(".ibd"), folder.parent / "outside" / "a.ibd")
    path.with_suffix(".ibd").symlink_to(folder.parent / "outside" / "a.ibd")
    return path


def envi_whose_numbers_are_elsewhere(folder: Path) -> Path:
    secret = _secret(folder).with_suffix(".raw")
    fields = "samples = 6\nlines = 4\nbands = 20\nheader offset = 0\ndata type = 5\ninterleave = bsq\nbyte order = 0\n"
    (folder / "a.hdr").write_text(f"ENVI\n{fields}data file = {secret}\n")
    (folder / "a.img").symlink_to(secret)
    return folder / "a.hdr"


def ripple_whose_numbers_are_elsewhere(folder: Path) -> Path:
    secret = _secret(folder).with_suffix(".raw")
    fields = {"width": 6, "height": 4, "depth": 20, "offset": 0, "data-length": 8, "data-type": "float", "byte-order": "little-endian", "record-by": "vector"}  # fmt: skip
    (folder / "a.rpl").write_text("key\tvalue\n" + "".join(f"{key}\t{value}\n" for key, value in fields.items()))
    (folder / "a.raw").symlink_to(secret)
    return folder / "a.rpl"


def _ome(folder: Path, planes: str, doctype: str = "", extra: str = "") -> Path:
    path = folder / "a.ome.tif"
    text = f'<?xml version="1.0" encoding="UTF-8"?>{doctype}<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">'
    text += f'{extra}<Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYCZT" Type="double" SizeX="6" SizeY="4" SizeC="20" SizeZ="1" SizeT="1">'
    text += f"{planes}</Pixels></Image></OME>"
    import_module("tifffile").imwrite(path, np.ones((4, 6)), description=text, metadata=None)
    return path


def bcf_of_entities(folder: Path) -> Path:
    """A measured file whose XML header is overwritten; a file without it, if there is no data folder."""
    source = data_folder() / "files" / "16x16_12bit_packed_8bit.bcf"
    content = bytearray(source.read_bytes() if source.exists() else b"")
    begin = content.find(b"?><TRTSpectrumDatabase>") + 2
    content[begin : begin + len(LAUGHS) + 10] = LAUGHS.encode() + b"<a>&b9;</a>"[:10]
    (folder / "laughs.bcf").write_bytes(content)
    return folder / "laughs.bcf"


def _sfs(path: Path, parents: tuple[int, ...], header: bytes, packed: bytes = b"", chunk: int = 1 << 22) -> Path:
    """Write a container of a folder and its header file, as one chunk each; a compressed one, if there is a block."""
    names = (b"EDSDatabase", b"HeaderData")
    body = header
    if packed:
        body = (
            struct.pack("<IIII", 0x53434141, 1 << 20, 0, 1).ljust(0x80, b"\0")
            + struct.pack("<I12x", len(packed))
            + packed
        )
    items = b"".join(
        struct.pack(
            "<iQQQQIi176s?3s256s32s",
            2 if n else -1,
            len(body) if n else 0,
            0,
            0,
            0,
            0,
            parent,
            b"",
            not n,
            b"",
            names[n],
            b"",
        )
        for n, parent in enumerate(parents)
    )
    content = bytearray(0x118 + 4 * chunk)
    content[:8] = b"AAMVHFSS"
    struct.pack_into("<fI", content, 0x124, 2.6, chunk)
    struct.pack_into("<III", content, 0x140, 1, len(parents), 4)
    for number, part in enumerate((items, struct.pack("<I", 3), body), 1):
        begin = 0x138 + number * chunk
        content[begin : begin + len(part)] = part
    path.write_bytes(content)
    return path


def bcf_of_circular_folders(folder: Path) -> Path:
    return _sfs(folder / "ring.bcf", (1, 0), b"<a/>")


def bcf_bomb(folder: Path) -> Path:
    return _sfs(folder / "bomb.bcf", (-1, 0), b"", deflated_zeros(GIGABYTES))


def bcf_of_a_large_detector(folder: Path) -> Path:
    layers = base64.b64encode(deflated_zeros(GIGABYTES))
    return _sfs(folder / "layers.bcf", (-1, 0), b"<a><DetLayers>" + layers + b"</DetLayers></a>")


def ome_of_entities(folder: Path) -> Path:
    return _ome(folder, '<Channel ID="&b10;"/>', LAUGHS)


def ome_with_an_external_entity(folder: Path) -> Path:
    secret = _secret(folder).with_suffix(".txt")
    return _ome(folder, '<Channel Name="&b;"/>', f'<!DOCTYPE a [<!ENTITY b SYSTEM "file://{secret}">]>')


def ome_whose_planes_are_elsewhere(folder: Path) -> Path:
    _secret(folder)
    planes = "".join(
        f'<TiffData IFD="{n}" FirstC="{n}" PlaneCount="1"><UUID FileName="../outside/secret.ome.tif">urn:uuid:{1}</UUID></TiffData>'
        for n in range(20)
    )
    return _ome(folder, planes)


def ome_with_a_companion_elsewhere(folder: Path) -> Path:
    _secret(folder)
    return _ome(folder, "", extra='<BinaryOnly MetadataFile="../outside/secret.txt" UUID="urn:uuid:1"/>')


def ome_of_many_planes(folder: Path) -> Path:
    path = _ome(folder, '<TiffData IFD="0"/>')
    content = path.read_bytes()
    path.write_bytes(content.replace(b'SizeC="20" SizeZ="1"', b'SizeC="2" SizeZ="99"'))
    return path


def _tiff(path: Path, side: int, depth: int, packed: bytes) -> Path:
    """Write a TIFF file of one deflated strip that all its pages share."""
    fields = [(256, 4, side), (257, 4, side), (258, 3, 64), (259, 3, 8), (262, 3, 1), (273, 4, 8), (277, 3, 1), (278, 4, side), (279, 4, len(packed)), (339, 3, 3)]  # fmt: skip
    length = 2 + 12 * len(fields) + 4
    begin = 8 + len(packed) + len(packed) % 2
    content = b"II*\0" + struct.pack("<I", begin) + packed + b"\0" * (len(packed) % 2)
    for number in range(depth):
        content += struct.pack("<H", len(fields)) + b"".join(
            struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in fields
        )
        content += struct.pack("<I", begin + length * (number + 1) if number + 1 < depth else 0)
    path.write_bytes(content)
    return path


def tiff_bomb(folder: Path) -> Path:
    return _tiff(folder / "bomb.tif", 1024, GIGABYTES >> 23, zlib.compress(bytes(8 << 20), 9))


def tiff_of_one_large_page(folder: Path) -> Path:
    return _tiff(folder / "page.tif", 1 << 14, 2, deflated_zeros(1 << 31))


def _rda(path: Path, packed: bytes) -> Path:
    path.write_bytes(packed)
    return path


def rda_bomb(folder: Path) -> Path:
    body = deflated_zeros(GIGABYTES, b"RDX2\nX\n\0\0\0\2\0\3\5\0\0\2\3\0", raw=True)
    return _rda(folder / "bomb.rda", b"\x1f\x8b\x08\0\0\0\0\0\0\3" + body + b"\0" * 8)


def rda_of_a_large_vector(folder: Path) -> Path:
    words = struct.pack(">iiii", 2, 0x30500, 0x20300, 14) + struct.pack(">i", 2**31 - 10)
    return _rda(folder / "vector.rds", b"X\n" + words + bytes(800))


def rda_of_a_large_list(folder: Path) -> Path:
    words = struct.pack(">iiii", 2, 0x30500, 0x20300, 19) + struct.pack(">i", 2**31 - 10)
    return _rda(folder / "list.rds", b"X\n" + words + bytes(800))


def empad_whose_numbers_are_elsewhere(folder: Path) -> Path:
    _secret(folder)
    text = '<root><raw_file filename="../outside/secret.raw"/><pix_x>6</pix_x><pix_y>4</pix_y></root>'
    (folder / "a.xml").write_text(text)
    return folder / "a.xml"


def jcamp_bomb(folder: Path) -> Path:
    text = (
        "##TITLE=a\n##JCAMP-DX=4.24\n##DATA TYPE=INFRARED SPECTRUM\n##XUNITS=1/CM\n##YUNITS=A\n##FIRSTX=1\n##LASTX=2\n"
    )
    text += "##XFACTOR=1\n##YFACTOR=1\n##DELTAX=1\n##NPOINTS=400000000\n##XYDATA=(X++(Y..Y))\n1A0V99999999Z9999999\n##END=\n"
    (folder / "bomb.jdx").write_text(text)
    return folder / "bomb.jdx"


def text_map_of_scattered_positions(folder: Path) -> Path:
    rows = "\n".join(f"{n}\t{n}\t1\t2\t3" for n in range(20_000))
    (folder / "map.txt").write_text(f"\t\t100\t110\t120\n{rows}\n")
    return folder / "map.txt"


def deep_xml(folder: Path) -> Path:
    path = _imzml(folder, "")
    depth = 200_000
    path.write_text(path.read_text().replace("&b;", "s0").replace("<run ", "<x>" * depth + "</x>" * depth + "<run "))
    return path


def endless_tiff(folder: Path) -> Path:
    """A TIFF file whose second page is followed by the first one."""
    path = _tiff(folder / "ring.tif", 16, 2, zlib.compress(bytes(2048), 9))
    content = bytearray(path.read_bytes())
    content[-4:] = content[4:8]
    path.write_bytes(content)
    return path


def netcdf3_of_a_large_shape(folder: Path) -> Path:
    name = struct.pack(">I4s", 4, b"abcd")
    dims = struct.pack(">II", 10, 3) + b"".join(struct.pack(">I4sI", 1, letter, 1 << 14) for letter in (b"x\0\0\0", b"y\0\0\0", b"z\0\0\0"))  # fmt: skip
    variable = name + struct.pack(">IIII", 3, 0, 1, 2) + bytes(8) + struct.pack(">III", 6, 2**32 - 1, 300)
    path = folder / "shape.nc"
    path.write_bytes(
        b"CDF\x01" + struct.pack(">I", 0) + dims + bytes(8) + struct.pack(">II", 11, 1) + variable + bytes(800)
    )
    return path


KINDS: dict[str, tuple[Callable[[Path], Path], ...]] = {
    "bombs": (
        npz_bomb, npz_bomb_with_a_false_size, sparse_npz_bomb, mat_bomb, mat_of_bytes_as_numbers, mat73_bomb, hdf5_bomb, netcdf_bomb,
        hspy_bomb, zspy_bomb, hdf5_of_one_large_chunk, zarr_bomb, zarr_of_one_large_chunk, tiff_bomb, tiff_of_one_large_page, xlsx_bomb,
        rda_bomb, jcamp_bomb, bcf_bomb, bcf_of_a_large_detector,
    ),
    "shapes": (
        npz_of_a_large_shape, npy_of_a_large_shape, mat_of_a_large_shape, mat4_of_a_large_shape, mat_of_many_cells, mat_of_many_empty_cells, mat_of_nested_cells,
        hdf5_of_a_large_shape, hdf5_of_a_long_axis, zarr_of_a_large_shape, xlsx_with_a_far_cell, ome_of_many_planes,
        rda_of_a_large_vector, rda_of_a_large_list, text_map_of_scattered_positions, netcdf3_of_a_large_shape, endless_tiff, bcf_of_circular_folders, deep_xml,
    ),
    "entities": (
        xlsx_of_entities, bcf_of_entities, imzml_of_entities, imzml_with_an_external_entity, ome_of_entities, ome_with_an_external_entity,
    ),
    "paths": (
        external_link, external_link_in_hspy, external_storage, virtual_dataset, link_in_a_store, imzml_whose_numbers_are_elsewhere,
        envi_whose_numbers_are_elsewhere, empad_whose_numbers_are_elsewhere, ripple_whose_numbers_are_elsewhere, ome_whose_planes_are_elsewhere, ome_with_a_companion_elsewhere,
    ),
    "programs": (pickled_npy, pickled_npz, pickled_zarr, pickled_zarr_of_numbers, zarr_compressed_by_pickle, pickled_zspy),
}  # fmt: skip


def hostile(kind: str, folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield name and path of each file of a kind; the folder is emptied before the next one is made."""
    for make in KINDS[kind]:
        for name in ("inside", "outside"):
            shutil.rmtree(folder / name, ignore_errors=True)
        (folder / "inside").mkdir(parents=True)
        yield make.__name__, make(folder / "inside")
