"""Damage files as disks, transfers and people do: truncation, flipped bits, nothing at all, another suffix."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np

SHARES = (0.1, 0.5, 0.9)
FLIPS = 20
_HEAD = 4096  # half of the flips are in the first bytes, where headers are
_OTHER_SUFFIXES = (
    ".npy", ".npz", ".mat", ".h5", ".nc", ".tif", ".imzML", ".hdr", ".spc", ".gsf", ".3ds", ".dat", ".rda", ".xlsx", ".csv", ".jdx",
    ".hspy", ".dm4", ".bcf", ".wdf", ".emd", ".msa", ".rpl", ".blo", ".spd", ".0",
)  # fmt: skip


def damaged(path: Path, folder: Path, seed: int = 0, suffixes: int = 6) -> Iterator[tuple[str, str, Path]]:
    """Yield kind of damage, its amount, and the file to open, which lies with its companions in a folder of its own.

    Of a store (a folder) and of a file with a companion (``.ibd``, ``.img``, ``.raw``), each part is damaged in turn.
    """
    rng = np.random.default_rng(seed)
    for part in _parts(path):
        size = (path.parent / part).stat().st_size
        whole = (path.parent / part).read_bytes()
        for share in SHARES:
            yield "truncated", f"{share:.0%} of {part.name}", _copy(path, folder, part, whole[: int(share * size)])
        yield "empty", part.name, _copy(path, folder, part, b"")
        for number in range(FLIPS):
            content = np.frombuffer(whole, np.uint8).copy()
            end = min(_HEAD, size) if number % 2 else size
            where = rng.integers(end, size=1 + number // 4)
            content[where] ^= (1 << rng.integers(8, size=where.size)).astype(np.uint8)
            yield "bit flips", f"{part.name}, draw {number}", _copy(path, folder, part, content.tobytes())
    others = [one for one in _OTHER_SUFFIXES if one.lower() != path.suffix.lower()]
    for suffix in rng.choice(others, suffixes, replace=False) if path.is_file() else ():
        place = _emptied(folder) / f"{path.stem}{suffix}"
        shutil.copyfile(path, place)
        yield "wrong suffix", str(suffix), place


def _parts(path: Path) -> list[Path]:
    """Files that belong to a path, relative to its folder: those of a store, or the file and its companion."""
    if path.is_dir():
        found = [one for one in sorted(path.rglob("*")) if one.is_file() and one.stat().st_size]
    else:
        companions = {".imzML": ".ibd", ".hdr": ".img", ".rpl": ".raw"}
        beside = path.with_suffix(companions.get(path.suffix, path.suffix))
        found = list(dict.fromkeys((path, beside)))
    return [one.relative_to(path.parent) for one in found]


def _copy(path: Path, folder: Path, changed: Path, content: bytes) -> Path:
    """Copy a file with its companions, one part of it with another content."""
    place = _emptied(folder)
    for part in {*_parts(path), *([Path(path.with_suffix(".hdr").name)] if path.suffix == ".img" else [])}:
        (place / part).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path.parent / part, place / part)
    (place / changed).write_bytes(content)
    return place / path.name


def _emptied(folder: Path) -> Path:
    """Return a folder with nothing in it."""
    place = folder / "inside"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    return place
