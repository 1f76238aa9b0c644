"""Pages of the reference that are made from the code: public names, command line, errors and warnings."""

from __future__ import annotations

import argparse
import importlib
import inspect
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import part_steps  # noqa: F401  registers its pictures
from part_pictures import images

from mffnb import errors
from mffnb._names import MODULES_OF, WINGS
from mffnb.cli.command_line import _parser

OF_MFFNB = {
    "mffnb.similarities": "Similarities",
    "mffnb.penalties": "Penalties",
    "mffnb.constraints": "Constraints",
    "mffnb": "Functions, results and widgets",
}
"""Groups of the names of ``mffnb`` itself by the package that defines them; the last one takes the rest."""

TITLES = {
    "datasets": "Example data",
    "errors": "Handling of warnings",
    "geometry": "Geometry",
    "graphs": "Graphs of pixels",
    "identification": "Identification",
    "io": "Files",
    "matrices": "Storage of the data",
    "parallel": "Parallel runs",
    "plots": "Figures",
    "preprocessing": "Preprocessing steps",
    "presets": "Named methods",
    "selection": "Number of components and uncertainty",
    "tuning": "Hyperparameter search",
}


def pages() -> dict[str, str]:
    """Texts of all pages by their name."""
    groups = list(_groups())
    listing = {
        "names": _page("Python functions and classes", ["Every public name, with an example.", "", *_tree(groups)]),
        **{name: _page(title, [text, "", *_summary(names), *_gallery(names)]) for name, title, text, names in groups},
    }
    return {**listing, "command_line": _command_line(), "errors_and_warnings": _errors()}


def public_names() -> list[str]:
    """All public names, dotted.

    >>> "mffnb.unmix" in public_names(), "mffnb.plots.residuals" in public_names()
    (True, True)
    """
    return [name for _, _, _, names in _groups() for name in names]


def _groups() -> Iterator[tuple[str, str, str, list[str]]]:
    for package, title in sorted(OF_MFFNB.items()):
        names = [f"mffnb.{name}" for name, home in MODULES_OF.items() if _group(home) == package]
        yield title.split(maxsplit=1)[0].lower().strip(","), title, "", names
    for wing in WINGS:
        module = importlib.import_module(f"mffnb.{wing}")
        functions = [name for name in _listed(module) if wing != "errors" or not inspect.isclass(getattr(module, name))]
        text = inspect.cleandoc(module.__doc__ or "").split("\n>>>")[0]
        yield wing, TITLES[wing], text, [f"mffnb.{wing}.{name}" for name in functions]


def _listed(module: Any) -> list[str]:
    if hasattr(module, "__all__"):
        return list(module.__all__)
    own = vars(module).items()
    return [name for name, value in own if name[0] != "_" and getattr(value, "__module__", "") == module.__name__]


def _group(home: str) -> str:
    return next((package for package in OF_MFFNB if package != "mffnb" and home.startswith(f"{package}.")), "mffnb")


def _page(title: str, lines: Iterable[str]) -> str:
    return "\n".join([title, "=" * len(title), "", *lines, ""])


def _tree(groups: Iterable[tuple[str, str, str, list[str]]]) -> list[str]:
    return [".. toctree::", "   :maxdepth: 1", "", *(f"   {name}" for name, *_ in groups)]


def _summary(names: Iterable[str]) -> list[str]:
    return [".. autosummary::", "   :toctree: ../api", "   :nosignatures:", "", *(f"   {name}" for name in names)]


def _gallery(names: Iterable[str]) -> list[str]:
    """Pictures of the parts among the names, each a link to its page; no lines without a picture."""
    found = images()
    cards: list[str] = []
    for name in (one for one in names if one in found):
        picture, text = found[name]
        cards += [
            f"   .. grid-item-card:: {name.rpartition('.')[2]}",
            f"      :img-top: {picture}",
            f"      :img-alt: {text}",
            f"      :link: ../api/{name}",
            "      :link-type: doc",
            "",
            f"      {text}",
            "",
        ]
    title = "What each one does"
    return ["", title, "-" * len(title), "", ".. grid:: 1 1 2 2", "   :gutter: 2", "", *cards] if cards else []


def _command_line() -> str:
    parser = _parser()
    (commands,) = (one for one in parser._actions if isinstance(one, argparse._SubParsersAction))
    lines = ["``mffnb COMMAND --help`` prints the same text.", ""]
    for name, command in [("mffnb", parser), *((f"mffnb {key}", one) for key, one in commands.choices.items())]:
        command.formatter_class = _Narrow
        lines += [name, "-" * len(name), "", ".. code-block:: text", ""]
        lines += [f"   {line}".rstrip() for line in command.format_help().splitlines()] + [""]
    return _page("Command line", lines)


class _Narrow(argparse.HelpFormatter):
    """Help of the same width in every terminal."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=88, max_help_position=28)


def _errors() -> str:
    classes = [
        value for value in vars(errors).values() if inspect.isclass(value) and value.__module__ == errors.__name__
    ]
    public = [one for one in classes if not one.__name__.startswith("_")]
    lines = [
        "What each error and warning means, and what to do. The message itself gives the numbers.",
        "``warnings.filterwarnings`` silences a class of warnings, or turns it into an error:",
        "",
        ".. code-block:: python",
        "",
        "   import warnings",
        "   from mffnb.errors import ConvergenceWarning",
        "",
        '   warnings.filterwarnings("error", category=ConvergenceWarning)',
        "",
    ]
    for one in public:
        lines += [one.__name__, "-" * len(one.__name__), "", f".. autoclass:: mffnb.errors.{one.__name__}", ""]
    return _page("Errors and warnings", lines)


def write_all(folder: Path, write: Any) -> None:
    """Write the pages into a folder with ``write(path, text)``."""
    for name, text in pages().items():
        write(folder / f"{name}.rst", text)
