"""Read microscope files through RosettaSciIO, an optional extra."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray as xr

from mffnb.cubes.as_cube import as_cube, from_axes
from mffnb.io.choose import _choose


def _read_rosettasciio(path: Path, wanted: str | None) -> xr.DataArray:
    try:
        from rsciio import IO_PLUGINS  # noqa: PLC0415  an extra
    except ImportError:
        raise ValueError(f'reading {path.suffix or "this"} files needs RosettaSciIO: pip install "mffnb[io]"') from None
    import importlib  # noqa: PLC0415

    suffix = path.suffix.lower().lstrip(".")
    plugins = [plugin for plugin in IO_PLUGINS if suffix in plugin["file_extensions"]]
    if not plugins:
        raise ValueError(f"{path.name}: no reader for {path.suffix!r} files; save it as .npy, .nc, .h5 or .hspy")
    failures = []
    for plugin in plugins:
        try:
            signals = importlib.import_module(plugin["api"]).file_reader(str(path))
        except Exception as error:  # readers raise what they like; the next one may do
            failures.append(f"{plugin['name']}: {error}")
            continue
        names = {str(number): np.ndim(signal["data"]) for number, signal in enumerate(signals)}
        signal = signals[int(_choose(path, names, wanted))]
        return as_cube(from_axes(np.asarray(signal["data"]), signal["axes"]))
    raise ValueError(f"{path.name} could not be read; " + "; ".join(failures))
