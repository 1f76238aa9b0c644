"""Example spectral images: simulated ones with known truth, and measured ones downloaded on demand.

Names are imported on first use, so ``import mffnb.datasets`` is quick.
"""

# Written by tools/generate_names.py from the declarations in the modules: do not edit below the docstring.

from mffnb.registry.lazy_names import lazy_names

_MODULES_OF = {
    "Sample": "mffnb.datasets.sample",
    "bfo_iv": "mffnb.datasets.domain_walls",
    "chondro": "mffnb.datasets.cartilage",
    "cits_pnictide": "mffnb.datasets.tunnelling",
    "diffraction_4d": "mffnb.datasets.scanning_diffraction",
    "eels_map": "mffnb.datasets.energy_loss",
    "mineral_edx": "mffnb.datasets.mineral_grains",
    "poplar": "mffnb.datasets.poplar_wood",
    "qpi_twins": "mffnb.datasets.quasiparticle_interference",
    "raman_map": "mffnb.datasets.raman_mapping",
    "samson": "mffnb.datasets.remote_sensing",
    "stem_catalyst": "mffnb.datasets.mixed_oxide",
    "stem_movie": "mffnb.datasets.phase_front",
    "tof_sims_2d": "mffnb.datasets.tof_sims",
    "tof_sims_3d": "mffnb.datasets.depth_profile",
    "xdm_film": "mffnb.datasets.diffraction_microscopy",
}
__all__ = list(_MODULES_OF)
__getattr__, __dir__ = lazy_names(__name__, _MODULES_OF)
