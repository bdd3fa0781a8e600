"""What a behaviour of a simulated camera is: one way in which it departs from an ordinary camera.

A camera has a row of them. In each question the first that has an answer decides; what changes something is applied
in order. They are values without a memory of their own: what happened before is in the camera and in the visit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from restream.demo.clips import Clip, ClipPacket
from restream.demo.credentials import IssuedNonces
from restream.demo.delivery import TransportOffer
from restream.demo.rtp import OutgoingPacket
from restream.demo.rtsp import Request
from restream.demo.sdp import SdpTrack

METHODS = ("OPTIONS", "DESCRIBE", "SETUP", "PLAY", "TEARDOWN", "GET_PARAMETER")


@dataclass(frozen=True, slots=True)
class CameraReply:
    """An answer of a camera; without a reason phrase it has the usual one. `closes`: the connection ends after it."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    reason: str = ""
    closes: bool = False

    def with_header(self, name: str, value: str | None) -> CameraReply:
        """The same with one header set, or removed by None."""
        kept = tuple(pair for pair in self.headers if pair[0].lower() != name.lower())
        return replace(self, headers=kept if value is None else (*kept, (name, value)))


@dataclass(slots=True)
class ConnectionRecord:
    """When one client came and went; seconds of the event loop's clock, None for what has not happened."""

    connected_at_s: float
    set_up_at_s: float | None = None
    torn_down_at_s: float | None = None
    closed_at_s: float | None = None
    methods: list[str] = field(default_factory=list)

    @property
    def session_ended_at_s(self) -> float | None:
        """TEARDOWN or the end of the connection."""
        return self.closed_at_s if self.torn_down_at_s is None else self.torn_down_at_s


class VisitedCamera(Protocol):
    """What a camera remembers, as its behaviours see it."""

    login: str | None
    password: str | None
    auth_failures_total: int
    nonces: IssuedNonces

    @property
    def connections(self) -> Sequence[ConnectionRecord]:
        """The connections so far, the oldest first."""


class Visit(Protocol):
    """One client at a camera, as the camera's behaviours see it."""

    @property
    def camera(self) -> VisitedCamera:
        """Whom the client visits."""

    @property
    def record(self) -> ConnectionRecord:
        """What this client has done so far."""

    @property
    def now_s(self) -> float:
        """The event loop's clock."""


class Behaviour:
    """An ordinary camera; each behaviour overrides what it does differently."""

    __slots__ = ()

    def answer(self, request: Request, visit: Visit) -> CameraReply | bytes | None:
        """What is said instead of the usual answer, also as raw bytes (none at all: silence)."""
        del request, visit
        return None

    def edit(self, request: Request, reply: CameraReply) -> CameraReply:
        """The answer as this camera gives it."""
        del request
        return reply

    def wire(self, answer: bytes, visit: Visit) -> bytes:
        """The bytes of an answer as they leave the camera."""
        del visit
        return answer

    def setup(self, offer: TransportOffer) -> TransportOffer:
        """The transport that is used instead of the one asked for."""
        return offer

    def clip(self, clip: Clip) -> Clip:
        """What is described and played instead."""
        return clip

    def silences(self, track: SdpTrack, played_s: float) -> bool:
        """Whether nothing of a track is sent, `played_s` after PLAY."""
        del track, played_s
        return False

    def withholds(self, track: SdpTrack, packet: ClipPacket, played_s: float) -> bool:
        """Whether this packet is never sent; sequence numbers show no gap."""
        del track, packet, played_s
        return False

    def deliver(self, packets: list[OutgoingPacket], played_s: float) -> list[OutgoingPacket]:
        """Numbered packets as they leave the camera: with gaps, in another order, with other clocks."""
        del played_s
        return packets

    def before_frame(self) -> bytes:
        """Bytes sent before each interleaved frame."""
        return b""

    def gives_up(self, idle_s: float) -> bool:
        """Whether a playing session is ended that has made no request for `idle_s`."""
        del idle_s
        return False
