"""Plot of the evidence behind suggested settings: images above the noise, and noise against the mean of channels."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from mffnb.plots.shown import Suggested

__all__ = ["suggestion"]

_ABOVE, _WITHIN = 2.0, 1.2  # ratio of a certain image, and of noise


def suggestion(found: Suggested, *, figure: Figure | None = None) -> Figure:
    """Draw the evidence of a suggestion: the images that count components, and the noise of the channels.

    Parameters
    ----------
    found
        Result of :func:`mffnb.suggest`.
    figure
        Figure to draw on; if None, a new one that pyplot does not manage.

    Examples
    --------
    >>> import mffnb as mf
    >>> found = mf.suggest(mf.datasets.cits_pnictide(seed=0, shape=(20, 24, 60)).cube)
    >>> len(mf.plots.suggestion(found).axes) >= 2
    True
    """
    figure = figure or Figure(figsize=(9.0, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    ratios = found.evidence["images"]
    k = int(found.settings["k"])
    if ratios.size:
        colors = np.where(ratios["image"].values <= k, "C0", "0.7")
        left.bar(ratios["image"].values, np.maximum(ratios.values, 0.0), color=colors.tolist())
        left.axhspan(_WITHIN, _ABOVE, color="0.9", zorder=0)
        left.set_yscale("symlog", linthresh=1.0)
        left.set_ylim(bottom=0)
    else:
        left.text(0.5, 0.5, "too few pixels to count images", ha="center", va="center", transform=left.transAxes)
    left.set_xlabel("image")
    left.set_ylabel("smoothness / that of noise")
    left.set_title(f"k = {k}; images in the grey range are uncertain", loc="left", fontsize="medium")
    mean, variance = found.evidence["mean"].values, found.evidence["variance"].values
    used = (mean > 0) & (variance > 0)
    right.loglog(mean[used], variance[used], ".", color="C0", markersize=4)
    if used.any():
        ends = np.array([mean[used].min(), mean[used].max()])
        level = float(np.median(variance[used] / mean[used]))
        right.loglog(ends, level * ends, "--", color="0.4", label="in proportion to the mean")
        right.legend(frameon=False, fontsize="small")
    right.set_xlabel("mean of a channel")
    right.set_ylabel("variance of its noise")
    right.set_title("noise", loc="left", fontsize="medium")
    return figure
