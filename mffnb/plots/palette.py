"""Component colours, distinguishable by colour-blind readers, for maps, spectra and figures."""

from __future__ import annotations

import colorsys

__all__ = ["component_colors"]

# The first six are the hues of Okabe and Ito without black and yellow; blue is lighter, to be visible on a dark map.
# Each further colour has the largest OKLab distance to all colours before it, for normal, protan and deutan vision,
# with a contrast of at least 2 to white and 3 to a dark tile.
_COLORS = (
    "#2b83d6",
    "#e69f00",
    "#009e73",
    "#cc79a7",
    "#d55e00",
    "#56b4e9",
    "#904e85",
    "#2c4eff",
    "#90bc85",
    "#c81637",
    "#de21bc",
    "#8590ff",
    "#436f4e",
    "#e9646f",
    "#f485c8",
    "#906f90",
    "#856fff",
    "#d38537",
    "#a600de",
    "#646fb1",
    "#c8006f",
    "#c84ede",
    "#f49b64",
    "#b17a4e",
)
_GOLDEN_RATIO = 0.618033988749895


def component_colors(k: int) -> list[str]:
    """Return colours for k components; each colour does not depend on k.

    Parameters
    ----------
    k : int
        Number of components. Up to 24 colours can be distinguished by colour-blind readers; beyond, hues follow
        golden-ratio steps.

    Returns
    -------
    list of str
        Hexadecimal colours that are visible on a white plot and on a dark map.

    Examples
    --------
    >>> component_colors(3)
    ['#2b83d6', '#e69f00', '#009e73']
    >>> component_colors(8)[:3] == component_colors(3)
    True
    """
    return [_COLORS[i] if i < len(_COLORS) else _extra_color(i) for i in range(k)]


def _extra_color(index: int) -> str:
    hue = (index * _GOLDEN_RATIO) % 1.0
    lightness = 0.45 if index % 2 else 0.58
    red, green, blue = colorsys.hls_to_rgb(hue, lightness, 0.6)
    return "#" + "".join(f"{round(255 * part):02x}" for part in (red, green, blue))
