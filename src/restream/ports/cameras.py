"""What cameras are read from and published by, as verbs: table, prober, engines."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from restream.domain.camera.camera import Camera
from restream.domain.camera.options import CameraOptions
from restream.domain.camera.urls import SourceUrl
from restream.domain.engine import Advance, Ending, Evidence, Media, Plan
from restream.domain.ffmpeg.invocation import Invocation
from restream.domain.life.cause import Cause
from restream.domain.look import Look
from restream.domain.server.target import Target

Row = Mapping[str, object]


class DatabaseError(Exception):
    """The camera table cannot be read now; the message is one line for the operator, without credentials."""


class PublisherError(Exception):
    """A publisher could not be started at all (no program, no memory, no process left)."""


class StillError(Exception):
    """No picture could be taken; the message is one line, without credentials."""

    def __init__(self, message: str, *, timed_out: bool = False) -> None:
        super().__init__(message)
        self.timed_out = timed_out


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

    def limit_s(self, options: CameraOptions) -> float:
        """When a probe of a row with these options has surely ended by itself, in seconds."""

    async def probe(self, source: SourceUrl, options: CameraOptions) -> Look:
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

    def leave(self) -> bytes | None:
        """Let it run on for the next program in this process, and follow it no more: by what `Engine.adopt` knows it
        again. None: it has ended."""


class Engine(Protocol):
    """Publishes cameras. Plans are cheap and pure; only `start` touches the world."""

    @property
    def name(self) -> str:
        """By which configuration and rows choose it."""

    @property
    def evidence(self) -> Evidence:
        """Who can tell that its media moves."""

    def cannot(self, camera: Camera, media: Media) -> Ending | None:
        """How publishing this camera would end before it begins; None when it can."""

    def plan(self, camera: Camera, media: Media, target: Target, *, lesser: bool = False) -> Plan:
        """How it would publish it. `lesser`: with less than the last time, which brought no media."""

    async def start(self, plan: Plan, on_advance: Callable[[Advance], None]) -> Publication:
        """Start publishing by a plan of its own; advances are reported within 0.2 s. Raises PublisherError."""

    async def adopt(self, plan: Plan, words: bytes, on_advance: Callable[[Advance], None]) -> Publication:
        """Follow one that `leave` has left; `plan`: as it would be started now. Raises PublisherError."""

    async def discard(self, words: bytes) -> None:
        """End one that was left; returns when nothing of it is left. Never raises."""


class StillCamera(Protocol):
    """Takes one picture of a stream."""

    async def take(self, invocation: Invocation) -> bytes:
        """A JPEG. Bounded in time; leaves no process behind. Raises StillError."""
