"""Example spectral images: simulated ones with known truth, and measured ones downloaded on demand.

Names are imported on first use, so ``import mffnb.datasets`` is quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mffnb.datasets.cartilage import chondro
    from mffnb.datasets.depth_profile import tof_sims_3d
    from mffnb.datasets.diffraction_microscopy import xdm_film
    from mffnb.datasets.domain_walls import bfo_iv
    from mffnb.datasets.energy_loss import eels_map
    from mffnb.datasets.mineral_grains import mineral_edx
    from mffnb.datasets.mixed_oxide import stem_catalyst
    from mffnb.datasets.poplar_wood import poplar
    from mffnb.datasets.raman_mapping import raman_map
    from mffnb.datasets.remote_sensing import samson
    from mffnb.datasets.sample import Sample
    from mffnb.datasets.tof_sims import tof_sims_2d
    from mffnb.datasets.tunnelling import cits_pnictide

__all__ = [
    "Sample",
    "bfo_iv",
    "chondro",
    "cits_pnictide",
    "eels_map",
    "mineral_edx",
    "poplar",
    "raman_map",
    "samson",
    "stem_catalyst",
    "tof_sims_2d",
    "tof_sims_3d",
    "xdm_film",
]

# No module has the name of a function: importing the module would replace the function.
_HOMES = {
    "Sample": "sample",
    "bfo_iv": "domain_walls",
    "chondro": "cartilage",
    "cits_pnictide": "tunnelling",
    "eels_map": "energy_loss",
    "mineral_edx": "mineral_grains",
    "poplar": "poplar_wood",
    "raman_map": "raman_mapping",
    "samson": "remote_sensing",
    "stem_catalyst": "mixed_oxide",
    "tof_sims_2d": "tof_sims",
    "tof_sims_3d": "depth_profile",
    "xdm_film": "diffraction_microscopy",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
