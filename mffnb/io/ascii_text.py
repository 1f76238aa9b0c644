"""Labels and units as ASCII text, for formats that allow no other characters."""

from __future__ import annotations

import unicodedata

_SPELLED = {"µ": "u", "μ": "u", "Å": "A", "°": "deg", "Ω": "Ohm", "−": "-", "⁻": "-", "·": "*", "…": "...",
            "α": "alpha", "β": "beta", "γ": "gamma", "λ": "lambda", "θ": "theta", "–": "-", "—": "-"}  # fmt: skip


def ascii_text(text: object) -> str:
    """Return a text on one line in ASCII characters; signs of units are spelled out.

    Examples
    --------
    >>> ascii_text("5 µm, q in Å⁻¹")
    '5 um, q in A-1'
    """
    spelled = "".join(_SPELLED.get(character, character) for character in str(text))
    plain = unicodedata.normalize("NFKD", spelled).encode("ascii", errors="ignore").decode()
    return " ".join(plain.split())
