"""Tools of the explorer, one per module: each function is a method of the explorer and a message of the page."""

# Written by tools/generate_names.py from the declarations in the modules: do not edit below the docstring.

from collections.abc import Callable
from typing import Any

from mffnb.widgets.tools import band, mean_spectrum, probe, residual_map


class ToolMethods:
    """Methods of the explorer, one for each tool."""

    band = band.band
    mean_spectrum = mean_spectrum.mean_spectrum
    probe = probe.probe
    residual_map = residual_map.residual_map


TOOLS: dict[str, Callable[..., Any]] = {
    "band": band.band,
    "mean_spectrum": mean_spectrum.mean_spectrum,
    "probe": probe.probe,
    "residual_map": residual_map.residual_map,
}
"""Functions that answer the messages of the page, by name."""
