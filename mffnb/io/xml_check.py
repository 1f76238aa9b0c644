"""Refusal of XML files whose entities could exhaust the memory or read other files, before any parser sees them."""

from __future__ import annotations

import re
from pathlib import Path

_FORBIDDEN = re.compile(rb"<!\s*(DOCTYPE|ENTITY)", re.IGNORECASE)
_BLOCK, _OVERLAP = 1 << 22, 64
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
        while block:
            if _FORBIDDEN.search(block):
                raise ValueError(
                    f"{path.name} declares a document type or entities, which can read other files or fill the memory, "
                    "and is not read: remove the declaration if you trust the file"
                )
            more = file.read(_BLOCK)
            block = block[-_OVERLAP:] + more if more else b""
