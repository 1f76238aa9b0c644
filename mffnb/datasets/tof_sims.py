"""Simulated ToF-SIMS image of a root on silicon with known truth (figures 4 to 7 of the paper)."""

from __future__ import annotations

import numpy as np

from mffnb.datasets.counting import poisson_counts
from mffnb.datasets.root_chemistry import COMPONENTS, endmember_spectra
from mffnb.datasets.root_section import root_section
from mffnb.datasets.sample import Sample
from mffnb.datasets.simulated import AFTER_THE_PAPER, Axis, Quantity, side_axes, simulated_sample
from mffnb.keywords import checks_keywords

__all__ = ["tof_sims_2d"]

CHANNELS = 1535
"""Number of bins on the mass axis."""

BIN_WIDTH = 0.25
"""Width of a bin in u; bins are centred on multiples of it."""

SMALLEST_SIDE = 8


@checks_keywords()
def tof_sims_2d(
    seed: int | np.random.Generator | None = 0,
    *,
    shape: tuple[int, int] = (128, 128),
    counts: float = 200.0,
    field_of_view: float = 150.0,
    beam_width: float = 2.5,
) -> Sample:
    r"""Simulate an ion image of a root section on silicon: 1535 masses, single counts, known truth.

    A cross section of an Arabidopsis root lies on oxidised silicon, as in figures 4 to 7 of Kannan et al.
    2018. Four components, named in the coordinate ``component``:

    - ``substrate``: :math:`Si^+`, :math:`SiOH^+`, silicon oxide clusters, some silicone oil;
    - ``inorganic``: Mg, K and Ca with their isotopes, hydroxides, chlorides and phosphates, in the cells and
      above all in the vessels;
    - ``organic``: hydrocarbon series, fragments of cell walls and proteins, an envelope from 150 to 350 u,
      and the clusters :math:`Cs_2O^+`, :math:`Cs_2OH^+`, :math:`Cs_2CN^+` left by caesium sputtering;
    - ``sodium``: :math:`Na^+` and its salts, in small spots.

    All four share adsorbed hydrocarbons, caesium and a floor of ions that decayed in flight, and most pixels
    of the tissue are mixtures. Each ion is counted on its own, hence

    .. math:: x_{ij} \sim \mathrm{Poisson}\Bigl(\sum_c a_{ic}\, e_{cj}\Bigr), \qquad \sum_c a_{ic} = 1,

    where :math:`a_{ic}` is the fraction of the beam spot that component c covers in pixel i, and
    :math:`e_{cj}` the expected counts of a pixel it covers alone (ion yields differ: sodium gives most). So
    the truth is exact: ``abundances`` times ``endmembers`` is the expectation of ``cube``.

    Parameters
    ----------
    seed
        Seed of anatomy and noise, as accepted by ``numpy.random.default_rng``.
    shape
        Number of rows and columns, at least 8 each. The anatomy scales with the shorter side.
    counts
        Expected counts per pixel, the mean over the image.
    field_of_view
        Length of the shorter side in micrometre.
    beam_width
        Full width at half maximum of the primary beam in micrometre.

    Returns
    -------
    Sample
        ``cube`` with dimensions ``("y", "x", "mz")``, counts as ``uint16`` (``uint32`` at doses that need
        it); ``y`` and ``x`` in micrometre, ``mz`` in u from 1.0 to 384.5. ``endmembers`` ``("component",
        "mz")`` in counts, ``abundances`` ``("component", "y", "x")`` summing to 1. With the defaults 92 % of
        the entries are zero.

    Raises
    ------
    ValueError
        If a side is shorter than 8 pixels, or counts, field of view or beam width are not positive.

    Notes
    -----
    The instrument resolves nominal masses (imaging mode); detector dead time, matrix effects that are not
    linear, and topography are left out. Sources: R. Kannan et al., Adv. Struct. Chem. Imaging 4, 6 (2018),
    https://doi.org/10.1186/s40679-018-0055-8, for the experiment; M. R. Keenan and P. G. Kotula, Surf.
    Interface Anal. 36, 203 (2004), for the statistics of such counts.

    Examples
    --------
    >>> import mffnb.datasets
    >>> sample = mffnb.datasets.tof_sims_2d(seed=0, shape=(24, 36))
    >>> dict(sample.cube.sizes)
    {'y': 24, 'x': 36, 'mz': 1535}
    >>> sample.endmembers.component.values.tolist()
    ['substrate', 'inorganic', 'organic', 'sodium']
    >>> expectation = sample.abundances.transpose("y", "x", "component") @ sample.endmembers
    >>> round(float(expectation.sum("mz").mean()), 6)
    200.0
    """
    if min(shape) < SMALLEST_SIDE:
        raise ValueError(f"shape {shape} is too small to hold a root: take at least 8 pixels a side.")
    for name, value in (("counts", counts), ("field_of_view", field_of_view), ("beam_width", beam_width)):
        if not value > 0:
            raise ValueError(f"{name} must be positive, not {value}.")
    generator = np.random.default_rng(seed)
    fractions = root_section(shape, field_of_view=field_of_view, beam_width=beam_width, generator=generator)
    mz = 1.0 + BIN_WIDTH * np.arange(CHANNELS)
    edges = np.append(mz, mz[-1] + BIN_WIDTH) - BIN_WIDTH / 2
    spectra = endmember_spectra(edges)
    spectra *= counts / (fractions.mean(axis=(1, 2)) @ spectra.sum(axis=1))

    return simulated_sample(
        "tof_sims_2d",
        (poisson_counts(fractions, spectra, generator), spectra, fractions),
        pixels=side_axes(shape, field_of_view / min(shape), "µm"),
        channel={"mz": Axis(mz, "m/z", "m/z")},
        components=COMPONENTS,
        quantity=Quantity("intensity", "counts", "secondary ions", "expected secondary ions"),
        fraction="area fraction",
        citation=AFTER_THE_PAPER,
    )
