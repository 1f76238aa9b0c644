"""Calls of Python that find the answers of a rank scan or of a search of settings again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from mffnb.selection.scan import RankScan
from mffnb.selection.scanning import Scanning
from mffnb.widgets.session.search_answer import SearchCall

_CRITERIA_ALONE = {"held_out": 0, "splits": 0}
"""Keywords of a scan that leave out criteria: its answers do not depend on them."""
_RUN = ("n_init", "max_iter", "tol", "random_state")


def call_of_scan(scan: RankScan, k: int) -> SearchCall:
    """Return the call of :func:`mffnb.selection.scan_rank` that gives the answer for k; larger k are left out."""
    given = {**scan.settings, **{name: scan.parameters[name] for name in _RUN if name in scan.parameters}}
    default = {one.name: one.default for one in fields(Scanning)}
    changed = {name: value for name, value in given.items() if not _is(value, default.get(name))}
    return SearchCall(
        "mf.selection.scan_rank",
        (repr([one for one in scan.ks if one <= k]),),
        {**changed, **_CRITERIA_ALONE},
        "scan",
        (f"result = scan.results[{k}]",),
    )


def call_of_trial(settings: Mapping[str, Any], *, joint: bool = False) -> SearchCall:
    """Return the call of :func:`mffnb.unmix` with the settings of a trial; ``joint`` for several images."""
    left_out = ("k", "callback", "progress", "cluster")
    keywords = {name: value for name, value in settings.items() if name not in left_out and value is not None}
    leading = (repr(settings["k"]),)
    if joint:
        return SearchCall("mf.unmix", leading, keywords, "joint", ("result = joint.shared",))
    return SearchCall("mf.unmix", leading, keywords)


def _is(value: Any, default: Any) -> bool:
    """Whether a setting has its default value; an array never has."""
    if isinstance(value, (tuple, list)):
        return len(value) == 0 and len(default) == 0
    return value is default or (isinstance(value, (str, int, float)) and bool(value == default))
