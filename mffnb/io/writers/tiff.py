"""Writers of abundance maps as multi-page TIFF through tifffile: ImageJ hyperstacks and OME-TIFF."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from mffnb.io.ascii_text import ascii_text
from mffnb.io.writer import Export, Writer
from mffnb.plots.labels import pixel_size
from mffnb.typing import Array

__all__ = ["OME_TIFF", "TIFF"]

_OME_UNITS = {"um": "µm", "micron": "µm", "μm": "µm", "angstrom": "Å"}
_OME_KNOWN = ("µm", "nm", "mm", "cm", "m", "pm", "Å")
_LARGEST = 2**32 - 2**20  # bytes of a classic TIFF file; ImageJ reads no larger one with names


def write_imagej(export: Export, path: Path) -> None:
    """Write maps as an ImageJ hyperstack of float32: one channel for each component, with name and colour.

    Raises
    ------
    ValueError
        If tifffile is not installed, the maps have more than four dimensions, or the file exceeds 4 GB.
    """
    tifffile = _tifffile(path)
    images = _stack(export, "an ImageJ")
    if images.nbytes > _LARGEST:
        raise ValueError(f"maps of {images.nbytes / 1e9:.1f} GB are too large for ImageJ's format: export .ome.tif")
    size = pixel_size(export.abundances[0])
    planes = images.shape[0] * images.shape[1]
    names = [_latin(label) for label in export.labels]
    metadata: dict[str, Any] = {
        "axes": "TZCYX",
        "mode": "composite",
        "Labels": names * planes,
        "LUTs": [_table(color) for color in export.colors],
        "Ranges": tuple(limit for number in range(len(names)) for limit in _range(images[:, :, number])),
    }
    resolution = None
    if size is not None:
        metadata["unit"] = "um" if ascii_text(size[2]) in ("um", "micron") else ascii_text(size[2])
        resolution = (1 / size[1], 1 / size[0])
    depth = _depth(export)
    if depth is not None:
        metadata["spacing"] = depth
    tifffile.imwrite(path, images, imagej=True, metadata=metadata, resolution=resolution)


def write_ome(export: Export, path: Path) -> None:
    """Write maps as OME-TIFF of float32: one channel for each component, with name and colour.

    Raises
    ------
    ValueError
        If tifffile is not installed, or the maps have more than four dimensions.
    """
    tifffile = _tifffile(path)
    images = _stack(export, "an OME")
    metadata: dict[str, Any] = {
        "axes": "TZCYX",
        "Name": export.source,
        "Channel": {"Name": list(export.labels), "Color": [_signed_color(color) for color in export.colors]},
    }
    size = pixel_size(export.abundances[0])
    unit = None if size is None else _OME_UNITS.get(size[2], size[2])
    if size is not None and unit in _OME_KNOWN:
        metadata |= {
            "PhysicalSizeX": size[1], "PhysicalSizeXUnit": unit, "PhysicalSizeY": size[0], "PhysicalSizeYUnit": unit,
        }  # fmt: skip
        depth = _depth(export)
        metadata |= {} if depth is None else {"PhysicalSizeZ": depth, "PhysicalSizeZUnit": unit}
    tifffile.imwrite(path, images, ome=True, metadata=metadata, photometric="minisblack")


def _tifffile(path: Path) -> Any:
    try:
        import tifffile  # noqa: PLC0415  an optional dependency
    except ImportError:
        raise ValueError(f'writing {path.suffix} needs the tifffile package: pip install "mffnb[io]"') from None
    return tifffile


def _stack(export: Export, kind: str) -> Array:
    """Return the maps as (t, z, component, y, x) in float32; a line scan has one row."""
    pixels = len(export.pixels)
    if pixels > 4:
        raise ValueError(f"{kind} TIFF has up to four pixel dimensions, and the maps {pixels}: export .hf5 or save .nc")
    maps = export.abundances.values
    whole = maps.reshape(len(maps), *(1,) * (4 - pixels), *maps.shape[1:])
    return np.ascontiguousarray(np.moveaxis(whole, 0, 2), dtype=np.float32)


def _depth(export: Export) -> float | None:
    """Return the distance of the sections of a stack, if it is even and in the unit of the pixels."""
    maps = export.abundances[0]
    if maps.ndim < 3:
        return None
    section = maps.isel({name: 0 for name in maps.dims if name not in maps.dims[-3:-1]})
    size, plane = pixel_size(section), pixel_size(maps)
    return None if size is None or plane is None or size[2] != plane[2] else size[0]


def _range(images: Array) -> tuple[float, float]:
    """Return the range of values that ImageJ shows: from 0, or the lowest value, to the highest."""
    values = images[np.isfinite(images)]
    return (min(0.0, float(values.min())), float(values.max())) if values.size else (0.0, 1.0)


def _rgb(color: str) -> tuple[int, int, int]:
    red, green, blue = (int(color[i : i + 2], 16) for i in (1, 3, 5))
    return red, green, blue


def _table(color: str) -> Array:
    """Return the colour table of a component, (3, 256): from black to its colour."""
    return np.round(np.outer(_rgb(color), np.linspace(0, 1, 256))).astype(np.uint8)


def _signed_color(color: str) -> int:
    """Return a colour as OME stores it: RGBA in a signed 32-bit number."""
    red, green, blue = _rgb(color)
    value = (red << 24) | (green << 16) | (blue << 8) | 255
    return value - 2**32 if value >= 2**31 else value


def _latin(label: str) -> str:
    """Return a label in characters that ImageJ can show."""
    return ascii_text(label) or "component"


TIFF = Writer("TIFF (ImageJ)", (".tif", ".tiff"), write_imagej, "maps", extra="io")
OME_TIFF = Writer("OME-TIFF", (".ome.tif", ".ome.tiff"), write_ome, "maps", extra="io")
