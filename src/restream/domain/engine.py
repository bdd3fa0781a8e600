"""What every engine shares: what a camera sends, how it is to be published, how that goes on, and how it ended.

An engine publishes cameras to a media server. What is particular to one (a command line, a process, an exit code) is
in its own room; life, judgement and renderings know these types alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from restream.domain.camera.options import Transport
from restream.domain.life.cause import Cause
from restream.domain.life.remedy import Remedy
from restream.domain.rtp.stream_report import StreamReport
from restream.domain.server.identity import DEFAULT_SERVER, ServerId


@dataclass(frozen=True, slots=True)
class VideoStream:
    """The camera's video; width and height in pixels, 0 where the camera does not tell, like fps None."""

    codec: str
    width: int
    height: int
    fps: float | None = None
    profile: str | None = None
    place: int = 0
    """Which of the camera's videos, in the order in which it describes them."""
    offered: tuple[str, ...] = ()
    """Codecs, where its description names several for this video, in the order of their lines; `codec` is preferred."""


@dataclass(frozen=True, slots=True)
class AudioStream:
    """The camera's sound."""

    codec: str
    sample_rate_hz: int
    channels: int
    adts: bool = False
    """AAC whose frames bring their configuration along, as in MPEG-TS; elsewhere it stands ahead of them."""
    place: int = 0
    """Which of the camera's sounds, in the order in which it describes them."""
    offered: tuple[str, ...] = ()
    """As of a video."""


@dataclass(frozen=True, slots=True)
class Media:
    """What a camera sends that answered a probe with video."""

    video: VideoStream
    audio: AudioStream | None = None
    login: tuple[str, ...] = ()
    """Ways to log in that the camera offers, in its order: `Basic`, `MD5`, `SHA-256` …; none: it asked for no login,
    or whoever looked cannot tell."""
    reconnects: bool = False
    """It closes the connection before it has described itself: whoever goes on needs another one."""


@dataclass(frozen=True, slots=True)
class ProbeFailure:
    """A camera that could not be probed; `detail` is the deciding line, masked once it leaves the prober."""

    cause: Cause
    detail: str


class Shown(NamedTuple):
    """What a plan says of itself to people, masked: the command, where there is one, and what that reads."""

    command: tuple[str, ...] = ()
    stdin: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How one camera is published. Two plans are equal when nothing would have to be started anew."""

    engine: str
    """Name of the engine that made it, and can start it."""
    camera_id: str
    path: str
    server: ServerId = DEFAULT_SERVER
    transport: Transport = Transport.RTSP
    """How the stream reaches the media server."""
    video: str = ""
    """Codec."""
    audio: str = "none"
    """`copy`, `aac` or `none`."""
    reasons: tuple[str, ...] = ()
    """Why each choice was made, for the operator."""
    has_lesser: bool = False
    """A plan with less (without sound) may bring media where this one brings none."""
    fetched: bool = False
    """The media server fetches the camera itself: that its path has a source of its own is by this plan."""

    @property
    def shown(self) -> Shown:
        """What `explain` and the API show of it."""
        return Shown()


class Evidence(StrEnum):
    """Who can tell that media moves."""

    ENGINE = "engine"
    """The engine reports every advance."""
    SERVER = "server"
    """Only the media server's byte counter tells."""


class Advance(NamedTuple):
    """One report of a publication. Figures are None where its engine cannot tell them."""

    moved: bool
    """Whether media has come further than ever before in this publication."""
    frame: int | None = None
    out_time_us: int | None = None
    """Media time, in µs."""
    total_size_bytes: int | None = None
    fps: float | None = None
    speed: float | None = None
    """Media time per wall time; 1 is live."""
    dup_frames: int | None = None
    drop_frames: int | None = None
    finished: bool = False
    idle: bool = False
    """Nothing is to move: nobody asks for it. One that is not, and did not move, after one that is: somebody asks."""
    stream: StreamReport | None = None
    """What the packets of the camera tell, of an engine that sees them."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a publication ended, had nobody asked for it. Every ending is a failure unless it was asked for."""

    cause: Cause
    detail: str
    """The line that decided, masked."""
    log: tuple[str, ...] = ()
    """The last lines the engine wrote, masked, oldest first."""
    unsendable: str = ""
    """What the engine said of media that it could not hand to the server, however it ended; masked."""
    remedy: Remedy | None = None
    """What the engine gave up at, where others would not."""
