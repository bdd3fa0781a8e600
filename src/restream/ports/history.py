"""The store of what cameras were like, as verbs: written by the service, read by reports."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import NamedTuple, Protocol

from restream.domain.history.span import HealthSpan
from restream.domain.history.span_log import NumberedSpan


class SpanStore(Protocol):
    """Where a node keeps its spans. Every verb is bounded in time, and raises SinkError (`ports.outlets`)."""

    @property
    def name(self) -> str:
        """Its name in the log."""

    async def resume(self) -> int | None:
        """End what an earlier life of this node has left open, when it was seen last. The greatest number that this
        node has used; None: there is no such store."""

    async def save(self, batch: Sequence[NumberedSpan], seen_at: float | None) -> bool:
        """Add or replace spans by their numbers. `seen_at` (Unix time, s): nothing else is waiting, and all that goes
        on has done so until then. False: there is no such store any more."""

    async def prune(self, keep_s: float) -> int:
        """Forget spans, of all nodes, that ended longer ago; tells how many."""

    async def close(self) -> None:
        """Let go of connections; never raises."""


class Known(NamedTuple):
    """What a store knows of a stretch of time (Unix times, s)."""

    now: float
    """By the store's clock."""
    until: float
    """What is later is not known yet: nodes tell every so often that they still watch."""


class SpanReader(Protocol):
    """Reads what was kept, of all nodes. Raises DatabaseError (`ports.cameras`); bounded in time."""

    async def known(self) -> Known | None:
        """How far knowledge goes; None: no history is kept."""

    def spans(self, begin: float, end: float) -> AsyncIterator[Sequence[HealthSpan]]:
        """What touches a range, ordered by camera and beginning, in portions; each has an end."""

    async def close(self) -> None:
        """Let go of connections; never raises."""
