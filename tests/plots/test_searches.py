"""Pictures of searches: zeros on a log scale, trials far worse than most, settings that are no numbers."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from mffnb.plots import draw_losses, draw_settings
from mffnb.tuning import Trial


def trials(losses, **settings):
    columns = [dict(zip(settings, row, strict=True)) for row in zip(*settings.values(), strict=True)]
    return [Trial(i, one, loss) for i, (one, loss) in enumerate(zip(columns, losses, strict=True))]


def test_zero_has_a_place_on_a_scale_of_weights():
    some = trials([1.0, 0.5, 0.7, None], sparsity=[0.0, 1e-3, 1e-1, 1e-2], smoothness=[1e-3, 1e-2, 1e-1, 1e-3])
    ax = draw_settings(some, Figure().subplots())
    assert (ax.get_xscale(), ax.get_yscale()) == ("symlog", "log")
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("sparsity", "smoothness")
    at = ax.transData.transform([(0.0, 1.0), (1e-3, 1.0), (1e-1, 1.0)])[:, 0]
    assert (np.diff(at) > 1).all()
    crosses = [line for line in ax.lines if line.get_marker() == "x"]
    np.testing.assert_array_equal(crosses[0].get_xydata(), [[1e-2, 1e-3]])


def test_one_weight_is_drawn_against_the_loss_and_no_number_is_no_axis():
    some = trials([1.0, 0.5], sparsity=[1e-3, 1e-1], solver=["hals", "pivoting"])
    ax = draw_settings(some, Figure().subplots())
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("sparsity", "loss")
    draw_settings(trials([1.0, 0.5], solver=["hals", "pivoting"]), Figure().subplots())


def test_trials_far_worse_than_most_do_not_press_the_others_flat():
    losses = [1.0, 1.1, 1.05, 1.2, 1.15, 1.02, 90.0]
    ax = draw_losses(trials(losses, k=list(range(7))), Figure().subplots())
    assert ax.get_ylim()[1] < 2
    lines = {line.get_marker(): line for line in ax.lines}
    assert lines["^"].get_xdata().tolist() == [6]
    assert np.isnan(lines["o"].get_ydata()).sum() == 1
