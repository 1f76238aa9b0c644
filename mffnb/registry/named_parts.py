"""Parts (similarities, solvers, starts, ...) that a user may select by name, such as ``similarity="kl"``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, Generic, TypeVar

from mffnb.errors import PluginWarning, warn
from mffnb.registry.plugins import installed_parts

Part = TypeVar("Part")


class NamedParts(Mapping[str, Part], Generic[Part]):
    """Mapping of names to parts of one kind: those of the package first, then those of plug-ins.

    Plug-ins are loaded when a name is looked up that the package does not define, or when names are listed, but not on
    import.

    Parameters
    ----------
    kind
        The protocol of the parts, by which plug-ins are selected.
    own
        Parts that the package defines, by name.
    first
        Names to list first; other names follow in the order of ``own``.

    Examples
    --------
    >>> from mffnb.protocols import Similarity
    >>> from mffnb.similarities import Frobenius, Huber
    >>> names = NamedParts(Similarity, {"huber": Huber(), "frobenius": Frobenius()}, first=("frobenius",))
    >>> list(names)[:2], names["frobenius"]
    (['frobenius', 'huber'], Frobenius())
    """

    def __init__(self, kind: Any, own: Mapping[str, Part], first: Sequence[str] = ()) -> None:
        self._kind = kind
        self._own = {name: own[name] for name in (*first, *own)}

    def __getitem__(self, name: str) -> Part:
        return self._own[name] if name in self._own else self._plugins[name]

    def __iter__(self) -> Iterator[str]:
        return iter([*self._own, *self._plugins])

    def __len__(self) -> int:
        return len(self._own) + len(self._plugins)

    @cached_property
    def _plugins(self) -> dict[str, Part]:
        found = {name: part for name, part in installed_parts().items() if isinstance(part, self._kind)}
        for name in found.keys() & self._own.keys():
            warn(f"plug-in {name!r} is left out: mffnb has a part of this name; rename its entry point", PluginWarning)
        return {name: part for name, part in found.items() if name not in self._own}
