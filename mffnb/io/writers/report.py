"""Writer of a result as one HTML page without network access: maps, spectra, residual, settings, code, warnings."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Iterator, Mapping
from html import escape
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from mffnb.io.writer import Export, Writer, coordinate, units_of
from mffnb.io.writers.pictures import maps_figure
from mffnb.plots.labels import axis_label, with_units

__all__ = ["REPORT"]

_LARGEST = 3_000_000  # bytes of a page
_DPI = (144, 110, 84, 64, 48)
_CSS_DPI = 96  # pixels of the page for an inch of a figure, so that the small text of figures has 11 pixels
_LONGEST = 600  # characters of a setting
_STYLE = """
:root { color-scheme: light dark; --paper: #ffffff; --ink: #1b1f24; --soft: #57606a; --line: #d0d7de; --box: #f6f8fa;
  --warn: #fff4d6; --edge: #9a6700; }
@media (prefers-color-scheme: dark) { :root { --paper: #15181d; --ink: #e6e8eb; --soft: #a3abb5; --line: #3a414b;
  --box: #1e232a; --warn: #382c0c; --edge: #e0b341; } }
body { margin: 0 auto; padding: 1.5rem; max-width: 70rem; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; margin: 0; overflow-wrap: anywhere; } h2 { font-size: 1.2rem; margin: 2rem 0 .5rem; }
.facts, footer, figcaption { color: var(--soft); } figure { margin: 0; } .figure { overflow-x: auto; }
.figure:focus-visible, pre:focus-visible { outline: 2px solid var(--edge); }
img { display: block; height: auto; } pre { background: var(--box); border: 1px solid var(--line); padding: .8rem;
  overflow-x: auto; font-size: .9rem; }
.warnings { background: var(--warn); border-left: 4px solid var(--edge); padding: .5rem 1rem .5rem 2rem; }
table { border-collapse: collapse; width: 100%; } th, td { text-align: left; padding: .3rem .8rem .3rem 0;
  border-bottom: 1px solid var(--line); vertical-align: top; overflow-wrap: anywhere; }
td.number { font-variant-numeric: tabular-nums; } .swatch { display: inline-block; width: .8em; height: .8em;
  margin-right: .5em; border: 1px solid var(--soft); }
footer { margin-top: 2rem; border-top: 1px solid var(--line); padding-top: .5rem; }
@media print { .figure { overflow: visible; } img { max-width: 100%; } }
"""


def write_report(export: Export, path: Path) -> None:
    """Write one page of at most 3 MB that loads nothing from elsewhere, for light and dark screens.

    Figures get fewer pixels where the page would be larger.

    Raises
    ------
    ValueError
        If the page is larger than 3 MB with the smallest figures.
    """
    figures = dict(_figures(export))
    for dpi in _DPI:
        page = _page(export, {name: _images(draw, dpi) for name, draw in figures.items()}).encode()
        if len(page) <= _LARGEST:
            path.write_bytes(page)
            return
    raise ValueError(
        f"a report of {len(export.labels)} components has {len(page) / 1e6:.1f} MB, and at most 3 are written: "
        "export the maps as .tif and the spectra as .csv"
    )


def _figures(export: Export) -> Iterator[tuple[str, Callable[[bool], Any]]]:
    """Yield name and function of each figure; the function draws it for a light or a dark page."""
    yield "maps", lambda dark: maps_figure(export, dark=dark)
    yield "spectra", lambda dark: _adapted(_spectra_figure(export), dark)
    try:
        missed = export.residual()
    except ValueError:
        return  # the result does not hold its data
    yield "residual", lambda dark: _residual_figure(export, missed, dark)


def _spectra_figure(export: Export) -> Any:
    from matplotlib.figure import Figure  # noqa: PLC0415  slow import

    from mffnb.plots.spectra import draw_spectra  # noqa: PLC0415  imports matplotlib

    figure = Figure(figsize=(11.0, 0.9 + 0.8 * len(export.labels)), layout="constrained")
    band = None if export.lower is None or export.upper is None else (export.lower, export.upper)
    draw_spectra(export.endmembers, figure.subplots(), colors=export.colors, labels=export.labels, band=band)
    return figure


def _residual_figure(export: Export, missed: Any, dark: bool) -> Any:
    from mffnb.plots.figures import residuals  # noqa: PLC0415  imports matplotlib

    class Fit:
        endmembers, abundances = export.endmembers, export.abundances

        def residual(self, cube: Any = None) -> Any:
            return missed

    figure = residuals(Fit())
    if dark:  # the mean is then a pale line on its band
        for drawn in figure.axes[1].collections:
            drawn.set_color("0.35")
        legend = figure.axes[1].get_legend()
        for patch in legend.get_patches() if legend is not None else ():
            patch.set_color("0.35")
    return _adapted(figure, dark)


def _adapted(figure: Any, dark: bool) -> Any:
    from mffnb.plots.dark import on_dark  # noqa: PLC0415  imports matplotlib

    return on_dark(figure) if dark else figure


def _images(draw: Callable[[bool], Any], dpi: int) -> tuple[str, str, int]:
    """Return a figure for a light and for a dark page as data addresses, and its width in pixels of the page."""
    addresses, width = [], 0
    for dark in (False, True):
        figure, buffer = draw(dark), io.BytesIO()
        figure.savefig(buffer, format="png", dpi=dpi)
        addresses.append("data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode())
        width = round(figure.get_figwidth() * _CSS_DPI)
    return addresses[0], addresses[1], width


def _page(export: Export, images: Mapping[str, tuple[str, str, int]]) -> str:
    """Return the whole page as text."""
    title, names = escape(export.source), ", ".join(export.labels)
    band = f" Pale: {export.band}." if export.band else ""
    about = {
        "maps": ("Maps", f"Abundance maps of {names}.", "Each map in the colour of its component, with its scale."),
        "spectra": ("Spectra", f"Endmember spectra of {names}, stacked.", f"Each scaled to its maximum.{band}"),
        "residual": (
            "Residual",
            "Left: map of the root mean square residual. Right: mean residual over pixels with its standard deviation.",
            "Data minus model. A good model leaves noise: no structure of the sample in the map, no peaks in the mean.",
        ),
    }
    parts = [_figure(*about[name], *image) for name, image in images.items()]
    if "residual" not in images:
        parts.append("<h2>Residual</h2><p>The result was loaded from a file and does not hold its data.</p>")
    return "\n".join(
        [
            '<!doctype html><html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            # The browser then refuses any access to the network.
            '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; img-src data:; '
            "style-src 'unsafe-inline'\">",
            f"<title>{title}: unmixing report</title><style>{_STYLE}</style></head><body><main>",
            f"<h1>{title}</h1>",
            f'<p class="facts">{escape(_facts(export))}</p>',
            _warnings(export),
            *parts,
            _components(export),
            _settings(export),
            f'<h2>Code</h2><pre tabindex="0" aria-label="Code that repeats the run"><code>{escape(export.code)}'
            "</code></pre>",
            f"</main><footer>Written by mffnb {escape(metadata.version('mffnb'))}.</footer></body></html>",
        ]
    )


def _facts(export: Export) -> str:
    def sizes(array: Any) -> str:
        return " x ".join(f"{name} {array.sizes[name]}" for name in array.dims[1:])

    return (
        f"{len(export.labels)} components; maps of {sizes(export.abundances)}; spectra of {sizes(export.endmembers)}; "
        f"{export.outcome}"
    )


def _warnings(export: Export) -> str:
    if not export.notes:
        return "<p>The run raised no warnings.</p>"
    items = "".join(f"<li>{escape(note)}</li>" for note in dict.fromkeys(export.notes))
    return f'<ul class="warnings" aria-label="Warnings">{items}</ul>'


def _figure(title: str, alt: str, caption: str, light: str, dark: str, width: int) -> str:
    # A region that scrolls must be reached by keyboard.
    return (
        f'<h2>{title}</h2><figure><div class="figure" tabindex="0" role="group" aria-label="{title}, figure"><picture>'
        f'<source media="(prefers-color-scheme: dark)" srcset="{dark}">'
        f'<img src="{light}" width="{width}" alt="{escape(alt)}"></picture></div>'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )


def _components(export: Export) -> str:
    """Return a table of the components: mean abundance, and position and height of the maximum of the spectrum."""
    spectra = export.endmembers
    place = axis_label(spectra, spectra.dims[1]) if len(export.channels) == 1 else "channel"
    rows = []
    for number, (label, color) in enumerate(zip(export.labels, export.colors, strict=True)):
        values, mean = spectra.values[number].ravel(), float(np.nanmean(export.abundances.values[number]))
        if np.isfinite(values).any():
            top = int(np.nanargmax(values))
            where = coordinate(spectra, spectra.dims[1])[top] if len(export.channels) == 1 else top
            height = f"{values[top]:.4g}"
        else:
            where, height = "", ""
        where = f"{where:.6g}" if isinstance(where, (int, float, np.number)) else str(where)
        rows.append(
            f'<tr><td><span class="swatch" style="background:{escape(color)}"></span>{escape(label)}</td>'
            f'<td class="number">{mean:.4f}</td><td class="number">{escape(where)}</td>'
            f'<td class="number">{height}</td></tr>'
        )
    head = ("component", "mean abundance", f"maximum at {place}", with_units("height", units_of(spectra)))
    return f"<h2>Components</h2>{_table(head, rows)}"


def _settings(export: Export) -> str:
    def text(value: Any) -> str:
        if isinstance(value, Mapping):
            value = ", ".join(f"{name} {one}" for name, one in value.items())
        whole = ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
        whole = whole or "none"
        return whole if len(whole) <= _LONGEST else f"{whole[:_LONGEST]} ... ({len(whole)} characters)"

    rows = [
        f"<tr><td>{escape(str(name))}</td><td>{escape(text(value))}</td></tr>"
        for name, value in export.parameters.items()
        if name != "warnings"
    ]
    return f"<h2>Settings</h2>{_table(('setting', 'value'), rows)}"


def _table(head: tuple[str, ...], rows: list[str]) -> str:
    cells = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in head)
    return f"<table><thead><tr>{cells}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


REPORT = Writer("report", (".html",), write_report, "result", bands=True)
