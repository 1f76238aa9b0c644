"""Files of a joint result for other programs: shared spectra once, maps and whole results of each image, the table."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from mffnb.io.atomic import write_atomically
from mffnb.io.export import choose_writer
from mffnb.io.writer import file_word
from mffnb.unmixing.result import Unmixing

_STEMS = {"spectra": "spectra", "maps": "maps", "result": "result"}
"""File name in a folder for what a format holds."""


def export_images(
    shared: Unmixing,
    parts: Sequence[Unmixing],
    names: Sequence[str],
    path: Path,
    cubes: Sequence[Any] | None,
    code: str | None,
    *,
    own_spectra: bool,
) -> tuple[Path, ...]:
    """Write one format of a joint result: shared spectra to the path, or a file for each image, ``NAME-IMAGE.SUFFIX``.

    Parameters
    ----------
    shared, parts, names
        Result for all pixels, result of each image, and name of each image.
    path
        File to write.
    cubes
        Data of each image, if the results do not hold them.
    code
        Code for reports.
    own_spectra
        Whether images have spectra of their own, which are then written as well.

    Raises
    ------
    ValueError
        If the suffix is unknown or the format cannot hold a result, or there is not one cube for each image.
    """
    writer, suffix = choose_writer(path)
    if cubes is not None and len(cubes) != len(parts):
        raise ValueError(f"cubes holds the data of each of the {len(parts)} images, in their order; got {len(cubes)}")
    files: list[Path] = []
    if writer.holds == "spectra":
        files += shared.export(path, code=code)
        if not own_spectra:
            return tuple(files)
    stem = path.name[: -len(suffix)]
    data = [None] * len(parts) if cubes is None else cubes
    for word, part, cube in zip(_words(names), parts, data, strict=True):
        files += part.export(path.with_name(f"{stem}-{word}{suffix}"), cube=cube, code=code)
    return tuple(files)


def export_folder(
    folder: Path, formats: Sequence[str], tables: dict[str, pd.DataFrame], write: Callable[[Path], Sequence[Path]]
) -> tuple[Path, ...]:
    """Write tables as CSV and several formats to a folder, which is made if it does not exist.

    Parameters
    ----------
    folder
        Its parent must exist.
    formats
        Suffixes of export formats, with or without their dot.
    tables
        Tables by the stem of their file.
    write
        Writes one format to a path in the folder, and returns the files.

    Raises
    ------
    ValueError, FileNotFoundError
        If a suffix is unknown, or there is no parent folder; nothing is written then.
    """
    if isinstance(formats, str):
        formats = [formats]
    suffixes = list(dict.fromkeys(f".{one.removeprefix('.')}" for one in formats))
    targets = [folder / f"{_STEMS[choose_writer(f'file{one}')[0].holds]}{one}" for one in suffixes]
    if not folder.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {folder.parent}: make it first")
    folder.mkdir(exist_ok=True)
    files: list[Path] = []
    for stem, table in tables.items():
        target = folder / f"{stem}.csv"
        write_atomically(target, lambda part, table=table: table.to_csv(part))  # type: ignore[misc]
        files.append(target)
    for target in targets:
        files += write(target)
    return tuple(files)


def is_folder(path: str | os.PathLike[str]) -> bool:
    """Return whether a path names a folder for an export: it is one, or has no suffix."""
    return Path(path).is_dir() or not Path(path).suffix


def _words(names: Sequence[str]) -> list[str]:
    """Return a part of a file name for each image, different for all of them.

    Examples
    --------
    >>> _words(["day 1", "day/1", "last"])
    ['day_1-0', 'day_1-1', 'last']
    """
    words = [file_word(name) for name in names]
    folded = [word.casefold() for word in words]  # some file systems do not tell upper from lower case
    return [f"{word}-{i}" if folded.count(folded[i]) > 1 else word for i, word in enumerate(words)]
