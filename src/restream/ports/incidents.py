"""Where incidents are kept beyond the life of the service, as verbs."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple, Protocol

from restream.domain.news.incident import Entry, Incident


class AddedEntry(NamedTuple):
    """What was done about which incident."""

    incident: str
    entry: Entry


class IncidentStore(Protocol):
    """Keeps incidents. Their facts are replaced by the one node with the duty, entries are added by any.

    Every verb is bounded in time, and raises SinkError (`ports.outlets`).
    """

    @property
    def name(self) -> str:
        """Its name in the log."""

    async def exists(self) -> bool:
        """Whether there is a place for them here."""

    async def load(self, since: float) -> Sequence[Incident]:
        """With their entries, all that are open or ended after a moment (Unix time, s), oldest first."""

    async def between(self, since: float, until: float, limit: int) -> Sequence[Incident]:
        """Of those that were open at any time between two moments, the newest so many, oldest first."""

    async def save(self, incidents: Collection[Incident], entries: Collection[AddedEntry]) -> None:
        """Replace facts, add entries; what is there already is no error."""

    async def close(self) -> None:
        """Let go of connections; never raises."""
