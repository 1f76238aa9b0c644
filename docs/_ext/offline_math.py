"""Formulas as inline drawings made by matplotlib: no network, no LaTeX, the colour of the text around them."""

from __future__ import annotations

import html
import re
from functools import cache
from typing import Any

from docutils import nodes
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath
from sphinx.errors import SphinxError

UNITS_PER_EM = 100
"""Size of the font in which formulas are drawn, in units of the drawing."""

SAME = {
    r"\tfrac": r"\frac",
    r"\dfrac": r"\frac",
    r"\lVert": r"\Vert",
    r"\rVert": r"\Vert",
    r"\lvert": "|",
    r"\rvert": "|",
}
"""Commands of LaTeX that matplotlib does not have, and the ones that are drawn for them."""


def setup(app: Any) -> dict[str, Any]:
    """Register the renderer under the name ``mathtext``."""
    app.add_html_math_renderer("mathtext", (_inline, None), (_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}


@cache
def drawing(formula: str) -> str:
    """Draw one line of a formula as SVG, aligned with the base line of the text.

    >>> drawing("x^2").startswith('<svg class="formula" role="img" aria-label="x^2"')
    True
    """
    source = " ".join(formula.split())
    for command, other in SAME.items():
        source = re.sub(re.escape(command) + r"(?![A-Za-z])", lambda _, other=other: other, source)
    try:
        path = TextPath((0, 0), f"${source}$", size=UNITS_PER_EM, prop=FontProperties(math_fontfamily="dejavuserif"))
    except ValueError as error:
        raise SphinxError(f"formula {formula!r} cannot be drawn: write it with the commands of matplotlib") from error
    box = path.get_extents()
    # One unit of room on each side. The vertical axis of SVG points down.
    left, top, width, height = box.x0 - 1, -box.y1 - 1, box.width + 2, box.height + 2
    lines = _commands(path)
    return (
        f'<svg class="formula" role="img" aria-label="{html.escape(source)}" '
        f'viewBox="{left:.0f} {top:.0f} {width:.0f} {height:.0f}" '
        f'style="width: {width / UNITS_PER_EM:.2f}em; height: {height / UNITS_PER_EM:.2f}em; '
        f'vertical-align: {(box.y0 - 1) / UNITS_PER_EM:.2f}em"><path fill="currentColor" d="{lines}"/></svg>'
    )


def _commands(path: TextPath) -> str:
    letters = {1: "M", 2: "L", 3: "Q", 4: "C", 79: "Z"}
    parts = []
    for points, code in path.iter_segments(curves=True, simplify=False):
        numbers = [] if code == 79 else [f"{value:.0f}" for value in points * ([1, -1] * (len(points) // 2))]
        parts.append(letters[int(code)] + " ".join(numbers))
    return "".join(parts)


def _inline(translator: Any, node: nodes.math) -> None:
    translator.body.append(drawing(node.astext()))
    raise nodes.SkipNode


def _block(translator: Any, node: nodes.math_block) -> None:
    lines = [line for line in re.split(r"\\\\|\n\n", node.astext()) if line.strip()]
    drawn = "<br>".join(drawing(line.replace("&", "")) for line in lines)
    translator.body.append(f'<div class="formula-block" tabindex="0">{drawn}</div>')
    raise nodes.SkipNode
