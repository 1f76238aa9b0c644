"""Colour tables of the live view: those of Matplotlib's colour maps, stored because importing Matplotlib takes 0.3 s.

``tests/widgets/test_live_view.py`` compares them with Matplotlib. To store another colour map, take its 256 x 3 bytes,
subtract from each row the row before it modulo 256, compress by zlib and encode by base64.
"""

from __future__ import annotations

import base64
import zlib

import numpy as np

_DIFFERENCES = {
    "viridis": (
        "eNp1kIENAzEIA01+tY7Q/Uf5FIxDaJtXK+s4nLyUl71hw3+ViDQbwxPKmNNvKU5o2yVnAEr2sTjACBqzgCxMca3gNyd0+cXjuP3J"
        "uvZc2CMOnaezG/BUmP83SKLkRFt1aX2LND1jqxddXs+Q7y3YnA8sXklJqD+O4935Eoe8CkKmyfH2TqT32Vmpzi4E56mbftKwyUIc"
        "lJk6K8ivgwVcAUbwNLKRB8FzfAARMYgK"
    ),
    "cividis": (
        "eNqFkgEOQyEIQ1u2k+xAu/9pZEBA0bgtIaa8VvLVj9cbJCheKGEEUlAycCG2wlbrnsQD6qsLCKOgKVxbzluGy4CElkAXllxkwZ/i"
        "f4wdYnN5DAlw2YuEzQ2Nc86EM5moB+Z88Ot3+lV8O2Y/S13mbull1MVqG9eQGYhXa+3m5kt1eCP29AlP3gZq/iGlDytc5VEYOx9T"
        "yGpHtINZdYMiH7PWQx8="
    ),
    "gray": "eNpjYGBgHAWjYKQCAHu/Av4=",
}


def color_tables() -> dict[str, bytes]:
    """Return the red, green, blue bytes of 256 steps for each colour map.

    Examples
    --------
    >>> color_tables()["gray"][-3:] == bytes([255, 255, 255])
    True
    """
    return {name: _decoded(text) for name, text in _DIFFERENCES.items()}


def _decoded(text: str) -> bytes:
    differences = np.frombuffer(zlib.decompress(base64.b64decode(text)), np.uint8).reshape(256, 3)
    return np.cumsum(differences, axis=0, dtype=np.uint8).tobytes()
