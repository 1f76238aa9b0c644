"""Readers of file formats: each module declares one :class:`mffnb.io.reader.Reader` and lists it in ``__all__``."""

# Written by tools/generate_names.py from the declarations in the modules: do not edit below the docstring.

from mffnb.io.readers.envi import ENVI
from mffnb.io.readers.galactic import GALACTIC
from mffnb.io.readers.gsf import GSF
from mffnb.io.readers.hdf5 import HDF5
from mffnb.io.readers.imzml import IMZML
from mffnb.io.readers.jcamp import JCAMP
from mffnb.io.readers.matlab import MATLAB
from mffnb.io.readers.nanonis import NANONIS_GRID, NANONIS_POINT
from mffnb.io.readers.netcdf import NETCDF
from mffnb.io.readers.nexus import NEXUS
from mffnb.io.readers.numpy_files import NPY, NPZ
from mffnb.io.readers.omnic import OMNIC
from mffnb.io.readers.opus import OPUS
from mffnb.io.readers.r import RDATA
from mffnb.io.readers.rosettasciio import EDAX_JEOL, HDF5_DIALECTS, ROSETTASCIIO
from mffnb.io.readers.text import EXCEL, TEXT
from mffnb.io.readers.tiff import TIFF
from mffnb.io.readers.zarr import ZARR

__all__ = [
    "EDAX_JEOL",
    "ENVI",
    "EXCEL",
    "GALACTIC",
    "GSF",
    "HDF5",
    "HDF5_DIALECTS",
    "IMZML",
    "JCAMP",
    "MATLAB",
    "NANONIS_GRID",
    "NANONIS_POINT",
    "NETCDF",
    "NEXUS",
    "NPY",
    "NPZ",
    "OMNIC",
    "OPUS",
    "RDATA",
    "ROSETTASCIIO",
    "TEXT",
    "TIFF",
    "ZARR",
]
