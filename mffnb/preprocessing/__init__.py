"""Preprocessing steps for a cube, with the inverse for results: scaling, cropping, baselines, sliding FFT.

>>> from mffnb.preprocessing import Crop, PoissonScaling, fit_chain
"""

# Written by tools/generate_names.py from the declarations in the modules: do not edit below the docstring.

from mffnb.keywords import advise_all
from mffnb.preprocessing.augment import Parts, augment, split
from mffnb.preprocessing.background import AsymmetricBaseline, ConstantBackground, PowerLawBackground
from mffnb.preprocessing.chain import Chain, Processed, fit_chain, steps_from
from mffnb.preprocessing.channel_mask import LeaveOutChannels
from mffnb.preprocessing.dead_time import DeadTime
from mffnb.preprocessing.detector_mask import DetectorMask
from mffnb.preprocessing.drift import DriftCorrection
from mffnb.preprocessing.elementwise import Anscombe, Log1p
from mffnb.preprocessing.grid import Bin, Crop
from mffnb.preprocessing.image_scaling import ImageScaling
from mffnb.preprocessing.peak_picking import PeakPicking
from mffnb.preprocessing.ppm_bins import PpmBins
from mffnb.preprocessing.scaling import MeanCentre, PoissonScaling, Range, UnitNorm, UnitSum
from mffnb.preprocessing.sliding_fft import SlidingFFT
from mffnb.preprocessing.spikes import SpikeRemoval
from mffnb.preprocessing.step import Fitted, Step
from mffnb.preprocessing.zero_loss import ZeroLossAlignment

__all__ = [
    "Anscombe",
    "AsymmetricBaseline",
    "Bin",
    "Chain",
    "ConstantBackground",
    "Crop",
    "DeadTime",
    "DetectorMask",
    "DriftCorrection",
    "Fitted",
    "ImageScaling",
    "LeaveOutChannels",
    "Log1p",
    "MeanCentre",
    "Parts",
    "PeakPicking",
    "PoissonScaling",
    "PowerLawBackground",
    "PpmBins",
    "Processed",
    "Range",
    "SlidingFFT",
    "SpikeRemoval",
    "Step",
    "UnitNorm",
    "UnitSum",
    "ZeroLossAlignment",
    "augment",
    "fit_chain",
    "split",
    "steps_from",
]
advise_all(globals(), __all__)
