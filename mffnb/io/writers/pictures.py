"""Writer of abundance maps as a picture with scale bars: PNG, PDF or SVG."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mffnb.io.writer import Export, Writer

__all__ = ["PICTURE"]

_DPI = 200
_COLUMNS = 4
_WIDTH = 2.75  # inches of a map


def write_picture(export: Export, path: Path) -> None:
    """Draw the maps with scale bars, and write the figure in the format of the suffix."""
    maps_figure(export).savefig(path, dpi=_DPI)


def maps_figure(export: Export, *, dark: bool = False) -> Any:
    """Draw each map in the colour of its component, with a scale bar and a colour bar.

    Of a stack the middle section is shown, and a line of text says which one.

    Parameters
    ----------
    export
        The result.
    dark
        Whether the figure is for a dark page.
    """
    from matplotlib.figure import Figure  # noqa: PLC0415  slow import

    from mffnb.plots.dark import on_dark  # noqa: PLC0415  imports matplotlib
    from mffnb.plots.labels import as_image, pixel_coordinate, pixel_label  # noqa: PLC0415
    from mffnb.plots.maps import draw_map, draw_scale_bar  # noqa: PLC0415  imports matplotlib

    maps, k = export.abundances, len(export.labels)
    plane = as_image(maps[0])
    columns = min(k, _COLUMNS)
    rows = -(-k // columns)
    tall = min(2.0, max(0.25, plane.shape[0] / plane.shape[1]))
    figure = Figure(figsize=(_WIDTH * columns, rows * (2.3 * tall + 0.5) + 0.2), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for number, ax in enumerate(axes):
        if number >= k:
            ax.axis("off")
            continue
        draw_map(maps[number], ax, color=export.colors[number], title=export.labels[number])
    cut = []
    for name in maps.dims[1:-2]:
        middle, where = maps.sizes[name] // 2, pixel_coordinate(maps, name)
        position = f"number {middle}" if where is None else f"{where[middle]:.4g}"
        cut.append(f"{pixel_label(maps, name)} {position}")
    if cut:
        figure.suptitle(f"section at {', '.join(cut)}", fontsize="medium")
    if dark:
        on_dark(figure)  # before the scale bars, which are white on the maps in both cases
    if plane.shape[0] > 1:  # a line scan keeps its axis
        for image, ax in zip(maps, axes, strict=False):
            draw_scale_bar(image, ax)
    return figure


PICTURE = Writer("picture", (".png", ".pdf", ".svg"), write_picture, "maps")
