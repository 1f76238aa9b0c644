"""``mffnb doctor``: show what this environment can do, and the command that cures each fault."""

from __future__ import annotations

import argparse
from typing import Any


def add_to(commands: Any) -> None:
    """Add the command ``doctor`` to the parser."""
    parser = commands.add_parser(
        "doctor",
        help="show what this environment can do (MPI, engines, cores, memory, JupyterLab), and cures",
        description="Check MPI, engines, cores, memory, kernel cache, JupyterLab and the temporary folder.",
        epilog="The exit code is 0 if all checks pass and 1 if one fails; the line after it names the cure.",
    )
    parser.add_argument("--time-limit", type=float, default=30.0, metavar="SECONDS", help="for each test of MPI (30)")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print one line for each check; return 0 if all pass, else 1."""
    from mffnb.parallel.doctor import doctor  # noqa: PLC0415  slow imports, not needed for --help

    found = doctor(options.time_limit)
    print(found)
    return 0 if found.works else 1
