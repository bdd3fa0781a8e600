"""The RTSP side of the stand-in server: connections that publish or read, and the paths between them."""

from __future__ import annotations

import asyncio
import re
import time
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Literal, Protocol

from restream.demo.credentials import basic_ok
from restream.demo.delivery import Delivery, TransportOffer, parse_transport
from restream.demo.rtp import OutgoingPacket
from restream.demo.rtsp import Frame, Request, RtspConnection
from restream.demo.sdp import SdpError, SdpTrack, sdp_tracks, with_numbered_controls
from restream.demo.sink_faults import REFUSALS, SinkFault

_PUBLIC = "DESCRIBE, ANNOUNCE, SETUP, PLAY, RECORD, PAUSE, GET_PARAMETER, TEARDOWN"
_CHALLENGE = {"WWW-Authenticate": 'Basic realm="ipcam"'}


class ConnectionOwner(Protocol):
    """The server, as its connections see it."""

    paths: dict[str, LivePath]
    connections: set[SinkConnection]
    publish_user: str | None
    publish_password: str | None
    override_publisher: bool
    auth_failure_delay_s: float
    max_backlog_bytes: int
    on_packet: Callable[[str, int, bytes], None] | None

    @property
    def fault(self) -> SinkFault:
        """What goes wrong now."""

    def accepts(self, path: str) -> bool:
        """Whether a path may be published."""


class LivePath:
    """A published path; it lives as long as its publisher."""

    def __init__(self, name: str, publisher: SinkConnection) -> None:
        self.name = name
        self.publisher = publisher
        self.readers: set[SinkConnection] = set()
        self.since = datetime.now(UTC)
        self.inbound_bytes = 0
        self.outbound_bytes = 0

    def fan_out(self, track: int, is_rtcp: bool, packet: bytes) -> None:
        """Count a packet from the publisher and send it to every reader."""
        self.inbound_bytes += len(packet)
        for reader in self.readers:
            self.outbound_bytes += reader.send(track, is_rtcp, packet)


class SinkConnection(RtspConnection):
    """One client, which is one session: idle, publishing or reading."""

    def __init__(self, server: ConnectionOwner) -> None:
        super().__init__()
        self._server = server
        self.id = str(uuid.uuid4())
        self._session = uuid.uuid4().hex
        self.created_at = datetime.now(UTC)
        self.path = ""
        self.query = ""
        self.user = ""
        self.user_agent = ""
        self.sdp = ""
        self.tracks: list[SdpTrack] = []
        self.inbound_bytes = self.inbound_packets = 0
        self.outbound_bytes = self.outbound_packets = 0
        self.last_packet_at_s = time.monotonic()
        self._channels: dict[int, tuple[int, bool]] = {}
        self._refusal: asyncio.TimerHandle | None = None
        self._live: LivePath | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has connected."""
        super().connection_made(transport)
        self.delivery = Delivery(self.transport, max_backlog_bytes=self._server.max_backlog_bytes)
        self._server.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone, and with it what it published or read."""
        self._server.connections.discard(self)
        if self._refusal:
            self._refusal.cancel()
        self.leave()
        self.delivery.close()
        super().connection_lost(exc)

    def leave(self) -> None:
        """End publishing (which ends the path and its readers) or reading."""
        path, self._live = self._live, None
        if path is None:
            return
        path.readers.discard(self)
        if path.publisher is self:
            del self._server.paths[path.name]
            for reader in tuple(path.readers):
                reader.close()

    def close(self) -> None:
        """End it at once."""
        self.leave()
        self.transport.abort()

    @property
    def state(self) -> Literal["idle", "publish", "read"]:
        """What the client does now."""
        if self._live is None:
            return "idle"
        return "publish" if self._live.publisher is self else "read"

    def send(self, track: int, is_rtcp: bool, packet: bytes) -> int:
        """Send a packet to a reader; returns the bytes accepted."""
        sent_bytes = self.delivery.send([OutgoingPacket(track, is_rtcp, packet)])
        self.outbound_bytes += sent_bytes
        self.outbound_packets += bool(sent_bytes)
        return sent_bytes

    def on_frame(self, frame: Frame) -> None:
        """A packet from a publisher; other frames are of no interest."""
        place = self._channels.get(frame.channel)
        if self._live is None or self._live.publisher is not self or place is None:
            return
        self.last_packet_at_s = time.monotonic()
        self.inbound_bytes += len(frame.payload)
        self.inbound_packets += 1
        self._live.fan_out(*place, frame.payload)
        if self._server.on_packet and not place[1]:
            self._server.on_packet(self.path, place[0], frame.payload)

    def on_request(self, request: Request) -> None:
        """Answer one request, or not, as the fault of the server has it."""
        if self._refusal:
            return
        self.user_agent = request.headers.get("user-agent", self.user_agent)
        match request.method:
            case "OPTIONS":
                self.reply(request, 200, {"Public": _PUBLIC})
            case "GET_PARAMETER" | "SET_PARAMETER" | "PAUSE":
                self._answer(request, 200)
            case "ANNOUNCE":
                self._announce(request)
            case "DESCRIBE":
                self._describe(request)
            case "SETUP":
                self._setup(request)
            case "RECORD":
                self._record(request)
            case "PLAY":
                self._play(request)
            case "TEARDOWN":
                self._answer(request, 200)
                self.leave()
                self.transport.close()
            case _:
                self._answer(request, 501)

    def reply(self, request: Request, status: int, headers: Mapping[str, str] | None = None, body: bytes = b"") -> None:
        """Send an answer that names the stand-in as its server."""
        super().reply(request, status, {"Server": "stand-in", **(headers or {})}, body)

    def _answer(self, request: Request, status: int, headers: dict[str, str] | None = None) -> None:
        self.reply(request, status, {"Session": f"{self._session};timeout=55", **(headers or {})})

    def _announce(self, request: Request) -> None:
        server = self._server
        if server.fault is SinkFault.HANG_ANNOUNCE:
            return
        if refused := REFUSALS.get(server.fault):
            self.reply(request, refused, _CHALLENGE if refused == 401 else None)
            return
        if server.publish_user is not None and not self._authorized(request, server.publish_user):
            return
        try:
            self.sdp = request.body.decode()
            self.tracks = sdp_tracks(self.sdp)
        except (SdpError, UnicodeDecodeError):
            self.tracks = []
        readable = self.tracks and all(map(_can_be_read, self.tracks))
        if not readable or self.state != "idle" or not server.accepts(request.path):
            self.reply(request, 400)
            self.transport.close()
            return
        self.path, self.query = request.path, request.query
        self.reply(request, 200)

    def _authorized(self, request: Request, user: str) -> bool:
        authorization = request.headers.get("authorization", "")
        if basic_ok(authorization, user, self._server.publish_password or ""):
            self.user = user
            return True
        if authorization:
            delay_s = self._server.auth_failure_delay_s
            self._refusal = asyncio.get_running_loop().call_later(delay_s, self._refuse, request)
        else:
            self.reply(request, 401, _CHALLENGE)
        return False

    def _refuse(self, request: Request) -> None:
        self.reply(request, 401)
        self.transport.close()

    def _describe(self, request: Request) -> None:
        path = self._server.paths.get(request.path)
        if path is None:
            self.reply(request, 404 if self._server.accepts(request.path) else 400)
            return
        headers = {"Content-Base": request.uri.partition("?")[0].rstrip("/") + "/", "Content-Type": "application/sdp"}
        self.reply(request, 200, headers, with_numbered_controls(path.publisher.sdp).encode())

    def _setup(self, request: Request) -> None:
        offer = parse_transport(request.headers.get("transport", ""))
        if offer is None:
            self._answer(request, 461)
        elif self.tracks:  # it has announced
            self._setup_publisher(request, offer)
        else:
            self._setup_reader(request, offer)

    def _setup_publisher(self, request: Request, offer: TransportOffer) -> None:
        track = self._announced_track(request)
        if offer.channels is None:
            self._answer(request, 461)
        elif track is None:
            self._answer(request, 400)
        elif offer.channels[1] != offer.channels[0] + 1 or self._channels.keys() & set(offer.channels):
            self.reply(request, 400)
            self.transport.close()
        else:
            first, second = offer.channels
            self._channels |= {first: (track, False), second: (track, True)}
            self._answer(request, 200, {"Transport": f"RTP/AVP/TCP;unicast;interleaved={first}-{second}"})

    def _setup_reader(self, request: Request, offer: TransportOffer) -> None:
        name = re.sub(r"/?streamid=\d+$", "", request.path)
        path = self._server.paths.get(name)
        if path is None or request.track is None or request.track >= len(path.publisher.tracks):
            self._answer(request, 404 if path is None else 400)
            return
        self.path, self.query = name, request.query
        try:
            self._answer(request, 200, {"Transport": self.delivery.add(request.track, offer)})
        except OSError:  # out of UDP ports
            self._answer(request, 503)

    def _announced_track(self, request: Request) -> int | None:
        for index, track in enumerate(self.tracks):
            if track.control and request.uri.endswith(track.control):
                return index
        return request.track if request.track is not None and request.track < len(self.tracks) else None

    def _record(self, request: Request) -> None:
        server = self._server
        if not self._channels or self.state != "idle":
            self._answer(request, 400)
            return
        if taken := server.paths.get(self.path):
            if not server.override_publisher:
                self._answer(request, 400)
                self.transport.close()
                return
            taken.publisher.close()
        self.last_packet_at_s = time.monotonic()
        self._live = server.paths[self.path] = LivePath(self.path, self)
        self._answer(request, 200)
        if server.fault is SinkFault.STOP_READING:
            self.transport.pause_reading()

    def _play(self, request: Request) -> None:
        path = self._server.paths.get(self.path)
        if path is None or not self.delivery.tracks or self.state == "publish":
            self._answer(request, 454)
            return
        self._answer(request, 200, {"Range": "npt=0.000-"})
        self._live = path
        path.readers.add(self)


def _can_be_read(track: SdpTrack) -> bool:
    """gortsplib refuses packetization mode 0, which no mode means too."""
    return track.encoding != "H264" or track.fmtp.get("packetization-mode", "0") != "0"
