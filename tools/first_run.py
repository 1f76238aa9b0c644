"""Measure an installation: its size, and the processor seconds of the first import and ``unmix``; print a row.

PYTHON tools/first_run.py            # PYTHON is that of the environment; run it outside of the repository

The row has: Python, version of mffnb, packages, megabytes, and processor seconds of ``import mffnb`` (least of three),
the first ``unmix`` with no compiled kernels, ``mffnb warmup``, and an ``unmix`` of a new process after it.
"""

from __future__ import annotations

import os
import platform
import resource
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryDirectory

UNMIX = """
import mffnb as mf
cube = mf.datasets.tof_sims_2d(seed=0, shape=(64, 64)).cube
result = mf.unmix(cube, 4, weights="poisson", random_state=0)
assert result.abundances.sizes == {"component": 4, "y": 64, "x": 64}, result
"""
HEADER = "| Python | mffnb | packages | MB | `import mffnb` | first `unmix` | `mffnb warmup` | next `unmix` |\n"


def main() -> None:
    """Print the row of this environment."""
    packages = [one for one in metadata.distributions() if one.metadata["Name"] not in {"pip", "setuptools", "wheel"}]
    megabytes = sum(size(one) for one in packages) / 1e6
    with TemporaryDirectory() as folder:
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        environment["MFFNB_CACHE_DIR"] = folder
        imports = min(seconds(["-c", "import mffnb"], environment) for _ in range(3))
        first = seconds(["-c", UNMIX], environment)
        warmup = seconds(["-m", "mffnb", "warmup"], environment)
        after = seconds(["-c", UNMIX], environment)
    cells = [
        platform.python_version(),
        metadata.version("mffnb"),
        str(len(packages)),
        f"{megabytes:.0f}",
        f"{imports:.2f}",
        *(f"{one:.1f}" for one in (first, warmup, after)),
    ]
    print("| " + " | ".join(cells) + " |")


def size(package: metadata.Distribution) -> int:
    """Return the bytes of the files of a package, without the byte code."""
    files = (Path(str(one.locate())) for one in package.files or [])
    return sum(one.stat().st_size for one in files if one.exists() and one.suffix != ".pyc")


def seconds(arguments: list[str], environment: dict[str, str]) -> float:
    """Run this Python in a process of its own and return the processor seconds of it and of its own processes."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *arguments], env=environment, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main()
