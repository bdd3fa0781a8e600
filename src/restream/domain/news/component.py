"""What the service depends on: the database, the media server, the stores."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from restream.domain.server.identity import ServerId


class ComponentState(StrEnum):
    """State of something the service depends on."""

    UNKNOWN = "unknown"
    UP = "up"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class Component:
    """A dependency: its state, since when (monotonic, s), and what an operator should read about it."""

    name: str
    state: ComponentState = ComponentState.UNKNOWN
    since: float = 0.0
    detail: str = ""
    server: ServerId | None = None
    """Which media server it is, if it is one."""
