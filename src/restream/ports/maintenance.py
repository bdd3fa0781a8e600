"""Where maintenance windows are kept, as verbs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from restream.domain.maintenance.window import MaintenanceWindow


class WindowStore(Protocol):
    """Keeps windows for all nodes. Every verb is bounded in time, and raises SinkError (`ports.outlets`)."""

    @property
    def name(self) -> str:
        """Its name in the log."""

    async def exists(self) -> bool:
        """Whether there is a place for them here."""

    async def load(self, since: float) -> Sequence[MaintenanceWindow]:
        """All that were not over at a moment (Unix time, s), in the order in which they were made."""

    async def put(self, window: MaintenanceWindow) -> None:
        """Add or replace one."""

    async def close(self) -> None:
        """Let go of connections; never raises."""
