"""Calls of the parsers of other packages: their exceptions become one sentence that names the file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mffnb.io.companions import check_store
from mffnb.io.expansion import hdf5_expands
from mffnb.io.files import check_links, is_hdf5
from mffnb.io.reader import Reader
from mffnb.io.short_text import short_text


@contextmanager
def parsing(path: Path, reader: Reader) -> Iterator[None]:
    """Check links and expansion of a file, and convert exceptions of its reader in the block.

    Raises
    ------
    ValueError, TypeError, MemoryError
        With the name of the file.
    """
    try:
        if is_hdf5(path):
            check_links(path)
            hdf5_expands(path)
        elif path.is_dir():
            check_store(path)
        yield
    except MemoryError as error:
        if str(error).startswith(path.name):
            raise
        raise MemoryError(f"{path.name} needs more memory than there is, or is damaged: {short_text(error)}") from error
    except (FileNotFoundError, PermissionError, Warning):
        raise
    except Exception as error:  # libraries raise exceptions of all types on a damaged file
        if isinstance(error, (ValueError, TypeError)) and path.name in str(error):
            raise
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"{path.name} could not be read as {reader.name}: {short_text(error)}") from error
