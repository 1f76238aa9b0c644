"""Archive of a session: a zip file with one JSON member and one member ``.npy`` for each array, written atomically."""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

import mffnb
from mffnb.io.atomic import write_atomically
from mffnb.io.files import check_file
from mffnb.typing import Array
from mffnb.widgets.saving.codec import decode, encode

FORMAT = "mffnb session"
VERSION = 2
"""Version of the format; raise it when a reader of the present version would misread a file."""
_MEMBER = "session.json"


def write_archive(path: str | os.PathLike[str], content: Mapping[str, Any]) -> None:
    """Write values to an archive; an older file is replaced when the new one is complete.

    Raises
    ------
    CannotStoreError
        If a value has a type that is not stored.
    """
    arrays: dict[str, Array] = {}
    document = {
        "format": FORMAT,
        "version": VERSION,
        "mffnb": mffnb.__version__,
        "content": encode(content, arrays),
    }
    text = json.dumps(document, indent=1)

    def write(part: Path) -> None:
        with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            archive.writestr(_MEMBER, text)
            for name, array in arrays.items():
                with archive.open(f"arrays/{name}.npy", "w", force_zip64=True) as member:
                    np.lib.format.write_array(member, array, allow_pickle=False)

    write_atomically(path, write)


def read_archive(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read the values of an archive.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is no session, is damaged, or was written by a newer version.
    """
    path = Path(path)
    check_file(path)
    try:
        archive = zipfile.ZipFile(path)
    except zipfile.BadZipFile as error:
        raise ValueError(f"{path.name} is no zip file, or it is cut short: save the session again") from error
    with archive:
        document = _document(archive, path.name)
        try:
            names = [name for name in archive.namelist() if name.startswith("arrays/")]
            arrays = {name.removeprefix("arrays/").removesuffix(".npy"): _array(archive, name) for name in names}
            content: dict[str, Any] = decode(document["content"], arrays)
        except Exception as error:  # a damaged member may raise exceptions of any type
            raise ValueError(f"{path.name} is damaged ({error}): save the session again") from error
    return content


def _document(archive: zipfile.ZipFile, name: str) -> dict[str, Any]:
    """Return the JSON member of an archive that is a session of a version that can be read."""
    try:
        document = json.loads(archive.read(_MEMBER))
        known = document["format"] == FORMAT
    except (KeyError, TypeError, ValueError, zipfile.BadZipFile):
        known = False
    if not known:
        raise ValueError(f"{name} is no session of an explorer: open a file that explorer.save has written")
    if document["version"] != VERSION:
        raise ValueError(
            f"{name} has format {document['version']} of mffnb {document['mffnb']}, and this version reads format "
            f"{VERSION}: {'update mffnb' if document['version'] > VERSION else 'open it with the mffnb that wrote it'}"
        )
    return dict(document)


def _array(archive: zipfile.ZipFile, name: str) -> Array:
    array: Array = np.lib.format.read_array(io.BytesIO(archive.read(name)), allow_pickle=False)
    return array
