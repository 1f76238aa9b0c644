"""Python code of a call of :func:`mffnb.unmix`, from the record of a run."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

_DEFAULTS: Mapping[str, Any] = {
    "sparsity": 0.0, "smoothness": 0.0, "volume": 0.0, "sum_to_one": False, "gain": False, "similarity": "frobenius",
    "weights": None, "tie": None, "sparse_images": 0.0, "channels": "intersection", "transform": None, "init": "auto",
    "solver": "auto", "n_init": 1, "max_iter": 500, "tol": 1e-4, "random_state": None,
}  # fmt: skip
_PART = re.compile(r"[A-Z]\w*\(.*\)", re.DOTALL)  # the repr of a part
_WIDTH = 100


def written_call(parameters: Mapping[str, Any]) -> str:
    """Return code that reads the data and unmixes them with recorded settings; defaults are left out.

    A record holds no arrays. Masks, weights, known spectra, starts, terms and preprocessing stand there by name, with a
    line that says what to fill in.

    Examples
    --------
    >>> print(written_call({"k": 3, "sparsity": 0.01, "similarity": "kl", "random_state": 0, "source": "map.hspy"}))
    import mffnb as mf
    <BLANKLINE>
    cube = mf.read('map.hspy')
    result = mf.unmix(cube, 3, similarity='kl', sparsity=0.01, random_state=0)
    """
    arguments, missing = ["cube", str(parameters.get("k"))], dict(_missing(parameters))
    plain = {name: parameters.get(name, default) for name, default in _DEFAULTS.items() if name not in missing}
    if plain.get("transform") == "identity":
        plain["transform"] = None
    first = ("similarity",)
    ordered = (*first, *(name for name in plain if name not in first))
    changed = [name for name in ordered if name in plain and plain[name] != _DEFAULTS[name]]
    arguments += [f"{name}={plain[name]!r}" for name in changed]
    arguments += [f"{name}={name}" for name in missing]
    source = str(parameters.get("source") or "")
    opened = f"mf.read({source!r})" if source else "...  # the data"
    name = "result"
    if parameters.get("images"):
        sources = source.split("; ")
        whole = len(sources) == parameters["images"] and all(sources)
        opened = f"[{', '.join(f'mf.read({one!r})' for one in sources)}]" if whole else "[...]  # the images"
        arguments[0], name = "images", "joint"
    lines = [
        "import mffnb as mf",
        "",
        f"{arguments[0]} = {opened}",
        *(f"{keyword} = ...  # {what}" for keyword, what in missing.items()),
    ]
    line = f"{name} = mf.unmix({', '.join(arguments)})"
    call = [line] if len(line) <= _WIDTH else [f"{name} = mf.unmix(", *(f"    {one}," for one in arguments), ")"]
    if "image" in parameters:
        call.append(f"result = joint[{parameters['image']}]")
    return "\n".join([*lines, *call])


def _missing(parameters: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield keywords whose values the record does not hold, each with a description."""
    channels = [str(name) for name in parameters.get("channel") or ()]
    if len(channels) > 1:
        yield "channel", f"the channel dimensions: {', '.join(channels)}"
    if parameters.get("masked_pixels"):
        yield "mask", f"the mask, which leaves {parameters['masked_pixels']} pixels out"
    if parameters.get("known"):
        yield "known", f"the {parameters['known']} known spectra"
    if parameters.get("terms"):
        listed = ", ".join(map(str, parameters["terms"]))  # the record does not say which of them are on spectra
        yield "abundance_terms", f"[{listed}]; those on spectra are endmember_terms"
    steps = [str(one.get("step", one)) for one in parameters.get("preprocess") or ()]
    if parameters.get("images") and steps[-1:] == ["ImageScaling"]:
        steps.pop()  # a call with a list of images adds it
    if steps:
        yield "preprocess", ", ".join(steps)
    for name in ("similarity", "weights", "transform", "init", "solver"):
        value = parameters.get(name)
        text = value if isinstance(value, str) else repr(value)
        if value is not None and (not isinstance(value, str) or value == "given" or _is_no_name(name, text)):
            yield name, " ".join(text.split())


def _is_no_name(keyword: str, text: str) -> bool:
    """Whether a recorded text is the description of an object instead of a name that the keyword accepts."""
    return _PART.fullmatch(text) is not None or (keyword == "weights" and text.startswith("array"))
