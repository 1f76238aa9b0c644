"""Draw docstrings and comments of the package at random, for a reading test.

A reader who has not seen the code says what each object does, from the text alone::

    python tools/draw_docstrings.py --count 40 --seed 19          # the texts, numbered
    python tools/draw_docstrings.py --count 40 --seed 19 --key    # where each of them stands

The same seed draws the same texts from the same sources.
"""

from __future__ import annotations

import argparse
import ast
import inspect
import io
import random
import tokenize
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "mffnb"
SHORTEST = 25  # characters of a comment that says something


def texts() -> Iterator[tuple[str, str, str]]:
    """Yield (place, name, text) of every docstring and of every comment of some length."""
    for path in sorted(PACKAGE.rglob("*.py")):
        if "notebooks" not in path.parts:
            source = path.read_text(encoding="utf-8")
            place = str(path.relative_to(PACKAGE.parent))
            yield from docstrings(source, place)
            yield from comments(source, place)


def docstrings(source: str, place: str) -> Iterator[tuple[str, str, str]]:
    """Yield the docstrings of a module, its classes and its functions."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)):
            text = ast.get_docstring(node)
            if text:
                name = getattr(node, "name", Path(place).stem)
                yield f"{place}:{getattr(node, 'lineno', 1)}", name, inspect.cleandoc(text)


def comments(source: str, place: str) -> Iterator[tuple[str, str, str]]:
    """Yield comments, consecutive lines as one, without directives of linters."""
    block: list[str] = []
    last = -1
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type != tokenize.COMMENT:
            continue
        line, text = token.start[0], token.string.lstrip("#: ").strip()
        if text.startswith(("noqa", "type:", "fmt:")):
            continue
        code = token.line[: token.start[1]].strip()
        if block and line == last + 1 and not code:
            block.append(text)
        else:
            yield from _long_enough(place, last, block)
            block = [f"[{code}]  {text}" if code else text]  # a comment behind code is read with this code
        last = line
    yield from _long_enough(place, last, block)


def _long_enough(place: str, line: int, block: list[str]) -> Iterator[tuple[str, str, str]]:
    text = " ".join(block)
    if len(text) >= SHORTEST:
        yield f"{place}:{line}", "a comment", text


def main() -> None:
    """Print the drawn texts, or the key to them."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--count", type=int, default=40)
    parser.add_argument("--seed", type=int, default=19)
    parser.add_argument("--key", action="store_true", help="print the place of each text instead of the text")
    options = parser.parse_args()
    drawn = random.Random(options.seed).sample(list(texts()), options.count)
    for number, (place, name, text) in enumerate(drawn, start=1):
        if options.key:
            print(f"{number:2}  {place}")
        else:
            print(f"--- {number}: {name}\n{text}\n")


if __name__ == "__main__":
    main()
