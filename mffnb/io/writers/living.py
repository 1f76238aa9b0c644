"""Writer of a living figure: one HTML page with the live view, the data, and a solver that its reader can run.

The script of the page is ``js/src/living.ts``; the solver is the least-squares one of this package.
"""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from collections.abc import Mapping
from html import escape
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from mffnb.graphs import bands
from mffnb.io.living_data import MORE, LivingData, quantised, reductions
from mffnb.io.writer import Export, Writer, units_of
from mffnb.knobs import knobs
from mffnb.penalties import Smoothness, Sparsity
from mffnb.plots.labels import channel_coordinate, channel_label, pixel_size, with_units
from mffnb.plots.palette import component_colors
from mffnb.typing import Array

__all__ = ["LIVING_FIGURE"]

_LARGEST = 8_000_000  # bytes of a page
_MOST_ENTRIES = 2**23  # of the data: one pass of the page's solver over more of them takes too long for a slider
_ALIGNMENT = 8  # bytes; typed arrays of the page begin at a multiple of the size of their elements
_SCRIPT = Path(__file__).parent / "static" / "living.js"
_COLOR_MAPS = ("viridis", "cividis", "gray")
_ELSE = "export it as a report, .html"


def write_living_figure(export: Export, path: Path) -> None:
    """Write one page of at most 8 MB in which a reader moves k, sparsity and smoothness without Python or network.

    The data are averaged over channels, then over pixels, until the page is small enough.

    Raises
    ------
    ValueError
        If the solver of the page does not minimise the objective of the result, or the data are no image of spectra.
    """
    _check_model(export)
    data = _data(export)
    for pixels, channels in reductions(data.cube.shape[:2], data.cube.shape[2]):
        blocks = (
            -(-data.cube.shape[0] // pixels) * -(-data.cube.shape[1] // pixels) * -(-data.cube.shape[2] // channels)
        )
        if blocks > _MOST_ENTRIES:
            continue
        page = _page(export, data.averaged(pixels, channels), pixels, channels).encode()
        if len(page) <= _LARGEST:
            path.write_bytes(page)
            return
    raise ValueError(f"a living figure of these data has more than {_LARGEST / 1e6:.0f} MB: crop the cube, or {_ELSE}")


def _check_model(export: Export) -> None:
    """Refuse a result whose objective the solver of the page does not know."""
    settings = export.parameters
    no_least_squares = settings.get("similarity") not in ("frobenius", "Frobenius()")
    for refused, what, cure in (
        (no_least_squares, f"similarity={settings.get('similarity')!r}", "unmix with similarity='frobenius'"),
        (settings.get("transform") not in (None, "identity"), "a transformation", "unmix without transform="),
        (bool(settings.get("preprocess")), "preprocessing", "preprocess the cube before mf.unmix"),
        (export.gain is not None or bool(settings.get("gain")), "a gain of each pixel", "unmix without gain"),
        (bool(settings.get("sum_to_one")), "sum_to_one", "unmix without it"),
        (bool(settings.get("volume")), "a volume penalty", "unmix without volume="),
        (bool(settings.get("known")), "known spectra", "unmix without known="),
        (bool(settings.get("fixed")), "fixed abundances", "unmix without them"),
        (settings.get("weights") is not None, "weights", "unmix without weights="),
        (bool(settings.get("terms")), f"the terms {', '.join(settings.get('terms') or ())}", "unmix without them"),
        (settings.get("k") != len(export.labels), "hidden components", "show all components"),
    ):
        if refused:
            raise ValueError(
                "a living figure solves least squares with non-negative factors, sparsity and smoothness, and this "
                f"result has {what}: {cure}, or {_ELSE}"
            )


def _data(export: Export) -> LivingData:
    """Return data and factors with two pixel dimensions and one channel dimension, without unused channels."""
    if len(export.channels) != 1 or len(export.pixels) > 2:
        raise ValueError(
            "a living figure shows an image or a line of spectra, and this result has the pixel dimensions "
            f"({', '.join(export.pixels)}) and the channel dimensions ({', '.join(export.channels)}): "
            f"unmix one section, or {_ELSE}"
        )
    cube = np.asarray(export.data().transpose(*export.pixels, *export.channels).values, dtype=np.float64)
    used = np.isfinite(export.endmembers.values).all(axis=0)
    cube, endmembers = cube[..., used], export.endmembers.values[:, used]
    maps = export.abundances.values
    missing = int(np.count_nonzero(~np.isfinite(cube).all(axis=-1) | ~np.isfinite(maps).all(axis=0)))
    if missing:
        raise ValueError(
            f"a living figure needs all pixels, and {missing} are masked or have missing values: "
            f"crop the cube to a rectangle without them, or {_ELSE}"
        )
    rows = (1,) if cube.ndim == 2 else ()  # a line of spectra is one row
    return LivingData(
        cube.reshape(*rows, *cube.shape),
        np.asarray(maps, dtype=np.float64).reshape(len(maps), *rows, *maps.shape[1:]),
        np.asarray(endmembers, dtype=np.float64),
        np.asarray(channel_coordinate(export.endmembers), dtype=np.float64)[used],
    )


def _page(export: Export, data: LivingData, pixels: int, channels: int) -> str:
    """Return the whole page as text."""
    block = _Block()
    facts = json.dumps(_facts(export, data, pixels, channels, block), ensure_ascii=False, allow_nan=False)
    script = _SCRIPT.read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    # The browser then refuses any access to the network, and any other script.
    policy = (
        f"default-src 'none'; script-src 'sha256-{digest}' blob:; worker-src blob:; style-src 'unsafe-inline'; "
        "img-src data: blob:"
    )
    title = escape(export.source)
    return "\n".join(
        [
            '<!doctype html><html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
            f"<title>{title}: living figure</title></head><body><main>",
            f"<h1>{title}</h1>",
            f'<p class="mffnb-living-facts">{escape(_sentence(data, pixels, channels))}</p>',
            '<div class="mffnb-living-controls" id="controls" role="group" aria-label="Settings of the solver"></div>',
            '<div id="view"><noscript>The figure needs JavaScript; it loads nothing from elsewhere.</noscript></div>',
            "<details><summary>Code of the published result</summary>",
            '<pre tabindex="0" aria-label="Code that repeats the run">',
            f"<code>{escape(export.code)}</code></pre></details>",
            _warnings(export),
            f"</main><footer>Written by mffnb {escape(metadata.version('mffnb'))}.",
            "The solver runs in this page: nothing is loaded or sent.</footer>",
            f'<script type="application/json" id="facts">{facts.replace("<", chr(92) + "u003c")}</script>',
            f'<script type="application/octet-stream" id="arrays">{block.packed()}</script>',
            f"<script>{script}</script></body></html>",
        ]
    )


def _sentence(data: LivingData, pixels: int, channels: int) -> str:
    height, width, count = data.cube.shape
    averaged = [f"{pixels} x {pixels} pixels"] * (pixels > 1) + [f"{channels} channels"] * (channels > 1)
    note = f" The data are means over {' and over '.join(averaged)}." if averaged else ""
    return (
        f"{height} x {width} pixels, {count} channels, least squares with non-negative maps and spectra. "
        f"Move the sliders to solve again in this page.{note}"
    )


def _warnings(export: Export) -> str:
    items = "".join(f"<li>{escape(note)}</li>" for note in dict.fromkeys(export.notes))
    return f"<details><summary>Warnings of the run</summary><ul>{items}</ul></details>" if items else ""


class _Block:
    """Arrays of a page, one after the other in one block of bytes."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0
        self.listed: list[dict[str, Any]] = []

    def add(self, name: str, values: Array) -> None:
        """Append an array of uint8, uint16, int16 or float32."""
        little = np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("<"))
        content = little.tobytes()
        self.listed.append({"name": name, "type": values.dtype.name, "first": self._size, "length": values.size})
        padding = -len(content) % _ALIGNMENT
        self._parts += [content, b"\0" * padding]
        self._size += len(content) + padding

    def packed(self) -> str:
        """Return the block, compressed by zlib, as base64."""
        return base64.b64encode(zlib.compress(b"".join(self._parts), 9)).decode()


def _facts(export: Export, data: LivingData, pixels: int, channels: int, block: _Block) -> dict[str, Any]:
    """Return what ``Facts`` of ``js/src/living/facts.ts`` describes, and put the arrays into the block."""
    (height, width, count), k = data.cube.shape, len(export.labels)
    codes, step = quantised(data.cube, pixels * pixels * channels)
    most = max(k, min(k + MORE, height * width, count))
    A, E = data.starts(most)
    for name, values in (("codes", codes), ("channel", data.channel.astype(np.float32)), ("A", A), ("E", E)):
        block.add(name, values)
    for name, table in _color_tables().items():
        block.add(f"table_{name}", table)
    size = pixel_size(export.abundances[0])
    settings = export.parameters
    shares = np.linalg.norm(E[:k], axis=1) * A[:k].sum(axis=1)
    return {
        "shape": [height, width],
        "bands": bands((width,) if height == 1 and len(export.pixels) == 1 else (height, width)).tolist(),
        "labels": [*export.labels, *(f"component {number}" for number in range(k, most))],
        "colors": [*export.colors, *component_colors(most)[k:]],
        "ranked": np.argsort(-shares, kind="stable").tolist(),
        "channel_label": channel_label(export.endmembers),
        "intensity_label": with_units(
            str(export.endmembers.attrs.get("long_name", "intensity")), units_of(export.endmembers)
        ),
        "pixel_size": None if size is None else [size[0] * pixels, size[1] * pixels, size[2]],
        "settings": {"k": k, **{name: float(settings.get(name, 0.0)) for name in ("sparsity", "smoothness")}},
        "outcome": export.outcome.split(":")[0],
        "sparsity": _limits(Sparsity),
        "smoothness": _limits(Smoothness),
        "tolerance": float(settings.get("tol", 1e-4)),
        "iterations": int(settings.get("max_iter", 500)),
        "step": step,
        "arrays": block.listed,
    }


def _limits(penalty: type) -> Mapping[str, float]:
    """Return the ends of the slider of a penalty."""
    (weight,) = knobs(penalty)
    return {"low": weight.low, "high": weight.high}


def _color_tables() -> dict[str, Array]:
    """Return red, green and blue of 256 steps for each colour map, (256, 3)."""
    from matplotlib import colormaps  # noqa: PLC0415  slow import

    steps = np.arange(256)
    return {name: np.asarray(colormaps[name](steps, bytes=True))[:, :3].astype(np.uint8) for name in _COLOR_MAPS}


LIVING_FIGURE = Writer("living figure", (".living.html",), write_living_figure, "result")
