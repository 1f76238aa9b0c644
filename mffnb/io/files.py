"""Checks of a file before it is read: a regular file or a store, with links that stay in its folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mffnb.io.reader import starts_with

STORES = (".zarr", ".zspy")
"""Suffixes of folders that are read as one file."""
_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_NETCDF3 = (b"CDF\x01", b"CDF\x02")


def check_file(path: Path) -> None:
    """Raise an error unless a path is a regular file or the folder of a store.

    Raises
    ------
    FileNotFoundError
        If nothing has this name.
    ValueError
        If the path is a folder, a pipe, a device or a socket; reading from a pipe could wait for ever.
    """
    if not path.exists():
        raise FileNotFoundError(f"there is no file {path}")
    if path.is_dir() and path.suffix.lower() not in STORES:
        raise ValueError(f"{path} is a folder: name the file in it, or read all of them with mf.read")
    if not path.is_file() and not path.is_dir():
        raise ValueError(f"{path} is a pipe, a device or a socket and no file: copy its content to a file first")


def is_hdf5(path: Path) -> bool:
    """Return whether a file has the HDF5 signature: at its beginning, or at byte 512, 1024, ... after a user block."""
    if not path.is_file():
        return False
    size, position = path.stat().st_size, 0
    with path.open("rb") as file:
        while position + len(_SIGNATURE) <= size:
            file.seek(position)
            if file.read(len(_SIGNATURE)) == _SIGNATURE:
                return True
            position = max(512, 2 * position)
    return False


def is_netcdf3(path: Path) -> bool:
    """Return whether a file has the signature of NetCDF-3 (classic or 64-bit offset)."""
    return any(starts_with(signature)(path) for signature in _NETCDF3)


def check_links(path: Path) -> None:
    """Refuse an HDF5 file whose links or data are stored outside its own folder, such as a foreign file's content.

    Raises
    ------
    ValueError
        If an external link, an external storage or a virtual dataset names a file elsewhere.
    """
    import h5py  # noqa: PLC0415  slow import, needed for HDF5 only

    folder = path.resolve().parent
    foreign: list[tuple[str, Path]] = []

    def note(name: str, target: str, base: Path) -> None:
        # "." is the name of the file itself in virtual datasets.
        place = path.resolve() if target == "." else (base / target).resolve()
        if not place.is_relative_to(folder):
            foreign.append((name, place))

    def visit_link(name: str, link: Any) -> None:
        if isinstance(link, h5py.ExternalLink):
            note(name, link.filename, folder)

    def visit_item(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            for target, *_ in item.external or ():
                # HDF5 opens external storage relative to the working directory.
                note(name, target, Path.cwd())
            for source in item.virtual_sources() if item.is_virtual else ():
                note(name, source.file_name, folder)

    with h5py.File(path, "r") as stored:
        stored.visititems_links(visit_link)
        stored.visititems(visit_item)
    if foreign:
        name, place = foreign[0]
        raise ValueError(
            f"{path.name}: {name!r} refers to {place}, outside the folder of the file, and is not read: "
            "copy that file into the folder and write the link anew, if you trust it"
        )
