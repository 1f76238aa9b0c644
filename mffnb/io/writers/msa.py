"""Writer of a spectrum in the EMSA/MAS format (ISO 22029), which programs for electron microscopy read."""

from __future__ import annotations

import datetime
from pathlib import Path

import numpy as np

from mffnb.errors import FileWarning, warn
from mffnb.io.ascii_text import ascii_text
from mffnb.io.writer import Export, Writer, one_spectrum, units_of

__all__ = ["MSA"]

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_EVEN = 1e-6  # relative difference of channel widths up to which an axis counts as even


def write_msa(export: Export, path: Path) -> None:
    """Write one spectrum with its axis; channels without data are left out.

    Raises
    ------
    ValueError
        If the spectrum has several channel dimensions, or fewer than two channels with data.
    """
    where, values = one_spectrum(export, "an .msa file")
    if len(where) < 2:
        raise ValueError(
            f"an .msa file needs two channels, and {export.labels[0]!r} has {len(where)}: export it as .csv"
        )
    steps = np.diff(where)
    step = (where[-1] - where[0]) / (len(where) - 1)
    if not np.allclose(steps, step, rtol=0, atol=_EVEN * abs(step) + 4 * np.spacing(np.abs(where).max())):
        warn(
            "the channel axis is not even: the .msa files hold each position, but HyperSpy reads first value and step "
            "only, so export .csv or .hspy for it",
            FileWarning,
        )
    name = export.endmembers.dims[1]
    now = datetime.datetime.now(datetime.UTC)
    header = {
        "FORMAT": "EMSA/MAS Spectral Data File",
        "VERSION": "1.0",
        "TITLE": f"{export.labels[0]}, {export.source}",
        "DATE": f"{now.day:02d}-{_MONTHS[now.month - 1]}-{now.year}",
        "TIME": f"{now:%H:%M}",
        "OWNER": "mffnb",
        "NPOINTS": f"{len(where)}.",
        "NCOLUMNS": "1.",
        "XUNITS": units_of(export.endmembers, name),
        "YUNITS": units_of(export.endmembers),
        "DATATYPE": "XY",
        "XPERCHAN": repr(float(step)),
        "OFFSET": repr(float(where[0])),
        "XLABEL": name,
        "YLABEL": export.endmembers.attrs.get("long_name", "intensity"),
    }
    # A colon separates keyword and value, so that values hold none before a space.
    lines = [f"#{key:<12}: {ascii_text(value).replace(': ', ' ')}" for key, value in header.items()]
    lines.append("#SPECTRUM    : Spectral Data Starts Here")
    lines += [f"{float(x)!r}, {float(y)!r}" for x, y in zip(where, values, strict=True)]
    path.write_text("\n".join([*lines, "#ENDOFDATA   : ", ""]), encoding="ascii", newline="\r\n")


MSA = Writer("EMSA/MAS", (".msa",), write_msa, "spectra", per_component=True)
