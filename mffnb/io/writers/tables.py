"""Writers of spectra as tables: CSV and Excel workbooks, one row for each channel and one column for each component."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from mffnb.io.writer import Export, Writer, coordinate, units_of
from mffnb.plots.labels import axis_label, with_units

__all__ = ["CSV", "XLSX"]


def spectra_table(export: Export) -> pd.DataFrame:
    """Return spectra as a table: the coordinates of the channels first, then one column for each component.

    Spectra with several channel dimensions have one row for each combination of their coordinates. Units are in the
    headers.
    """
    spectra = export.endmembers
    axes = np.meshgrid(*(coordinate(spectra, name) for name in spectra.dims[1:]), indexing="ij")
    columns = {axis_label(spectra, name): axis.ravel() for name, axis in zip(spectra.dims[1:], axes, strict=True)}
    for label, values in zip(export.labels, spectra.values, strict=True):
        columns[with_units(label, units_of(spectra))] = values.ravel()
    return pd.DataFrame(columns)


def write_csv(export: Export, path: Path) -> None:
    """Write spectra as comma-separated values in UTF-8, with all digits."""
    spectra_table(export).to_csv(path, index=False, encoding="utf-8", lineterminator="\n")


def write_xlsx(export: Export, path: Path) -> None:
    """Write spectra and settings as the two sheets of an Excel workbook.

    Raises
    ------
    ValueError
        If openpyxl is not installed, or if there are more channels than rows of a sheet.
    """
    table = spectra_table(export)
    if len(table) >= 2**20:
        raise ValueError(f"a sheet has {2**20} rows, and the spectra {len(table)} channels: export them as .csv")
    try:
        import openpyxl  # noqa: F401, PLC0415  an optional dependency
    except ImportError:
        raise ValueError('an .xlsx file needs the openpyxl package: pip install "mffnb[io]"') from None
    settings = pd.DataFrame({"setting": list(export.parameters), "value": map(str, export.parameters.values())})
    with pd.ExcelWriter(path, engine="openpyxl") as book:
        table.to_excel(book, sheet_name="spectra", index=False)
        settings.to_excel(book, sheet_name="settings", index=False)
        # Text stays text: a label that begins with "=" would be a formula.
        for sheet in book.book.worksheets:
            for row in sheet.iter_rows():
                for cell in row:
                    if cell.data_type == "f":
                        cell.data_type = "s"


CSV = Writer("CSV", (".csv",), write_csv, "spectra")
XLSX = Writer("Excel workbook", (".xlsx",), write_xlsx, "spectra", extra="io")
