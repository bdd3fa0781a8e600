"""The part of MediaMTX's control API that we read, over the paths and connections of the stand-in server."""

import asyncio
import re
import uuid
from collections.abc import Awaitable, Callable, Collection
from datetime import datetime
from typing import Any, Protocol, TypeVar

from aiohttp import web

from restream.demo.rtsp_sink import LivePath, SinkConnection
from restream.demo.sdp import SdpTrack

_CODECS = {"MPEG4-GENERIC": "MPEG-4 Audio", "PCMA": "G711", "PCMU": "G711"}

T = TypeVar("T")


class ServedState(Protocol):
    """What the API tells of its server."""

    paths: dict[str, LivePath]
    connections: set[SinkConnection]
    known_paths: frozenset[str] | None
    started_at: datetime


class ControlApi:
    """The HTTP server; without `answers` being set it accepts requests and leaves them hanging."""

    def __init__(self, server: ServedState) -> None:
        self._server = server
        self._runner: web.AppRunner | None = None
        self.answers = asyncio.Event()
        self.answers.set()

    async def start(self, host: str, port: int) -> int:
        """Listen; returns the port, which is found when `port` is 0."""
        self._runner = web.AppRunner(self._application(), access_log=None, handle_signals=False, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port, reuse_address=True).start()
        found: int = self._runner.addresses[0][1]
        return found

    async def stop(self) -> None:
        """Close the listener and every connection."""
        runner, self._runner = self._runner, None
        if runner:
            await runner.cleanup()

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
        await self.answers.wait()
        return await handler(request)

    async def _info(self, _: web.Request) -> web.Response:
        return web.json_response({"version": "stand-in", "started": self._server.started_at.isoformat()})

    async def _list_paths(self, request: web.Request) -> web.Response:
        paths, known = self._server.paths, self._server.known_paths
        names = sorted(paths.keys() | (known or frozenset()))
        return _page(request, names, lambda name: _path_item(name, paths.get(name), known))

    async def _get_path(self, request: web.Request) -> web.Response:
        name, known = request.match_info["name"], self._server.known_paths
        path = self._server.paths.get(name)
        if path is None and name not in (known or ()):
            return _error(404, "path not found")
        return web.json_response(_path_item(name, path, known))

    async def _list_sessions(self, request: web.Request) -> web.Response:
        sessions = (each for each in self._server.connections if each.path)
        return _page(request, sorted(sessions, key=lambda each: each.created_at), _session_item)

    async def _kick(self, request: web.Request) -> web.Response:
        try:
            wanted = str(uuid.UUID(request.match_info["id"]))
        except ValueError:
            return _error(400, "invalid session id")
        for connection in self._server.connections:
            if connection.id == wanted:
                connection.close()
                return web.json_response({"status": "ok"})
        return _error(404, "session not found")


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


def _path_item(name: str, path: LivePath | None, known: Collection[str] | None) -> dict[str, Any]:
    live, since = path is not None, path.since.isoformat() if path else None
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


def _session_item(each: SinkConnection) -> dict[str, Any]:
    peer = each.transport.get_extra_info("peername") or ("", 0)
    idle, over_tcp = each.state == "idle", each.state == "publish" or each.delivery.is_tcp
    return {
        "id": each.id,
        "created": each.created_at.isoformat(),
        "remoteAddr": f"{peer[0]}:{peer[1]}",
        "state": each.state,
        "path": each.path,
        "query": each.query,
        "user": each.user,
        "userAgent": each.user_agent,
        "transport": None if idle else "TCP" if over_tcp else "UDP",
        "profile": None if idle else "AVP",
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
