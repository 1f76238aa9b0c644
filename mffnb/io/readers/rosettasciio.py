"""Reader of microscope files through the optional RosettaSciIO package."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray as xr

from mffnb.cubes.as_cube import as_cube, from_axes
from mffnb.io.choose import choose_dataset
from mffnb.io.reader import Reader

__all__ = ["ROSETTASCIIO"]


def read_rosettasciio(path: Path, dataset: str | None, _lazy: bool | None) -> xr.DataArray:
    """Read a signal with the first RosettaSciIO plug-in for this suffix that does not fail."""
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
        except Exception as error:  # plug-ins raise exceptions of all types; another plug-in may succeed
            failures.append(f"{plugin['name']}: {error}")
            continue
        names = {str(number): np.ndim(signal["data"]) for number, signal in enumerate(signals)}
        signal = signals[int(choose_dataset(path, names, dataset))]
        return as_cube(from_axes(np.asarray(signal["data"]), signal["axes"]))
    raise ValueError(f"{path.name} could not be read; " + "; ".join(failures))


ROSETTASCIIO = Reader("all formats of RosettaSciIO", (), read_rosettasciio, datasets="number", extra="io")
