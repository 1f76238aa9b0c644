"""Components of an explorer as its user names them: by number or by name."""

from __future__ import annotations

from mffnb.widgets.session.session import Session
from mffnb.widgets.session.solved import Solved
from mffnb.widgets.tool import Stage, running_session


def numbers_of(stage: Stage) -> list[int]:
    """Return the persistent numbers of the present components, in the order of the user."""
    return [int(number) for number in stage.result.endmembers["component"].values]


def number_of(stage: Stage, component: int | str) -> int:
    """Return the persistent number of a component.

    Parameters
    ----------
    component
        Its number, as in the coordinate ``component`` of the result, or its name.

    Raises
    ------
    ValueError
        If there is no such component.
    """
    numbers = numbers_of(stage)
    by_name = {label: number for number, label in stage.appearance.names.items() if number in numbers}
    number = by_name.get(component) if isinstance(component, str) else int(component)
    if number not in numbers:
        raise ValueError(f"there is no component {component!r}: there are {', '.join(map(repr, [*numbers, *by_name]))}")
    return number


def editable(stage: Stage, what: str, *components: int | str) -> tuple[Session, Solved, list[int]]:
    """Return the session, its newest state, and the rows of components whose factors a tool may change.

    Parameters
    ----------
    what
        Name of the tool in messages.
    components
        Numbers or names.

    Raises
    ------
    ValueError
        If there is no such component, if it is held or has known abundances, or if the run would not start from the
        edited state.
    """
    session = running_session(stage, what)
    numbers = [number_of(stage, component) for component in components]
    solved = session.last
    assert solved is not None, "a result exists only with a state"
    held = [one.number for one in solved.parameters.held_or(session.passed)]
    for number in numbers:
        if number in held:
            raise ValueError(f"component {number} is held, and {what} would change it: release it first")
        regions = [one.region for one in solved.parameters.fixed if one.component == number]
        if regions:
            raise ValueError(
                f"component {number} has known abundances in {', '.join(regions)}, and {what} would change what they "
                f"mean: call fix({number}, {regions[0]!r}, on=False) first"
            )
    if session.task(solved.parameters).automatic:
        raise ValueError(
            f"volume='auto' starts from the data, and not from an edited state: {what} needs a fixed volume"
        )
    return session, solved, [solved.names.index(number) for number in numbers]
