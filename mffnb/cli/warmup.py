"""``mffnb warmup``: compile all kernels, so that the first run does not wait for the compiler."""

from __future__ import annotations

import argparse
import time
from typing import Any


def add_to(commands: Any) -> None:
    """Add the command ``warmup`` to the parser."""
    parser = commands.add_parser("warmup", help="compile everything now, so that the first slider does not wait")
    parser.add_argument("--list", action="store_true", help="list the kernels and types that are in the cache")
    parser.add_argument("--for", dest="settings", metavar="SETTINGS", help=argparse.SUPPRESS)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Compile all kernels; print how long it took and the folder of the kernel cache, and list them if asked.

    Returns the exit code 0.
    """
    from mffnb.kernels.cache import cache_folder  # noqa: PLC0415  numba, not needed for --help
    from mffnb.warmup import compile_for, compile_kernels  # noqa: PLC0415

    if options.settings is not None:  # the child process of a run that is on NumPy steps meanwhile
        compile_for(options.settings)
        return 0
    begin = time.perf_counter()
    compile_kernels()
    folder = cache_folder()
    kept = f"kept in {folder}" if folder else "not kept: set MFFNB_CACHE_DIR to a folder that can be written"
    print(f"kernels ready after {time.perf_counter() - begin:.1f} s, {kept}")
    if options.list:
        from mffnb.kernels.compile import stored_specialisations  # noqa: PLC0415

        stored = stored_specialisations()
        print(*stored, f"{len(stored)} compiled kernels", sep="\n")
    return 0
