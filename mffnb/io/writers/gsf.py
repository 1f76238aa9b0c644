"""Writer of an abundance map in the Gwyddion simple field format (GSF)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mffnb.io.writer import Export, Writer, one_line
from mffnb.plots.labels import as_image, pixel_size

__all__ = ["GSF"]

# The format demands units without prefixes.
_METRES = {"m": 1.0, "cm": 1e-2, "mm": 1e-3, "µm": 1e-6, "μm": 1e-6, "um": 1e-6, "micron": 1e-6, "nm": 1e-9,
           "pm": 1e-12, "Å": 1e-10, "angstrom": 1e-10}  # fmt: skip


def write_gsf(export: Export, path: Path) -> None:
    """Write one map as float32, with its size in metres, its position and its name; a line scan is one row.

    Without a common unit of both axes, the size is in pixels.

    Raises
    ------
    ValueError
        If the map is a stack.
    """
    image = export.abundances[0]
    if image.ndim > 2:
        raise ValueError(
            f"a .gsf file holds one plane, and the maps have {image.ndim} dimensions ({', '.join(export.pixels)}): "
            "export them as .tif"
        )
    plane = as_image(image)
    rows, columns = plane.shape
    header: dict[str, object] = {"XRes": columns, "YRes": rows}
    size = pixel_size(plane)
    if size is not None:
        scale = _METRES.get(size[2], 1.0)
        first = [float(plane[name].min()) for name in plane.dims]
        corner = [start - step / 2 for start, step in zip(first, size[:2], strict=True)]
        header |= {
            "XReal": columns * size[1] * scale,
            "YReal": rows * size[0] * scale,
            "XOffset": corner[1] * scale,
            "YOffset": corner[0] * scale,
            "XYUnits": "m" if size[2] in _METRES else one_line(size[2]),
        }
    header["Title"] = one_line(export.labels[0])
    lines = ["Gwyddion Simple Field 1.0", *(f"{key} = {value}" for key, value in header.items()), ""]
    text = "\n".join(lines).encode()
    padding = b"\0" * (4 - len(text) % 4)  # one to four bytes, so that the data begin at a multiple of four
    path.write_bytes(text + padding + np.ascontiguousarray(plane.values, dtype="<f4").tobytes())


GSF = Writer("Gwyddion simple field", (".gsf",), write_gsf, "maps", per_component=True)
