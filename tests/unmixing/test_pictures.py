"""A plain picture that is taken for a line of spectra is reported once by each call, at the line of the user."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import mffnb as mf
from mffnb.errors import PictureWarning

PICTURE = np.random.default_rng(0).random((70, 80))
SHORT = {"max_iter": 3}
CALLS = {
    "unmix": lambda data, **channel: mf.unmix(data, 2, **SHORT, **channel),
    "explore": lambda data, **channel: mf.explore(data, k=2, **SHORT, **channel).close(),
    "scan_rank": lambda data, **channel: mf.selection.scan_rank(data, [2], n_init=1, splits=0, **SHORT, **channel),
    "rank explorer": lambda data, **channel: mf.RankExplorer(data, [2], n_init=1, splits=0, **SHORT, **channel).close(),
    "stability": lambda data, **channel: mf.selection.stability(data, 2, 2, 0, **SHORT, **channel),
    "tune": lambda data, **channel: mf.tuning.tune(data, {"sparsity": [0.1]}, k=2, max_evals=1, **SHORT, **channel),
    "monitor": lambda data, **channel: mf.TuningMonitor(
        data, {"sparsity": [0.1]}, k=2, max_evals=1, **SHORT, **channel
    ).close(),
}


@pytest.mark.parametrize("stored", [False, True])
@pytest.mark.parametrize("name", CALLS)
def test_each_call_reports_a_picture_once(tmp_path, name, stored):
    np.save(tmp_path / "a.npy", PICTURE)
    data = tmp_path / "a.npy" if stored else PICTURE
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        CALLS[name](data)
    pictures = [one for one in found if one.category is PictureWarning]
    assert len(pictures) == 1
    assert pictures[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", PictureWarning)
        CALLS[name](data, channel="channel")
