"""`/ws`: first the whole picture, then what changed, cycle by cycle; one encoding for all who listen."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from aiohttp import WSCloseCode, WSMsgType, web
from msgspec import Raw

from restream.interfaces.documents.messages import DeltaDocument, SnapshotDocument
from restream.interfaces.documents.rendering import Rendering
from restream.interfaces.documents.streams import latest_streams
from restream.interfaces.documents.values import encode
from restream.interfaces.http.query import Query
from restream.ports.outlets import EventRecord

logger = logging.getLogger(__name__)

TOPICS = ("cameras", "status", "events", "host", "streams", "incidents")
DEFAULT_TOPICS = frozenset({"cameras", "status", "events"})
_FIRST_EVENTS = 100
_MOST_EVENTS = 1000
# A client that is this many messages behind is not reading: its own connection is better begun anew.
_MOST_BEHIND = 16
_SEND_LIMIT_S = 30.0
_PING_S = 20.0
_MOST_CLIENTS = 2000
MOST_GENERATION = 10**15 - 1

Events = Callable[[int, int], Sequence[EventRecord]]
"""The newest so many events after an id, oldest first."""

OpenIncidents = Callable[[], bytes]
"""JSON of the incidents that are open: the same object as long as nothing about them has changed."""


class _Client:
    def __init__(self, topics: frozenset[str], transport: asyncio.Transport | None) -> None:
        self.topics = topics
        self.transport = transport
        self.queue: asyncio.Queue[bytes | None] = asyncio.Queue(_MOST_BEHIND)

    def offer(self, message: bytes | None) -> bool:
        """False when the client is too far behind."""
        try:
            self.queue.put_nowait(message)
        except asyncio.QueueFull:
            return False
        return True


class Live:
    """All WebSocket clients: an outlet."""

    name = "websocket"

    def __init__(
        self, rendering: Callable[[], Rendering], events_after: Events, incidents: OpenIncidents = lambda: b"[]"
    ) -> None:
        self._rendering = rendering
        self._events_after = events_after
        self._incidents = incidents
        self._incidents_published: bytes | None = None
        self._clients: set[_Client] = set()
        self._published = 0
        self._host_published: object = None
        self._last_event_id = 0
        self._first_pictures: dict[frozenset[str], bytes] = {}
        """Of this cycle, by topics: after a restart of a proxy all pages come back at once."""

    @property
    def clients(self) -> int:
        """How many are connected."""
        return len(self._clients)

    def routes(self) -> list[web.RouteDef]:
        """`/ws`."""
        return [web.get("/ws", self.connect)]

    def publish(self, rendering: Rendering) -> None:
        """Hand a cycle to everybody, encoded once per set of topics."""
        self._first_pictures.clear()
        events = self._events_after(self._last_event_id, _MOST_EVENTS)
        host_is_new = rendering.host is not None and rendering.host is not self._host_published
        incidents = self._incidents()
        known = {
            name
            for name, new in (("host", host_is_new), ("incidents", incidents is not self._incidents_published))
            if not new
        }
        messages: dict[frozenset[str], bytes] = {}
        for client in list(self._clients):
            message = messages.get(client.topics)
            if message is None:
                message = messages[client.topics] = _delta(
                    rendering, self._published, client.topics - known, events, incidents
                )
            if not client.offer(message):
                self._drop(client)
        self._published = rendering.generation
        self._host_published = rendering.host
        self._incidents_published = incidents
        if events:
            self._last_event_id = events[-1].id

    async def run(self) -> None:
        """Every client has a task of its own."""

    def close(self) -> None:
        """The service ends: say so to everybody."""
        for client in list(self._clients):
            self._drop(client)

    async def connect(self, request: web.Request) -> web.StreamResponse:
        """Serve one client until it leaves."""
        query = Query(request.query).only("topics", "instance", "generation")
        topics = query.choices("topics", TOPICS) or DEFAULT_TOPICS
        known = query.number("generation", 0, MOST_GENERATION)
        if len(self._clients) >= _MOST_CLIENTS:
            raise web.HTTPServiceUnavailable(reason="too many clients are listening")
        socket = web.WebSocketResponse(heartbeat=_PING_S, compress=False, max_msg_size=4096)
        if not socket.can_prepare(request).ok:
            raise web.HTTPUpgradeRequired(
                reason="this is a WebSocket: connect with ws:// or wss://", headers={"Upgrade": "websocket"}
            )
        await socket.prepare(request)
        client = _Client(topics, request.transport)
        client.offer(self._first(topics, query.text("instance"), known))
        self._clients.add(client)
        sending = asyncio.create_task(self._send(socket, client), name="live client")
        try:
            # Nothing is expected from clients; reading notices that they leave.
            async for message in socket:
                if message.type is WSMsgType.ERROR:
                    break
        finally:
            self._clients.discard(client)
            sending.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await sending
        return socket

    def _first(self, topics: frozenset[str], instance: str | None, known: int) -> bytes:
        """What a new client gets: what it missed, when that can be told, else everything."""
        rendering = self._rendering()
        same = instance == rendering.status.instance
        events = self._events_after(0, _FIRST_EVENTS)
        # The next delta begins where the last one that was published ended.
        if same and rendering.complete_since <= known <= self._published:
            return _delta(rendering, known, topics, events, self._incidents())
        # What happens between this one and the next cycle is in that one's delta.
        picture = self._first_pictures.get(topics)
        if picture is None:
            picture = self._first_pictures[topics] = _snapshot(rendering, topics, events, self._incidents())
        return picture

    async def _send(self, socket: web.WebSocketResponse, client: _Client) -> None:
        try:
            while (message := await client.queue.get()) is not None:
                async with asyncio.timeout(_SEND_LIMIT_S):
                    await socket.send_frame(message, WSMsgType.TEXT)
            await socket.close(code=WSCloseCode.TRY_AGAIN_LATER, message=b"too slow, or the service ends")
        except (TimeoutError, ConnectionError):
            # Its buffers are full: a closing handshake would wait behind them.
            self._clients.discard(client)
            if client.transport is not None:
                client.transport.abort()

    def _drop(self, client: _Client) -> None:
        self._clients.discard(client)
        while not client.queue.empty():
            client.queue.get_nowait()
        client.offer(None)


def _snapshot(rendering: Rendering, topics: frozenset[str], events: Sequence[EventRecord], incidents: bytes) -> bytes:
    known = _topics(rendering, topics, events, incidents)
    if "cameras" in topics:
        known["cameras"] = _cameras(rendering, rendering.encoded)
    return encode(SnapshotDocument(*_head(rendering), **known))


def _delta(
    rendering: Rendering, after: int, topics: frozenset[str], events: Sequence[EventRecord], incidents: bytes
) -> bytes:
    known = _topics(rendering, topics, events, incidents)
    if "cameras" in topics:
        known["cameras"] = _cameras(rendering, rendering.changed_since(after))
        known["removed"] = rendering.removed_since(after)
    return encode(DeltaDocument(*_head(rendering), **known))


def _head(rendering: Rendering) -> tuple[str, int, str, float]:
    status = rendering.status
    return status.instance, status.generation, status.time, status.interval_s


def _cameras(rendering: Rendering, ids: Iterable[str]) -> Raw:
    """Cameras as they are encoded already."""
    return Raw(b"[" + b",".join([rendering.encoded[camera_id] for camera_id in ids]) + b"]")


def _topics(
    rendering: Rendering, topics: frozenset[str], events: Sequence[EventRecord], incidents: bytes
) -> dict[str, Any]:
    """What messages of both kinds have in common, as far as it was asked for."""
    known: dict[str, Any] = {}
    if "status" in topics:
        known["status"] = rendering.status
    if "events" in topics:
        known["events"] = events
    if "host" in topics:
        known["host"] = rendering.host
    if "streams" in topics:
        known["streams"] = latest_streams(rendering.snapshot.servers)
    if "incidents" in topics:
        known["incidents"] = Raw(incidents)
    return known
