"""Unmix spectral images under physical constraints, live in JupyterLab.

Names are loaded at their first use, so that ``import mffnb`` takes little time.
"""

from __future__ import annotations

from mffnb._names import MODULES_OF, WINGS
from mffnb.registry.lazy_names import lazy_names

__version__ = "0.1.0"
__all__ = ["__version__", *sorted((*WINGS, *MODULES_OF))]  # noqa: PLE0604
__getattr__, __dir__ = lazy_names(__name__, MODULES_OF, WINGS)
