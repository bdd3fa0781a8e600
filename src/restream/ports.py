"""What the supervisor needs from the world, as verbs. Adapters translate their library's errors into the ones here."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from restream.domain.camera.camera import Camera
from restream.domain.camera.options import CameraOptions
from restream.domain.camera.urls import SourceUrl
from restream.domain.engine import Advance, Ending, Evidence, Media, Plan, ProbeFailure
from restream.domain.ffmpeg.invocation import Invocation
from restream.domain.host_sample import HostSample
from restream.domain.judgement.availability import Timeline
from restream.domain.life.cause import Cause
from restream.domain.line_buffer import WriteOutcome
from restream.domain.news.alerts import Alert
from restream.domain.server.mediamtx import ServerView
from restream.domain.server.target import Target
from restream.domain.visionaire import Collection as Collected
from restream.domain.visionaire import StreamServer

Row = Mapping[str, object]


class DatabaseError(Exception):
    """The camera table cannot be read now; the message is one line for the operator, without credentials."""


class PublisherError(Exception):
    """A publisher could not be started at all (no program, no memory, no process left)."""


class SinkError(Exception):
    """A cycle could not be written; the message is one line, without credentials."""


class StillError(Exception):
    """No picture could be taken; the message is one line, without credentials."""

    def __init__(self, message: str, *, timed_out: bool = False) -> None:
        super().__init__(message)
        self.timed_out = timed_out


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


class CameraTable(Protocol):
    """The user's table of cameras; only ever read."""

    async def connect(self, on_change: Callable[[], None]) -> None:
        """(Re)connect and listen for notifications; `on_change` is called for each, and when the connection breaks.

        Raises DatabaseError.
        """

    async def read(self) -> Sequence[Row]:
        """All rows. Raises DatabaseError; an empty table is an empty sequence."""

    async def close(self) -> None:
        """Let go of the connection; never raises."""


class Prober(Protocol):
    """Looks at a camera once."""

    @property
    def limit_s(self) -> float:
        """When a probe has surely ended by itself, in seconds."""

    async def probe(self, source: SourceUrl, options: CameraOptions) -> Media | ProbeFailure:
        """Bounded in time; a cancelled probe leaves nothing behind. What it returns is masked."""


class Publication(Protocol):
    """One camera that is being published."""

    @property
    def pid(self) -> int | None:
        """The process that works for this camera alone, where there is one: its cost is measured."""

    @property
    def log(self) -> tuple[str, ...]:
        """The last lines that the engine wrote so far, masked, oldest first."""

    def excuse(self) -> Cause | None:
        """Why its silence says nothing about the camera, where the engine knows (its process is suspended)."""

    async def ended(self) -> Ending:
        """Wait until it has ended and nothing of it is left."""

    async def stop(self) -> None:
        """End it, escalating; returns when nothing of it is left. Harmless when it has ended already."""


class Engine(Protocol):
    """Publishes cameras. Plans are cheap and pure; only `start` touches the world."""

    @property
    def name(self) -> str:
        """By which configuration and rows choose it."""

    @property
    def evidence(self) -> Evidence:
        """Who can tell that its media moves."""

    def cannot(self, camera: Camera, media: Media) -> str:
        """Why it cannot publish this camera, for the operator; empty when it can."""

    def plan(self, camera: Camera, media: Media, target: Target, *, lesser: bool = False) -> Plan:
        """How it would publish it. `lesser`: with less than the last time, which brought no media."""

    async def start(self, plan: Plan, on_advance: Callable[[Advance], None]) -> Publication:
        """Start publishing by a plan of its own; advances are reported within 0.2 s. Raises PublisherError."""


class StillCamera(Protocol):
    """Takes one picture of a stream."""

    async def take(self, invocation: Invocation) -> bytes:
        """A JPEG. Bounded in time; leaves no process behind. Raises StillError."""


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """The media server as seen by one check."""

    reachable: bool
    detail: str
    view: ServerView | None = None
    """What its control API tells; None when the API does not answer."""


class MediaServer(Protocol):
    """The media server that cameras are published to."""

    async def observe(self) -> ServerStatus:
        """Sweep over it once: is it there, and what does it see? Bounded in time, never raises."""

    async def close(self) -> None:
        """Let go of connections; never raises."""


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


class HostMeter(Protocol):
    """Measures the host."""

    def sample(self, pids: Sequence[int]) -> HostSample:
        """Blocking, for a thread; one call at a time. Processes that are gone are left out. Never raises."""


class StreamDirectory(Protocol):
    """One third-party server that tells which streams it has."""

    @property
    def server(self) -> StreamServer: ...

    async def collect(self) -> Collected:
        """One cycle: the list, and every stream's details. Bounded in time well below the interval; never raises."""

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


class ServiceManager(Protocol):
    """Who started the service (systemd), and wants to hear how it is."""

    @property
    def watchdog_interval_s(self) -> float | None:
        """How often to say that the service is alive, or None."""

    def ready(self) -> None: ...

    def reloading(self) -> None: ...

    def stopping(self) -> None: ...

    def alive(self) -> None: ...

    def status(self, text: str) -> None: ...
