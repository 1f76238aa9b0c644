"""The disk cache of compiled kernels: one for equal sources, a new one after an edit, repaired where damaged."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import mffnb
from mffnb.kernels import cache

PACKAGE = Path(mffnb.__file__).parent


def checkout(folder: Path, edit=lambda text: text) -> Path:
    """A copy of the package, with one kernel file edited."""
    copy = folder / "mffnb"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__", "notebooks"))
    file = copy / "kernels" / "laplacian.py"
    file.write_text(edit(file.read_text()))
    return folder


def run(root: Path, kept: Path) -> tuple[str, int]:
    """Folder and number of compilations of a process that calls one kernel of a checkout."""
    code = (
        "import numpy as np\n"
        "from mffnb.graphs import grid\n"
        "from mffnb.kernels import laplacian\n"
        "grid((3, 4)).roughness(np.ones((2, 12)))\n"
        "stats = [value.stats for value in vars(laplacian).values() if hasattr(value, 'stats')]\n"
        "print(stats[0].cache_path)\n"
        "print(sum(one.cache_misses.total() for one in stats))\n"
    )
    environment = os.environ | {"MFFNB_CACHE_DIR": str(kept), "PYTHONPATH": str(root)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, env=environment, capture_output=True, text=True, check=True
    )
    folder, misses = done.stdout.split()
    return folder, int(misses)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A cache with one kernel, compiled once for all tests that damage a copy of it."""
    kept = tmp_path_factory.mktemp("built")
    folder, misses = run(PACKAGE.parent, kept)
    assert misses > 0
    return kept, Path(folder).relative_to(kept)


@pytest.fixture
def compiled(built, tmp_path):
    """A copy of the cache, and the folder of its machine code."""
    kept, folder = built
    shutil.copytree(kept, tmp_path / "kept")
    return tmp_path / "kept", tmp_path / "kept" / folder


@pytest.mark.slow
def test_checkouts_with_equal_kernels_share_machine_code(tmp_path):
    kept = tmp_path / "kept"
    first, misses = run(checkout(tmp_path / "one"), kept)
    assert misses > 0
    commented = checkout(tmp_path / "two", lambda text: "# A comment.\n" + text.replace('"""', '"""More words. ', 1))
    assert run(commented, kept) == (first, 0)
    edited = checkout(tmp_path / "three", lambda text: text + "\nUNUSED = 1\n")
    folder, misses = run(edited, kept)
    assert folder != first
    assert misses > 0


def test_only_the_user_can_read_the_folder(built):
    kept, folder = built
    assert (kept / folder).stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    "damage",
    [lambda content: content[:100], pytest.param(lambda content: b"", marks=pytest.mark.slow)],
    ids=["truncated", "empty"],
)
@pytest.mark.parametrize("suffix", ["nbi", pytest.param("nbc", marks=pytest.mark.slow)])
def test_damaged_files_are_compiled_again(compiled, suffix, damage):
    kept, folder = compiled
    for path in folder.glob(f"*.{suffix}"):
        path.write_bytes(damage(path.read_bytes()))
    _, misses = run(PACKAGE.parent, kept)
    assert misses > 0
    assert run(PACKAGE.parent, kept) == (str(folder), 0)


def test_processes_that_store_at_once_do_not_mix_up_machine_code(tmp_path, monkeypatch):
    """Each has read the empty index before the other one stores its code."""
    files = [cache._CheckedFile(str(tmp_path), "kernel", "version") for _ in range(2)]
    for file, types in zip(files, ("int32", "float32"), strict=True):
        monkeypatch.setattr(file, "_load_index", dict)
        file.save((types, "processor"), f"code for {types}")
    reader = cache._CheckedFile(str(tmp_path), "kernel", "version")
    assert reader.load(("float32", "processor")) == "code for float32"
    assert reader.load(("int32", "processor")) is None  # lost from the index: it is compiled again
    files[0].save(("float32", "processor"), "code for float32")
    monkeypatch.undo()
    reader.save(("int32", "processor"), "code for int32")
    assert [reader.load((types, "processor")) for types in ("int32", "float32")] == [
        "code for int32",
        "code for float32",
    ]


def test_a_folder_of_another_user_is_not_used(tmp_path, monkeypatch):
    monkeypatch.setattr(cache.os, "getuid", lambda: tmp_path.stat().st_uid + 1)
    with pytest.raises(PermissionError, match="belongs to another user"):
        cache._check_private(tmp_path)


def test_versions_not_used_for_longest_are_deleted(tmp_path):
    for number in range(cache.KEPT_VERSIONS + 2):
        folder = tmp_path / f"{number:02}"
        folder.mkdir()
        os.utime(folder, (number, number))
    cache._delete_old_versions(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{2 + n:02}" for n in range(cache.KEPT_VERSIONS)]


def test_a_flipped_byte_of_machine_code_is_detected(compiled):
    kept, folder = compiled
    for path in folder.glob("*.nbc"):
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 0xFF
        path.write_bytes(content)
    assert run(PACKAGE.parent, kept)[1] > 0
    assert run(PACKAGE.parent, kept) == (str(folder), 0)


def test_damage_of_many_files_gives_one_warning(tmp_path, caplog):
    cache._warn_of_damage.cache_clear()
    for _ in range(3):
        cache._warn_of_damage(str(tmp_path))
    assert [record.message for record in caplog.records] == [
        f"compiled kernels in {tmp_path} are damaged: they are compiled again, which takes up to two minutes"
    ]
