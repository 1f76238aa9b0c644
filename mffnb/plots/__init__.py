"""Figures of cubes and results: functions that draw labelled arrays on matplotlib axes or figures and return these."""

from mffnb.plots.bands import draw_bands, stability
from mffnb.plots.dark import on_dark
from mffnb.plots.figures import overview, residuals, sections
from mffnb.plots.labels import as_image, axis_label, channel_coordinate, channel_label, pixel_size
from mffnb.plots.maps import component_colormap, draw_composite, draw_map, draw_scale_bar
from mffnb.plots.ranks import lineage, rank_scan
from mffnb.plots.searches import draw_front, draw_losses, draw_settings, search
from mffnb.plots.spectra import draw_spectra, label_peaks

__all__ = [
    "as_image",
    "axis_label",
    "channel_coordinate",
    "channel_label",
    "component_colormap",
    "draw_bands",
    "draw_composite",
    "draw_front",
    "draw_losses",
    "draw_map",
    "draw_scale_bar",
    "draw_settings",
    "draw_spectra",
    "label_peaks",
    "lineage",
    "on_dark",
    "overview",
    "pixel_size",
    "rank_scan",
    "residuals",
    "search",
    "sections",
    "stability",
]
