"""Atomic writing of files: after an error, the file does not exist or is unchanged."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any


def write_atomically(path: str | os.PathLike[str], write: Callable[[Path], Any]) -> None:
    """Write a file atomically: ``write`` fills a temporary file in the same folder, which is renamed to ``path``.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> target = pathlib.Path(tempfile.mkdtemp()) / "note.txt"
    >>> write_atomically(target, lambda part: part.write_text("whole"))
    >>> target.read_text()
    'whole'
    """
    path = Path(path).resolve()  # of a symbolic link, the target is replaced
    if not path.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {path.parent}: make it first")
    if path.exists() and not path.is_file():
        raise OSError(errno.EISDIR, f"{path} is not a file that could be replaced: give another name")
    part = path.with_name(f".{path.stem}-{secrets.token_hex(8)}{path.suffix}")
    # The system applies the umask to a new file. Reading the umask in Python would change it for all threads.
    os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    try:
        default = part.stat().st_mode & 0o777
        write(part)
        # A writer may have made the file anew. The result gets the permissions of the older file, or the default ones.
        part.chmod(path.stat().st_mode & 0o777 if path.exists() else default)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
