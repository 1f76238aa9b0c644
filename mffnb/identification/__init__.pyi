# Written by tools/generate_names.py from the declarations in the modules: do not edit.

from mffnb.identification.candidates import identify as identify
from mffnb.identification.choice import choose_table as choose_table
from mffnb.identification.ions import ion_masses as ion_masses
from mffnb.identification.peak_table import PeakTable as PeakTable
from mffnb.identification.peak_table import read_peak_table as read_peak_table
from mffnb.identification.spectral_library import match_library as match_library
from mffnb.identification.xray import xray_lines as xray_lines

__all__ = [
    "PeakTable",
    "choose_table",
    "identify",
    "ion_masses",
    "match_library",
    "read_peak_table",
    "xray_lines",
]
