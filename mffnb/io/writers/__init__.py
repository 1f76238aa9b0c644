"""Writers of export formats: each module declares one or more :class:`mffnb.io.writer.Writer` in ``__all__``."""

# Written by tools/generate_names.py from the declarations in the modules: do not edit below the docstring.

from mffnb.io.writers.gsf import GSF
from mffnb.io.writers.hspy import HSPY
from mffnb.io.writers.jcamp import JCAMP
from mffnb.io.writers.living import LIVING_FIGURE
from mffnb.io.writers.msa import MSA
from mffnb.io.writers.nsid import NSID
from mffnb.io.writers.pictures import PICTURE
from mffnb.io.writers.report import REPORT
from mffnb.io.writers.tables import CSV, XLSX
from mffnb.io.writers.tiff import OME_TIFF, TIFF

__all__ = [
    "CSV",
    "GSF",
    "HSPY",
    "JCAMP",
    "LIVING_FIGURE",
    "MSA",
    "NSID",
    "OME_TIFF",
    "PICTURE",
    "REPORT",
    "TIFF",
    "XLSX",
]
