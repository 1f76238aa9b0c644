# Written by tools/generate_names.py from the declarations in the modules: do not edit.

from mffnb.datasets.cartilage import chondro as chondro
from mffnb.datasets.depth_profile import tof_sims_3d as tof_sims_3d
from mffnb.datasets.diffraction_microscopy import xdm_film as xdm_film
from mffnb.datasets.domain_walls import bfo_iv as bfo_iv
from mffnb.datasets.energy_loss import eels_map as eels_map
from mffnb.datasets.mineral_grains import mineral_edx as mineral_edx
from mffnb.datasets.mixed_oxide import stem_catalyst as stem_catalyst
from mffnb.datasets.phase_front import stem_movie as stem_movie
from mffnb.datasets.poplar_wood import poplar as poplar
from mffnb.datasets.quasiparticle_interference import qpi_twins as qpi_twins
from mffnb.datasets.raman_mapping import raman_map as raman_map
from mffnb.datasets.remote_sensing import samson as samson
from mffnb.datasets.sample import Sample as Sample
from mffnb.datasets.scanning_diffraction import diffraction_4d as diffraction_4d
from mffnb.datasets.tof_sims import tof_sims_2d as tof_sims_2d
from mffnb.datasets.tunnelling import cits_pnictide as cits_pnictide

__all__ = [
    "Sample",
    "bfo_iv",
    "chondro",
    "cits_pnictide",
    "diffraction_4d",
    "eels_map",
    "mineral_edx",
    "poplar",
    "qpi_twins",
    "raman_map",
    "samson",
    "stem_catalyst",
    "stem_movie",
    "tof_sims_2d",
    "tof_sims_3d",
    "xdm_film",
]
