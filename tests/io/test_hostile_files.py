"""Files that are made to harm: limits on expansion, links and names that lead elsewhere, far cells, nested cells.

The slow test opens the files of ``benchmarks io.hostile_files`` in child processes with limits on memory and time.
"""

from __future__ import annotations

import base64
import gzip
import struct
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
import xarray as xr
import zarr
from numcodecs import Blosc
from scipy import io, sparse

import mffnb as mf
from benchmarks.shared import hostile_files
from benchmarks.shared.own_files import numbers, write_hspy, write_zspy
from benchmarks.shared.processes import environment
from mffnb.cubes.pixel_rows import is_in_memory
from mffnb.io import expansion, text_table
from mffnb.io.matlab_check import check_matlab
from mffnb.io.short_text import short_text

ZEROS = np.zeros((30, 40, 500))  # 5 MB that are compressed to 5 kB
ZEROS[0, 0, 0] = 1


@pytest.fixture
def small_limit(monkeypatch):
    monkeypatch.setattr(expansion, "LARGEST", 1 << 20)


def write_npz(path):
    np.savez_compressed(path, cube=ZEROS)


def write_sparse(path):
    counts = sparse.csr_array(np.zeros((2, 3)))
    counts.data, counts.indices = np.zeros(10**6), np.zeros(10**6, np.int32)
    sparse.save_npz(path, counts)


def write_mat(path):
    io.savemat(path, {"cube": ZEROS}, do_compression=True)


def write_cells(path):
    cells = np.empty((2, 1), object)
    cells[:, 0] = np.ones(3), ZEROS
    io.savemat(path, {"cells": cells, "structure": {"inside": {"cube": ZEROS}}}, do_compression=True)


def write_rda(path):
    with gzip.open(path, "wb") as file:
        file.write(b"RDX2\nX\n" + bytes(4 << 20))


REFUSED = {
    "a.npz": write_npz,
    "rows.npz": write_sparse,
    "a.mat": write_mat,
    "cells.mat": write_cells,
    "a.rda": write_rda,
}


@pytest.mark.parametrize("name", REFUSED)
def test_small_files_that_expand_are_refused_before_memory_is_allocated(tmp_path, small_limit, name):
    REFUSED[name](tmp_path / name)
    with pytest.raises(ValueError, match=rf"{name} expands from \d+ to \d+ bytes"):
        mf.read(tmp_path / name)


def test_files_below_the_limit_are_read(tmp_path):
    write_npz(tmp_path / "a.npz")
    write_mat(tmp_path / "a.mat")
    for name in ("a.npz", "a.mat"):
        np.testing.assert_array_equal(mf.read(tmp_path / name), ZEROS)


def write_hdf5(path):
    with h5py.File(path, "w") as file:
        file.create_dataset("cube", data=ZEROS, chunks=(1, 40, 500), compression="gzip")


def write_zarr(path):
    zarr.create_array(path, data=ZEROS, chunks=(1, 40, 500))


ON_DISK = {
    "a.h5": write_hdf5,
    "a.nc": write_hdf5,
    "a.mat": write_hdf5,
    "a.zarr": write_zarr,
    "a.hspy": lambda path: write_hspy(path, ZEROS),
    "a.zspy": lambda path: write_zspy(path, ZEROS),
}


@pytest.mark.parametrize("name", ON_DISK)
def test_compressed_arrays_that_expand_stay_on_disk(tmp_path, small_limit, name):
    ON_DISK[name](tmp_path / name)
    cube = mf.read(tmp_path / name)
    assert not is_in_memory(cube)
    expected = ZEROS.T if name == "a.mat" else ZEROS
    np.testing.assert_array_equal(cube, expected)
    if not name.endswith("spy"):
        with pytest.raises(ValueError, match="read it with lazy=True"):
            mf.read(tmp_path / name, lazy=False)


def test_long_axes_and_large_chunks_are_refused(tmp_path, small_limit):
    with h5py.File(tmp_path / "axis.h5", "w") as file:
        file["cube"] = np.ones((2, 3, 4))
        file.create_dataset("x", (1 << 20,), "<f8", chunks=(1 << 10,))
        file["x"].make_scale("x")
        file["cube"].dims[1].attach_scale(file["x"])
    with h5py.File(tmp_path / "chunk.h5", "w") as file:
        file.create_dataset("cube", data=ZEROS, chunks=ZEROS.shape, compression="gzip")
    zarr.create_array(tmp_path / "chunk.zarr", data=ZEROS, chunks=ZEROS.shape)
    with pytest.raises(ValueError, match="delete that vector"):
        mf.read(tmp_path / "axis.h5")
    for name in ("chunk.h5", "chunk.zarr"):
        with pytest.raises(ValueError, match="write it with smaller chunks"):
            mf.read(tmp_path / name)


def test_deflated_strips_of_tiff_files_are_limited(tmp_path, small_limit):
    tifffile = pytest.importorskip("tifffile", reason="the io extra is not installed")
    tifffile.imwrite(tmp_path / "pages.tif", np.zeros((20, 200, 200)), compression="zlib")
    assert not is_in_memory(mf.read(tmp_path / "pages.tif"))
    tifffile.imwrite(
        tmp_path / "page.tif", np.zeros((3, 2000, 100)), compression="zlib", rowsperstrip=2000, photometric="minisblack"
    )
    with pytest.raises(ValueError, match="write it with smaller chunks"):
        mf.read(tmp_path / "page.tif")


def test_the_walk_over_a_matlab_file_is_that_of_scipy(tmp_path):
    cells = np.empty((2, 3), object)
    cells[:] = [[np.arange(3.0), "text", np.ones((2, 2), complex)], [np.eye(2, dtype=bool), np.zeros((0, 3)), 1]]
    values = {
        "cells": cells,
        "structure": {"a": 1, "b": {"c": "x" * 100}},
        "rows": sparse.csc_array(np.eye(4)),
        "cube": numbers(),
    }
    for packed in (False, True):
        io.savemat(tmp_path / "a.mat", values, do_compression=packed)
        check_matlab(tmp_path / "a.mat")
        np.testing.assert_array_equal(mf.read(tmp_path / "a.mat", dataset="cube"), numbers())
        content = (tmp_path / "a.mat").read_bytes()
        (tmp_path / "a.mat").write_bytes(content[:-200])
        check_matlab(tmp_path / "a.mat")


@pytest.mark.parametrize(
    "make",
    [hostile_files.mat_of_many_cells, hostile_files.mat_of_nested_cells, hostile_files.npz_of_a_large_shape, hostile_files.zarr_of_a_large_shape],
)  # fmt: skip
def test_impossible_sizes_are_refused_before_allocation(tmp_path, make):
    path = make(tmp_path)
    with pytest.raises(ValueError, match=f"{path.name} expands"):
        mf.read(path)


def test_cells_in_cells_have_a_largest_depth(tmp_path):
    inner = hostile_files._matrix(6, (1, 1), b"\x09\0\0\0\x08\0\0\0" + bytes(8))
    for _ in range(60):
        inner = hostile_files._matrix(1, (1, 1), inner)
    with pytest.raises(ValueError, match="cells in cells, 51 deep"):
        mf.read(hostile_files._mat(tmp_path / "deep.mat", inner))


@pytest.mark.parametrize("make", hostile_files.KINDS["paths"], ids=lambda make: make.__name__)
def test_files_outside_the_folder_are_not_read(tmp_path, make):
    (tmp_path / "inside").mkdir()
    path = make(tmp_path / "inside")
    with pytest.raises(ValueError, match=rf"outside.*is not read|{path.stem}\.\w+ is .*link to another"):
        mf.read(path)


def test_links_inside_the_folder_are_read(tmp_path):
    (tmp_path / "numbers.bin").write_bytes(np.ones((4, 6, 20)).tobytes())
    fields = "width\t6\nheight\t4\ndepth\t20\noffset\t0\ndata-length\t8\ndata-type\tfloat\nbyte-order\tlittle-endian\nrecord-by\tvector"
    (tmp_path / "a.rpl").write_text(f"key\tvalue\n{fields}\n")
    (tmp_path / "a.raw").symlink_to(tmp_path / "numbers.bin")
    np.testing.assert_array_equal(mf.read(tmp_path / "a.rpl"), np.ones((4, 6, 20)))


@pytest.mark.parametrize("make", hostile_files.KINDS["programs"], ids=lambda make: make.__name__)
def test_pickled_objects_start_no_program(tmp_path, monkeypatch, make):
    path = make(tmp_path)
    started = []
    monkeypatch.setattr("os.system", started.append)
    with pytest.raises(ValueError, match=path.name):
        mf.read(path)
    assert not started


def test_far_cells_of_a_sheet_are_refused_and_blank_ends_are_left_out(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="far from the others"):
        mf.read(hostile_files.xlsx_with_a_far_cell(tmp_path))
    table = pd.DataFrame([[100.0, 110.0, 120.0], [1, 2, 3], [4, np.nan, 6], [np.nan] * 3])
    table.to_excel(tmp_path / "a.xlsx", index=False, header=False)
    with pytest.raises(ValueError, match="rows or columns of this table of 3 x 3"):
        mf.read(tmp_path / "a.xlsx")
    monkeypatch.setattr(text_table, "_MOST_CELLS", 8)
    with pytest.raises(ValueError, match="far from the others"):
        mf.read(tmp_path / "a.xlsx")


def test_a_damaged_file_is_refused_by_the_choice_of_its_reader(tmp_path):
    write_hdf5(tmp_path / "a.h5")
    content = bytearray((tmp_path / "a.h5").read_bytes())
    heap = content.index(b"HEAP")
    content[heap + 8 : heap + 32] = bytes(24)
    (tmp_path / "a.h5").write_bytes(content)
    with pytest.raises(ValueError, match=r"a\.h5"):
        mf.read(tmp_path / "a.h5")


def test_messages_of_parsers_are_shortened():
    assert short_text(ValueError("\x00" * 10 + "x" * 1000)) == "x" * len(short_text(ValueError("x" * 1000)))
    assert short_text(ValueError("\n")) == "ValueError"


@pytest.mark.slow
@pytest.mark.parametrize(
    "kinds", [["bombs", "shapes", "entities", "paths", "programs"], ["truncated", "empty"]], ids=["made", "damaged"]
)
def test_hostile_files_are_read_or_refused_within_10_s_and_2_gb(kinds):
    command = [sys.executable, "-m", "benchmarks", "io.hostile_files", "--own", "--kinds", *kinds]
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, env=environment(1), cwd=Path(mf.__path__[0]).parent
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_links_of_other_names_and_links_to_the_file_itself_are_no_reason_to_refuse_it(tmp_path):
    for name in ("archive", "elsewhere", "work"):
        (tmp_path / name).mkdir()
    write_hspy(tmp_path / "archive" / "scan1.hspy", numbers())
    tifffile = pytest.importorskip("tifffile", reason="the io extra is not installed")
    tifffile.imwrite(tmp_path / "archive" / "scan1.tif", np.moveaxis(numbers(), 2, 0))
    (tmp_path / "elsewhere" / "scan10.raw").write_bytes(b"0")
    (tmp_path / "work" / "scan10.raw").symlink_to(tmp_path / "elsewhere" / "scan10.raw")
    for suffix in (".hspy", ".tif"):
        path = tmp_path / "work" / f"scan1{suffix}"
        path.symlink_to(tmp_path / "archive" / f"scan1{suffix}")
        np.testing.assert_array_equal(mf.read(path), numbers())


def test_bruker_containers_are_checked_before_they_are_read(tmp_path, small_limit):
    packed = hostile_files.deflated_zeros(1 << 26)
    header = b"<a><DetLayers>" + base64.b64encode(packed) + b"</DetLayers></a>"
    cases = {
        "ring": (((1, 0), b"<a/>"), "a folder that lies in itself"),
        "nowhere": (((-1, 7), b"<a/>"), "a folder that it does not have"),
        "blocks": (((-1, 0), b"", packed + bytes(1000)), r"blocks\.bcf expands"),
        "layers": (((-1, 0), header), r"layers\.bcf expands"),
    }
    for name, (parts, message) in cases.items():
        path = hostile_files._sfs(tmp_path / f"{name}.bcf", *parts, chunk=1 << 17)
        with pytest.raises(ValueError, match=message):
            mf.read(path)
    content = bytearray(path.read_bytes())
    for place, value in ((0x128, 16), (0x144, 1 << 30)):
        changed = content.copy()
        struct.pack_into("<I", changed, place, value)
        path.write_bytes(changed)
        with pytest.raises(ValueError, match="it is damaged, copy it again"):
            mf.read(path)


@pytest.mark.parametrize("name", ["a.zarr", "a.zspy"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_truncated_chunks_of_blosc_are_refused_as_it_reads_beyond_their_end(tmp_path, name, share):
    if name == "a.zarr":
        cube = numbers()
        dataset = xr.Dataset({"cube": (("y", "x", "e"), cube)}, coords={"e": np.linspace(100, 290, 20)})
        dataset.to_zarr(tmp_path / name, zarr_format=2, consolidated=False)
        store = zarr.open_group(tmp_path / name, mode="r")
        assert "Blosc" in repr(store["e"].compressors)
        chunk = tmp_path / name / "e" / "0"
    else:
        write_zspy(tmp_path / name, numbers(), compressors=Blosc(cname="lz4"))
        chunk = max((tmp_path / name).rglob("0.0.0"), key=lambda one: one.stat().st_size)
    np.testing.assert_array_equal(mf.read(tmp_path / name), numbers())
    content = chunk.read_bytes()
    chunk.write_bytes(content[: int(share * len(content))])
    with pytest.raises(ValueError, match=rf"{name} is truncated, its chunk"):
        mf.read(tmp_path / name)


def test_an_envi_header_that_ends_within_its_wavelengths_is_refused(tmp_path):
    fields = "samples = 6\nlines = 4\nbands = 20\ndata type = 4\ninterleave = bsq\n"
    (tmp_path / "a.hdr").write_text(f"ENVI\n{fields}wavelength = {{100, 110, 12")
    (tmp_path / "a.img").write_bytes(bytes(4 * 480))
    with pytest.raises(ValueError, match=r"a\.hdr is truncated within a list"):
        mf.read(tmp_path / "a.hdr")
