"""Tools of the explorer, one per module: each function is a method of the explorer and a message of the page."""

# Written by tools/generate_names.py from the declarations in the modules: do not edit below the docstring.

from mffnb.widgets.tools import mean_spectrum


class ToolMethods:
    """Methods of the explorer, one for each tool."""

    mean_spectrum = mean_spectrum.mean_spectrum


TOOLS = {
    "mean_spectrum": mean_spectrum.mean_spectrum,
}
"""Functions that answer the messages of the page, by name."""
