"""Tools of the explorer: settings that the data suggest, with reasons, and a button for each that is applied."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterator
from typing import Any

from mffnb.unmixing.suggest import suggest as suggestion_of
from mffnb.unmixing.suggestion.suggestion import Suggestion, keywords
from mffnb.widgets.session.parameters import AUTO, Parameters
from mffnb.widgets.session.session import Session
from mffnb.widgets.tool import Stage, running_session

__all__ = ["apply_suggestion", "suggest"]

_CONTROLS = ("k", "similarity", "volume", "sum_to_one", "gain", "sparsity", "smoothness")
_WEIGHTS = ("sparsity", "smoothness")  # sliders, which set a number only to the nearest of their steps
_found: weakref.WeakKeyDictionary[Session, tuple[Any, Suggestion]] = weakref.WeakKeyDictionary()


def suggest(stage: Stage, *, shown: bool = True, wait: bool = True) -> Suggestion | None:
    """Suggest settings from the data with reasons, see :func:`mffnb.suggest`; the page lists them with buttons.

    The pixels, channels and preprocessing steps of the present fit are used. Nothing is changed:
    :meth:`apply_suggestion`, or the button beside a reason, applies one setting.

    Parameters
    ----------
    shown
        Whether the page shows the list below the spectra.
    wait
        Whether to return the suggestion; otherwise it is computed in the background, and None is returned.

    Raises
    ------
    UnsupportedCombinationError
        If the pixels are on engines, or answers of a search are shown.

    Examples
    --------
    >>> import mffnb as mf
    >>> explorer = mf.explore(mf.datasets.tof_sims_2d(seed=0, shape=(32, 48)).cube, k=3)
    >>> explorer.suggest().settings["k"]
    4
    >>> explorer.apply_suggestion("k")
    >>> explorer.settings.k
    4
    >>> explorer.close()
    """
    session, settings = running_session(stage, "suggest"), stage.settings
    if not shown:
        stage.show_tool("suggest", recorded=False, shown=False)
        return _suggestion(session, settings) if wait else None
    if wait or _known(session, settings) is not None:
        found = _suggestion(session, settings)
        _show(stage, session, settings, found)
        return found if wait else None
    stage.show_tool("suggest", recorded=False, shown=True, busy=True)
    threading.Thread(
        target=_in_background, args=(weakref.ref(stage), session, settings), name="mffnb-suggest", daemon=True
    ).start()
    return None


def apply_suggestion(stage: Stage, setting: str) -> None:
    """Apply one suggested setting, as the button beside its reason does; ``undo`` takes it back.

    Parameters
    ----------
    setting
        Name of a keyword in the reasons of :meth:`suggest`, for example ``"k"``.

    Raises
    ------
    ValueError
        If nothing is suggested for this setting, or if it is not a setting that the open explorer can change.
    """
    found = _suggestion(running_session(stage, "apply_suggestion"), stage.settings)
    offered = {name: value for reason in found.reasons for name, value in reason.settings.items()}
    if setting not in offered:
        raise ValueError(f"nothing is suggested for {setting!r}: use one of {', '.join(offered)}")
    value = offered[setting]
    if setting not in _CONTROLS:
        raise ValueError(
            f"{setting} is set when the explorer is opened: mf.explore(cube, {keywords({setting: value})})"
        )
    if stage.settings.volume == AUTO and setting not in ("k", "volume"):
        raise ValueError(f"{setting} has no effect while the volume is automatic: switch auto off, and apply it again")
    if setting in _WEIGHTS:
        stage.set_exactly(setting, value)
    else:
        stage.change(**{setting: value})


def _pixels(settings: Parameters) -> Any:
    """Return the settings on which a suggestion depends: the pixels and channels of the fit, and its steps."""
    return settings.steps, settings.area


def _known(session: Session, settings: Parameters) -> Suggestion | None:
    """Return the suggestion if it was computed for these pixels and steps."""
    used, found = _found.get(session, (None, None))
    return found if used == _pixels(settings) else None


def _suggestion(session: Session, settings: Parameters) -> Suggestion:
    """Return the suggestion for the pixels and steps of the fit."""
    found = _known(session, settings)
    if found is None:
        source = session.source.restricted(settings.area)
        task, switches = source.task, settings.steps or (True,) * len(source.steps)
        steps = [step for step, on in zip(source.steps, switches, strict=True) if on]
        found = suggestion_of(
            source.cube,
            channel=task.channel,
            mask=task.mask,
            preprocess=[*steps, *source.last_steps],
            volume=session.automatic,
        )
        _found[session] = _pixels(settings), found
    return found


def _in_background(stage: weakref.ref[Stage], session: Session, settings: Parameters) -> None:
    """Compute the suggestion and show it, unless the user has closed the list or the explorer meanwhile."""
    error, found = "", None
    try:
        found = _suggestion(session, settings)
    except Exception as raised:
        error = f"no settings can be suggested: {raised}"
    still = stage()
    if still is None or not still.shown_values("suggest").get("busy"):
        return
    if found is None:
        still.show_tool("suggest", recorded=False, shown=True, busy=False, error=error)
    else:
        _show(still, session, settings, found)


def _show(stage: Stage, session: Session, settings: Parameters, found: Suggestion) -> None:
    """Send reasons and doubts to the page; it compares the settings with those of the picture."""
    steps, area = _pixels(settings)
    follows = {name for reason in found.reasons for name in reason.settings}  # mask and steps of the fit do not
    stage.show_tool(
        "suggest",
        recorded=False,
        shown=True,
        busy=False,
        line=keywords({name: value for name, value in found.settings.items() if name in follows}),
        reasons=list(_rows(session, found)),
        doubts=list(found.doubts),
        steps=list(steps),
        pixels="" if area is None else area.digest,
    )


def _rows(session: Session, found: Suggestion) -> Iterator[dict[str, Any]]:
    """Yield topic and sentence of each reason, and the setting that follows from it."""
    weights = session.source.task.weights
    for reason in found.reasons:
        row = {"topic": reason.topic, "text": reason.text, "setting": "", "optional": reason.optional}
        if not reason.settings:
            yield row
        for name, value in reason.settings.items():
            control = name in _CONTROLS
            given = name == "weights" and isinstance(weights, str) and weights == value
            more = {"value": value} if control else {"given": given}
            yield {**row, "setting": name, "call": keywords({name: value}), **more}
