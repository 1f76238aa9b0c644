"""Writer of data and factors as a HyperSpy file (.hspy) with ``learning_results``, through RosettaSciIO."""

from __future__ import annotations

from pathlib import Path

from mffnb.io.hyperspy_signal import signal_dictionary
from mffnb.io.writer import Export, Writer

__all__ = ["HSPY"]


def write_hspy(export: Export, path: Path) -> None:
    """Write a signal that HyperSpy opens with its decomposition results.

    Raises
    ------
    ValueError
        If RosettaSciIO is not installed, or the result does not hold its data.
    """
    try:
        from rsciio import hspy  # noqa: PLC0415  an optional dependency
    except ImportError:
        raise ValueError('an .hspy file needs the rosettasciio package: pip install "mffnb[io]"') from None
    hspy.file_writer(path, signal_dictionary(export), show_progressbar=False)


HSPY = Writer("HyperSpy", (".hspy",), write_hspy, "result", extra="io")
