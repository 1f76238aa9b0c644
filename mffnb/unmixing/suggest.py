"""Suggest settings for unmixing from the data alone, with a reason and a figure for each."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import xarray as xr

from mffnb.cubes.as_cube import as_cube, is_several
from mffnb.io.read import read
from mffnb.keywords import checks_keywords
from mffnb.preprocessing import SlidingFFT, Step
from mffnb.preprocessing.step_results import check_steps
from mffnb.unmixing.image import Prepared
from mffnb.unmixing.joint_input import DEFAULTS, JointInput, for_one_image
from mffnb.unmixing.pictures import is_picture
from mffnb.unmixing.suggestion.background import Background
from mffnb.unmixing.suggestion.excerpt import excerpt
from mffnb.unmixing.suggestion.findings import Findings
from mffnb.unmixing.suggestion.sample import Sample
from mffnb.unmixing.suggestion.saturation import Saturation
from mffnb.unmixing.suggestion.suggestion import Suggestion
from mffnb.unmixing.suggestion.windows import windows

__all__ = ["suggest"]


@checks_keywords()
def suggest(
    cube: Any,
    k: int | None = None,
    *,
    channel: str | Sequence[str] | None = None,
    mask: Any = None,
    preprocess: Sequence[Step] = (),
    volume: bool = True,
) -> Suggestion:
    """Suggest the number of endmembers, the noise model and constraints for a spectral image, with reasons.

    The data alone decide, within a few seconds: a part of a large image is read. The number of endmembers is a quick
    count of images above the noise; :func:`mffnb.selection.scan_rank` is the thorough answer.

    Parameters
    ----------
    cube
        Spectral image, or the path of its file, as for :func:`mffnb.unmix`. It is not modified. For a list of images,
        the settings are those of their joint fit.
    k
        Number of endmembers, if it is known; None to count them.
    channel, mask, preprocess
        As for :func:`mffnb.unmix`; they are among the suggested settings.
    volume
        Whether ``volume="auto"`` may be suggested, which takes no other penalty, weights, ranks or checkpoint.

    Returns
    -------
    Suggestion
        ``settings`` for ``mf.unmix(cube, **suggestion.settings)``, and the reasons and doubts as sentences.

    Raises
    ------
    TypeError, ValueError
        If the data cannot be unmixed at all; the message says what to do.

    Examples
    --------
    >>> import mffnb as mf
    >>> sample = mf.datasets.tof_sims_2d(seed=0, shape=(32, 48))
    >>> suggestion = mf.suggest(sample.cube)
    >>> print(suggestion.line)
    k=4, weights='poisson'
    """
    if is_several(cube):
        return _for_several(cube, k, channel, mask, preprocess, volume=volume)
    data = read(cube) if isinstance(cube, (str, os.PathLike)) else as_cube(cube)
    check_steps(preprocess or ())
    steps, reasons = list(preprocess), []
    if channel is None and not any(isinstance(step, SlidingFFT) for step in steps) and is_picture(data):
        step, reason = windows(data)
        steps.append(step)
        reasons.append(reason)
    inputs = {"channel": channel, "mask": mask, "preprocess": steps or None}
    given = {name: value for name, value in inputs.items() if value is not None}
    part, used = excerpt(data, channel, mask, steps)
    image, sample = _sample(part, channel, used, steps)
    full = _saturation(part, channel, used, image, sample)
    found = Findings.of(image, sample, k, volume=volume, saturation=full)
    if k is None and len(image.layout.channel_shape) == 1 and found.compact:
        # A background that varies on its own is no vertex of a simplex, so no volume finds the spectra above it.
        background = Background.of(sample, found.counted, found.noise.relative, subtracted=bool(steps))
        if background is not None and background.found:
            reasons.append(background.reason)
            if background.steps:
                given["preprocess"] = background.steps
                part, used = excerpt(data, channel, mask, background.steps)
                image, sample = _sample(part, channel, used, background.steps)
            found = Findings.of(image, sample, None, volume=False, saturation=full)
    settings = {"k": found.k, **found.settings, **given}
    return Suggestion(settings, found.between, (*reasons, *found.reasons), found.doubts, found.evidence)


def _for_several(
    images: Sequence[Any], k: int | None, channel: Any, mask: Any, preprocess: Sequence[Step], *, volume: bool
) -> Suggestion:
    """Return the suggestion for the pixels of several images, with the mask of the user."""
    if len(images) == 1:
        alone = for_one_image({"mask": mask}, None)["mask"]
        return suggest(images[0], k, channel=channel, mask=alone, preprocess=preprocess, volume=volume)
    given = JointInput.of(images, channel, preprocess)
    stacked = given.translated(DEFAULTS | {"mask": mask, "preprocess": preprocess}, None)["mask"]
    found = suggest(given.stack.cube, k, channel=channel, mask=stacked, preprocess=preprocess, volume=volume)
    return replace(found, settings={**found.settings, **({} if mask is None else {"mask": mask})})


def _sample(part: xr.DataArray, channel: Any, mask: Any, steps: Sequence[Step]) -> tuple[Prepared, Sample]:
    """Return the preprocessed part of an image that is read, and a sample of it."""
    image = Prepared.of(part, channel, mask, steps)
    return image, Sample.of(image)


def _saturation(part: xr.DataArray, channel: Any, mask: Any, image: Prepared, sample: Sample) -> Saturation | None:
    """Return the saturated pixels before preprocessing, which moves equal values apart; None for a plain picture."""
    if image.chain is None:
        return Saturation.of(image, sample)
    return None if image.has_windows else Saturation.of(*_sample(part, channel, mask, ()))
