"""Convert an earlier unmixing result to factors from which a run starts (warm start)."""

from __future__ import annotations

import numpy as np

from mffnb.typing import Float64Array
from mffnb.unmixing.image import Prepared
from mffnb.unmixing.result import Unmixing


def factors_of(result: Unmixing, image: Prepared) -> tuple[Float64Array, Float64Array]:
    """Convert a result to the factors A (pixels, k) and E (k, channels) of an image, through its preprocessing."""
    layout = image.layout
    amounts = result.abundances if result.gain is None else result.abundances * result.gain
    spectra = result.endmembers
    if image.chain is not None:
        amounts, spectra = image.chain.prepare_abundances(amounts), image.chain.prepare_endmembers(spectra)
    A = amounts.transpose("component", *layout.pixel_shape).values
    E = spectra.transpose("component", *layout.channel_shape).values
    A, E = A.reshape(len(A), -1), E.reshape(len(E), -1)
    A = A if layout.pixel_mask is None else A[:, layout.pixel_mask.ravel()]
    E = E if layout.channel_mask is None else E[:, layout.channel_mask.ravel()]
    return A.T, E


def non_negative_factors_of(result: Unmixing, image: Prepared) -> tuple[Float64Array, Float64Array]:
    """Convert a result to the factors A (pixels, k) and E (k, channels) of an image, clipped at zero.

    Preprocessing and its inverse may leave rounding errors below zero, and NaN in pixels without a gain; both become 0.
    """
    A, E = (np.maximum(np.nan_to_num(part, posinf=0.0), 0.0) for part in factors_of(result, image))
    return A, E
