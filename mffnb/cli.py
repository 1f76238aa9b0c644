"""The command line: ``mffnb lab``, ``mffnb unmix`` and ``mffnb warmup``."""

from __future__ import annotations

import argparse
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import xarray as xr

    from mffnb.unmixing.result import Unmixing


_PICTURES = (".png", ".pdf", ".svg")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code.

    Examples
    --------
    >>> main(["unmix", "nowhere.npy"])
    2
    """
    parser = _parser()
    options = parser.parse_args(arguments)
    before = signal.getsignal(signal.SIGINT)
    try:
        code: int = options.run(options)
    except KeyboardInterrupt:
        print("mffnb: interrupted before there was a result", file=sys.stderr)
        return 130
    except (OSError, ValueError, TypeError) as error:
        print(f"mffnb: {error}", file=sys.stderr)
        if "mpi4py.run" in sys.modules:
            raise  # mpi4py then ends all ranks: the others may be waiting for this one
        return 2
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, before)
    return code


def _parser() -> argparse.ArgumentParser:
    from mffnb import __version__  # noqa: PLC0415

    parser = argparse.ArgumentParser("mffnb", description="Unmix spectral images under physical constraints.")
    parser.add_argument("--version", action="version", version=f"mffnb {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    lab = commands.add_parser("lab", help="open JupyterLab on the tutorials")
    lab.add_argument("--folder", type=Path, default=Path("mffnb-tutorials"), help="where your copies are kept")
    lab.add_argument("options", nargs=argparse.REMAINDER, help="after --: options for jupyter lab")
    lab.set_defaults(run=_lab)

    unmix = commands.add_parser("unmix", help="unmix a file, write the result and its picture")
    unmix.add_argument("file", nargs="?", type=Path, metavar="FILE", help="spectral image; see mffnb.read")
    unmix.add_argument("--demo", action="store_true", help="a simulated image instead of a file")
    unmix.add_argument("--dataset", help="which array of the file")
    unmix.add_argument("--channel", action="append", help="channel dimension; the last one by default")
    unmix.add_argument("-k", type=int, default=4, help="number of endmembers (%(default)s)")
    unmix.add_argument("--sparsity", type=float, default=0.0, help="weight; try 1e-3 (%(default)s)")
    unmix.add_argument("--smoothness", type=float, default=0.0, help="weight; try 1e-3 (%(default)s)")
    unmix.add_argument("--sum-to-one", action="store_true", help="abundances are fractions")
    unmix.add_argument("--init", default="auto", help="auto, nndsvd or random (%(default)s)")
    unmix.add_argument("--n-init", type=int, default=1, help="number of random starts (%(default)s)")
    unmix.add_argument("--max-iter", type=int, default=500, help="most iterations (%(default)s)")
    unmix.add_argument("--tol", type=float, default=1e-4, help="projected gradient to end at (%(default)s)")
    unmix.add_argument("--random-state", type=int, help="seed; drawn and recorded if left out")
    unmix.add_argument("-o", "--output", type=Path, help="result, NetCDF or .zarr (FILE with .mffnb.nc)")
    unmix.add_argument(
        "--checkpoint", type=Path, metavar="FOLDER", help="go on from what is there, and keep it up to date"
    )
    unmix.add_argument("--every", type=float, default=60.0, help="seconds between two checkpoints (%(default)s)")
    unmix.add_argument("--picture", type=Path, help="maps and spectra, .png or .pdf")
    unmix.add_argument("-q", "--quiet", action="store_true", help="no progress bar, no summary")
    unmix.set_defaults(run=_unmix)

    warmup = commands.add_parser("warmup", help="compile everything now, so that the first slider does not wait")
    warmup.set_defaults(run=_warmup)
    return parser


def _unmix(options: argparse.Namespace) -> int:
    if options.demo == (options.file is not None):
        raise ValueError("name one FILE to unmix, or use --demo")
    from mffnb.parallel.ranks import world  # noqa: PLC0415  numba and scikit-learn, not needed for --help

    communicator = world()
    cube, name = _input(options, lazy=None if communicator is None else True)  # each rank reads its own rows
    output = options.output or name.with_suffix(".mffnb.nc")
    for target in (output, options.picture):
        if target is not None and not target.parent.is_dir():
            raise ValueError(f"there is no folder {target.parent}: make it first")
        if target is not None and options.file is not None and target.resolve() == options.file.resolve():
            raise ValueError(f"{target} is the data: give the result another name")
    if options.picture is not None and options.picture.suffix.lower() not in _PICTURES:
        raise ValueError(f"a picture is one of {', '.join(_PICTURES)}; got {options.picture.name!r}")
    if options.picture is not None and options.picture.resolve() == output.resolve():
        raise ValueError("--output and --picture name the same file")
    from mffnb.solvers.checkpoint import Checkpoint  # noqa: PLC0415
    from mffnb.unmixing.unmix import unmix  # noqa: PLC0415

    speaks = communicator is None or communicator.rank == 0
    result = unmix(
        cube,
        options.k,
        sparsity=options.sparsity,
        smoothness=options.smoothness,
        sum_to_one=options.sum_to_one,
        channel=options.channel,
        init=options.init,
        n_init=options.n_init,
        max_iter=options.max_iter,
        tol=options.tol,
        random_state=options.random_state,
        progress=speaks and not options.quiet,
        communicator=communicator,
        checkpoint=None if options.checkpoint is None else Checkpoint(options.checkpoint, options.every),
        gather=options.picture is not None,  # which needs all maps in one place
    )
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an impatient second Ctrl-C must not cost the result
    if speaks or result.block is not None:
        result.save(output)
    if not speaks:
        return 0
    if options.picture is not None:
        _draw(result, options.picture)
    if not options.quiet:
        _summary(result, [output, *([options.picture] if options.picture else [])])
    return 130 if result.outcome.name == "INTERRUPTED" else 0


def _input(options: argparse.Namespace, lazy: bool | None) -> tuple[xr.DataArray, Path]:
    if options.demo:
        from mffnb.datasets import tof_sims_2d  # noqa: PLC0415

        return tof_sims_2d(seed=0).cube, Path("demo")
    from mffnb.io.read import read  # noqa: PLC0415

    return read(options.file, dataset=options.dataset, lazy=lazy), options.file


def _draw(result: Unmixing, picture: Path) -> None:
    from mffnb.io.atomic import write_atomically  # noqa: PLC0415
    from mffnb.plots import overview  # noqa: PLC0415

    write_atomically(picture, lambda part: overview(result).savefig(part, dpi=150))


def _summary(result: Unmixing, written: Sequence[Path]) -> None:
    last = result.trace.isel(iteration=-1)
    print(
        f"{int(last.iteration)} iterations, {float(last.seconds):.2f} s, "
        f"relative error {100 * float(last.relative_error):.2f} %; {result.outcome.value}"
    )
    print("wrote " + " and ".join(map(str, written)))


def _warmup(_: argparse.Namespace) -> int:
    from mffnb.kernels.hals import sweep_non_negative  # noqa: PLC0415
    from mffnb.warmup import compile_kernels  # noqa: PLC0415

    begin = time.perf_counter()
    compile_kernels()
    folder = sweep_non_negative.stats.cache_path
    kept = f"kept in {folder}" if folder else "not kept: set MFFNB_CACHE_DIR to a folder that can be written"
    print(f"kernels ready after {time.perf_counter() - begin:.1f} s, {kept}")
    return 0


def _lab(options: argparse.Namespace) -> int:
    if importlib.util.find_spec("jupyterlab") is None:
        raise ValueError('JupyterLab is not installed: pip install "mffnb[lab]"')
    folder = options.folder
    copy_tutorials(folder)
    extra = [option for option in options.options if option != "--"]
    print(f"Tutorials are in {folder.resolve()}; Ctrl-C here stops JupyterLab.")
    first = ["--LabApp.default_url=/lab/tree/01_first_unmix.ipynb"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        first.append("--allow-root")  # in a container everyone is root, and Jupyter would refuse to start
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={folder.resolve()}", *first, *extra]
    try:
        return subprocess.call(command)
    except KeyboardInterrupt:
        return 0


def copy_tutorials(folder: Path) -> list[Path]:
    """Copy the tutorials that ``folder`` does not hold yet; the user's own changes are never overwritten."""
    package = Path(__file__).parent
    source = next((place for place in (package / "notebooks", package.parent / "notebooks") if place.is_dir()), None)
    if source is None:
        raise ValueError("this installation holds no tutorials: install mffnb from a wheel or from its repository")
    folder.mkdir(parents=True, exist_ok=True)
    copied = []
    for notebook in sorted(source.glob("*.ipynb")):
        target = folder / notebook.name
        if not target.exists():
            shutil.copyfile(notebook, target)
            copied.append(target)
    return copied
