"""Random walk over the pairs of non-negative factors with the same product: how far one endmember can turn.

The product A E does not change under a move of the pair (i, j),

    e_i -> e_i + t e_j,    a_j -> a_j - t a_i

and the signs limit t: no entry may fall below what noise explains. A walk makes such moves one after the other, each
with the room that the earlier ones have left, and keeps the largest angle between one endmember and where it began.
A sparsity penalty limits t as well: the L1 norm of all maps may grow by what noise explains only.

Sources: Lawton & Sylvestre 1971, Technometrics 13:617 (two components); Borgen & Kowalski 1985, Anal. Chim. Acta 174:1
(more components: the feasible region). The walk is an inner approximation of that region for any number of components.
"""

from __future__ import annotations

import numpy as np

from mffnb.kernels.compile import kernel
from mffnb.typing import Array

FAR = 10.0
"""Largest multiple of one endmember that is added to another one, both of norm 1."""


@kernel()
def limit_step(
    movers: Array, others: Array, slack: Array, deviation: float, sign: float, low: float, high: float
) -> tuple[float, float]:
    """Narrow an interval of t such that ``others - sign t movers`` stays above ``-slack deviation`` in each entry."""
    for p in range(movers.size):
        slope = sign * movers[p]
        room = others[p] + slack[p] * deviation
        room = max(room, 0.0)
        if slope > 0.0:
            if room < high * slope:
                high = room / slope
        elif slope < 0.0 and room < low * slope:
            low = room / slope
    return low, high


@kernel()
def limit_growth(total: float, along: float, room: float, low: float) -> float:
    r"""Narrow the lower end of an interval of t such that the L1 norm of all maps grows by at most ``room``.

    For endmembers of norm 1 with inner product g (``along``), the move multiplies map i, of L1 norm ``total``, by
    :math:`\sqrt{1 + 2 t g + t^2}` and takes t times map i from map j. The norm grows for t < 0 only, and reaches the
    limit at :math:`t = -r (2 + r) / (2 (1 + r - g))` with r the room relative to ``total``.
    """
    if not total > 0.0:
        return low
    r = max(room, 0.0) / total
    apart = 1.0 + r - along
    return low if apart <= 0.0 else max(low, -r * (2.0 + r) / (2.0 * apart))


@kernel()
def mix_covariance(covariance: Array, here: int, there: int, by: float, row: int, scale: float) -> None:
    """Update a covariance matrix, in place: variable ``here`` gains ``by`` times ``there``, then ``row`` is scaled."""
    k = covariance.shape[0]
    for m in range(k):
        covariance[here, m] += by * covariance[there, m]
    for m in range(k):
        covariance[m, here] += by * covariance[m, there]
    for m in range(k):
        covariance[row, m] *= scale
    for m in range(k):
        covariance[m, row] *= scale


@kernel()
def product_of(a: Array, gram: Array, b: Array) -> float:
    """Compute the inner product of two spectra from their coefficients and the Gram matrix of the basis."""
    total = 0.0
    for p in range(a.size):
        for q in range(b.size):
            total += a[p] * gram[p, q] * b[q]
    return total


@kernel(inlined=True)
def begin_again(start: tuple[Array, ...], state: tuple[Array, ...]) -> None:
    """Copy the first matrices, each with k rows, to those of the walk."""
    for matrix in range(5):
        for p in range(start[matrix].shape[0]):
            for q in range(start[matrix].shape[1]):
                state[matrix][p, q] = start[matrix][p, q]


@kernel()
def mix_rows(mixing: Array, i: int, j: int, t: float, out: Array) -> None:
    """Write ``mixing[i] + t mixing[j]`` to ``out``."""
    for m in range(out.size):
        out[m] = mixing[i, m] + t * mixing[j, m]


@kernel()
def cosine(mixed: Array, gram: Array, who: int) -> float:
    """Compute the cosine of the angle between a mixture of the first endmembers and one of them, all of norm 1."""
    along = 0.0
    for m in range(mixed.size):
        along += mixed[m] * gram[m, who]
    length = product_of(mixed, gram, mixed)
    return along / np.sqrt(length) if length > 0.0 else 1.0


@kernel(inlined=True)
def apply_move(state: tuple[Array, ...], mixing: Array, trial: Array, i: int, j: int, t: float, s: float) -> None:
    """Add t times endmember j to endmember i, scale it by s, and change the maps and covariances to suit."""
    A, E, of_maps, of_spectra, totals = state
    for m in range(trial.size):
        mixing[i, m] = trial[m] * s
    for c in range(E.shape[1]):
        E[i, c] = (E[i, c] + t * E[j, c]) * s
    for p in range(A.shape[1]):
        A[j, p] -= t * A[i, p]
        A[i, p] /= s
    totals[j, 0] -= t * totals[i, 0]
    totals[i, 0] /= s
    mix_covariance(of_maps, j, i, -t, i, 1.0 / s)
    mix_covariance(of_spectra, i, j, t, i, s)


@kernel(allocates=True)
def walk(
    start: tuple[Array, ...],
    state: tuple[Array, ...],
    mixing: Array,
    nearest: Array,
    slack_of_pixels: Array,
    slack_of_channels: Array,
    gram: Array,
    noise: float,
    most: float,
    who: int,
    movable: Array,
    draws: Array,
    restart: int,
    first: int,
    last: int,
    found: Array,
) -> float:
    """Make a part of a walk over pairs of factors; return the largest angle (rad) of one endmember to where it began.

    Parameters
    ----------
    start
        A (k, pixels), E (k, channels) with rows of norm 1, the covariance matrices (k, k) of the abundances of a
        pixel and of the entries of a channel, for noise of variance 1, and the sum of each map over all pixels, (k, 1).
    state, mixing
        Work arrays of the same shapes, and of (k, k): where the walk is, for the next part.
    nearest
        Smallest cosine so far, (1,); 1 before the first part.
    slack_of_pixels, slack_of_channels
        How far entries may fall below zero, for an estimate whose variance is 1 in those matrices.
    gram
        ``E E^T``.
    noise
        Smallest ratio of the squared norm of an endmember to its variance in those matrices.
    most
        Largest sum of all maps; infinite if no sparsity is requested.
    who
        Endmember whose angle is sought.
    movable
        Numbers of the endmembers that may move.
    draws
        Random numbers between 0 and 1, (moves, 3).
    restart
        Number of moves after which the walk begins again at the start.
    first, last
        Moves of this part: from ``first`` to before ``last``.
    found
        Result: coefficients of ``who`` in some of its states, (states, k), first at the start; the last row is that of
        the largest angle.
    """
    k, moves, kept = gram.shape[0], draws.shape[0], found.shape[0] - 1
    trial, rival = np.empty(k), np.empty(k)
    for move in range(first, last):
        if move % restart == 0:
            begin_again(start, state)
            for p in range(k):
                for q in range(k):
                    mixing[p, q] = 1.0 if p == q else 0.0
        # Half of the moves turn the endmember itself, the others make room for it.
        pick, u = 2.0 * draws[move, 0], draws[move, 2]
        i = who if pick < 1.0 else movable[int((pick - 1.0) * movable.size)]
        j = (i + 1 + int(draws[move, 1] * (k - 1))) % k
        A, E, of_maps, of_spectra, totals = state
        low, high = limit_step(A[i], A[j], slack_of_pixels, np.sqrt(max(of_maps[j, j], 0.0)), 1.0, -FAR, FAR)
        low, high = limit_step(E[j], E[i], slack_of_channels, np.sqrt(max(of_spectra[i, i], 0.0)), -1.0, low, high)
        if np.isfinite(most):
            low = limit_growth(totals[i, 0], product_of(mixing[i], gram, mixing[j]), most - totals.sum(), low)
        t = low if u < 0.3 else high if u < 0.6 else low + (high - low) * (u - 0.6) / 0.4
        if i == who and 0.1 < u < 0.5:  # the end that leads farther away
            mix_rows(mixing, i, j, low, trial)
            mix_rows(mixing, i, j, high, rival)
            t = low if cosine(trial, gram, who) < cosine(rival, gram, who) else high
        mix_rows(mixing, i, j, t, trial)
        length = product_of(trial, gram, trial)
        variance = of_spectra[i, i] + 2.0 * t * of_spectra[i, j] + t * t * of_spectra[j, j]
        if cosine(trial, gram, i) <= 0.0 or not length > noise * variance:
            continue  # a right angle away, or not distinct from noise
        apply_move(state, mixing, trial, i, j, t, 1.0 / np.sqrt(length))
        near = cosine(mixing[who], gram, who)
        row = move * kept // moves
        for m in range(k):
            found[row, m] = mixing[who, m]
            if near < nearest[0]:
                found[kept, m] = mixing[who, m]
        nearest[0] = min(nearest[0], near)
    return np.arccos(min(1.0, max(-1.0, nearest[0])))
