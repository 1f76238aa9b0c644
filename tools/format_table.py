"""Write docs/formats.md: the file formats that ``mffnb.read`` reads, from the declarations of the readers.

python tools/format_table.py            # write the page
python tools/format_table.py --check    # fail if it differs from the declarations
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from mffnb.io import readers
from mffnb.io.reader import Reader

PAGE = Path(__file__).parents[1] / "docs" / "formats.md"
MEASURED = Path(__file__).with_name("measured_files.md")
INTRODUCTION = """\
<!-- Written by tools/format_table.py: do not edit. -->
# File formats

`mf.read(path)` selects the reader by the suffix of the file and, if several readers have this suffix, by the content.
`dataset=` selects one array of a file that holds several. Data that can stay on disk are read in blocks while unmixing:
with `lazy=True`, or by default if they would fill more than a quarter of the memory.

"""
CLOSING = """
`mffnb formats` and `mf.io.formats()` show this table with the packages that are installed. `mffnb info FILE` and
`mf.io.info(path)` list what a file holds, and what `mf.read` chooses and why.

- Nanonis: of several channels, the first lock-in signal is read, else the current; `attrs["choice"]` says which. Rows
  run from the lower edge of the grid upwards, as the file stores them. Pixels that were not measured are masked.
- imzML: the image is sparse and missing pixels are masked. The m/z axis is exact if the file repeats its m/z values, on
  average in two pixels or more. Other peaks are summed in bins of 10 ppm; bins without a peak are left out.
- Text: a first row of channels makes each further row a pixel, after its position. LabSpec does not name the columns of
  the positions: x is then the one that changes from row to row, and in `.xyz` files the first one.
- ENVI: bad bands (`bbl`) and the value to be ignored are masked. A file that stays on disk has them in `good_band`.

Files are not trusted. An array that expands from less than a hundredth of its size to more than 0.5 GB stays on disk
(HDF5, NetCDF-4, zarr, TIFF) or is refused (`.npz`, `.mat`, `.rda`, `.xlsx`), and so is a file with XML entities, with a
part outside of its folder (links and external data of HDF5, links in stores, `.ibd`, OME-TIFF) or with pickled objects.
A truncated or damaged file is refused in one sentence, or read with a warning; flipped bits among numbers are not
noticed. `python -m benchmarks io.hostile_files` opens such files of each format in processes with limited memory.

## Measured files

Each file was read by mffnb and, directly, by the package of its format, or was written here with known values. "same":
shape, order of the axes and all values agree. A bar separates pixels from channels, with the range and the unit that
the file states. "on disk": with `lazy=True` the values stayed on disk, and were the same. Seconds are processor time,
MB the memory of reading all values, without the packages. `python -m benchmarks io.every_file` makes the table.

@measured
## Add a reader

A reader is one module in `mffnb/io/readers/` that declares a `Reader` and lists it in `__all__`;
`python tools/generate_names.py` then adds it to the package, `python tools/format_table.py` to this table. Another
distribution registers its `Reader` with an entry point:

```toml
[project.entry-points."mffnb.readers"]
my-format = "my_package.reading:MY_FORMAT"
```

```python
from mffnb.io.reader import Reader, starts_with

MY_FORMAT = Reader("My format", (".mine",), read_mine, sniff=starts_with(b"MINE"))  # read_mine(path, dataset, lazy)
```

Registered readers come before those of mffnb, so that `sniff` can select files of a general suffix such as `.h5`.

Penalties, constraints, similarities, solvers and starts are registered in the group `mffnb.parts`. The name of the
entry point is the name that `similarity=` or `solver=` accepts. A penalty or constraint with a label for the explorer
appears in its menu. A plug-in that cannot be loaded is left out with a warning that names its distribution.
"""


def row(reader: Reader) -> str:
    """Line of the table for one reader."""
    suffixes = " ".join(f"`{suffix}`" for suffix in reader.suffixes) or "all others"
    needs = f'`pip install "mffnb[{reader.extra}]"`' if reader.extra else ""
    return f"| {reader.name} | {suffixes} | {reader.datasets} | {'yes' if reader.lazy else ''} | {needs} |"


def page() -> str:
    """Text of the page."""
    own = [one for one in vars(readers).values() if isinstance(one, Reader)]
    ordered = sorted(own, key=lambda reader: (not reader.suffixes, reader.name.lower()))
    head = ["| format | suffixes | `dataset=` | can stay on disk | needs |", "|---|---|---|---|---|"]
    table = "\n".join([*head, *map(row, ordered), ""])
    return INTRODUCTION + table + CLOSING.replace("@measured", MEASURED.read_text(encoding="utf-8"))


def main(arguments: Sequence[str]) -> int:
    """Write the page, or compare it with the declarations."""
    if "--check" in arguments:
        return int(not PAGE.exists() or PAGE.read_text(encoding="utf-8") != page())
    PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
