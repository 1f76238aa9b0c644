"""Writer of spectra in the JCAMP-DX format 4.24 (IUPAC), one block for each component."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mffnb.io.ascii_text import ascii_text
from mffnb.io.writer import Export, Writer, check_one_axis, one_spectrum, units_of

__all__ = ["JCAMP"]

# Names of the units in the standard; other units are written as they are.
_UNITS = {"cm-1": "1/CM", "1/cm": "1/CM", "cm^-1": "1/CM", "nm": "NANOMETERS", "µm": "MICROMETERS", "um": "MICROMETERS",
          "s": "SECONDS", "m/z": "M/Z", "Hz": "HZ"}  # fmt: skip


def write_jcamp(export: Export, path: Path) -> None:
    """Write all spectra as pairs of position and value; channels without data are left out.

    Several components are the blocks of one compound (LINK) file.

    Raises
    ------
    ValueError
        If the spectra have several channel dimensions.
    """
    check_one_axis(export, "a JCAMP-DX file")
    k = len(export.labels)
    blocks = [list(_block(export.component(number))) for number in range(k)]
    lines = blocks[0]
    if k > 1:
        outer = [f"##TITLE= {ascii_text(export.source)}", "##JCAMP-DX= 4.24", "##DATA TYPE= LINK", f"##BLOCKS= {k}"]
        lines = [*outer, *(line for block in blocks for line in block), "##END="]
    path.write_text("\n".join([*lines, ""]), encoding="ascii", newline="\r\n")


def _block(export: Export) -> Iterator[str]:
    """Yield the lines of the block of one spectrum."""
    where, values = one_spectrum(export, "a JCAMP-DX file")
    if not len(where):
        raise ValueError(f"the spectrum {export.labels[0]!r} has no data: leave this component out")
    units = units_of(export.endmembers, export.endmembers.dims[1])
    yield f"##TITLE= {ascii_text(export.labels[0])}"
    yield "##JCAMP-DX= 4.24"
    yield "##DATA TYPE= COMPONENT SPECTRUM"
    yield "##ORIGIN= mffnb"
    yield "##OWNER= mffnb"
    yield f"##XUNITS= {ascii_text(_UNITS.get(units, units or 'ARBITRARY UNITS'))}"
    yield f"##YUNITS= {ascii_text(units_of(export.endmembers) or 'ARBITRARY UNITS')}"
    yield "##XFACTOR= 1.0"
    yield "##YFACTOR= 1.0"
    yield f"##FIRSTX= {float(where[0])!r}"
    yield f"##LASTX= {float(where[-1])!r}"
    yield f"##FIRSTY= {float(values[0])!r}"
    yield f"##MAXX= {float(where.max())!r}"
    yield f"##MINX= {float(where.min())!r}"
    yield f"##MAXY= {float(values.max())!r}"
    yield f"##MINY= {float(values.min())!r}"
    yield f"##NPOINTS= {len(where)}"
    yield "##XYPOINTS= (XY..XY)"
    yield from (f"{float(x)!r}, {float(y)!r}" for x, y in zip(where, values, strict=True))
    yield "##END="


JCAMP = Writer("JCAMP-DX", (".jdx", ".dx"), write_jcamp, "spectra")
