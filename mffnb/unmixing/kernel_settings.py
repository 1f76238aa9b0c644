"""The settings of a run that determine which kernels it needs, as plain values for a process that compiles them."""

from __future__ import annotations

from typing import Any

import numpy as np

from mffnb.estimators.names import SIMILARITIES
from mffnb.protocols.matrix import Matrix
from mffnb.unmixing.image import Prepared
from mffnb.unmixing.task import Task

# Rows with more channels, and images with more pixels, are computed by other kernels.
_LONG_ROW, _MANY_PIXELS = 2048, 2**17


def kernel_settings(task: Task, image: Prepared, matrix: Matrix | None = None) -> dict[str, Any]:
    """Return what determines the kernels of a run: kinds of terms and of data, but no weights and no shapes.

    Parameters
    ----------
    task, image
        The settings of the run, and the image after preprocessing.
    matrix
        The matrix in the storage for the solver; None before it is chosen.
    """
    physics = task.physics
    settings = {
        "k": int(task.k),
        "dtype": str(image.cube.dtype),
        "similarity": _name(task.similarity),
        "transform": task.transform if isinstance(task.transform, str) else None,
        "solver": task.solver if isinstance(task.solver, str) else "auto",
        "sparsity": physics.sparsity != 0,
        "smoothness": physics.smoothness != 0,
        "volume": physics.volume if isinstance(physics.volume, str) else physics.volume != 0,
        "sum_to_one": bool(physics.sum_to_one),
        "gain": bool(physics.gain),
        "weights": _weights(image),
    }
    if matrix is None:
        return settings
    rows, columns = matrix.shape
    return settings | {
        "storage": str(matrix) if matrix.complete else "missing entries",
        "long": columns > _LONG_ROW,
        "many": rows >= _MANY_PIXELS,
    }


def _name(similarity: Any) -> str:
    """Return the name of a similarity; that of least squares for one that has no name."""
    if isinstance(similarity, str):
        return similarity
    return next((name for name, part in SIMILARITIES.items() if type(part) is type(similarity)), "frobenius")


def _weights(image: Prepared) -> str | None:
    """Return the kind of the weights: "poisson", "entries" for an array over the whole image, or "axes"."""
    weights = image.weights
    if weights is None or isinstance(weights, str):
        return "axes" if image.scales is not None else weights
    parts = weights if isinstance(weights, (list, tuple)) else [weights]
    return "entries" if any(min(np.shape(part), default=1) > 1 for part in parts) else "axes"
