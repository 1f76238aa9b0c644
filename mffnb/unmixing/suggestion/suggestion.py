"""A suggestion of settings with its reasons: sentences with figures, and keywords for ``unmix`` and ``explore``."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import xarray as xr

__all__ = ["Suggestion"]


@dataclass(frozen=True, eq=False)
class Reason:
    """One property of the data, its figure, and the settings that follow from it.

    Attributes
    ----------
    topic
        One or two words, for example "noise".
    text
        A sentence with the figure.
    figure
        The number on which the sentence rests.
    settings
        Keywords of :func:`mffnb.unmix` that follow; empty if none do.
    optional
        Whether the settings are worth a trial, and not part of the suggestion.
    """

    topic: str
    text: str
    figure: float
    settings: Mapping[str, Any] = field(default_factory=dict)
    optional: bool = False

    def __str__(self) -> str:
        """Return the sentence, with the settings that follow from it."""
        if not self.settings:
            return self.text
        return f"{self.text}: {'try ' if self.optional else ''}{keywords(self.settings)}"


@dataclass(frozen=True, eq=False)
class Suggestion:
    """Settings that the data suggest for :func:`mffnb.unmix` and :func:`mffnb.explore`, with reasons and doubts.

    Attributes
    ----------
    settings
        Keywords, among them ``k``: ``mf.unmix(cube, **suggestion.settings)``.
    between
        Smallest and largest k that remain possible after a quick count; :func:`mffnb.selection.scan_rank` is the
        thorough one.
    reasons
        Properties of the data; each is a sentence with a figure, and has the settings that follow from it.
    doubts
        Sentences on what may be wrong, or should be looked at first.
    evidence
        Figures behind the reasons: autocorrelation of images, noise and mean of each channel.

    Examples
    --------
    >>> import mffnb as mf
    >>> sample = mf.datasets.cits_pnictide(seed=0, shape=(20, 24, 60))
    >>> suggestion = mf.suggest(sample.cube)
    >>> suggestion.settings["k"]
    3
    """

    settings: dict[str, Any]
    between: tuple[int, int]
    reasons: tuple[Reason, ...]
    doubts: tuple[str, ...]
    evidence: xr.Dataset

    @property
    def line(self) -> str:
        """The settings as one line of text."""
        return keywords(self.settings)

    def __repr__(self) -> str:
        parts = [f"<Suggestion: {self.line}>", *(f"  {one.topic}: {one}" for one in self.reasons)]
        return "\n".join([*parts, *(f"  doubt: {one}" for one in self.doubts)])

    def _repr_html_(self) -> str:
        rows = [
            f"<tr><td style='text-align:left'><b>{html.escape(one.topic)}</b></td>"
            f"<td style='text-align:left'>{html.escape(one.text)}</td>"
            f"<td style='text-align:left'><code>{html.escape(_call(one))}</code></td></tr>"
            for one in self.reasons
        ]
        doubts = "".join(f"<li>{html.escape(one)}</li>" for one in self.doubts)
        return (
            f"<div><p><code>mf.unmix(cube, {html.escape(self.line)})</code></p>"
            f"<table><tbody>{''.join(rows)}</tbody></table>"
            + (f"<p>Doubts</p><ul>{doubts}</ul>" if doubts else "")
            + "</div>"
        )

    def plot(self, **options: Any) -> Any:
        """Draw the images above the noise, and noise against the mean; see :func:`mffnb.plots.suggestion`."""
        from mffnb import plots  # noqa: PLC0415  imports matplotlib

        return plots.suggestion(self, **options)


def keywords(settings: Mapping[str, Any]) -> str:
    """Return settings as keywords of a call; an array is shown by its sizes.

    Examples
    --------
    >>> keywords({"k": 3, "volume": "auto"})
    "k=3, volume='auto'"
    """
    return ", ".join(f"{name}={_shown(value)}" for name, value in settings.items())


def _shown(value: Any) -> str:
    if isinstance(value, xr.DataArray):
        return f"<{' x '.join(f'{name} {size}' for name, size in value.sizes.items())}>"
    if isinstance(value, float):
        return f"{value:.3g}"
    return repr(value)


def _call(reason: Reason) -> str:
    return f"{'try ' if reason.optional else ''}{keywords(reason.settings)}" if reason.settings else ""
