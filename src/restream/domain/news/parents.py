"""What cameras hang on: switches, recorders, links between sites. They have names, and parents of their own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

_COMPONENT = "parent:"


class ParentCheck(NamedTuple):
    """How it is asked whether a parent is there; one of both."""

    tcp: str = ""
    """`host:port` that takes a connection."""
    http: str = ""
    """A URL that answers."""


@dataclass(frozen=True, slots=True)
class Parents:
    """`above`: by name the parent of a parent; `sites`: by site what its cameras hang on."""

    above: Mapping[str, str] = field(default_factory=dict)
    sites: Mapping[str, str] = field(default_factory=dict)
    checks: Mapping[str, ParentCheck] = field(default_factory=dict)
    """Of those that can be asked."""

    def chain(self, nearest: str) -> tuple[str, ...]:
        """All that hangs between a camera and the rest of the world, the widest first; `nearest` empty: nothing."""
        found: list[str] = []
        while nearest and nearest not in found:
            found.append(nearest)
            nearest = self.above.get(nearest, "")
        return tuple(reversed(found))


NO_PARENTS = Parents()


def circle(above: Mapping[str, str]) -> tuple[str, ...]:
    """Parents that hang on themselves, in order; empty: none does."""
    for name in above:
        seen = [name]
        while (name := above.get(name, "")) and name not in seen:
            seen.append(name)
        if name:
            return (*seen[seen.index(name) :], name)
    return ()


def parent_component(name: str) -> str:
    """A parent's name as a component."""
    return f"{_COMPONENT}{name}"


def is_parent_component(name: str) -> bool:
    """Whether a component is a parent: its loss is told by the incident of its cameras."""
    return name.startswith(_COMPONENT)
