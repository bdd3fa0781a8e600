"""Where the audit log is kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from restream.domain.access.audit import AuditEntry, AuditQuery


class AuditStore(Protocol):
    """Keeps entries beyond the life of the service."""

    @property
    def name(self) -> str:
        """For the log."""

    async def save(self, entries: Sequence[AuditEntry]) -> None:
        """Add them; those that are there already stay once. Raises SinkError."""

    async def find(self, query: AuditQuery) -> Sequence[AuditEntry] | None:
        """The newest that were asked for, oldest first; None where nothing is kept that could be asked. Raises
        SinkError."""

    async def close(self) -> None:
        """Let go of connections; never raises."""
