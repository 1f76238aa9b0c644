"""Record the numbers that the public functions return, and compare two recordings.

    python tools/same_answers.py record FOLDER [--only PATTERN]     # run all calls, one .npz and .json file for each
    python tools/same_answers.py compare BEFORE AFTER               # exit code 1 if an unexplained number differs

Use it before and after a change that must not alter results. The package under test is the one that Python imports:
set ``PYTHONPATH`` to the checkout. Only public names are used, so that the same script runs on both versions.
"""

from __future__ import annotations

import os

# Before NumPy loads a BLAS: sums in several threads have no fixed order.
os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
os.environ.setdefault("MPLBACKEND", "agg")

import argparse
import sys
from pathlib import Path

from same_answers import comparing, recording


def main() -> int:
    """Run the command that the command line names; return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    commands = parser.add_subparsers(required=True, dest="command")
    record = commands.add_parser("record", help="run the calls and store what they return")
    record.add_argument("folder", type=Path)
    record.add_argument("--only", default="*", help="names of the calls to run, a pattern such as 'preset_*'")
    compare = commands.add_parser("compare", help="compare two recordings")
    compare.add_argument("before", type=Path)
    compare.add_argument("after", type=Path)
    rank = commands.add_parser("rank", help="run one call on this MPI rank; 'record' starts it under mpiexec")
    rank.add_argument("name")
    rank.add_argument("folder", type=Path)
    options = parser.parse_args()
    if options.command == "compare":
        return comparing.report(options.before, options.after)
    if options.command == "rank":
        return recording.run_on_rank(options.name, options.folder)
    return recording.run(options.folder, options.only)


if __name__ == "__main__":
    sys.exit(main())
