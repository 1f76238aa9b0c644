"""Masses of ions and clusters with their isotopes, computed from atomic masses, for time-of-flight SIMS."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from mffnb.identification.peak_table import PeakTable

__all__ = ["ion_masses"]

_ELECTRON = 5.48579909e-4  # mass in u, CODATA 2018
_ACCURACY = 0.005  # usual error of a mass calibration in u
_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_NO_SALT = ("H", "C", "N", "O", "F", "Cl", "Br", "I", "He", "Ne", "Ar", "Kr", "Xe")
"""Elements without clusters M-O-H here; C, H, N and O are in the organic fragments."""
_SALTS = {"Li", "Na", "K", "Rb", "Cs"}, {"F", "Cl", "Br", "I"}
# Penalties in decades of intensity: organic fragments with hetero atoms and clusters are rarer than atomic ions.
_HETERO_ATOM, _UNSATURATED, _RADICAL, _CLUSTER, _CLUSTER_OXYGEN = 0.15, 0.03, 0.2, 0.5, 0.15
_MOLECULES = {
    "polydimethylsiloxane": ("C1H3Si1", "C3H9Si1", "C5H15O1Si2", "C5H15O3Si3", "C7H21O2Si3", "C7H21O4Si4"),
    "phosphocholine": ("C5H15N1O4P1",),
}
"""Frequent ions with other elements than C, H, N and O."""


@dataclass(frozen=True)
class Isotope:
    """An isotope of an element: number of nucleons, mass in u, mole fraction."""

    element: str
    nucleons: int
    mass: float
    abundance: float


@cache
def isotopes() -> Mapping[str, tuple[Isotope, ...]]:
    """Return the isotopes of each element, the most abundant one first."""
    path = Path(__file__).parent / "tables" / "isotopes.csv"
    with path.open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(line for line in lines if not line.startswith("#")))
    found: dict[str, list[Isotope]] = {}
    for row in rows:
        one = Isotope(row["element"], int(row["nucleons"]), float(row["mass"]), float(row["abundance"]))
        found.setdefault(one.element, []).append(one)
    return {name: tuple(sorted(all_of, key=lambda one: -one.abundance)) for name, all_of in found.items()}


@dataclass(frozen=True)
class _Ion:
    text: str
    mass: float
    note: str
    penalty: float


@cache
def ion_masses(charge: int = 1) -> PeakTable:
    """Return the masses of singly charged ions in u: atoms, organic fragments, oxides, hydroxides, hydrides and salts.

    All natural isotopes of atoms, and of the metal of a cluster; one carbon-13 in an organic fragment. A mass is the
    sum of the atomic masses minus that of the missing electron.

    Parameters
    ----------
    charge
        1 for positive and -1 for negative ions.

    Raises
    ------
    ValueError
        If the charge is another one.

    Examples
    --------
    >>> table = ion_masses()
    >>> [table.assignments[i] for i, _ in table.near(22.9892, 0.001)]
    ['Na⁺']
    """
    if charge not in (1, -1):
        raise ValueError(f"charge={charge!r} is neither 1 nor -1: the table has singly charged ions")
    ions = [*_atoms(), *_fragments(), *_clusters(), *_salts(), *_molecules()]
    sign = "⁺" if charge > 0 else "⁻"
    return PeakTable(
        "ions",
        [one.mass - charge * _ELECTRON for one in ions],
        tuple(one.text + sign for one in ions),
        tuple(one.note for one in ions),
        _ACCURACY,
        [one.penalty for one in ions],
    )


def _decades(abundance: float) -> float:
    return -math.log10(abundance)


def _name(isotope: Isotope) -> str:
    """Return the symbol of an isotope, with its number of nucleons unless it is the most abundant one."""
    if isotope is isotopes()[isotope.element][0]:
        return isotope.element
    return f"{isotope.nucleons}".translate(_SUPERSCRIPTS) + isotope.element


def _count(name: str, number: int) -> str:
    """Return a symbol with its number of atoms."""
    if number == 0:
        return ""
    return name if number == 1 else name + f"{number}".translate(_SUBSCRIPTS)


def _atoms() -> Iterator[_Ion]:
    """Yield the isotopes of all elements."""
    for all_of in isotopes().values():
        for one in all_of:
            yield _Ion(_name(one), one.mass, f"isotope, {100 * one.abundance:.3g} %", _decades(one.abundance))


def _fragments() -> Iterator[_Ion]:
    """Yield organic fragments of C, H, N and O, and those with one carbon-13."""
    hydrogen, carbon, heavy = isotopes()["H"][0], isotopes()["C"][0], isotopes()["C"][1]
    nitrogen, oxygen = isotopes()["N"][0], isotopes()["O"][0]
    for c in range(19):
        for n in range(3):
            for o in range(5):
                if c + n + o < 1 or (c == 0 and n > 0 and o > 3) or n + o > c + 3:
                    continue
                # A molecule with a hetero atom may be protonated, a hydrocarbon is not.
                most = 2 * c + n + 3 if n + o > 0 else 2 * c + 2
                for h in range(most + 1):
                    if c + n + o + h < 2 or (c > 4 and h < c // 2 - 1):
                        continue  # large fragments with few hydrogen atoms are rare
                    rest = _count("H", h) + _count("N", n) + _count("O", o)
                    mass = c * carbon.mass + h * hydrogen.mass + n * nitrogen.mass + o * oxygen.mass
                    unsaturated = max(c - (h - n - 1) / 2, 0.0)
                    penalty = 0.1 + _HETERO_ATOM * (n + o) + _UNSATURATED * unsaturated
                    penalty += _RADICAL if (h + n) % 2 == 0 else 0.0
                    yield _Ion(_count("C", c) + rest, mass, "fragment", penalty)
                    if c > 0:
                        share = c * heavy.abundance / carbon.abundance
                        text = _name(heavy) + _count("C", c - 1) + rest
                        shifted = mass + heavy.mass - carbon.mass
                        yield _Ion(text, shifted, "fragment with ¹³C", penalty + _decades(share))


def _clusters() -> Iterator[_Ion]:
    """Yield hydrides, oxides, hydroxides and dimers of the other elements, for each isotope."""
    hydrogen, oxygen = isotopes()["H"][0].mass, isotopes()["O"][0].mass
    shapes = [
        (1, 0, 1),
        (1, 1, 0),
        (1, 1, 1),
        (1, 2, 0),
        (1, 2, 1),
        (1, 3, 0),
        (1, 3, 1),
        (1, 4, 0),
        (2, 0, 0),
        (2, 1, 0),
    ]
    for element, all_of in isotopes().items():
        if element in _NO_SALT:
            continue
        for one in all_of:
            for atoms, o, h in shapes:
                others = (atoms - 1) * all_of[0].mass
                text = _name(one) + (_count("O", o) + _count("H", h))
                if atoms == 2:
                    dimer = one is all_of[0]
                    text = (_count(element, 2) if dimer else _name(one) + element) + _count("O", o)
                penalty = _CLUSTER + _CLUSTER_OXYGEN * o + 0.3 * (atoms - 1) + _decades(one.abundance)
                yield _Ion(text, one.mass + others + o * oxygen + h * hydrogen, "cluster", penalty)


def _salts() -> Iterator[_Ion]:
    """Yield clusters M2X and MX2 of alkali metals and halogens, with the isotopes of one atom."""
    for metal in sorted(_SALTS[0]):
        for halogen in sorted(_SALTS[1]):
            m, x = isotopes()[metal], isotopes()[halogen]
            for one in x:
                text = _count(metal, 2) + _name(one)
                yield _Ion(text, 2 * m[0].mass + one.mass, "salt cluster", _CLUSTER + 0.3 + _decades(one.abundance))
            for one in m:
                text = _name(one) + _count(halogen, 2)
                penalty = _CLUSTER + 0.3 + _decades(one.abundance)
                yield _Ion(text, one.mass + 2 * x[0].mass, "salt cluster", penalty)


def _molecules() -> Iterator[_Ion]:
    """Yield frequent ions of known molecules."""
    for note, formulas in _MOLECULES.items():
        for formula in formulas:
            atoms = [(element, int(number)) for element, number in re.findall(r"([A-Z][a-z]?)(\d+)", formula)]
            text = "".join(_count(element, number) for element, number in atoms)
            mass = sum(number * isotopes()[element][0].mass for element, number in atoms)
            yield _Ion(text, mass, note, 0.1)
