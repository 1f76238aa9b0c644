"""Hyperparameter search with hyperopt: reproducible on any number of workers, resumable, without ground truth."""

from mffnb.tuning import objectives
from mffnb.tuning.evaluation import Fit, Measured, Objective, sparseness
from mffnb.tuning.map_error import MapError
from mffnb.tuning.objectives import BIC, HeldOut, Repeatability, TargetSparsity
from mffnb.tuning.search import tune
from mffnb.tuning.staging import staged
from mffnb.tuning.trials import Trial
from mffnb.tuning.tuning import Ended, Tuning

__all__ = [
    "BIC",
    "Ended",
    "Fit",
    "HeldOut",
    "MapError",
    "Measured",
    "Objective",
    "Repeatability",
    "TargetSparsity",
    "Trial",
    "Tuning",
    "objectives",
    "sparseness",
    "staged",
    "tune",
]
