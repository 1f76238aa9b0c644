"""Refusal of XML files whose entities could exhaust the memory or read other files, before any parser sees them."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import IO

_FORBIDDEN = re.compile(rb"<!\s*(DOCTYPE|ENTITY)", re.IGNORECASE)
_BLOCK, _OVERLAP = 1 << 22, 64
_LARGEST_ARCHIVE = 1 << 30  # bytes of all files in an archive of XML
_SMALL_ARCHIVE, _RATIO = 1 << 25, 50  # tables of numbers are compressed to a fifth
_UTF8_MARK = b"\xef\xbb\xbf"


def check_xml(path: Path) -> None:
    """Raise an error if an XML file declares a document type or entities, or has an encoding that could hide them.

    Formats of instruments need neither, and an entity of a foreign file can expand to gigabytes or name other files.

    Raises
    ------
    ValueError
        If the file declares them, is no XML, or is not encoded in ASCII, Latin-1 or UTF-8.
    """
    with path.open("rb") as file:
        block = file.read(_BLOCK)
        start = block.removeprefix(_UTF8_MARK).lstrip()
        if not start.startswith(b"<") or b"\0" in start[:4]:
            raise ValueError(f"{path.name} does not begin as an XML file in ASCII or UTF-8: copy or export it again")
        encoding = re.match(rb"<\?xml[^>]*?encoding\s*=\s*[\"']([^\"']*)", start)
        if encoding and not re.fullmatch(
            rb"(utf-?8|us-ascii|ascii|iso-8859-1|latin-?1|windows-1252)", encoding[1].lower()
        ):
            raise ValueError(f"{path.name} states the encoding {encoding[1].decode('latin-1')!r}: save it as UTF-8")
        file.seek(0)
        _check_declarations(path, file)


def check_zipped_xml(path: Path) -> None:
    """Raise ValueError if an archive of XML files, such as ``.xlsx``, declares entities or expands to gigabytes."""
    with zipfile.ZipFile(path) as archive:
        size = sum(member.file_size for member in archive.infolist())
        stored = path.stat().st_size
        if size > _LARGEST_ARCHIVE or size > max(_SMALL_ARCHIVE, _RATIO * stored):
            raise ValueError(
                f"{path.name} expands to {size} bytes, too many for a table: save it as text (.csv) instead"
            )
        for member in archive.infolist():
            with archive.open(member) as file:
                start = file.read(4)
                if start.startswith((b"\xff\xfe", b"\xfe\xff")) or (b"\0" in start and start.strip(b"\0")[:1] == b"<"):
                    raise ValueError(f"{path.name}: {member.filename} is not encoded in UTF-8: save it again")
                _check_declarations(path, file, start)


def _check_declarations(path: Path, file: IO[bytes], start: bytes = b"") -> None:
    """Raise ValueError if the rest of a file declares a document type or entities."""
    block = start + file.read(_BLOCK)
    while block:
        if _FORBIDDEN.search(block):
            raise ValueError(
                f"{path.name} declares a document type or entities, which can read other files or fill the memory, "
                "and is not read: remove the declaration if you trust the file"
            )
        more = file.read(_BLOCK)
        block = block[-_OVERLAP:] + more if more else b""
