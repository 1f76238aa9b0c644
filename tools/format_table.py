"""Write docs/formats.md: the file formats that ``mffnb.read`` reads, from the declarations of the readers.

python tools/format_table.py            # write the page
python tools/format_table.py --check    # fail if it differs from the declarations
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import chdir
from pathlib import Path
from tempfile import TemporaryDirectory

from mffnb.io import readers
from mffnb.io.reader import Reader

PAGE = Path(__file__).parents[1] / "docs" / "formats.md"
MEASURED = Path(__file__).with_name("measured_files.md")
INTRODUCTION = """\
<!-- Written by tools/format_table.py: do not edit. -->
# File formats

`mf.read(path)` selects the reader by the suffix of the file and, if several readers have this suffix, by the content.
Data that can stay on disk are read in blocks while unmixing. `lazy=True` does this. It is the default if the data
would fill more than a quarter of the memory.

"""
EXAMPLE = """\
import h5py
import numpy as np
import mffnb as mf

with h5py.File("session.h5", "w") as file:
    file["before/spectra"], file["after/spectra"] = np.ones((2, 64, 96, 30))
    file["before/topography"] = np.ones((64, 96))
mf.read("session.h5", dataset="after/spectra")  # or dataset=0
mf.read("session.h5")  # ValueError"""
CLOSING = """
`mffnb formats` and `mf.io.formats()` show this table with the packages that are installed.

## Files with several signals

A signal is an array in a file. `dataset=` selects one by its number or its name; `channel=` does so in a measurement
with named channels (Nanonis). Without either, `mf.read` reads the only signal that can be a spectral image. If several
can be, it reads none, and its message is the numbered table of the signals:

```python
{code}
```

```text
{message}
```

| to see the signals | |
|---|---|
| `mffnb info FILE`, `mf.io.info(path)` | the table, and what `mf.read` chooses and why |
| `mf.io.contents(path)` | a tuple of `Signal`: `name`, `shape`, `dims`, `units`, `dtype`, `title` |
| `mf.open(path)` in a notebook | list, preview picture, the line of code, and a button that reads |

The data are not read for the first two. Exceptions are small spectra (SPC, JCAMP-DX, OPUS, OMNIC), tables of text and
R data, which have to be read as a whole. So are those formats of RosettaSciIO that cannot stay on disk. Shapes are
those of the file; `mf.read` moves the channels last. A NetCDF variable whose only dimensions are positions is a
picture: it is read by its name, for example for `mf.preprocessing.augment(cube, picture)`.

## Folders and patterns

| path | gives |
|---|---|
| `mf.read("session/*.h5")` | a list of cubes, sorted by the numbers in the names |
| `mf.read("session")` | the same of a folder whose files have one suffix; files that no reader knows are left out |
| a folder or pattern of TIFF files with one picture each | one cube, whose channels the names state |

The channel in a name is the only number that differs between the names, with its unit (`scan_284.5eV.tif`: a
dimension `energy` in eV). Else it is the text in which they differ (`map_Fe_K.tif`: the channel `Fe`). Where this is
not clear, `pattern=` says it: `"s*_{{wavelength:nm}}"` names dimension and unit, `*` stands for other parts that
change. Files that do not fit are left out.

## Notes on formats

- Nanonis: of several channels, the first lock-in signal is read, else the current; `attrs["choice"]` says which. Rows
  run from the lower edge of the grid upwards, as the file stores them. Pixels that were not measured are masked.
- imzML: the image is sparse and missing pixels are masked. The m/z axis is exact if the file repeats its m/z values, on
  average in two pixels or more. Other peaks are summed in bins of 10 ppm; bins without a peak are left out.
- Text: a first row of channels makes each further row a pixel, after its position. LabSpec does not name the columns
  of the positions. Then x is the one that changes from row to row, and in `.xyz` files the first one.
- Excel: `dataset="Sheet1/rows"` and `"Sheet1/columns"` state the layout of the table in a sheet.
- SPC, JCAMP-DX and OMNIC: spectra of one axis are read together as a line; others one by one.
- OMNIC: spectra (`.spa`) and groups (`.spg`) were tested with files that the tests write. Series (`.srs`) and maps
  (`.map`) are not read, because the direction of their wavenumbers could not be compared with OMNIC. Save a group, or
  read them with the package that the message names.
- ION-TOF SurfaceLab: `.ita` and `.itm` are not read: export imzML, or use pySPM in an environment of its own, since it
  needs IPython 8.
- ENVI: bad bands (`bbl`) and the value to be ignored are masked. A file that stays on disk has them in `good_band`.

Files are not trusted. An array that expands from less than a hundredth of its size to more than 0.5 GB stays on disk
or is refused. It stays on disk in HDF5, NetCDF-4, zarr and TIFF, and is refused in `.npz`, `.mat`, `.rda` and
`.xlsx`. A file with XML entities or with pickled objects is refused. So is one with a part outside of its folder
(links and external data of HDF5, links in stores, `.ibd`, OME-TIFF). A truncated or damaged file is refused in one
sentence, or read with a warning; flipped bits among numbers are not noticed. `python -m benchmarks io.hostile_files`
opens such files of each format in processes with limited memory.

## Measured files

Each file was read by mffnb and, directly, by the package of its format, or was written here with known values. "same":
shape, order of the axes and all values agree. A bar separates pixels from channels, with the range and the unit that
the file states. "on disk": with `lazy=True` the values stayed on disk, and were the same. Seconds are processor time,
MB the memory of reading all values, without the packages. `python -m benchmarks io.every_file` makes the table.

@measured
## Other formats

A reader is one module in `mffnb/io/readers/` that declares a `Reader` and lists it in `__all__`. Then `python
tools/generate_names.py` adds it to the package, and `python tools/format_table.py` to this table. Another
distribution registers its `Reader` with an entry point:

```toml
[project.entry-points."mffnb.readers"]
my-format = "my_package.reading:MY_FORMAT"
```

```python
from mffnb.io.reader import Reader, starts_with

# read_mine(path, dataset, lazy) returns the cube, contents_of_mine(path) a tuple of mf.io.Signal
MY_FORMAT = Reader("My format", (".mine",), read_mine, contents_of_mine, sniff=starts_with(b"MINE"))
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


def refused() -> str:
    """Message of the file with several signals that ``EXAMPLE`` writes and reads."""
    with TemporaryDirectory() as folder, chdir(folder):
        try:
            exec(EXAMPLE, {})
        except ValueError as error:
            return str(error)
    raise AssertionError("the example of docs/formats.md reads a file without a choice")


def page() -> str:
    """Text of the page."""
    own = [one for one in vars(readers).values() if isinstance(one, Reader)]
    ordered = sorted(own, key=lambda reader: (not reader.suffixes, reader.name.lower()))
    head = ["| format | suffixes | `dataset=` | can stay on disk | needs |", "|---|---|---|---|---|"]
    table = "\n".join([*head, *map(row, ordered), ""])
    closing = CLOSING.format(code=EXAMPLE, message=refused())
    return INTRODUCTION + table + closing.replace("@measured", MEASURED.read_text(encoding="utf-8"))


def main(arguments: Sequence[str]) -> int:
    """Write the page, or compare it with the declarations."""
    if "--check" in arguments:
        return int(not PAGE.exists() or PAGE.read_text(encoding="utf-8") != page())
    PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
