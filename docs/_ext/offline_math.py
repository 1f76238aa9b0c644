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

SAME = (
    (r"\\begin{cases}(.*?)&(.*?)\\\\(.*?)&(.*?)\\end{cases}", r"\1\\quad(\2),\\quad \3\\quad(\4)"),
    (r"\\[td]frac(?![A-Za-z])", r"\\frac"),
    (r"\\frac(\w)(\w)", r"\\frac{\1}{\2}"),
    (r"\\mathcal\s+(\w)", r"\\mathcal{\1}"),
    (r"\\sqrt\s*(\w)", r"\\sqrt{\1}"),
    (r"\\([gl]e)(?![A-Za-z])", r"\\\1q"),
    (r"\\[lr]Vert(?![A-Za-z])", r"\\Vert"),
    (r"\\[lr]vert(?![A-Za-z])", "|"),
    (r"\\Bigl(?![A-Za-z])", r"\\left"),
    (r"\\Bigr(?![A-Za-z])", r"\\right"),
    (r"\\(?:big[lr]|Big|textstyle)(?![A-Za-z])", ""),
)
"""Patterns of LaTeX that matplotlib does not have, and what is drawn for them."""


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
    for pattern, other in SAME:
        source = re.sub(pattern, other, source)
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
    formulas = re.split(r"\n\n", node.astext())
    drawn = "<br>".join(drawing(formula) for formula in formulas if formula.strip())
    translator.body.append(f'<div class="formula-block" tabindex="0">{drawn}</div>')
    raise nodes.SkipNode
