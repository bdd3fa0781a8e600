"""`/ws`: first the whole picture, then what changed, cycle by cycle; one encoding for all who listen."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence

from aiohttp import WSCloseCode, WSMsgType, web

from restream.domain.access.caller import Caller, Role
from restream.interfaces.documents.confined import known_ids
from restream.interfaces.documents.rendering import Rendering
from restream.interfaces.http.auth import STILL_CALLER
from restream.interfaces.http.live_messages import FIRST_EVENTS, OpenIncidents, Part
from restream.interfaces.http.live_messages import delta_message as _delta
from restream.interfaces.http.live_messages import snapshot_message as _snapshot
from restream.interfaces.http.query import Query
from restream.interfaces.http.rights import caller_of
from restream.ports.outlets import EventRecord

logger = logging.getLogger(__name__)

TOPICS = ("cameras", "status", "events", "host", "streams", "incidents")
DEFAULT_TOPICS = frozenset({"cameras", "status", "events"})
_MOST_EVENTS = 1000
# A client that is this many messages behind is not reading: its own connection is better begun anew.
_MOST_BEHIND = 16
_SEND_LIMIT_S = 30.0
_PING_S = 20.0
_MOST_CLIENTS = 2000
MOST_GENERATION = 10**15 - 1

Events = Callable[[int, int], Sequence[EventRecord]]
"""The newest so many events after an id, oldest first."""

_Share = tuple[frozenset[str], frozenset[str] | None]
"""Topics and sites: who asks for the same gets the same message."""
_TOO_SLOW = (WSCloseCode.TRY_AGAIN_LATER, b"too slow, or the service ends")
_REFUSED = (WSCloseCode.POLICY_VIOLATION, b"log in again")


class _Client:
    def __init__(
        self,
        topics: frozenset[str],
        transport: asyncio.Transport | None,
        caller: Caller,
        still_caller: Callable[[], Caller | None],
    ) -> None:
        self.topics = topics
        self.caller = caller
        self._still_caller = still_caller
        self.transport = transport
        self.queue: asyncio.Queue[bytes | None] = asyncio.Queue(_MOST_BEHIND)
        self.refused = False

    @property
    def share(self) -> _Share:
        return self.topics, self.caller.sites

    def may_listen(self) -> bool:
        """Whether it is still who it was, and sees what it saw."""
        now = self._still_caller()
        return now is not None and now.may(Role.SEE) and now.sites == self.caller.sites

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
        self, rendering: Callable[[], Rendering], events_after: Events, incidents: OpenIncidents = lambda _: b"[]"
    ) -> None:
        self._rendering = rendering
        self._events_after = events_after
        self._incidents = incidents
        self._incidents_published: bytes | None = None
        self._clients: set[_Client] = set()
        self._published = 0
        self._host_published: object = None
        self._last_event_id = 0
        self._seen: dict[frozenset[str], frozenset[str]] = {}
        """Ids of the cameras that were shown lately to those who see these sites alone."""
        self._first_pictures: dict[_Share, bytes] = {}
        """Of this cycle: after a restart of a proxy all pages come back at once."""

    @property
    def clients(self) -> int:
        """How many are connected."""
        return len(self._clients)

    def routes(self) -> list[web.RouteDef]:
        """`/ws`."""
        return [web.get("/ws", self.connect)]

    def publish(self, rendering: Rendering) -> None:
        """Hand a cycle to everybody, encoded once per set of topics and sites."""
        self._first_pictures.clear()
        events = self._events_after(self._last_event_id, _MOST_EVENTS)
        host_is_new = rendering.host is not None and rendering.host is not self._host_published
        incidents = self._incidents(None)
        known = {
            name
            for name, new in (("host", host_is_new), ("incidents", incidents is not self._incidents_published))
            if not new
        }
        messages: dict[_Share, bytes] = {}
        seen: dict[frozenset[str], frozenset[str]] = {}
        for client in list(self._clients):
            if not client.may_listen():
                client.refused = True
                self._drop(client)
                continue
            sites = client.caller.sites
            if sites is not None and sites not in seen:
                seen[sites] = known_ids(client.caller, rendering.cameras.values())
            message = messages.get(client.share)
            if message is None:
                before = None if sites is None else self._seen.get(sites, frozenset())
                part = Part(rendering, client.caller, events, self._incidents, before)
                message = messages[client.share] = _delta(part, self._published, client.topics - known)
            if not client.offer(message):
                self._drop(client)
        self._seen = seen
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
        caller = caller_of(request)
        client = _Client(topics, request.transport, caller, request.get(STILL_CALLER, lambda: caller))
        client.offer(self._first(client, query.text("instance"), known))
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

    def _first(self, client: _Client, instance: str | None, known: int) -> bytes:
        """What a new client gets: what it missed, when that can be told, else everything."""
        rendering, caller = self._rendering(), client.caller
        same = instance == rendering.status.instance
        # The newest ones may all be of other sites.
        events = self._events_after(0, FIRST_EVENTS if caller.sites is None else _MOST_EVENTS)
        part = Part(rendering, caller, events, self._incidents)
        # The next delta begins where the last one that was published ended. What went is told by ids, which tell of no
        # site: who sees some alone gets everything.
        if same and rendering.complete_since <= known <= self._published and caller.sites is None:
            return _delta(part, known, client.topics)
        # What happens between this one and the next cycle is in that one's delta.
        picture = self._first_pictures.get(client.share)
        if picture is None:
            picture = self._first_pictures[client.share] = _snapshot(part, client.topics)
        if caller.sites is not None:
            shown = known_ids(caller, rendering.cameras.values())
            self._seen[caller.sites] = self._seen.get(caller.sites, frozenset()) | shown
        return picture

    async def _send(self, socket: web.WebSocketResponse, client: _Client) -> None:
        try:
            while (message := await client.queue.get()) is not None:
                async with asyncio.timeout(_SEND_LIMIT_S):
                    await socket.send_frame(message, WSMsgType.TEXT)
            code, why = _REFUSED if client.refused else _TOO_SLOW
            await socket.close(code=code, message=why)
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
