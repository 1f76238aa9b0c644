"""Tool of the explorer: a map of the misfit of each pixel, and the pixel that is fitted worst."""

from __future__ import annotations

import numpy as np
import xarray as xr

from mffnb.estimators.names import mapped, named_similarity
from mffnb.similarities import KullbackLeibler
from mffnb.similarities.pixel_misfit import pixel_misfit
from mffnb.widgets.live_view.tile import encode_tile
from mffnb.widgets.measured import picture_position, pixel_axis, pixel_indices
from mffnb.widgets.tool import Stage, local_session

__all__ = ["residual_map"]


def residual_map(stage: Stage, *, shown: bool = True) -> xr.DataArray:
    """Misfit of each pixel in units of the noise: about 1 where the components describe the pixel.

    For counts (whole numbers, or ``similarity="kl"``) it is the root of the deviance over
    its expectation, for all other data chi: the root mean square of the residual divided by the noise level, which is
    estimated from the data; see
    :func:`mffnb.similarities.pixel_misfit.pixel_misfit`. With preprocessing it is the misfit of the processed data.

    Parameters
    ----------
    shown
        Whether the page shows the map beside those of the components. It is computed again when a run has ended.

    Returns
    -------
    DataArray
        Misfit (pixel dims); NaN where the fit uses no data. ``attrs["worst"]`` is the position of the largest one.

    Examples
    --------
    >>> import mffnb as mf
    >>> explorer = mf.explore(mf.datasets.tof_sims_2d(seed=0, shape=(16, 24)).cube, k=3, similarity="kl")
    >>> explorer.wait()
    >>> misfit = explorer.residual_map()
    >>> misfit.dims, bool(0.5 < misfit.median() < 1.5)
    (('y', 'x'), True)
    >>> explorer.close()
    """
    session, answer = local_session(stage, "residual_map"), stage.result
    solved = session.last
    assert solved is not None, "a result exists only with a state"
    state, matrix = solved.state, solved.data.matrix
    likelihood = named_similarity(solved.parameters.similarity) == KullbackLeibler()
    counts = likelihood or solved.data.holds_counts
    misfit = pixel_misfit(
        matrix,
        state.abundances,
        state.endmembers,
        counts=counts,
        gain=state.gain,
        mapped=mapped(solved.parameters.similarity, session.source.task.transform, state.intercept),
        noise=None if counts else solved.data.noise_level,
    )
    found = solved.data.layout.map(misfit, "misfit")
    found.attrs = {"long_name": "misfit of counts" if counts else "misfit chi"}
    if solved.data.holds_counts or not counts:
        found.attrs["units"] = "noise"
    found.attrs["worst"] = _position(found)
    if shown:
        where = pixel_indices(answer.abundances, None, found.attrs["worst"])
        stage.show_tool(
            "residual_map",
            follow=True,
            shown=True,
            worst=picture_position(answer.abundances, where),
            median=float(np.nanmedian(misfit)),
            **encode_tile(found, stage.section, from_zero=False),
        )
    else:
        stage.show_tool("residual_map", shown=False)
    return found


def _position(misfit: xr.DataArray) -> dict[str, float]:
    """Return the position of the largest misfit: coordinate, or index where there is none, by pixel dimension."""
    values = np.nan_to_num(misfit.values, nan=-np.inf)
    indices = np.unravel_index(int(values.argmax()), values.shape)
    return {str(name): float(pixel_axis(misfit, name)[index]) for name, index in zip(misfit.dims, indices, strict=True)}
