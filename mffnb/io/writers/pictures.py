"""Writer of abundance maps as a picture with scale bars: PNG, PDF or SVG."""

from __future__ import annotations

from pathlib import Path

from mffnb.io.writer import Export, Writer

__all__ = ["PICTURE"]

_DPI = 200
_COLUMNS = 4


def write_picture(export: Export, path: Path) -> None:
    """Draw each map in the colour of its component, with a scale bar and a colour bar.

    Of a stack the middle section is shown, and a line of text says which one.
    """
    from matplotlib.figure import Figure  # noqa: PLC0415  slow import

    from mffnb.plots.labels import as_image, pixel_coordinate, pixel_label  # noqa: PLC0415
    from mffnb.plots.maps import draw_map, draw_scale_bar  # noqa: PLC0415  imports matplotlib

    maps, k = export.abundances, len(export.labels)
    plane = as_image(maps[0])
    columns = min(k, _COLUMNS)
    rows = -(-k // columns)
    tall = min(2.0, max(0.25, plane.shape[0] / plane.shape[1]))
    figure = Figure(figsize=(3.0 * columns, rows * (2.3 * tall + 0.5) + 0.2), layout="constrained")
    for number, ax in enumerate(figure.subplots(rows, columns, squeeze=False).flat):
        if number >= k:
            ax.axis("off")
            continue
        draw_map(maps[number], ax, color=export.colors[number], title=export.labels[number])
        if plane.shape[0] > 1:  # a line scan keeps its axis
            draw_scale_bar(maps[number], ax)
    cut = []
    for name in maps.dims[1:-2]:
        middle, where = maps.sizes[name] // 2, pixel_coordinate(maps, name)
        position = f"number {middle}" if where is None else f"{where[middle]:.4g}"
        cut.append(f"{pixel_label(maps, name)} {position}")
    if cut:
        figure.suptitle(f"section at {', '.join(cut)}", fontsize="medium")
    figure.savefig(path, dpi=_DPI)


PICTURE = Writer("picture", (".png", ".pdf", ".svg"), write_picture, "maps")
