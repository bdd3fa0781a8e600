"""Who hands what to whom: the steps that lead from a row to Redis where they cross a room.

row → `CameraFollower` → actor → `EventListener`; media server → `ServerFollower` → actor and cycle; cycle → outlets.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from restream.domain.camera.camera import Camera
from restream.domain.judgement.status import CameraStatus
from restream.domain.news.event import Event
from restream.domain.server.flow import ServerPicture
from restream.domain.server.identity import ServerId


class CameraFollower(Protocol):
    """Follows the camera table; the fleet does."""

    def want(self, cameras: list[Camera]) -> None:
        """A reading of the table that differs from the one before."""


class Published(Protocol):
    """Who publishes what is ours; the fleet does."""

    @property
    def statuses(self) -> Mapping[str, CameraStatus]:
        """Of all cameras that have an actor, those that are ending too."""

    def want(self, cameras: list[Camera]) -> None:
        """These, and no others."""

    def reconsider(self) -> None:
        """Who may start has changed."""


class ServerSuspect(Protocol):
    """Looks at media servers; the observers do."""

    def suspect(self, server: ServerId) -> None:
        """A publisher was refused or cut off there: look now."""


class ServerFollower(Protocol):
    """Follows the media servers; the fleet and the cycle do."""

    def server_changed(self, server: ServerId, up: bool) -> None:
        """It was lost, or found again."""

    def observed(self, server: ServerId, picture: ServerPicture) -> None:
        """It was asked; the picture is what its sweeps have shown so far."""


class EventListener(Protocol):
    """Hears what happens; the history, the log and the cycle do."""

    def happened(self, event: Event) -> None:
        """Never raises, never waits."""
