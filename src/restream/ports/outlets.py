"""Who is told of a cycle, as verbs: stores, archives, receivers."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from restream.domain.judgement.availability import Timeline
from restream.domain.judgement.snapshot import Snapshot
from restream.domain.known_media import KnownMedia
from restream.domain.line_buffer import WriteOutcome
from restream.domain.news.alert import Alert


class SinkError(Exception):
    """A cycle could not be written; the message is one line, without credentials."""


@dataclass(frozen=True, slots=True)
class Documents:
    """The renderings of one cycle, encoded once for everybody."""

    streams: bytes
    """The classic JSON array of all streams."""
    snapshot: bytes | None = None
    """Status and all cameras; None where only the media server was asked."""
    cameras: Mapping[str, bytes] = field(default_factory=dict)
    """One JSON object per camera id; an unchanged camera's is the same object as in the cycle before."""
    host: bytes | None = None
    """The newest host sample, when there is one."""
    servers: Mapping[str, bytes] = field(default_factory=dict)
    """`streams`, by the run of the media server that has them, as far as servers tell: for who joins the views of
    several services, some of the same server."""
    generation: int = 0
    """Of the cycle."""
    about: bytes | None = None
    """What this node tells the others with which it shares the cameras; None: it shares them with nobody."""


class Rendered(Protocol):
    """A cycle as outlets get it; nothing in it changes afterwards."""

    @property
    def snapshot(self) -> Snapshot:
        """What was seen and judged."""

    def documents(self) -> Documents:
        """What is stored of it. Of a large fleet this takes a while: for a thread."""


CycleT_contra = TypeVar("CycleT_contra", contravariant=True)


class Outlet(Protocol[CycleT_contra]):
    """Somebody who is told of every cycle. A defect of it reaches neither the others nor the cycle."""

    @property
    def name(self) -> str:
        """Its name as a component; two outlets to one place share it."""

    def publish(self, cycle: CycleT_contra, /) -> None:
        """A cycle is complete. Never waits."""

    async def run(self) -> None:
        """Its loop, until cancelled; returns at once where nothing has to run."""


class StreamSink(Protocol):
    """Somewhere that every cycle's documents are written to."""

    @property
    def name(self) -> str:
        """Its name as a component."""

    async def write(self, documents: Documents) -> None:
        """Raises SinkError."""

    async def close(self) -> None:
        """Let go of connections; never raises."""


class EventRecord(Protocol):
    """A rendered event, with the keys of `GET /api/events`; here are those that somebody asks for by name."""

    @property
    def id(self) -> int:
        """Milliseconds of Unix time, or a little more: they rise."""

    @property
    def node(self) -> str:
        """Where it happened; empty where that was not kept."""

    @property
    def at(self) -> str:
        """RFC 3339."""

    @property
    def kind(self) -> str: ...

    @property
    def camera(self) -> str | None:
        """Its id; None for a component."""


@dataclass(frozen=True, slots=True)
class Records:
    """What outlives the service."""

    events: Sequence[EventRecord] = ()
    """Oldest first; their ids rise."""
    timelines: Mapping[str, Timeline] = field(default_factory=dict)
    """By camera id."""
    watched_until: float = 0.0
    """Until when (Unix time, s) somebody watched: what came after is not known."""


class Archive(Protocol):
    """Keeps records."""

    @property
    def name(self) -> str:
        """Its name in the log."""

    async def load(self) -> Records:
        """What was kept. Raises SinkError."""

    async def save(self, records: Records, removed: Collection[str]) -> int | None:
        """Add new events, replace changed timelines, forget those of removed cameras. Raises SinkError.

        Tells how many timelines it keeps now; None where it keeps none.
        """

    async def close(self) -> None:
        """Let go of connections; never raises."""


class MediaMemory(Protocol):
    """Keeps what cameras send beyond the life of the service."""

    @property
    def name(self) -> str:
        """Its name as a component."""

    async def load(self) -> Mapping[str, KnownMedia]:
        """What was kept, by camera id. Raises SinkError."""

    async def save(self, changed: Mapping[str, KnownMedia], removed: Collection[str]) -> None:
        """Replace what changed, forget what is removed. Raises SinkError."""

    async def close(self) -> None:
        """Let go of connections; never raises."""


class LineStore(Protocol):
    """A database that takes lines of measurements."""

    @property
    def name(self) -> str:
        """Its name as a component."""

    async def write(self, lines: list[str]) -> WriteOutcome:
        """Write them all. Bounded in time, never raises."""

    async def close(self) -> None:
        """Let go of connections; never raises."""


class AlertReceiver(Protocol):
    """Somewhere that alerts are sent to."""

    @property
    def name(self) -> str:
        """For the log; without credentials."""

    async def send(self, alert: Alert, delivery: str) -> None:
        """One try, bounded in time. Raises AlertError."""

    async def close(self) -> None:
        """Let go of connections; never raises."""
