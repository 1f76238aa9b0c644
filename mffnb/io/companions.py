"""Check that the files which belong to a file, by their name or by a name in it, are in its own folder."""

from __future__ import annotations

import html
import os
import re
from collections.abc import Iterator
from pathlib import Path

_NAMED = {
    ".xml": re.compile(rb"<raw_file\b[^>]*?\bfilename\s*=\s*[\"']([^\"']*)"),  # EMPAD
    ".asw": re.compile(rb"((?:\.\.[\\/]|(?<![\x20-\x7e])/)[\x20-\x7e]*)"),  # JEOL; only paths that lead elsewhere
}
_MOST = 1 << 26


def check_companions(path: Path) -> None:
    """Raise ValueError if a file beside this one, of the same name, or a file that it names is elsewhere.

    Parameters
    ----------
    path
        A file that RosettaSciIO reads.
    """
    folder = path.resolve().parent
    for one in path.parent.iterdir():
        # ``path`` itself was named by the user.
        if one.name != path.name and one.stem == path.stem and one.is_symlink():
            check_inside(path, one.name, one.resolve(), folder)
    pattern = _NAMED.get(path.suffix.lower())
    if pattern is None or not path.is_file():
        return
    with path.open("rb") as file:
        content = file.read(_MOST)
    if path.suffix.lower() == ".xml" and b"<!ENTITY" in content:
        raise ValueError(f"{path.name} declares entities, which can name other files, and is not read: remove them")
    for found in pattern.findall(content):
        name = html.unescape(found.decode("utf-8", "replace")).replace("\\", "/")
        check_inside(path, name, (path.parent / name).resolve(), folder)


def check_store(path: Path) -> None:
    """Raise ValueError if a file in the folder of a store is a link to a place outside the folder of the store."""
    folder = path.resolve().parent
    for one in _links(path):
        check_inside(path, one.name, one.resolve(), folder)


def check_inside(path: Path, name: str, place: Path, folder: Path) -> None:
    """Raise ValueError unless a file that belongs to ``path`` is in its folder.

    Parameters
    ----------
    path
        The file that is read.
    name
        Name of the other file, as it is written.
    place
        Where that file is.
    folder
        Folder of ``path`` without symbolic links.
    """
    if not place.is_relative_to(folder):
        raise ValueError(
            f"{path.name} needs {name[:200]!r}, which is outside of its folder, and is not read: copy that file into "
            "the folder, if you trust it"
        )


def _links(folder: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield all symbolic links below a folder; links are not followed."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_symlink():
                yield Path(entry.path)
            elif entry.is_dir():
                yield from _links(entry.path)
