"""Identification of spectra: candidates for a peak, and comparison of endmembers with a library.

Names are imported on first use, so ``import mffnb`` does not read the tables.
"""

# Written by tools/generate_names.py from the declarations in the modules: do not edit below the docstring.

from mffnb.registry.lazy_names import lazy_names

_MODULES_OF = {
    "PeakTable": "mffnb.identification.peak_table",
    "choose_table": "mffnb.identification.choice",
    "identify": "mffnb.identification.candidates",
    "ion_masses": "mffnb.identification.ions",
    "match_library": "mffnb.identification.spectral_library",
    "read_peak_table": "mffnb.identification.peak_table",
    "xray_lines": "mffnb.identification.xray",
}
__all__ = list(_MODULES_OF)
__getattr__, __dir__ = lazy_names(__name__, _MODULES_OF)
