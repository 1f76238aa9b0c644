"""Reading of spectral images from files, and atomic writing of results: a file is complete or does not change.

Each file format has a reader in :mod:`mffnb.io.readers`; :mod:`mffnb.io.registry` selects the reader of a file.
:func:`formats` lists all formats, :func:`contents` the arrays in a file, :func:`info` shows what would be read.
"""

from mffnb.registry.lazy_names import lazy_names

_MODULES_OF = {
    "FileInfo": "mffnb.io.file_info",
    "Signal": "mffnb.io.signal_table",
    "contents": "mffnb.io.file_info",
    "formats": "mffnb.io.format_list",
    "info": "mffnb.io.file_info",
}
__all__ = list(_MODULES_OF)
__getattr__, __dir__ = lazy_names(__name__, _MODULES_OF)
