"""Tools of the explorer, one per module: each function is a method of the explorer and a message of the page."""

# Written by tools/generate_names.py from the declarations in the modules: do not edit below the docstring.

from collections.abc import Callable
from typing import Any

from mffnb.widgets.tools import band, mean_spectrum, probe, region, rename, reproduce, residual_map, undo


class ToolMethods:
    """Methods of the explorer, one for each tool."""

    band = band.band
    code = reproduce.code
    drop_region = region.drop_region
    mean_spectrum = mean_spectrum.mean_spectrum
    probe = probe.probe
    redo = undo.redo
    region = region.region
    rename = rename.rename
    rerun = reproduce.rerun
    residual_map = residual_map.residual_map
    undo = undo.undo


TOOLS: dict[str, Callable[..., Any]] = {
    "band": band.band,
    "code": reproduce.code,
    "drop_region": region.drop_region,
    "mean_spectrum": mean_spectrum.mean_spectrum,
    "probe": probe.probe,
    "redo": undo.redo,
    "region": region.region,
    "rename": rename.rename,
    "rerun": reproduce.rerun,
    "residual_map": residual_map.residual_map,
    "undo": undo.undo,
}
"""Functions that answer the messages of the page, by name."""
