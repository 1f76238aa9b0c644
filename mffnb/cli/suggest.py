"""``mffnb suggest``: settings that the data of a file suggest, with reasons."""

from __future__ import annotations

import argparse
from typing import Any

from mffnb.cli.values import path, whole


def add_to(commands: Any) -> None:
    """Add the command ``suggest`` and its options to the parser."""
    parser = commands.add_parser("suggest", help="look at a file and suggest settings, with reasons")
    parser.add_argument("file", type=path, metavar="FILE", help="spectral image; see mffnb.read")
    parser.add_argument("--dataset", help="which array of the file")
    parser.add_argument("--channel", action="append", help="channel dimension; the last one by default")
    parser.add_argument("-k", type=whole(1), help="number of endmembers; counted if it is left out")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the suggestion; return 0."""
    from mffnb.io.files import check_file  # noqa: PLC0415
    from mffnb.io.read import read  # noqa: PLC0415  xarray, not needed for --help
    from mffnb.unmixing.suggest import suggest  # noqa: PLC0415

    check_file(options.file)
    cube = read(options.file, dataset=options.dataset, lazy=True)
    found = suggest(cube, options.k, channel=options.channel)
    print(f"mf.unmix(cube, {found.line})")
    for reason in found.reasons:
        print(f"- {reason.topic}: {reason}")
    for doubt in found.doubts:
        print(f"doubt: {doubt}")
    return 0
