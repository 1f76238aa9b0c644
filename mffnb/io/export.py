"""Registry of export formats: choice of the writer by suffix, and atomic writing of one or several files."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

from mffnb.io import writers as own
from mffnb.io.atomic import write_atomically
from mffnb.io.writer import Export, Writer, file_word


@cache
def writers() -> tuple[Writer, ...]:
    """Return the writers of all export formats.

    Examples
    --------
    >>> sorted(suffix for one in writers() if one.holds == "spectra" for suffix in one.suffixes)
    ['.csv', '.dx', '.jdx', '.msa', '.xlsx']
    """
    return tuple(one for one in vars(own).values() if isinstance(one, Writer))


def choose_writer(path: str | os.PathLike[str]) -> tuple[Writer, str]:
    """Select the writer of a file by its suffix, the longest one that fits; return it with this suffix.

    Raises
    ------
    ValueError
        If no format has the suffix; the message lists the formats.

    Examples
    --------
    >>> choose_writer("maps.ome.tif")[0].name, choose_writer("maps.TIF")[0].name
    ('OME-TIFF', 'TIFF (ImageJ)')
    """
    name = Path(path).name
    fitting = [(suffix, one) for one in writers() for suffix in one.suffixes if name.lower().endswith(suffix)]
    if not fitting:
        listed = "; ".join(f"{holds}: {', '.join(_suffixes(holds))}" for holds in ("spectra", "maps", "result"))
        raise ValueError(
            f"{name!r} has no suffix of an export format ({listed}): name it so, or write a file for mf.load with "
            "result.save('run.nc')"
        )
    suffix, chosen = max(fitting, key=lambda found: len(found[0]))
    return chosen, name[-len(suffix) :]


def _suffixes(holds: str) -> list[str]:
    return sorted(suffix for one in writers() if one.holds == holds for suffix in one.suffixes)


def write_export(export: Export, path: str | os.PathLike[str]) -> tuple[Path, ...]:
    """Write a result in the format of the suffix; return the files that were written.

    Each file is complete or does not change. A format that holds one component gives one file for each,
    ``NAME-LABEL.SUFFIX``; with a single component the path itself.

    Raises
    ------
    ValueError
        If no format has the suffix, or if it cannot hold the result.
    """
    writer, suffix = choose_writer(path)
    path = Path(path)
    if not writer.per_component or len(export.labels) == 1:
        write_atomically(path, lambda part: writer.write(export, part))
        return (path,)
    stem = path.name[: -len(suffix)]
    words = [file_word(label) for label in export.labels]
    words = [f"{word}-{i}" if words.count(word) > 1 else word for i, word in enumerate(words)]
    targets = tuple(path.with_name(f"{stem}-{word}{suffix}") for word in words)
    for number, target in enumerate(targets):
        one = export.component(number)
        write_atomically(target, lambda part, one=one: writer.write(one, part))  # type: ignore[misc]
    return targets
