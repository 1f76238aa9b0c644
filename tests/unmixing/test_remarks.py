"""What the repr of a result and the note of its figure say: the same remarks, from one list."""

from __future__ import annotations

import numpy as np
import pytest

import mffnb as mf

CUBE = mf.datasets.cits_pnictide(seed=0, shape=(20, 24, 60)).cube


def _note(figure):
    lines = (ax.get_title(loc="left") for ax in figure.axes)
    return " ".join(next(text for text in lines if text.startswith("pale")).split())


def test_figure_and_repr_of_a_result_warn_of_the_same_pattern():
    for result in (mf.unmix(CUBE, 2, random_state=0), mf.unmix([CUBE[:10], CUBE[10:]], 2, random_state=0)):
        doubt = result.freedom.doubt
        assert doubt.startswith("the residual has a pattern")
        assert doubt in repr(result)
        assert doubt in _note(result.plot())
    assert "pattern" not in _note(mf.unmix(CUBE, 3, random_state=0).plot())


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "; least squares;"),
        ({"weights": "poisson"}, "; least squares with Poisson weights;"),
        ({"similarity": "kl"}, "; Poisson likelihood;"),
        ({"similarity": mf.Huber(2.0)}, "; misfit Huber("),
        ({"weights": np.ones(20)}, "; least squares with given weights;"),
    ],
)
def test_repr_says_which_noise_the_fit_assumes(settings, words):
    counts = mf.datasets.tof_sims_2d(seed=0, shape=(8, 12)).cube[..., :20]
    assert words in repr(mf.unmix(counts, 2, random_state=0, max_iter=50, **settings))
