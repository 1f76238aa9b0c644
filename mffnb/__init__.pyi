# Written by tools/generate_names.py from the declarations in the modules: do not edit.

from mffnb import datasets as datasets
from mffnb import errors as errors
from mffnb import geometry as geometry
from mffnb import graphs as graphs
from mffnb import identification as identification
from mffnb import io as io
from mffnb import matrices as matrices
from mffnb import parallel as parallel
from mffnb import plots as plots
from mffnb import preprocessing as preprocessing
from mffnb import presets as presets
from mffnb import selection as selection
from mffnb import tuning as tuning
from mffnb.constraints.ball import NonNegative as NonNegative
from mffnb.constraints.ball import UnitBall as UnitBall
from mffnb.constraints.bounds import Bounds as Bounds
from mffnb.constraints.fixed import Fixed as Fixed
from mffnb.constraints.orthogonal import Orthogonal as Orthogonal
from mffnb.constraints.pattern_symmetry import PatternSymmetry as PatternSymmetry
from mffnb.constraints.pinned import Pinned as Pinned
from mffnb.constraints.simplex import Simplex as Simplex
from mffnb.constraints.unimodal import Unimodal as Unimodal
from mffnb.estimators.factorization import MatrixFactorization as MatrixFactorization
from mffnb.io.read_paths import read as read
from mffnb.knobs import knob as knob
from mffnb.penalties.groups import GroupSparsity as GroupSparsity
from mffnb.penalties.ridge import Ridge as Ridge
from mffnb.penalties.smoothness import Smoothness as Smoothness
from mffnb.penalties.smoothness import SpectralSmoothness as SpectralSmoothness
from mffnb.penalties.sparsity import Sparsity as Sparsity
from mffnb.penalties.variation import TotalVariation as TotalVariation
from mffnb.penalties.volume import MinimumVolume as MinimumVolume
from mffnb.plots.palette import component_colors as component_colors
from mffnb.similarities.angle import SpectralAngle as SpectralAngle
from mffnb.similarities.bernoulli import Bernoulli as Bernoulli
from mffnb.similarities.divergences import BetaDivergence as BetaDivergence
from mffnb.similarities.divergences import KullbackLeibler as KullbackLeibler
from mffnb.similarities.huber import Huber as Huber
from mffnb.similarities.least_squares import Frobenius as Frobenius
from mffnb.solvers.checkpoint import Checkpoint as Checkpoint
from mffnb.transforms import Logistic as Logistic
from mffnb.transforms import Rounding as Rounding
from mffnb.unmixing.following import Following as Following
from mffnb.unmixing.following import follow as follow
from mffnb.unmixing.joint import JointUnmixing as JointUnmixing
from mffnb.unmixing.loading import load as load
from mffnb.unmixing.result import Unmixing as Unmixing
from mffnb.unmixing.stream import Stream as Stream
from mffnb.unmixing.stream import stream as stream
from mffnb.unmixing.suggest import suggest as suggest
from mffnb.unmixing.unmix import unmix as unmix
from mffnb.widgets.boards.rank_explorer import RankExplorer as RankExplorer
from mffnb.widgets.boards.tuning_monitor import TuningMonitor as TuningMonitor
from mffnb.widgets.explorer import Explorer as Explorer
from mffnb.widgets.explorer import explore as explore
from mffnb.widgets.signal_chooser import SignalChooser as SignalChooser
from mffnb.widgets.signal_chooser import open as open  # noqa: A004

__version__: str
__all__ = [
    "Bernoulli",
    "BetaDivergence",
    "Bounds",
    "Checkpoint",
    "Explorer",
    "Fixed",
    "Following",
    "Frobenius",
    "GroupSparsity",
    "Huber",
    "JointUnmixing",
    "KullbackLeibler",
    "Logistic",
    "MatrixFactorization",
    "MinimumVolume",
    "NonNegative",
    "Orthogonal",
    "PatternSymmetry",
    "Pinned",
    "RankExplorer",
    "Ridge",
    "Rounding",
    "SignalChooser",
    "Simplex",
    "Smoothness",
    "Sparsity",
    "SpectralAngle",
    "SpectralSmoothness",
    "Stream",
    "TotalVariation",
    "TuningMonitor",
    "Unimodal",
    "UnitBall",
    "Unmixing",
    "__version__",
    "component_colors",
    "datasets",
    "errors",
    "explore",
    "follow",
    "geometry",
    "graphs",
    "identification",
    "io",
    "knob",
    "load",
    "matrices",
    "parallel",
    "plots",
    "preprocessing",
    "presets",
    "read",
    "selection",
    "stream",
    "suggest",
    "tuning",
    "unmix",
]
