"""Over what a camera sends: the transports that are tried, one after the other, and what it has said to each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from restream.domain.camera.options import RtspTransport
from restream.domain.rtsp.events import PortPair, SetUpOverUdp
from restream.domain.rtsp.media_session import MediaSession, parse_transport
from restream.domain.rtsp.tracks import Track
from restream.domain.rtsp.udp_transport import offer_over_udp, parse_over_udp


class PortSource(Protocol):
    """Whoever has ports of UDP."""

    def __call__(self, place: int) -> PortPair | str:
        """Those on which the track that is set up as number `place` may come; else why there are none."""


def no_ports(place: int) -> str:
    """Of somebody who only speaks."""
    return "nobody listens on UDP"


class TransportTries:
    """The one that is tried, those before it, and those that are left."""

    def __init__(self, order: Sequence[RtspTransport], ports: PortSource) -> None:
        """`order`: at least one, each TCP or UDP."""
        self.current, *self._left = order
        self._source = ports
        self._ports: tuple[PortPair, ...] = ()
        """Of each track, over UDP."""
        self._refusals: list[str] = []

    @property
    def is_last(self) -> bool:
        """There is no other one."""
        return not self._left

    @property
    def refused(self) -> bool:
        """It is not the first one."""
        return bool(self._refusals)

    def change(self, words: str) -> str:
        """Go on to the next one, since the camera has said so to this one; returns that for the operator."""
        self._refusals.append(f"over {self.current.upper()}: {words}")
        self.current, *self._left = self._left
        return f"received over {self.current.upper()}, since {self._refusals[-1]}"

    def all_refusals(self, words: str) -> str:
        """What the camera has said to the last one, and to those before."""
        return "; ".join((*self._refusals, f"over {self.current.upper()}: {words}")) if self._refusals else words

    def prepare(self, tracks: int) -> str | None:
        """Before so many tracks are set up; why that cannot be."""
        if self.current is not RtspTransport.UDP:
            return None
        found = [self._source(place) for place in range(tracks)]
        self._ports = tuple(each for each in found if not isinstance(each, str))
        why = next((each for each in found if isinstance(each, str)), None)
        return why and f"no ports to receive on over UDP: {why}"

    def offer(self, session: MediaSession) -> str:
        """`Transport` of the SETUP of the session's next track."""
        if self.current is RtspTransport.UDP:
            return offer_over_udp(self._ports[len(session.tracks)])
        rtp, rtcp = session.next_channels()
        return f"RTP/AVP/TCP;unicast;interleaved={rtp}-{rtcp}"

    def add(self, track: Track, header: str, session: MediaSession) -> SetUpOverUdp | str | None:
        """SETUP is answered with this `Transport`; what is to be told of it, or (a string) what is wrong with it."""
        asked = session.next_channels()
        origin, answered = None, asked
        if self.current is RtspTransport.UDP:
            origin = parse_over_udp(header)
            taken = origin is not None
        else:
            found = parse_transport(header, asked)
            answered, taken = found or asked, found is not None
        if not taken:
            return f"SETUP for {self.current.upper()} is answered with Transport: {header}"
        session.add(track, answered, asked)
        session.over_udp = origin is not None
        return None if origin is None else SetUpOverUdp(len(session.tracks) - 1, origin)
