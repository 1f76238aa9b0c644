"""``mffnb formats``: list the file formats, and whether the packages for them are installed."""

from __future__ import annotations

import argparse
from typing import Any


def add_to(commands: Any) -> None:
    """Add the command ``formats`` to the parser."""
    parser = commands.add_parser("formats", help="list the file formats, and the packages that they need")
    parser.set_defaults(run=run)


def run(_options: argparse.Namespace) -> int:
    """Print one line for each format; return the exit code 0."""
    from mffnb.io.format_list import formats  # noqa: PLC0415  slow imports, not needed for --help

    table = formats()
    wide = max(map(len, table["format"]))
    for row in table.itertuples():
        needs = (
            f" needs {row.package}: {row.install}" if not row.installed else f" ({row.package})" if row.package else ""
        )
        print(f"{row.format:{wide}}  {row.suffixes or 'all other suffixes'}{needs}")
    return 0
