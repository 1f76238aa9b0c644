"""``mffnb unmix``: unmix a file, or several files jointly, write the result and a figure of it."""

from __future__ import annotations

import argparse
import signal
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mffnb.cli.values import amount, auto_or, path, positive, whole

if TYPE_CHECKING:
    import xarray as xr

    from mffnb.unmixing.joint import JointUnmixing
    from mffnb.unmixing.result import Unmixing

_PICTURES = (".png", ".pdf", ".svg")


def add_to(commands: Any) -> None:
    """Add the command ``unmix`` and its options to the parser."""
    parser = commands.add_parser("unmix", help="unmix files, write the result and its picture")
    parser.add_argument(
        "files", nargs="*", type=path, metavar="FILE",
        help="spectral image; see mffnb.read. Several files share their endmembers",
    )  # fmt: skip
    parser.add_argument("--demo", action="store_true", help="a simulated image instead of a file")
    parser.add_argument("--dataset", help="which array of the file")
    parser.add_argument("--channel", action="append", help="channel dimension; the last one by default")
    parser.add_argument(
        "-k", type=whole(1), help="number of endmembers; without it the data decide, as `mffnb suggest` explains"
    )
    parser.add_argument("--sparsity", type=amount, default=0.0, help="weight; try 1e-3 (%(default)s)")
    parser.add_argument("--smoothness", type=amount, default=0.0, help="weight; try 1e-3 (%(default)s)")
    parser.add_argument(
        "--smoothness-along", action="append", metavar="NAME",
        help="smooth along this pixel dimension only, time say; may be repeated; --smoothness is its weight",
    )  # fmt: skip
    parser.add_argument("--sum-to-one", action="store_true", help="abundances are fractions")
    parser.add_argument(
        "--gain", action="store_true", help="a scale factor for each pixel, with --sum-to-one or --volume"
    )
    parser.add_argument("--volume", type=auto_or(amount), default=0.0, help="auto, or a weight (%(default)s)")
    parser.add_argument("--weights", choices=("poisson", "equal"), help="poisson is for counts, with least squares")
    parser.add_argument(
        "--similarity", default="frobenius", choices=("frobenius", "kl", "itakura-saito", "huber", "angle"),
        help="kl is for few counts (%(default)s)",
    )  # fmt: skip
    _add_joint_options(parser)
    parser.add_argument("--init", default="auto", help="auto, nndsvd or random (%(default)s)")
    parser.add_argument("--n-init", type=whole(1), default=1, help="number of random starts (%(default)s)")
    parser.add_argument("--max-iter", type=whole(0), default=500, help="most iterations (%(default)s)")
    parser.add_argument("--tol", type=amount, default=1e-4, help="projected gradient to end at (%(default)s)")
    parser.add_argument("--random-state", type=whole(0, 2**32 - 1), help="seed; drawn and recorded if left out")
    parser.add_argument(
        "-o",
        "--output",
        type=path,
        help="result, NetCDF or .zarr (FILE with .mffnb.nc or, of several, .joint.mffnb.nc)",
    )
    parser.add_argument(
        "--checkpoint", type=path, metavar="FOLDER", help="resume from the checkpoint in FOLDER, and keep it up to date"
    )
    parser.add_argument("--every", type=amount, default=60.0, help="seconds between two checkpoints (%(default)s)")
    parser.add_argument("--picture", type=path, help="maps and spectra, .png or .pdf")
    parser.add_argument(
        "--export", type=path, action="append", default=[], metavar="FILE",
        help="spectra (.csv, ...), maps (.tif, ...), .hspy, .hf5, report .html or .living.html; may be repeated. "
        "Of several files: shared spectra once, else a file for each, with its name added",
    )  # fmt: skip
    parser.add_argument("-q", "--quiet", action="store_true", help="no progress bar, no summary")
    parser.set_defaults(run=run)


def _add_joint_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that need several files."""
    parser.add_argument(
        "--tie", type=positive, help="of several files: let the spectra of each differ a little; try 0.03"
    )
    parser.add_argument(
        "--sparse-images", type=amount, default=0.0,
        help="of several files: weight that removes components from files that lack them; try 1e-2 (%(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--channels", choices=("intersection", "interpolate"), default="intersection",
        help="of several files: keep the channels that all have, or interpolate to those of the first (%(default)s)",
    )  # fmt: skip


def run(options: argparse.Namespace) -> int:
    """Unmix the files; return 0, or 130 if the run was interrupted and its last state was saved."""
    options.file = options.files[0] if len(options.files) == 1 else None  # messages name it
    if options.demo == bool(options.files):
        raise ValueError("name a FILE to unmix, or several to unmix jointly, or use --demo")
    _check_number_of_files(options)
    from mffnb.parallel.placement import placement_of  # noqa: PLC0415
    from mffnb.parallel.ranks import world  # noqa: PLC0415  numba and scikit-learn, not needed for --help
    from mffnb.unmixing.result import Unmixing  # noqa: PLC0415

    placement = placement_of(world())
    name = options.files[0] if options.files else Path("demo")
    output = options.output or name.with_suffix(".joint.mffnb.nc" if len(options.files) > 1 else ".mffnb.nc")
    _check_targets(options, output)
    cube = _input(options, lazy=placement.lazy)  # each MPI rank reads only its part of the rows
    first = placement.communicator.rank == 0
    result = _solve(options, cube, placement.communicator, progress=first and not options.quiet)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C must not interrupt the writing of the result
    if first and not options.quiet:
        _summary(result)
    if first or (isinstance(result, Unmixing) and result.block is not None):
        result.save(output)
    if not first:
        return 0
    if options.picture is not None:
        _draw(result, options.picture)
    exports = [written for target in options.export for written in result.export(target)]
    if not options.quiet:
        pictures = [options.picture] if options.picture else []
        print("wrote " + " and ".join(map(str, [output, *pictures, *exports])))
    return 130 if result.outcome.name == "INTERRUPTED" else 0


def _check_number_of_files(options: argparse.Namespace) -> None:
    """Refuse options for several files if there is one, and options for one file if there are several."""
    several = len(options.files) > 1
    if several and options.smoothness_along:
        raise ValueError("--smoothness-along is for one file: leave it out, --smoothness acts within each file")
    if options.smoothness_along and not options.smoothness:
        raise ValueError("--smoothness-along needs a weight: add --smoothness 1e-3")
    joint = {
        "--tie": options.tie is not None,
        "--sparse-images": options.sparse_images > 0,
        "--channels": options.channels != "intersection",
    }
    taken = [name for name, given in joint.items() if given]
    if taken and not several:
        raise ValueError(f"{taken[0]} is for several files: name another FILE, or leave it out")
    if options.tie is not None and options.k is None:
        raise ValueError("--tie needs the number of endmembers: add -k")


def _input(options: argparse.Namespace, lazy: bool | None) -> xr.DataArray | list[xr.DataArray]:
    if options.demo:
        from mffnb.datasets import tof_sims_2d  # noqa: PLC0415

        return tof_sims_2d(seed=0).cube
    from mffnb.io.read import read  # noqa: PLC0415

    cubes = [read(file, dataset=options.dataset, lazy=lazy) for file in options.files]
    return cubes if len(cubes) > 1 else cubes[0]


def _check_targets(options: argparse.Namespace, output: Path) -> None:
    """Refuse a missing file and output files that cannot be written, before time is spent on the run."""
    from mffnb.io.files import check_file  # noqa: PLC0415
    from mffnb.io.target import check_target  # noqa: PLC0415

    for file in options.files:
        check_file(file)
    check_target(output)
    picture = options.picture
    if options.export:
        from mffnb.io.export import choose_writer  # noqa: PLC0415

        for target in options.export:
            choose_writer(target)
    if len({one.resolve() for one in (output, *options.export)}) <= len(options.export):
        raise ValueError("--output and --export name the same file, or --export names one twice")
    for target in (output, picture, *options.export):
        if target is not None and not target.parent.is_dir():
            raise ValueError(f"there is no folder {target.parent}: make it first")
        if target is not None:
            _check_writable(target)
        if target is not None and target.resolve() in [file.resolve() for file in options.files]:
            raise ValueError(f"{target} is the data: give the result another name")
    if picture is not None and picture.suffix.lower() not in _PICTURES:
        raise ValueError(f"a picture is one of {', '.join(_PICTURES)}; got {picture.name!r}")
    if picture is not None and picture.resolve() == output.resolve():
        raise ValueError("--output and --picture name the same file")
    if options.checkpoint is not None:
        if options.checkpoint.is_file():
            raise ValueError(f"{options.checkpoint} is a file, and --checkpoint names a folder: give another name")
        options.checkpoint.mkdir(parents=True, exist_ok=True)


def _check_writable(target: Path) -> None:
    """Refuse a target that is a folder, or whose folder does not accept files."""
    if target.is_dir() and target.suffix.lower() != ".zarr":
        raise ValueError(f"{target} is a folder: name a file in it")
    try:
        with tempfile.TemporaryFile(dir=target.parent):
            pass
    except OSError as error:
        raise ValueError(f"{target} cannot be written, {error.strerror}: name a file in another folder") from None


def _solve(options: argparse.Namespace, cube: Any, communicator: Any, progress: bool) -> Unmixing | JointUnmixing:
    from mffnb.penalties import Smoothness  # noqa: PLC0415
    from mffnb.solvers.checkpoint import Checkpoint  # noqa: PLC0415
    from mffnb.unmixing.unmix import unmix  # noqa: PLC0415

    along = options.smoothness_along
    result: Unmixing | JointUnmixing = unmix(
        cube,
        options.k,
        sparsity=options.sparsity,
        smoothness=0.0 if options.smoothness_along else options.smoothness,
        sum_to_one=options.sum_to_one,
        gain=options.gain,
        volume=options.volume,
        weights=options.weights,
        similarity=options.similarity,
        tie=options.tie,
        sparse_images=options.sparse_images,
        channel=options.channel,
        channels=options.channels,
        abundance_terms=[Smoothness(options.smoothness, along=along)] if along else (),
        init=options.init,
        n_init=options.n_init,
        max_iter=options.max_iter,
        tol=options.tol,
        random_state=options.random_state,
        progress=progress,
        communicator=communicator,
        checkpoint=None if options.checkpoint is None else Checkpoint(options.checkpoint, options.every),
        gather=bool(options.picture or options.export or len(options.files) > 1),  # a figure needs all maps on one rank
    )
    return result


def _draw(result: Unmixing | JointUnmixing, picture: Path) -> None:
    from mffnb.io.atomic import write_atomically  # noqa: PLC0415

    write_atomically(picture, lambda part: result.plot().savefig(part, dpi=150))


def _summary(result: Unmixing | JointUnmixing) -> None:
    suggested = result.parameters.get("suggested")
    if suggested is not None:
        low, high = suggested["between"]
        count = f" ({low} to {high} are possible)" if low < high else ""
        print(f"no -k, so the data decided: {suggested['settings']}{count}; `mffnb suggest` gives the reasons")
    last = result.trace.isel(iteration=-1)
    print(
        f"{int(last.iteration)} iterations, {float(last.seconds):.2f} s, "
        f"relative error {100 * float(last.relative_error):.2f} %; {result.outcome.value}"
    )
    from mffnb.unmixing.joint import JointUnmixing  # noqa: PLC0415

    if isinstance(result, JointUnmixing):
        print(result.table().round(3).to_string())
        if result.tie is not None:  # the freedom is defined for spectra that all images share
            print("angle of the spectra of each image to the shared ones (rad):")
            print(result.deviations().round(3).to_string())
            return
    if isinstance(result, JointUnmixing) or result.block is None:  # the freedom of spectra needs all pixels
        print(result.freedom)
