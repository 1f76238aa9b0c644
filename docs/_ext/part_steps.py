"""Pictures of similarities and preprocessing steps; see :mod:`part_pictures`."""

from __future__ import annotations

from typing import Any

import numpy as np
import part_scenes as scenes
import xarray as xr
from matplotlib.figure import Figure
from part_pictures import AFTER, BEFORE, curves, drawn, image, panels

import mffnb as mf
from mffnb import preprocessing as pre
from mffnb.cubes.stacked_images import image_coordinate
from mffnb.protocols import EntrywiseSimilarity

# Similarities: the loss of one entry as a function of the model.


def losses(label: str, distance: Any, data: tuple[float, ...], low: float, high: float) -> Figure:
    """Loss of a model value for each data value, beside that of least squares for the first one."""
    model = np.linspace(low, high, 300)
    figure, (ax,) = panels(label, width=4.4)
    for number, x in enumerate(data):
        loss = distance.value(np.full(300, x), model)
        ax.plot(model, loss, color=("#0072b2", "#d55e00", "#009e73")[number], lw=1.4, label=f"data {x:g}")
    ax.plot(model, (model - data[0]) ** 2 / 2, "--", color=BEFORE, lw=1.2, label=f"least squares, data {data[0]:g}")
    ax.set(ylim=(0, 3))
    ax.set_xlabel("model", fontsize=8)
    ax.set_ylabel("loss of one entry", fontsize=8)
    ax.legend(fontsize=7)
    return figure


def of_entries(similarity: EntrywiseSimilarity) -> Any:
    """Loss of single entries of a similarity, for data that are not scaled."""
    return similarity.distance(1.0)


@drawn(
    "Frobenius", "Loss of least squares as a function of the model: a parabola of the same width for every data value."
)
def _frobenius() -> Figure:
    model = np.linspace(0, 6, 300)
    figure, (ax,) = panels("Frobenius()", width=4.4)
    for x, color in ((1.0, "#0072b2"), (4.0, "#d55e00")):
        ax.plot(model, (model - x) ** 2 / 2, color=color, lw=1.4, label=f"data {x:g}")
    ax.set(ylim=(0, 3))
    ax.set_xlabel("model", fontsize=8)
    ax.set_ylabel("loss of one entry", fontsize=8)
    ax.legend(fontsize=7)
    return figure


@drawn(
    "KullbackLeibler",
    "Loss of counts as a function of the model: narrow for few counts, wide for many, steep near zero.",
)
def _kullback() -> Figure:
    return losses("KullbackLeibler()", of_entries(mf.KullbackLeibler()), (1.0, 4.0), 0.02, 8)


@drawn("BetaDivergence", "Loss of the Itakura-Saito divergence: only the ratio of model and data counts.")
def _beta() -> Figure:
    return losses("BetaDivergence(0), Itakura-Saito", of_entries(mf.BetaDivergence(0.0)), (1.0, 4.0), 0.02, 8)


@drawn(
    "Huber", "Huber loss as a function of the model: a parabola near the data, a straight line beyond the threshold."
)
def _huber() -> Figure:
    return losses("Huber(delta=1, noise=1)", of_entries(mf.Huber(delta=1.0, noise=1.0)), (0.0,), -4, 4)


@drawn("Bernoulli", "Loss of binary data as a function of the probability in the model, for data 0 and data 1.")
def _bernoulli() -> Figure:
    probability = np.linspace(0.005, 0.995, 300)
    figure, (ax,) = panels("Bernoulli()", width=4.4)
    ax.plot(probability, -np.log(probability), color="#0072b2", lw=1.4, label="data 1")
    ax.plot(probability, -np.log(1 - probability), color="#d55e00", lw=1.4, label="data 0")
    ax.set(ylim=(0, 3))
    ax.set_xlabel("probability in the model", fontsize=8)
    ax.set_ylabel("loss of one entry", fontsize=8)
    ax.legend(fontsize=7)
    return figure


@drawn(
    "SpectralAngle", "Loss of a spectrum: it grows with the angle to the model, and does not depend on the brightness."
)
def _angle() -> Figure:
    figure, axes = panels("angle to the model", "brightness of the model")
    data = np.array([1.0, 0.0])
    turned = np.linspace(0, np.pi / 2, 100)
    axes[0].plot(np.degrees(turned), 1 - np.cos(turned), color=AFTER)
    bright = np.linspace(0.3, 3, 100)
    model = bright[:, None] * np.array([np.cos(0.5), np.sin(0.5)])
    cosine = model @ data / np.linalg.norm(model, axis=1)
    axes[1].plot(bright, 1 - cosine, color=AFTER, label="angle")
    axes[1].plot(bright, ((model - data) ** 2).sum(axis=1) / 2, "--", color=BEFORE, label="least squares")
    axes[1].set(ylim=(0, 1))
    axes[1].legend(fontsize=7)
    axes[0].set_xlabel("degrees", fontsize=8)
    axes[1].set_xlabel("factor", fontsize=8)
    axes[0].set_ylabel("loss", fontsize=8)
    return figure


# Preprocessing steps: the same spectra before and after.


def before_and_after(step: Any, cube: xr.DataArray, label: str = "", pixels: tuple[int, ...] = (0, 1)) -> Figure:
    """Spectra of some pixels of the first row before and after a step."""
    name = str(cube.dims[-1])
    after = step.fit(cube, (name,)).transform(cube)
    figure, axes = panels("before", f"after {label or type(step).__name__}")
    for ax, values in zip(axes, (cube, after), strict=True):
        for pixel, color in zip(pixels, (AFTER, "#d55e00"), strict=False):
            curves(ax, values[name], values[0, pixel].values, _label(cube), color=color)
    return figure


def _label(cube: xr.DataArray) -> str:
    name = str(cube.dims[-1])
    units = cube[name].attrs.get("units", "")
    return f"{name} ({units})" if units else name


def two_spectra(counts: float = 200.0) -> xr.DataArray:
    """Two spectra of counts, one three times as bright as the other."""
    mean = counts * np.stack([scenes.spectra()[0], 3 * scenes.spectra()[2]]) + 5
    return scenes.lines(np.random.default_rng(0).poisson(mean))


@drawn("preprocessing.UnitSum", "A bright and a faint spectrum before and after: both have the same area.")
def _unit_sum() -> Figure:
    return before_and_after(pre.UnitSum(), two_spectra())


@drawn(
    "preprocessing.UnitNorm", "A bright and a faint spectrum before and after: both have the same length as vectors."
)
def _unit_norm() -> Figure:
    return before_and_after(pre.UnitNorm(), two_spectra())


@drawn("preprocessing.MeanCentre", "Two spectra before and after: the mean spectrum is zero, values may be negative.")
def _mean_centre() -> Figure:
    return before_and_after(pre.MeanCentre(), two_spectra())


@drawn("preprocessing.Range", "Two spectra before and after: all values lie between 0 and 1.")
def _range() -> Figure:
    return before_and_after(pre.Range(), two_spectra(), "Range(0, 1)")


@drawn(
    "preprocessing.ImageScaling", "One pixel of each of two images, before and after: both images are equally bright."
)
def _image_scaling() -> Figure:
    cube = two_spectra().isel(y=0).rename(x="pixel")
    cube = cube.assign_coords(image=image_coordinate([(1,), (1,)]))
    after = pre.ImageScaling().fit(cube, ("channel",)).transform(cube)
    figure, axes = panels("before", "after ImageScaling")
    for ax, values in zip(axes, (cube, after), strict=True):
        for pixel, color in ((0, AFTER), (1, "#d55e00")):
            curves(ax, values["channel"], values[pixel].values, "channel", color=color)
    return figure


@drawn(
    "preprocessing.PoissonScaling",
    "Two spectra of counts before and after: channels with more counts are divided by more.",
)
def _poisson() -> Figure:
    return before_and_after(pre.PoissonScaling(), two_spectra())


@drawn("preprocessing.Log1p", "Two spectra before and after: bright values are compressed.")
def _log1p() -> Figure:
    return before_and_after(pre.Log1p(), two_spectra())


@drawn(
    "preprocessing.Anscombe",
    "Standard deviation of counts against their mean: it grows before, and is about one after.",
)
def _anscombe() -> Figure:
    means = np.linspace(1, 60, 30)
    counts = scenes.lines(np.random.default_rng(0).poisson(means, (3000, 30)))
    after = pre.Anscombe().fit(counts, ("channel",)).transform(counts)
    figure, (ax,) = panels("noise of counts", width=4.4)
    ax.plot(means, counts.values[0].std(axis=0), color=BEFORE, label="before")
    ax.plot(means, after.values[0].std(axis=0), color=AFTER, label="after Anscombe")
    ax.set_xlabel("mean counts", fontsize=8)
    ax.set_ylabel("standard deviation", fontsize=8)
    ax.set(ylim=(0, None))
    ax.legend(fontsize=7)
    return figure


@drawn(
    "preprocessing.AsymmetricBaseline",
    "Two spectra with a broad background before and after: narrow peaks on zero are left.",
)
def _baseline() -> Figure:
    at = np.arange(300.0)
    peaks = sum(h * np.exp(-(((at - c) / 5) ** 2)) for h, c in ((1.0, 60), (0.6, 150), (0.8, 230)))
    ramps = np.stack([2 + 1.5 * np.sin(at / 120), 3 - 0.006 * at])
    cube = scenes.lines(peaks + ramps + np.random.default_rng(0).normal(0, 0.03, (2, 300)), "shift", at, "1/cm")
    return before_and_after(pre.AsymmetricBaseline(), cube)


@drawn(
    "preprocessing.PowerLawBackground",
    "Two EELS-like spectra before and after: the falling background before the edge is gone.",
)
def _power_law() -> Figure:
    energy = np.linspace(400.0, 600.0, 200)
    edge = 0.25 * (energy > 500) * np.exp(-(energy - 500) / 200)
    cube = scenes.lines(
        np.stack([(energy / 400) ** -3 + edge, 1.5 * (energy / 400) ** -4 + edge]), "energy", energy, "eV"
    )
    return before_and_after(pre.PowerLawBackground((410, 490)), cube, "PowerLawBackground")


@drawn(
    "preprocessing.ConstantBackground",
    "Two spectra on different offsets before and after: the level of the chosen window is zero.",
)
def _constant() -> Figure:
    cube = two_spectra() + xr.DataArray([50.0, 150.0], dims="x")
    return before_and_after(
        pre.ConstantBackground((None, 5)), cube.transpose("y", "x", "channel"), "ConstantBackground"
    )


@drawn("preprocessing.Crop", "Two spectra before and after: only the chosen range of channels is left.")
def _crop() -> Figure:
    return before_and_after(pre.Crop({"channel": (10, 35)}), two_spectra(), 'Crop({"channel": (10, 35)})')


@drawn("preprocessing.LeaveOutChannels", "Two spectra before and after: the chosen channels are missing.")
def _left_out() -> Figure:
    return before_and_after(pre.LeaveOutChannels(((20, 30),)), two_spectra())


@drawn("preprocessing.SpikeRemoval", "A spectrum with a cosmic ray before and after: the spike is replaced.")
def _spikes() -> Figure:
    mean = 300 * np.ones((6, 80))[..., None] * scenes.spectra()[1]
    values = np.random.default_rng(0).poisson(mean).astype(float)
    values[0, 0, 45] += 900
    cube = xr.DataArray(values, dims=("y", "x", "shift"), coords={"shift": np.arange(60.0)})
    return before_and_after(pre.SpikeRemoval(), cube, pixels=(0,))


@drawn(
    "preprocessing.DeadTime",
    "Counts of a saturated peak before and after: the counts that the detector missed are restored.",
)
def _dead_time() -> Figure:
    true = 260 * scenes.spectra()[:2]
    cube = scenes.lines(100 * (1 - np.exp(-true / 100)))
    return before_and_after(pre.DeadTime(shots=100), cube, "DeadTime(shots=100)")


@drawn("preprocessing.PeakPicking", "A mass spectrum before and after: one channel for each peak.")
def _peaks() -> Figure:
    mz = np.linspace(20, 30, 500)
    mean = sum(h * np.exp(-(((mz - c) / 0.08) ** 2)) for h, c in ((50, 23.1), (20, 25.0), (35, 27.02)))
    cube = xr.DataArray(np.random.default_rng(0).poisson(mean, (4, 5, 500)), dims=("y", "x", "mz"), coords={"mz": mz})
    after = pre.PeakPicking().fit(cube, ("mz",)).transform(cube)
    figure, axes = panels("before", "after PeakPicking")
    axes[0].plot(mz, cube[0, 0], color=AFTER, lw=0.8)
    axes[1].vlines(after["mz"], 0, after[0, 0], color=AFTER)
    for ax in axes:
        ax.set_xlabel("m/z", fontsize=8)
        ax.set(xlim=(20, 30), ylim=(0, None))
    return figure


@drawn(
    "preprocessing.PpmBins",
    "Masses that differ by less than the width of a bin before and after: their counts are summed.",
)
def _ppm() -> Figure:
    rng = np.random.default_rng(0)
    mz = np.sort(np.concatenate([centre * (1 + 1e-6 * rng.uniform(-15, 15, 12)) for centre in (100.0, 100.02, 100.05)]))
    cube = xr.DataArray(rng.poisson(8, (2, 3, 36)), dims=("y", "x", "mz"), coords={"mz": mz})
    after = pre.PpmBins(50).fit(cube, ("mz",)).transform(cube)
    figure, axes = panels("before", "after PpmBins(50)")
    for ax, values in zip(axes, (cube, after), strict=True):
        ax.vlines(values["mz"], 0, values[0, 0], color=AFTER)
        ax.set_xlabel("m/z", fontsize=8)
        ax.set(xlim=(99.99, 100.06), ylim=(0, None))
        ax.ticklabel_format(useOffset=False)
        ax.set_xticks([100.0, 100.03, 100.06])
    return figure


@drawn(
    "preprocessing.ZeroLossAlignment",
    "Zero-loss peaks of three pixels before and after: all have their maximum at zero energy.",
)
def _zero_loss() -> Figure:
    energy = np.linspace(-10, 40, 501)
    drift = xr.DataArray([[0.4, 2.6, -2.2]], dims=("y", "x"))
    peak = xr.DataArray(energy, coords={"energy": energy}, dims="energy") - drift
    cube = (np.exp(-((peak / 1.2) ** 2)) + 0.2 * np.exp(-(((peak - 15) / 4) ** 2))).transpose("y", "x", "energy")
    after = pre.ZeroLossAlignment().fit(cube, ("energy",)).transform(cube)
    figure, axes = panels("before", "after ZeroLossAlignment")
    for ax, values in zip(axes, (cube, after), strict=True):
        for pixel, color in zip(range(3), (AFTER, "#d55e00", "#009e73"), strict=True):
            curves(ax, values["energy"], values[0, pixel].values, "energy (eV)", color=color)
        ax.set(xlim=(-8, 25))
    return figure


# Steps that act on pixels or images.


def two_maps(before: Any, after: Any, title: str, top: float | None = None) -> Figure:
    """Two images beside each other."""
    figure, axes = panels("before", title)
    for ax, values in zip(axes, (before, after), strict=True):
        image(ax, values, top)
    return figure


@drawn(
    "preprocessing.Bin",
    "An image of one channel before and after: blocks of 4 by 4 pixels become one pixel with less noise.",
)
def _bin() -> Figure:
    cube = scenes.noisy(0.4)
    after = pre.Bin(space=4, how="mean").fit(cube, ("channel",)).transform(cube)
    return two_maps(cube[..., 18], after[..., 18], "after Bin(4)")


@drawn(
    "preprocessing.DriftCorrection",
    "Mean of three frames that drift, before and after: the blurred scene becomes sharp.",
)
def _drift() -> Figure:
    scene = scenes.noisy(0.05).values
    starts = ((0, 0), (4, 3), (8, 6))
    frames = np.stack([scene[y : y + 30, x : x + 30] for y, x in starts])
    cube = xr.DataArray(frames, dims=("frame", "y", "x", "channel"))
    after = pre.DriftCorrection().fit(cube, ("channel",)).transform(cube)
    return two_maps(cube.mean("frame")[..., 18], after.mean("frame")[..., 18], "after DriftCorrection")


@drawn(
    "preprocessing.DetectorMask",
    "A diffraction pattern before and after: dead, hot and central pixels are missing (white).",
)
def _detector() -> Figure:
    ky, kx = np.mgrid[-8:9, -8:9]
    mean = 40 + 400 * np.exp(-(ky**2 + kx**2) / 4) + 120 * np.exp(-((np.hypot(ky, kx) - 6) ** 2))
    counts = np.random.default_rng(0).poisson(mean, (4, 5, 17, 17)).astype(float)
    counts[..., 3, 4] = 0
    counts[..., 13, 12] *= 30
    axis = np.arange(-8.0, 9.0)
    cube = xr.DataArray(counts, dims=("y", "x", "ky", "kx"), coords={"ky": axis, "kx": axis})
    after = pre.DetectorMask(disc=(0, 0, 2.5)).fit(cube, ("ky", "kx")).transform(cube)
    return two_maps(cube[0, 0], after[0, 0], "after DetectorMask", 250)


@drawn(
    "preprocessing.SlidingFFT",
    "An image with two lattices, and the Fourier pattern of a window in each half: spots at other places.",
)
def _sliding() -> Figure:
    y, x = np.mgrid[:128, :128]
    left, right = np.cos(2 * np.pi * x / 8), np.cos(2 * np.pi * (x + y) / 9)
    field = xr.DataArray(np.where(x < 64, left, right) + 2, dims=("y", "x"))
    cube = pre.SlidingFFT(size=32, step=16).fit(field, ()).transform(field)
    figure, axes = panels("image", "window at the left", "window at the right", width=2.1)
    image(axes[0], field)
    image(axes[1], cube[3, 0])
    image(axes[2], cube[3, -1])
    return figure


@drawn("preprocessing.augment", "A spectrum before and after: one more channel holds the height of the pixel.")
def _augment() -> Figure:
    spectra = scenes.lines(100 * scenes.spectra()[:2])
    height = xr.DataArray([[1.0, 3.0]], dims=("y", "x"), name="height")
    after = pre.augment(spectra, height)
    figure, axes = panels("before", "after augment(cube, height)")
    for ax, values in zip(axes, (spectra, after), strict=True):
        for pixel, color in ((0, AFTER), (1, "#d55e00")):
            ax.plot(values[0, pixel].values[:60], color=color, lw=1.2)
            ax.plot(np.arange(60, values.shape[-1]), values[0, pixel].values[60:], "D", color=color, ms=4)
        ax.set_xlabel("channel", fontsize=8)
        ax.set(xlim=(0, 63))
    return figure
