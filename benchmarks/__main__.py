"""List the benchmarks, or run one of them by its name.

python -m benchmarks                            # all benchmarks, with one line each
python -m benchmarks speed                      # those of one group
python -m benchmarks speed.peers --repeats 3    # run one; --help shows its options, --quick tries it
"""

from __future__ import annotations

import ast
import sys
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path

from benchmarks.shared.processes import limit_threads

FOLDER = Path(__file__).parent
GROUPS = ("speed", "accuracy", "domains", "scale", "io")


@dataclass(frozen=True)
class Benchmark:
    """Name, first line of the docstring, and whether the benchmark runs on one thread by default."""

    name: str
    purpose: str
    one_thread: bool


def benchmarks() -> dict[str, Benchmark]:
    """Find all modules with a function ``main``; sources are parsed, not imported, so that listing is fast."""
    found = {}
    for path in (path for group in GROUPS for path in sorted((FOLDER / group).glob("*.py"))):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        if any(isinstance(node, ast.FunctionDef) and node.name == "main" for node in tree.body):
            name = f"{path.parent.name}.{path.stem}"
            found[name] = Benchmark(name, (ast.get_docstring(tree) or "").partition("\n")[0], _one_thread(tree))
    return found


def _one_thread(tree: ast.Module) -> bool:
    """Whether the module sets ``ONE_THREAD = True``."""
    return any(ast.unparse(node) == "ONE_THREAD = True" for node in tree.body if isinstance(node, ast.Assign))


def listing(found: Iterable[Benchmark]) -> str:
    return "\n".join(f"{one.name:29}{one.purpose}" for one in found)


def closest(name: str, names: Iterable[str]) -> list[str]:
    """Names that contain the last part of a wrong one, else those that are spelled like it."""
    end = name.rpartition(".")[2]
    by_end = {known.partition(".")[2]: known for known in names}
    containing = [known for known in by_end.values() if end in known]
    return containing[:3] or [by_end[similar] for similar in get_close_matches(end, by_end, 3, 0.5)]


def main(words: Sequence[str]) -> int:
    """Run the command line; return the exit code."""
    found = benchmarks()
    name, arguments = (words[0], list(words[1:])) if words else ("", [])
    if name in ("", "-h", "--help", *GROUPS):
        print(__doc__ if name.startswith("-") else listing(b for b in found.values() if b.name.startswith(name)))
        return 0
    if name not in found:
        similar = " or ".join(closest(name, found))
        print(
            f"No benchmark {name!r}. "
            + (f"Did you mean {similar}?" if similar else "`python -m benchmarks` lists them.")
        )
        return 2
    if found[name].one_thread:
        limit_threads()  # before the import below loads a library that has threads
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # benchmarks end runs early, and include settings that fail
        import_module(f"benchmarks.{name}").main(arguments)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
