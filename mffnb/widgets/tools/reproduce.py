"""Tool of the explorer: the call of :func:`mffnb.unmix` for what is shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields
from typing import Any

import mffnb
from mffnb.constraints import Fixed
from mffnb.cubes.tiles import Tile
from mffnb.unmixing.image import Prepared
from mffnb.unmixing.physics import Physics
from mffnb.unmixing.task import Task
from mffnb.widgets.answer_of_code import origin_lines
from mffnb.widgets.literals import fixed_lines, known_lines, mask_lines
from mffnb.widgets.session.answer_session import AnswerSession
from mffnb.widgets.session.held import numbers
from mffnb.widgets.session.parameters import Parameters
from mffnb.widgets.session.session import Session
from mffnb.widgets.session.solved import first_names, solver_order
from mffnb.widgets.tool import LocalSession, Stage, local_session

__all__ = ["code", "rerun"]

_SETTINGS = (
    "similarity", "weights", "transform", "mask", "preprocess", "channel", "solver", "max_iter", "tol",
)  # fmt: skip
_WIDTH = 100  # longest line of a call on one line


def code(stage: Stage, *, shown: bool = True) -> str:
    """Python code that reads the data and unmixes them with the present settings.

    Settings with their default values are left out. A cube that :func:`mffnb.read` has read is read again, if it is
    still equal to its file and not larger than 64 MB. Another cube, mask, weights or known spectra that came from
    memory stand there by name, with a comment; held spectra and the pixels of the fit are written out. The code starts
    from the data, so that its answer may differ from a picture that was reached by moving sliders, merging or
    splitting. Its first lines then say so, and by what angle once :meth:`mffnb.Explorer.rerun` has shown that answer.
    The code sets names and colours of components in its own order: held ones first, else by share of the signal.

    Parameters
    ----------
    shown
        Whether the page shows it. It is written again after each gesture.

    Examples
    --------
    >>> import mffnb as mf
    >>> explorer = mf.explore(mf.datasets.tof_sims_2d(seed=0, shape=(16, 24)).cube, k=3, smoothness=0.01)
    >>> print(explorer.code())
    import mffnb as mf
    <BLANKLINE>
    cube = ...  # the cube that was passed to mf.explore
    result = mf.unmix(cube, 3, smoothness=0.01, random_state=0)
    >>> explorer.close()
    """
    session = local_session(stage, "code")
    _ = stage.result  # wait for a first state
    assert session.last is not None, "a result exists only with a state"
    text = _code_of_search(stage, session) if isinstance(session, AnswerSession) else _code_of_run(stage, session)
    stage.show_tool("code", follow=shown, recorded=False, shown=shown, text=text)
    return text


def _code_of_search(stage: Stage, session: AnswerSession) -> str:
    """Return the code that finds an answer of a search again, and names its components."""
    solved = session.last
    assert solved is not None, "a result exists only with a state"
    assert solved.origin is not None, "a state of this session is an answer of a search"
    call, opener = solved.origin.call, session.opener
    tiles = session.source.tiles
    arguments, body = ["images" if tiles else "cube", *call.leading], []
    for name, value in call.keywords.items():
        text = _expression(value)
        if text is None:
            body.append(f"{name} = ...  # {name} as passed to {opener}")
        arguments.append(f"{name}={name if text is None else text}")
    data = _images(tiles, opener) if tiles else [f"cube = {_cube(stage, session, opener)}"]
    lines = ["import mffnb as mf", "", *data, *body]
    lines += [_call(f"{call.variable} = {call.function}", arguments), *call.following]
    return "\n".join([*lines, *_name_lines(stage, list(solved.origin.order))])


def _cube(stage: Stage, session: LocalSession, opener: str) -> str:
    """Return code for the cube: read from its file if it came from one."""
    path = stage.path or session.source.file
    return f"...  # the cube that was passed to {opener}" if path is None else f"mf.read({path!r})"


def _code_of_run(stage: Stage, session: Session) -> str:
    """Return the code for the state of a run."""
    assert session.last is not None, "a result exists only with a state"
    parameters = session.last.parameters
    task = session.task(parameters)
    tiles = session.source.tiles
    written = _written(parameters, task, session.last.data.image, tiles)
    arguments, unknown = ["images" if tiles else "cube", str(task.k)], []
    for name, value in _changed(task):
        text = name if name in written else _expression(value)
        if text is None:
            unknown.append(name)
        arguments.append(f"{name}={name if text is None else text}")
    arguments.append(f"random_state={task.seed}")
    body = [f"{name} = ...  # {name} as passed to mf.explore" for name in unknown]
    body += [line for lines in written.values() for line in lines]
    imports = [
        f"import {one}" for one in ("numpy as np", "xarray as xr") if any(f"{one[-2:]}." in line for line in body)
    ]
    lines = [
        *origin_lines(session.last, stage.history.entries),
        "import mffnb as mf",
        *imports,
        "",
        *(_images(tiles, "mf.explore") if tiles else [f"cube = {_cube(stage, session, 'mf.explore')}"]),
        *body,
    ]
    call = [_call("joint = mf.unmix", arguments), "result = joint.shared"] if tiles else []
    return "\n".join([*lines, *(call or [_call("result = mf.unmix", arguments)]), *_labels(stage, task)])


def _images(tiles: Sequence[Tile], opener: str) -> list[str]:
    """Return code for several images, which came from memory or from files."""
    return [f"images = ...  # the images that were passed to {opener}: {', '.join(one.name for one in tiles)}"]


def _written(parameters: Parameters, task: Task, image: Prepared, tiles: Sequence[Tile]) -> dict[str, list[str]]:
    """Return lines that define held spectra, mask and known abundances, by keyword, where the user has chosen any."""
    written: dict[str, list[str]] = {}
    if parameters.area is not None:
        area = parameters.area
        words = [f"without {', '.join(area.left_out)}"] if area.left_out else []
        words = [*([f"only {', '.join(area.only)}"] if area.only else []), *words]
        words += [f"without the channels {', '.join(area.channels)}"] if area.channels else []
        if task.mask is not None:  # else a preprocessing step leaves the channels out
            chosen = area.used() is not None
            only = "pixels" if chosen else "channels"
            several = tiles if chosen else ()
            masks = [mask_lines(one, ", ".join(words), only) for one in _masks(task.mask, several)]
            written["mask"] = _listed(masks, [one.name for one in tiles]) if several else masks[0]
    if parameters.held:
        written["known"] = known_lines(parameters.held)
    fixed = task.physics.fixed_on_map(image)
    if fixed and tiles:  # of the stacked pixels, in the order of the list
        written["abundance_terms"] = [
            "abundance_terms = ...  # known abundances: mf.Fixed for the pixels of all images"
        ]
    elif fixed:
        others = [term for term in task.physics.abundance_terms if not isinstance(term, Fixed)]
        words = [one.words for one in parameters.fixed]
        shape, dims = image.layout.map_shape, tuple(map(str, image.layout.pixel_shape))
        written["abundance_terms"] = fixed_lines(fixed, shape, dims, words, _expression(others) if others else "[]")
    return written


def _masks(mask: Any, tiles: Sequence[Tile]) -> list[Any]:
    """Return the mask of each of several images; the mask itself in a list for one image."""
    parts = mask if isinstance(mask, list) else [mask]
    of_images = [[one.part(part) if {*one.area} & {*part.dims} else part for part in parts] for one in tiles]
    return [one if isinstance(mask, list) else one[0] for one in of_images] or [mask]


def _listed(blocks: Sequence[Sequence[str]], names: Sequence[str]) -> list[str]:
    """Return lines that collect a mask for each image in a list."""
    lines = ["masks = []"]
    for block, name in zip(blocks, names, strict=True):
        lines += [f"{block[0]}, image {name}", *block[1:], "masks.append(mask)"]
    return [*lines, "mask = masks"]


def rerun(stage: Stage) -> None:
    """Start the run from the data, so that the explorer shows the answer of the code.

    Components that are found again keep their numbers and colours; the code numbers them by their share of the signal.
    """
    stage.start_afresh()


def _labels(stage: Stage, task: Task) -> Iterator[str]:
    """Yield the lines that give the components of the code their names and colours."""
    solved = stage.session.last
    assert solved is not None, "a result exists only with a state"
    held = numbers(solved.parameters.held_or(stage.session.passed))
    positions = first_names(solved.state, solved.data, numbers_have_meaning=task.numbers_have_meaning)
    rows = sorted(range(len(positions)), key=positions.__getitem__)
    yield from _name_lines(stage, [solved.names[row] for row in (solver_order(solved.names, held) if held else rows)])


def _name_lines(stage: Stage, ordered: Sequence[int]) -> Iterator[str]:
    """Yield the lines that give components, whose numbers are in the order of the result, names and colours."""
    look = stage.appearance
    found = {"label": look.labels(ordered)} if {*look.names} & {*ordered} else {}
    found |= {"color": look.colors_of(ordered)} if {*look.colors} & {*ordered} else {}
    if found:
        coordinates = {name: ("component", texts) for name, texts in found.items()}
        yield "for part in (result.endmembers, result.abundances):"
        yield f"    part.coords.update({coordinates!r})"


def _changed(task: Task) -> Iterator[tuple[str, Any]]:
    """Yield name and value of the keywords whose values are not the default ones."""
    default = Task(k=1)
    for one in fields(Physics):
        value = getattr(task.physics, one.name)
        if not _same(value, getattr(default.physics, one.name)):
            yield one.name, value
    for name in _SETTINGS:
        value = getattr(task, name)
        if not _same(value, getattr(default, name)):
            yield name, value


def _same(value: Any, default: Any) -> bool:
    """Whether a setting has its default value; an array never has."""
    if isinstance(value, (tuple, list)) and not value:
        return not default
    return value is default or (isinstance(value, (str, int, float)) and bool(value == default))


def _expression(value: Any) -> str | None:
    """Return Python code for a setting; None for arrays and for objects from other packages."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return repr(value)
    if isinstance(value, Sequence):
        parts = [_expression(one) for one in value]
        return None if None in parts else f"[{', '.join(part for part in parts if part)}]"
    name = type(value).__name__
    if not type(value).__module__.startswith("mffnb."):
        return None
    homes = {"mf": mffnb, "mf.preprocessing": mffnb.preprocessing}
    home = next((home for home, module in homes.items() if getattr(module, name, None) is type(value)), None)
    text = f"{home}.{repr(value).removeprefix('mf.')}"
    return text if home is not None and _rebuilds(text, value) else None


def _rebuilds(text: str, value: Any) -> bool:
    """Whether code builds an object that is equal to a value: its arguments may hold arrays, which a repr shortens."""
    try:
        return bool(eval(text, {"mf": mffnb, "__builtins__": {}}) == value)
    except (ArithmeticError, AttributeError, NameError, SyntaxError, TypeError, ValueError):
        return False


def _call(function: str, arguments: Sequence[str]) -> str:
    """Return a call, with one argument on a line if it is long."""
    line = f"{function}({', '.join(arguments)})"
    return line if len(line) <= _WIDTH else "\n".join([f"{function}(", *(f"    {one}," for one in arguments), ")"])
