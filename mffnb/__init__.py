"""Unmix spectral images under physical constraints, live in JupyterLab.

Names are loaded when they are first used, so that ``import mffnb`` stays quick.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mffnb import datasets as datasets
    from mffnb import errors as errors
    from mffnb import geometry as geometry
    from mffnb import graphs as graphs
    from mffnb import matrices as matrices
    from mffnb import parallel as parallel
    from mffnb import plots as plots
    from mffnb import preprocessing as preprocessing
    from mffnb import presets as presets
    from mffnb import selection as selection
    from mffnb import tuning as tuning
    from mffnb.constraints import Bounds as Bounds
    from mffnb.constraints import NonNegative as NonNegative
    from mffnb.constraints import Orthogonal as Orthogonal
    from mffnb.constraints import Pinned as Pinned
    from mffnb.constraints import Simplex as Simplex
    from mffnb.constraints import Unimodal as Unimodal
    from mffnb.constraints import UnitBall as UnitBall
    from mffnb.estimators.factorization import MatrixFactorization as MatrixFactorization
    from mffnb.io.read import read as read
    from mffnb.knobs import knob as knob
    from mffnb.penalties import GroupSparsity as GroupSparsity
    from mffnb.penalties import MinimumVolume as MinimumVolume
    from mffnb.penalties import Ridge as Ridge
    from mffnb.penalties import Smoothness as Smoothness
    from mffnb.penalties import Sparsity as Sparsity
    from mffnb.penalties import SpectralSmoothness as SpectralSmoothness
    from mffnb.penalties import TotalVariation as TotalVariation
    from mffnb.plots.palette import component_colors as component_colors
    from mffnb.similarities import Bernoulli as Bernoulli
    from mffnb.similarities import BetaDivergence as BetaDivergence
    from mffnb.similarities import Frobenius as Frobenius
    from mffnb.similarities import Huber as Huber
    from mffnb.similarities import KullbackLeibler as KullbackLeibler
    from mffnb.similarities import SpectralAngle as SpectralAngle
    from mffnb.solvers.checkpoint import Checkpoint as Checkpoint
    from mffnb.transforms import Logistic as Logistic
    from mffnb.transforms import Rounding as Rounding
    from mffnb.unmixing.result import Unmixing as Unmixing
    from mffnb.unmixing.result import load as load
    from mffnb.unmixing.unmix import unmix as unmix
    from mffnb.widgets.boards.rank_explorer import RankExplorer as RankExplorer
    from mffnb.widgets.boards.tuning_monitor import TuningMonitor as TuningMonitor
    from mffnb.widgets.explorer import Explorer as Explorer
    from mffnb.widgets.explorer import explore as explore

__version__ = "0.1.0"

_MODULES = (
    "datasets", "errors", "geometry", "graphs", "matrices", "parallel", "plots", "preprocessing", "presets",
    "selection", "tuning",
)  # fmt: skip
_NAMES = {
    "Bernoulli": "similarities",
    "BetaDivergence": "similarities",
    "Bounds": "constraints",
    "Checkpoint": "solvers.checkpoint",
    "Explorer": "widgets.explorer",
    "Frobenius": "similarities",
    "GroupSparsity": "penalties",
    "Huber": "similarities",
    "KullbackLeibler": "similarities",
    "Logistic": "transforms",
    "MatrixFactorization": "estimators.factorization",
    "MinimumVolume": "penalties",
    "NonNegative": "constraints",
    "Orthogonal": "constraints",
    "Pinned": "constraints",
    "RankExplorer": "widgets.boards.rank_explorer",
    "Ridge": "penalties",
    "Rounding": "transforms",
    "Simplex": "constraints",
    "Smoothness": "penalties",
    "Sparsity": "penalties",
    "SpectralAngle": "similarities",
    "SpectralSmoothness": "penalties",
    "TotalVariation": "penalties",
    "TuningMonitor": "widgets.boards.tuning_monitor",
    "Unimodal": "constraints",
    "UnitBall": "constraints",
    "Unmixing": "unmixing.result",
    "component_colors": "plots.palette",
    "explore": "widgets.explorer",
    "knob": "knobs",
    "load": "unmixing.result",
    "read": "io.read",
    "unmix": "unmixing.unmix",
}
__all__ = ["__version__", *sorted((*_MODULES, *_NAMES))]  # noqa: PLE0604


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"mffnb.{name}")
    if name in _NAMES:
        value = getattr(importlib.import_module(f"mffnb.{_NAMES[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'mffnb' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
