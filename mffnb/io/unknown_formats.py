"""Recognition of files that no reader can read, for a message that says what they are and what to do."""

from __future__ import annotations

from pathlib import Path

_TABLES = (".csv", ".tsv", ".txt", ".xyz", ".asc", ".dat")
_GALACTIC_VERSIONS = b"\x4b\x4c\x4d\xcf"
_EXPORT = "export it as .npy, .nc, .h5, .hspy or TIFF, or read it with another package and pass the array"


def refusal(path: Path) -> str | None:
    """Return what a file of a known format without a reader is, and what to do; None for other files."""
    suffix = path.suffix.lower()
    if suffix == ".spc" and _is_galactic(path):
        return f"{path.name} is a Galactic SPC file, which mffnb cannot read: {_EXPORT}"
    if suffix in (".img", ".hdr", ".bil", ".bip", ".bsq", ".raw") and _is_envi(path):
        return f"{path.name} is an ENVI image, which mffnb cannot read: {_EXPORT}"
    if suffix == ".ibd":
        return f"{path.name} holds the numbers of an imzML file: name the .imzML file beside it"
    if suffix in _TABLES:
        return (
            f"{path.name} is a table of text, which mffnb cannot read: load its numbers with numpy.loadtxt or "
            "pandas.read_csv, reshape them to (y, x, channel), and pass the array"
        )
    return None


def no_reader(path: Path) -> str:
    """Return the message for a suffix that no reader has."""
    return f"{path.name}: no reader for {path.suffix!r} files; {_EXPORT}"


def _is_galactic(path: Path) -> bool:
    """Return whether the second byte is a version of Galactic SPC; EDAX files of this suffix begin with a float."""
    with path.open("rb") as file:
        head = file.read(4)
    return len(head) == 4 and head[1] in _GALACTIC_VERSIONS and head[3] not in (0x3E, 0x3F, 0x40)


def _is_envi(path: Path) -> bool:
    """Return whether the file, or the header file beside it, begins with the word ENVI."""
    headers = (path, path.with_suffix(".hdr"), path.with_name(path.name + ".hdr"))
    for header in headers:
        if header.is_file():
            with header.open("rb") as file:
                if file.read(4) == b"ENVI":
                    return True
    return False
