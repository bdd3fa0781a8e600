"""What a conversation with a camera tells the one who carries its bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from restream.domain.rtsp.description import SessionDescription
from restream.domain.rtsp.failure import Failure
from restream.domain.rtsp.tracks import Choice, Track
from restream.domain.rtsp.url import RtspUrl


class Interleaved(NamedTuple):
    """Channels of one track inside a connection."""

    rtp: int
    rtcp: int


class PortPair(NamedTuple):
    """Ports of one track over UDP, of ours or of the camera's."""

    rtp: int
    rtcp: int


class Origin(NamedTuple):
    """Whence a track comes over UDP, as far as the camera has said."""

    ports: PortPair | None = None
    address: str = ""
    """Of IP; empty: the one to which we have connected."""


class MediaPacket(NamedTuple):
    """One RTP or RTCP packet of a track that is played."""

    track: int
    """Place in `Playing.tracks`."""
    is_rtcp: bool
    payload: bytes


@dataclass(frozen=True, slots=True)
class ConnectionWanted:
    """Close the connection there is, open one to `url.address` (TLS where `url.secure`), then call `connected`."""

    url: RtspUrl
    reason: str


@dataclass(frozen=True, slots=True)
class Described:
    """The camera has said what it sends."""

    choice: Choice
    description: SessionDescription


@dataclass(frozen=True, slots=True)
class SetUpOverUdp:
    """A track is to come to our ports; a firewall on the way may have to be opened from this side, before PLAY."""

    track: int
    """Place in `Playing.tracks`; one that was told before belongs to a session that is given up."""
    origin: Origin


@dataclass(frozen=True, slots=True)
class Playing:
    """Media is to come. `tracks` are those that were set up, `reasons` why others were not."""

    tracks: tuple[Track, ...]
    reasons: tuple[str, ...]
    session_timeout_s: float
    """The camera forgets the session when it hears nothing for so long; keep-alives are sent in time."""
    channels: tuple[Interleaved, ...] = ()
    """On which each track comes; over UDP, under which its packets may be framed."""
    over_udp: bool = False
    """Media come to our ports, instead of in the connection."""


@dataclass(frozen=True, slots=True)
class Announced:
    """The camera describes its media anew while they play; None: in words that cannot be read."""

    description: SessionDescription | None


@dataclass(frozen=True, slots=True)
class Failed:
    """The conversation is over; what `data_to_send` still has is a farewell. Close the connection."""

    failure: Failure


@dataclass(frozen=True, slots=True)
class Finished:
    """All that was wanted is done. Close the connection."""


RtspEvent = MediaPacket | ConnectionWanted | Described | SetUpOverUdp | Playing | Announced | Failed | Finished
"""Everything that is told."""
