"""Pages of the tutorials: the notebooks with their stored outputs, and a gallery of them."""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image

WIDGET = "application/vnd.jupyter.widget-view+json"
WIDTH = 480
"""Width of the pictures of the gallery."""

HIDDEN = "remove-cell"
"""Tag of cells that test a notebook and teach nothing: JupyterLab folds them, the site leaves them out."""

Linked = Callable[[str], str]
Notebook = dict[str, Any]


def write_all(notebooks: Path, folder: Path, linked: Linked, write: Any) -> None:
    """Write the notebooks of the table in their README, and the gallery, into a folder.

    ``linked`` corrects the links of a text, ``write(path, text)`` writes a page.
    """
    rows = re.findall(r"^\| `(\w+)\.ipynb` \| (.+?) \| (.+?) \|$", (notebooks / "README.md").read_text("utf-8"), re.M)
    cards = []
    for name, text, minutes in rows:
        notebook = json.loads((notebooks / f"{name}.ipynb").read_text(encoding="utf-8"))
        _thumbnail(notebook, folder / "pictures" / f"{name}.png")
        cards += _card(name, _title(notebook), text, minutes)
        write(folder / f"{name}.ipynb", _page(notebook, linked))
    write(folder / "index.md", _gallery([name for name, *_ in rows], cards))


def _title(notebook: Notebook) -> str:
    return "".join(notebook["cells"][0]["source"]).partition("\n")[0].removeprefix("# ")


def _thumbnail(notebook: Notebook, path: Path) -> None:
    outputs = [output.get("data", {}) for cell in notebook["cells"] for output in cell.get("outputs", [])]
    drawn = [data["image/png"] for data in outputs if "image/png" in data and WIDGET not in data]
    with Image.open(io.BytesIO(base64.b64decode("".join(drawn[0])))) as picture:
        small = picture.convert("RGB")
    small.thumbnail((WIDTH, 4 * WIDTH))
    small = small.crop((0, 0, small.width, min(small.height, WIDTH * 5 // 8)))
    path.parent.mkdir(parents=True, exist_ok=True)
    small.save(path)


def _card(name: str, title: str, text: str, minutes: str) -> list[str]:
    return [
        f":::{{grid-item-card}} {title}",
        f":link: {name}",
        ":link-type: doc",
        f":img-top: pictures/{name}.png",
        f":img-alt: First figure of the tutorial: {title}",
        "",
        f"{text[0].upper()}{text[1:]}. ({minutes})",
        ":::",
        "",
    ]


def _gallery(names: list[str], cards: list[str]) -> str:
    head = [
        "# Tutorials",
        "",
        "`mffnb lab` opens these notebooks in JupyterLab. There the explorer is live; here it is a picture.",
        "",
        "::::{grid} 1 2 2 3",
        ":gutter: 3",
        "",
    ]
    tree = ["```{toctree}", ":hidden:", ":maxdepth: 1", "", *names, "```", ""]
    return "\n".join([*head, *cards, "::::", "", *tree])


def _page(notebook: Notebook, linked: Linked) -> str:
    heading = _title(notebook)
    notebook["cells"] = [cell for cell in notebook["cells"] if HIDDEN not in cell["metadata"].get("tags", [])]
    for cell in notebook["cells"]:
        text = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            heading = next(iter(re.findall(r"^#+ (.+)$", text, re.M)), heading)
            cell["source"] = linked(text)
        else:
            alt = f"Figure of the section: {heading}"
            cell["metadata"] = {"mystnb": {"image": {"alt": alt}}}
            cell["outputs"] = [still for output in cell["outputs"] if (still := _still(output))]
    notebook["metadata"].pop("widgets", None)
    return json.dumps(notebook, ensure_ascii=False, indent=1) + "\n"


def _still(output: dict[str, Any]) -> dict[str, Any] | None:
    """Output without a live widget: the picture that is stored beside it, or None if there is none."""
    data = output.get("data", {})
    if WIDGET not in data:
        return output
    kept = {kind: value for kind, value in data.items() if kind.startswith("image/")}
    return {**output, "data": kept} if kept else None
