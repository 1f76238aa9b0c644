"""Tools of the explorer, one per module: each function is a method of the explorer and a message of the page."""

# Written by tools/generate_names.py from the declarations in the modules: do not edit below the docstring.

from collections.abc import Callable
from typing import Any

from mffnb.widgets.tool import as_gesture
from mffnb.widgets.tools import apply as _apply
from mffnb.widgets.tools import arrange as _arrange
from mffnb.widgets.tools import band as _band
from mffnb.widgets.tools import compare as _compare
from mffnb.widgets.tools import composite as _composite
from mffnb.widgets.tools import drop_pin as _drop_pin
from mffnb.widgets.tools import evidence as _evidence
from mffnb.widgets.tools import export as _export
from mffnb.widgets.tools import fit_area as _fit_area
from mffnb.widgets.tools import fit_channels as _fit_channels
from mffnb.widgets.tools import fix as _fix
from mffnb.widgets.tools import freedom as _freedom
from mffnb.widgets.tools import hold as _hold
from mffnb.widgets.tools import identify as _identify
from mffnb.widgets.tools import match as _match
from mffnb.widgets.tools import mean_spectrum as _mean_spectrum
from mffnb.widgets.tools import orthogonal_sections as _orthogonal_sections
from mffnb.widgets.tools import probe as _probe
from mffnb.widgets.tools import profile as _profile
from mffnb.widgets.tools import region as _region
from mffnb.widgets.tools import rename as _rename
from mffnb.widgets.tools import rename_region as _rename_region
from mffnb.widgets.tools import reproduce as _reproduce
from mffnb.widgets.tools import residual_map as _residual_map
from mffnb.widgets.tools import restructure as _restructure
from mffnb.widgets.tools import save as _save
from mffnb.widgets.tools import save_picture as _save_picture
from mffnb.widgets.tools import scatter as _scatter
from mffnb.widgets.tools import show_history as _show_history
from mffnb.widgets.tools import show_section as _show_section
from mffnb.widgets.tools import show_spectra as _show_spectra
from mffnb.widgets.tools import suggest as _suggest
from mffnb.widgets.tools import undo as _undo


class ToolMethods:
    """Methods of the explorer, one for each tool."""

    apply = as_gesture(_apply.apply)
    apply_suggestion = as_gesture(_suggest.apply_suggestion)
    back = as_gesture(_undo.back)
    band = as_gesture(_band.band)
    code = as_gesture(_reproduce.code)
    compare = as_gesture(_compare.compare)
    composite = as_gesture(_composite.composite)
    drop_pin = as_gesture(_drop_pin.drop_pin)
    drop_region = as_gesture(_region.drop_region)
    evidence = as_gesture(_evidence.evidence)
    export = as_gesture(_export.export)
    fill_evidence = as_gesture(_evidence.fill_evidence)
    fit_only = as_gesture(_fit_area.fit_only)
    fix = as_gesture(_fix.fix)
    freedom = as_gesture(_freedom.freedom)
    go_to = as_gesture(_show_history.go_to)
    hide = as_gesture(_arrange.hide)
    hold = as_gesture(_hold.hold)
    identify = as_gesture(_identify.identify)
    keep = as_gesture(_compare.keep)
    leave_out = as_gesture(_fit_area.leave_out)
    leave_out_channels = as_gesture(_fit_channels.leave_out_channels)
    match = as_gesture(_match.match)
    mean_spectrum = as_gesture(_mean_spectrum.mean_spectrum)
    merge = as_gesture(_restructure.merge)
    orthogonal_sections = as_gesture(_orthogonal_sections.orthogonal_sections)
    probe = as_gesture(_probe.probe)
    profile = as_gesture(_profile.profile)
    redo = as_gesture(_undo.redo)
    region = as_gesture(_region.region)
    release = as_gesture(_hold.release)
    rename = as_gesture(_rename.rename)
    rename_region = as_gesture(_rename_region.rename_region)
    reorder = as_gesture(_arrange.reorder)
    rerun = as_gesture(_reproduce.rerun)
    residual_map = as_gesture(_residual_map.residual_map)
    save = as_gesture(_save.save)
    save_picture = as_gesture(_save_picture.save_picture)
    scatter = as_gesture(_scatter.scatter)
    set_color = as_gesture(_arrange.set_color)
    set_number = as_gesture(_apply.set_number)
    show = as_gesture(_arrange.show)
    show_history = as_gesture(_show_history.show_history)
    show_section = as_gesture(_show_section.show_section)
    show_spectra = as_gesture(_show_spectra.show_spectra)
    split = as_gesture(_restructure.split)
    suggest = as_gesture(_suggest.suggest)
    undo = as_gesture(_undo.undo)
    use_channels = as_gesture(_fit_channels.use_channels)


TOOLS: dict[str, Callable[..., Any]] = {
    "apply": _apply.apply,
    "apply_suggestion": _suggest.apply_suggestion,
    "back": _undo.back,
    "band": _band.band,
    "code": _reproduce.code,
    "compare": _compare.compare,
    "composite": _composite.composite,
    "drop_pin": _drop_pin.drop_pin,
    "drop_region": _region.drop_region,
    "evidence": _evidence.evidence,
    "export": _export.export,
    "fill_evidence": _evidence.fill_evidence,
    "fit_only": _fit_area.fit_only,
    "fix": _fix.fix,
    "freedom": _freedom.freedom,
    "go_to": _show_history.go_to,
    "hide": _arrange.hide,
    "hold": _hold.hold,
    "identify": _identify.identify,
    "keep": _compare.keep,
    "leave_out": _fit_area.leave_out,
    "leave_out_channels": _fit_channels.leave_out_channels,
    "match": _match.match,
    "mean_spectrum": _mean_spectrum.mean_spectrum,
    "merge": _restructure.merge,
    "orthogonal_sections": _orthogonal_sections.orthogonal_sections,
    "probe": _probe.probe,
    "profile": _profile.profile,
    "redo": _undo.redo,
    "region": _region.region,
    "release": _hold.release,
    "rename": _rename.rename,
    "rename_region": _rename_region.rename_region,
    "reorder": _arrange.reorder,
    "rerun": _reproduce.rerun,
    "residual_map": _residual_map.residual_map,
    "save": _save.save,
    "save_picture": _save_picture.save_picture,
    "scatter": _scatter.scatter,
    "set_color": _arrange.set_color,
    "set_number": _apply.set_number,
    "show": _arrange.show,
    "show_history": _show_history.show_history,
    "show_section": _show_section.show_section,
    "show_spectra": _show_spectra.show_spectra,
    "split": _restructure.split,
    "suggest": _suggest.suggest,
    "undo": _undo.undo,
    "use_channels": _fit_channels.use_channels,
}
"""Functions that answer the messages of the page, by name."""
