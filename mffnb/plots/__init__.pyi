# Written by tools/generate_names.py from the declarations in the modules: do not edit.

from mffnb.plots.bands import draw_bands as draw_bands
from mffnb.plots.bands import stability as stability
from mffnb.plots.dark import on_dark as on_dark
from mffnb.plots.figures import joint_overview as joint_overview
from mffnb.plots.figures import overview as overview
from mffnb.plots.figures import residuals as residuals
from mffnb.plots.figures import sections as sections
from mffnb.plots.labels import as_image as as_image
from mffnb.plots.labels import axis_label as axis_label
from mffnb.plots.labels import channel_coordinate as channel_coordinate
from mffnb.plots.labels import channel_label as channel_label
from mffnb.plots.labels import pixel_size as pixel_size
from mffnb.plots.maps import component_colormap as component_colormap
from mffnb.plots.maps import draw_composite as draw_composite
from mffnb.plots.maps import draw_map as draw_map
from mffnb.plots.maps import draw_scale_bar as draw_scale_bar
from mffnb.plots.ranks import lineage as lineage
from mffnb.plots.ranks import rank_scan as rank_scan
from mffnb.plots.searches import draw_front as draw_front
from mffnb.plots.searches import draw_losses as draw_losses
from mffnb.plots.searches import draw_settings as draw_settings
from mffnb.plots.searches import search as search
from mffnb.plots.spectra import draw_spectra as draw_spectra
from mffnb.plots.spectra import label_peaks as label_peaks
from mffnb.plots.suggestions import suggestion as suggestion

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
    "joint_overview",
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
    "suggestion",
]
