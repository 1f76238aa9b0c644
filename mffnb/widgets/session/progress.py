"""How far a run of an explorer is and how it ended, as texts and shares for the status line."""

from __future__ import annotations

from mffnb.solvers import Outcome
from mffnb.unmixing.auto_volume import ambiguity_note
from mffnb.widgets.session.solved import Solved


def share_done(solved: Solved) -> float | None:
    """Return the share of searches or replicas that has been done; None where it is not known."""
    if solved.followed is not None:
        return solved.followed[1]
    if solved.bands is not None:
        return solved.bands.share if solved.bands.share < 1 else None
    if solved.searched is not None and solved.state.outcome is Outcome.RUNNING:
        done, most = solved.searched
        return done / most
    return None


def progress_text(solved: Solved) -> str:
    """Return a text on what the picture shows if it is not the result of all pixels, or on compiling."""
    apart = (
        solved.followed[0] if solved.followed is not None else None if solved.origin is None else solved.origin.words
    )
    if apart is not None:
        return apart
    if solved.unchanged:
        return "stopped before the first picture of these settings: the last result is shown"
    if solved.pixels:
        return f"showing {grouped(solved.pixels)} of {grouped(solved.data.matrix.shape[0])} pixels"
    if solved.bands is not None:
        return solved.bands.text
    running = solved.state.outcome is Outcome.RUNNING
    if solved.searched is not None and running:
        done, most = solved.searched
        return f"searching the smallest volume, {min(done + 1, most)} of at most {most}"
    return "" if solved.tier is None or not running else solved.tier.status


def grouped(count: int) -> str:
    r"""Write a count as the page does: groups of three digits with thin spaces from five digits on.

    Examples
    --------
    >>> grouped(4096), grouped(65536)
    ('4096', '65\u2009536')
    """
    return f"{count:,}".replace(",", "\u2009") if count >= 10_000 else str(count)


def outcome_text(solved: Solved) -> str:
    """Return a text on how a run ended, with the decisions of the rule for volume="auto" if it was used."""
    words = [solved.state.outcome.name.lower().replace("_", " ")]
    if solved.found is not None:
        words.append("fractions sum to one" if solved.found.gain is None else "fractions up to a gain")
        words.append("Poisson weights" if solved.found.weighting else "")
        words.append(ambiguity_note(solved.found.disagreement))
    return ", ".join(word for word in words if word)
