"""Parse the command line, run the selected command, and turn errors into one line of text and an exit code."""

from __future__ import annotations

import argparse
import re
import signal
import sys
import threading
import warnings
from collections.abc import Sequence
from typing import NoReturn

from mffnb.cli import demo, doctor, formats, info, lab, suggest, unmix, warmup


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line of mffnb; return the exit code.

    Examples
    --------
    >>> main(["unmix", "nowhere.npy"])
    2
    """
    options = _parser().parse_args(arguments)
    before, layout = signal.getsignal(signal.SIGINT), warnings.formatwarning
    warnings.formatwarning = _one_line  # type: ignore[assignment]
    try:
        code: int = options.run(options)
    except KeyboardInterrupt:
        print("mffnb: interrupted before there was a result", file=sys.stderr)
        return 130
    except Exception as error:  # a reader of a damaged file may raise any exception
        print(f"mffnb: {_sentence(error, options)}", file=sys.stderr)
        if "mpi4py.run" in sys.modules:
            raise  # mpi4py then ends all ranks, which could otherwise wait for this one for ever
        return 2
    finally:
        warnings.formatwarning = layout
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, before)
    return code


def _sentence(error: Exception, options: argparse.Namespace) -> str:
    """Return an error as one line that names the file, and options by their names on the command line."""
    text = re.sub(r"^\[Errno \w+\] ", "", " ".join(str(error).split())) or type(error).__name__
    if isinstance(error, MemoryError):
        text = f"the data do not fit into the memory, bin or crop them ({text})"
    elif not isinstance(error, (OSError, ValueError, TypeError)):
        text = f"{type(error).__name__}: {text}"
    text = re.sub(r"\b(n_components|k=)(?=\s|\d)", "-k ", text).replace("  ", " ")
    for name in ("n_init", "max_iter", "random_state", "sum_to_one", "sparse_images"):
        text = re.sub(rf"(?<![\w-]){name}\b", f"--{name.replace('_', '-')}", text)
    file = getattr(options, "file", None)
    return text if file is None or str(file) in text or file.name in text else f"{file}: {text}"


def _one_line(message: Warning | str, *_: object) -> str:
    """Return a warning as one line, without the line of the code that it comes from."""
    return f"mffnb: warning: {' '.join(str(message).split())}\n"


class _Parser(argparse.ArgumentParser):
    """Parser that refuses arguments in one line."""

    def error(self, message: str) -> NoReturn:
        """Print the reason and end with the exit code 2."""
        print(f"{self.prog}: {message}; {self.prog} --help lists all options", file=sys.stderr)
        raise SystemExit(2)


def _parser() -> argparse.ArgumentParser:
    from mffnb import __version__  # noqa: PLC0415

    parser = _Parser("mffnb", description="Unmix spectral images under physical constraints.")
    parser.add_argument("--version", action="version", version=f"mffnb {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in (demo, lab, suggest, unmix, info, formats, warmup, doctor):
        command.add_to(commands)
    return parser
