"""Stand-in for MediaMTX in demos and tests: RTSP publishers and readers, and the part of the control API we read.

Answers, codes and field names follow MediaMTX v1.20. Not hardened, not fast, not for production.
"""

import asyncio
import logging
import re
import time
import uuid
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Self, TypeVar

from aiohttp import web

from restream.demo.rtp import Delivery, RtpError, SdpTrack, sdp_sections, sdp_tracks
from restream.demo.rtsp import Frame, Request, RtspConnection, basic_login, basic_ok, parse_transport

_PATH_NAME = re.compile(r"[0-9a-zA-Z_\-/.]+")
_CODECS = {"H264": "H264", "H265": "H265", "MPEG4-GENERIC": "MPEG-4 Audio", "PCMA": "G711", "PCMU": "G711"}
_PUBLIC = "DESCRIBE, ANNOUNCE, SETUP, PLAY, RECORD, PAUSE, GET_PARAMETER, TEARDOWN"
_SERVER = {"Server": "stand-in"}

T = TypeVar("T")

logger = logging.getLogger(__name__)


class SinkFault(StrEnum):
    """What goes wrong at the media server; publishers that are already live go on, except under STOP_READING."""

    NONE = "none"
    REFUSE_401 = "refuse_401"
    REFUSE_400 = "refuse_400"
    REFUSE_503 = "refuse_503"
    HANG_ANNOUNCE = "hang_announce"
    STOP_READING = "stop_reading"
    API_HANG = "api_hang"


_REFUSALS = {SinkFault.REFUSE_401: 401, SinkFault.REFUSE_400: 400, SinkFault.REFUSE_503: 503}


def _now() -> str:
    return datetime.now(UTC).isoformat()


class _Path:
    """A published path; it lives as long as its publisher."""

    def __init__(self, name: str, publisher: "_Connection") -> None:
        self.name = name
        self.publisher = publisher
        self.readers: set[_Connection] = set()
        self.since = _now()
        self.inbound_bytes = 0
        self.outbound_bytes = 0

    def fan_out(self, track: int, is_rtcp: bool, packet: bytes) -> None:
        self.inbound_bytes += len(packet)
        for reader in self.readers:
            self.outbound_bytes += reader.send(track, is_rtcp, packet)


class _Connection(RtspConnection):
    """One client, which is one session: idle, publishing or reading."""

    def __init__(self, server: "StandInServer") -> None:
        super().__init__()
        self._server = server
        self.id = str(uuid.uuid4())
        self.session = uuid.uuid4().hex
        self.created = _now()
        self.state = "idle"
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
        self._live: _Path | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.delivery = Delivery(self.transport, max_backlog_bytes=self._server.max_backlog_bytes)
        self._server.admit(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._server.forget(self)
        if self._refusal:
            self._refusal.cancel()
        self.leave()
        self.delivery.close()

    def leave(self) -> None:
        """End publishing (which ends the path and its readers) or reading."""
        path, self._live = self._live, None
        if path is None:
            return
        self.state = "idle"
        path.readers.discard(self)
        if path.publisher is self:
            if self._server.paths.get(path.name) is path:
                del self._server.paths[path.name]
            for reader in tuple(path.readers):
                reader.close()

    def close(self) -> None:
        self.leave()
        self.transport.abort()

    @property
    def remote(self) -> str:
        peer = self.transport.get_extra_info("peername") or ("", 0)
        return f"{peer[0]}:{peer[1]}"

    @property
    def carrier(self) -> str | None:
        if self.state == "idle":
            return None
        return "TCP" if self.state == "publish" or self.delivery.is_tcp else "UDP"

    def send(self, track: int, is_rtcp: bool, packet: bytes) -> int:
        sent_bytes = self.delivery.send([(track, is_rtcp, packet)])
        self.outbound_bytes += sent_bytes
        self.outbound_packets += bool(sent_bytes)
        return sent_bytes

    def on_frame(self, frame: Frame) -> None:
        place = self._channels.get(frame.channel)
        if self.state != "publish" or self._live is None or place is None:
            return
        self.last_packet_at_s = time.monotonic()
        self.inbound_bytes += len(frame.payload)
        self.inbound_packets += 1
        self._live.fan_out(*place, frame.payload)
        if self._server.on_packet and not place[1]:
            self._server.on_packet(self.path, place[0], frame.payload)

    def on_request(self, request: Request) -> None:
        if self._refusal:
            return
        self.user_agent = request.headers.get("user-agent", self.user_agent)
        match request.method:
            case "OPTIONS":
                self.reply(request, 200, {"Public": _PUBLIC, **_SERVER})
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

    def _answer(self, request: Request, status: int, headers: dict[str, str] | None = None) -> None:
        self.reply(request, status, {**_SERVER, "Session": f"{self.session};timeout=55", **(headers or {})})

    def _announce(self, request: Request) -> None:
        server = self._server
        if server.fault is SinkFault.HANG_ANNOUNCE:
            return
        if refused := _REFUSALS.get(server.fault):
            challenge = {"WWW-Authenticate": 'Basic realm="ipcam"'} if refused == 401 else {}
            self.reply(request, refused, {**_SERVER, **challenge})
            return
        if server.publish_user is not None and not self._authorized(request, server.publish_user):
            return
        try:
            self.sdp = request.body.decode()
            self.tracks = sdp_tracks(self.sdp)
        except (RtpError, UnicodeDecodeError):
            self.tracks = []
        if not self.tracks or self.state != "idle" or not server.accepts(request.path):
            self.reply(request, 400, _SERVER)
            self.transport.close()
            return
        self.path, self.query = request.path, request.query
        self.reply(request, 200, _SERVER)

    def _authorized(self, request: Request, user: str) -> bool:
        authorization = request.headers.get("authorization", "")
        if basic_ok(authorization, user, self._server.publish_password or ""):
            self.user = basic_login(authorization)
            return True
        if not authorization:
            self.reply(request, 401, {**_SERVER, "WWW-Authenticate": 'Basic realm="ipcam"'})
        else:
            loop = asyncio.get_running_loop()
            self._refusal = loop.call_later(self._server.auth_failure_delay_s, self._refuse, request)
        return False

    def _refuse(self, request: Request) -> None:
        self.reply(request, 401, _SERVER)
        self.transport.close()

    def _describe(self, request: Request) -> None:
        path = self._server.paths.get(request.path)
        if path is None:
            self.reply(request, 404 if self._server.accepts(request.path) else 400, _SERVER)
            return
        head, sections = sdp_sections(path.publisher.sdp)
        body = head
        for index, section in enumerate(sections):
            body += re.sub(r"a=control:.*\r\n", "", section) + f"a=control:streamid={index}\r\n"
        base = request.uri.partition("?")[0].rstrip("/") + "/"
        self.reply(request, 200, {**_SERVER, "Content-Base": base, "Content-Type": "application/sdp"}, body.encode())

    def _setup(self, request: Request) -> None:
        offer = parse_transport(request.headers.get("transport", ""))
        if offer is None:
            self._answer(request, 461)
        elif self.tracks:  # it has announced
            track = self._announced_track(request)
            if offer.channels is None:
                self._answer(request, 461)
            elif track is None:
                self._answer(request, 400)
            else:
                first, second = offer.channels
                self._channels |= {first: (track, False), second: (track, True)}
                self._answer(request, 200, {"Transport": f"RTP/AVP/TCP;unicast;interleaved={first}-{second}"})
        else:
            name = re.sub(r"/?streamid=\d+$", "", request.path)
            path = self._server.paths.get(name)
            if path is None or request.track is None or request.track >= len(path.publisher.tracks):
                self._answer(request, 404 if path is None else 400)
                return
            self.path, self.query = name, request.query
            try:
                self._answer(request, 200, {"Transport": self.delivery.add(request.track, offer)})
            except OSError:
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
        taken = server.paths.get(self.path)
        if taken and not server.override_publisher:
            self._answer(request, 400)
            self.transport.close()
            return
        if taken:
            taken.publisher.close()
        self.state = "publish"
        self.last_packet_at_s = time.monotonic()
        self._live = server.paths[self.path] = _Path(self.path, self)
        self._answer(request, 200)
        if server.fault is SinkFault.STOP_READING:
            self.transport.pause_reading()

    def _play(self, request: Request) -> None:
        path = self._server.paths.get(self.path)
        if path is None or not self.delivery.tracks or self.state == "publish":
            self._answer(request, 454)
            return
        self._answer(request, 200, {"Range": "npt=0.000-"})
        self.state = "read"
        self._live = path
        path.readers.add(self)


class StandInServer:
    """The server; restartable on the same ports. `fault` may be set at any time."""

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        rtsp_port: int = 0,
        api_port: int = 0,
        publish_user: str | None = None,
        publish_password: str | None = None,
        known_paths: Collection[str] | None = None,
        override_publisher: bool = True,
        version: str = "stand-in",
        read_timeout_s: float = 10.0,
        auth_failure_delay_s: float = 0.3,
        max_backlog_bytes: int = 1 << 20,
        on_packet: Callable[[str, int, bytes], None] | None = None,
    ) -> None:
        self.host = host
        self.rtsp_port = rtsp_port
        self.api_port = api_port
        self.publish_user = publish_user
        self.publish_password = publish_password
        self.known_paths = None if known_paths is None else frozenset(known_paths)
        self.override_publisher = override_publisher
        self.version = version
        self.read_timeout_s = read_timeout_s
        self.auth_failure_delay_s = auth_failure_delay_s
        self.max_backlog_bytes = max_backlog_bytes
        self.on_packet = on_packet
        self.paths: dict[str, _Path] = {}
        self.connections: set[_Connection] = set()
        self.started = ""
        self._fault = SinkFault.NONE
        self._api_answers = asyncio.Event()
        self._api_answers.set()
        self._all_closed = asyncio.Event()
        self._all_closed.set()
        self._listener: asyncio.Server | None = None
        self._runner: web.AppRunner | None = None
        self._sweep: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    @property
    def rtsp_url(self) -> str:
        return f"rtsp://{self.host}:{self.rtsp_port}"

    @property
    def api_url(self) -> str:
        return f"http://{self.host}:{self.api_port}"

    @property
    def fault(self) -> SinkFault:
        return self._fault

    @fault.setter
    def fault(self, fault: SinkFault) -> None:
        self._fault = fault
        for connection in self.connections:
            if connection.state == "publish" and not connection.transport.is_closing():
                connection.last_packet_at_s = time.monotonic()
                if fault is SinkFault.STOP_READING:
                    connection.transport.pause_reading()
                elif not connection.transport.is_reading():
                    connection.transport.resume_reading()
        if fault is SinkFault.API_HANG:
            self._api_answers.clear()
        else:
            self._api_answers.set()

    async def start(self) -> None:
        if self._listener is not None:
            return
        loop = asyncio.get_running_loop()
        self.started = _now()
        self._listener = await loop.create_server(
            lambda: _Connection(self), self.host, self.rtsp_port, reuse_address=True, backlog=1024
        )
        self.rtsp_port = self._listener.sockets[0].getsockname()[1]
        self._runner = web.AppRunner(self._application(), access_log=None, handle_signals=False, shutdown_timeout=0.1)
        try:
            await self._runner.setup()
            await web.TCPSite(self._runner, self.host, self.api_port, reuse_address=True).start()
        except BaseException:
            await self.stop()
            raise
        self.api_port = self._runner.addresses[0][1]
        self._sweep = loop.call_later(0.5, self._close_silent_publishers)
        logger.warning(
            "Stand-in media server on %s (control API %s): a demo and test double, not for production",
            self.rtsp_url,
            self.api_url,
        )

    async def stop(self) -> None:
        """Close the listeners and every connection; the ports are remembered for the next `start`."""
        listener, self._listener = self._listener, None
        runner, self._runner = self._runner, None
        if self._sweep:
            self._sweep.cancel()
        if listener:
            listener.close()
        for connection in tuple(self.connections):
            connection.close()
        if runner:
            await runner.cleanup()
        if listener:
            await listener.wait_closed()
        await self._all_closed.wait()

    def admit(self, connection: _Connection) -> None:
        self.connections.add(connection)
        self._all_closed.clear()

    def forget(self, connection: _Connection) -> None:
        self.connections.discard(connection)
        if not self.connections:
            self._all_closed.set()

    def accepts(self, path: str) -> bool:
        """Whether `path` is a valid name and, where paths are listed, one of them."""
        valid = _PATH_NAME.fullmatch(path) and not {"", ".", ".."} & set(path.split("/"))
        return bool(valid) and (self.known_paths is None or path in self.known_paths)

    def description(self, path: str) -> str | None:
        """SDP that the publisher of `path` announced."""
        live = self.paths.get(path)
        return live.publisher.sdp if live else None

    def _close_silent_publishers(self) -> None:
        self._sweep = asyncio.get_running_loop().call_later(0.5, self._close_silent_publishers)
        if self._fault is SinkFault.STOP_READING:
            return
        oldest_s = time.monotonic() - self.read_timeout_s
        for path in tuple(self.paths.values()):
            if path.publisher.last_packet_at_s < oldest_s:
                path.publisher.close()

    def _application(self) -> web.Application:
        application = web.Application(middlewares=[self._gate])
        application.add_routes(
            [
                web.get("/v3/info", self._info),
                web.get("/v3/paths/list", self._list_paths),
                web.get("/v3/paths/get/{name:.+}", self._get_path),
                web.get("/v3/rtspsessions/list", self._list_sessions),
                web.post("/v3/rtspsessions/kick/{id}", self._kick),
                web.route("*", "/{rest:.*}", _not_here),
            ]
        )
        return application

    @web.middleware
    async def _gate(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        await self._api_answers.wait()
        return await handler(request)

    async def _info(self, _: web.Request) -> web.Response:
        return web.json_response({"version": self.version, "started": self.started})

    async def _list_paths(self, request: web.Request) -> web.Response:
        names = sorted(self.paths.keys() | (self.known_paths or frozenset()))
        return _page(request, names, lambda name: _path_item(name, self.paths.get(name), self.known_paths))

    async def _get_path(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        path = self.paths.get(name)
        if path is None and name not in (self.known_paths or ()):
            return _error(404, "path not found")
        return web.json_response(_path_item(name, path, self.known_paths))

    async def _list_sessions(self, request: web.Request) -> web.Response:
        sessions = (each for each in self.connections if each.path)
        return _page(request, sorted(sessions, key=lambda each: each.created), _session_item)

    async def _kick(self, request: web.Request) -> web.Response:
        with suppress(ValueError):
            wanted = str(uuid.UUID(request.match_info["id"]))
            for connection in self.connections:
                if connection.id == wanted:
                    connection.close()
                    return web.json_response({"status": "ok"})
            return _error(404, "session not found")
        return _error(400, "invalid session id")


async def _not_here(_: web.Request) -> web.Response:
    return web.Response(status=404, text="404 page not found", content_type="text/plain")


def _error(status: int, message: str) -> web.Response:
    return web.json_response({"status": "error", "error": message}, status=status)


def _page(request: web.Request, items: list[T], render: Callable[[T], dict[str, Any]]) -> web.Response:
    page, per_page = request.query.get("page", "0"), request.query.get("itemsPerPage", "100")
    if not re.fullmatch(r"\d{1,9} \d{1,9}", f"{page} {per_page}", re.ASCII):
        return _error(400, "page and itemsPerPage must be numbers")
    size = int(per_page)
    if size == 0:
        return _error(400, "invalid items per page")
    start = int(page) * size
    body = {
        "itemCount": len(items),
        "pageCount": -(-len(items) // size),
        "items": [render(item) for item in items[start : start + size]],
    }
    return web.json_response(body)


def _path_item(name: str, path: _Path | None, known: Collection[str] | None) -> dict[str, Any]:
    live, since = path is not None, path.since if path else None
    tracks = path.publisher.tracks if path else []
    inbound, outbound = (path.inbound_bytes, path.outbound_bytes) if path else (0, 0)
    return {
        "name": name,
        "confName": "all_others" if known is None else name,
        "ready": live,
        "readyTime": since,
        "available": live,
        "availableTime": since,
        "online": live,
        "onlineTime": since,
        "source": {"type": "rtspSession", "id": path.publisher.id} if path else None,
        "tracks": [_codec(track) for track in tracks],
        "tracks2": [{"codec": _codec(track), "codecProps": _codec_properties(track)} for track in tracks],
        "readers": [{"type": "rtspSession", "id": reader.id} for reader in path.readers] if path else [],
        "inboundBytes": inbound,
        "outboundBytes": outbound,
        "inboundFramesInError": 0,
        "bytesReceived": inbound,
        "bytesSent": outbound,
    }


def _codec(track: SdpTrack) -> str:
    return _CODECS.get(track.encoding, track.encoding)


def _codec_properties(track: SdpTrack) -> dict[str, Any] | None:
    """Dimensions stay 0: they are in the parameter sets, which we do not decode."""
    if track.media == "audio":
        properties: dict[str, Any] = {"sampleRate": track.clock_rate, "channelCount": track.channels}
        if _codec(track) == "G711":
            properties["muLaw"] = track.encoding == "PCMU"
        return properties
    level = re.fullmatch(r"([0-9a-fA-F]{2})[0-9a-fA-F]{2}([0-9a-fA-F]{2})", track.fmtp.get("profile-level-id", ""))
    if track.encoding != "H264" or not level:
        return None
    profile = {66: "Baseline", 77: "Main", 100: "High"}.get(int(level[1], 16), "")
    return {"width": 0, "height": 0, "profile": profile, "level": f"{int(level[2], 16) / 10:g}"}


def _session_item(each: _Connection) -> dict[str, Any]:
    return {
        "id": each.id,
        "created": each.created,
        "remoteAddr": each.remote,
        "state": each.state,
        "path": each.path,
        "query": each.query,
        "user": each.user,
        "userAgent": each.user_agent,
        "transport": each.carrier,
        "profile": "AVP" if each.carrier else None,
        "conns": [each.id],
        "inboundBytes": each.inbound_bytes,
        "inboundRTPPackets": each.inbound_packets,
        "inboundRTPPacketsLost": 0,
        "inboundRTPPacketsInError": 0,
        "inboundRTPPacketsJitter": 0.0,
        "outboundBytes": each.outbound_bytes,
        "outboundRTPPackets": each.outbound_packets,
        "outboundRTPPacketsReportedLost": 0,
        "outboundRTPPacketsDiscarded": each.delivery.dropped_total,
        "bytesReceived": each.inbound_bytes,
        "bytesSent": each.outbound_bytes,
    }
