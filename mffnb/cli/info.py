"""``mffnb info``: show what is in a file, and what would be read from it and why."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any


def add_to(commands: Any) -> None:
    """Add the command ``info`` to the parser."""
    parser = commands.add_parser("info", help="show signals, shape and axes of a file, and what would be read")
    parser.add_argument("file", metavar="FILE", type=Path, help="spectral image; see mffnb.read")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the description of a file; return the exit code 0."""
    from mffnb.io.file_info import info  # noqa: PLC0415  slow imports, not needed for --help

    print(info(options.file))
    return 0
