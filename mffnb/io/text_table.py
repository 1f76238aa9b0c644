"""Tables of numbers in text files: separator, decimal comma, comment lines and names of the columns."""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mffnb.io.signal_table import Signal
from mffnb.io.xml_check import check_zipped_xml
from mffnb.typing import Array

_NUMBER = re.compile(r"[-+]?(\d+([.,]\d*)?|[.,]\d+)([eE][-+]?\d+)?|nan", re.IGNORECASE)
_MOST_BLANK, _MOST_CELLS = 10_000, 50_000_000  # rows without a cell, and cells of a sheet
_SEPARATORS = ("\t", ";", ",")


@dataclass(frozen=True)
class Table:
    """A table of numbers with the texts above it.

    Attributes
    ----------
    header
        Texts of the row above the numbers, or of a first row that holds a text or an empty cell; may be empty.
    values
        The numbers (rows, columns).
    meta
        Comment lines ``#name=value``.
    """

    header: tuple[str, ...]
    values: Array
    meta: dict[str, str]

    @classmethod
    def of_text(cls, path: Path) -> Table:
        """Read the table in a text file.

        Raises
        ------
        ValueError
            If the file is binary, holds no table, or its last row is incomplete.
        """
        content = path.read_bytes()
        if b"\0" in content:
            raise ValueError(f"{path.name} is no text file, it holds zero bytes: give it the suffix of its own format")
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = content.decode("latin-1")
        lines = [line.rstrip("\r") for line in text.split("\n")]
        lines = [line for line in lines if line.strip()]
        comments = [line for line in lines if line.startswith("#") and "=" in line]
        lines = [line for line in lines if not (line.startswith("#") and "=" in line)]
        separator = _separator(lines)
        comma = (
            separator != ","
            and not any("." in line for line in lines[-20:])
            and any("," in line for line in lines[-20:])
        )
        rows = [_cells(line, separator) for line in lines]
        first = next((n for n, row in enumerate(rows) if sum(map(_is_number, row)) > len(row) / 2), None)
        if first is None:
            raise ValueError(f"{path.name} holds no table of numbers: it is empty, or truncated before its numbers")
        labelled = not all(map(_is_number, rows[first]))
        header = rows[first] if labelled else _names(rows[first - 1], len(rows[first])) if first else ()
        body = lines[first + labelled :]
        counts = Counter(len(row) for row in rows[first + labelled :])
        if not body or (labelled and max(counts) != len(header)):
            raise ValueError(f"{path.name} holds no row of numbers below its header: it is truncated, copy it again")
        if len(counts) > 1:
            raise ValueError(
                f"{path.name} has rows of {min(counts)} and of {max(counts)} cells: it is truncated or damaged, so "
                "copy or export it again"
            )
        frame = pd.read_csv(
            io.StringIO("\n".join(body)),
            header=None,
            sep=separator or r"\s+",
            decimal="," if comma else ".",
            skipinitialspace=True,
        )
        texts = [str(frame[name].iloc[0]) for name in frame.columns if frame[name].dtype.kind not in "iufb"]
        if texts:
            raise ValueError(f"{path.name} holds a text among its numbers ({texts[0][:40]!r}): remove this column")
        named = tuple(cell.replace(",", ".") if comma and _is_number(cell) else cell for cell in header)
        meta = dict(line[1:].split("=", 1) for line in comments)
        return cls(named, frame.to_numpy(np.float64), {key.strip(): text.strip() for key, text in meta.items()})

    @classmethod
    def of_sheet(cls, path: Path, sheet: str) -> Table:
        """Read the table in a sheet of an Excel file; the first row is the header unless it holds numbers only.

        Raises
        ------
        ValueError
            If the sheet holds no numbers, or a text among them.
        """
        with _book(path) as book:
            frame = _frame(path, book.book[sheet])
        first = ["" if pd.isna(cell) else str(cell) for cell in frame.iloc[0]] if len(frame) else []
        labelled = not all(map(_is_number, first))
        try:
            values = frame.iloc[int(labelled) :].to_numpy(np.float64)
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"{path.name} holds a text among its numbers ({error}): remove its column or row"
            ) from None
        if values.size == 0:
            raise ValueError(f"{path.name}: the sheet {sheet!r} holds no numbers")
        return cls(tuple(first) if labelled else (), values, {})


def sheets(path: Path) -> tuple[Signal, ...]:
    """Return the sheets of an Excel file, with the shapes that it states."""
    with _book(path) as book:
        shapes = {str(name): (book.book[name].max_row, book.book[name].max_column) for name in book.sheet_names}
    return tuple(Signal(name, shape, ("row", "column")) for name, shape in shapes.items())


def _book(path: Path) -> pd.ExcelFile:
    """Open an Excel file.

    Raises
    ------
    ValueError
        If the file is no Excel file, or the package for Excel files is missing.
    """
    check_zipped_xml(path)
    try:
        return pd.ExcelFile(path, engine="openpyxl")
    except ImportError:
        raise ValueError(f'reading {path.name} needs the openpyxl package: pip install "mffnb[io]"') from None


def _frame(path: Path, sheet: Any) -> pd.DataFrame:
    """Return the cells of a sheet; a cell far from the others would make pandas fill a table up to it."""
    sheet.reset_dimensions()  # they are stated in the file, and may be wrong
    rows: list[tuple[Any, ...]] = []
    widest, blank = 0, 0
    for row in sheet.iter_rows(values_only=True):
        filled = max((number for number, cell in enumerate(row, 1) if cell is not None), default=0)
        blank = 0 if filled else blank + 1
        widest = max(widest, filled)
        if blank > _MOST_BLANK or widest * (len(rows) + 1) > _MOST_CELLS:
            raise ValueError(
                f"{path.name} has a cell in row {len(rows) + 1} and column {widest}, far from the others: remove it, "
                "or save the table as text (.csv)"
            )
        rows.append(row[:filled])
    return pd.DataFrame(rows[: len(rows) - blank])


def _separator(lines: Sequence[str]) -> str:
    """Return the separator of the last lines: tab, semicolon or comma; empty for blanks."""
    some = lines[-20:]
    return next((one for one in _SEPARATORS if some and all(one in line for line in some)), "")


def _cells(line: str, separator: str) -> list[str]:
    """Split a line into cells without blanks around them and without quotes."""
    cells = line.split(separator) if separator else line.split()
    cells = [cell.strip().strip('"') for cell in cells]
    return cells[:-1] if separator and len(cells) > 2 and cells[-1] == "" else cells


def _is_number(cell: str) -> bool:
    return _NUMBER.fullmatch(cell.strip()) is not None


def _names(cells: Sequence[str], count: int) -> tuple[str, ...]:
    """Return the names of the columns; empty if the row above the numbers has another number of names."""
    names = [cell.lstrip("#").strip() for cell in cells]
    names = names if len(names) == count else [name for name in names if name]
    return tuple(names) if len(names) == count else ()
