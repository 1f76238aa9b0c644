"""Tool of the explorer: what is known about each number of components k, as a strip below the slider for k."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mffnb.widgets.history import Entry
from mffnb.widgets.session.parameters import Parameters
from mffnb.widgets.session.wording import change_text
from mffnb.widgets.tool import Stage, running_session

if TYPE_CHECKING:
    from mffnb.selection.data_criteria import DataCriteria

__all__ = ["evidence", "fill_evidence"]


def evidence(stage: Stage) -> pd.DataFrame:
    """Table of what is known about each number of components k; the page shows it below the slider for k.

    Errors are those of the answers in the history. The other columns depend on the data alone (pixels, preprocessing,
    weights), and :meth:`fill_evidence` computes them.

    Returns
    -------
    DataFrame
        One row for each ``k`` of the slider, NaN or an empty text where nothing is known:

        - ``relative_error``: that of the newest answer with this k,
        - ``settings``: in what its settings differ from the present ones, apart from k; empty if they are the same,
        - ``image``: spatial autocorrelation of the k-th image relative to that of noise, see
          :func:`mffnb.selection.independent_images`,
        - ``above``: whether this image stands above the noise: ``"yes"``, ``"unclear"`` or ``"no"``,
        - ``split_half``: largest angle between the endmembers of two halves of the pixels, in rad,
        - ``reproduced``: ``"yes"``, ``"roughly"`` or ``"no"``, from this angle relative to the smallest one between
          two endmembers.

    Examples
    --------
    >>> import mffnb as mf
    >>> explorer = mf.explore(mf.datasets.cits_pnictide(seed=0, shape=(20, 24, 60)).cube, k=2, max_components=5)
    >>> explorer.wait()
    >>> explorer.fill_evidence(wait=True)
    >>> explorer.evidence().reproduced.tolist()
    ['', 'yes', 'yes', 'no', '']
    >>> explorer.close()
    """
    session = running_session(stage, "evidence")
    search = stage.rank_evidence
    image = session.data if session.last is None else session.last.data
    if stage.settled or (session.last is not None and stage.settings == session.last.parameters):
        search.resume(image)
    criteria = search.of(image)
    table = _table(stage, criteria)
    advice = None if criteria is None else criteria.recommend()
    stage.show_tool(
        "evidence",
        follow=True,
        recorded=False,
        cells=[_cell(k, row) for k, row in table.iterrows()],
        wanted=search.wanted,
        share=0.0 if criteria is None else criteria.share,
        advice="" if advice is None else str(advice),
        error=search.error,
    )
    return table


def fill_evidence(stage: Stage, *, on: bool = True, wait: bool = False) -> None:
    """Compute the evidence for k that depends on the data alone, in the background, or stop to compute it.

    It uses one thread of low priority, pauses as soon as a control moves, and continues when the run has ended. Beyond
    the first k whose endmembers two halves of the pixels do not reproduce, no halves are compared.

    Parameters
    ----------
    on
        Whether to compute it. What is computed stays.
    wait
        Whether to return only when it is complete, or when a control has moved.

    Raises
    ------
    RuntimeError
        With ``wait``, if the run for the present settings has not ended: call ``explorer.wait()`` first.
    """
    running_session(stage, "fill_evidence")
    if wait and not stage.settled:
        raise RuntimeError("the evidence is computed after the run has ended: call explorer.wait() first")
    search = stage.rank_evidence
    search.wanted = on
    if not on:
        search.pause()
    evidence(stage)
    if wait and on:
        search.wait()


def _table(stage: Stage, criteria: DataCriteria | None) -> pd.DataFrame:
    """Return the table of :func:`evidence`."""
    ks = range(1, stage.rank_evidence.most + 1)
    verdicts = {} if criteria is None else criteria.verdicts(ks[-1])
    answers = _answers(stage)
    rows = []
    for k in ks:
        entry, difference = answers.get(k, (None, ""))
        verdict = verdicts.get(k)
        rows.append(
            {
                "relative_error": np.nan if entry is None else entry.relative_error,
                "settings": difference,
                "image": np.nan if verdict is None else verdict.image,
                "above": "" if verdict is None else verdict.above,
                "split_half": np.nan if verdict is None else verdict.split_half,
                "reproduced": "" if verdict is None else verdict.reproduced,
            }
        )
    return pd.DataFrame(rows, index=pd.Index(ks, name="k"))


def _answers(stage: Stage) -> dict[int, tuple[Entry, str]]:
    """Return the newest answer for each k with its difference in settings; those with the present settings first."""
    present = stage.settings
    found: dict[int, tuple[Entry, str]] = {}
    for entry in stage.history.entries:
        k, difference = entry.parameters.k, _difference(present, entry.parameters)
        if not difference or k not in found or found[k][1]:
            found[k] = entry, difference
    return found


def _difference(present: Parameters, other: Parameters) -> str:
    """Return in what settings differ from the present ones apart from k, as text; empty if they are the same."""
    same = replace(present, k=other.k, bands=other.bands)
    return "" if same == other else change_text(same, other)


def _cell(k: Any, row: Any) -> dict[str, Any]:
    """Return what the page shows of one k."""
    return {
        "k": int(k),
        "error": _number(row["relative_error"]),
        "settings": row["settings"],
        "ratio": _number(row["image"]),
        "image": row["above"],
        "angle": _number(np.degrees(row["split_half"])),
        "reproduced": row["reproduced"],
    }


def _number(value: float) -> float | None:
    """Return a number for JSON, which has no NaN."""
    return None if np.isnan(value) else float(value)
