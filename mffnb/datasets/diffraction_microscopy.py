"""Simulated X-ray diffraction microscopy of a strained bilayer with known truth (figures 12 and 13 of the paper)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from mffnb.datasets.counting import poisson_counts
from mffnb.datasets.sample import Sample
from mffnb.datasets.simulated import AFTER_THE_PAPER, Axis, Quantity, side_axes, simulated_sample
from mffnb.datasets.strained_films import FWHM, PZT, SRO, rocking_curves
from mffnb.keywords import checks_keywords
from mffnb.typing import Float64Array

__all__ = ["xdm_film"]

CHANNELS = 56
"""Number of points of the scan."""

SCAN = (4.46, 4.81)
"""First and last Qz in 1/angstrom; it ends before the Bragg peak of the substrate at 4.827."""

SMALLEST_SIDE = 16

LINE_SPACING = 7.0
"""Mean distance of parallel misfit dislocations in micrometre: a film just beyond its critical thickness."""

LINE_WIDTH = 0.5
"""Half width of the strained band along a dislocation in micrometre."""

CORE_WIDTH = 0.4
"""Half width of the band in which a dislocation throws intensity out of the aperture, in micrometre."""

CORE_LOSS = 0.55
"""Share of the intensity that the lower film loses on top of a dislocation."""

COMPONENTS = ("SRO coherent", "SRO half relaxed", "SRO relaxed", "PZT coherent", "PZT half relaxed", "PZT relaxed")


@checks_keywords()
def xdm_film(
    seed: int | np.random.Generator | None = 0,
    *,
    shape: tuple[int, int] = (700, 700),
    counts: float = 10000.0,
    field_of_view: float = 70.0,
    resolution: float = 0.25,
    thickness: tuple[float, float] | None = None,
) -> Sample:
    r"""Simulate an X-ray diffraction microscope on PZT / SrRuO3 / SrTiO3: 56 images along Qz, known truth.

    The reflections 103 of both films are imaged at 56 values of Qz, as in figures 12 and 13 of Kannan et al. 2018,
    so that each pixel holds a rocking curve. Misfit dislocations run along both axes of the substrate. Away from them
    both films are strained to the substrate; along them SrRuO3 (SRO) is relaxed, and some of them strain the PZT
    above, which has a few dislocations of its own. Each film is in three states, a mixture in every pixel,
    whose lattice parameters follow from those of the bulk by elasticity, with relaxation r = 0, 0.5 and 1:

    .. math:: a = a_s + r (a_b - a_s), \qquad
              c = c_b \Bigl(1 - \frac{2 \nu}{1 - \nu} \frac{a - a_b}{a_b}\Bigr), \qquad Q_z = 3 \cdot 2\pi / c.

    An endmember is the kinematic rocking curve of its film: finite thickness gives Laue fringes, and SRO interferes
    with the truncation rod of the substrate, which lifts its curves towards the end of the scan,

    .. math:: I_\mathrm{PZT} = \Bigl| F_p \sum_{n<N} e^{i n Q c} \Bigr|^2, \qquad
              I_\mathrm{SRO} = \Bigl| \frac{F_s}{1 - e^{-i Q a_s}}\, e^{-i Q c / 2 - i Q a_s / 2}
              + F_r \sum_{n<N} e^{i n Q c} \Bigr|^2,

    both blurred by the resolution of the scan. Photons are counted: ``cube`` is Poisson around ``abundances`` times
    ``endmembers``.

    Parameters
    ----------
    seed
        Seed of dislocations and noise, as accepted by ``numpy.random.default_rng``.
    shape
        Number of rows and columns, at least 16 each.
    counts
        Expected photons per pixel, summed over the scan, the mean over the image.
    field_of_view
        Length of the shorter side in micrometre; distances and widths of dislocations do not scale with it.
    resolution
        Full width at half maximum of the microscope's point spread in micrometre.
    thickness
        Thickness of SRO and of PZT in nm; None for 30 and 20. Peaks of thicker films are sharper, down to the
        resolution of the scan, so the states overlap less.

    Returns
    -------
    Sample
        ``cube`` with dimensions ``("y", "x", "qz")``, counts as ``uint16``; ``y`` and ``x`` in micrometre, ``qz`` in
        1/angstrom. ``endmembers`` ``("component", "qz")`` in counts. ``abundances`` ``("component", "y", "x")``: the
        states of PZT are area fractions that sum to one; those of SRO sum to one less what the dislocations throw
        out of the aperture (about half of it on a line). Without that loss the six maps would be linearly dependent,
        both triples summing to one, and no method could find six factors.

    Raises
    ------
    ValueError
        If a side is shorter than 16 pixels, or counts, field of view or resolution are not positive.

    Notes
    -----
    Every pixel holds both films, so none is pure, and all six do not sum to one. Left out: interference of the two
    films (their distance varies by more than a wavelength within a pixel), rotation of the lattice at the
    dislocations, uneven illumination. Sources: R. Kannan et al., Adv. Struct. Chem. Imaging 4, 6 (2018),
    https://doi.org/10.1186/s40679-018-0055-8, and N. Laanait et al., Nanotechnology 27, 374002 (2016), for the
    experiment; A. Okazaki and M. Kawaminami, Mater. Res. Bull. 8, 545 (1973), SrTiO3 3.905 angstrom; Q. Gan et al.,
    Appl. Phys. Lett. 72, 978 (1998), SrRuO3 3.93 angstrom, 3.95 when strained to SrTiO3; powder diffraction file
    70-4261, PbZr0.2Ti0.8O3 3.953 and 4.148 angstrom; I. K. Robinson, Phys. Rev. B 33, 3830 (1986), truncation rods.

    Examples
    --------
    >>> import mffnb.datasets
    >>> sample = mffnb.datasets.xdm_film(seed=0, shape=(24, 36), field_of_view=12.0)
    >>> dict(sample.cube.sizes)
    {'y': 24, 'x': 36, 'qz': 56}
    >>> sample.endmembers.idxmax("qz").values.round(3).tolist()
    [4.772, 4.785, 4.797, 4.498, 4.524, 4.543]
    >>> round(float(sample.abundances[3:].sum("component").min()), 3)  # PZT
    1.0
    """
    if min(shape) < SMALLEST_SIDE:
        raise ValueError(f"shape {shape} is too small for a network of dislocations: take at least 16 pixels a side.")
    for name, value in (("counts", counts), ("field_of_view", field_of_view), ("resolution", resolution)):
        if not value > 0:
            raise ValueError(f"{name} must be positive, not {value}.")
    if thickness is not None and not min(thickness) > 0:
        raise ValueError(f"thickness must be positive, not {thickness}.")
    generator = np.random.default_rng(seed)
    step = field_of_view / min(shape)
    abundances = _maps(shape, step, resolution, generator)
    qz = np.linspace(*SCAN, CHANNELS)
    films = (SRO, PZT) if thickness is None else (SRO.with_thickness(thickness[0]), PZT.with_thickness(thickness[1]))
    spectra = rocking_curves(qz, *films)
    spectra *= counts / (abundances.mean(axis=(1, 2), dtype=np.float64) @ spectra.sum(axis=1))

    return simulated_sample(
        "xdm_film",
        (poisson_counts(abundances, spectra, generator), spectra, abundances),
        pixels=side_axes(shape, step, "µm"),
        channel={"qz": Axis(qz, "1/Å", "Qz")},
        components=COMPONENTS,
        quantity=Quantity("intensity", "counts", "diffracted photons", "expected photons"),
        fraction="area fraction times relative intensity",
        citation=AFTER_THE_PAPER,
    )


def _maps(
    shape: tuple[int, int], step: float, resolution: float, generator: np.random.Generator
) -> NDArray[np.float32]:
    """Draw the abundances (6, rows, columns) of the states of SRO and PZT."""
    kept = {name: np.ones(shape, dtype=np.float32) for name in ("sro", "pzt", "intensity")}
    for axis in (0, 1):
        for line in _lines(shape, step, axis, generator):
            handed_on = generator.choice([0.1, 0.9]) * generator.uniform(0.7, 1.0)
            strength = generator.uniform(0.6, 1.0)
            kept["sro"] *= 1 - strength * line(LINE_WIDTH)
            kept["pzt"] *= 1 - strength * handed_on * line(1.5 * LINE_WIDTH)  # wider with the height above the line
            kept["intensity"] *= 1 - CORE_LOSS * line(CORE_WIDTH)
        for line in _lines(shape, step, axis, generator, spacing=3 * LINE_SPACING):
            kept["pzt"] *= 1 - generator.uniform(0.6, 1.0) * line(LINE_WIDTH)
    width = resolution / FWHM / step
    maps = []
    for name in ("sro", "pzt"):
        uneven = gaussian_filter(generator.standard_normal(shape, dtype=np.float32), LINE_SPACING / 3 / step)
        uneven /= uneven.std()
        maps += list(_states(1 - kept[name] * np.clip(0.94 - 0.05 * uneven, 0, 1)))
    intensity = gaussian_filter(kept["intensity"], width)
    abundances = np.stack([gaussian_filter(state, width) for state in maps])
    abundances[:3] *= intensity / abundances[:3].sum(axis=0)
    abundances[3:] /= abundances[3:].sum(axis=0)
    return abundances


class _Line:
    """A straight dislocation line with two ends and a Lorentzian profile."""

    def __init__(self, across: Float64Array, along: Float64Array, step: float, axis: int) -> None:
        self.across, self.along, self.step, self.axis = across, along, step, axis

    def __call__(self, width: float) -> NDArray[np.float32]:
        """Return the profile for a half width: Lorentzian across the line, averaged over pixels, maximum 1."""
        low, high = self.across - self.step / 2, self.across + self.step / 2
        profile = width / self.step * (np.arctan(high / width) - np.arctan(low / width))
        ends = 0.5 + np.arctan(self.along / width) / np.pi
        outer = np.multiply.outer(profile, ends)
        return np.asarray(outer if self.axis == 0 else outer.T, dtype=np.float32)


def _lines(
    shape: tuple[int, int], step: float, axis: int, generator: np.random.Generator, spacing: float = LINE_SPACING
) -> list[_Line]:
    """Draw dislocations at irregular distances; two thirds of them cross the whole field of view."""
    height, length = (step * size for size in (shape if axis == 0 else shape[::-1]))
    number = max(1, round(height / spacing))
    positions = height / number * (np.arange(number) + generator.uniform(0.1, 0.9, number))
    across = step * np.arange(shape[axis])
    along = step * np.arange(shape[1 - axis])
    lines = []
    for position in positions:
        inside = np.full_like(along, np.inf)
        if generator.random() < 1 / 3:
            end = generator.uniform(0.2, 0.8) * length
            inside = (along - end) * generator.choice([-1.0, 1.0])
        lines.append(_Line(across - position, inside, step, axis))
    return lines


def _states(relaxation: NDArray[np.float32]) -> NDArray[np.float32]:
    """Interpolate a relaxation linearly between the two nearest of the states 0, 1/2 and 1.

    Returns the fraction of each state, (3, rows, columns); they sum to one.
    """
    return np.stack([np.maximum(1 - 2 * relaxation, 0), 1 - abs(2 * relaxation - 1), np.maximum(2 * relaxation - 1, 0)])
