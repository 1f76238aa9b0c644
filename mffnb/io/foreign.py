"""Calls of the parsers of other packages: their exceptions become one sentence that names the file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mffnb.io.files import check_links, is_hdf5
from mffnb.io.reader import Reader


@contextmanager
def parsing(path: Path, reader: Reader) -> Iterator[None]:
    """Check the links of a file, and convert exceptions of its reader in the block.

    Raises
    ------
    ValueError, TypeError
        With the name of the file.
    """
    try:
        if is_hdf5(path):
            check_links(path)
        yield
    except (FileNotFoundError, PermissionError, MemoryError, Warning):
        raise
    except Exception as error:  # libraries raise exceptions of all types on a damaged file
        if isinstance(error, (ValueError, TypeError)) and path.name in str(error):
            raise
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"{path.name} could not be read as {reader.name}: {str(error) or type(error).__name__}") from error
