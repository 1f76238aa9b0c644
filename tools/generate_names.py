"""Write the tables of public names from the declarations in the modules.

    python tools/generate_names.py            # write all tables
    python tools/generate_names.py --check    # fail if a table differs from the declarations

Declarations are read from the source, without importing it:

- ``__all__`` of a module lists its public classes and functions,
- ``NAMED`` of a module maps the names that users may give as text, such as "kl", to parts.

A new module in one of the wings below is found by its declarations; nothing else has to be edited.
"""

from __future__ import annotations

import ast
import builtins
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

ROOT = Path(__file__).parents[1]

EAGER_WINGS = (
    "constraints", "geometry", "io/readers", "io/writers", "penalties", "preprocessing", "presets", "similarities",
    "solvers",
)  # fmt: skip
"""Packages that import the public names of their modules."""

LAZY_WINGS = ("datasets", "identification", "plots")
"""Packages that load the public names of their modules at first use."""

TOP_LEVEL_WINGS = ("constraints", "penalties", "similarities")
"""Packages whose public classes are names of ``mffnb`` itself."""

TOP_LEVEL_MODULES = (
    "estimators/factorization", "io/read_paths", "knobs", "plots/palette", "solvers/checkpoint", "transforms",
    "unmixing/following", "unmixing/joint", "unmixing/loading", "unmixing/result", "unmixing/stream",
    "unmixing/suggest", "unmixing/unmix",
    "widgets/boards/rank_explorer", "widgets/boards/tuning_monitor", "widgets/explorer", "widgets/signal_chooser",
)  # fmt: skip
"""Modules all of whose public names are names of ``mffnb`` itself, and of no other package."""

TOOL_WING = "widgets/tools"
"""Package of the explorer's tools, whose public functions are methods of the explorer."""

PUBLIC_WINGS = (
    "datasets", "errors", "geometry", "graphs", "identification", "io", "matrices", "parallel", "plots",
    "preprocessing", "presets", "selection", "tuning",
)  # fmt: skip
"""Modules and packages that are names of ``mffnb`` themselves."""

BUILTINS = frozenset(dir(builtins))
"""Built-in names of Python, which a star import does not replace."""

NOTE = "Written by tools/generate_names.py from the declarations in the modules: do not edit"
WIDTH = 120


@dataclass(frozen=True)
class Declared:
    """Public names of one module.

    Attributes
    ----------
    module
        Dotted name.
    names
        Contents of ``__all__``.
    classes
        Those of them that are classes.
    named
        Whether the module has a mapping ``NAMED``.
    """

    module: str
    names: tuple[str, ...]
    classes: frozenset[str]
    named: bool


def declared(path: Path, root: Path) -> Declared:
    """Read the declarations of a module from its source."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    module = ".".join(path.relative_to(root).with_suffix("").parts)
    names: tuple[str, ...] = ()
    named = False
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else [node.target] if _is_annotated(node) else []
        for target in targets:
            if isinstance(target, ast.Name) and target.id == "__all__":
                names = tuple(ast.literal_eval(node.value))
            named = named or (isinstance(target, ast.Name) and target.id == "NAMED")
    classes = {node.name for node in tree.body if isinstance(node, ast.ClassDef)}
    return Declared(module, names, frozenset(classes), named)


def _is_annotated(node: ast.stmt) -> bool:
    return isinstance(node, ast.AnnAssign) and node.value is not None


def modules_of(wing: str, root: Path) -> list[Declared]:
    """Return the declarations of all modules of a package, sorted by module; those without any are left out."""
    files = sorted((root / "mffnb" / wing).glob("*.py"))
    other = {"__init__", *(name.rpartition("/")[2] for name in TOP_LEVEL_MODULES if name.startswith(f"{wing}/"))}
    found = [declared(path, root) for path in files if path.stem not in other]
    return [one for one in found if one.names or one.named]


def kind(name: str) -> int:
    """Rank of a name as ruff sorts imports: constants, classes, others."""
    return 0 if name.isupper() and len(name) > 1 else 1 if name[0].isupper() else 2


def by_kind(names: Iterable[str]) -> list[str]:
    """Sort names as ruff sorts imports."""
    return sorted(names, key=lambda name: (kind(name), name.lower()))


def import_lines(module: str, names: Iterable[str]) -> Iterator[str]:
    """Yield an import statement, on several lines if one is too short."""
    ordered = by_kind(names)
    line = f"from {module} import {', '.join(ordered)}"
    if len(line) <= WIDTH:
        yield line
        return
    yield f"from {module} import ("
    yield from (f"    {name}," for name in ordered)
    yield ")"


def listed(variable: str, names: Iterable[str]) -> Iterator[str]:
    """Yield the lines of a list of text, one item a line."""
    yield f"{variable} = ["
    yield from (f'    "{name}",' for name in by_kind(names))
    yield "]"


def docstring_of(path: Path) -> str:
    """Return the module docstring as it stands in the source: it is written by hand."""
    text = path.read_text(encoding="utf-8")
    first = ast.parse(text).body[0]
    if not (isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)):
        raise ValueError(f"{path} needs a docstring that says what the package holds")
    return "\n".join(text.split("\n")[: first.end_lineno])


def unique(modules: Sequence[Declared]) -> dict[str, str]:
    """Map each public name to its module; raise if two modules declare it."""
    found: dict[str, str] = {}
    for one in modules:
        for name in one.names:
            if name in found:
                raise ValueError(f"{name} is declared twice, in {found[name]} and in {one.module}: rename one")
            found[name] = one.module
    return found


def eager_package(wing: str, root: Path) -> str:
    """Text of the ``__init__.py`` of a package that imports its names."""
    path = root / "mffnb" / wing / "__init__.py"
    modules = modules_of(wing, root)
    dotted = "mffnb." + wing.replace("/", ".")
    with_parts = [one.module.rpartition(".")[2] for one in modules if one.named]
    lines = [docstring_of(path), "", f"# {NOTE} below the docstring.", ""]
    has_classes = any(one.classes & {*one.names} for one in modules)
    imported: dict[str, Sequence[str]] = {one.module: one.names for one in modules if one.names}
    imported |= {dotted: with_parts} if with_parts else {}
    imported |= {"mffnb.keywords": ("advise_all",)} if has_classes else {}
    for module in sorted(imported):
        lines += import_lines(module, imported[module])
    lines += ["", *listed("__all__", unique(modules))]
    lines += ["advise_all(globals(), __all__)"] if has_classes else []
    if with_parts:
        merged = (f"    **{name}.NAMED," for name in with_parts)
        lines += ["", "NAMED = {", *merged, "}", '"""Parts of this package that can be given by name."""']
    return "\n".join([*lines, ""])


def lazy_package(wing: str, root: Path) -> str:
    """Text of the ``__init__.py`` of a package that loads its names at first use."""
    homes = unique(modules_of(wing, root))
    lines = [docstring_of(root / "mffnb" / wing / "__init__.py"), "", f"# {NOTE} below the docstring.", ""]
    lines += ["from mffnb.registry.lazy_names import lazy_names", "", "_MODULES_OF = {"]
    lines += [f'    "{name}": "{homes[name]}",' for name in by_kind(homes)]
    lines += ["}", "__all__ = list(_MODULES_OF)", "__getattr__, __dir__ = lazy_names(__name__, _MODULES_OF)", ""]
    return "\n".join(lines)


def stub(homes: dict[str, str], wings: Sequence[str] = (), more: Sequence[str] = ()) -> str:
    """Text of the ``__init__.pyi`` of a package that loads its names at first use, for type checkers and editors."""
    lines = [f"# {NOTE}.", "", *(f"from mffnb import {wing} as {wing}" for wing in wings)]
    ordered = sorted(homes, key=lambda name: (homes[name], kind(name), name.lower()))
    builtin = {name: "  # noqa: A004" for name in homes if name in BUILTINS}
    lines += [f"from {homes[name]} import {name} as {name}{builtin.get(name, '')}" for name in ordered]
    starred = [name for name in homes if name not in BUILTINS]
    lines += ["", *more, *listed("__all__", (*starred, *wings, *(one.partition(":")[0] for one in more))), ""]
    return "\n".join(lines)


def top_level(root: Path) -> dict[str, str]:
    """Public names of ``mffnb`` itself with their modules."""
    modules = [one for wing in TOP_LEVEL_WINGS for one in modules_of(wing, root)]
    classes = [replace(one, names=tuple(name for name in one.names if name in one.classes)) for one in modules]
    return unique([*classes, *(declared(root / "mffnb" / f"{name}.py", root) for name in TOP_LEVEL_MODULES)])


def tool_package(root: Path) -> str:
    """Text of the ``__init__.py`` of the explorer's tools: their functions as methods, and by name."""
    homes = unique(modules_of(TOOL_WING, root))
    dotted = f"mffnb.{TOOL_WING.replace('/', '.')}"
    modules = sorted({home.rpartition(".")[2] for home in homes.values()})
    lines = [docstring_of(root / "mffnb" / TOOL_WING / "__init__.py"), "", f"# {NOTE} below the docstring.", ""]
    lines += [
        "from collections.abc import Callable",
        "from typing import Any",
        "",
        "from mffnb.widgets.tool import as_gesture",
        *(f"from {dotted} import {module} as _{module}" for module in modules),
    ]
    lines += ["", "", "class ToolMethods:", '    """Methods of the explorer, one for each tool."""', ""]
    # The modules have names of their own here: a method with the name of its module would hide it.
    sources = {name: f"_{homes[name].rpartition('.')[2]}.{name}" for name in sorted(homes)}
    lines += [f"    {name} = as_gesture({source})" for name, source in sources.items()]
    lines += [
        "",
        "",
        "TOOLS: dict[str, Callable[..., Any]] = {",
        *(f'    "{name}": {source},' for name, source in sources.items()),
        "}",
    ]
    return "\n".join([*lines, '"""Functions that answer the messages of the page, by name."""', ""])


def table(root: Path) -> str:
    """Text of ``mffnb/_names.py``."""
    homes = top_level(root)
    lines = ['"""Public names of the package and the modules that define them."""', "", f"# {NOTE}.", ""]
    lines += ["WINGS = (", *(f'    "{name}",' for name in PUBLIC_WINGS), ")", "", "MODULES_OF = {"]
    lines += [f'    "{name}": "{homes[name]}",' for name in by_kind(homes)]
    return "\n".join([*lines, "}", ""])


def tables(root: Path) -> dict[Path, str]:
    """All generated files with their texts."""
    package = root / "mffnb"
    texts = {package / wing / "__init__.py": eager_package(wing, root) for wing in EAGER_WINGS}
    for wing in LAZY_WINGS:
        texts[package / wing / "__init__.py"] = lazy_package(wing, root)
        texts[package / wing / "__init__.pyi"] = stub(unique(modules_of(wing, root)))
    texts[package / TOOL_WING / "__init__.py"] = tool_package(root)
    texts[package / "_names.py"] = table(root)
    texts[package / "__init__.pyi"] = stub(top_level(root), PUBLIC_WINGS, ("__version__: str",))
    return texts


def stale(root: Path) -> list[Path]:
    """Return the generated files that differ from the declarations."""
    return [
        path for path, text in tables(root).items() if not path.exists() or path.read_text(encoding="utf-8") != text
    ]


def main(arguments: Sequence[str], root: Path = ROOT) -> int:
    """Write the tables, or compare them with the declarations."""
    changed = stale(root)
    if "--check" in arguments:
        for path in changed:
            print(f"{path.relative_to(root)} is stale: run python tools/generate_names.py", file=sys.stderr)
        return int(bool(changed))
    texts = tables(root)
    for path in changed:
        path.write_text(texts[path], encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
