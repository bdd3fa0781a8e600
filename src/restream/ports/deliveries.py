"""Where it is kept which messages were sent, and what became of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from restream.domain.news.deliveries import AlertDelivery


class DeliveryStore(Protocol):
    """Keeps messages beyond the life of the service. Every verb is bounded in time, and raises SinkError."""

    @property
    def name(self) -> str:
        """For the log."""

    async def exists(self) -> bool:
        """Whether there is such a store."""

    async def save(self, deliveries: Collection[AlertDelivery]) -> None:
        """Add or replace them, by id and receiver."""

    async def latest(self, limit: int) -> Sequence[AlertDelivery]:
        """The newest so many of all nodes, newest first."""

    async def prune(self, keep_s: float) -> int:
        """Forget what was sent longer ago; tells how many."""

    async def close(self) -> None:
        """Let go of connections; never raises."""
