"""Recognition of files that no reader can read, for a message that says what they are and what to do."""

from __future__ import annotations

from pathlib import Path

from mffnb.io.reader import starts_with

_EXPORT = "export it as .npy, .nc, .h5, .hspy or TIFF, or read it with another package and pass the array"


def refusal(path: Path) -> str | None:
    """Return what a file of a known format without a reader is, and what to do; None for other files."""
    if path.suffix.lower() == ".ibd":
        return f"{path.name} holds the numbers of an imzML file: name the .imzML file beside it"
    if path.suffix.lower() == ".srs":
        return (
            f"{path.name} is a series of OMNIC, which mffnb does not read: save it as a group (.spg), or read it by "
            "yourself (pip install spectrochempy-omnic; spectrochempy_omnic.OMNICReader(path).data) and pass the array"
        )
    if path.suffix.lower() == ".map" and starts_with(b"Spectral ")(path):  # JEOL has files of this suffix, too
        return (
            f"{path.name} is a map of OMNIC, which mffnb does not read: read it by yourself (pip install "
            "ftir-omnic-map-reader; ftir_map.read_omnic(path).to_xarray()['spectra']), compare the direction of its "
            "wavenumbers with OMNIC, and pass the array"
        )
    if path.suffix.lower() in (".ita", ".itm"):
        return (
            f"{path.name} is a file of ION-TOF SurfaceLab, which mffnb does not read: export it as imzML, or read it "
            "by yourself (pip install pySPM; pySPM.ITA(path)) and pass the array (y, x, peak)"
        )
    return None


def no_reader(path: Path) -> str:
    """Return the message for a suffix that no reader has."""
    return f"{path.name}: no reader for {path.suffix!r} files; {_EXPORT}"
