"""Figures of cubes and results: functions that draw labelled arrays on matplotlib axes or figures and return these.

Names are imported on first use, so that the explorer starts without Matplotlib's axes.
"""

# Written by tools/generate_names.py from the declarations in the modules: do not edit below the docstring.

from mffnb.registry.lazy_names import lazy_names

_MODULES_OF = {
    "as_image": "mffnb.plots.labels",
    "axis_label": "mffnb.plots.labels",
    "channel_coordinate": "mffnb.plots.labels",
    "channel_label": "mffnb.plots.labels",
    "component_colormap": "mffnb.plots.maps",
    "draw_bands": "mffnb.plots.bands",
    "draw_composite": "mffnb.plots.maps",
    "draw_front": "mffnb.plots.searches",
    "draw_losses": "mffnb.plots.searches",
    "draw_map": "mffnb.plots.maps",
    "draw_scale_bar": "mffnb.plots.maps",
    "draw_settings": "mffnb.plots.searches",
    "draw_spectra": "mffnb.plots.spectra",
    "joint_overview": "mffnb.plots.figures",
    "label_peaks": "mffnb.plots.spectra",
    "lineage": "mffnb.plots.ranks",
    "on_dark": "mffnb.plots.dark",
    "overview": "mffnb.plots.figures",
    "pixel_size": "mffnb.plots.labels",
    "rank_scan": "mffnb.plots.ranks",
    "residuals": "mffnb.plots.figures",
    "search": "mffnb.plots.searches",
    "sections": "mffnb.plots.figures",
    "stability": "mffnb.plots.bands",
    "suggestion": "mffnb.plots.suggestions",
}
__all__ = list(_MODULES_OF)
__getattr__, __dir__ = lazy_names(__name__, _MODULES_OF)
